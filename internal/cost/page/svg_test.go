package page

import (
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"nightshift/internal/cost/sheet"
	"nightshift/internal/price"
)

func TestGrouped(t *testing.T) {
	for number, want := range map[string]string{
		"0": "0", "999": "999", "1000": "1,000", "-1234.5": "−1,234.5", "1234567.89": "1,234,567.89", "100000": "100,000", "0.00001": "0.00001",
	} {
		if got := grouped(number); got != want {
			t.Errorf("%s is shown as %s, want %s", number, got, want)
		}
	}
}

func TestWords(t *testing.T) {
	for header, want := range map[string][]string{
		"EC2MonthToDate(USD)": {"EC2Month", "To", "Date", "(USD)"}, "vCPU": {"v", "CPU"}, "Name": {"Name"}, "Before 2026-11-01 (USD/month)": {"Before 2026-11-01 ", "(USD/month)"},
	} {
		if diff := cmp.Diff(want, words(header)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", header, diff)
		}
	}
}

// TestScalesReachTheValue: an axis has two to five steps and ends at or little
// above the value.
func TestScalesReachTheValue(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		highest := rapid.Float64Range(0.0001, 1e9).Draw(t, "highest")
		s := scaleTo(highest)
		steps := math.Round(s.end / s.step)
		if s.end < highest*(1-1e-9) || s.end-s.step > highest || steps < 2 || steps > 4 {
			t.Fatalf("%v is on a scale to %v by %v", highest, s.end, s.step)
		}
		seen := map[string]bool{}
		for _, v := range s.marks() {
			if mark := s.mark(v); seen[mark] {
				t.Fatalf("two marks of %+v are %s", s, mark)
			}
			seen[s.mark(v)] = true
		}
	})
}

// weeks is a table as the trend has it, with a gap in the second week.
func weeks() (sheet.Chart, sheet.Table) {
	rows := [][]any{{"2026-11-02", price.Dollar * 100}, {"2026-11-09", nil}, {"2026-11-16", price.Dollar * 50}, {"2026-11-23", price.Dollar * 200}}
	return sheet.Chart{Title: "weeks", Kind: sheet.LineChart, Table: "Trend", Category: "Week", Values: []string{"EC2(USD)"}, Rows: len(rows)},
		sheet.Table{
			Name: "Trend", Columns: []sheet.Column{{Header: "Week", Format: sheet.Text}, {Header: "EC2(USD)", Format: sheet.Money}}, Len: len(rows),
			Rows: func(yield func([]any) bool) {
				for _, row := range rows {
					if !yield(row) {
						return
					}
				}
			},
		}
}

func TestLinesHaveGaps(t *testing.T) {
	c, table := weeks()
	p, ok := draw(c, table)
	if !ok || len(p.Paths) != 1 || len(p.Dots) != 3 {
		t.Fatalf("picture %+v, want one path and three dots", p)
	}
	if way := p.Paths[0].D; strings.Count(way, "M") != 2 || strings.Count(way, "L") != 1 {
		t.Errorf("the path %s does not leave the unknown week out", way)
	}
	if want := "2026-11-02: 100.00; 2026-11-09: not known; 2026-11-16: 50.00; 2026-11-23: 200.00"; p.Description != want {
		t.Errorf("described as %q, want %q", p.Description, want)
	}
	if highest, lowest := p.Dots[2].Y, p.Dots[1].Y; highest >= lowest {
		t.Errorf("200 is drawn at %v, below 50 at %v", highest, lowest)
	}
	if last := p.Labels[len(p.Labels)-1]; len(p.Labels) < 3 || last.Y <= p.Dots[1].Y {
		t.Errorf("labels %+v", p.Labels)
	}
}

func TestColumnsAreStacked(t *testing.T) {
	d := data{names: []string{"gp3"}, series: []series{{"Attached", []float64{30}}, {"Unattached", []float64{10}}, {"Other", []float64{math.NaN()}}}}
	var p picture
	p.columns(d, scaleTo(d.highest(true)), true)
	if len(p.Bars) != 2 {
		t.Fatalf("bars %+v, want two", p.Bars)
	}
	low, high := p.Bars[0], p.Bars[1]
	if math.Abs(float64(high.Y+high.Height-low.Y)) > 0.01 || math.Abs(float64(low.Height/high.Height)-3) > 0.01 {
		t.Errorf("bars %+v and %+v, want the second on the first and a third as high", low, high)
	}
}

func TestUnknownColumnsAreNotDrawn(t *testing.T) {
	c, table := weeks()
	for _, broken := range []sheet.Chart{
		{Category: "Month", Values: c.Values, Rows: 4}, {Category: "Week", Values: []string{"None(USD)"}, Rows: 4}, {Category: "Week", Rows: 4}, {Category: "Week", Values: c.Values},
	} {
		if _, ok := draw(broken, table); ok {
			t.Errorf("%+v is drawn", broken)
		}
	}
}

func TestCutFits(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text, space := rapid.String().Draw(t, "text"), rapid.Float64Range(20, 200).Draw(t, "room")
		got := cut(text, space)
		if got != text && (textWidth(got) > space+11 || !strings.HasSuffix(got, "…")) {
			t.Fatalf("%q in %v becomes %q", text, space, got)
		}
		if got == text && textWidth(text) > space {
			t.Fatalf("%q is wider than %v", text, space)
		}
	})
}
