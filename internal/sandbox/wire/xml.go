package wire

import (
	"slices"
	"strconv"
	"time"
	"unicode/utf8"
)

// Doc builds an XML document by appending to a buffer. Answers describe tens
// of thousands of instances, for which reflection is too slow.
type Doc struct{ b []byte }

// xmlHeader begins every document.
const xmlHeader = `<?xml version="1.0" encoding="UTF-8"?>` + "\n"

// NewDoc begins a document.
func NewDoc() *Doc { return &Doc{b: append(make([]byte, 0, 4096), xmlHeader...)} }

// Bytes is the document.
func (d *Doc) Bytes() []byte { return d.b }

// Elements is the document without its header, as a part of another one.
func (d *Doc) Elements() []byte { return d.b[len(xmlHeader):] }

// Grow makes space for n more bytes.
func (d *Doc) Grow(n int) { d.b = slices.Grow(d.b, n) }

// Root opens the first element, which has a namespace.
func (d *Doc) Root(name, namespace string) {
	d.b = append(d.b, '<')
	d.b = append(d.b, name...)
	d.b = append(d.b, ` xmlns="`...)
	d.b = append(d.b, namespace...)
	d.b = append(d.b, `">`...)
}

// Open begins an element.
func (d *Doc) Open(name string) {
	d.b = append(d.b, '<')
	d.b = append(d.b, name...)
	d.b = append(d.b, '>')
}

// End ends an element.
func (d *Doc) End(name string) {
	d.b = append(d.b, '<', '/')
	d.b = append(d.b, name...)
	d.b = append(d.b, '>')
}

// Text writes an element, also where its value is empty.
func (d *Doc) Text(name, value string) {
	d.Open(name)
	d.b = appendEscaped(d.b, value)
	d.End(name)
}

// Content writes text within an element.
func (d *Doc) Content(value string) { d.b = appendEscaped(d.b, value) }

// Optional writes an element unless its value is empty.
func (d *Doc) Optional(name, value string) {
	if value != "" {
		d.Text(name, value)
	}
}

// Number writes an element with a number.
func (d *Doc) Number(name string, n int64) {
	d.Open(name)
	d.b = strconv.AppendInt(d.b, n, 10)
	d.End(name)
}

// Flag writes an element with true or false.
func (d *Doc) Flag(name string, v bool) {
	d.Open(name)
	d.b = strconv.AppendBool(d.b, v)
	d.End(name)
}

// Time writes an instant as EC2 does: UTC with milliseconds.
func (d *Doc) Time(name string, t time.Time) {
	d.Open(name)
	d.b = t.UTC().AppendFormat(d.b, "2006-01-02T15:04:05.000Z")
	d.End(name)
}

// Value writes <name><value>v</value></name>, the shape of an attribute.
func (d *Doc) Value(name, v string) {
	d.Open(name)
	d.Text("value", v)
	d.End(name)
}

// appendEscaped appends s as XML text. What XML 1.0 cannot carry becomes
// U+FFFD; white space that a parser would change is written as a reference.
func appendEscaped(b []byte, s string) []byte {
	if plain(s) {
		return append(b, s...)
	}
	for i := 0; i < len(s); {
		c := s[i]
		if c < utf8.RuneSelf {
			i++
			switch {
			case c == '&':
				b = append(b, "&amp;"...)
			case c == '<':
				b = append(b, "&lt;"...)
			case c == '>':
				b = append(b, "&gt;"...)
			case c == '"':
				b = append(b, "&quot;"...)
			case c == '\t', c == '\n', c == '\r':
				b = append(b, "&#"...)
				b = strconv.AppendInt(b, int64(c), 10)
				b = append(b, ';')
			case c < ' ':
				b = append(b, "\uFFFD"...)
			default:
				b = append(b, c)
			}
			continue
		}
		r, n := utf8.DecodeRuneInString(s[i:])
		i += n
		if r == 0xFFFE || r == 0xFFFF {
			r = utf8.RuneError
		}
		b = utf8.AppendRune(b, r)
	}
	return b
}

// plain says whether s is XML text as it is.
func plain(s string) bool {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c >= utf8.RuneSelf || c == '&' || c == '<' || c == '>' || c == '"' {
			return false
		}
	}
	return true
}
