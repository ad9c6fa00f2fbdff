package cli_test

import (
	"bytes"
	"encoding/json"
	"math"
	"strings"
	"testing"
	"time"

	"nightshift/internal/cli"
)

// power runs `nightshift power week` at a time, without an account.
func powerWeek(t *testing.T, now time.Time, env map[string]string, args ...string) string {
	t.Helper()
	var stdout, stderr bytes.Buffer
	code := cli.Main(append([]string{"power", "week"}, args...), cli.System{
		Stdout: &stdout, Stderr: &stderr, Env: func(key string) string { return env[key] }, Now: func() time.Time { return now },
	})
	if code != 0 {
		t.Fatalf("%v: code %d: %s", args, code, &stderr)
	}
	return stdout.String()
}

// Days are whole local days, whatever the clocks do at midnight, and a day that
// a zone skipped has no hours.
func TestWeekInOddZones(t *testing.T) {
	for _, test := range []struct {
		zone, first, odd string
		hours            float64
	}{
		{"Asia/Seoul", "2026-11-16", "2026-11-18", 24},
		{"America/Sao_Paulo", "2018-11-01", "2018-11-04", 23}, // midnight does not exist
		{"America/Sao_Paulo", "2018-02-14", "2018-02-17", 25}, // 23 o'clock comes twice
		{"Africa/Cairo", "2026-04-20", "2026-04-24", 23},
		{"Australia/Lord_Howe", "2026-10-01", "2026-10-04", 23.5},
		{"Asia/Kathmandu", "2026-10-01", "2026-10-04", 24},
		{"Pacific/Apia", "2011-12-27", "2011-12-30", 0},
		{"Pacific/Kiritimati", "1994-12-28", "1994-12-31", 0},
		{"Europe/Dublin", "2026-10-19", "2026-10-25", 25},
		{"America/New_York", "2026-03-02", "2026-03-08", 23},
	} {
		schedule := "Mon-Fri 08:00-19:00 " + test.zone
		text := powerWeek(t, time.Unix(0, 0), nil, "--schedule", schedule, "--at", test.first, "--json")
		var answer struct {
			Data struct {
				Schedules []struct {
					From, To time.Time
					Running  float64 `json:"running_hours"`
					Days     []struct {
						Date    string
						Hours   float64
						Running float64 `json:"running_hours"`
					}
				}
			}
		}
		if err := json.Unmarshal([]byte(text), &answer); err != nil {
			t.Fatal(err)
		}
		w := answer.Data.Schedules[0]
		sum, running := 0.0, 0.0
		for _, d := range w.Days {
			sum, running = sum+d.Hours, running+d.Running
			if d.Date == test.odd && d.Hours != test.hours || d.Date != test.odd && d.Hours != 24 {
				t.Errorf("%s: %s has %v hours", test.zone, d.Date, d.Hours)
			}
		}
		if len(w.Days) != 7 || w.Days[0].Date != test.first || sum != w.To.Sub(w.From).Hours() || math.Abs(running-w.Running) > 0.01 {
			t.Errorf("%s: %d days of %v hours from %s to %s, %v of %v running", test.zone, len(w.Days), sum, w.From, w.To, running, w.Running)
		}
		for _, width := range []string{"80", "100", "130", "200", "400"} {
			drawn := powerWeek(t, w.From.Add(w.To.Sub(w.From)/2), map[string]string{"COLUMNS": width}, "--schedule", schedule, "--at", test.first)
			if !strings.Contains(drawn, "▼") || !strings.Contains(drawn, "█ running") {
				t.Errorf("%s in %s columns:\n%s", test.zone, width, drawn)
			}
		}
	}
}

// Now stands above its block, and the label stays within the picture.
func TestWeekMarksNow(t *testing.T) {
	monday := time.Date(2026, 8, 10, 0, 0, 0, 0, time.UTC)
	for _, test := range []struct {
		at   time.Duration
		line string
	}{
		{0, "                      ▼ now 00:00"},
		{9*time.Hour + 30*time.Minute, "                        ▼ now 09:30"},
		{167*time.Hour + 59*time.Minute, "                                                                     ▼ now 23:59"},
	} {
		drawn := powerWeek(t, monday.Add(test.at), nil, "--schedule", "Mon-Fri 08:00-19:00 UTC")
		lines := strings.Split(drawn, "\n")
		if lines[3] != test.line || lines[0] != "10 August 2026 to 16 August 2026, a block is 4 hours" {
			t.Errorf("%v after Monday's midnight:\n%s", test.at, drawn)
		}
	}
}
