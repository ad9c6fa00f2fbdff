package foreign_test

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// tools are the names that docs/compatibility.md uses.
func tools() map[string]string {
	return map[string]string{
		instanceScheduler: "Instance Scheduler",
		custodian:         "Cloud Custodian",
		pyDownscaler:      "py-kube-downscaler",
		goDownscaler:      "GoKubeDownscaler",
		lightsOff:         "lights-off",
		evergreen:         "evergreen",
		cis:               "cloud-instance-scheduler",
	}
}

// table is the body of the table in docs/compatibility.md whose first column
// has the name, as cells.
func table(t *testing.T, first string) [][]string {
	t.Helper()
	data, err := os.ReadFile("../../../docs/compatibility.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, found := strings.Cut(string(data), "\n| "+first+" |")
	if !found {
		t.Fatalf("docs/compatibility.md has no table that begins with %q", first)
	}
	var rows [][]string
	for i, line := range strings.Split(rest, "\n") {
		if i < 2 {
			continue // the rest of the heading and the rule
		}
		if !strings.HasPrefix(line, "|") {
			break
		}
		cells := strings.Split(strings.Trim(line, "|"), "|")
		for i := range cells {
			cells[i] = strings.TrimSpace(cells[i])
		}
		rows = append(rows, cells)
	}
	return rows
}

// TestConformance asks every row of the case file. A row comes out as stated or
// is in the table of differences, and every row there does differ.
func TestConformance(t *testing.T) {
	type count struct{ Rows, Tests, Different int }
	counts := make(map[string]count)
	different := make(map[string]string) // id to tool
	for _, r := range loadRows(t) {
		tool := tools()[r.Source]
		n := counts[tool]
		n.Rows++
		if r.Origin == "upstream-test" {
			n.Tests++
		}
		got, want := evaluate(t, r), r.expected()
		if got.text != want {
			n.Different++
			different[r.ID] = tool
			t.Logf("%s: %s says %s, we say %s", r.ID, tool, want, got.text)
			if hasReader := r.Source != evergreen && r.Source != cis; hasReader && !got.warned {
				t.Errorf("%s: we say %s where %s says %s, and warn nobody", r.ID, got.text, tool, want)
			}
		}
		counts[tool] = n
	}

	listed := make(map[string]string)
	for _, cells := range table(t, "Rows") {
		if len(cells) != 5 || slices.Contains(cells, "") {
			t.Errorf("differences: %q needs five cells", cells)
			continue
		}
		for id := range strings.SplitSeq(cells[0], ",") {
			id = strings.TrimSpace(id)
			if listed[id] != "" {
				t.Errorf("differences: %s stands there twice", id)
			}
			listed[id] = cells[1]
		}
	}
	if diff := cmp.Diff(different, listed); diff != "" {
		t.Errorf("docs/compatibility.md does not list what differs (-truth +table):\n%s", diff)
	}

	counted := make(map[string]count)
	for _, cells := range table(t, "Judged") {
		var numbers []int
		for _, cell := range cells[1:] {
			n, err := strconv.Atoi(cell)
			if err != nil {
				t.Fatal(err)
			}
			numbers = append(numbers, n)
		}
		if len(numbers) != 3 {
			t.Fatalf("counts: %q needs four cells", cells)
		}
		counted[cells[0]] = count{numbers[0], numbers[1], numbers[2]}
	}
	if diff := cmp.Diff(counts, counted); diff != "" {
		t.Errorf("the counts in docs/compatibility.md (-truth +table):\n%s", diff)
	}
	// The file itself must not lose rows.
	if got, want := fmt.Sprint(counts["Instance Scheduler"].Rows, counts["Cloud Custodian"].Rows, counts["py-kube-downscaler"].Rows,
		counts["GoKubeDownscaler"].Rows, counts["lights-off"].Rows, counts["evergreen"].Rows, counts["cloud-instance-scheduler"].Rows),
		"238 111 28 23 9 22 16"; got != want {
		t.Errorf("rows judged per tool: %s, want %s", got, want)
	}
}
