package power_test

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"nightshift/internal/fleet"
	"nightshift/internal/schedule"
)

// What lies ahead is what will be decided then, at any time, as long as nobody
// changes a tag.
func TestAheadIsWhatWillBeDecided(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.SampledFrom([]string{
			office, "22:00-06:00", "Mon-Fri 08:00-12:00; unmanaged Mon-Fri 06:00-08:00", "start Mon-Fri 08:00; start 12:00", "stop Mon-Fri 19:00", "always",
		}).Draw(t, "schedule")
		s, err := schedule.Parse(text, time.UTC)
		if err != nil {
			t.Fatal(err)
		}
		lead := time.Duration(rapid.SampledFrom([]int{0, 10, 45, 200}).Draw(t, "lead")) * time.Minute
		now := time.Date(2026, 10, 19, 0, 0, 0, 0, time.UTC).Add(time.Duration(rapid.IntRange(0, 14*48).Draw(t, "now")) * 30 * time.Minute)
		var k fleet.Override
		if rapid.Bool().Draw(t, "kept") {
			k.State = rapid.SampledFrom([]fleet.State{fleet.Running, fleet.Stopped}).Draw(t, "override")
			k.Since = now.Add(time.Duration(rapid.IntRange(-50, 20).Draw(t, "from")) * 30 * time.Minute)
			k.Until = k.Since.Add(time.Duration(rapid.IntRange(1, 90).Draw(t, "for")) * 30 * time.Minute)
		}
		decide := desiredBy(s, k, lead)
		to := now.Add(7 * 24 * time.Hour)
		at := now
		for _, span := range decide(now).Ahead(s, now, to) {
			if !span.From.Equal(at) || !span.To.After(span.From) {
				t.Fatalf("%v begins at %s, and the one before ends at %s", span, span.From, at)
			}
			for _, then := range []time.Time{span.From, span.From.Add(span.To.Sub(span.From) / 2), span.To.Add(-1)} {
				if d := decide(then); d.State != span.State {
					t.Errorf("%s until %s is %s, but at %s it is %s", span.From, span.To, span.State, then, d.State)
				}
			}
			if d := decide(span.From); span.From != now && !d.Since.Equal(span.From) {
				t.Errorf("a span begins at %s, and the desired state has been since %s", span.From, d.Since)
			}
			at = span.To
		}
		if !at.Equal(to) {
			t.Errorf("the spans end at %s, want %s", at, to)
		}
	})
}
