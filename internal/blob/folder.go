package blob

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"strings"

	"nightshift/internal/fleet"
)

// Folder is a Store in a folder of the file system, which is made when the first
// object is put. Only the user who runs nightshift may read it: files are made
// with mode 0600, folders with 0700. It is safe for concurrent use, also by
// several processes. Nothing outside the folder is touched, also not through
// symbolic links.
type Folder string

// Exists is fleet.ErrNotFound where the folder is not there, for places that are
// only read.
func (f Folder) Exists() error {
	info, err := os.Stat(string(f))
	switch {
	case err != nil:
		return absent(err)
	case !info.IsDir():
		return fleet.Errorf(fleet.ErrInvalid, "%s is not a folder", string(f))
	}
	return nil
}

// Put writes to a temporary file next to the object and renames it, so that
// readers and crashes never see a part of it.
func (f Folder) Put(ctx context.Context, key string, body []byte) error {
	if err := f.check(ctx, key); err != nil {
		return err
	}
	if err := CheckSize(path.Join(string(f), key), body); err != nil {
		return err
	}
	if err := os.MkdirAll(string(f), 0o700); err != nil {
		return err
	}
	root, err := os.OpenRoot(string(f))
	if err != nil {
		return err
	}
	defer func() { _ = root.Close() }()
	if err := root.MkdirAll(path.Dir(key), 0o700); err != nil {
		return err
	}
	// List leaves out names that begin with a dot.
	temporary := path.Join(path.Dir(key), ".part-"+rand.Text())
	err = write(root, temporary, body)
	if err == nil {
		err = root.Rename(temporary, key)
	}
	if err != nil {
		_ = root.Remove(temporary) // it may not be there; the error that counts is err
	}
	return err
}

func write(root *os.Root, name string, body []byte) error {
	file, err := root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = file.Write(body)
	if err == nil {
		err = file.Sync()
	}
	return errors.Join(err, file.Close())
}

// Get reads an object as a whole.
func (f Folder) Get(ctx context.Context, key string) ([]byte, error) {
	file, err := f.Open(ctx, key)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	return ReadAll(path.Join(string(f), key), file)
}

// Open opens an object, which is also an io.ReaderAt with a size.
func (f Folder) Open(ctx context.Context, key string) (io.ReadCloser, error) {
	if err := f.check(ctx, key); err != nil {
		return nil, err
	}
	root, err := os.OpenRoot(string(f))
	if err != nil {
		return nil, absent(err)
	}
	defer func() { _ = root.Close() }() // files stay open
	// A named pipe or a device would block the reading.
	info, err := root.Stat(key)
	switch {
	case err != nil:
		return nil, absent(err)
	case !info.Mode().IsRegular():
		return nil, fleet.Errorf(fleet.ErrInvalid, "%s is not a file", path.Join(string(f), key))
	}
	file, err := root.Open(key)
	if err != nil {
		return nil, absent(err)
	}
	return &sized{file, info.Size()}, nil
}

// sized is an open file that knows its size.
type sized struct {
	*os.File
	size int64
}

// Size is the size in bytes when it was opened.
func (s *sized) Size() int64 { return s.size }

// List names what lies directly under a prefix.
func (f Folder) List(ctx context.Context, prefix string) ([]string, error) {
	folder := path.Clean(prefix)
	if prefix != "" {
		if err := f.check(ctx, strings.TrimSuffix(prefix, "/")); err != nil {
			return nil, err
		}
	}
	root, err := os.OpenRoot(string(f))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer func() { _ = root.Close() }()
	entries, err := fs.ReadDir(root.FS(), folder)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	var names []string
	for _, entry := range entries {
		switch {
		case strings.HasPrefix(entry.Name(), "."):
		case entry.IsDir():
			names = append(names, prefix+entry.Name()+"/")
		default:
			names = append(names, prefix+entry.Name())
		}
	}
	return names, err
}

func (f Folder) check(ctx context.Context, key string) error {
	switch {
	case f == "":
		return fleet.Errorf(fleet.ErrInvalid, "the folder has no name")
	case key == "." || !fs.ValidPath(key):
		return fleet.Errorf(fleet.ErrInvalid, "%q cannot be a key in a folder", key)
	}
	return ctx.Err()
}

// absent adds the kind fleet.ErrNotFound where a file is not there.
func absent(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return fleet.Errorf(fleet.ErrNotFound, "%w", err)
	}
	return fmt.Errorf("read: %w", err)
}

// OpenFile opens a file by its path. One that is not there is
// fleet.ErrNotFound, a folder fleet.ErrInvalid.
func OpenFile(name string) (io.ReadCloser, error) {
	info, err := os.Stat(name)
	switch {
	case err != nil:
		return nil, absent(err)
	case info.IsDir():
		return nil, fleet.Errorf(fleet.ErrInvalid, "%s is a folder", name)
	}
	file, err := os.Open(name)
	if err != nil {
		return nil, absent(err)
	}
	return file, nil
}
