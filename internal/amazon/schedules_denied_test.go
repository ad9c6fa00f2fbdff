package amazon_test

import (
	"strings"
	"testing"
	"time"

	"nightshift/internal/fleet"
	"nightshift/internal/power"
	"nightshift/internal/sandbox"
	"nightshift/internal/schedule"
)

// Where the tag cannot be written machines are stopped and started
// nevertheless, and reported as unmarked. The price is that our stop counts as a
// person's.
func TestUnmarked(t *testing.T) {
	t.Parallel()
	server := ticking(t, sandbox.Options{Fleet: 1})
	p := newPeer(server.URL())
	ids := p.run(t, 3, "Unmarked", "")
	begin, first, second := halves(p.launched(t, ids))
	p.tagManually(t, "Unmarked", first, ids[:2]...)
	p.tagManually(t, "Unmarked", second, ids[2])
	p.stopManually(t, ids[2])
	if err := server.Sandbox().SetPolicy(sandbox.PolicyDenying("ec2:CreateTags")); err != nil {
		t.Fatal(err)
	}
	now := begin.Add(4*time.Hour + time.Minute)
	got := p.follow(t, byTag("Unmarked"), now)
	for n, want := range []string{"done stop unmarked", "done stop unmarked", "done start unmarked"} {
		if got[ids[n]] != want {
			t.Errorf("machine %d: %q, want %q", n, got[ids[n]], want)
		}
	}
	for id, m := range p.read(t, fleet.Selector{IDs: ids}) {
		if mark, ok := m.Tags[fleet.TagLast]; ok || m.State != map[bool]fleet.State{true: fleet.Running, false: fleet.Stopped}[id == ids[2]] {
			t.Errorf("%s is %s, marked %q", id, m.State, mark)
		}
	}
	for id, got := range p.follow(t, byTag("Unmarked"), now.Add(5*time.Minute)) {
		if got != "skipped  as-wanted" {
			t.Errorf("the next run: %s: %q", id, got)
		}
	}
	if err := server.Sandbox().SetPolicy(nil); err != nil {
		t.Fatal(err)
	}
	always := byTag("Unmarked", func(r *power.Rule) {
		r.Read = func(string) (power.Named, error) {
			s, err := schedule.Parse(begin.Format("15:04")+"-"+begin.Add(-time.Minute).Format("15:04")+" UTC", time.UTC)
			return power.Named{Name: "edited", Schedule: s}, err
		}
	})
	if got := p.follow(t, always, p.now(t)); got[ids[0]] != "skipped  stopped-by-hand" {
		t.Errorf("after an edit: %q, want it taken for the act of a person", got[ids[0]])
	}
}

// Where stopping is denied for some machines the others are stopped, and both
// are reported.
func TestDeniedForSome(t *testing.T) {
	t.Parallel()
	server := ticking(t, sandbox.Options{Fleet: 1})
	p := newPeer(server.URL())
	ids := p.run(t, 5, "Denied", "never")
	p.tagManually(t, "Owner", "others", ids[1], ids[3])
	if err := server.Sandbox().SetPolicy([]byte(`{"Version":"2012-10-17","Statement":[
		{"Effect":"Allow","Action":"*","Resource":"*"},
		{"Effect":"Deny","Action":["ec2:StopInstances","ec2:CreateTags"],"Resource":"*","Condition":{"StringEquals":{"aws:ResourceTag/Owner":"others"}}}]}`)); err != nil {
		t.Fatal(err)
	}
	got := p.follow(t, byTag("Denied", func(r *power.Rule) { r.Enforce = true }), time.Now())
	for n, id := range ids {
		want := "done stop"
		if n == 1 || n == 3 {
			want = "failed stop denied"
		}
		if !strings.HasPrefix(got[id], want) {
			t.Errorf("machine %d: %q, want %q", n, got[id], want)
		}
	}
	p.await(t, []fleet.ResourceID{ids[0], ids[2], ids[4]}, fleet.Stopped)
	p.await(t, []fleet.ResourceID{ids[1], ids[3]}, fleet.Running)
}
