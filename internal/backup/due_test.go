package backup_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"nightshift/internal/backup"
	"nightshift/internal/fleet"
	"nightshift/internal/schedule"
)

// Due-ness is worked out from what exists, not from the tick.
func TestDue(t *testing.T) {
	for name, tt := range map[string]struct {
		change func(w *world, p backup.Policy)
		action backup.CreateAction
		code   string
		slot   time.Time
	}{
		"without any copy, at once":  {func(w *world, _ backup.Policy) { w.At = at("01:00", 0) }, backup.ActionCopy, "first-copy", at("02:00", 1)},
		"copied":                     {func(w *world, p backup.Policy) { w.copied(p, vol1, at("02:00", 0)) }, backup.ActionNone, "not-due", at("02:00", 0)},
		"copied yesterday":           {func(w *world, p backup.Policy) { w.copied(p, vol1, at("02:00", 1)) }, backup.ActionCopy, "due", at("02:00", 0)},
		"yesterday, and not yet due": {func(w *world, p backup.Policy) { w.copied(p, vol1, at("02:00", 1)); w.At = at("01:59", 0) }, backup.ActionNone, "not-due", at("02:00", 1)},
		"data after the slot serves it": {func(w *world, p backup.Policy) {
			w.copied(p, vol1, at("03:00", 0))
		}, backup.ActionNone, "not-due", at("02:00", 0)},
		"a pending copy serves its slot": {func(w *world, p backup.Policy) {
			w.snapshot(w.copied(p, vol1, at("02:00", 0))[0]).State = "pending"
		}, backup.ActionNone, "pending", at("02:00", 0)},
		"one in error does not": {func(w *world, p backup.Policy) {
			w.snapshot(w.copied(p, vol1, at("02:00", 0))[0]).State = "error"
		}, backup.ActionRetry, "retry", at("02:00", 0)},
		"one that is being deleted is not made again": {func(w *world, p backup.Policy) {
			w.snapshot(w.copied(p, vol1, at("02:00", 0))[0]).Tags[backup.TagDeleting] = "x"
		}, backup.ActionNone, "not-due", at("02:00", 0)},
		"a copy of another policy serves no slot": {func(w *world, _ backup.Policy) {
			w.copied(daily("other", backup.Volumes, "daily=1"), vol1, at("02:00", 0))
		}, backup.ActionCopy, "first-copy", at("02:00", 0)},
		"a copy of a person serves no slot": {func(w *world, _ backup.Policy) {
			w.Snapshots = []fleet.Snapshot{{ID: "snap-1", Volume: vol1, State: "completed", Started: at("02:00", 0)}}
		}, backup.ActionCopy, "first-copy", at("02:00", 0)},
		"the snapshots are unread": {func(w *world, _ backup.Policy) {
			w.Unread = map[backup.Part]error{backup.PartSnapshots: errors.New("denied")}
		}, backup.ActionNone, "unread", time.Time{}},
		"the policy has an error": {func(w *world, _ backup.Policy) {
			w.settings.Policies[0].Err = errors.New("no keep")
		}, backup.ActionNone, "invalid-policy", time.Time{}},
		"its first time is to come": {func(w *world, _ backup.Policy) {
			w.settings.Policies[0].When = must(schedule.ParseRecurrence("2026-12-24 02:00", time.UTC))
		}, backup.ActionNone, "not-due", time.Time{}},
		"a volume that is being created": {func(w *world, _ backup.Policy) { w.Volumes[0].State = "creating" }, backup.ActionNone, "not-ready", time.Time{}},
	} {
		p := daily("daily", backup.Volumes, "daily=3")
		w := newWorld(p)
		w.volume(vol1, "daily")
		tt.change(w, p)
		c := create(t, w.plan(), vol1)
		if c.Action != tt.action || c.Reason.Code != tt.code || !c.Slot.Equal(tt.slot) || c.Reason.Text == "" {
			t.Errorf("%s: %s %q (%s) for %s", name, c.Action, c.Reason.Code, c.Reason.Text, c.Slot)
		}
	}
}

// "At most one copy per volume per run, for the latest due slot only; older missed slots
// are recorded as missed and never created.".
func TestMissedSlots(t *testing.T) {
	p := daily("daily", backup.Volumes, "daily=3")
	w := newWorld(p)
	w.volume(vol1, "daily")
	w.copied(p, vol1, at("02:00", 4))
	c := create(t, w.plan(), vol1)
	if want := []time.Time{at("02:00", 3), at("02:00", 2), at("02:00", 1)}; !slices.Equal(c.Missed, want) || !c.Slot.Equal(at("02:00", 0)) {
		t.Errorf("due %s, missed %v, want %v", c.Slot, c.Missed, want)
	}
	w.Snapshots[0].Tags[backup.TagDataTime] = "2026-11-26T01:59:58Z" // the clock is two seconds behind AWS's
	if c := create(t, w.plan(), vol1); len(c.Missed) != 3 {
		t.Errorf("missed %v: the slot of the copy was not", c.Missed)
	}
	w.At = noon().AddDate(1, 0, 0)
	if c := create(t, w.plan(), vol1); len(c.Missed) != 100 || !c.Missed[99].Equal(c.Slot.AddDate(0, 0, -1)) {
		t.Errorf("%d are listed, the last of them %v", len(c.Missed), c.Missed)
	}
	w.Snapshots = nil
	if c := create(t, w.plan(), vol1); len(c.Missed) > 0 {
		t.Errorf("before the first copy nothing was missed: %v", c.Missed)
	}
}

// A day on which the clock skips the time has its copy all the same, and one on which it
// comes twice has one.
func TestDueOnClockChanges(t *testing.T) {
	berlin := must(schedule.LoadZone("Europe/Berlin"))
	p := daily("daily", backup.Volumes, "daily=3")
	p.When, p.Zone = must(schedule.ParseRecurrence("02:30", berlin)), berlin
	w := newWorld(p)
	w.volume(vol1, "daily")
	for _, day := range []time.Time{time.Date(2026, 3, 27, 0, 0, 0, 0, berlin), time.Date(2026, 10, 23, 0, 0, 0, 0, berlin)} {
		w.Snapshots = nil
		copies := 0
		for hour := range 5 * 24 {
			w.At = day.Add(time.Duration(hour) * time.Hour)
			c := create(t, w.plan(), vol1)
			if c.Action == backup.ActionNone {
				continue
			}
			copies++
			id := w.copied(p, vol1, c.Slot.UTC())[0]
			s := w.snapshot(id)
			s.Started = w.At
			s.Tags[backup.TagDataTime] = w.At.UTC().Format(time.RFC3339)
		}
		if copies != 6 { // the first at once, then one on each of five days
			t.Errorf("%d copies from %s on", copies, day)
		}
	}
}

// "With a copy of ours still pending on a volume: st1/sc1 defer, others at most 3.".
func TestPendingCopiesDefer(t *testing.T) {
	for _, tt := range []struct {
		kind    fleet.VolumeType
		pending int
		others  int // pending copies of others
		failed  int // copies of others in error
		want    backup.CreateAction
	}{
		{fleet.GP3, 2, 0, 0, backup.ActionCopy},
		{fleet.GP3, 3, 0, 0, backup.ActionNone},
		{fleet.GP3, 0, 4, 0, backup.ActionCopy},
		{fleet.GP3, 1, 4, 0, backup.ActionNone},
		{fleet.IO2, 0, 3, 2, backup.ActionNone},
		{fleet.ST1, 0, 0, 0, backup.ActionCopy},
		{fleet.ST1, 1, 0, 0, backup.ActionNone},
		{fleet.SC1, 0, 1, 0, backup.ActionNone},
		{fleet.SC1, 0, 0, 1, backup.ActionNone},
	} {
		p := daily("daily", backup.Volumes, "daily=3")
		w := newWorld(p)
		w.volume(vol1, "daily").Type = tt.kind
		for n := range tt.pending {
			w.snapshot(w.copied(p, vol1, at("02:00", 1+n))[0]).State = "pending"
		}
		for n := range tt.others + tt.failed {
			state := "pending"
			if n >= tt.others {
				state = "error"
			}
			w.Snapshots = append(w.Snapshots, fleet.Snapshot{ID: fleet.SnapshotID(fmt.Sprintf("snap-f%d", n)), Volume: vol1, State: state, Started: at("03:00", 0)})
		}
		c := create(t, w.plan(), vol1)
		if c.Action != tt.want || c.Action == backup.ActionNone && c.Reason.Code != "pending" {
			t.Errorf("%+v: %s %q", tt, c.Action, c.Reason.Text)
		}
	}
}

// "A copy of ours in error … is deleted before its slot is retried: it occupies a
// concurrent-snapshot place (on st1/sc1 the only one)." Only members in error go, and of
// older slots, too.
func TestRetryDeletesWhatIsInError(t *testing.T) {
	p := daily("daily", backup.Instances, "daily=3")
	w := newWorld(p)
	w.instance(ins1, "daily", vol1, vol2)
	for n := range w.Volumes {
		w.Volumes[n].Type = fleet.ST1
	}
	today, before := w.copied(p, ins1, at("02:00", 0), vol1, vol2), w.copied(p, ins1, at("02:00", 1), vol1, vol2)
	w.snapshot(today[0]).State, w.snapshot(before[1]).State = "error", "error"
	plan := w.plan()
	c := create(t, plan, ins1)
	want := []fleet.SnapshotID{today[0], before[1]}
	if c.Action != backup.ActionRetry || !slices.Equal(c.Failed, want) {
		t.Errorf("%s deletes %v, want %v", c.Action, c.Failed, want)
	}
	if len(deleted(plan)) > 0 || plan.Hash != "" {
		t.Errorf("it needs no hash, and the plan deletes %v", deleted(plan))
	}
}

// A set that has lost a member is no good copy: its slot is copied again, once it is
// certain that the member is not only not visible yet.
func TestIncompleteSetIsCopiedAgain(t *testing.T) {
	p := daily("daily", backup.Instances, "daily=3")
	w := newWorld(p)
	w.instance(ins1, "daily", vol1, vol2)
	w.copied(p, ins1, at("02:00", 0), vol1, vol2)
	w.Snapshots = w.Snapshots[:1]
	w.At = at("02:05", 0)
	if c := create(t, w.plan(), ins1); c.Action != backup.ActionNone || c.Reason.Code != "pending" {
		t.Errorf("after three minutes: %+v", c)
	}
	w.At = at("02:20", 0)
	if c := create(t, w.plan(), ins1); c.Action != backup.ActionCopy || len(c.Failed) > 0 {
		t.Errorf("after a quarter of an hour: %+v", c)
	}
}

// "schedule: {after: stop} takes the set when nightshift's own stop has completed, with a
// clock fallback.".
func TestAfterStop(t *testing.T) {
	mark := func(t time.Time) string { return fleet.Mark{Action: fleet.MarkStop, At: t}.String() }
	for name, tt := range map[string]struct {
		state  fleet.State
		mark   string
		copied time.Time // the newest data
		now    time.Time
		code   string
		slot   time.Time
	}{
		"stopped at 19:00":              {fleet.Stopped, mark(at("19:00", 1)), at("22:00", 2), at("19:10", 1), "after-stop", at("19:00", 1)},
		"still stopping":                {fleet.Stopping, mark(at("19:00", 1)), at("22:00", 2), at("19:01", 1), "not-due", at("22:00", 2)},
		"stopped, and copied":           {fleet.Stopped, mark(at("19:00", 1)), at("19:05", 1), at("19:30", 1), "not-due", at("19:00", 1)},
		"the clock, with a stop before": {fleet.Stopped, mark(at("19:00", 1)), at("19:05", 1), at("22:10", 1), "not-due", at("22:00", 1)},
		"the clock, without a stop":     {fleet.Running, "", at("19:05", 2), at("22:10", 1), "due", at("22:00", 1)},
		"the clock, already served":     {fleet.Running, "", at("22:00", 1), at("23:00", 1), "not-due", at("22:00", 1)},
		"a person stopped it":           {fleet.Stopped, "", at("22:00", 2), at("19:10", 1), "not-due", at("22:00", 2)},
		"a stop that was refused":       {fleet.Stopped, fleet.Mark{Action: fleet.MarkRefused, At: at("19:00", 1)}.String(), at("22:00", 2), at("19:10", 1), "not-due", at("22:00", 2)},
		"missed, and past the clock":    {fleet.Stopped, mark(at("19:00", 1)), at("19:05", 2), at("22:10", 1), "due", at("22:00", 1)},
		"without any copy":              {fleet.Running, "", time.Time{}, at("12:00", 1), "first-copy", at("22:00", 2)},
	} {
		p := daily("daily", backup.Instances, "daily=3")
		p.When, p.AfterStop = must(schedule.ParseRecurrence("22:00", time.UTC)), true
		w := newWorld(p)
		i := w.instance(ins1, "daily", vol1)
		i.State, i.Tags[fleet.TagLast] = tt.state, tt.mark
		if !tt.copied.IsZero() {
			w.copied(p, ins1, tt.copied, vol1)
		}
		w.At = tt.now
		c := create(t, w.plan(), ins1)
		if c.Reason.Code != tt.code || !c.Slot.Equal(tt.slot) || (c.Action == backup.ActionNone) != (tt.code == "not-due") {
			t.Errorf("%s: %s %q (%s) for %s", name, c.Action, c.Reason.Code, c.Reason.Text, c.Slot)
		}
	}
}

// "consistency per copy: stopped (machine off at data-time: application-consistent) or
// crash." "A hibernated instance is copied with a warning.".
func TestConsistency(t *testing.T) {
	for name, tt := range map[string]struct {
		state      fleet.State
		hibernates bool
		want       string
		warnings   int
	}{
		"running":              {fleet.Running, false, backup.Crash, 0},
		"stopping":             {fleet.Stopping, false, backup.Crash, 0},
		"stopped":              {fleet.Stopped, false, backup.Stopped, 0},
		"running, hibernates":  {fleet.Running, true, backup.Crash, 1},
		"hibernated perhaps":   {fleet.Stopped, true, backup.Crash, 1},
		"its instance unknown": {"", false, backup.Crash, 0},
	} {
		for _, resource := range []backup.Resource{backup.Instances, backup.Volumes} {
			w := newWorld(daily("daily", resource, "daily=3"))
			i := w.instance(ins1, "daily", vol1)
			i.State, i.Hibernates = tt.state, tt.hibernates
			w.Volumes[0].Tags["Backup"] = "daily"
			id := fleet.ResourceID(ins1)
			if resource == backup.Volumes {
				id = vol1
			}
			if tt.state == "" {
				if resource == backup.Instances {
					continue
				}
				w.Instances = nil
			}
			c := create(t, w.plan(), id)
			if c.Action != backup.ActionCopy || c.Consistency != tt.want || len(c.Warnings) != tt.warnings {
				t.Errorf("%s, %s: %s %q, warnings %q", name, resource, c.Action, c.Consistency, c.Warnings)
			}
			if tt.warnings > 0 && !strings.Contains(c.Warnings[0], "can hibernate") {
				t.Errorf("%s: %q", name, c.Warnings)
			}
		}
	}
	w := newWorld(daily("daily", backup.Volumes, "daily=3"))
	w.volume(vol1, "daily")
	if c := create(t, w.plan(), vol1); c.Consistency != backup.Stopped {
		t.Errorf("a detached volume is written to by nobody: %q", c.Consistency)
	}
}

// "a clock behind: … nothing is made twice": a copy that is not ours by its times alone
// keeps its slot from being copied again and again. Tags of an older slot do not.
func TestClockBehindMakesNothingTwice(t *testing.T) {
	p := daily("daily", backup.Volumes, "daily=3")
	w := newWorld(p)
	w.volume(vol1, "daily")
	s := w.snapshot(w.copied(p, vol1, at("02:00", 0))[0])
	s.Started = at("02:20", 0) // our clock says 02:02
	plan := w.plan()
	if c := create(t, plan, vol1); c.Action != backup.ActionNone || c.Reason.Code != "unclear" || len(plan.Strangers) != 1 {
		t.Errorf("%+v, strangers %v", c, plan.Strangers)
	}
	w.At = at("02:05", -1)
	if c := create(t, w.plan(), vol1); c.Action != backup.ActionCopy {
		t.Errorf("the next slot: %+v", c)
	}
	w.At, s.Volume = noon(), vol2
	if c := create(t, w.plan(), vol1); c.Action != backup.ActionCopy {
		t.Errorf("tags of another volume: %+v", c)
	}
}

func TestInterval(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"every 6h": 6 * time.Hour, "02:00": 24 * time.Hour, "Mon-Fri 02:00": 72 * time.Hour, "Mon 02:00": 7 * 24 * time.Hour,
		"02:00 Europe/Berlin": 25 * time.Hour, "1 02:00": 31 * 24 * time.Hour,
	} {
		p := backup.Policy{When: must(schedule.ParseRecurrence(text, time.UTC))}
		if got := p.Interval(noon()); got != want {
			t.Errorf("%s: %s, want %s", text, got, want)
		}
		if got := p.Objective(noon()); got != want+2*time.Hour {
			t.Errorf("%s: the objective is %s", text, got)
		}
		p.RPO = time.Hour
		if got := p.Objective(noon()); got != time.Hour {
			t.Errorf("%s: the stated objective is %s", text, got)
		}
		p.AfterStop = true
		if got := p.Interval(noon()); got != 2*want {
			t.Errorf("%s after a stop: %s, want %s", text, got, 2*want)
		}
	}
}
