package amazon_test

import (
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"nightshift/internal/amazon"
	"nightshift/internal/fleet"
	"nightshift/internal/sandbox"
	"nightshift/internal/sandbox/sandboxtest"
)

// TestArtifactsNameTheOwner holds that no request goes to a bucket of somebody else:
// each names the account, but for those that make and list buckets.
func TestArtifactsNameTheOwner(t *testing.T) {
	const account = "123456789012"
	var requests sync.Map // owners by action
	server := sandboxtest.Start(t, sandbox.Options{Tap: func(e sandbox.Exchange) {
		requests.Store(e.Action, e.RequestHeader.Get("X-Amz-Expected-Bucket-Owner"))
	}})
	s := newPeer(server.URL()).session(t)
	a := s.Artifacts(account, region)
	const bucket, key = "nightshift-artifacts-test", "n/code/1.zip"
	if _, err := a.List(t.Context(), bucket, "n/"); !errors.Is(err, fleet.ErrNotFound) {
		t.Errorf("a bucket that is not there: %v", err)
	}
	for range 2 { // the second time it is ours already
		if err := a.Create(t.Context(), bucket); err != nil {
			t.Fatal(err)
		}
	}
	if err := a.Put(t.Context(), bucket, key, "application/zip", []byte("code")); err != nil {
		t.Fatal(err)
	}
	if body, err := a.Get(t.Context(), bucket, key); err != nil || string(body) != "code" {
		t.Errorf("got %q and %v", body, err)
	}
	if objects, err := a.List(t.Context(), bucket, "n/"); err != nil || len(objects) != 1 || objects[0].Key != key || objects[0].Bytes != 4 || objects[0].At.IsZero() {
		t.Errorf("got %+v and %v", objects, err)
	}
	if tagged, err := a.Tagged(t.Context(), "nightshift-"); err != nil || len(tagged) > 0 {
		t.Errorf("a bucket without tags: %v %v", tagged, err)
	}
	if err := a.Remove(t.Context(), bucket, key); err != nil {
		t.Fatal(err)
	}
	if objects, err := a.List(t.Context(), bucket, ""); err != nil || len(objects) > 0 {
		t.Errorf("after the removal: %v %v", objects, err)
	}
	for _, action := range []string{"ListObjectsV2", "PutObject", "GetObject", "DeleteObject", "GetBucketTagging"} {
		if got, sent := requests.Load(action); got != account || !sent {
			t.Errorf("%s names the account %v", action, got)
		}
	}
}

// TestCreateBucketByRegion holds that only us-east-1 is not named as the place of a
// bucket: S3 refuses it there, and wants it elsewhere.
func TestCreateBucketByRegion(t *testing.T) {
	for _, where := range []fleet.Region{"us-east-1", sandbox.DefaultRegion} {
		var named atomic.Bool
		server := sandboxtest.Start(t, sandbox.Options{Tap: func(e sandbox.Exchange) {
			named.Store(strings.Contains(string(e.RequestBody), "<LocationConstraint>"))
		}})
		s, err := amazon.Open(t.Context(), amazon.Options{Region: where, Endpoint: &amazon.Endpoint{
			URL: server.URL(), AccessKey: sandbox.AccessKey, SecretKey: sandbox.SecretKey,
		}})
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Artifacts("123456789012", where).Create(t.Context(), "nightshift-artifacts-test"); err != nil {
			t.Errorf("%s: %v", where, err)
		}
		if named.Load() == (where == "us-east-1") {
			t.Errorf("%s: the region is named: %t", where, named.Load())
		}
	}
}
