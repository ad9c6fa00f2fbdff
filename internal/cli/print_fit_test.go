package cli

import (
	"bytes"
	"strings"
	"testing"

	"nightshift/internal/text"
)

// A table that is wider than the terminal loses the columns that are named, in
// their order and no more than it must; without a terminal it loses none.
func TestTableFits(t *testing.T) {
	for _, tt := range []struct {
		screen int
		header string
	}{
		{0, "NAME SKU NOTE"},
		{29, "NAME SKU NOTE"},
		{28, "NAME NOTE"},
		{19, "NAME NOTE"},
		{18, "NAME"},
		{1, "NAME"}, // what is not named stays
	} {
		table := table{header: []string{"NAME", "SKU", "NOTE"}}
		table.add("서버", "ABCDEFGH", "something")
		table.add("together", "", "-")
		table.fit(tt.screen, "SKU", "NOTE", "NOT THERE")
		var out bytes.Buffer
		table.print(&out)
		lines := strings.Split(out.String(), "\n")
		if got := strings.Join(strings.Fields(lines[0]), " "); got != tt.header {
			t.Errorf("%d columns: %q, want %q", tt.screen, got, tt.header)
		}
		if widest := text.Width(strings.TrimRight(lines[1], " ")); tt.screen > 1 && widest > tt.screen {
			t.Errorf("%d columns: a line has %d", tt.screen, widest)
		}
	}
}

// Reasons are folded below each other where they are wider than the terminal, and never
// cut; other columns are left out for them, and long names are cut.
func TestReasonsFold(t *testing.T) {
	const why = "snap-0123456789abcdef0 is held: \"감사 2026\"; daily: the newest 7 are kept; weekly: 2026-W46 keeps 2026-11-15 02:30"
	for _, tt := range []struct {
		screen int
		header string
	}{
		{0, "RESOURCE NAME REGION REASON"},
		{120, "RESOURCE NAME REGION REASON"},
		{85, "RESOURCE NAME REASON"},
		{60, "RESOURCE REASON"},
		{20, "RESOURCE REASON"},
	} {
		table := table{header: []string{"RESOURCE", "NAME", "REGION", "REASON"}}
		table.add("vol-00434cb63a4d13676", strings.Repeat("서버", 40), "ap-northeast-2", why)
		table.add("vol-008440111d444cabc", "web\x1b[31m", "ap-northeast-2", strings.Repeat("x", 200))
		table.reasons(tt.screen, "REGION", "NAME")
		var out bytes.Buffer
		table.print(&out)
		lines := strings.Split(strings.TrimSpace(out.String()), "\n")
		if got := strings.Join(strings.Fields(lines[0]), " "); got != tt.header {
			t.Errorf("%d columns: %q, want %q", tt.screen, got, tt.header)
		}
		reasons := ""
		for _, line := range lines[1:] {
			if width := text.Width(line); tt.screen >= 60 && width > tt.screen {
				t.Errorf("%d columns: a line has %d: %s", tt.screen, width, line)
			}
			line = line[max(strings.LastIndex(line, "  "), 0):] // the last cell
			reasons += strings.TrimSpace(line)
		}
		if want := strings.ReplaceAll(why, " ", "") + strings.Repeat("x", 200); strings.ReplaceAll(reasons, " ", "") != want {
			t.Errorf("%d columns: %q, want %q", tt.screen, reasons, want)
		}
	}
}
