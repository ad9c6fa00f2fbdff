// Package glob matches texts with the wildcards of AWS's filters and policies.
package glob

import "strings"

// Pattern is a filter value: * stands for any characters, ? for exactly one, a
// backslash takes the next one literally.
type Pattern struct {
	exact string
	runes []rune // with wildcards as negative numbers; nil: compare exact
}

const (
	anyRunes rune = -1
	oneRune  rune = -2
)

// Compile reads a pattern.
func Compile(s string) Pattern {
	if !strings.ContainsAny(s, `*?\`) {
		return Pattern{exact: s}
	}
	var out []rune
	escaped := false
	for _, r := range s {
		switch {
		case escaped:
			out, escaped = append(out, r), false
		case r == '\\':
			escaped = true
		case r == '*':
			out = append(out, anyRunes)
		case r == '?':
			out = append(out, oneRune)
		default:
			out = append(out, r)
		}
	}
	if escaped {
		out = append(out, '\\')
	}
	if out == nil {
		out = []rune{}
	}
	return Pattern{runes: out}
}

// Match says whether a text is as the pattern says.
func (p Pattern) Match(s string) bool {
	if p.runes == nil {
		return p.exact == s
	}
	text := []rune(s)
	at, from := 0, 0     // positions in pattern and text
	star, retry := -1, 0 // the last * and where its match ended
	for from < len(text) {
		switch {
		case at < len(p.runes) && p.runes[at] == anyRunes:
			star, retry = at, from
			at++
		case at < len(p.runes) && (p.runes[at] == oneRune || p.runes[at] == text[from]):
			at++
			from++
		case star >= 0:
			retry++
			at, from = star+1, retry
		default:
			return false
		}
	}
	for at < len(p.runes) && p.runes[at] == anyRunes {
		at++
	}
	return at == len(p.runes)
}

// MatchesAll says whether the pattern is a lone *.
func (p Pattern) MatchesAll() bool { return len(p.runes) == 1 && p.runes[0] == anyRunes }
