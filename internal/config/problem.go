package config

import (
	"fmt"
	"slices"
	"strings"
	"unicode"

	"golang.org/x/text/width"

	"nightshift/internal/fleet"
)

// Problem is an error or a warning in a file, and where it is.
type Problem struct {
	File string
	// Line and Col count from 1; Col counts characters. 0 means the file as a
	// whole.
	Line, Col int
	Message   string
	Source    string // the line
}

// String is "file:line:col: message", and below it the line with a caret under
// the place.
func (m Problem) String() string {
	if m.Line == 0 {
		return m.File + ": " + m.Message
	}
	text := fmt.Sprintf("%s:%d:%d: %s", m.File, m.Line, m.Col, m.Message)
	if m.Source == "" {
		return text
	}
	line, before := excerpt(m.Source, m.Col)
	return text + "\n    " + line + "\n    " + before + "^"
}

// Errors are all errors found in one reading, in the order of the file.
// As an error they are of the kind fleet.ErrInvalid.
type Errors []Problem

// Error prints every error with its line and a caret.
func (m Errors) Error() string {
	texts := make([]string, len(m))
	for i, problem := range m {
		texts[i] = problem.String()
	}
	return strings.Join(texts, "\n")
}

// Is makes errors.Is(err, fleet.ErrInvalid) true.
func (m Errors) Is(target error) bool { return target == fleet.ErrInvalid }

func sortProblems(m []Problem) {
	slices.SortStableFunc(m, func(a, b Problem) int {
		if a.Line != b.Line {
			return a.Line - b.Line
		}
		return a.Col - b.Col
	})
}

// excerpt is the part of a line around a column, and the blanks that bring a
// caret below that column on a terminal: a tab stays a tab, and a Korean
// letter is two cells wide.
func excerpt(source string, col int) (line, before string) {
	const whole, left, right = 160, 100, 60
	runes := []rune(source)
	col = min(max(col, 1), len(runes)+1)
	var text, blanks strings.Builder
	from, to := 0, len(runes)
	if to > whole {
		from, to = max(0, col-1-left), min(to, col-1+right)
	}
	if from > 0 {
		text.WriteString("…")
		blanks.WriteString(" ")
	}
	for i := from; i < to; i++ {
		r := runes[i]
		if r != '\t' && !unicode.IsPrint(r) {
			r = '?' // nothing in a file may steer the terminal
		}
		text.WriteRune(r)
		if i < col-1 {
			blanks.WriteString(blank(r))
		}
	}
	if to < len(runes) {
		text.WriteString("…")
	}
	return text.String(), blanks.String()
}

// blank is as wide as a character is on a terminal.
func blank(r rune) string {
	switch kind := width.LookupRune(r).Kind(); {
	case r == '\t':
		return "\t"
	case unicode.In(r, unicode.Mn, unicode.Me):
		return ""
	case kind == width.EastAsianWide, kind == width.EastAsianFullwidth:
		return "  "
	default:
		return " "
	}
}
