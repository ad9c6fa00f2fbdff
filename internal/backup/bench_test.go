package backup_test

import (
	"fmt"
	"runtime"
	"testing"
	"time"

	"nightshift/internal/backup"
	"nightshift/internal/fleet"
)

// estate has so many volumes with so many daily copies each, with the tags that real ones
// have.
func estate(volumes, copies int) *world {
	p := daily("daily", backup.Volumes, "daily=7,weekly=4,monthly=6")
	w := newWorld(p)
	w.options.Rates = rates()
	w.Volumes = make([]fleet.Volume, 0, volumes)
	w.Snapshots = make([]fleet.Snapshot, 0, volumes*copies)
	keep := p.Keep.String() + ";zone=UTC"
	for n := range volumes {
		id := fleet.VolumeID(fmt.Sprintf("vol-%017x", n))
		w.volume(id, "daily")
		chain := backup.Chain{Policy: p.ID, Resource: fleet.ResourceID(id)}
		for k := range copies {
			slot := at("02:00", k)
			data := slot.Add(90 * time.Second)
			w.Snapshots = append(w.Snapshots, fleet.Snapshot{
				ID: fleet.SnapshotID(fmt.Sprintf("snap-%017x", n*copies+k)), Volume: id, State: "completed", Target: w.Target,
				Started: data, Completed: data, SizeGiB: 100, FullBytes: 10 << 30,
				Tags: fleet.Tags{
					backup.TagPolicy: string(p.ID), backup.TagSet: string(backup.NewSetID(chain, slot, 1, false)),
					backup.TagSlot: slot.Format(time.RFC3339), backup.TagDataTime: data.Format(time.RFC3339), backup.TagKeep: keep, "Name": "db",
				},
			})
		}
	}
	return w
}

// BenchmarkMakePlan is a plan over 10,000 volumes and 500,000 snapshots: its time, and what
// it holds at the end and needs on the way, without the inventory.
func BenchmarkMakePlan(b *testing.B) {
	w := estate(10_000, 50)
	heap := func() uint64 {
		var m runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	b.ReportAllocs()
	before := heap()
	for b.Loop() {
		plan := w.plan()
		b.StopTimer()
		b.ReportMetric(float64(heap()-before)/1e6, "MB-plan")
		if len(plan.Deletes) != 500_000 || len(plan.Creates) != 10_000 {
			b.Fatalf("%d verdicts, %d creates", len(plan.Deletes), len(plan.Creates))
		}
		b.StartTimer()
	}
	b.ReportMetric(float64(before)/1e6, "MB-inventory")
}
