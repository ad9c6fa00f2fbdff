// Package plain writes the cost report for other programs: a table as CSV, all
// of it as JSON.
//
// It may import cost/sheet, price and text.
package plain

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode"

	"nightshift/internal/cost/sheet"
	"nightshift/internal/price"
)

// find is the table of that name.
func find(r sheet.Workbook, name string) (sheet.Table, error) {
	var names []string
	for _, table := range r.Tables() {
		if strings.EqualFold(table.Name, name) {
			return table, nil
		}
		names = append(names, table.Name)
	}
	return sheet.Table{}, fmt.Errorf("the report has no table %q; it has %s", name, strings.Join(names, ", "))
}

// exact is a value in full: money as a decimal number of dollars with all its
// digits, hours as a decimal number, times as in RFC 3339.
func exact(value any) string {
	switch v := value.(type) {
	case nil:
		return ""
	case string:
		return v
	case price.USD:
		return v.String()
	case time.Duration:
		return strconv.FormatFloat(v.Hours(), 'f', -1, 64)
	case time.Time:
		return v.Format(time.RFC3339)
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	default:
		return fmt.Sprint(v)
	}
}

// key is a header as a key of JSON: words in lower case, and the last
// is the unit if there is one: "EC2Monthly(USD)" is "ec2_monthly_usd",
// "VolumeSize(GB)" "volume_size_gb", "vCPU" "vcpu". A date behind a word is left
// out, so that the key stays the same from report to report.
func key(header string) string {
	var b strings.Builder
	letters := []rune(wholeWords().Replace(dated.ReplaceAllString(header, "$1")))
	for n, r := range letters {
		switch {
		case !unicode.IsLetter(r) && !unicode.IsDigit(r):
			if b.Len() > 0 && !strings.HasSuffix(b.String(), "_") {
				b.WriteByte('_')
			}
			continue
		case n > 0 && unicode.IsUpper(r) && begins(letters, n) && !strings.HasSuffix(b.String(), "_"):
			b.WriteByte('_')
		}
		b.WriteRune(unicode.ToLower(r))
	}
	return strings.TrimSuffix(b.String(), "_")
}

// dated is a word with a date behind it.
var dated = regexp.MustCompile(`([A-Za-z]) \d{4}-\d{2}-\d{2}`)

// begins is true for a capital letter with which a word begins: after a small
// letter or a digit, or before a small letter.
func begins(letters []rune, n int) bool {
	before := letters[n-1]
	return unicode.IsLower(before) || unicode.IsDigit(before) ||
		unicode.IsUpper(before) && n+1 < len(letters) && unicode.IsLower(letters[n+1])
}

// wholeWords are names that would fall apart into several words.
func wholeWords() *strings.Replacer {
	return strings.NewReplacer("vCPU", "Vcpu", "GiB", "Gib", "MiB", "Mib", "IPv4", "Ipv4")
}
