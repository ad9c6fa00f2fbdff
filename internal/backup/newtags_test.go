package backup_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"nightshift/internal/backup"
	"nightshift/internal/fleet"
	"nightshift/internal/retention"
)

// "Every copy carries nightshift:data-time." "Volumes with more than 50 − ours tags, or with
// planted nightshift:* keys, are still backed up: ours first (at most 5 keys), user tags as
// far as they fit, the rest in the manifest".
func TestTagsForACopy(t *testing.T) {
	p := daily("daily", backup.Volumes, "daily=7,weekly=4")
	p.Zone, _ = time.LoadLocation("Europe/Berlin")
	slot := at("01:00", 0)
	set := backup.NewSetID(backup.Chain{Policy: "daily", Resource: vol1}, slot, 1, false)
	source := fleet.Tags{
		"Name": "db", "Backup": "daily", "aws:cloudformation:stack-name": "x", "AWS:odd": "x",
		backup.TagPolicy: "other", backup.TagHold: "planted", fleet.TagLast: "stop 2026-11-30T00:00:00Z",
	}
	tags, left := backup.TagsFor(p, set, slot.Add(90*time.Second), source)
	want := fleet.Tags{
		backup.TagPolicy: "daily", backup.TagSet: "daily/vol-0000000000000001/20261130T010000Z/1",
		backup.TagSlot: "2026-11-30T01:00:00Z", backup.TagDataTime: "2026-11-30T01:01:30Z",
		backup.TagKeep: "daily=7,weekly=4;zone=Europe/Berlin", "Name": "db", "Backup": "daily",
	}
	if diff := cmp.Diff(want, tags); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if want := []string{"AWS:odd", "aws:cloudformation:stack-name", backup.TagHold, fleet.TagLast, backup.TagPolicy}; !slices.Equal(left, want) {
		t.Errorf("left out are %q, want %q", left, want)
	}
	for n := range 60 {
		source[fmt.Sprintf("%02d", n)] = "x"
	}
	tags, left = backup.TagsFor(p, set, slot, source)
	if len(tags) != 45 || tags["Name"] != "db" || tags["38"] != "x" || !slices.Contains(left, "39") || !slices.Contains(left, "Backup") {
		t.Errorf("%d tags, left out are %q", len(tags), left)
	}
}

// "The stored keep (a tag of ≤ 256 characters)", and what is written is ours when it is read.
func TestTagsAreOursAgain(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := daily("daily", backup.Volumes, "daily=7")
		p.Keep = retention.Keep{}
		for _, n := range retention.Names() {
			value := rapid.SampledFrom([]string{"", "1", "999999", "unlimited"}).Draw(t, string(n))
			if n.Windowed() && value != "" {
				value = rapid.SampledFrom([]string{"1d", "99999y99999m99999d99999h"}).Draw(t, string(n))
			}
			if value != "" {
				if err := p.Keep.Set(string(n), value); err != nil {
					t.Fatal(err)
				}
			}
		}
		slot := noon().Add(time.Duration(rapid.IntRange(-1_000_000, 1_000_000).Draw(t, "slot")) * time.Second)
		members := rapid.IntRange(1, 128).Draw(t, "members")
		set := backup.NewSetID(backup.Chain{Policy: "daily", Resource: ins1}, slot, members, rapid.Bool().Draw(t, "single"))
		source := fleet.Tags(rapid.MapOf(rapid.StringMatching(`(nightshift:)?[a-z]{1,6}`), rapid.String()).Draw(t, "source"))
		tags, _ := backup.TagsFor(p, set, slot.Add(time.Minute), source)
		own := 0
		for key, value := range tags {
			if strings.HasPrefix(key, fleet.OwnTagPrefix) {
				own++
				if len(value) > 256 {
					t.Fatalf("%s has %d characters", key, len(value))
				}
			}
		}
		if own > 5 || len(tags) > 45 {
			t.Fatalf("%d tags, %d of them ours", len(tags), own)
		}
		c, ours, reason := backup.Identify(fleet.Snapshot{ID: "snap-1", Volume: vol1, Started: slot.Add(2 * time.Minute), Tags: tags}, slot.Add(time.Hour))
		if !ours || c.Set != set || c.Expected != members || !c.Slot.Equal(slot) {
			t.Fatalf("%+v, ours %t: %s", c, ours, reason.Text)
		}
	})
}
