package text

import (
	"strings"
	"unicode"

	"golang.org/x/text/width"
)

// Width is how many columns of a terminal a text takes: Korean, Chinese and
// Japanese characters and emoji take two, combining marks none.
func Width(s string) int {
	n := 0
	for _, r := range s {
		n += RuneWidth(r)
	}
	return n
}

// RuneWidth is how many columns of a terminal a character takes: 0, 1 or 2.
func RuneWidth(r rune) int {
	switch kind := width.LookupRune(r).Kind(); {
	case unicode.In(r, unicode.Mn, unicode.Me, unicode.Cf):
		return 0
	case kind == width.EastAsianWide, kind == width.EastAsianFullwidth:
		return 2
	default:
		return 1
	}
}

// Pad adds blanks at the end of a text until it is as wide as it should be.
func Pad(s string, columns int) string {
	return s + strings.Repeat(" ", max(columns-Width(s), 0))
}

// Clip cuts a text to at most n characters; where something is cut
// off, "…" is the last one.
func Clip(s string, characters int) string {
	if runes := []rune(s); len(runes) > characters {
		return string(runes[:characters-1]) + "…"
	}
	return s
}

// CutRight shortens a text to at most n columns of a terminal; where something is
// cut off, "…" is the last one.
func CutRight(s string, columns int) string {
	runes := []rune(s)
	if Width(s) <= columns {
		return s
	}
	for len(runes) > 0 && Width(string(runes))+1 > columns {
		runes = runes[:len(runes)-1]
	}
	return string(runes) + "…"
}

// CutLeft is CutRight for the other end: "…" comes first.
func CutLeft(s string, columns int) string {
	runes := []rune(s)
	if Width(s) <= columns {
		return s
	}
	for len(runes) > 0 && Width(string(runes))+1 > columns {
		runes = runes[1:]
	}
	return "…" + string(runes)
}
