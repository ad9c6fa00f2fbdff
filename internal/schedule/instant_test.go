package schedule_test

import (
	"errors"
	"testing"
	"time"

	"nightshift/internal/fleet"
	"nightshift/internal/schedule"
)

func TestParseInstant(t *testing.T) {
	seoul, err := schedule.LoadZone("Asia/Seoul")
	if err != nil {
		t.Fatal(err)
	}
	now := time.Date(2026, 11, 20, 3, 0, 0, 0, time.UTC) // noon in Seoul
	for text, want := range map[string]string{
		"":                          "2026-11-20T12:00:00+09:00",
		"3h":                        "2026-11-20T15:00:00+09:00",
		"22:00":                     "2026-11-20T22:00:00+09:00",
		"12:00":                     "2026-11-21T12:00:00+09:00", // not now, but the next one
		"08:30":                     "2026-11-21T08:30:00+09:00",
		"2026-12-24":                "2026-12-24T00:00:00+09:00",
		"2026-12-24T20:00":          "2026-12-24T20:00:00+09:00",
		"2026-12-24 20:00":          "2026-12-24T20:00:00+09:00",
		"2026-12-24T20:00:30":       "2026-12-24T20:00:30+09:00",
		"2026-12-24T20:00Z":         "2026-12-25T05:00:00+09:00",
		"2026-12-24T20:00:00+01:00": "2026-12-25T04:00:00+09:00",
	} {
		if got, err := schedule.ParseInstant(text, now, seoul); err != nil || got.In(seoul).Format(time.RFC3339) != want {
			t.Errorf("%q is %v, want %s (%v)", text, got, want, err)
		}
	}
	for text, want := range map[string]string{
		"24h": "2026-11-19T12:00:00+09:00", "7d": "2026-11-13T12:00:00+09:00", "08:00": "2026-11-20T08:00:00+09:00",
		"13:00": "2026-11-19T13:00:00+09:00", "2026-11-01": "2026-11-01T00:00:00+09:00", "": "0001-01-01T00:00:00Z",
	} {
		got, err := schedule.ParsePast(text, now, seoul)
		if text != "" {
			got = got.In(seoul)
		}
		if err != nil || got.Format(time.RFC3339) != want {
			t.Errorf("the past %q is %v, want %s (%v)", text, got, want, err)
		}
	}
	for _, text := range []string{"tomorrow", "-3h", "25:00", "2026-13-01", "3"} {
		if got, err := schedule.ParseInstant(text, now, seoul); !errors.Is(err, fleet.ErrInvalid) {
			t.Errorf("%q is %v, %v", text, got, err)
		}
		if got, err := schedule.ParsePast(text, now, seoul); !errors.Is(err, fleet.ErrInvalid) {
			t.Errorf("the past %q is %v, %v", text, got, err)
		}
	}
}
