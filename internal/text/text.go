// Package text holds what several packages print alike: numbers with commas,
// nouns in the right number, the width of a text on a terminal, and the known
// word that a misspelt one is nearest to.
//
// It imports nothing of ours and knows no nouns: money prints itself in price.
package text

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"
)

// Count is a number with its noun, "1 instance" or "1,204 instances".
func Count(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return Number(int64(n)) + " " + many
}

// Number is a whole number with commas between the thousands.
func Number(n int64) string { return Commas(strconv.FormatInt(n, 10)) }

// Commas puts commas between the thousands of a decimal number such as
// "-1234.50". What is before the digits stays there, as in "$1234".
func Commas(number string) string {
	whole, fraction, point := strings.Cut(number, ".")
	digits := strings.TrimLeftFunc(whole, func(r rune) bool { return r < '0' || r > '9' })
	sign := whole[:len(whole)-len(digits)]
	for n := len(digits) - 3; n > 0; n -= 3 {
		digits = digits[:n] + "," + digits[n:]
	}
	if point {
		digits += "." + fraction
	}
	return sign + digits
}

// Strings are the texts of a list whose elements are texts of another type.
func Strings[T ~string](list []T) []string {
	out := make([]string, len(list))
	for n, s := range list {
		out[n] = string(s)
	}
	return out
}

// Printable makes a text safe for a terminal: characters that would move the
// cursor or change colours become visible escapes. Tags are written by anyone.
func Printable(s string) string {
	hidden := func(r rune) bool { return !unicode.IsPrint(r) }
	if strings.IndexFunc(s, hidden) < 0 {
		return s
	}
	var b strings.Builder
	for _, r := range s {
		if hidden(r) {
			fmt.Fprintf(&b, "\\u%04x", r)
		} else {
			b.WriteRune(r)
		}
	}
	return b.String()
}

// PrintableLines is Printable line by line. A tab becomes four blanks.
func PrintableLines(s string) string {
	lines := strings.Split(s, "\n")
	for n := range lines {
		lines[n] = Printable(strings.ReplaceAll(lines[n], "\t", "    "))
	}
	return strings.Join(lines, "\n")
}
