package journal_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"nightshift/internal/blob"
	"nightshift/internal/fleet"
	"nightshift/internal/journal"
)

func at(day, hour int) time.Time {
	return time.Date(2026, time.November, day, hour, 0, 3, 0, time.UTC)
}

func record(job string, started time.Time) journal.Record {
	return journal.Record{Job: job, Started: started, Duration: time.Second}
}

// write keeps records and gives their keys.
func write(t interface {
	Helper()
	Fatal(args ...any)
}, store blob.Store, records ...journal.Record,
) []string {
	t.Helper()
	var keys []string
	for _, r := range records {
		key, err := journal.Write(context.Background(), store, r)
		if err != nil {
			t.Fatal(err)
		}
		keys = append(keys, key)
	}
	return keys
}

// memory is a Store that counts what is asked of it.
type memory struct {
	mu      sync.Mutex
	objects map[string][]byte
	gets    int
	lists   []string
	denied  error
}

func (m *memory) Put(_ context.Context, key string, body []byte) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.objects == nil {
		m.objects = make(map[string][]byte)
	}
	m.objects[key] = slices.Clone(body)
	return m.denied
}

func (m *memory) Get(_ context.Context, key string) ([]byte, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.gets++
	body, ok := m.objects[key]
	if !ok {
		return nil, fleet.ErrNotFound
	}
	return body, m.denied
}

func (m *memory) Open(ctx context.Context, key string) (io.ReadCloser, error) {
	body, err := m.Get(ctx, key)
	return io.NopCloser(bytes.NewReader(body)), err
}

func (m *memory) List(_ context.Context, prefix string) ([]string, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.lists = append(m.lists, prefix)
	names := make(map[string]bool)
	for key := range m.objects {
		if rest, ok := strings.CutPrefix(key, prefix); ok {
			if folder, _, deeper := strings.Cut(rest, "/"); deeper {
				rest = folder + "/"
			}
			names[prefix+rest] = true
		}
	}
	return slices.Collect(maps.Keys(names)), m.denied
}

func TestARecordComesBackWhole(t *testing.T) {
	want := journal.Record{
		Job: "power", Started: at(22, 19), Duration: 1500 * time.Millisecond, DryRun: true,
		Targets: []fleet.Target{{Account: "123456789012", Region: "ap-northeast-2"}},
		Seen:    7, Decided: 4,
		Calls:  map[string]int{"ec2:DescribeInstances": 2},
		Errors: []string{"eu-west-1: access denied"},
	}
	for i, result := range []fleet.Result{fleet.Done, fleet.Failed, fleet.Skipped, fleet.Deferred} {
		want.Add(journal.Outcome{
			Target: want.Targets[0], Kind: fleet.KindInstance, ID: fleet.ResourceID(fmt.Sprintf("i-%d", i)),
			Name: "야간 배치", Action: "stop", Result: result, Reason: fleet.Reason{Code: "transition", Text: "outside all windows"},
			State: fleet.Stopped, Schedule: "office-hours",
		})
	}
	if want.Done != 1 || want.Failed != 1 || want.Skipped != 1 || want.Deferred != 1 {
		t.Errorf("Add counts %+v", want)
	}
	store := blob.Folder(filepath.Join(t.TempDir(), "made", "when needed"))
	key := write(t, store, want)[0]
	if !strings.HasPrefix(key, "runs/2026/11/22/20261122T190003Z-power-") || !strings.HasSuffix(key, ".json") {
		t.Errorf("the key is %s", key)
	}
	got, errs := journal.Read(t.Context(), store, journal.Query{})
	want.Version, want.Run = journal.Version, strings.TrimSuffix(filepath.Base(key), ".json")
	if diff := cmp.Diff([]journal.Record{want}, got); diff != "" || errs != nil {
		t.Errorf("%v\n%s", errs, diff)
	}
}

func TestOnlyTheOwnerMayRead(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "journal")
	write(t, blob.Folder(dir), record("power", at(22, 19)))
	err := filepath.WalkDir(dir, func(name string, entry os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := entry.Info()
		if err == nil && info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s has mode %v", name, info.Mode())
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

func TestReadChoosesNewestFirst(t *testing.T) {
	store := &memory{}
	write(t, store, record("power", at(20, 19)), record("report", at(21, 7)), record("power", at(21, 19)),
		record("power-week", at(22, 6)), record("power", at(22, 7)), record("power", time.Date(2025, 1, 2, 3, 4, 5, 0, time.UTC)))
	for name, c := range map[string]struct {
		query journal.Query
		want  []time.Time
	}{
		"all":          {journal.Query{Job: "power"}, []time.Time{at(22, 7), at(21, 19), at(20, 19), time.Date(2025, 1, 2, 3, 4, 5, 0, time.UTC)}},
		"last":         {journal.Query{Last: 3}, []time.Time{at(22, 7), at(22, 6), at(21, 19)}},
		"last of job":  {journal.Query{Last: 1, Job: "report"}, []time.Time{at(21, 7)}},
		"since":        {journal.Query{Since: at(21, 19)}, []time.Time{at(22, 7), at(22, 6), at(21, 19)}},
		"since within": {journal.Query{Since: at(21, 19).Add(time.Nanosecond)}, []time.Time{at(22, 7), at(22, 6)}},
		"unknown job":  {journal.Query{Job: "backup"}, nil},
	} {
		got, errs := journal.Read(t.Context(), store, c.query)
		var times []time.Time
		for _, r := range got {
			times = append(times, r.Started)
		}
		if diff := cmp.Diff(c.want, times); diff != "" || errs != nil {
			t.Errorf("%s: %v\n%s", name, errs, diff)
		}
	}
}

func TestReadAsksForNoMoreThanNeeded(t *testing.T) {
	store := &memory{}
	for day := range 28 {
		for hour := range 24 {
			write(t, store, record("power", at(day+1, hour)))
		}
	}
	got, errs := journal.Read(t.Context(), store, journal.Query{Last: 30})
	want := []string{"runs/", "runs/2026/", "runs/2026/11/", "runs/2026/11/28/", "runs/2026/11/27/"}
	if diff := cmp.Diff(want, store.lists); diff != "" || len(got) != 30 || store.gets != 30 || errs != nil {
		t.Errorf("%d records of %d reads, %v\n%s", len(got), store.gets, errs, diff)
	}
}

func TestDamageIsReportedAndTheRestIsRead(t *testing.T) {
	dir := t.TempDir()
	store := blob.Folder(dir)
	keys := write(t, store, record("power", at(20, 1)), record("power", at(20, 2)), record("power", at(20, 3)), record("power", at(21, 4)))
	for key, text := range map[string]string{
		keys[0]:                    `{"version": 1, "job": "pow`,
		keys[1]:                    `{"version": 2, "job": "power", "started": "2026-11-20T02:00:03Z"}`,
		"runs/2026/11/20/notes.md": "not a record",
		"runs/2026/11/20/20261120T050003Z-power-.json":       `[]`,
		"runs/2026/11/readme":                                "neither",
		"runs/2026/11/20/20261120T060003Z-power-0123ab.json": ``,
	} {
		if err := os.WriteFile(filepath.Join(dir, filepath.FromSlash(key)), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.MkdirAll(filepath.Join(dir, "runs/2026/11/20/20261120T070003Z-power-ffff.json"), 0o700); err != nil {
		t.Fatal(err)
	}
	got, errs := journal.Read(t.Context(), store, journal.Query{})
	if len(got) != 2 || len(errs) != 4 {
		t.Errorf("%d records and %v", len(got), errs)
	}
	for _, err := range errs {
		if !errors.Is(err, fleet.ErrInvalid) {
			t.Errorf("%v is not of the kind invalid", err)
		}
	}
}

func TestABrokenStoreIsGivenUp(t *testing.T) {
	store := &memory{}
	for hour := range 24 * 20 {
		write(t, store, record("power", at(1, hour)))
	}
	for key := range store.objects {
		store.objects[key] = []byte("damaged")
	}
	_, errs := journal.Read(t.Context(), store, journal.Query{Last: 1})
	if len(errs) > 120 || store.gets > 120 {
		t.Errorf("%d errors of %d reads", len(errs), store.gets)
	}
	store.denied = fleet.ErrDenied
	got, errs := journal.Read(t.Context(), store, journal.Query{})
	if len(got) != 0 || len(errs) != 1 || !errors.Is(errs[0], fleet.ErrDenied) {
		t.Errorf("where listing is denied: %d records, %v", len(got), errs)
	}
	if _, err := journal.Write(t.Context(), store, record("power", at(1, 1))); !errors.Is(err, fleet.ErrDenied) {
		t.Errorf("where writing is denied: %v", err)
	}
}

func TestNothingThereIsNoError(t *testing.T) {
	got, errs := journal.Read(t.Context(), blob.Folder(filepath.Join(t.TempDir(), "none")), journal.Query{Last: 5})
	if got != nil || errs != nil {
		t.Errorf("%v, %v", got, errs)
	}
}

func TestWriteRefusesWhatCouldNotBeFound(t *testing.T) {
	for _, r := range []journal.Record{
		record("", at(1, 1)), record("Power", at(1, 1)), record("a/b", at(1, 1)), record("..", at(1, 1)), record("power", time.Time{}),
	} {
		if key, err := journal.Write(t.Context(), &memory{}, r); !errors.Is(err, fleet.ErrInvalid) {
			t.Errorf("%+v: %s, %v", r, key, err)
		}
	}
}

func TestRunsAtOnceLoseNothing(t *testing.T) {
	store := blob.Folder(t.TempDir())
	var group sync.WaitGroup
	for i := range 8 {
		group.Go(func() {
			for j := range 10 {
				r := record("power", at(22, 19))
				r.Seen = 10*i + j
				if _, err := journal.Write(context.Background(), store, r); err != nil {
					t.Error(err)
				}
				if _, errs := journal.Read(context.Background(), store, journal.Query{Last: 3}); errs != nil {
					t.Error(errs)
				}
			}
		})
	}
	group.Wait()
	if got, errs := journal.Read(t.Context(), store, journal.Query{}); len(got) != 80 || errs != nil {
		t.Errorf("%d of 80 records, %v", len(got), errs)
	}
}

func TestWritingTwiceIsWritingOnce(t *testing.T) {
	store := &memory{}
	if keys := write(t, store, record("power", at(22, 19)), record("power", at(22, 19))); keys[0] != keys[1] {
		t.Errorf("the same record has the keys %v", keys)
	}
}

func TestLastIsTheHeadOfAll(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		store := &memory{}
		seconds := rapid.SliceOfDistinct(rapid.Int64Range(0, 4102444800), func(s int64) int64 { return s }).Draw(t, "seconds")
		for _, s := range seconds {
			write(t, store, record(rapid.SampledFrom([]string{"power", "report", "re-port"}).Draw(t, "job"), time.Unix(s, 0)))
		}
		last := rapid.IntRange(1, 40).Draw(t, "last")
		since := time.Unix(rapid.Int64Range(0, 4102444800).Draw(t, "since"), 0)
		job := rapid.SampledFrom([]string{"", "power", "report", "re-port"}).Draw(t, "job")
		all, errs := journal.Read(context.Background(), store, journal.Query{})
		got, more := journal.Read(context.Background(), store, journal.Query{Last: last, Job: job, Since: since})
		if errs != nil || more != nil || len(all) != len(seconds) {
			t.Fatal(len(all), errs, more)
		}
		want := slices.DeleteFunc(all, func(r journal.Record) bool { return job != "" && r.Job != job || r.Started.Before(since) })
		want = want[:min(last, len(want))]
		if len(got) != len(want) || len(want) > 0 && !cmp.Equal(want, got) {
			t.Fatal(cmp.Diff(want, got))
		}
	})
}

// The record of a narrowed run is read whole also where only acts are asked for:
// nothing takes it for a run for all machines.
func TestANarrowedRunIsReadAsOne(t *testing.T) {
	store := &memory{}
	narrowed := record("power", at(22, 19))
	narrowed.Narrowed = "web-1"
	write(t, store, record("power", at(21, 19)), narrowed)
	got, errs := journal.Read(t.Context(), store, journal.Query{Acts: true})
	if len(got) != 2 || got[0].Narrowed != "web-1" || got[1].Narrowed != "" || len(errs) > 0 || store.gets != 1 {
		t.Errorf("%d reads, %+v, %v", store.gets, got, errs)
	}
}
