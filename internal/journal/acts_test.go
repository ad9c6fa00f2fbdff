package journal_test

import (
	"context"
	"path"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"nightshift/internal/fleet"
	"nightshift/internal/journal"
)

func acted(action string, result fleet.Result, accepted time.Time) journal.Outcome {
	return journal.Outcome{Target: fleet.Target{Region: "eu-west-1"}, Kind: fleet.KindInstance, ID: "i-1", Action: action, Result: result, At: accepted}
}

// A run is idle where AWS accepted no call of it, whatever was seen and skipped.
func TestIdleRunsAreSeenInTheirKeys(t *testing.T) {
	for name, tt := range map[string]struct {
		outcomes []journal.Outcome
		idle     bool
	}{
		"nothing seen":               {nil, true},
		"skipped":                    {[]journal.Outcome{acted("", fleet.Skipped, time.Time{})}, true},
		"refused":                    {[]journal.Outcome{acted("stop", fleet.Failed, time.Time{})}, true},
		"no time":                    {[]journal.Outcome{acted("stop", fleet.Deferred, time.Time{})}, true},
		"accepted":                   {[]journal.Outcome{acted("", fleet.Skipped, time.Time{}), acted("stop", fleet.Done, at(22, 19))}, false},
		"accepted, and not seen yet": {[]journal.Outcome{acted("start", fleet.Failed, at(22, 19))}, false},
		"done, without a time":       {[]journal.Outcome{acted("start", fleet.Done, time.Time{})}, false},
	} {
		store := &memory{}
		r := record("power", at(22, 19))
		for _, o := range tt.outcomes {
			r.Add(o)
		}
		key := write(t, store, r)[0]
		if got := strings.HasSuffix(key, "-idle.json"); got != tt.idle {
			t.Errorf("%s: %s", name, key)
		}
		if again := write(t, store, r)[0]; again != key {
			t.Errorf("%s: written again as %s, before as %s", name, again, key)
		}
		run, _ := strings.CutSuffix(strings.TrimSuffix(path.Base(key), ".json"), "-idle")
		for _, given := range []string{run, run[strings.LastIndexByte(run, '-')+1:]} {
			if found, err := journal.Find(t.Context(), store, given); err != nil || found.Run != run || len(found.Outcomes) != len(tt.outcomes) {
				t.Errorf("%s: %s finds %+v, %v", name, given, found, err)
			}
		}
	}
}

// TestAMonthOfTicks: of a month of five-minute ticks, and the days before it, only
// the runs that acted are read.
func TestAMonthOfTicks(t *testing.T) {
	store := &memory{}
	begin := time.Date(2026, time.September, 27, 0, 0, 0, 0, time.UTC)
	var want []fleet.Act
	ticks := 0
	for tick := begin; tick.Before(time.Date(2026, time.November, 1, 0, 0, 0, 0, time.UTC)); tick = tick.Add(5 * time.Minute) {
		r := journal.Record{Job: "power", Started: tick, Duration: 2 * time.Second, Seen: 40, Skipped: 38}
		r.Add(acted("stop", fleet.Skipped, time.Time{})) // stop protection, at every tick
		for hour, action := range map[int]string{8: "start", 19: "stop"} {
			if tick.Hour() == hour && tick.Minute() == 0 {
				accepted := tick.Add(1234 * time.Millisecond)
				r.Add(acted(action, fleet.Done, accepted))
				want = append(want, fleet.Act{Target: fleet.Target{Region: "eu-west-1"}, Kind: fleet.KindInstance, ID: "i-1", Stop: action == "stop", At: accepted})
			}
		}
		write(t, store, r)
		ticks++
	}
	if ticks < 8928 {
		t.Fatalf("%d ticks are no month", ticks)
	}
	records, errs := journal.Read(context.Background(), store, journal.Query{Since: begin, Acts: true})
	if errs != nil || len(records) != ticks || !records[len(records)-1].Started.Equal(begin) {
		t.Errorf("%d records of %d, since %s, %v", len(records), ticks, records[len(records)-1].Started, errs)
	}
	if store.gets > 100 || store.gets != len(want) {
		t.Errorf("%d records were read for %d acts, want one for each and at most 100", store.gets, len(want))
	}
	if most := 35 + 2 + 1 + 1; len(store.lists) > most { // days, months, the year, the root
		t.Errorf("%d lists, want at most %d", len(store.lists), most)
	}
	got := journal.Acts(records)
	slices.Reverse(got)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	for _, r := range records {
		if r.Version != journal.Version || r.Run == "" || r.Job != "power" {
			t.Fatalf("a record of %s says %+v", r.Started, r)
		}
	}
	all, errs := journal.Read(context.Background(), store, journal.Query{Last: 3})
	if errs != nil || len(all) != 3 || all[0].Seen != 40 || len(all[0].Outcomes) != 1 {
		t.Errorf("the newest records are %+v, %v; history wants them whole", all, errs)
	}
}

// TestActsWithoutTimes: records that are older than the times of outcomes say when
// the run was, and no more.
func TestActsWithoutTimes(t *testing.T) {
	r := journal.Record{Job: "power", Started: at(22, 19), Duration: 20 * time.Minute}
	for _, o := range []journal.Outcome{
		acted("stop", fleet.Done, time.Time{}), acted("start", fleet.Done, at(22, 19).Add(time.Minute)), acted("stop", fleet.Failed, at(22, 19)),
		acted("", fleet.Skipped, time.Time{}), acted("stop", fleet.Deferred, time.Time{}), acted("resize", fleet.Done, at(22, 19)),
	} {
		r.Add(o)
	}
	dry := r
	dry.DryRun = true
	want := []fleet.Act{
		{Target: fleet.Target{Region: "eu-west-1"}, Kind: fleet.KindInstance, ID: "i-1", Stop: true, At: at(22, 19).Add(10 * time.Minute), Doubt: 10 * time.Minute},
		{Target: fleet.Target{Region: "eu-west-1"}, Kind: fleet.KindInstance, ID: "i-1", At: at(22, 19).Add(time.Minute)},
	}
	if diff := cmp.Diff(want, journal.Acts([]journal.Record{dry, r})); diff != "" {
		t.Error(diff)
	}
	r.Duration = 0
	if got := journal.Acts([]journal.Record{r})[0]; got.Doubt == 0 {
		t.Errorf("%+v is in no doubt", got)
	}
}
