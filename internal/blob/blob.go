// Package blob is one object store for everything that nightshift keeps: the
// configuration, the journal, the history of costs, the price list, exports of
// the bill. A place is written as a folder or as s3://bucket/prefix, and read by
// ParseRef; a Store puts, gets, opens and lists objects there.
//
// Folder is the store in a folder. The one in S3 is the AWS adapter's.
//
// It imports fleet and text. It reads and writes files, and nothing else.
package blob

import (
	"context"
	"io"
	"time"

	"nightshift/internal/fleet"
)

// MaxObject is the size in bytes up to which objects are read and written as a
// whole: what can be put can be got. Larger ones are opened as a stream.
const MaxObject = 64 << 20

// Store is a place for objects under slash-separated keys. It is safe for
// concurrent use.
type Store interface {
	// Put stores an object, replacing one that is there. It appears whole or not
	// at all. More than MaxObject bytes are refused as fleet.ErrInvalid.
	Put(ctx context.Context, key string, body []byte) error
	// Get reads an object of at most MaxObject bytes; a larger one is
	// fleet.ErrInvalid, one that is not there fleet.ErrNotFound.
	Get(ctx context.Context, key string) ([]byte, error)
	// Open reads an object of any size as a stream, which the caller closes. The
	// reader may also be an io.ReaderAt with a method Size() int64.
	Open(ctx context.Context, key string) (io.ReadCloser, error)
	// List names what lies directly under a prefix, which is empty or ends in
	// "/": the full keys of objects, and folders as prefixes that end in "/" (in
	// S3's words, listed with the delimiter "/"). Nothing there is not an error.
	List(ctx context.Context, prefix string) ([]string, error)
}

// Versioned is a Store with objects that several processes replace in turn: a
// write counts only while the object is still the one that was read. S3 compares
// ETags (If-Match, If-None-Match).
type Versioned interface {
	Store
	// GetVersion reads an object with its version. One that is not there is
	// fleet.ErrNotFound.
	GetVersion(ctx context.Context, key string) (Version, error)
	// PutVersion stores an object in place of the version that was read, or a new
	// one where version is empty, and gives its version. Where another process was
	// faster it is fleet.ErrConflict, and nothing is stored.
	PutVersion(ctx context.Context, key string, body []byte, version string) (string, error)
}

// Version is an object as it was at one moment.
type Version struct {
	Body []byte
	// Version names the content; empty is no object.
	Version string
	// Modified is when it was stored, Now when it was read, both by the clock of
	// the store: their difference is its age, whatever the clock of this machine
	// says.
	Modified, Now time.Time
}

// CheckSize refuses a body that Get would not read. Every Put calls it.
func CheckSize(name string, body []byte) error {
	if len(body) > MaxObject {
		return tooLarge(name)
	}
	return nil
}

// ReadAll reads what Get returns: at most MaxObject bytes.
func ReadAll(name string, r io.Reader) ([]byte, error) {
	body, err := io.ReadAll(io.LimitReader(r, MaxObject+1))
	if err == nil && len(body) > MaxObject {
		return nil, tooLarge(name)
	}
	return body, err
}

func tooLarge(name string) error {
	return fleet.Errorf(fleet.ErrInvalid, "%s is larger than %d MiB", name, MaxObject>>20)
}
