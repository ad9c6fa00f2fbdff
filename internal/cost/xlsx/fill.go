package xlsx

import (
	"bytes"
	"cmp"
	"fmt"
	"runtime"
	"slices"

	"golang.org/x/sync/errgroup"
)

// fill writes the rows of all tables into the parts of their sheets, several
// tables at the same time. The longest begin, so that none is left alone at the
// end.
func (b *workbook) fill(parts archive) error {
	paths := map[string]string{}
	for id, name := range b.file.GetSheetMap() {
		paths[name] = fmt.Sprintf("xl/worksheets/sheet%d.xml", id)
	}
	names := slices.Clone(b.order)
	cells := func(name string) int { return b.tables[name].Len * len(b.tables[name].Columns) }
	slices.SortStableFunc(names, func(x, y string) int { return cmp.Compare(cells(y), cells(x)) })
	queue := make(chan string, len(names))
	for _, name := range names {
		queue <- name
	}
	close(queue)
	var group errgroup.Group
	for range runtime.GOMAXPROCS(0) {
		group.Go(func() error {
			d, err := newDeflater()
			if err != nil {
				return err
			}
			f := filler{deflater: d}
			for name := range queue {
				table := b.tables[name]
				var sheets []*entry
				for _, s := range table.sheets {
					sheets = append(sheets, parts[paths[s.name]])
				}
				if f.rows, err = newRowWriter(table.Columns, b.styles); err == nil {
					err = f.fill(table, sheets)
				}
				if err != nil {
					return fmt.Errorf("sheet %s: %w", name, err)
				}
			}
			return nil
		})
	}
	return group.Wait()
}

// filler writes sheets, one after the other.
type filler struct {
	deflater *deflater
	rows     rowWriter
	buffer   []byte // of rows
	tail     []byte // of the sheet that is being written
}

// enough is how much is compressed at once.
const enough = 1 << 15

// fill writes the rows of a table into its sheets.
func (f *filler) fill(table placed, sheets []*entry) error {
	n, row := 0, 1
	if err := f.begin(sheets[n]); err != nil {
		return err
	}
	for values := range table.Rows {
		if row > table.sheets[n].rows {
			if err := f.end(); err != nil {
				return err
			}
			n, row = n+1, 1
			if err := f.begin(sheets[n]); err != nil {
				return err
			}
		}
		row++
		var err error
		if f.buffer, err = f.rows.appendRow(f.buffer, row, values); err != nil {
			return err
		}
		if len(f.buffer) >= enough {
			if err := f.flush(); err != nil {
				return err
			}
		}
	}
	return f.end()
}

// begin writes what stands before the rows of a sheet, and its header.
func (f *filler) begin(sheet *entry) error {
	head, tail, ok := bytes.Cut(sheet.made.Bytes(), []byte("</sheetData>"))
	if !ok || !bytes.HasSuffix(head, []byte("<sheetData>")) {
		return fmt.Errorf("part %s has no place for rows", sheet.header.Name)
	}
	// excelize says that rows are filtered out wherever there is a filter.
	head = bytes.Replace(head, []byte(` filterMode="true"`), nil, 1)
	f.deflater.begin(sheet)
	f.tail = tail
	f.buffer = f.rows.appendHeader(append(f.buffer, head...))
	return nil
}

// end writes what stands behind the rows.
func (f *filler) end() error {
	f.buffer = append(f.buffer, "</sheetData>"...)
	f.buffer = append(f.buffer, f.tail...)
	if err := f.flush(); err != nil {
		return err
	}
	return f.deflater.end()
}

func (f *filler) flush() error {
	_, err := f.deflater.Write(f.buffer)
	f.buffer = f.buffer[:0]
	return err
}
