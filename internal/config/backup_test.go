package config_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"nightshift/internal/backup"
	"nightshift/internal/config"
	"nightshift/internal/fleet"
)

func TestPoliciesAreAsWritten(t *testing.T) {
	c := mustLoad(t, `
timezone: Asia/Seoul
backup:
  delete: unattended
  rpo: 2d
  policies:
    - {id: daily, tag: Backup=daily, schedule: {at: "02:00"}, keep: {daily: 7, within-weekly: 1y2m, yearly: unlimited}, exclude: [Backup=no, Scratch]}
    - {id: often, tags: [Backup, Role=db], resource: volume, schedule: {every: 6h, timezone: Europe/Berlin}, keep: {last: 4}, rpo: 7h,
       skip_unchanged: true, include_managed: true, after_source_deleted: 90d}
    - {id: evening, tag: Backup=evening, schedule: {after: stop, at: "Mon-Fri 22:00", timezone: Europe/Berlin}, keep: {last: 4}}
`)
	if b := c.Backup; !b.Unattended || b.RPO != 48*time.Hour || b.Broken || len(b.Policies) != 3 {
		t.Fatalf("%+v", b)
	}
	for n, want := range []struct {
		policy     backup.Policy
		zone, when string
		keep       string
		after      string
	}{
		{backup.Policy{ID: "daily", Resource: backup.Instances, RPO: 26 * time.Hour}, "Asia/Seoul", "02:00 Asia/Seoul", "daily=7,yearly=unlimited,within-weekly=1y2m", ""},
		{backup.Policy{ID: "often", Resource: backup.Volumes, RPO: 7 * time.Hour, SkipUnchanged: true, IncludeManaged: true}, "Europe/Berlin", "every 6h", "last=4", "90d"},
		{backup.Policy{ID: "evening", Resource: backup.Instances, RPO: 75 * time.Hour, AfterStop: true}, "Europe/Berlin", "Mon-Fri 22:00 Europe/Berlin", "last=4", ""},
	} {
		p := c.Backup.Policies[n]
		w := want.policy
		if p.ID != w.ID || p.Resource != w.Resource || p.RPO != w.RPO || p.SkipUnchanged != w.SkipUnchanged || p.IncludeManaged != w.IncludeManaged || p.AfterStop != w.AfterStop || p.Err != nil {
			t.Errorf("%+v\nwant %+v", p, w)
		}
		if p.Zone.String() != want.zone || p.When.String() != want.when || p.Keep.String() != want.keep || p.AfterSourceDeleted.String() != want.after {
			t.Errorf("%s: %s, %s, %s, %q", p.ID, p.Zone, p.When, p.Keep, p.AfterSourceDeleted)
		}
	}
	if tags := c.Backup.Policies[1].Tags; len(tags) != 2 || tags[0] != (fleet.Tag{Key: "Backup"}) || len(c.Backup.Policies[0].Exclude) != 2 {
		t.Errorf("tags %v, exclude %v", tags, c.Backup.Policies[0].Exclude)
	}
}

// A policy with an error is still there: its copies must not be taken for those of a
// policy that is gone.
func TestPolicyWithAnErrorIsKept(t *testing.T) {
	c, err := config.Load("testdata/wrong/backup.yaml", open)
	if err == nil || c == nil || !c.Backup.Broken || len(c.Backup.Policies) != 32 {
		t.Fatalf("%v, %+v", err, c)
	}
	for _, p := range c.Backup.Policies {
		if p.Err == nil {
			t.Errorf("%+v has no error", p)
		}
	}
}

// What is possible, but hardly meant, is a warning with its place, and the policy works.
func TestPoliciesThatAreHardlyMeant(t *testing.T) {
	c := mustLoad(t, `
timezone: UTC
journal: s3://bucket/journal
backup:
  policies:
    - {id: late, tag: A=a, schedule: {at: "02:00"}, keep: {daily: 7}, rpo: 2h}
    - {id: first, tag: A=b, schedule: {at: "02:00"}, keep: {daily: 7}}
    - {id: second, tags: [A=b, C=d], schedule: {at: "03:00"}, keep: {daily: 7}}
    - {id: disks, tag: A=b, resource: volume, schedule: {at: "03:00"}, keep: {daily: 7}, exclude: [Scratch]}
    - {id: out, tag: A=e, schedule: {at: "02:00"}, keep: {daily: 7}, exclude: [A=e]}
    - {id: stop, tag: A=f, schedule: {after: stop, at: "22:00"}, keep: {daily: 7}}
    - {id: long, tag: A=g, schedule: {at: "02:00"}, keep: {last: 100000, hourly: 100000, daily: 100000, weekly: 100000, monthly: 100000, yearly: 100000,
       within: 100y11m30d23h, within-hourly: 100y11m30d23h, within-daily: 100y11m30d23h, within-weekly: 100y11m30d23h, within-yearly: 100y11m30d23h}}
`)
	var got []string
	for _, w := range c.Warnings {
		got = append(got, fmt.Sprintf("%d:%d %s", w.Line, w.Col, w.Message))
	}
	want := []string{
		"6:76 rpo is 2h, but up to 1d lie between two copies",
		"8:7 the policy second never has anything to copy: the policy first in line 7 comes first and selects all of it",
		"10:80 the policy selects instances by A=e, and leaves out those of their volumes that carry it, too",
		"11:39 power has no rule that stops instances: copies are made at the time of at, unless `nightshift stop` is used",
		"12:59 keep is too long to be a tag of the copies: without the policy they would all stay",
	}
	slices.Sort(got)
	slices.Sort(want)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}
