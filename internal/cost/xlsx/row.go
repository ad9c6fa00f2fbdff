package xlsx

import (
	"fmt"
	"math"
	"strconv"

	"github.com/xuri/excelize/v2"

	"nightshift/internal/cost/sheet"
)

// rowWriter turns rows of a table into the XML of a sheet (ECMA-376 part 1,
// 18.3.1.73). It does not use the library because of the time: nearly all of a
// large workbook is cells.
type rowWriter struct {
	columns []sheet.Column
	letters []string // of the columns
	styles  styles
}

func newRowWriter(columns []sheet.Column, s styles) (rowWriter, error) {
	w := rowWriter{columns: columns, styles: s}
	for n := range columns {
		letters, err := excelize.ColumnNumberToName(n + 1)
		if err != nil {
			return w, err
		}
		w.letters = append(w.letters, letters)
	}
	return w, nil
}

// appendHeader appends the first row, which is a bit higher than the others.
func (w rowWriter) appendHeader(b []byte) []byte {
	b = append(b, `<row r="1" ht="20" customHeight="1">`...)
	for n, column := range w.columns {
		b = w.beginCell(b, n, 1, w.styles.heading(column.Format))
		b = appendText(b, safeText(column.Header))
	}
	return append(b, "</row>"...)
}

// appendRow appends a row of values. Nothing is written where there is none.
func (w rowWriter) appendRow(b []byte, row int, values []any) ([]byte, error) {
	b = append(b, `<row r="`...)
	b = strconv.AppendInt(b, int64(row), 10)
	b = append(b, `">`...)
	for n, value := range values {
		if value == nil || value == "" {
			continue
		}
		b = w.beginCell(b, n, row, w.styles.of(w.columns[n].Format, value))
		if text, ok := value.(string); ok {
			b = appendText(b, safeText(text))
		} else if count, ok := value.(int64); ok {
			b = append(b, `"><v>`...)
			b = strconv.AppendInt(b, count, 10)
			b = append(b, "</v></c>"...)
		} else if number, ok := number(value); ok {
			b = appendNumber(b, number)
		} else {
			return b, fmt.Errorf("column %s: a cell cannot hold a %T", w.columns[n].Header, value)
		}
	}
	return append(b, "</row>"...), nil
}

// beginCell appends a cell up to its style, with the attribute still open.
func (w rowWriter) beginCell(b []byte, column, row, style int) []byte {
	b = append(b, `<c r="`...)
	b = append(b, w.letters[column]...)
	b = strconv.AppendInt(b, int64(row), 10)
	b = append(b, `" s="`...)
	return strconv.AppendInt(b, int64(style), 10)
}

// appendNumber appends the rest of a cell with a number, in as many digits as
// distinguish it from all others. What is not a number XML Schema's doubles can
// hold but spreadsheets cannot; it is shown as text.
func appendNumber(b []byte, f float64) []byte {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return appendText(b, strconv.FormatFloat(f, 'f', -1, 64))
	}
	b = append(b, `"><v>`...)
	b = strconv.AppendFloat(b, f, 'f', -1, 64)
	return append(b, "</v></c>"...)
}

// appendText appends the rest of a cell with a text that is safe. It is in
// the cell itself: a list of shared texts would have to be kept in memory.
func appendText(b []byte, s string) []byte {
	b = append(b, `" t="inlineStr"><is><t`...)
	if s != "" && (blank(s[0]) || blank(s[len(s)-1])) {
		b = append(b, ` xml:space="preserve"`...)
	}
	b = append(b, '>')
	b = appendEscaped(b, s)
	return append(b, "</t></is></c>"...)
}

func blank(c byte) bool { return c == ' ' || c == '\t' || c == '\n' }

// appendEscaped appends a text as the content of an element. Besides what XML
// itself needs, an underscore that begins something like "_x000D_" is written
// as "_x005F_": programs read that as one character (ECMA-376 part 1,
// 22.9.2.19).
func appendEscaped(b []byte, s string) []byte {
	from := 0 // what is before is written
	for n := range len(s) {
		var with string
		switch s[n] {
		case '&':
			with = "&amp;"
		case '<':
			with = "&lt;"
		case '>':
			with = "&gt;"
		case '_':
			if !escapeAt(s[n:]) {
				continue
			}
			with = "_x005F_"
		default:
			continue
		}
		b = append(b, s[from:n]...)
		b = append(b, with...)
		from = n + 1
	}
	return append(b, s[from:]...)
}

// escapeAt is true where a text begins with an escape of spreadsheets: "_x",
// four hexadecimal digits, "_".
func escapeAt(s string) bool {
	if len(s) < 7 || s[1] != 'x' || s[6] != '_' {
		return false
	}
	_, err := strconv.ParseUint(s[2:6], 16, 16)
	return err == nil
}
