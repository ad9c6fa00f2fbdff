package config

import (
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v4"

	"nightshift/internal/fleet"
)

const (
	// maxSize bounds a file that is read.
	maxSize = 1 << 20
	// maxValues bounds what is read from a file once aliases are followed.
	maxValues = 50_000
	// maxProblems bounds the problems reported of one file.
	maxProblems = 1000
	// maxLine is how many bytes a line may have to be shown with its problems.
	maxLine = 10_000
)

// source is one file while it is read. Its methods note what is wrong and go
// on with what is right.
type source struct {
	name     string
	lines    []string
	errors   Errors
	warnings []Problem
	seen     map[Problem]bool // what an alias refers to is read several times
	wrong    int              // how many problems there were, also those reported before
	omitted  int              // how many were too many to report
	values   int              // how many values were read
}

// problem builds a Problem at a place of the file.
func (s *source) problem(line, col int, format string, args ...any) Problem {
	for i, arg := range args {
		if text, ok := arg.(string); ok { // it may be of the file
			args[i] = masked(text)
		}
	}
	m := Problem{File: s.name, Line: line, Col: col, Message: fmt.Sprintf(format, args...)}
	if line >= 1 && line <= len(s.lines) && len(s.lines[line-1]) <= maxLine {
		m.Source = masked(s.lines[line-1])
	}
	return m
}

// masked is a text in which nothing of a URL but its host can be read: the rest may
// be a token, and errors are printed and logged.
func masked(text string) string {
	return regexp.MustCompile(`https?://[^\s"',}]+`).ReplaceAllStringFunc(text, func(found string) string {
		scheme, rest, _ := strings.Cut(found, "://")
		open := strings.IndexByte(rest, '/') + 1
		if strings.Contains(rest[:open], "@") {
			open = 0
		}
		return scheme + "://" + rest[:open] + strings.Repeat("*", utf8.RuneCountInString(rest[open:]))
	})
}

// at notes an error at a value.
func (s *source) at(n *yaml.Node, format string, args ...any) {
	s.add(s.problem(n.Line, n.Column, format, args...))
}

func (s *source) add(m Problem) {
	s.wrong++
	switch {
	case s.seen[m]:
	case len(s.errors) >= maxProblems:
		s.omitted++
	default:
		if s.seen == nil {
			s.seen = make(map[Problem]bool)
		}
		s.seen[m] = true
		s.errors = append(s.errors, m)
	}
}

// all are the problems in the order of the file, and how many more there are.
func (s *source) all() Errors {
	sortProblems(s.errors)
	if s.omitted > 0 {
		return append(s.errors, s.problem(0, 0, "and %d more mistakes", s.omitted))
	}
	return s.errors
}

// warn notes what is unusual, but possible.
func (s *source) warn(n *yaml.Node, format string, args ...any) {
	if len(s.warnings) < maxProblems {
		s.warnings = append(s.warnings, s.problem(n.Line, n.Column, format, args...))
	}
}

// slurp reads a whole file of at most maxSize bytes.
func slurp(name string, open func(string) (io.ReadCloser, error)) ([]byte, error) {
	r, err := open(name)
	if err != nil {
		return nil, err
	}
	defer func() { _ = r.Close() }() // it was only read
	data, err := io.ReadAll(io.LimitReader(r, maxSize+1))
	if err == nil && len(data) > maxSize {
		err = fleet.Errorf(fleet.ErrInvalid, "larger than %d MiB", maxSize>>20)
	}
	return data, err
}

// parse reads the text as one YAML document; nil where that is not possible.
func (s *source) parse(data []byte) *yaml.Node {
	s.lines = strings.Split(strings.TrimPrefix(string(data), "\ufeff"), "\n")
	for i, line := range s.lines {
		s.lines[i] = strings.TrimSuffix(line, "\r")
	}
	if !s.plain() {
		return nil
	}
	var documents []yaml.Node
	err := yaml.Load(data, &documents, yaml.WithAllDocuments())
	if wrong, ok := errors.AsType[*yaml.LoadError](err); ok {
		s.syntax(wrong)
		return nil
	}
	switch {
	case err != nil:
		s.add(s.problem(0, 0, "%v", err))
		return nil
	case len(documents) == 0 || len(documents[0].Content) == 0:
		s.add(s.problem(1, 1, "the file is empty; it needs schedules and power rules"))
		return nil
	case len(documents) > 1:
		s.at(&documents[1], "a second document begins here; only one is read")
	}
	return documents[0].Content[0]
}

// plain reports whether the file is UTF-8 text without the characters that
// YAML forbids or takes for line ends where editors do not.
func (s *source) plain() bool {
	before := s.wrong
	for i, line := range s.lines {
		col := 0
		for at, r := range line {
			col++
			_, size := utf8.DecodeRuneInString(line[at:])
			switch {
			case r == utf8.RuneError && size == 1:
				s.add(s.problem(i+1, col, "this is not UTF-8 text"))
			case r < ' ' && r != '\t', r >= 0x7f && r < 0xa0, r == '\u2028', r == '\u2029', r == '\ufeff':
				s.add(s.problem(i+1, col, "the control character U+%04X is not allowed here", r))
			}
		}
		if s.wrong-before > 20 {
			break // it is not a text at all
		}
	}
	return s.wrong == before
}

// syntax notes where the text ceases to be YAML.
func (s *source) syntax(wrong *yaml.LoadError) {
	message := "not YAML: " + wrong.Message
	if wrong.ContextMsg != "" {
		message = "not YAML: " + wrong.ContextMsg + ": " + wrong.Message
	}
	mark := wrong.Mark
	// What is never closed is noticed at the end; where it begins says more.
	if wrong.ContextMark.Line > 0 && mark.Line >= len(s.lines) {
		mark = wrong.ContextMark
	}
	if mark.Line >= 1 && mark.Line <= len(s.lines) && strings.HasPrefix(strings.TrimLeft(s.lines[mark.Line-1], " "), "\t") {
		message = "YAML is indented with spaces, not with tabs"
	}
	s.add(s.problem(mark.Line, mark.Column, "%s", message))
}

// follow is the value itself, where it is an alias the value that it stands
// for. It ends the reading of files that unfold beyond all measure.
func (s *source) follow(n *yaml.Node) (*yaml.Node, bool) {
	s.values++
	if s.values > maxValues {
		if s.values == maxValues+1 {
			s.at(n, "the file says too much: more than %d values, aliases counted each time", maxValues)
		}
		return n, false
	}
	if n.Kind == yaml.AliasNode {
		return n.Alias, n.Alias != nil
	}
	return n, true
}

// field is one entry of a mapping.
type field struct {
	name       string
	key, value *yaml.Node
}

// entries are a mapping's entries in file order, each name once.
func (s *source) entries(n *yaml.Node, what string) []field {
	n, ok := s.follow(n)
	if !ok {
		return nil
	}
	if n.Kind != yaml.MappingNode {
		s.at(n, "%s is %s; it must be a mapping of names to values", what, form(n))
		return nil
	}
	var fields []field
	lines := make(map[string]int)
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		switch first, again := lines[key.Value]; {
		case key.Kind != yaml.ScalarNode:
			s.at(key, "a name must be a plain text")
		case key.Tag == "!!merge":
			s.at(key, "<< is not supported; write out what it would bring in")
		case again:
			s.at(key, "%s is given twice, first in line %d", key.Value, first)
		default:
			lines[key.Value] = key.Line
			fields = append(fields, field{name: key.Value, key: key, value: value})
		}
	}
	return fields
}

// fields are the entries of a mapping whose names are known.
func (s *source) fields(n *yaml.Node, what string, known []string) map[string]field {
	found := make(map[string]field)
	for _, entry := range s.entries(n, what) {
		if !slices.Contains(known, entry.name) {
			s.at(entry.key, "%s has no key %q%s", what, entry.name, belongs(entry.name, known))
			continue
		}
		found[entry.name] = entry
	}
	return found
}

// items are a list's values; a single value counts as a list of one.
func (s *source) items(n *yaml.Node, what string) []*yaml.Node {
	n, ok := s.follow(n)
	if !ok {
		return nil
	}
	switch {
	case n.Kind == yaml.SequenceNode && len(n.Content) == 0:
		s.at(n, "%s is an empty list; leave it out", what)
	case n.Kind == yaml.SequenceNode:
		return n.Content
	case n.Kind == yaml.ScalarNode:
		return []*yaml.Node{n}
	default:
		s.at(n, "%s is %s; it must be a list", what, form(n))
	}
	return nil
}

// text is a value as it is written, without blanks around it. Numbers and
// dates are texts, too.
func (s *source) text(n *yaml.Node, what string) (string, bool) {
	n, ok := s.follow(n)
	if !ok {
		return "", false
	}
	switch {
	case n.Kind != yaml.ScalarNode, n.Tag == "!!bool", n.Tag == "!!binary", !strings.HasPrefix(n.Tag, "!!"):
		s.at(n, "%s is %s; it must be a text", what, form(n))
	case strings.TrimSpace(n.Value) == "", n.Tag == "!!null":
		s.at(n, "%s is empty", what)
	default:
		return strings.TrimSpace(n.Value), true
	}
	return "", false
}

// boolean is true or false; yes and no are texts.
func (s *source) boolean(n *yaml.Node, what string) bool {
	n, ok := s.follow(n)
	word := strings.ToLower(n.Value)
	if ok && (n.Kind != yaml.ScalarNode || n.Tag != "!!bool" || word != "true" && word != "false") {
		s.at(n, "%s is %s; write true or false", what, form(n))
	}
	return ok && word == "true"
}

// form says in words what a value is.
func form(n *yaml.Node) string {
	switch {
	case n.Kind == yaml.MappingNode:
		return "a mapping"
	case n.Kind == yaml.SequenceNode:
		return "a list"
	case n.Kind == yaml.AliasNode:
		return "an alias"
	case !strings.HasPrefix(n.Tag, "!!"):
		return "tagged " + n.Tag
	case n.Tag == "!!null":
		return "empty"
	case n.Tag == "!!bool":
		return n.Value
	default:
		return fmt.Sprintf("%q", n.Value)
	}
}
