package text

import "strings"

// Cell keeps spreadsheets from taking a text for a formula: one that begins
// with = + - @, their full-width forms, a tab or a line break gets an apostrophe
// in front, and so does what follows a tab, a semicolon or a line break inside of
// it, because some settings begin a new cell there. A reader that wants the text
// as it was drops apostrophes before these characters.
// See "CSV Injection" of the Open Worldwide Application Security Project.
func Cell(text string) string {
	if !strings.ContainsAny(text, formulas) {
		return text
	}
	var b strings.Builder
	first := true
	for _, r := range text {
		if first && strings.ContainsRune(formulas, r) {
			b.WriteByte('\'')
		}
		b.WriteRune(r)
		first = strings.ContainsRune("\t\r\n;", r)
	}
	return b.String()
}

// formulas are the characters with which a formula or a hidden new cell begins.
const formulas = "=+-@\t\r\n＝＋－＠"
