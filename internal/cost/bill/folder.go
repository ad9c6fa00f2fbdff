package bill

import (
	"context"
	"io"
	"io/fs"
	"os"
	"path"
	"strings"

	"nightshift/internal/fleet"
)

// Folder is a Store and an Opener in a directory of the file system. Nothing
// outside the directory is read.
type Folder string

// Get reads a file as a whole.
func (f Folder) Get(ctx context.Context, key string) ([]byte, error) {
	file, err := f.Open(ctx, key)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	return io.ReadAll(file)
}

// Open opens a file.
func (f Folder) Open(ctx context.Context, key string) (io.ReadCloser, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	root, err := os.OpenRoot(string(f))
	if err != nil {
		return nil, err
	}
	defer func() { _ = root.Close() }() // files stay open
	// A named pipe or a device would block the reading.
	info, err := root.Stat(key)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fleet.Errorf(fleet.ErrInvalid, "%s is not a file", path.Join(string(f), key))
	}
	file, err := root.Open(key)
	if err != nil {
		return nil, err
	}
	return &sized{file, info.Size()}, nil
}

// List names what lies directly under a prefix.
func (f Folder) List(ctx context.Context, prefix string) ([]string, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	root, err := os.OpenRoot(string(f))
	if err != nil {
		return nil, err
	}
	defer func() { _ = root.Close() }()
	entries, err := fs.ReadDir(root.FS(), path.Clean(strings.TrimSuffix(prefix, "/")))
	if err != nil {
		return nil, err
	}
	var names []string
	for _, entry := range entries {
		name := prefix + entry.Name()
		if entry.IsDir() {
			name += "/"
		}
		names = append(names, name)
	}
	return names, nil
}
