package amazon

import (
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestSizesReadAsWritten(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := sizes{min: rapid.Int32Range(0, 1000).Draw(t, "min")}
		s.desired = rapid.Int32Range(max(s.min, 1), 2000).Draw(t, "desired")
		s.max = rapid.Int32Range(s.desired, 3000).Draw(t, "max")
		for _, p := range scalers() {
			if rapid.Bool().Draw(t, p) {
				s.processes = append(s.processes, p)
			}
		}
		s.done = rapid.SampledFrom([]string{"", "stop 2026-11-22T10:00:00Z", "start 2026-02-28T23:59:59Z"}).Draw(t, "done")
		got, err := parseSizes(s.String())
		if err != nil || got.String() != s.String() || !slices.Equal(got.processes, s.processes) || got.done != s.done {
			t.Fatalf("%q reads %+v, %v", s, got, err)
		}
		if len(s.String()) > 256 {
			t.Fatalf("%q is too long for a tag", s)
		}
	})
}

// Whatever people write into the tag is read or refused with what to write.
func FuzzSizes(f *testing.F) {
	for _, text := range []string{
		"", "1/2/4", "1/2/4 AlarmNotification+ScheduledActions stop 2026-11-22T10:00:00Z", "1/2/4 stop", "4/2/1", "1/2/4  start 2026-13-01T00:00:00Z",
		"//", "+1/2/3", "1/2/4 +", "1/2/99999999999999999999", "\xff/\x00/1",
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		s, err := parseSizes(text)
		if err != nil {
			if !strings.Contains(err.Error(), "1/2/4") {
				t.Errorf("%q: %v does not say what to write", text, err)
			}
			return
		}
		if s.min > s.desired || s.desired > s.max || s.desired < 1 || s.min < 0 {
			t.Errorf("%q reads %+v", text, s)
		}
		again, err := parseSizes(s.String())
		if err != nil || again.String() != s.String() {
			t.Errorf("%q reads %q, then %q, %v", text, s, again, err)
		}
	})
}
