package app

import (
	"bytes"
	"context"
	"errors"
	"io"
	"path/filepath"

	"nightshift/internal/amazon"
	"nightshift/internal/blob"
	"nightshift/internal/fleet"
)

// store opens a place: a folder, or a prefix in a bucket that our own credentials
// reach. It is nil where no place is named.
func (s *Session) store(ctx context.Context, place string) (blob.Store, error) {
	ref, err := blob.ParseRef(place)
	if err != nil {
		return nil, err
	}
	return s.storeAt(ctx, ref)
}

// Account is that of our own credentials.
func (s *Session) Account(ctx context.Context) (fleet.Account, error) { return s.aws.Account(ctx) }

func (s *Session) storeAt(ctx context.Context, ref blob.Ref) (blob.Store, error) {
	switch ref.Scheme {
	case blob.None:
		return nil, nil //nolint:nilnil // no place is no error
	case blob.File:
		return blob.Folder(ref.Path), nil
	case blob.S3:
		session, err := s.own(ctx)
		if err != nil {
			return nil, err
		}
		return session.Objects(ref.Bucket, ref.Prefix()), nil
	default:
		return nil, fleet.Errorf(fleet.ErrInvalid, "%s is not a folder or s3://bucket/prefix", ref)
	}
}

// own is the session of our own credentials, which is opened where the session
// has no targets.
func (s *Session) own(ctx context.Context) (*amazon.Session, error) {
	if s.aws != nil {
		return s.aws, nil
	}
	return s.app.session(ctx, regions{fallback: home})
}

// openConfigFile opens a file of a configuration.
func (a *App) openConfigFile(ctx context.Context, name string) (io.ReadCloser, error) {
	ref, err := blob.ParseRef(name)
	if err != nil {
		return nil, err
	}
	switch ref.Scheme {
	case blob.S3, blob.Parameter:
		text, err := a.remote(ctx, ref)
		if errors.Is(err, fleet.ErrNotFound) {
			err = fleet.Errorf(fleet.ErrInvalid, "it is not there: %w", err)
		}
		return io.NopCloser(bytes.NewReader(text)), err
	default:
		file, err := blob.OpenFile(filepath.FromSlash(ref.Path))
		if errors.Is(err, fleet.ErrNotFound) {
			err = fleet.Errorf(fleet.ErrInvalid, "there is no file %s", name)
		}
		return file, err
	}
}

// remote reads an object or a parameter with our own credentials.
func (a *App) remote(ctx context.Context, ref blob.Ref) ([]byte, error) {
	if ref.Scheme == blob.S3 && ref.Path == "" {
		return nil, fleet.Errorf(fleet.ErrInvalid, "%s names no object; write s3://bucket/key or ssm:/name", ref)
	}
	session, err := a.session(ctx, regions{fallback: home})
	if err != nil {
		return nil, err
	}
	return read(ctx, session, ref)
}

func read(ctx context.Context, session *amazon.Session, ref blob.Ref) ([]byte, error) {
	if ref.Scheme == blob.Parameter {
		text, err := session.Parameter(ctx, ref.Path)
		return []byte(text), err
	}
	return session.Objects(ref.Bucket, "").Get(ctx, ref.Path)
}
