package history

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"
	"iter"
	"strconv"
	"strings"

	"github.com/parquet-go/parquet-go"

	"nightshift/internal/cost"
)

const (
	// version is that of the files' schema. Columns may be added without a new
	// one; readers of old versions must not take a new one for theirs.
	version    = 1
	versionKey = "nightshift.history"
	// sumKey is the SHA-256 of all that comes before the footer, with its length:
	// not all of that is covered by the checksums of Parquet.
	sumKey = "nightshift.sha256"

	// A row group is what a reader holds at once of the columns that it reads,
	// and the writer of all.
	rowsPerGroup = 20_000
	batch        = 512
)

var errNewer = errors.New("it was written by a newer nightshift")

// Encode writes rows as one Parquet file. The same rows make the same bytes. It
// holds one group of rows in memory.
func Encode(w io.Writer, rows iter.Seq[cost.Row]) error {
	sum := digest{hash: sha256.New()}
	writer := parquet.NewGenericWriter[record](io.MultiWriter(w, &sum),
		parquet.WriteBufferSize(0), // what Flush has written is all that is summed up
		parquet.Compression(&parquet.Zstd),
		// Pages and encodings that every reader of Parquet knows.
		parquet.DataPageVersion(1),
		parquet.DefaultEncoding(&parquet.Plain),
		parquet.MaxRowsPerRowGroup(rowsPerGroup),
		parquet.PageBufferSize(64<<10),
		parquet.CreatedBy("nightshift", strconv.Itoa(version), ""),
		parquet.KeyValueMetadata(versionKey, strconv.Itoa(version)),
	)
	records := make([]record, batch)
	n := 0
	flush := func() error {
		_, err := writer.Write(records[:n])
		n = 0
		return err
	}
	for row := range rows {
		records[n].fill(row)
		if n++; n == batch {
			if err := flush(); err != nil {
				return err
			}
		}
	}
	if err := errors.Join(flush(), writer.Flush()); err != nil {
		return err
	}
	writer.SetKeyValueMetadata(sumKey, sum.String())
	return writer.Close()
}

// digest is the checksum of what was written to it.
type digest struct {
	hash   hash.Hash
	length int64
}

func (d *digest) Write(p []byte) (int, error) {
	d.length += int64(len(p))
	return d.hash.Write(p)
}

func (d *digest) String() string { return fmt.Sprintf("%d:%x", d.length, d.hash.Sum(nil)) }

// intact compares the file with the digest that was made of its beginning.
func intact(file []byte, want string) bool {
	length, _, _ := strings.Cut(want, ":")
	n, err := strconv.Atoi(length)
	if err != nil || n < 0 || n > len(file) {
		return false
	}
	return want == fmt.Sprintf("%d:%x", n, sha256.Sum256(file[:n]))
}

// Decode yields the rows of a file. An error is the last that it yields, and
// the rows before it are not the whole file.
func Decode(file []byte) iter.Seq2[cost.Row, error] { return rows[record](file) }

// columns are a record with all columns of a file or with some.
type columns interface{ row(once words) cost.Row }

// rows yields the rows of a file, of which it reads the columns of C.
func rows[C columns](file []byte) iter.Seq2[cost.Row, error] {
	return func(yield func(cost.Row, error) bool) {
		opened, reader, err := open[C](file)
		if err != nil {
			yield(cost.Row{}, err)
			return
		}
		defer func() { _ = reader.Close() }()
		records, once, total := make([]C, batch), words{}, int64(0)
		for {
			n, err := read(reader, records)
			for _, r := range records[:n] {
				if !yield(r.row(once), nil) {
					return
				}
			}
			total += int64(n)
			if err == nil && n > 0 {
				continue
			}
			if (err == nil || errors.Is(err, io.EOF)) && total != opened.NumRows() {
				err = fmt.Errorf("it has %d rows of %d", total, opened.NumRows())
			}
			if err != nil && !errors.Is(err, io.EOF) {
				yield(cost.Row{}, err)
			}
			return
		}
	}
}

// open reads the file's footer and asks whether it is one of ours.
func open[C columns](file []byte) (f *parquet.File, reader *parquet.GenericReader[C], err error) {
	defer recovered(&err)
	f, err = parquet.OpenFile(bytes.NewReader(file), int64(len(file)), parquet.SkipPageIndex(true), parquet.SkipBloomFilters(true))
	if err != nil {
		return nil, nil, err
	}
	text, ok := f.Lookup(versionKey)
	if !ok {
		return nil, nil, errors.New("it was not written by nightshift")
	}
	switch n, err := strconv.Atoi(text); {
	case err != nil || n < 1:
		return nil, nil, fmt.Errorf("its version is %q", text)
	case n > version:
		return nil, nil, fmt.Errorf("%w (version %d)", errNewer, n)
	}
	if sum, _ := f.Lookup(sumKey); !intact(file, sum) {
		return nil, nil, errors.New("its checksum is another")
	}
	return f, parquet.NewGenericReader[C](f), nil
}

func read[C columns](reader *parquet.GenericReader[C], records []C) (n int, err error) {
	defer recovered(&err)
	clear(records)
	return reader.Read(records)
}

// recovered makes an error of a panic: on some damage the library does not
// return one.
func recovered(err *error) {
	if r := recover(); r != nil {
		*err = fmt.Errorf("it cannot be decoded: %v", r)
	}
}
