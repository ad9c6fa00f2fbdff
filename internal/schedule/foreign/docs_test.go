package foreign_test

import (
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"nightshift/internal/schedule/foreign"
)

// TestGuide reads what docs/compatibility.md shows: every format has an
// example, every example names a format, and its values are read.
func TestGuide(t *testing.T) {
	data, err := os.ReadFile("../../../docs/compatibility.md")
	if err != nil {
		t.Fatal(err)
	}
	shown := make(map[foreign.Format]bool)
	for _, m := range regexp.MustCompile(`format: ([a-z0-9-]+)`).FindAllStringSubmatch(string(data), -1) {
		shown[foreign.Format(m[1])] = true
	}
	for _, f := range foreign.Formats() {
		if !shown[f] {
			t.Errorf("the guide has no example of %s", f)
		}
		delete(shown, f)
	}
	for f := range shown {
		t.Errorf("the guide shows %s, which is no format", f)
	}
	for _, cells := range table(t, "Value") {
		for value := range strings.SplitSeq(cells[0], ", ") {
			value = strings.TrimPrefix(strings.Trim(value, "`"), "empty")
			if _, err := foreign.Read(foreign.FormatCustodian, value, time.UTC); err != nil {
				t.Errorf("the guide shows %q: %v", value, err)
			}
		}
	}
	// "`garbage`": what the guide calls an error is one.
	_, errors, found := strings.Cut(string(data), "Values that Custodian misreads silently (")
	errors, _, closed := strings.Cut(errors, ") are\nerrors here")
	if !found || !closed {
		t.Fatal("the guide does not say what Custodian misreads")
	}
	for _, m := range regexp.MustCompile("`([^`]+)`").FindAllStringSubmatch(errors, -1) {
		if _, err := foreign.Read(foreign.FormatCustodian, m[1], time.UTC); err == nil {
			t.Errorf("the guide calls %q an error, it is read", m[1])
		}
	}
}
