package app_test

import (
	"strings"
	"testing"

	"nightshift/internal/app"
	"nightshift/internal/backup"
	"nightshift/internal/price"
	"nightshift/internal/sandbox"
)

const block = 512 << 10

// nights has six nights' copies of one volume, of which the policy keeps three. The
// blocks are those of each night, by their index, with the number of the write.
func nights(t *testing.T, blocks ...map[int64]uint64) (e *estate, ids []string) {
	t.Helper()
	e = newEstate(t, approvedPolicies, sandbox.Options{})
	e.choose(0, 1)
	there := map[string]bool{}
	for _, s := range e.sandbox.Snapshots(sandbox.DefaultRegion) {
		there[s.ID] = true
	}
	for range 6 {
		e.run()
		e.sandbox.Advance(day)
	}
	for _, s := range e.sandbox.Snapshots(sandbox.DefaultRegion) {
		if !there[s.ID] {
			ids = append(ids, s.ID)
		}
	}
	if len(ids) != 6 {
		t.Fatalf("%d copies of six nights", len(ids))
	}
	for n, id := range ids {
		e.setBlocks(id, blocks[min(n, len(blocks)-1)])
	}
	return e, ids
}

func (e *estate) setBlocks(id string, written map[int64]uint64) {
	e.t.Helper()
	if err := e.sandbox.SetBlocks(sandbox.DefaultRegion, id, written); err != nil {
		e.t.Fatal(err)
	}
}

// frees is what a person is shown that deletions free, with the notes.
func (e *estate) frees() (backup.Freed, string) {
	e.t.Helper()
	r, err := e.open(e.t.Context()).BackupPlan(e.t.Context(), app.BackupInput{Prices: true})
	if err != nil || len(r.Targets) != 1 || r.Err() != nil {
		e.t.Fatalf("%v, %v, %+v", err, r.Err(), r)
	}
	return r.Targets[0].Plan.Frees, strings.Join(r.Targets[0].Notes, "\n")
}

func (e *estate) fault(faults ...sandbox.Fault) {
	e.t.Helper()
	if err := e.sandbox.SetFaults(faults); err != nil {
		e.t.Fatal(err)
	}
}

// "Freed dollars are calculated over the run of deletions between two survivors, over all
// snapshots of the volume, whoever made them": of the first three nights' blocks four are
// in none of those that stay.
func TestFreedIsMeasured(t *testing.T) {
	e, ids := nights(t, map[int64]uint64{0: 1, 1: 1, 2: 1, 3: 1}, map[int64]uint64{0: 2, 1: 1, 2: 1, 3: 1},
		map[int64]uint64{0: 3, 1: 1, 3: 1}, map[int64]uint64{0: 3, 1: 4, 3: 1})
	freed, notes := e.frees()
	if freed.Bytes != 4*block || !freed.Measured || notes != "" {
		t.Errorf("freed is %+v (%s)", freed, notes)
	}
	if usd := price.Dollar * 5 / 100; !freed.Priced || freed.USD != usd.Times(4*block, 1<<30) {
		t.Errorf("$0.05 a GiB, and freed is %s", freed.USD)
	}
	// One that a person has made after the second night keeps the blocks of that night.
	second := e.snapshot(ids[1])
	manual, err := e.sandbox.AddSnapshot(sandbox.DefaultRegion, sandbox.Snapshot{Volume: second.Volume, SizeGiB: second.SizeGiB, Started: second.Started.Add(quarter)})
	if err != nil {
		t.Fatal(err)
	}
	e.setBlocks(manual, second.Blocks)
	if freed, notes = e.frees(); freed.Bytes != block || !freed.Measured {
		t.Errorf("only the first block of the first night goes: %+v (%s)", freed, notes)
	}
}

func (e *estate) snapshot(id string) sandbox.Snapshot {
	e.t.Helper()
	for _, s := range e.sandbox.Snapshots(sandbox.DefaultRegion) {
		if s.ID == id {
			return s
		}
	}
	e.t.Fatalf("no snapshot %s", id)
	return sandbox.Snapshot{}
}

// "List* is 50/s per account: only for candidates, with a cap; unmeasured says 'unknown,
// ≤ X'": what may not be listed, or has too many changes, is a bound.
func TestFreedThatIsNotMeasured(t *testing.T) {
	many, others := map[int64]uint64{}, map[int64]uint64{}
	for n := range int64(250_001) {
		many[n], others[n] = 1, 2
	}
	small := map[int64]uint64{0: 1}
	full := int64(len(many)) * block
	for name, tt := range map[string]struct {
		blocks []map[int64]uint64
		fault  sandbox.Fault
		want   backup.Freed
		note   string
	}{
		"many changes": {[]map[int64]uint64{many, others}, sandbox.Fault{Action: "ebs:ListSnapshotBlocks", Kind: sandbox.Deny}, backup.Freed{Bytes: 3 * full}, ""},
		"denied": {
			[]map[int64]uint64{small},
			sandbox.Fault{Action: "ebs:ListChangedBlocks", Kind: sandbox.Deny},
			backup.Freed{Bytes: 3 * block},
			"not all that deletions free was measured, and the rest is an upper bound: ebs:ListChangedBlocks:",
		},
		"a member is gone": {
			[]map[int64]uint64{small}, sandbox.Fault{Action: "ebs:ListChangedBlocks", Kind: sandbox.Deny, Code: "ResourceNotFoundException"}, backup.Freed{Bytes: 3 * block}, "",
		},
	} {
		e, _ := nights(t, tt.blocks...)
		e.fault(tt.fault)
		freed, note := e.frees()
		if freed.Bytes != tt.want.Bytes || freed.Measured || !freed.Priced || !strings.HasPrefix(note, tt.note) || (note == "") != (tt.note == "") {
			t.Errorf("%s: %+v (%s)", name, freed, note)
		}
	}
}

// calls counts the requests of an operation since ResetCalls.
func (e *estate) calls(action string) int {
	n := 0
	for _, c := range e.sandbox.Calls() {
		if c.Action == action {
			n++
		}
	}
	return n
}

// A scheduled run does not ask: nobody reads what it would free.
func TestScheduledRunsMeasureNoDeletions(t *testing.T) {
	e, _ := nights(t, map[int64]uint64{0: 1})
	e.run() // measures once how much the newest copy changed
	e.sandbox.ResetCalls()
	r := e.run()
	if r.Targets[0].Waiting == 0 || e.calls("ListChangedBlocks") > 0 {
		t.Errorf("%d deletions wait, and blocks were listed %d times", r.Targets[0].Waiting, e.calls("ListChangedBlocks"))
	}
}
