package amazon

import (
	"testing"
	"time"

	"nightshift/internal/fleet"
)

// Samples stand for five minutes each, or for one with detailed monitoring,
// which shows in their number where the instance itself no longer shows it.
func TestRunningTime(t *testing.T) {
	from := utc(t, "2026-11-01 00:00:00")
	hours := func(n float64) time.Duration { return time.Duration(n * float64(time.Hour)) }
	for name, tt := range map[string]struct {
		counts   []float64 // of consecutive hours; -1 for an hour without a point
		detailed bool
		span     time.Duration
		want     time.Duration
	}{
		"basic":                           {[]float64{12, 12, 12}, false, hours(3), hours(3)},
		"basic, a part":                   {[]float64{3, 12, -1, 6}, false, hours(4), hours(1.75)},
		"detailed":                        {[]float64{60, 60, 13}, true, hours(3), hours(2) + 13*time.Minute},
		"detailed, a part":                {[]float64{12, 60, 12}, true, hours(3), hours(1.4)},
		"detailed at first":               {[]float64{60, 60, 12, 12}, false, hours(4), hours(4)},
		"detailed in the end":             {[]float64{12, 12, 60}, true, hours(3), hours(3)},
		"twelve minutes now and then":     {[]float64{12, -1, 12, -1, 60}, true, hours(5), hours(1.4)},
		"the last hour is not over":       {[]float64{12, 3}, false, hours(1.2), hours(1.2)},
		"to the minute":                   {[]float64{60, 7}, true, hours(1.5), 67 * time.Minute},
		"not a sample":                    {nil, false, hours(3), 0},
		"no hour has more than an hour":   {[]float64{13, 61}, false, hours(2), hours(1) + 13*time.Minute},
		"none beyond the end of the span": {[]float64{12, 12}, false, hours(0.5), hours(0.5)},
	} {
		var points []point
		for n, count := range tt.counts {
			if count >= 0 {
				points = append(points, point{from.Add(hours(float64(n))), count})
			}
		}
		if got := running(points, time.Hour, fleet.Span{From: from, To: from.Add(tt.span)}, tt.detailed); got != tt.want {
			t.Errorf("%s: %s, want %s", name, got, tt.want)
		}
	}
}

// A period never reaches back before the start, in no time zone's month.
func TestPeriods(t *testing.T) {
	for from, want := range map[string]time.Duration{
		"2026-10-31 15:00:00": time.Hour,        // Seoul
		"2026-10-31 18:30:00": 30 * time.Minute, // Kolkata
		"2026-10-31 18:15:00": 15 * time.Minute, // Kathmandu
		"2026-11-03 07:20:09": 15 * time.Minute,
	} {
		start := utc(t, from)
		period, whole := question{span: fleet.Span{From: start, To: start.Add(100 * time.Minute)}}.periods()
		if period != want || start.Sub(whole.From) >= 15*time.Minute || want > 15*time.Minute && !whole.From.Equal(start) || whole.Length()%period != 0 ||
			whole.To.Before(start.Add(100*time.Minute)) {
			t.Errorf("from %s: %s, %s to %s", from, period, whole.From, whole.To)
		}
	}
}
