package app_test

import (
	"context"
	"slices"
	"testing"

	"nightshift/internal/backup"
	"nightshift/internal/fleet"
	"nightshift/internal/sandbox"
)

// meddled are the snapshots of a sandbox, with somebody who does something after the plan
// was made again, and before the first deletion.
type meddled struct {
	backup.Copies
	meddle func()
}

// ReadCopies is what every deletion begins with.
func (m *meddled) ReadCopies(ctx context.Context, ids []fleet.SnapshotID) ([]fleet.Snapshot, error) {
	if m.meddle != nil {
		m.meddle()
		m.meddle = nil
	}
	return m.Copies.ReadCopies(ctx, ids)
}

// applied carries out a plan that a person approves, with somebody who meddles.
func (e *estate) applied(meddle func(backup.Plan)) (backup.Plan, []backup.Outcome) {
	e.t.Helper()
	s := e.open(e.t.Context())
	copies := &meddled{Copies: e.copies()}
	ports := backup.Ports{Copies: copies, Read: func(context.Context) (backup.Inventory, error) { return e.inventory(), nil }}
	plan, inv, err := backup.Prepare(e.t.Context(), ports, s.Config.Backup, backup.Options{})
	if err != nil || len(plan.Deletions()) == 0 {
		e.t.Fatalf("%v, %d deletions", err, len(plan.Deletions()))
	}
	copies.meddle = func() { meddle(plan) }
	r := backup.Apply(e.t.Context(), ports, nil, plan, backup.ApplyOptions{Inventory: inv, Settings: s.Config.Backup, Delete: true, Now: e.sandbox.Now})
	return plan, r.Outcomes
}

// What happens to any member of a set while others are deleted keeps the whole set: one
// that is held, one whose mark somebody takes back, one of which the tags say by now that
// it is another copy.
func TestASetChangesWhileOthersAreDeleted(t *testing.T) {
	before := past(t, policies, toDelete()...)
	for name, change := range map[string]func(copies backup.Copies, last []fleet.SnapshotID) error{
		"held": func(copies backup.Copies, last []fleet.SnapshotID) error {
			return copies.TagCopies(t.Context(), last, fleet.Tags{backup.TagHold: "audit"})
		},
		"the mark is taken back": func(copies backup.Copies, last []fleet.SnapshotID) error {
			return copies.UntagCopies(t.Context(), last, []string{backup.TagDeleting})
		},
		"other tags": func(copies backup.Copies, last []fleet.SnapshotID) error {
			return copies.TagCopies(t.Context(), last, fleet.Tags{backup.TagPolicy: "other"})
		},
	} {
		e := before.again(t, policies, sandbox.Options{})
		plan, outcomes := e.applied(func(p backup.Plan) {
			members := p.Deletions()[0].Set.Members
			if err := change(e.copies(), []fleet.SnapshotID{members[len(members)-1].ID}); err != nil {
				t.Fatal(err)
			}
		})
		set := plan.Deletions()[0].Set
		left := 0
		for _, s := range e.sandbox.Snapshots(sandbox.DefaultRegion) {
			if slices.ContainsFunc(set.Members, func(m fleet.Snapshot) bool { return string(m.ID) == s.ID }) {
				left++
			}
		}
		n := slices.IndexFunc(outcomes, func(o backup.Outcome) bool { return o.Set == set.ID && o.Action == backup.DidDelete })
		if len(set.Members) < 2 || left != len(set.Members) || outcomes[n].Result != fleet.Skipped || len(outcomes[n].Snapshots) > 0 {
			t.Errorf("%s: %d of %d members are left, %+v", name, left, len(set.Members), outcomes[n])
		}
		if done := deletions(outcomes, fleet.Done); len(done) == 0 {
			t.Errorf("%s: the others stay, too: %+v", name, outcomes)
		}
	}
}

// A mark that cannot be read is written anew: otherwise the set would be marked in every
// run and never be deleted.
func TestAMarkThatCannotBeReadIsWrittenAnew(t *testing.T) {
	before := past(t, policies, toMark()...)
	e := before.again(t, policies, sandbox.Options{})
	e.run()
	for _, s := range e.sets() {
		for _, m := range s.Members {
			if m.Tags[backup.TagDeleting] == "" {
				continue
			}
			if err := e.copies().TagCopies(t.Context(), []fleet.SnapshotID{m.ID}, fleet.Tags{backup.TagDeleting: "soon"}); err != nil {
				t.Fatal(err)
			}
		}
	}
	done := map[backup.Action]int{}
	for range 3 {
		for _, o := range only(t, e.run()) {
			done[o.Action]++
		}
		e.sandbox.Advance(quarter)
	}
	if done[backup.DidMark] != 2 {
		t.Errorf("%d sets are marked again, want each of two once", done[backup.DidMark])
	}
}
