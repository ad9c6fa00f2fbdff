package journal

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

// Folder is a Store in a directory of the file system, which is made when the
// first object is put. Only the user who runs nightshift may read it: files
// are made with mode 0600, directories with 0700. It is safe for concurrent
// use, also by several processes. Nothing outside the directory is touched,
// also not through symbolic links.
type Folder string

// maxObject bounds what Get reads into memory.
const maxObject = 64 << 20

// Put writes to a temporary file beside the object and renames it, so that
// readers and crashes never see a part of it.
func (f Folder) Put(ctx context.Context, key string, body []byte) error {
	if err := f.check(key); err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := os.MkdirAll(string(f), 0o700); err != nil {
		return err
	}
	dir, err := os.OpenRoot(string(f))
	if err != nil {
		return err
	}
	defer func() { _ = dir.Close() }()
	if err := dir.MkdirAll(path.Dir(key), 0o700); err != nil {
		return err
	}
	// List leaves out names that begin with a dot.
	temporary := path.Join(path.Dir(key), ".part-"+rand.Text())
	err = write(dir, temporary, body)
	if err == nil {
		err = dir.Rename(temporary, key)
	}
	if err != nil {
		_ = dir.Remove(temporary) // it may not be there; the error that counts is err
	}
	return err
}

func write(dir *os.Root, name string, body []byte) error {
	file, err := dir.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = file.Write(body)
	if err == nil {
		err = file.Sync()
	}
	return errors.Join(err, file.Close())
}

// Get reads an object. One that is not there is fleet.ErrNotFound.
func (f Folder) Get(ctx context.Context, key string) ([]byte, error) {
	if err := f.check(key); err != nil {
		return nil, err
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	dir, err := os.OpenRoot(string(f))
	if err != nil {
		return nil, absent(err)
	}
	defer func() { _ = dir.Close() }()
	// A named pipe or a device would block the reading.
	if info, err := dir.Stat(key); err != nil {
		return nil, absent(err)
	} else if !info.Mode().IsRegular() {
		return nil, fleet.Errorf(fleet.ErrInvalid, "%s is not a file", path.Join(string(f), key))
	}
	file, err := dir.Open(key)
	if err != nil {
		return nil, absent(err)
	}
	defer file.Close()
	body, err := io.ReadAll(io.LimitReader(file, maxObject+1))
	if err == nil && len(body) > maxObject {
		return nil, fleet.Errorf(fleet.ErrInvalid, "%s is larger than %d MiB", path.Join(string(f), key), maxObject>>20)
	}
	return body, err
}

// List names what lies directly under a prefix.
func (f Folder) List(ctx context.Context, prefix string) ([]string, error) {
	if err := f.check(strings.TrimSuffix(prefix, "/")); err != nil {
		return nil, err
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	dir, err := os.OpenRoot(string(f))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer func() { _ = dir.Close() }()
	entries, err := fs.ReadDir(dir.FS(), strings.TrimSuffix(prefix, "/"))
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

func (f Folder) check(key string) error {
	if f == "" {
		return fleet.Errorf(fleet.ErrInvalid, "the folder has no name")
	}
	if key == "." || !fs.ValidPath(key) {
		return fleet.Errorf(fleet.ErrInvalid, "%q cannot be a key in a folder", key)
	}
	return nil
}

// absent adds the kind fleet.ErrNotFound where a file is not there.
func absent(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return fleet.Errorf(fleet.ErrNotFound, "%w", err)
	}
	return fmt.Errorf("read: %w", err)
}
