package cli

import (
	"fmt"
	"slices"
	"strings"

	"nightshift/internal/text"
)

// leastRoom is how many columns of a terminal the last column of a table has at least.
const leastRoom = 12

// narrow leaves out columns of these names, one after the other, until the last column
// has room for so much of its text, and says how much room it has then, which is less
// where nothing more can be left out. A screen of no width is none: everything is
// printed, and the room is 0.
func (t *table) narrow(screen, least int, names ...string) (room int) {
	if screen == 0 || len(t.rows) == 0 {
		return 0
	}
	last := len(t.header) - 1
	names = slices.DeleteFunc(slices.Clone(names), func(name string) bool { return name == t.header[last] })
	cells := make([]string, len(t.rows))
	for n, row := range t.rows {
		cells[n] = row[last]
		row[last] = text.CutRight(cells[n], least)
	}
	t.fit(screen, names...)
	last = len(t.header) - 1
	for n := range t.rows {
		t.rows[n][last] = ""
	}
	room = max(screen-t.width()+text.Width(t.header[last]), leastRoom)
	for n := range t.rows {
		t.rows[n][last] = cells[n]
	}
	return room
}

// leastReason is how many columns of a terminal reasons get, before other columns are left
// out for them.
const leastReason = 36

// reasons makes a table, whose last column has reasons, as wide as a screen: long names
// are cut, columns of these names left out, and the reasons folded.
func (t *table) reasons(screen int, names ...string) {
	if screen > 0 {
		t.cut(slices.Index(t.header, "NAME"), nameColumns(screen))
	}
	t.fold(t.narrow(screen, leastReason, append(t.idle(), names...)...))
}

// nameColumns is how many columns of a terminal a name may have, where there is more to
// say than names.
func nameColumns(screen int) int {
	if screen > 0 && screen < 100 {
		return 14
	}
	return 24
}

// cut shortens the cells of a column to so many columns of a terminal; 0 is as they are.
func (t *table) cut(column, room int) {
	if room == 0 || column < 0 {
		return
	}
	for _, row := range t.rows {
		row[column] = text.CutRight(row[column], room)
	}
}

// fold breaks the cells of the last column into lines of so many columns of a terminal,
// which stand below each other; 0 is as they are.
func (t *table) fold(room int) {
	if room == 0 {
		return
	}
	last := len(t.header) - 1
	var rows [][]string
	for _, row := range t.rows {
		for n, line := range folded(row[last], room) {
			if n > 0 {
				row = make([]string, len(t.header))
			}
			row[last] = line
			rows = append(rows, row)
		}
	}
	t.rows = rows
}

// folded breaks a text at its blanks into lines of so many columns of a terminal, one at
// least; a word that is longer is broken, too.
func folded(s string, columns int) []string {
	lines := []string{""}
	for word := range strings.SplitSeq(s, " ") {
		last := &lines[len(lines)-1]
		switch {
		case *last == "":
			*last = word
		case text.Width(*last)+1+text.Width(word) <= columns:
			*last += " " + word
		default:
			lines = append(lines, word)
		}
		for text.Width(lines[len(lines)-1]) > columns {
			head, rest := broken(lines[len(lines)-1], columns)
			lines = append(lines[:len(lines)-1], head, rest)
		}
	}
	return lines
}

// broken cuts a text where so many columns are full, behind one character at least.
func broken(s string, columns int) (head, rest string) {
	width := 0
	for n, r := range s {
		if width += text.RuneWidth(r); width > columns && n > 0 {
			return s[:n], s[n:]
		}
	}
	return s, ""
}

// paragraph prints a line of text, broken where the terminal ends.
func (a *commandLine) paragraph(line string) {
	line = text.Printable(line)
	width := a.terminal()
	if text.Width(line) <= width || width <= leastReason {
		fmt.Fprintln(a.Stdout, line)
		return
	}
	indent := strings.Repeat(" ", len(line)-len(strings.TrimLeft(line, " ")))
	for n, part := range folded(strings.TrimLeft(line, " "), width-len(indent)-2) {
		if n > 0 {
			part = "  " + part
		}
		fmt.Fprintln(a.Stdout, indent+part)
	}
}
