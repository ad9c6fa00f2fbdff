package app

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"hash"
	"io"

	"nightshift/internal/blob"
	"nightshift/internal/config"
)

// Reading is a configuration as it was read at one moment. Whoever lives longer than
// a run compares it with the one in force before using it.
type Reading struct {
	// Config is nil where nothing could be read. Err is then why; beside a Config it
	// is a config.Errors, and what those are about is skipped.
	Config *config.Config
	Err    error
	// Hash is that of the file and of all calendars that it names, in hex. It is empty
	// where one of them could not be opened, for such a reading is like no other.
	Hash string
}

// ReadConfig reads a configuration without opening anything else.
func (a *App) ReadConfig(ctx context.Context, ref blob.Ref) Reading {
	sum := sha256.New()
	complete := true
	cfg, err := config.Load(ref.String(), func(name string) (io.ReadCloser, error) {
		file, err := a.openConfigFile(ctx, name)
		if err != nil {
			complete = false
			return nil, err
		}
		_, _ = io.WriteString(sum, "\x00"+name+"\x00") // hashes take everything
		return &hashed{file, sum, &complete}, nil
	})
	r := Reading{Config: cfg, Err: err}
	if complete {
		r.Hash = hex.EncodeToString(sum.Sum(nil))
	}
	return r
}

// hashed adds what is read of a file to a hash.
type hashed struct {
	io.ReadCloser
	sum      hash.Hash
	complete *bool
}

// Read reads and hashes.
func (h *hashed) Read(p []byte) (int, error) {
	n, err := h.ReadCloser.Read(p)
	h.sum.Write(p[:n])
	if err != nil && !errors.Is(err, io.EOF) {
		*h.complete = false
	}
	return n, err
}
