package app

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
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

	files map[string]*bytes.Buffer // as they are, by their names
}

// ReadConfig reads a configuration without opening anything else.
func (a *App) ReadConfig(ctx context.Context, ref blob.Ref) Reading {
	sum := sha256.New()
	complete := true
	files := map[string]*bytes.Buffer{}
	cfg, err := config.Load(ref.String(), func(name string) (io.ReadCloser, error) {
		file, err := a.openConfigFile(ctx, name)
		if err != nil {
			complete = false
			return nil, err
		}
		_, _ = io.WriteString(sum, "\x00"+name+"\x00") // hashes take everything
		files[name] = &bytes.Buffer{}
		return &heard{file, io.MultiWriter(sum, files[name]), &complete}, nil
	})
	r := Reading{Config: cfg, Err: err, files: files}
	if complete {
		r.Hash = hex.EncodeToString(sum.Sum(nil))
	}
	return r
}

// heard passes on what is read of a file.
type heard struct {
	io.ReadCloser
	to       io.Writer // takes everything
	complete *bool
}

// Read reads and passes on.
func (h *heard) Read(p []byte) (int, error) {
	n, err := h.ReadCloser.Read(p)
	_, _ = h.to.Write(p[:n])
	if err != nil && !errors.Is(err, io.EOF) {
		*h.complete = false
	}
	return n, err
}
