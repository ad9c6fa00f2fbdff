package schedule_test

import (
	"testing"
	"time"

	"nightshift/internal/schedule"
)

// The time line is computed in blocks of 2^22 seconds. What happens at the very
// instant at which one begins happens once.
func TestTransitionsAtTheSeams(t *testing.T) {
	seam := time.Unix(420<<22, 0).UTC() // 2025-10-27 23:28
	for _, text := range []string{"23:28-23:40", "start 23:28; stop 23:40", "23:10-23:28", "start 23:10; stop 23:28"} {
		s, err := schedule.Parse(text, time.UTC)
		if err != nil {
			t.Fatal(err)
		}
		at, hits := seam.Add(-25*time.Hour), 0
		for range 4 {
			next, ok := s.Next(at)
			if last, found := s.Last(next.At); !ok || !found || last != next || s.At(next.At) != next.State || s.At(next.At.Add(-1)) == next.State {
				t.Fatalf("%s: after %s comes %v, last %v", text, at, next, last)
			}
			if next.At.Equal(seam) {
				hits++
			}
			at = next.At
		}
		if hits != 1 {
			t.Errorf("%s: %d transitions at %s, want one", text, hits, seam)
		}
	}
}

func TestWhatIsNotRunningMayBeUnmanaged(t *testing.T) {
	s, err := schedule.Parse("Mon 08:00-09:00; unmanaged always", time.UTC)
	if err != nil {
		t.Fatal(err)
	}
	for hour, want := range map[int]schedule.State{7: schedule.Unmanaged, 8: schedule.Running, 9: schedule.Unmanaged} {
		if got := s.At(time.Date(2026, 11, 23, hour, 0, 0, 0, time.UTC)); got != want {
			t.Errorf("at %d: %s, want %s", hour, got, want)
		}
	}
}
