package app_test

import (
	"testing"

	"nightshift/internal/app"
	"nightshift/internal/backup"
	"nightshift/internal/sandbox"
)

// unusual is what the status says of volumes that changed unusually much.
func (e *estate) unusual() []backup.UnusualChange {
	e.t.Helper()
	r, err := e.open(e.t.Context()).BackupStatus(e.t.Context(), app.BackupStatusInput{})
	if err != nil || len(r.Targets) != 1 {
		e.t.Fatalf("%v, %+v", err, r)
	}
	return r.Targets[0].Unusual
}

// night makes a copy of the only volume, which has the blocks, and gives its id. The run
// after it, when it is complete, measures it.
func (e *estate) night(blocks map[int64]uint64) string {
	e.t.Helper()
	e.run()
	list := e.sandbox.Snapshots(sandbox.DefaultRegion)
	id := list[len(list)-1].ID
	e.setBlocks(id, blocks)
	e.sandbox.Advance(quarter)
	e.run()
	e.sandbox.Advance(day - quarter)
	return id
}

// "changed blocks > 10 × the median (a sign of encryption)": each new copy is measured
// once, and the first of which all blocks are new stands out.
func TestUnusualChangesAreFound(t *testing.T) {
	e := newEstate(t, approvedPolicies, sandbox.Options{})
	e.choose(0, 1)
	blocks := map[int64]uint64{}
	for n := range int64(3000) {
		blocks[n] = 1
	}
	write := func(some int64, number uint64) map[int64]uint64 {
		next := map[int64]uint64{}
		for n := range int64(3000) {
			if next[n] = blocks[n]; n < some {
				next[n] = number
			}
		}
		blocks = next
		return next
	}
	e.night(blocks)
	for n := range uint64(4) {
		id := e.night(write(100, 2+n))
		if tag := tagsOf(e.snapshot(id).Tags)[backup.TagChanged]; tag != "100" {
			t.Fatalf("the tag says %q", tag)
		}
	}
	if got := e.unusual(); len(got) > 0 {
		t.Errorf("100 blocks as always: %+v", got)
	}
	id := e.night(write(3000, 9))
	got := e.unusual()
	if len(got) != 1 || string(got[0].Snapshot) != id || got[0].Bytes != 3000*block || got[0].Median != 100*block || got[0].Policy != "disks" {
		t.Errorf("all 3000 blocks: %+v", got)
	}
	e.run() // the next night's, which is pending when the copies are measured again
	e.sandbox.ResetCalls()
	if e.run(); e.calls("ListChangedBlocks")+e.calls("CreateTags") > 0 {
		t.Errorf("what was measured is measured again")
	}
}

// Without the permission the run goes well, and says what is missing.
func TestChangesThatMayNotBeMeasured(t *testing.T) {
	e := newEstate(t, approvedPolicies, sandbox.Options{})
	e.choose(0, 1)
	e.night(map[int64]uint64{0: 1})
	e.fault(sandbox.Fault{Action: "ebs:*", Kind: sandbox.Deny})
	id := e.night(map[int64]uint64{0: 2})
	r := e.run()
	if err := r.Err(); err != nil || len(r.Targets[0].Notes) != 1 {
		t.Errorf("%v: %q", err, r.Targets[0].Notes)
	}
	if _, ok := tagsOf(e.snapshot(id).Tags)[backup.TagChanged]; ok {
		t.Error("there is a tag all the same")
	}
}
