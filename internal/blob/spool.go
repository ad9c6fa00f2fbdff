package blob

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"nightshift/internal/fleet"
)

// Spool is a file that gets its name only when it is complete. It can be read from
// its beginning as often as needed, to be uploaded.
type Spool struct {
	*os.File
}

// NewSpool makes a file that nobody else may read, in the folder that it will be
// placed in; an empty folder is that of temporary files.
func NewSpool(folder, ending string) (*Spool, error) {
	file, err := os.CreateTemp(cmp.Or(folder, os.TempDir()), ".nightshift-*"+ending)
	if err != nil {
		return nil, err
	}
	return &Spool{file}, nil
}

// Replace gives the file a name in place of what has it, once: with the permissions
// of the file that had it or, where there was none, those of any new file. It can
// still be read afterwards.
func (s *Spool) Replace(name string) error {
	mode, err := modeOf(name)
	if err != nil {
		return err
	}
	if err := errors.Join(s.Chmod(mode), s.Sync()); err != nil {
		return err
	}
	return os.Rename(s.Name(), name)
}

// Close removes the file where it was not placed.
func (s *Spool) Close() error {
	err := s.File.Close()
	if removed := os.Remove(s.Name()); removed != nil && !errors.Is(removed, fs.ErrNotExist) {
		return errors.Join(err, removed)
	}
	return err
}

// modeOf are the permissions that a file has or, if it is not there, would get.
func modeOf(name string) (fs.FileMode, error) {
	if info, err := os.Lstat(name); err == nil {
		return info.Mode().Perm(), nil
	}
	// Only a file that is made shows what the umask leaves of them.
	probe := filepath.Join(filepath.Dir(name), fmt.Sprintf(".nightshift-%d", os.Getpid()))
	file, err := os.OpenFile(probe, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o666)
	if err != nil {
		return 0, err
	}
	defer os.Remove(probe)
	info, err := file.Stat()
	if err := cmp.Or(err, file.Close()); err != nil {
		return 0, err
	}
	return info.Mode().Perm(), nil
}

// CheckFile says before any work is done why a file could not be placed. A link or
// a device would be replaced by the file and not written to, and is refused.
func CheckFile(name string) error {
	folder := filepath.Dir(name)
	if info, err := os.Stat(folder); err != nil || !info.IsDir() {
		return fleet.Errorf(fleet.ErrInvalid, "there is no folder %s; make it first", folder)
	}
	switch info, err := os.Stat(name); {
	case err != nil: // it is not there yet
	case info.IsDir():
		return fleet.Errorf(fleet.ErrInvalid, "this is a folder; name a file in it")
	case !info.Mode().IsRegular():
		return fleet.Errorf(fleet.ErrInvalid, "this is not a file; name one")
	}
	// The file would take the place of the link, and not of what is behind it.
	if info, err := os.Lstat(name); err == nil && info.Mode()&fs.ModeSymlink != 0 {
		to := ""
		if target, err := os.Readlink(name); err == nil {
			to = " to " + target
		}
		return fleet.Errorf(fleet.ErrInvalid, "this is a symbolic link%s; name the file itself", to)
	}
	trial, err := os.CreateTemp(folder, ".nightshift-*")
	if err != nil {
		return fleet.Errorf(fleet.ErrInvalid, "nothing can be written there: %w", err)
	}
	return errors.Join(trial.Close(), os.Remove(trial.Name()))
}

var _ io.ReadSeeker = (*Spool)(nil)
