package plain

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"time"

	"nightshift/internal/cost/sheet"
	"nightshift/internal/price"
)

// Version is the version of the JSON. It changes when a key goes or changes its
// meaning, not when one is added.
const Version = 1

// head is what is before the tables.
type head struct {
	Title     string    `json:"title"`
	Generated time.Time `json:"generated"`
	Zone      string    `json:"zone"`
	Month     string    `json:"month"`
	From      time.Time `json:"from"`
	To        time.Time `json:"to"`
	Complete  bool      `json:"complete"`
	Currency  string    `json:"currency"`
	Summary   []block   `json:"summary"`
}

type block struct {
	Title   string   `json:"title"`
	Figures []figure `json:"figures"`
}

type figure struct {
	Label string `json:"label"`
	Value any    `json:"value"`
	Unit  string `json:"unit,omitempty"`
	Note  string `json:"note,omitempty"`
	Table string `json:"table,omitempty"`
}

// WriteJSON writes the whole report as one JSON value on one line:
//
//	{"version": 1, "kind": "cost-report", "data": {…, "tables": {"ec2_detail_costs": [{"name": …}, …], …}}}
//
// Tables are arrays of objects, one a row. Keys are the headers of the columns in
// small letters, words joined by underscores, with their unit at the end; they
// are in the order of the columns. Money is a string with a decimal number of
// dollars with all its digits, counts and hours are numbers, times are as in RFC
// 3339, and what is not known is null. Text is never altered but for bytes that
// are not UTF-8. Rows are written as they are made, so that memory does not grow
// with them.
func WriteJSON(w io.Writer, r sheet.Workbook) error {
	out := newWriter(w)
	out.text(fmt.Sprintf(`{"version":%d,"kind":"cost-report","data":`, Version))
	front, err := out.encode(headOf(r))
	if err != nil {
		return fmt.Errorf("report as JSON: %w", err)
	}
	out.text(string(front[:len(front)-1])) // without its last brace
	out.text(`,"tables":{`)
	for n, table := range r.Tables() {
		if n > 0 {
			out.text(",")
		}
		if err := out.table(table); err != nil {
			return fmt.Errorf("table %s as JSON: %w", table.Name, err)
		}
	}
	out.text("}}}\n")
	if err := out.Flush(); err != nil {
		return fmt.Errorf("report as JSON: %w", err)
	}
	return nil
}

func headOf(r sheet.Workbook) head {
	s := r.Summary()
	h := head{
		Title: s.Title, Generated: r.Month.Now, Zone: r.Month.Now.Location().String(), Month: r.Month.Start.Format("2006-01"),
		From: r.Month.Start, To: r.Month.End, Complete: r.Complete(), Currency: "USD",
	}
	h.Summary = append(h.Summary, block{"Headline", figures(s.Headline)})
	for _, b := range s.Blocks {
		h.Summary = append(h.Summary, block{b.Title, figures(b.Figures)})
	}
	return h
}

func figures(list []sheet.Figure) []figure {
	all := make([]figure, len(list))
	for n, f := range list {
		all[n] = figure{f.Label, plainValue(f.Value), f.Unit, f.Note, ""}
		if f.Sheet != "" {
			all[n].Table = key(f.Sheet)
		}
	}
	return all
}

// plainValue is a value as JSON has it. Money writes itself as a string.
func plainValue(value any) any {
	if d, ok := value.(time.Duration); ok {
		return d.Hours()
	}
	return value
}

// writer keeps the first error for Flush, as its buffer does.
type writer struct {
	*bufio.Writer
	value   bytes.Buffer
	encoder *json.Encoder // to value
}

func newWriter(w io.Writer) *writer {
	out := &writer{Writer: bufio.NewWriterSize(w, 1<<16)}
	out.encoder = json.NewEncoder(&out.value)
	// Names stay readable; this is not HTML.
	out.encoder.SetEscapeHTML(false)
	return out
}

// encode is a value as JSON. It is good until the next one.
func (w *writer) encode(value any) ([]byte, error) {
	w.value.Reset()
	if err := w.encoder.Encode(value); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(w.value.Bytes(), []byte("\n")), nil
}

func (w *writer) text(s string) {
	_, _ = w.WriteString(s) // Flush returns the error
}

// table writes a table with its key. A writer that fails ends it.
func (w *writer) table(table sheet.Table) error {
	keys := make([]string, len(table.Columns))
	for n, column := range table.Columns {
		keys[n] = fmt.Sprintf("%q:", key(column.Header))
	}
	w.text(fmt.Sprintf("%q:[", key(table.Name)))
	begin := "{"
	for values := range table.Rows {
		for n, value := range values {
			if n == 0 {
				w.text(begin)
			} else {
				w.text(",")
			}
			w.text(keys[n])
			if err := w.cell(value); err != nil {
				return err
			}
		}
		begin = ",{"
		if err := w.WriteByte('}'); err != nil {
			return err // the rows to come need not be made
		}
	}
	w.text("]")
	return nil
}

// cell writes a value. Money and what is not known, which are most, need
// no reflection.
func (w *writer) cell(value any) error {
	switch v := value.(type) {
	case nil:
		w.text("null")
	case price.USD:
		w.text(`"` + v.String() + `"`)
	default:
		text, err := w.encode(plainValue(v))
		if err != nil {
			return err
		}
		w.text(string(text))
	}
	return nil
}
