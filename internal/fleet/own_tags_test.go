package fleet_test

import (
	"slices"
	"testing"
	"time"

	"nightshift/internal/fleet"
)

func TestParseMark(t *testing.T) {
	at := time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)
	for value, want := range map[string]fleet.Mark{
		"stop 2026-11-22T10:00:00Z":       {Action: fleet.MarkStop, At: at},
		"start 2026-11-22T19:00:00+09:00": {Action: fleet.MarkStart, At: at},
		"refused 2026-11-22T10:00:00Z":    {Action: fleet.MarkRefused, At: at},
		"":                                {},
		"stop":                            {},
		"stop yesterday":                  {},
		"reboot 2026-11-22T10:00:00Z":     {},
		"stop  2026-11-22T10:00:00Z":      {},
	} {
		got := fleet.ParseMark(value)
		if got != want {
			t.Errorf("%q reads %+v, want %+v", value, got, want)
		}
		if again := fleet.ParseMark(got.String()); want != (fleet.Mark{}) && again != want {
			t.Errorf("%q is written as %q, which reads %+v", value, got, again)
		}
		if act := got.Act(); (act == fleet.Mark{}) != (want.Action == "" || want.Action == fleet.MarkRefused) {
			t.Errorf("%q has the act %+v", value, act)
		}
	}
}

func TestParseTypes(t *testing.T) {
	for value, want := range map[string][]fleet.InstanceType{
		"":                                 nil,
		" , ":                              nil,
		"m5.large":                         {"m5.large"},
		"m5.large, m6i.large m5.large":     {"m5.large", "m6i.large"},
		"m5.large/m6i.large;m7i.large,":    {"m5.large", "m6i.large", "m7i.large"},
		"/m6i.large,,m5.large/ /m6i.large": {"m6i.large", "m5.large"},
	} {
		if got := fleet.ParseTypes(value); !slices.Equal(got, want) {
			t.Errorf("%q reads %v, want %v", value, got, want)
		}
	}
}

func TestOverride(t *testing.T) {
	for _, text := range []string{
		"on since 2026-11-17T18:00:00Z until 2026-11-17T23:00:00Z",
		"off since 2026-11-17T18:00:00Z until 2026-11-17T18:00:00Z",
		"on until 2026-11-17T23:00:00Z",
	} {
		k, err := fleet.ParseOverride(text)
		if err != nil || k.String() != text {
			t.Errorf("%q reads %+v, %v", text, k, err)
		}
	}
	for _, text := range []string{
		"", "on", "on until", "on until tomorrow", "maybe until 2026-11-17T23:00:00Z", "on since 2026-11-17T23:00:00Z",
		"on until 2026-11-17T23:00:00Z since 2026-11-17T18:00:00Z", "on since 2026-11-18T00:00:00Z until 2026-11-17T23:00:00Z",
		"on since 2026-11-17T18:00:00Z since 2026-11-17T23:00:00Z", "on until 2026-11-17T23:00:00Z please now",
	} {
		if k, err := fleet.ParseOverride(text); err == nil {
			t.Errorf("%q reads %+v", text, k)
		}
	}
	k, _ := fleet.ParseOverride("on since 2026-11-17T18:00:00Z until 2026-11-17T23:00:00Z")
	if got := k.Cleared(time.Date(2026, 11, 17, 20, 0, 0, 0, time.UTC)).String(); got != "on since 2026-11-17T18:00:00Z until 2026-11-17T20:00:00Z" {
		t.Errorf("cleared: %s", got)
	}
	if got := k.Cleared(time.Date(2026, 11, 18, 20, 0, 0, 0, time.UTC)); got != k {
		t.Errorf("cleared after its end: %s", got)
	}
}
