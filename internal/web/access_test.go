package web_test

import (
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"nightshift/internal/web"
)

const (
	scrapeWord  = "scrape-token-of-the-tests"
	operateWord = "operate-token-of-the-tests"
)

// token is a token as people give it: by the reference to a file.
func token(t testing.TB, word string) web.Token {
	t.Helper()
	file := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(file, []byte(word+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	read, err := web.ReadToken("file:"+file, nil)
	if err != nil {
		t.Fatal(err)
	}
	return read
}

func TestReadToken(t *testing.T) {
	short := filepath.Join(t.TempDir(), "short")
	if err := os.WriteFile(short, []byte("hunter2"), 0o600); err != nil {
		t.Fatal(err)
	}
	env := func(name string) string {
		return map[string]string{"NIGHTSHIFT_TOKEN": scrapeWord, "NIGHTSHIFT_WORDS": "two words of a token", "AWS_SECRET_ACCESS_KEY": "secret-secret-secret"}[name]
	}
	if read, err := web.ReadToken("env:NIGHTSHIFT_TOKEN", env); err != nil || read != token(t, scrapeWord) {
		t.Errorf("the token of the environment is not that of the file: %v", err)
	}
	if read, err := web.ReadToken("", env); err != nil || read != (web.Token{}) {
		t.Errorf("no reference is %v, %v", read, err)
	}
	for ref, want := range map[string]string{
		"env:AWS_SECRET_ACCESS_KEY": "NIGHTSHIFT_",
		"env:NIGHTSHIFT_ABSENT":     "is not set",
		"env:NIGHTSHIFT_WORDS":      "one word",
		"file:token":                "absolute",
		"file:/absent/token":        "no such file",
		"file:" + short:             "at least 16 characters",
		scrapeWord:                  "by reference",
		"ssm:/nightshift/token":     "by reference",
	} {
		_, err := web.ReadToken(ref, env)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want an error that says %q", ref, err, want)
		}
		for _, secret := range []string{scrapeWord, "hunter2", "secret-secret", "two words"} {
			if err != nil && strings.Contains(err.Error(), secret) {
				t.Errorf("%s: the error shows the token: %v", ref, err)
			}
		}
	}
}

func TestTokensAreNotPrinted(t *testing.T) {
	access := web.Access{Listen: "127.0.0.1:1", Scrape: token(t, scrapeWord)}
	if text := fmt.Sprintf("%v %+v %#v", access, access, access); strings.Contains(text, scrapeWord) {
		t.Errorf("%s shows the token", text)
	}
}

func TestAccessIsChecked(t *testing.T) {
	scrape, operate := token(t, scrapeWord), token(t, operateWord)
	proxy := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}
	for _, test := range []struct {
		name   string
		access web.Access
		want   string // in the error; empty where it may start
	}{
		{"this machine", web.Access{Listen: "127.0.0.1:19847"}, ""},
		{"this machine, by IPv6", web.Access{Listen: "[::1]:19847"}, ""},
		{"this machine, by name", web.Access{Listen: "localhost:19847"}, ""},
		{"this machine with tokens", web.Access{Listen: "127.0.0.1:19847", Scrape: scrape, Operate: operate}, ""},
		{"this machine with a name of its own", web.Access{Listen: "127.0.0.1:19847", Hosts: []string{"localhost"}}, ""},
		{"every address", web.Access{Listen: ":19847"}, "--scrape-token"},
		{"every address of IPv4", web.Access{Listen: "0.0.0.0:19847"}, "--scrape-token"},
		{"every address, to write only", web.Access{Listen: "0.0.0.0:19847", Operate: operate, TLS: true}, "--scrape-token"},
		{"every address without encryption", web.Access{Listen: "0.0.0.0:19847", Scrape: scrape}, "unencrypted"},
		{"every address with TLS", web.Access{Listen: "0.0.0.0:19847", Scrape: scrape, TLS: true}, ""},
		{"every address behind a proxy", web.Access{Listen: "0.0.0.0:19847", Scrape: scrape, Proxies: proxy}, ""},
		{"a proxy on this machine", web.Access{Listen: "127.0.0.1:19847", Proxies: proxy}, "--scrape-token"},
		{"a foreign name", web.Access{Listen: "127.0.0.1:19847", Hosts: []string{"nightshift.example.com"}}, "--host nightshift.example.com"},
		{"a foreign name without encryption", web.Access{Listen: "127.0.0.1:19847", Hosts: []string{"nightshift.example.com"}, Scrape: scrape}, "unencrypted"},
		{"one token for all", web.Access{Listen: "127.0.0.1:19847", Scrape: scrape, Operate: scrape}, "are the same"},
		{"no address", web.Access{}, "--listen"},
		{"no port", web.Access{Listen: "127.0.0.1"}, "--listen"},
	} {
		err := test.access.Check()
		switch {
		case err == nil && test.want != "":
			t.Errorf("%s: starts, want an error that says %q", test.name, test.want)
		case err != nil && (test.want == "" || !strings.Contains(err.Error(), test.want)):
			t.Errorf("%s: %v, want %q", test.name, err, test.want)
		}
	}
}
