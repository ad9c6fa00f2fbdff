package amazon

import (
	"bytes"
	"strconv"
	"unicode/utf8"
)

// elements reads XML in the way in which EC2 writes it, several times faster than
// encoding/xml, with which the pages of half a million snapshots take half a minute of a
// core. What it does not understand, such as CDATA, the prefix of a namespace, or text
// beside elements, makes it broken: then the SDK has to read the document.
type elements struct {
	rest   []byte
	closed bool // the element that was opened last is of the form <name/>
	broken bool
}

// root opens the root element, which must have this name.
func (e *elements) root(name string) {
	if header, rest, ok := bytes.Cut(e.rest, []byte("?>")); ok && bytes.HasPrefix(header, []byte("<?xml ")) {
		e.rest, e.broken = rest, !bytes.Contains(header, []byte(`encoding="UTF-8"`))
	}
	if string(e.open("")) != name {
		e.broken = true
	}
}

// each calls do for each child of the element, which was opened last, with the child's
// name. Do has to read the child by text, each or skip.
func (e *elements) each(parent string, do func(name []byte)) {
	for child := e.open(parent); child != nil; child = e.open(parent) {
		do(child)
	}
}

// open opens the next child of a parent. It is nil, and the parent closed, where there is
// none.
func (e *elements) open(parent string) []byte {
	if e.closed {
		e.closed = false
		return nil
	}
	e.rest = bytes.TrimLeft(e.rest, " \t\n")
	name, closing := e.tag()
	switch {
	case e.broken:
		return nil
	case closing:
		e.broken = string(name) != parent
		return nil
	}
	return name
}

// tag reads the next tag, which begins here.
func (e *elements) tag() (name []byte, closing bool) {
	end := bytes.IndexByte(e.rest, '>')
	if end < 1 || e.rest[0] != '<' {
		e.broken = true
		return nil, false
	}
	name, e.rest = e.rest[1:end], e.rest[end+1:]
	if name, closing = bytes.CutPrefix(name, []byte("/")); !closing {
		name, e.closed = bytes.CutSuffix(name, []byte("/"))
	}
	if end := bytes.IndexByte(name, ' '); end >= 0 {
		name = name[:end] // what follows are attributes
	}
	if len(name) == 0 || bytes.ContainsAny(name, `!?:<"'`) {
		e.broken = true
	}
	return name, closing
}

// skip reads past the element that was opened last.
func (e *elements) skip(name []byte) {
	for depth := 1; depth > 0 && !e.broken; depth-- {
		if e.closed {
			e.closed = false
			continue
		}
		for {
			at := bytes.IndexByte(e.rest, '<')
			if at < 0 {
				e.broken = true
				return
			}
			e.rest = e.rest[at:]
			last, closing := e.tag()
			if e.broken {
				return
			}
			if closing {
				e.broken = depth == 1 && !bytes.Equal(last, name)
				break
			}
			if !e.closed {
				depth++
			}
			e.closed = false
		}
	}
}

// text is what the element holds, which was opened last. It is a part of the document
// where nothing in it is escaped.
func (e *elements) text(name []byte) []byte {
	if e.closed {
		e.closed = false
		return nil
	}
	end := bytes.IndexByte(e.rest, '<')
	if end < 0 {
		e.broken = true
		return nil
	}
	text := e.rest[:end]
	e.rest = e.rest[end:]
	last, closing := e.tag()
	if !closing || !bytes.Equal(last, name) {
		e.broken = true
	}
	return e.unescape(text)
}

// unescape gives a text its characters.
func (e *elements) unescape(text []byte) []byte {
	plain, ascii := true, true
	for _, c := range text {
		switch {
		case c >= utf8.RuneSelf:
			ascii = false
		case c == '&':
			plain = false
		case c < ' ' && c != '\t' && c != '\n', c == '>':
			e.broken = true
		}
	}
	if !ascii && (!utf8.Valid(text) || bytes.Contains(text, []byte("\uFFFE")) || bytes.Contains(text, []byte("\uFFFF"))) {
		e.broken = true
	}
	if plain {
		return text
	}
	var out []byte
	for {
		before, rest, escaped := bytes.Cut(text, []byte("&"))
		out = append(out, before...)
		if !escaped {
			return out
		}
		name, after, ended := bytes.Cut(rest, []byte(";"))
		r := character(name)
		if !ended || r < 0 {
			e.broken = true
			return nil
		}
		out, text = utf8.AppendRune(out, r), after
	}
}

// character is what a reference stands for, negative where that is not known.
func character(name []byte) rune {
	switch string(name) {
	case "amp":
		return '&'
	case "lt":
		return '<'
	case "gt":
		return '>'
	case "quot":
		return '"'
	case "apos":
		return '\''
	}
	number, base := bytes.TrimPrefix(name, []byte("#")), 10
	if len(number) == len(name) {
		return -1
	}
	if hex, ok := bytes.CutPrefix(number, []byte("x")); ok {
		number, base = hex, 16
	}
	n, err := strconv.ParseUint(string(number), base, 31)
	r := rune(n) //nolint:gosec // it has 31 bits
	if err != nil || !utf8.ValidRune(r) || r < ' ' && r != '\t' && r != '\n' && r != '\r' || r == 0xFFFE || r == 0xFFFF {
		return -1
	}
	return r
}
