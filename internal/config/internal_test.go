package config

import (
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"pgregory.net/rapid"
)

func TestCaretStandsBelowItsCharacter(t *testing.T) {
	for _, c := range []struct {
		source string
		col    int
		before string
	}{
		{"abc", 1, ""},
		{"abc", 3, "  "},
		{"abc", 4, "   "},      // just behind the line
		{"abc", 99, "   "},     // never further
		{"\ta: b", 2, "\t"},    // a tab is as wide as the one above it
		{"한국: x", 5, "      "}, // two Korean letters, a colon, a blank
		{"e\u0301: x", 4, "  "},
		{"\x1b[31m", 2, " "},
	} {
		if line, before := excerpt(c.source, c.col); before != c.before || strings.Contains(line, "\x1b") {
			t.Errorf("%q, column %d: the line %q and %q before the caret, want %q", c.source, c.col, line, before, c.before)
		}
	}
}

func TestLongLinesAreCut(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		length := rapid.IntRange(0, 600).Draw(t, "length")
		source := rapid.StringOfN(rapid.RuneFrom([]rune("abc한국 \t")), length, length, -1).Draw(t, "source")
		runes := []rune(source)
		col := rapid.IntRange(1, len(runes)+1).Draw(t, "col")
		line, before := excerpt(source, col)
		if n := utf8.RuneCountInString(line); n > 170 {
			t.Fatalf("%d characters", n)
		}
		// Read from the caret on, the excerpt goes on as the line does.
		shown := []rune(line)
		at := -1
		for i, cells := 0, 0; i <= len(shown); i++ {
			if cells == len(before) {
				at = i
				break
			}
			cells += len(blank(shown[i]))
		}
		if col <= len(runes) && (at < 0 || shown[at] != runes[col-1]) {
			t.Fatalf("the caret is below %d of %q, want below %q", at, line, runes[col-1])
		}
	})
}

func TestDurationsPrintAsTheyRead(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := time.Duration(rapid.Int64Range(0, 366*24*3600).Draw(t, "seconds")) * time.Second
		text := printDuration(want)
		if got, err := parseDuration(text); err != nil || got != want {
			t.Fatalf("%s prints %q and reads %s, %v", want, text, got, err)
		}
	})
	for _, text := range []string{"", "5", "d", "-1d", "1d-2h", "1.5d", "99999999d", "2dd", "1d+2h", "1d2"} {
		if d, err := parseDuration(text); err == nil {
			t.Errorf("%q reads as %s", text, d)
		}
	}
}

func TestProblemsAreBounded(t *testing.T) {
	s := &source{name: "f", lines: []string{strings.Repeat("x", maxLine+1)}}
	for i := range maxProblems + 500 {
		s.add(s.problem(1, i+1, "wrong"))
		s.add(s.problem(1, i+1, "wrong"))
	}
	all := s.all()
	if last := all[len(all)-1].String(); len(all) != maxProblems+1 || last != "f: and 1000 more mistakes" {
		t.Errorf("%d problems, the last is %q", len(all), last)
	}
	if text := all.Error(); len(text) > 100_000 {
		t.Errorf("the text has %d bytes", len(text))
	}
}
