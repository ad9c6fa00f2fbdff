package pricelist

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"nightshift/internal/fleet"
)

const (
	// window is how much of a file is in memory at one time. A string that is
	// looked at must fit into it.
	window = 64 << 10
	// longest bounds a value that is taken as a whole: the terms of a product.
	longest = 4 << 20
	// deepest bounds how far values are nested, as encoding/json does.
	deepest = 10_000
)

// scanner reads JSON from a stream, piece by piece. Other than the tokens of
// encoding/json it passes over what is not asked for without taking it apart:
// there it only sees to it that strings end and brackets match.
type scanner struct {
	in       io.Reader
	buf      []byte
	pos, end int   // what is read and not yet used is buf[pos:end]
	before   int64 // how much of the file came before buf
	over     bool  // all of the file is read
	name     []byte
	stack    []byte
}

func newScanner(in io.Reader) *scanner { return &scanner{in: in, buf: make([]byte, window)} }

// wrong is an error about what is at the current place.
func (s *scanner) wrong(format string, args ...any) error {
	return fleet.Errorf(fleet.ErrInvalid, "%s, at byte %d", fmt.Sprintf(format, args...), s.before+int64(s.pos))
}

// more reads on, keeping what is not yet used. An end is an error here: the
// scanner asks for no more than must come.
func (s *scanner) more() error {
	if s.pos > 0 {
		s.before += int64(s.pos)
		s.end = copy(s.buf, s.buf[s.pos:s.end])
		s.pos = 0
	}
	if s.end == len(s.buf) {
		return s.wrong("a string or a number is longer than %d bytes", window)
	}
	n, err := io.ReadAtLeast(s.in, s.buf[s.end:], 1)
	s.end += n
	switch {
	case n > 0:
		return nil // an error comes again
	case errors.Is(err, io.EOF):
		s.over = true
		return s.wrong("the file ends in the middle")
	}
	return fmt.Errorf("read on from byte %d: %w", s.before+int64(s.end), err)
}

// next is the next byte that is not a space; it is not used up.
func (s *scanner) next() (byte, error) {
	for {
		for ; s.pos < s.end; s.pos++ {
			switch c := s.buf[s.pos]; c {
			case ' ', '\n', '\r', '\t':
			default:
				return c, nil
			}
		}
		if err := s.more(); err != nil {
			return 0, err
		}
	}
}

// use takes the next byte, which must be this one.
func (s *scanner) use(want byte) error {
	c, err := s.next()
	if err != nil {
		return err
	}
	if c != want {
		return s.wrong("%q where %q should be", c, want)
	}
	s.pos++
	return nil
}

// text takes a string. The bytes are good until the next call.
func (s *scanner) text() ([]byte, error) {
	if err := s.use('"'); err != nil {
		return nil, err
	}
	plain := true
	for n := 0; ; n++ {
		if s.pos+n == s.end {
			if err := s.more(); err != nil {
				return nil, err
			}
		}
		switch c := s.buf[s.pos+n]; {
		case c == '"':
			raw := s.buf[s.pos : s.pos+n]
			if !plain {
				var decoded string
				if err := json.Unmarshal(bytes.Join([][]byte{{'"'}, raw, {'"'}}, nil), &decoded); err != nil {
					return nil, s.wrong("not a string: %v", err)
				}
				raw = []byte(decoded)
			}
			s.pos += n + 1
			return raw, nil
		case c == '\\':
			plain = false
			n++ // what follows is not an end
			if s.pos+n == s.end {
				if err := s.more(); err != nil {
					return nil, err
				}
			}
		case c < ' ':
			return nil, s.wrong("a string with the byte %#x in it", c)
		case c >= 0x80:
			plain = false
		}
	}
}

// object goes through the members of an object. The function takes the value;
// the name is good until it begins to.
func (s *scanner) object(member func(name []byte) error) error {
	if err := s.use('{'); err != nil {
		return err
	}
	for first := true; ; first = false {
		c, err := s.next()
		if err != nil {
			return err
		}
		switch {
		case c == '}':
			s.pos++
			return nil
		case first:
		case c == ',':
			s.pos++
			if c, err = s.next(); err != nil {
				return err
			}
		default:
			return s.wrong("%q where a comma should be", c)
		}
		if c != '"' {
			return s.wrong("%q where a name should be", c)
		}
		name, err := s.text()
		if err != nil {
			return err
		}
		s.name = append(s.name[:0], name...)
		if err := s.use(':'); err != nil {
			return err
		}
		if err := member(s.name); err != nil {
			return err
		}
	}
}

// skip passes over a value.
func (s *scanner) skip() error {
	_, err := s.value(nil, false)
	return err
}

// value takes a whole value, and appends it to the bytes where it is kept.
func (s *scanner) value(into []byte, copied bool) ([]byte, error) {
	c, err := s.next()
	if err != nil {
		return nil, err
	}
	if c != '"' && c != '{' && c != '[' {
		return s.literal(into, copied)
	}
	s.stack = s.stack[:0]
	quoted, escaped := false, false
	for {
		from, done := s.pos, false
		for !done && s.pos < s.end {
			c := s.buf[s.pos]
			s.pos++
			switch {
			case escaped:
				escaped = false
			case quoted:
				escaped = c == '\\'
				quoted = c != '"'
				done = !quoted && len(s.stack) == 0
			case c == '"':
				quoted = true
			case c == '{', c == '[':
				if len(s.stack) == deepest {
					return nil, s.wrong("values in more than %d others", deepest)
				}
				s.stack = append(s.stack, c+2) // '{' + 2 = '}', '[' + 2 = ']'
			case c == '}', c == ']':
				last := len(s.stack) - 1
				if s.stack[last] != c {
					return nil, s.wrong("%q where %q should be", c, s.stack[last])
				}
				s.stack = s.stack[:last]
				done = last == 0
			}
		}
		if copied {
			if into = append(into, s.buf[from:s.pos]...); len(into) > longest {
				return nil, s.wrong("a value is longer than %d bytes", longest)
			}
		}
		if done {
			return into, nil
		}
		if err := s.more(); err != nil {
			return nil, err
		}
	}
}

// literal takes a number, true, false or null.
func (s *scanner) literal(into []byte, copied bool) ([]byte, error) {
	n := 0
	for ; ; n++ {
		if s.pos+n == s.end {
			if err := s.more(); err != nil {
				return nil, err
			}
		}
		if bytes.IndexByte([]byte(" \n\r\t,}]"), s.buf[s.pos+n]) >= 0 {
			break
		}
	}
	raw := s.buf[s.pos : s.pos+n]
	if !json.Valid(raw) {
		return nil, s.wrong("%.20q is not JSON", raw)
	}
	if copied {
		into = append(into, raw...)
	}
	s.pos += n
	return into, nil
}

// finish sees to it that nothing follows.
func (s *scanner) finish() error {
	c, err := s.next()
	switch {
	case err == nil:
		return s.wrong("%q after the end", c)
	case s.over:
		return nil
	}
	return err
}
