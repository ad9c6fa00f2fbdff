package xlsx

import (
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"golang.org/x/text/width"

	"nightshift/internal/cost/sheet"
	"nightshift/internal/price"
)

// maxText is how many UTF-16 units a cell holds; a longer text ends in a mark.
const maxText = 32_767

// safeText makes a text that every spreadsheet program opens: control
// characters that XML 1.0 forbids become their pictures (U+2400 to U+2421),
// invalid UTF-8 and non-characters the replacement character. Line ends become
// plain line feeds, which is what cells hold.
func safeText(s string) string {
	if plain(s) {
		return s
	}
	var b strings.Builder
	units := 0
	s = strings.ReplaceAll(strings.ToValidUTF8(s, string(utf8.RuneError)), "\r\n", "\n")
	for n, r := range s {
		switch {
		case r == '\n' || r == '\t':
		case r < ' ':
			r += '␀'
		case r == 0x7f:
			r = '␡'
		case r == 0xfffe || r == 0xffff:
			r = utf8.RuneError
		}
		size := 1
		if r > 0xffff {
			size = 2
		}
		// The last unit is kept free for the mark.
		if units += size; units >= maxText && n+utf8.RuneLen(r) < len(s) || units > maxText {
			return b.String() + "…"
		}
		b.WriteRune(r)
	}
	return b.String()
}

// plain is true for short printable ASCII, which most texts are.
func plain(s string) bool {
	if len(s) > maxText {
		return false
	}
	for n := range len(s) {
		if s[n] < ' ' || s[n] >= 0x7f {
			return false
		}
	}
	return true
}

const (
	minWidth, maxWidth = 8, 60
	// sampled is how many rows the widths are fitted to.
	sampled = 1000
)

// widths fits each column to its header, with space for the filter's button,
// and to the first rows, within bounds.
func widths(table sheet.Table) []float64 {
	columns := make([]int, len(table.Columns))
	for n, column := range table.Columns {
		columns[n] = textWidth(column.Header) + 4
	}
	row := 0
	for values := range table.Rows {
		for n, value := range values {
			columns[n] = max(columns[n], shownWidth(table.Columns[n].Format, value)+2)
		}
		if row++; row == sampled {
			break
		}
	}
	fitted := make([]float64, len(columns))
	for n, width := range columns {
		fitted[n] = float64(min(max(width, minWidth), maxWidth))
	}
	return fitted
}

// shownWidth is about how many digits wide a value is shown.
func shownWidth(format sheet.Format, value any) int {
	switch v := value.(type) {
	case nil:
		return 0
	case string:
		return textWidth(v)
	case price.USD:
		if format == sheet.Rate {
			return len(v.String()) + 2
		}
		return len(fmt.Sprintf("%.2f", v.Float())) * 4 / 3
	case float64:
		return len(fmt.Sprintf("%.2f", v)) * 4 / 3
	case time.Duration:
		return len(fmt.Sprintf("%.2f", v.Hours()))
	case time.Time:
		return len("2006-01-02 15:04")
	default:
		return len(fmt.Sprint(v)) * 4 / 3
	}
}

// textWidth counts the columns of a text; East Asian wide characters take two.
func textWidth(s string) int {
	columns := 0
	for _, r := range s {
		columns++
		if wideRune(r) {
			columns++
		}
		if columns > maxWidth {
			break
		}
	}
	return columns
}

// wideRune is true for characters that take two columns: Hangul, Kana, CJK,
// full-width forms, emoji.
func wideRune(r rune) bool {
	k := width.LookupRune(r).Kind()
	return k == width.EastAsianWide || k == width.EastAsianFullwidth
}
