package bill

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"nightshift/internal/blob"
	"nightshift/internal/fleet"
)

// table is a file as rows of texts. Empty texts are unknown.
type table interface {
	columns() []string
	// want says which columns are read; the others may stay empty.
	want(columns []int)
	// next is a row that is valid until the one after it. At the end it is
	// io.EOF; after an errRow there may be more rows.
	next() ([]string, error)
	io.Closer
}

// open opens a file by what is in it, whatever its name.
func open(ctx context.Context, store blob.Store, key string) (table, error) {
	stream, err := store.Open(ctx, key)
	if err != nil {
		return nil, err
	}
	buffered := bufio.NewReaderSize(stream, 64<<10)
	magic, err := buffered.Peek(4)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, errors.Join(err, stream.Close())
	}
	var t table
	switch {
	case string(magic) == "PAR1":
		t, err = openParquet(stream, buffered)
	case bytes.HasPrefix(magic, []byte{0x1f, 0x8b}):
		var unzipped *gzip.Reader
		if unzipped, err = gzip.NewReader(buffered); err == nil {
			t, err = openCSV(unzipped, stream)
		}
	default:
		t, err = openCSV(buffered, stream)
	}
	if err != nil {
		return nil, errors.Join(err, stream.Close())
	}
	return t, nil
}

// seekable is what Parquet is read from: its end is read first.
type seekable interface {
	io.ReaderAt
	Size() int64
}

// spool copies a stream into a temporary file, which no longer has a name.
func spool(from io.Reader) (*sized, error) {
	f, err := os.CreateTemp("", "nightshift-bill-*")
	if err != nil {
		return nil, err
	}
	err = os.Remove(f.Name())
	if errors.Is(err, os.ErrPermission) {
		err = nil // systems where an open file keeps its name
	}
	size, copyErr := io.Copy(f, from)
	if err = errors.Join(err, copyErr); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return &sized{f, size}, nil
}

// sized is an open file that knows its size.
type sized struct {
	*os.File
	size int64
}

func (s *sized) Size() int64 { return s.size }

// csvTable is a CSV file, whose first row names the columns.
type csvTable struct {
	reader *csv.Reader
	header []string
	closer io.Closer
}

func openCSV(from io.Reader, closer io.Closer) (table, error) {
	reader := csv.NewReader(from)
	reader.ReuseRecord, reader.FieldsPerRecord, reader.LazyQuotes = true, -1, true
	header, err := reader.Read()
	if errors.Is(err, io.EOF) {
		return nil, fleet.Errorf(fleet.ErrInvalid, "the file is empty")
	}
	if err != nil {
		return nil, err
	}
	header = slices.Clone(header)
	header[0] = strings.TrimPrefix(header[0], "\ufeff")
	return &csvTable{reader, header, closer}, nil
}

func (t *csvTable) columns() []string { return t.header }

func (t *csvTable) want([]int) {}

func (t *csvTable) next() ([]string, error) {
	row, err := t.reader.Read()
	if bad := new(csv.ParseError); errors.As(err, &bad) {
		return nil, fmt.Errorf("%w: line %d is no CSV", errRow, bad.Line)
	}
	return row, err
}

func (t *csvTable) Close() error { return t.closer.Close() }
