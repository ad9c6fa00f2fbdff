package amazon_test

import (
	"bytes"
	"testing"

	"github.com/google/go-cmp/cmp"

	"nightshift/internal/amazon"
	"nightshift/internal/sandbox"
	"nightshift/internal/sandbox/sandboxtest"
)

// TestBucketInAnotherRegion puts from a session whose region is not the
// bucket's: S3's refusal says where it lies, and is asked for only once.
func TestBucketInAnotherRegion(t *testing.T) {
	server := sandboxtest.Start(t, sandbox.Options{})
	s, err := amazon.Open(t.Context(), amazon.Options{Region: "us-east-1", Endpoint: &amazon.Endpoint{
		URL: server.URL(), AccessKey: sandbox.AccessKey, SecretKey: sandbox.SecretKey,
	}})
	if err != nil {
		t.Fatal(err)
	}
	bucket := s.Bucket(sandbox.DefaultBucket)
	for _, key := range []string{"ec2/first", "ec2/second"} {
		if err := bucket.Put(t.Context(), key, "text/plain", bytes.NewReader([]byte(key))); err != nil {
			t.Fatal(err)
		}
		if got, _ := server.Sandbox().Object(sandbox.DefaultBucket, key); string(got) != key {
			t.Errorf("%s holds %q", key, got)
		}
	}
	var calls []string
	for _, c := range server.Sandbox().Calls() {
		calls = append(calls, c.Action+" "+c.Region+" "+c.Code)
	}
	want := []string{"PutObject us-east-1 PermanentRedirect", "PutObject " + sandbox.DefaultRegion + " ", "PutObject " + sandbox.DefaultRegion + " "}
	if diff := cmp.Diff(want, calls); diff != "" {
		t.Errorf("calls: -want +got\n%s", diff)
	}
}
