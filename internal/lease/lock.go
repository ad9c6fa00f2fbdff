package lease

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/gofrs/flock"
)

// Lock takes a lease among the processes of this machine: a lock on a file, which
// the operating system releases when the process ends. Processes on other machines
// do not see it, so whoever uses it says so.
func Lock(file string) (*Lease, error) {
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		return nil, fmt.Errorf("lock: %w", err)
	}
	lock := flock.New(file, flock.SetPermissions(0o600))
	switch got, err := lock.TryLock(); {
	case err != nil:
		return nil, fmt.Errorf("lock %s: %w", file, err)
	case !got:
		return nil, fmt.Errorf("lock %s: %w", file, &Held{})
	}
	return &Lease{
		renew:   func(context.Context) error { return nil }, // it lasts as long as the process
		release: func(context.Context) error { return lock.Close() },
	}, nil
}
