package xlsx

import (
	"archive/zip"
	"bytes"
	"compress/flate"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"maps"
	"slices"
)

// archive is the ZIP file of a workbook. It takes the parts from excelize, which
// hands them over in the order of a map, and writes them by name: the same
// report shall give the same bytes. In between, rows are put into the sheets.
type archive map[string]*entry

// entry is one part of the archive.
type entry struct {
	header zip.FileHeader
	made   bytes.Buffer // by excelize
	spool  spool        // what is compressed
}

// Create begins the next part.
func (a archive) Create(name string) (io.Writer, error) {
	e := &entry{header: zip.FileHeader{Name: name, Method: zip.Deflate}}
	a[name] = e
	return &e.made, nil
}

// AddFS is what excelize asks for and never uses.
func (archive) AddFS(fs.FS) error { return fmt.Errorf("add a file system: %w", fs.ErrInvalid) }

// Close says that excelize has no more parts.
func (archive) Close() error { return nil }

// writeTo writes everything by name, compressing what is not yet compressed.
// "[Content_Types].xml", by which programs see what the file is, comes first.
func (a archive) writeTo(w io.Writer) error {
	d, err := newDeflater()
	if err != nil {
		return err
	}
	z := zip.NewWriter(w)
	for _, name := range slices.Sorted(maps.Keys(a)) {
		e := a[name]
		if e.spool.size == 0 {
			if err := d.compress(e, func(w io.Writer) error {
				_, err := w.Write(e.made.Bytes())
				return err
			}); err != nil {
				return err
			}
		}
		part, err := z.CreateRaw(&e.header)
		if err != nil {
			return err
		}
		if err := e.spool.copyTo(part); err != nil {
			return err
		}
	}
	return z.Close()
}

// remove deletes the temporary files, if there are any.
func (a archive) remove() error {
	var all []error
	for _, e := range a {
		all = append(all, e.spool.remove())
	}
	return errors.Join(all...)
}

// deflater compresses parts, one after the other.
type deflater struct {
	flate  *flate.Writer
	buffer []byte
	header *zip.FileHeader // of the part
}

// newDeflater compresses at the fastest level. It takes a third of the time of
// the default and makes files only a little larger: rows of a report are much
// alike.
func newDeflater() (*deflater, error) {
	w, err := flate.NewWriter(io.Discard, flate.BestSpeed)
	return &deflater{flate: w, buffer: make([]byte, 2*enough)}, err
}

// compress makes a part of what is written to it, at the same time as that is
// written.
func (d *deflater) compress(part *entry, write func(io.Writer) error) error {
	d.header = &part.header
	d.flate.Reset(&part.spool)
	from, to := io.Pipe()
	done := make(chan error)
	go func() {
		_, err := io.CopyBuffer(d, from, d.buffer)
		_ = from.CloseWithError(err) // it never fails
		done <- err
	}()
	// An error of either side is the error of both.
	_ = to.CloseWithError(write(to))
	if err := <-done; err != nil {
		return err
	}
	if err := d.flate.Close(); err != nil {
		return fmt.Errorf("compress %s: %w", part.header.Name, err)
	}
	part.header.CompressedSize64 = uint64(part.spool.size)
	return nil
}

// Write compresses.
func (d *deflater) Write(p []byte) (int, error) {
	d.header.CRC32 = crc32.Update(d.header.CRC32, crc32.IEEETable, p)
	d.header.UncompressedSize64 += uint64(len(p))
	n, err := d.flate.Write(p)
	if err != nil {
		return n, fmt.Errorf("compress %s: %w", d.header.Name, err)
	}
	return n, nil
}
