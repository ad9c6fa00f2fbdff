package blob

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"time"

	"github.com/gofrs/flock"

	"nightshift/internal/fleet"
)

// lockName is the file that is locked while an object is compared and replaced.
// List leaves it out.
const lockName = ".lock"

// lockRetry is the pause between two tries to lock the folder, which a holder
// keeps for one small write.
const lockRetry = 5 * time.Millisecond

// GetVersion reads an object with its version, which is a hash of its content.
func (f Folder) GetVersion(ctx context.Context, key string) (Version, error) {
	file, err := f.Open(ctx, key)
	if err != nil {
		return Version{}, err
	}
	defer file.Close()
	body, err := ReadAll(path.Join(string(f), key), file)
	if err != nil {
		return Version{}, err
	}
	info, err := file.(*sized).Stat()
	if err != nil {
		return Version{}, fmt.Errorf("read: %w", err)
	}
	return Version{Body: body, Version: contentVersion(body), Modified: info.ModTime(), Now: time.Now()}, nil //nolint:forbidigo // the clock of the store, which is this machine's
}

// PutVersion compares and replaces under a lock of the folder, so that it is one
// step among the processes that share it.
func (f Folder) PutVersion(ctx context.Context, key string, body []byte, version string) (string, error) {
	if err := f.check(ctx, key); err != nil {
		return "", err
	}
	lock, err := f.lock(ctx)
	if err != nil {
		return "", err
	}
	defer func() { _ = lock.Close() }() // that unlocks it
	there, err := f.Get(ctx, key)
	switch {
	case errors.Is(err, fleet.ErrNotFound) && version == "":
	case err != nil && !errors.Is(err, fleet.ErrNotFound):
		return "", err
	case err != nil || version != contentVersion(there):
		return "", fleet.Errorf(fleet.ErrConflict, "%s has changed since it was read", path.Join(string(f), key))
	}
	return contentVersion(body), f.Put(ctx, key, body)
}

// lock waits until no other process compares and replaces in the folder, which
// is made.
func (f Folder) lock(ctx context.Context) (*flock.Flock, error) {
	if err := os.MkdirAll(string(f), 0o700); err != nil {
		return nil, err
	}
	root, err := os.OpenRoot(string(f)) // which refuses a link that leads out of the folder
	if err != nil {
		return nil, err
	}
	file, err := root.OpenFile(lockName, os.O_RDONLY|os.O_CREATE, 0o600)
	if err != nil {
		return nil, errors.Join(err, root.Close())
	}
	if err := errors.Join(file.Close(), root.Close()); err != nil {
		return nil, err
	}
	lock := flock.New(filepath.Join(string(f), lockName))
	if _, err := lock.TryLockContext(ctx, lockRetry); err != nil {
		return nil, fmt.Errorf("lock %s: %w", lock.Path(), err)
	}
	return lock, nil
}

// contentVersion names a content.
func contentVersion(body []byte) string {
	sum := sha256.Sum256(body)
	return hex.EncodeToString(sum[:])
}
