package xlsx

import (
	"archive/zip"
	"bytes"
	"errors"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
)

// TestArchiveOrdersItsParts writes parts that are small, and parts that do not
// fit into memory, in two orders.
func TestArchiveOrdersItsParts(t *testing.T) {
	for name, size := range map[string]int{"in memory": 1000, "in a file": inMemory} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			t.Setenv("TMPDIR", dir)
			parts := map[string][]byte{"b": noise(1, size), "a": noise(2, size), "[Content_Types].xml": noise(3, 10)}
			first := archived(t, parts, "b", "[Content_Types].xml", "a")
			if !bytes.Equal(first, archived(t, parts, "a", "b", "[Content_Types].xml")) {
				t.Error("the order in which parts come can be seen in the file")
			}
			z, err := zip.NewReader(bytes.NewReader(first), int64(len(first)))
			if err != nil {
				t.Fatal(err)
			}
			for n, want := range []string{"[Content_Types].xml", "a", "b"} {
				file, err := z.File[n].Open()
				if err != nil {
					t.Fatal(err)
				}
				got, err := io.ReadAll(file) // checks the sum, too
				if err != nil || z.File[n].Name != want || !bytes.Equal(got, parts[want]) {
					t.Errorf("part %d is %s with %d bytes, %v; want %s", n, z.File[n].Name, len(got), err, want)
				}
			}
			left, err := os.ReadDir(dir)
			if err != nil || len(left) != 0 {
				t.Errorf("temporary files that are left: %v, %v", left, err)
			}
		})
	}
}

func archived(t *testing.T, parts map[string][]byte, order ...string) []byte {
	t.Helper()
	var b bytes.Buffer
	a := archive{}
	for _, name := range order {
		w, err := a.Create(name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(parts[name]); err != nil {
			t.Fatal(err)
		}
	}
	if err := a.writeTo(&b); err != nil {
		t.Fatal(err)
	}
	if err := a.remove(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// TestCompressReturnsErrorsOfBothSides holds that neither side waits for the
// other when one fails.
func TestCompressReturnsErrorsOfBothSides(t *testing.T) {
	t.Setenv("TMPDIR", filepath.Join(t.TempDir(), "missing"))
	d, err := newDeflater()
	if err != nil {
		t.Fatal(err)
	}
	err = d.compress(&entry{}, func(w io.Writer) error {
		for seed := range uint64(100) {
			if _, err := w.Write(noise(seed, inMemory)); err != nil {
				return err
			}
		}
		t.Error("all was written, though there is no place for it")
		return nil
	})
	if !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("error %v, want that there is no place for temporary files", err)
	}
	broken := errors.New("broken")
	if err := d.compress(&entry{}, func(io.Writer) error { return broken }); !errors.Is(err, broken) {
		t.Errorf("error %v, want %v", err, broken)
	}
}

// noise cannot be compressed.
func noise(seed uint64, size int) []byte {
	r := rand.New(rand.NewPCG(seed, seed))
	b := make([]byte, size)
	for n := range b {
		b[n] = byte(r.Uint32())
	}
	return b
}
