package history

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"iter"
	"strconv"

	"github.com/parquet-go/parquet-go"

	"nightshift/internal/cost/trend"
)

const (
	// version is that of the files' schema. Columns may be added without a new
	// one; readers of old versions must not take a new one for theirs.
	version    = 1
	versionKey = "nightshift.history"

	// A row group is what a reader holds at once of the columns that it reads,
	// and the writer of all.
	rowsPerGroup = 20_000
	batch        = 512
)

var errNewer = errors.New("it was written by a newer nightshift")

// Encode makes one Parquet file of rows. The same rows make the same bytes. It
// holds one group of rows in memory, and the file.
func Encode(rows iter.Seq[trend.Row]) ([]byte, error) {
	var file bytes.Buffer
	writer := parquet.NewGenericWriter[record](&file,
		parquet.Compression(&parquet.Zstd),
		// Pages and encodings that every reader of Parquet knows.
		parquet.DataPageVersion(1),
		parquet.DefaultEncoding(&parquet.Plain),
		parquet.MaxRowsPerRowGroup(rowsPerGroup),
		parquet.PageBufferSize(64<<10),
		parquet.CreatedBy("nightshift", strconv.Itoa(version), ""),
		parquet.KeyValueMetadata(versionKey, strconv.Itoa(version)),
		parquet.KeyValueMetadata(sumKey, unsealed),
	)
	records := make([]record, batch)
	n := 0
	for row := range rows {
		records[n].fill(row)
		if n++; n == batch {
			if _, err := writer.Write(records); err != nil {
				return nil, err
			}
			n = 0
		}
	}
	if _, err := writer.Write(records[:n]); err != nil {
		return nil, err
	}
	if err := writer.Close(); err != nil {
		return nil, err
	}
	return file.Bytes(), seal(file.Bytes())
}

// columns are a record with all columns of a file or with some.
type columns interface{ row(once words) trend.Row }

// rows yields the rows of a file; it reads only the columns of C.
func rows[C columns](file []byte) iter.Seq2[trend.Row, error] {
	return func(yield func(trend.Row, error) bool) {
		opened, err := open(file)
		if err != nil {
			yield(trend.Row{}, err)
			return
		}
		reader := parquet.NewGenericReader[C](opened)
		defer func() { _ = reader.Close() }()
		records, once := make([]C, batch), words{}
		for {
			clear(records)
			n, err := reader.Read(records)
			for _, r := range records[:n] {
				if !yield(r.row(once), nil) {
					return
				}
			}
			switch {
			case errors.Is(err, io.EOF):
				return
			case err != nil:
				yield(trend.Row{}, err)
				return
			}
		}
	}
}

// open reads the footer of a file that is one of ours.
func open(file []byte) (*parquet.File, error) {
	if err := intact(file); err != nil {
		return nil, err
	}
	opened, err := parquet.OpenFile(bytes.NewReader(file), int64(len(file)), parquet.SkipPageIndex(true), parquet.SkipBloomFilters(true))
	if err != nil {
		return nil, err
	}
	text, _ := opened.Lookup(versionKey)
	switch n, err := strconv.Atoi(text); {
	case err != nil || n < 1:
		return nil, fmt.Errorf("its version is %q", text)
	case n > version:
		return nil, fmt.Errorf("%w (version %d)", errNewer, n)
	}
	return opened, nil
}
