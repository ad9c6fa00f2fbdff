package page

import (
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"nightshift/internal/cost/sheet"
	"nightshift/internal/price"
	"nightshift/internal/text"
)

// longText is from how many characters on a text may be broken into lines.
const longText = 36

// words takes a header apart before its capital letters and its unit: "Month",
// "To", "Date", "(USD)".
func words(header string) []string {
	var all []string
	begin := 0
	for n, r := range header {
		if n > begin && (r == '(' || unicode.IsUpper(r) && unicode.IsLower(rune(header[n-1]))) {
			all = append(all, header[begin:n])
			begin = n
		}
	}
	return append(all, header[begin:])
}

// classOf is the class of a column: numbers are at the right.
func classOf(format sheet.Format) string {
	switch format {
	case sheet.Text, sheet.Mixed, sheet.Status:
		return "text"
	default:
		return "number"
	}
}

// more are classes that a value has in addition to those of its column.
func more(format sheet.Format, value any) string {
	text, ok := value.(string)
	switch {
	case ok && format == sheet.Status && sheet.GradeOf(text) == sheet.Bad:
		return " bad"
	case ok && format == sheet.Status && sheet.GradeOf(text) == sheet.Doubtful:
		return " doubtful"
	case ok && utf8.RuneCountInString(text) > longText:
		return " long"
	default:
		return ""
	}
}

// shown is a value as people read it: money in cents, rates with the decimals
// that they have, commas between thousands. What is not known is empty.
func shown(format sheet.Format, value any) string {
	switch v := value.(type) {
	case nil:
		return ""
	case string:
		return v
	case price.USD:
		if format == sheet.Rate {
			return rate(v)
		}
		return grouped(v.Cents().String())
	case time.Duration:
		return decimal(v.Hours())
	case time.Time:
		return v.Format("2006-01-02 15:04")
	case float64:
		return decimal(v)
	default:
		return grouped(fmt.Sprint(v))
	}
}

// rate shows a price with four decimals at least, as price lists do.
func rate(u price.USD) string {
	text := u.String()
	_, fraction, _ := strings.Cut(text, ".")
	return grouped(text + strings.Repeat("0", max(4-len(fraction), 0)))
}

// decimal shows a number with two decimals at most.
func decimal(f float64) string {
	text := strconv.FormatFloat(f, 'f', 2, 64)
	return grouped(strings.TrimSuffix(strings.TrimRight(text, "0"), "."))
}

// grouped puts commas between the thousands of a decimal number, and a minus
// sign before what is negative.
func grouped(number string) string { return strings.Replace(text.Commas(number), "-", "−", 1) }
