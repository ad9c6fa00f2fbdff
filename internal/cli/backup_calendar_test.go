package cli

import (
	"strings"
	"testing"
	"time"

	"nightshift/internal/retention"
)

// TestCalendarSkippedMidnight: where a clock change skips midnight, or a whole day, each
// day has its own column all the same, and the calendar ends.
func TestCalendarSkippedMidnight(t *testing.T) {
	for _, c := range []struct {
		zone    string
		now     time.Time
		skipped int
		want    string
	}{
		{"Pacific/Apia", time.Date(2011, 12, 31, 12, 0, 0, 0, time.UTC), 30, "2011-12" + strings.Repeat(" ", 2+27) + "·· ·"},
		{"America/Sao_Paulo", time.Date(2018, 11, 6, 12, 0, 0, 0, time.UTC), 0, "2018-11    ····"},
		{"America/Asuncion", time.Date(2017, 10, 3, 12, 0, 0, 0, time.UTC), 0, "2017-10  ···"},
	} {
		zone, err := time.LoadLocation(c.zone)
		if err != nil {
			t.Fatal(err)
		}
		var verdicts []retention.Verdict[time.Time]
		for n := range 4 {
			at := time.Date(c.now.Year(), c.now.Month(), c.now.Day()-n, 12, 0, 0, 0, zone)
			if c.skipped == 0 || c.now.Day()-n != c.skipped {
				verdicts = append(verdicts, retention.Verdict[time.Time]{Time: at})
			}
		}
		var got strings.Builder
		keepCalendar{width: 60}.print(&got, verdicts)
		if lines := strings.Split(got.String(), "\n"); lines[1] != c.want {
			t.Errorf("%s: got %q, want %q", c.zone, lines[1], c.want)
		}
	}
}
