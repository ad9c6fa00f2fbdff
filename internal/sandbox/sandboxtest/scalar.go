package sandboxtest

import (
	"regexp"
	"slices"
	"strconv"
	"unicode/utf8"
)

// iso8601 is a time with a zone, as AWS writes it.
var iso8601 = regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$`)

func matchWhole(pattern, value string) bool {
	ok, err := regexp.MatchString("^(?:"+pattern+")$", value)
	return err == nil && ok
}

// scalarText checks a value that is text in a query or in XML.
func (c *checker) scalarText(s *shape, value, path string) {
	switch s.Type {
	case "integer", "long":
		n, err := strconv.ParseInt(value, 10, 64)
		if err != nil {
			c.add(path, "%q is not an %s", value, s.Type)
			return
		}
		c.bounds(s, float64(n), path)
	case "float", "double":
		n, err := strconv.ParseFloat(value, 64)
		if err != nil {
			c.add(path, "%q is not a %s", value, s.Type)
			return
		}
		c.bounds(s, n, path)
	case "boolean":
		if value != "true" && value != "false" {
			c.add(path, "%q is not a boolean", value)
		}
	case "timestamp":
		if !iso8601.MatchString(value) {
			c.add(path, "%q is not an ISO 8601 time with a zone", value)
		}
	case "string":
		c.text(s, value, path)
	}
}

// text checks a string against its enumeration, length and pattern.
func (c *checker) text(s *shape, value, path string) {
	if len(s.Enum) > 0 && !slices.Contains(s.Enum, value) && !c.allowsValue(s, value) {
		c.add(path, "%q is not a value of %s", value, s.name)
	}
	n := float64(utf8.RuneCountInString(value))
	if s.Min != nil && n < *s.Min || s.Max != nil && n > *s.Max {
		c.add(path, "%q has a length of %.0f, want %s", value, n, limits(s))
	}
	if re := s.pattern(); re != nil && !re.MatchString(value) {
		c.add(path, "%q does not match %s", value, s.Pattern)
	}
}

func (c *checker) bounds(s *shape, n float64, path string) {
	if s.Min != nil && n < *s.Min || s.Max != nil && n > *s.Max {
		c.add(path, "%v is out of range, want %s", n, limits(s))
	}
}

// length checks the number of entries of a list.
func (c *checker) length(s *shape, n int, path string) {
	if s.Min != nil && float64(n) < *s.Min || s.Max != nil && float64(n) > *s.Max {
		c.add(path, "%d entries, want %s", n, limits(s))
	}
}

func limits(s *shape) string {
	text := func(f *float64) string {
		if f == nil {
			return ""
		}
		return strconv.FormatFloat(*f, 'f', -1, 64)
	}
	return text(s.Min) + "…" + text(s.Max)
}
