package xlsx

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"iter"
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
			for name := range queue {
				var sheets []*entry
				for _, s := range b.tables[name].sheets {
					sheet, ok := parts[paths[s.name]]
					if !ok {
						return fmt.Errorf("sheet %s: excelize has not made it", s.name)
					}
					sheets = append(sheets, sheet)
				}
				if err := b.fillTable(d, b.tables[name], sheets); err != nil {
					return fmt.Errorf("sheet %s: %w", name, err)
				}
			}
			return nil
		})
	}
	return group.Wait()
}

// fillTable writes the rows of a table into its sheets, one after the other.
func (b *workbook) fillTable(d *deflater, table placed, sheets []*entry) error {
	w, err := newRowWriter(table.Columns, b.styles)
	if err != nil {
		return err
	}
	next, stop := iter.Pull(table.Rows)
	defer stop()
	for n, s := range table.sheets {
		if err := d.compress(sheets[n], func(to io.Writer) error {
			return w.writeSheet(to, sheets[n].made.Bytes(), s.rows, next)
		}); err != nil {
			return err
		}
	}
	if _, more := next(); more {
		return fmt.Errorf("there are more than %d rows", table.Len)
	}
	return nil
}

// enough is how much is written at once.
const enough = 1 << 16

// writeSheet writes a sheet that was made without rows, its header and some of
// the next rows.
func (w rowWriter) writeSheet(to io.Writer, made []byte, rows int, next func() ([]any, bool)) error {
	head, tail, ok := bytes.Cut(made, []byte("</sheetData>"))
	if !ok || !bytes.HasSuffix(head, []byte("<sheetData>")) {
		return errors.New("excelize has left no place for rows")
	}
	// excelize says that rows are filtered out wherever there is a filter.
	head = bytes.Replace(head, []byte(` filterMode="true"`), nil, 1)
	buffer := make([]byte, 0, 2*enough)
	buffer = w.appendHeader(append(buffer, head...))
	for n := range rows {
		values, ok := next()
		if !ok {
			return fmt.Errorf("there are only %d of %d rows", n, rows)
		}
		var err error
		if buffer, err = w.appendRow(buffer, n+2, values); err != nil {
			return err
		}
		if len(buffer) >= enough {
			if _, err := to.Write(buffer); err != nil {
				return err
			}
			buffer = buffer[:0]
		}
	}
	buffer = append(buffer, "</sheetData>"...)
	_, err := to.Write(append(buffer, tail...))
	return err
}
