package retention_test

import (
	"bufio"
	"encoding/json"
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"nightshift/internal/fleet"
	"nightshift/internal/retention"
)

// TestResticsNotation reads what restic reads, from its own tests. It permits negative
// numbers in a length of time and refuses them where it is used; here they are refused
// at once.
func TestResticsNotation(t *testing.T) {
	f, err := os.Open("testdata/restic_parse.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	n := 0
	for lines := bufio.NewScanner(f); lines.Scan(); n++ {
		var row struct {
			Kind, Input, Canonical string
			Value                  int
			Error                  bool
		}
		if err := json.Unmarshal(lines.Bytes(), &row); err != nil {
			t.Fatal(err)
		}
		if row.Kind == "keep_count" {
			c, err := retention.ParseCount(row.Input)
			if (err != nil) != row.Error || int(c) != row.Value {
				t.Errorf("count %q: %s, %v", row.Input, c, err)
			}
			continue
		}
		d, err := retention.ParseDuration(row.Input)
		if wrong := row.Error || strings.Contains(row.Input, "-"); (err != nil) != wrong || !wrong && d.String() != row.Canonical {
			t.Errorf("%s %q: %s, %v", row.Kind, row.Input, d, err)
		}
		if err != nil && !errors.Is(err, fleet.ErrInvalid) {
			t.Errorf("%q: %v is of another kind", row.Input, err)
		}
	}
	if n < 10 {
		t.Fatalf("%d rows; the table is not whole", n)
	}
}

func TestParseKeep(t *testing.T) {
	for in, want := range map[string]string{
		"daily=7,weekly=4,monthly=6":      "daily=7,weekly=4,monthly=6",
		"monthly=6, daily=7":              "daily=7,monthly=6",
		"last=unlimited":                  "last=unlimited",
		"within-daily=1y2m,within=12h":    "within=12h,within-daily=1y2m",
		"daily=0,weekly=1":                "weekly=1",
		"":                                `"" is no rule; write a list such as daily=7,weekly=4,monthly=6`,
		"daily":                           `"daily" is no rule; write a list such as daily=7,weekly=4,monthly=6`,
		"dayly=7":                         `"dayly" is no rule; did you mean daily?`,
		"quarterly=7":                     `"quarterly" is no rule; there are last, hourly, daily, weekly, monthly, yearly, within, within-hourly, within-daily, within-weekly, within-monthly, within-yearly`,
		"daily=7,daily=8":                 "daily is there twice",
		"daily=-1":                        "daily: -1 is negative; write unlimited to keep all",
		"daily=7d":                        `daily: "7d" is no count; write a number up to 1000000, or unlimited`,
		"within=7":                        `within: "7" is no length of time; write years, months, days and hours in this order, such as 1y6m, 30d or 12h (m is a month)`,
		"within=0d":                       `within: "0d" is no time at all; leave the rule out instead`,
		"within=99999999999999999999999d": `within: "99999999999999999999999d" is too long: each number may be 100000 at most`,
		"within=1d1y":                     `within: "1d1y" is no length of time; write years, months, days and hours in this order, such as 1y6m, 30d or 12h (m is a month)`,
	} {
		k, err := retention.ParseKeep(in)
		got := k.String()
		if err != nil {
			got = err.Error()
		}
		if got != want {
			t.Errorf("%q is %s\nwant %s", in, got, want)
		}
		if again, err := retention.ParseKeep(got); err == nil && again != k {
			t.Errorf("%q does not print as it reads", in)
		}
	}
}

func TestDurationBefore(t *testing.T) {
	for _, c := range []struct{ from, d, want string }{
		{"2025-05-31T02:00:00Z", "1m", "2025-04-30T02:00:00Z"},
		{"2025-03-31T02:00:00Z", "1m", "2025-02-28T02:00:00Z"},
		{"2024-02-29T02:00:00Z", "1y", "2023-02-28T02:00:00Z"},
		{"2025-01-15T02:00:00Z", "13m", "2023-12-15T02:00:00Z"},
		{"2025-01-01T02:00:00Z", "1d3h", "2024-12-30T23:00:00Z"},
		{"2024-03-31T12:00:00+02:00", "1d", "2024-03-30T12:00:00+01:00"}, // the clock changed: 23 hours
		{"2024-03-31T12:00:00+02:00", "24h", "2024-03-30T11:00:00+01:00"},
	} {
		from, err := time.Parse(time.RFC3339, c.from)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(c.from, "+") {
			from = from.In(berlin(t))
		}
		d, err := retention.ParseDuration(c.d)
		if err != nil {
			t.Fatal(err)
		}
		if got := d.Before(from).Format(time.RFC3339); got != c.want {
			t.Errorf("%s before %s is %s, want %s", c.d, c.from, got, c.want)
		}
	}
}
