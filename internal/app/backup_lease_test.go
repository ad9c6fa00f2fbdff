package app_test

import (
	"context"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"nightshift/internal/app"
	"nightshift/internal/backup"
	"nightshift/internal/fleet"
	"nightshift/internal/lease"
	"nightshift/internal/sandbox"
)

// A lease that is lost while a run is at work, since another process took it over or since
// it could not be renewed for as long as it lasts: what is being made is finished, nothing
// more is begun, nothing is deleted, and the run says so. The next one does the rest.
func TestALeaseLostAtWork(t *testing.T) {
	before := past(t, policies, toDelete()...)
	undisturbed := before.again(t, policies, sandbox.Options{})
	undisturbed.run()
	undisturbed.finish(func() {})
	want := undisturbed.slots()
	for name, tt := range map[string]struct {
		action  string // at its nth call the lease is lost
		nth     int
		cut     bool // it is not taken over, but cannot be renewed
		copied  int
		deleted int // snapshots
	}{
		"while a copy is made":              {action: "CreateSnapshots", nth: 1, copied: 1},
		"while a copy is made, by a cut":    {action: "CreateSnapshots", nth: 1, cut: true, copied: 1},
		"while all is read before deletion": {action: "DescribeVolumes", nth: 2, copied: 2},
		"before what is deleted is marked":  {action: "DescribeSnapshotAttribute", nth: 6, copied: 2},
		"while a copy is deleted":           {action: "DeleteSnapshot", nth: 1, copied: 2, deleted: 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := before.again(t, policies, sandbox.Options{})
			there := len(e.sandbox.Snapshots(sandbox.DefaultRegion))
			noticed := make(chan struct{})
			lose := func() {
				if tt.cut {
					if err := e.sandbox.SetFaults([]sandbox.Fault{{Action: "s3:PutObject", Kind: sandbox.Cut}}); err != nil {
						t.Error(err)
					}
				} else {
					e.takeLease(t)
				}
				<-noticed
			}
			var mu sync.Mutex
			calls := 0
			e.gate.asked = func(action string) {
				mu.Lock()
				if action == tt.action {
					calls++
				}
				now := action == tt.action && calls == tt.nth
				mu.Unlock()
				if now {
					lose()
				}
			}
			s := e.openWith(t.Context(), app.Options{ClockScale: 200, Log: slog.New(lossHandler{sync.OnceFunc(func() { close(noticed) })})})
			r, err := s.Backup(t.Context(), app.BackupInput{})
			if err != nil {
				t.Fatal(err)
			}
			e.gate.asked = nil
			count := map[backup.Action]int{}
			deferred := 0
			for _, o := range only(t, r) {
				switch o.Result {
				case fleet.Done:
					count[o.Action] += len(o.Snapshots)
					if o.Action == backup.DidCopy {
						count["sets"]++
					}
				case fleet.Deferred:
					deferred++
					if o.Action == backup.DidDelete {
						count[backup.DidDelete] += len(o.Snapshots)
					}
				default:
					t.Errorf("%+v", o)
				}
			}
			if count["sets"] != tt.copied || count[backup.DidDelete] != tt.deleted || count[backup.DidMark] > 0 || deferred == 0 {
				t.Errorf("%v, %d deferred: %+v", count, deferred, only(t, r))
			}
			if now := len(e.sandbox.Snapshots(sandbox.DefaultRegion)); now != there+count[backup.DidCopy]-tt.deleted {
				t.Errorf("%d snapshots after %d", now, there)
			}
			if r.Status() != fleet.StatusPartial || !slices.ContainsFunc(r.Targets[0].Notes, func(n string) bool { return strings.Contains(n, "lease of the job was lost") }) {
				t.Errorf("%s, %q", r.Status(), r.Targets[0].Notes)
			}
			if err := e.sandbox.SetFaults(nil); err != nil {
				t.Fatal(err)
			}
			e.sandbox.Advance(11 * time.Minute) // nobody renews it
			e.finish(func() { e.holds(3) })
			if got := e.slots(); !maps.Equal(got, want) {
				t.Errorf("at the end:\n%v\nwant\n%v", got, want)
			}
		})
	}
}

// takeLease takes the lease of the job over, as another process does whose clock is ahead.
func (e *estate) takeLease(t *testing.T) {
	t.Helper()
	store, err := e.open(t.Context()).Versions(t.Context())
	if err == nil {
		err = store.Put(t.Context(), lease.Key("backup", sandbox.AccountID), []byte(`{"owner":"other","token":"other","ttl_seconds":600}`))
	}
	if err != nil {
		t.Error(err)
	}
}

// lossHandler is a log that waits for the line by which a lease was lost.
type lossHandler struct{ lost func() }

func (h lossHandler) Enabled(context.Context, slog.Level) bool { return true }
func (h lossHandler) WithAttrs([]slog.Attr) slog.Handler       { return h }
func (h lossHandler) WithGroup(string) slog.Handler            { return h }

func (h lossHandler) Handle(_ context.Context, r slog.Record) error {
	if strings.HasPrefix(r.Message, "the lease of a job was lost") {
		h.lost()
	}
	return nil
}
