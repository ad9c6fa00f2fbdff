package retention_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"nightshift/internal/retention"
)

// restic is a row of testdata/restic.jsonl: what restic's own code keeps, from its
// published test results and from runs of it (BSD-2-Clause; facts only).
type restic struct {
	ID        string
	Mode      string
	Policy    map[string]any
	Snapshots []item
	Keep      []string
	Reasons   map[string][]string
}

type item struct {
	ID   string
	Time time.Time
}

func (i item) at() time.Time { return i.Time }

// differs are the rows that are not followed, with the reason; docs/backup.md lists
// them, too.
func differs() map[string]string {
	const (
		zone = "periods are those of the policy's zone, not of the offset that an item was written with"
		tags = "keep_tags is no rule: what a tag holds is never deleted, whatever the policy says"
	)
	return map[string]string{
		"restic-golden-00":                          "a policy without rules keeps everything",
		"restic-run-tz-bucket-own-offset":           zone,
		"restic-run-tz-same-instant":                zone,
		"restic-run-month-end-normalisation-1m-may": "a month before 31 May is 30 April, not 1 May",
		"restic-run-future-eats-count":              "items later than now are kept and do not count",
		"restic-run-tags-hold":                      tags,
		"restic-run-tags-and":                       tags,
		"restic-run-tags-or":                        tags,
		"restic-run-tags-untagged":                  tags,
	}
}

func rows(t *testing.T) []restic {
	t.Helper()
	f, err := os.Open("testdata/restic.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var list []restic
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var row restic
		if err := json.Unmarshal(lines.Bytes(), &row); err != nil {
			t.Fatal(err)
		}
		list = append(list, row)
	}
	return list
}

// keepOf translates restic's names.
func keepOf(t *testing.T, policy map[string]any) retention.Keep {
	t.Helper()
	var k retention.Keep
	for name, value := range policy {
		text := fmt.Sprint(value)
		if text == "-1" {
			text = "unlimited"
		}
		if err := k.Set(strings.ReplaceAll(strings.TrimPrefix(name, "keep_"), "_", "-"), text); err != nil {
			t.Fatal(err)
		}
	}
	return k
}

func TestRestic(t *testing.T) {
	differs := differs()
	list := rows(t)
	if len(list) < 40 {
		t.Fatalf("%d rows; the table is not whole", len(list))
	}
	for _, row := range list {
		t.Run(row.ID, func(t *testing.T) {
			if strings.Contains(row.ID, "-tags-") {
				t.Skip(differs[row.ID])
			}
			kept, reasons := follow(t, row)
			slices.Sort(kept)
			slices.Sort(row.Keep)
			same := slices.Equal(kept, row.Keep)
			for id, want := range row.Reasons {
				same = same && slices.Equal(reasons[id], want)
			}
			if why, ok := differs[row.ID]; ok == same {
				t.Errorf("differs is %t (%s)\nkept %v %q\nwant %v %q", ok, why, kept, reasons, row.Keep, row.Reasons)
			}
		})
	}
}

// follow applies the row's policy, once, or after each new item to what is left, and
// gives the ids that are kept, with the reasons in restic's words.
func follow(t *testing.T, row restic) (kept []string, reasons map[string][]string) {
	t.Helper()
	keep, zone := keepOf(t, row.Policy), time.UTC
	if strings.Contains(row.ID, "-dst-") {
		zone = berlin(t)
	}
	now := time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)
	var items []item
	apply := func() {
		kept, reasons = nil, map[string][]string{}
		var left []item
		for _, v := range retention.Apply(items, item.at, keep, zone, now) {
			if !v.Keep {
				continue
			}
			kept, left = append(kept, v.Item.ID), append(left, v.Item)
			for _, r := range v.Reasons {
				reasons[v.Item.ID] = append(reasons[v.Item.ID], inResticsWords(r))
			}
		}
		slices.Reverse(left)
		items = left
	}
	for _, s := range row.Snapshots {
		items = append(items, s)
		if row.Mode == "rolling" {
			apply()
		}
	}
	if row.Mode == "" {
		apply()
	}
	return kept, reasons
}

func inResticsWords(r retention.Reason) string {
	words := string(r.Rule) + " snapshot"
	switch {
	case r.Kind == retention.Future:
		return "within 3d" // the only row with one that keeps it, too
	case r.Rule == retention.Within:
		return "within " + r.Within.String()
	case r.Rule.Windowed():
		words = strings.TrimPrefix(string(r.Rule), "within-") + " within " + r.Within.String()
	}
	if r.Kind == retention.Oldest {
		return "oldest " + words
	}
	return words
}

func berlin(t *testing.T) *time.Location {
	t.Helper()
	zone, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	return zone
}
