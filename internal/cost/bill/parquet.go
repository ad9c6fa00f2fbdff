package bill

import (
	"errors"
	"io"
	"math/big"
	"strconv"
	"time"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/format"

	"nightshift/internal/fleet"
)

// parquetTable reads the chosen columns of a Parquet file side by side. Columns
// that are lists or maps are not read.
type parquetTable struct {
	file    *parquet.File
	closer  io.Closer
	extra   io.Closer // the temporary file
	leaves  []*parquet.Column
	names   []string
	cursors []*cursor
	chosen  []int
	group   int
	left    int64 // rows of the row group
	row     []string
}

// guard makes an error of a panic, by which the reader of Parquet answers some
// damage.
func guard(err *error) {
	if reason := recover(); reason != nil {
		*err = fleet.Errorf(fleet.ErrInvalid, "the Parquet file is damaged: %v", reason)
	}
}

func openParquet(stream io.ReadCloser, buffered io.Reader) (_ table, err error) {
	defer guard(&err)
	t := &parquetTable{closer: stream}
	from, ok := stream.(seekable)
	if !ok {
		spooled, err := spool(buffered)
		if err != nil {
			return nil, err
		}
		from, t.extra = spooled, spooled
	}
	file, err := parquet.OpenFile(from, from.Size(), parquet.SkipPageIndex(true), parquet.SkipBloomFilters(true))
	if err != nil {
		err = fleet.Errorf(fleet.ErrInvalid, "not a whole Parquet file: %w", err)
		if t.extra != nil {
			err = errors.Join(err, t.extra.Close())
		}
		return nil, err
	}
	t.file = file
	for _, c := range file.Root().Columns() {
		if c.Leaf() && c.MaxRepetitionLevel() == 0 {
			t.leaves, t.names = append(t.leaves, c), append(t.names, c.Name())
		}
	}
	t.row = make([]string, len(t.names))
	return t, nil
}

func (t *parquetTable) columns() []string { return t.names }

func (t *parquetTable) want(columns []int) { t.chosen = columns }

func (t *parquetTable) next() (row []string, err error) {
	defer guard(&err)
	for t.left == 0 {
		if err := t.closeGroup(); err != nil {
			return nil, err
		}
		groups := t.file.RowGroups()
		if t.group == len(groups) {
			return nil, io.EOF
		}
		chunks := groups[t.group].ColumnChunks()
		for _, n := range t.chosen {
			t.cursors = append(t.cursors, &cursor{pages: chunks[t.leaves[n].Index()].Pages(), text: textOf(t.leaves[n])})
		}
		t.left = groups[t.group].NumRows()
		t.group++
	}
	t.left--
	for n, c := range t.cursors {
		text, err := c.next()
		if err != nil {
			return nil, err
		}
		t.row[t.chosen[n]] = text
	}
	return t.row, nil
}

func (t *parquetTable) closeGroup() error {
	var errs []error
	for _, c := range t.cursors {
		errs = append(errs, c.pages.Close())
	}
	t.cursors = nil
	return errors.Join(errs...)
}

func (t *parquetTable) Close() error {
	err := errors.Join(t.closeGroup(), t.closer.Close())
	if t.extra != nil {
		err = errors.Join(err, t.extra.Close())
	}
	return err
}

// cursor reads the values of one column of a row group.
type cursor struct {
	pages  parquet.Pages
	values parquet.ValueReader
	text   func(parquet.Value) string
	buffer [256]parquet.Value
	at, n  int
}

func (c *cursor) next() (string, error) {
	for c.at == c.n {
		if c.values == nil {
			page, err := c.pages.ReadPage()
			if errors.Is(err, io.EOF) {
				return "", io.ErrUnexpectedEOF // the columns have the same number of rows
			}
			if err != nil {
				return "", err
			}
			c.values = page.Values()
		}
		n, err := c.values.ReadValues(c.buffer[:])
		if err != nil && !errors.Is(err, io.EOF) {
			return "", err
		}
		c.at, c.n = 0, n
		if err != nil || n == 0 {
			c.values = nil
		}
	}
	c.at++
	return c.text(c.buffer[c.at-1]), nil
}

// textOf is how values of a column are written as the CSV files would have
// them.
func textOf(c *parquet.Column) func(parquet.Value) string {
	var logical format.LogicalTypeValue
	if l := c.Type().LogicalType(); l != nil {
		logical = l.Value
	}
	return func(v parquet.Value) string {
		if v.IsNull() {
			return ""
		}
		switch kind := logical.(type) {
		case *format.TimestampType:
			return timestamp(v.Int64(), kind)
		case *format.DateType:
			return time.Unix(int64(v.Int32())*daySeconds, 0).UTC().Format(time.DateOnly)
		case *format.DecimalType:
			return decimal(v, int(kind.Scale))
		}
		switch v.Kind() { //nolint:exhaustive // the others are written as they are
		case parquet.Double:
			return strconv.FormatFloat(v.Double(), 'f', -1, 64)
		case parquet.Float:
			return strconv.FormatFloat(float64(v.Float()), 'f', -1, 32)
		case parquet.Int96:
			return julian(v)
		}
		return v.String()
	}
}

const daySeconds = 24 * 60 * 60

func timestamp(n int64, kind *format.TimestampType) string {
	t := time.UnixMilli(n)
	switch kind.Unit.Value.(type) {
	case *format.MicroSeconds:
		t = time.UnixMicro(n)
	case *format.NanoSeconds:
		t = time.Unix(0, n)
	}
	return t.UTC().Format(time.RFC3339Nano)
}

// julian reads the old form of timestamps: nanoseconds of a day and the number
// of the day in the Julian calendar; 2,440,588 is 1 January 1970.
func julian(v parquet.Value) string {
	n := v.Int96()
	nanos := int64(n[0]) | int64(n[1])<<32
	return time.Unix((int64(n[2])-2_440_588)*daySeconds, nanos).UTC().Format(time.RFC3339Nano)
}

// decimal reads an integer whose last digits are decimals.
func decimal(v parquet.Value, scale int) string {
	unscaled := new(big.Int)
	switch v.Kind() {
	case parquet.Int32:
		unscaled.SetInt64(int64(v.Int32()))
	case parquet.Int64:
		unscaled.SetInt64(v.Int64())
	default: // big-endian two's complement
		bytes := v.ByteArray()
		unscaled.SetBytes(bytes)
		if len(bytes) > 0 && bytes[0]&0x80 != 0 {
			unscaled.Sub(unscaled, new(big.Int).Lsh(big.NewInt(1), uint(8*len(bytes))))
		}
	}
	if scale < 0 || scale > 100 {
		return unscaled.String()
	}
	return new(big.Rat).SetFrac(unscaled, new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(scale)), nil)).FloatString(scale)
}
