package journal_test

import (
	"context"
	"fmt"
	"os"
	"time"

	"nightshift/internal/blob"
	"nightshift/internal/fleet"
	"nightshift/internal/journal"
)

// The journal of a folder: one file a run, read from the newest backwards.
func ExampleRead() {
	dir, err := os.MkdirTemp("", "journal")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = os.RemoveAll(dir) }()
	store, ctx := blob.Folder(dir), context.Background()
	for hour := range 3 {
		r := journal.Record{Job: "power", Started: time.Date(2026, time.November, 22, 19+hour, 0, 3, 0, time.UTC), Seen: 5}
		r.Add(journal.Outcome{ID: "i-0abc", Action: "stop", Result: fleet.Done, State: fleet.Stopped})
		if _, err := journal.Write(ctx, store, r); err != nil {
			fmt.Println(err)
		}
	}
	records, _ := journal.Read(ctx, store, journal.Query{Last: 2, Job: "power"})
	for _, r := range records {
		fmt.Println(r.Started.Format(time.DateTime), r.Job, "saw", r.Seen, "and stopped", r.Done)
	}
	// Output:
	// 2026-11-22 21:00:03 power saw 5 and stopped 1
	// 2026-11-22 20:00:03 power saw 5 and stopped 1
}
