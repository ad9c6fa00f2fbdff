package sandbox

import (
	"slices"
	"strconv"
	"time"
	"unicode/utf8"
)

// doc builds an XML document by appending to a buffer. Answers describe tens
// of thousands of instances, for which reflection is too slow.
type doc struct{ b []byte }

// xmlHeader begins every document.
const xmlHeader = `<?xml version="1.0" encoding="UTF-8"?>` + "\n"

func newDoc() *doc { return &doc{b: append(make([]byte, 0, 4096), xmlHeader...)} }

func (d *doc) bytes() []byte { return d.b }

// elements is the document without its header, as a part of another one.
func (d *doc) elements() []byte { return d.b[len(xmlHeader):] }

// grow makes room for n more bytes.
func (d *doc) grow(n int) { d.b = slices.Grow(d.b, n) }

func (d *doc) root(name, namespace string) {
	d.b = append(d.b, '<')
	d.b = append(d.b, name...)
	d.b = append(d.b, ` xmlns="`...)
	d.b = append(d.b, namespace...)
	d.b = append(d.b, `">`...)
}

func (d *doc) open(name string) {
	d.b = append(d.b, '<')
	d.b = append(d.b, name...)
	d.b = append(d.b, '>')
}

func (d *doc) end(name string) {
	d.b = append(d.b, '<', '/')
	d.b = append(d.b, name...)
	d.b = append(d.b, '>')
}

// text writes an element, also where its value is empty.
func (d *doc) text(name, value string) {
	d.open(name)
	d.b = appendEscaped(d.b, value)
	d.end(name)
}

// content writes text within an element.
func (d *doc) content(value string) { d.b = appendEscaped(d.b, value) }

// some writes an element unless its value is empty.
func (d *doc) some(name, value string) {
	if value != "" {
		d.text(name, value)
	}
}

func (d *doc) number(name string, n int64) {
	d.open(name)
	d.b = strconv.AppendInt(d.b, n, 10)
	d.end(name)
}

func (d *doc) flag(name string, v bool) {
	d.open(name)
	d.b = strconv.AppendBool(d.b, v)
	d.end(name)
}

// time writes an instant as EC2 does: UTC with milliseconds.
func (d *doc) time(name string, t time.Time) {
	d.open(name)
	d.b = t.UTC().AppendFormat(d.b, "2006-01-02T15:04:05.000Z")
	d.end(name)
}

// value writes <name><value>v</value></name>, the shape of an attribute.
func (d *doc) value(name, v string) {
	d.open(name)
	d.text("value", v)
	d.end(name)
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
