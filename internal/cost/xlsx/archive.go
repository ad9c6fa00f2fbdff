package xlsx

import (
	"archive/zip"
	"bufio"
	"bytes"
	"compress/flate"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"
)

// archive is the ZIP file of a workbook. It keeps the compressed parts until it
// is closed and then writes them by name: excelize hands them over in the order
// of a map, and the same report shall give the same bytes.
type archive struct {
	to    io.Writer
	spool spool
	parts []*entry
}

// entry is one part. It is written before the next one begins.
type entry struct {
	header   zip.FileHeader
	at       int64 // where it begins in the spool
	spool    *spool
	deflater *flate.Writer
}

// Create begins the next part.
func (a *archive) Create(name string) (io.Writer, error) {
	if err := a.finish(); err != nil {
		return nil, err
	}
	e := &entry{header: zip.FileHeader{Name: name, Method: zip.Deflate}, at: a.spool.size, spool: &a.spool}
	// The fastest level takes a third of the time of the default and makes files
	// only a little larger: rows of a report are much alike.
	deflater, err := flate.NewWriter(&a.spool, flate.BestSpeed)
	if err != nil {
		return nil, fmt.Errorf("compress %s: %w", name, err)
	}
	e.deflater = deflater
	a.parts = append(a.parts, e)
	return e, nil
}

// Write compresses.
func (e *entry) Write(p []byte) (int, error) {
	e.header.CRC32 = crc32.Update(e.header.CRC32, crc32.IEEETable, p)
	e.header.UncompressedSize64 += uint64(len(p))
	return e.deflater.Write(p)
}

// finish ends the part that was begun last.
func (a *archive) finish() error {
	if len(a.parts) == 0 {
		return nil
	}
	e := a.parts[len(a.parts)-1]
	if e.deflater == nil {
		return nil
	}
	if err := e.deflater.Close(); err != nil {
		return fmt.Errorf("compress %s: %w", e.header.Name, err)
	}
	e.deflater = nil
	e.header.CompressedSize64 = uint64(a.spool.size - e.at)
	return nil
}

// AddFS is what excelize asks for and never uses.
func (a *archive) AddFS(fs.FS) error { return fmt.Errorf("add a file system: %w", fs.ErrInvalid) }

// Close writes everything by name. "[Content_Types].xml", by which programs tell
// what the file is, comes first.
func (a *archive) Close() error {
	if err := a.finish(); err != nil {
		return err
	}
	slices.SortFunc(a.parts, func(x, y *entry) int { return strings.Compare(x.header.Name, y.header.Name) })
	z := zip.NewWriter(a.to)
	for _, e := range a.parts {
		w, err := z.CreateRaw(&e.header)
		if err != nil {
			return err
		}
		compressed, err := a.spool.section(e.at, int64(e.header.CompressedSize64))
		if err != nil {
			return err
		}
		if _, err := io.Copy(w, compressed); err != nil {
			return err
		}
	}
	return z.Close()
}

// inMemory is how much a spool keeps in memory.
const inMemory = 4 << 20

// spool keeps bytes in memory, or in a temporary file when there are many.
type spool struct {
	memory bytes.Buffer
	file   *os.File
	buffer *bufio.Writer // to file; what is compressed comes in small pieces
	size   int64
}

func (s *spool) Write(p []byte) (n int, err error) {
	switch {
	case s.file == nil && s.memory.Len()+len(p) <= inMemory:
		n, err = s.memory.Write(p)
	default:
		if s.file == nil {
			if err := s.spill(); err != nil {
				return 0, err
			}
		}
		n, err = s.buffer.Write(p)
	}
	s.size += int64(n)
	return n, err
}

// spill moves what is in memory to a file.
func (s *spool) spill() error {
	file, err := os.CreateTemp("", "nightshift-*.xlsx")
	if err != nil {
		return fmt.Errorf("large workbooks need a temporary file: %w", err)
	}
	s.file, s.buffer = file, bufio.NewWriterSize(file, 1<<16)
	if _, err := s.memory.WriteTo(file); err != nil {
		return err
	}
	s.memory = bytes.Buffer{}
	return nil
}

// section reads a part of what was written.
func (s *spool) section(at, size int64) (io.Reader, error) {
	if s.file == nil {
		return bytes.NewReader(s.memory.Bytes()[at : at+size]), nil
	}
	return io.NewSectionReader(s.file, at, size), s.buffer.Flush()
}

// remove deletes the file, if there is one.
func (s *spool) remove() error {
	if s.file == nil {
		return nil
	}
	return errors.Join(s.file.Close(), os.Remove(s.file.Name()))
}
