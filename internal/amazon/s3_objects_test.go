package amazon_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"nightshift/internal/amazon"
	"nightshift/internal/blob"
	"nightshift/internal/fleet"
	"nightshift/internal/sandbox"
	"nightshift/internal/sandbox/sandboxtest"
)

var _ blob.Store = (*amazon.Objects)(nil)

// testObjects is what both peers must agree on.
func testObjects(t *testing.T, p *peer) {
	s := p.session(t)
	o := s.Objects(sandbox.DefaultBucket, "journal/")
	put := func(o *amazon.Objects, key, body string) {
		t.Helper()
		if err := o.Put(t.Context(), key, []byte(body)); err != nil {
			t.Fatal(err)
		}
	}
	put(o, "runs/2026/11/22/a.json", "{}")
	put(o, "runs/2026/11/22/b b+%.json", "두 번째")
	put(o, "runs/2026/11/22/b b+%.json", "다시")
	put(o, "runs/2026/12/01/c.json", "3")
	put(s.Objects(sandbox.DefaultBucket, ""), "journal-other", "x")
	got, err := o.Get(t.Context(), "runs/2026/11/22/b b+%.json")
	if err != nil || string(got) != "다시" {
		t.Errorf("%q, %v", got, err)
	}
	for prefix, want := range map[string][]string{
		"":                 {"runs/"},
		"runs/2026/":       {"runs/2026/11/", "runs/2026/12/"},
		"runs/2026/11/22/": {"runs/2026/11/22/a.json", "runs/2026/11/22/b b+%.json"},
		"runs/2027/":       nil,
	} {
		names, err := o.List(t.Context(), prefix)
		if diff := cmp.Diff(want, names); err != nil || diff != "" {
			t.Errorf("%q: %v %s", prefix, err, diff)
		}
	}
	for _, name := range []string{sandbox.DefaultBucket, "no-such-bucket-of-ours"} {
		if _, err := s.Objects(name, "").Get(t.Context(), "nothing"); !errors.Is(err, fleet.ErrNotFound) || !strings.Contains(err.Error(), "s3://"+name+"/nothing") {
			t.Errorf("nothing there: %v", err)
		}
	}
	if _, err := s.Objects("no-such-bucket-of-ours", "").List(t.Context(), "runs/"); !errors.Is(err, fleet.ErrNotFound) {
		t.Errorf("no bucket: %v", err)
	}
}

// An object that is too large to be read as a whole is refused before it is sent
// or read, and can still be read as a stream.
func TestObjectsAreBounded(t *testing.T) {
	server := sandboxtest.Start(t, sandbox.Options{})
	s := newPeer(server.URL()).session(t)
	o := s.Objects(sandbox.DefaultBucket, "")
	large := make([]byte, blob.MaxObject+1)
	if err := o.Put(t.Context(), "large", large); !errors.Is(err, fleet.ErrInvalid) || !strings.Contains(err.Error(), "s3://"+sandbox.DefaultBucket+"/large is larger than 64 MiB") {
		t.Errorf("put: %v", err)
	}
	if err := s.Bucket(sandbox.DefaultBucket).Put(t.Context(), "large", "text/plain", bytes.NewReader(large)); err != nil {
		t.Fatal(err)
	}
	if _, err := o.Get(t.Context(), "large"); !errors.Is(err, fleet.ErrInvalid) || !strings.Contains(err.Error(), "larger than 64 MiB") {
		t.Errorf("get: %v", err)
	}
	stream, err := o.Open(t.Context(), "large")
	if err != nil {
		t.Fatal(err)
	}
	n, err := io.Copy(io.Discard, stream)
	if err = errors.Join(err, stream.Close()); n != int64(len(large)) || err != nil {
		t.Errorf("open: %d bytes, %v", n, err)
	}
}

// Who may list only below a prefix is denied what is not there.
func TestMissingIsNotDenied(t *testing.T) {
	server := sandboxtest.Start(t, sandbox.Options{Faults: []sandbox.Fault{{Action: "s3:GetObject", Kind: sandbox.Deny}}})
	o := newPeer(server.URL()).session(t).Objects(sandbox.DefaultBucket, "history/")
	if err := o.Put(t.Context(), "dt=2026-11-22/part-0.parquet", []byte("x")); err != nil {
		t.Fatal(err)
	}
	for key, want := range map[string]error{
		"dt=2026-11-22/part-0.parquet": fleet.ErrDenied,
		"dt=2026-11-21/part-0.parquet": fleet.ErrNotFound,
		"part-0.parquet":               fleet.ErrNotFound,
	} {
		if _, err := o.Get(t.Context(), key); !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", key, err, want)
		}
	}
}

// More objects than fit on a page are all listed, from a session of another
// region, and with no more than the two permissions.
func TestManyObjects(t *testing.T) {
	server := sandboxtest.Start(t, sandbox.Options{})
	o := newPeer(server.URL()).session(t).Objects(sandbox.DefaultBucket, "many/")
	const n = 110
	var want []string
	var group sync.WaitGroup
	for worker := range 11 {
		group.Go(func() {
			for k := range n / 11 {
				if err := o.Put(t.Context(), fmt.Sprintf("%02d-%02d", worker, k), []byte("x")); err != nil {
					t.Error(err)
				}
			}
		})
		for k := range n / 11 {
			want = append(want, fmt.Sprintf("%02d-%02d", worker, k))
		}
	}
	group.Wait()
	if err := newPeer(server.URL()).session(t).Objects(sandbox.DefaultBucket, "").Put(t.Context(), "elsewhere", []byte("x")); err != nil {
		t.Fatal(err)
	}
	if err := server.Sandbox().SetPolicy([]byte(`{"Statement":[
		{"Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::` + sandbox.DefaultBucket + `/many/*"},
		{"Effect":"Allow","Action":"s3:ListBucket","Resource":"arn:aws:s3:::` + sandbox.DefaultBucket + `"}]}`)); err != nil {
		t.Fatal(err)
	}
	far, err := amazon.Open(t.Context(), amazon.Options{Region: "us-east-1", Endpoint: &amazon.Endpoint{
		URL: server.URL(), AccessKey: sandbox.AccessKey, SecretKey: sandbox.SecretKey,
	}})
	if err != nil {
		t.Fatal(err)
	}
	o = far.Objects(sandbox.DefaultBucket, "many/")
	o.SetPage(25)
	got, err := o.List(t.Context(), "")
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("%d of %d objects, %v", len(got), n, err)
	}
	for range 2 {
		if body, err := o.Get(t.Context(), want[7]); err != nil || string(body) != "x" {
			t.Errorf("%q, %v", body, err)
		}
	}
	if err := o.Put(t.Context(), "new", nil); !errors.Is(err, fleet.ErrDenied) {
		t.Errorf("put without permission: %v", err)
	}
	redirects, pages := 0, 0
	for _, c := range server.Sandbox().Calls() {
		if c.Code == "PermanentRedirect" {
			redirects++
		} else if c.Action == "ListObjectsV2" {
			pages++
		}
	}
	if pages != 5 {
		t.Errorf("%d pages of names, want 5", pages)
	}
	if redirects != 2 { // denials come first
		t.Errorf("%d redirects, want one for listing and one for reading", redirects)
	}
	if _, err := far.Objects(sandbox.DefaultBucket, "").Get(t.Context(), "elsewhere"); !errors.Is(err, fleet.ErrDenied) || !strings.Contains(err.Error(), "s3:GetObject") {
		t.Errorf("get without permission: %v", err)
	}
}

func TestParameter(t *testing.T) {
	server := sandboxtest.Start(t, sandbox.Options{})
	for _, p := range []sandbox.Parameter{{Name: "/nightshift/config", Value: "timezone: Asia/Seoul\n"}, {Name: "/nightshift/secret", Value: "비밀", Secret: true}} {
		if err := server.Sandbox().SetParameter(sandbox.DefaultRegion, p); err != nil {
			t.Fatal(err)
		}
	}
	s := newPeer(server.URL()).session(t)
	for name, want := range map[string]string{"/nightshift/config": "timezone: Asia/Seoul\n", "/nightshift/config:1": "timezone: Asia/Seoul\n", "/nightshift/secret": "비밀"} {
		if got, err := s.Parameter(t.Context(), name); err != nil || got != want {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
	for _, name := range []string{"/nightshift/none", "/nightshift/config:2"} {
		if _, err := s.Parameter(t.Context(), name); !errors.Is(err, fleet.ErrNotFound) || !strings.Contains(err.Error(), name) {
			t.Errorf("nothing there: %v", err)
		}
	}
	if err := server.Sandbox().SetPolicy(sandbox.PolicyDenying("ssm:*")); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Parameter(t.Context(), "/nightshift/config"); !errors.Is(err, fleet.ErrDenied) || !strings.Contains(err.Error(), "ssm:GetParameter") {
		t.Errorf("denied: %v", err)
	}
}
