package xlsx

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
)

// inMemory is how much a spool keeps in memory. There is one for every sheet.
const inMemory = 1 << 20

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

// copyTo writes what was written to the spool.
func (s *spool) copyTo(w io.Writer) error {
	if s.file == nil {
		_, err := w.Write(s.memory.Bytes())
		return err
	}
	if err := s.buffer.Flush(); err != nil {
		return err
	}
	_, err := io.Copy(w, io.NewSectionReader(s.file, 0, s.size))
	return err
}

// remove deletes the file, if there is one.
func (s *spool) remove() error {
	if s.file == nil {
		return nil
	}
	return errors.Join(s.file.Close(), os.Remove(s.file.Name()))
}
