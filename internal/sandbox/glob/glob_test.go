package glob

import (
	"testing"

	"pgregory.net/rapid"
)

func TestPattern(t *testing.T) {
	for _, tt := range []struct {
		pattern, text string
		want          bool
	}{
		{"Yes", "Yes", true},
		{"Yes", "yes", false},
		{"", "", true},
		{"*", "", true},
		{"*", "anything", true},
		{"web-*", "web-1", true},
		{"web-*", "my-web-1", false},
		{"*-1", "개발-웹서버-1", true},
		{"개발-???-1", "개발-웹서버-1", true},
		{"?", "", false},
		{"a*b*c", "a-b-b-c", true},
		{"a*b*c", "a-b-b-d", false},
		{`\*`, "*", true},
		{`\*`, "x", false},
		{`a\?`, "a?", true},
		{`a\?`, "ab", false},
		{`a\\b`, `a\b`, true},
		{"**x", "yx", true},
	} {
		if got := Compile(tt.pattern).Match(tt.text); got != tt.want {
			t.Errorf("%q on %q: %v", tt.pattern, tt.text, got)
		}
	}
}

// TestPatternAgainstSearch compares the matcher with a search over all ways to
// split the text.
func TestPatternAgainstSearch(t *testing.T) {
	var search func(p, s string) bool
	search = func(p, s string) bool {
		switch {
		case p == "":
			return s == ""
		case p[0] == '*':
			return search(p[1:], s) || s != "" && search(p, s[1:])
		case s == "":
			return false
		}
		return (p[0] == '?' || p[0] == s[0]) && search(p[1:], s[1:])
	}
	rapid.Check(t, func(t *rapid.T) {
		p := rapid.StringMatching(`[ab*?]{0,8}`).Draw(t, "pattern")
		s := rapid.StringMatching(`[ab]{0,8}`).Draw(t, "text")
		if got := Compile(p).Match(s); got != search(p, s) {
			t.Fatalf("%q on %q: %v", p, s, got)
		}
	})
}
