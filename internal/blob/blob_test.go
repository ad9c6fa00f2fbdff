package blob_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"nightshift/internal/blob"
	"nightshift/internal/fleet"
)

func TestParseRef(t *testing.T) {
	for text, want := range map[string]blob.Ref{
		"":                        {},
		"./history":               {Scheme: blob.File, Path: "./history"},
		"nightshift.yaml":         {Scheme: blob.File, Path: "nightshift.yaml"},
		`C:\nightshift\journal`:   {Scheme: blob.File, Path: `C:\nightshift\journal`},
		"a b:c":                   {Scheme: blob.File, Path: "a b:c"},
		"s3://my-bucket":          {Scheme: blob.S3, Bucket: "my-bucket"},
		"s3://my-bucket/a/b.yaml": {Scheme: blob.S3, Bucket: "my-bucket", Path: "a/b.yaml"},
		"ssm:/team/nightshift":    {Scheme: blob.Parameter, Path: "/team/nightshift"},
		"s3://arn:aws:s3:eu-west-1:111122223333:accesspoint:reports/ec2/": {
			Scheme: blob.S3, Bucket: "arn:aws:s3:eu-west-1:111122223333:accesspoint:reports", Path: "ec2/",
		},
	} {
		got, err := blob.ParseRef(text)
		if err != nil || got != want || got.String() != text {
			t.Errorf("%q is %+v and prints %q, %v; want %+v", text, got, got, err, want)
		}
	}
	for text, says := range map[string]string{
		"s3:/my-bucket/x":     "write s3://my-bucket/x",
		"s3:my-bucket":        "write s3://my-bucket",
		"S3://my-bucket/x":    "write s3://my-bucket/x",
		"s3://":               "names no bucket",
		"s3:///key":           "names no bucket",
		"s3://My_Bucket/x":    "names no bucket",
		"https://example.org": "must be a directory or s3://bucket/prefix",
		"gs://bucket/x":       "must be a directory or s3://bucket/prefix",
		"ssm:":                "names no parameter",
	} {
		if got, err := blob.ParseRef(text); !errors.Is(err, fleet.ErrInvalid) || !strings.Contains(err.Error(), says) {
			t.Errorf("%q is %+v, %v; want an error that says %q", text, got, err, says)
		}
	}
}

func TestRefPrintsAsItReads(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.OneOf(rapid.String(), rapid.StringMatching(`(s3:|ssm:)/{0,3}[a-z/.-]{0,9}`)).Draw(t, "text")
		ref, err := blob.ParseRef(text)
		if err != nil {
			return
		}
		again, err := blob.ParseRef(ref.String())
		if err != nil || again != ref {
			t.Fatalf("%q is %+v, and that prints %q, which is %+v, %v", text, ref, ref, again, err)
		}
	})
}

func TestPrefix(t *testing.T) {
	for path, want := range map[string]string{"": "", "a": "a/", "a/": "a/", "a/b": "a/b/"} {
		if got := (blob.Ref{Scheme: blob.S3, Bucket: "b", Path: path}).Prefix(); got != want {
			t.Errorf("%q: %q, want %q", path, got, want)
		}
	}
}

func TestFolderStaysInside(t *testing.T) {
	dir := t.TempDir()
	store := blob.Folder(filepath.Join(dir, "journal"))
	for _, key := range []string{"", ".", "../outside", "/etc/passwd", "a/../../b", "a//b"} {
		if err := store.Put(t.Context(), key, nil); !errors.Is(err, fleet.ErrInvalid) {
			t.Errorf("put %q: %v", key, err)
		}
		if _, err := store.Get(t.Context(), key); !errors.Is(err, fleet.ErrInvalid) {
			t.Errorf("get %q: %v", key, err)
		}
	}
	if err := store.Put(t.Context(), "runs/x", nil); err != nil {
		t.Fatal(err)
	}
	if _, err := store.Get(t.Context(), "runs/y"); !errors.Is(err, fleet.ErrNotFound) {
		t.Errorf("what is not there: %v", err)
	}
	if _, err := store.Get(t.Context(), "runs"); !errors.Is(err, fleet.ErrInvalid) {
		t.Errorf("a folder as an object: %v", err)
	}
	if err := os.Symlink(dir, filepath.Join(dir, "journal", "runs", "out")); err != nil {
		t.Skip("no symbolic links here:", err)
	}
	if err := store.Put(t.Context(), "runs/out/escaped", nil); err == nil {
		t.Error("a symbolic link leads out of the folder")
	}
}

func TestWhatCanBePutCanBeGot(t *testing.T) {
	store := blob.Folder(t.TempDir())
	most := make([]byte, blob.MaxObject)
	if err := store.Put(t.Context(), "most", most); err != nil {
		t.Fatal(err)
	}
	if got, err := store.Get(t.Context(), "most"); err != nil || len(got) != blob.MaxObject {
		t.Errorf("the largest object: %d bytes, %v", len(got), err)
	}
	err := store.Put(t.Context(), "more", append(most, 0))
	if !errors.Is(err, fleet.ErrInvalid) || !strings.Contains(err.Error(), "larger than 64 MiB") {
		t.Errorf("a larger one: %v", err)
	}
	if _, err := store.Get(t.Context(), "more"); !errors.Is(err, fleet.ErrNotFound) {
		t.Errorf("the refused one is there: %v", err)
	}
}

func TestOpenReadsWhatGetRefuses(t *testing.T) {
	dir := t.TempDir()
	file, err := os.Create(filepath.Join(dir, "large"))
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(file.Truncate(blob.MaxObject+1), file.Close()); err != nil {
		t.Fatal(err)
	}
	if _, err := blob.Folder(dir).Get(t.Context(), "large"); !errors.Is(err, fleet.ErrInvalid) {
		t.Errorf("got: %v", err)
	}
	r, err := blob.Folder(dir).Open(t.Context(), "large")
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if s, ok := r.(interface {
		io.ReaderAt
		Size() int64
	}); !ok || s.Size() != blob.MaxObject+1 {
		t.Error("a file does not know its size")
	}
	if n, err := io.Copy(io.Discard, r); n != blob.MaxObject+1 || err != nil {
		t.Errorf("%d bytes, %v", n, err)
	}
}

func TestList(t *testing.T) {
	store := blob.Folder(filepath.Join(t.TempDir(), "none"))
	if names, err := store.List(t.Context(), "runs/"); names != nil || err != nil {
		t.Errorf("where nothing is: %v, %v", names, err)
	}
	if err := store.Exists(); !errors.Is(err, fleet.ErrNotFound) {
		t.Errorf("a folder that is not there: %v", err)
	}
	for _, key := range []string{"a", "runs/1", "runs/day/2"} {
		if err := store.Put(t.Context(), key, []byte(key)); err != nil {
			t.Fatal(err)
		}
	}
	for prefix, want := range map[string][]string{"": {"a", "runs/"}, "runs/": {"runs/1", "runs/day/"}, "other/": nil} {
		if names, err := store.List(t.Context(), prefix); err != nil || !slices.Equal(names, want) {
			t.Errorf("under %q: %v, %v; want %v", prefix, names, err, want)
		}
	}
	if err := store.Exists(); err != nil {
		t.Error(err)
	}
}

func TestACancelledContextTouchesNothing(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	dir := filepath.Join(t.TempDir(), "none")
	if err := blob.Folder(dir).Put(ctx, "a", nil); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	if _, err := os.Stat(dir); !errors.Is(err, os.ErrNotExist) {
		t.Error("the folder was made all the same")
	}
}

func ExampleParseRef() {
	_, err := blob.ParseRef("s3:/reports/history")
	fmt.Println(err)
	// Output: "s3:/reports/history" is not a place in S3; write s3://reports/history
}
