package s3

import "testing"

func TestVirtualHosts(t *testing.T) {
	hosts := map[string]string{
		"127.0.0.1:4566":                     "",
		"localhost:4566":                     "",
		"reports.localhost:4566":             "reports",
		"reports.s3.localhost":               "reports",
		"s3.localhost":                       "",
		"reports.s3.amazonaws.com":           "reports",
		"a.b.s3.eu-west-1.amazonaws.com:443": "a.b",
		"s3.eu-west-1.amazonaws.com":         "",
	}
	for host, want := range hosts {
		if got := virtualBucket(host); got != want {
			t.Errorf("%s: %q, want %q", host, got, want)
		}
	}
}
