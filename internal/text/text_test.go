package text_test

import (
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"nightshift/internal/text"
)

func TestCommas(t *testing.T) {
	for number, want := range map[string]string{
		"0": "0", "999": "999", "1000": "1,000", "-1000": "-1,000", "1234567.891": "1,234,567.891", "-12.5": "-12.5", "$1234.00": "$1,234.00", "100": "100",
	} {
		if got := text.Commas(number); got != want {
			t.Errorf("%s becomes %s, want %s", number, got, want)
		}
	}
}

func TestCommasOnlyAddCommas(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.Int64().Draw(t, "n")
		if got := text.Number(n); strings.ReplaceAll(got, ",", "") != fmt.Sprint(n) || strings.Contains(got, "-,") {
			t.Fatalf("%d becomes %s", n, got)
		}
	})
}

func TestCount(t *testing.T) {
	for n, want := range map[int]string{0: "0 machines", 1: "1 machine", 2: "2 machines", 1204: "1,204 machines"} {
		if got := text.Count(n, "machine", "machines"); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

func TestWidth(t *testing.T) {
	for s, want := range map[string]int{"": 0, "web-1": 5, "운영": 4, "e\u0301": 1, "ＡＢ": 4, "a\u200bb": 2} {
		if got := text.Width(s); got != want {
			t.Errorf("%q takes %d columns, want %d", s, got, want)
		}
	}
	if got := text.Pad("운영", 6); got != "운영  " {
		t.Errorf("padded: %q", got)
	}
}

func TestClip(t *testing.T) {
	if got := text.Clip("회계-서버-1", 4); got != "회계-…" {
		t.Errorf("clipped: %q", got)
	}
	if got := text.Clip("abcd", 4); got != "abcd" {
		t.Errorf("what fits is clipped: %q", got)
	}
}

func TestPrintable(t *testing.T) {
	if got := text.Printable("a\x1b[31mb\u202ec"); got != `a\u001b[31mb\u202ec` {
		t.Errorf("%q", got)
	}
	if got := text.PrintableLines("a\tb\nc\rd"); got != "a    b\nc\\u000dd" {
		t.Errorf("%q", got)
	}
}

func TestCut(t *testing.T) {
	for _, tt := range []struct {
		text        string
		columns     int
		right, left string
	}{
		{"office", 6, "office", "office"},
		{"office", 4, "off…", "…ice"},
		{"office", 1, "…", "…"},
		{"서버서버", 8, "서버서버", "서버서버"},
		{"서버서버", 7, "서버서…", "…버서버"},
		{"서버서버", 4, "서…", "…버"},
	} {
		if right, left := text.CutRight(tt.text, tt.columns), text.CutLeft(tt.text, tt.columns); right != tt.right || left != tt.left {
			t.Errorf("%q in %d columns: %q and %q, want %q and %q", tt.text, tt.columns, right, left, tt.right, tt.left)
		}
	}
}

func TestNearest(t *testing.T) {
	known := []string{"schedules", "timezone", "power", "on", "off"}
	for word, want := range map[string]string{
		"schedule": "schedules", "Shcedules": "schedules", "poewr": "power", "timezoen": "timezone", "accounts": "", "": "", "x": "", "offf": "off",
		strings.Repeat("power", 20): "",
	} {
		if got := text.Nearest(word, known); got != want {
			t.Errorf("%q is nearest to %q, want %q", word, got, want)
		}
	}
}

func TestDistanceIsSymmetricAndZeroOnlyForTheSame(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a := rapid.StringMatching(`[a-d가-나]{0,8}`).Draw(t, "a")
		b := rapid.StringMatching(`[a-d가-나]{0,8}`).Draw(t, "b")
		d := text.Distance(a, b)
		if back := text.Distance(b, a); back != d || (d == 0) != (a == b) || d > max(len([]rune(a)), len([]rune(b))) {
			t.Fatalf("from %q to %q it is %d, back %d", a, b, d, back)
		}
	})
}

func ExampleNearest() {
	fmt.Println(text.Nearest("shcedule", []string{"rule", "schedule", "tag"}))
	// Output: schedule
}
