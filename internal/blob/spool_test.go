package blob_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"nightshift/internal/blob"
	"nightshift/internal/fleet"
)

// TestCheckFile: a file takes the place of a file only, never of a link, a
// device or a folder.
func TestCheckFile(t *testing.T) {
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	if err := os.WriteFile(at("real.json"), []byte("old"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, to := range map[string]string{"link.json": at("real.json"), "loose.json": at("gone.json"), "self.json": at("self.json"), "device.json": os.DevNull, "up.json": dir} {
		if err := os.Symlink(to, at(name)); err != nil {
			t.Fatal(err)
		}
	}
	for name, want := range map[string]string{
		at("real.json"):   "",
		at("new.json"):    "",
		at("link.json"):   "symbolic link to " + at("real.json"),
		at("loose.json"):  "symbolic link to " + at("gone.json"),
		at("self.json"):   "symbolic link",
		at("device.json"): "this is not a file",
		at("up.json"):     "this is a folder",
		dir:               "this is a folder",
		os.DevNull:        "this is not a file",
		"/dev/stdout":     "this is ", // not a file, or a link to one
	} {
		err := blob.CheckFile(name)
		if want == "" && err != nil || want != "" && (!errors.Is(err, fleet.ErrInvalid) || !strings.Contains(err.Error(), want)) {
			t.Errorf("%s: %v, want %q", name, err, want)
		}
	}
	if list, err := os.ReadDir(dir); err != nil || len(list) != 6 {
		t.Errorf("the check left %v (%v)", list, err)
	}
}

// TestReplaceKeepsPermissions: who could not read the file before cannot read the
// new one, and a new file is as any other of this user's.
func TestReplaceKeepsPermissions(t *testing.T) {
	dir := t.TempDir()
	other := filepath.Join(dir, "other")
	if err := os.WriteFile(other, nil, 0o666); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(other)
	if err != nil {
		t.Fatal(err)
	}
	usual := info.Mode().Perm()
	for name, mode := range map[string]os.FileMode{"private": 0o600, "shared": 0o664, "read-only": 0o400, "new": 0} {
		t.Run(name, func(t *testing.T) {
			out := filepath.Join(dir, name)
			want := mode
			if mode == 0 {
				want = usual
			} else if err := os.WriteFile(out, []byte("old"), 0o600); err != nil {
				t.Fatal(err)
			} else if err := os.Chmod(out, mode); err != nil {
				t.Fatal(err)
			}
			file, err := blob.NewSpool(dir, "")
			if err != nil {
				t.Fatal(err)
			}
			if _, err := file.WriteString("new"); err != nil {
				t.Fatal(err)
			}
			if err := errors.Join(file.Replace(out), file.Close()); err != nil {
				t.Fatal(err)
			}
			info, err := os.Stat(out)
			if err != nil || info.Mode().Perm() != want || info.Size() != 3 {
				t.Errorf("%v of %d bytes (%v), want %v", info.Mode(), info.Size(), err, want)
			}
		})
	}
	if left, _ := filepath.Glob(filepath.Join(dir, ".nightshift-*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}
