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
