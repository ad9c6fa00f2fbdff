package history_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"nightshift/internal/blob"
	"nightshift/internal/cost"
	"nightshift/internal/cost/history"
	"nightshift/internal/cost/trend"
	"nightshift/internal/fleet"
	"nightshift/internal/price"
)

var (
	seoul = fleet.Target{Account: "123456789012", Region: "ap-northeast-2"}
	tokyo = fleet.Target{Account: "123456789012", Region: "ap-northeast-1"}
)

// reportOf is a report of 22 November over two regions, of instances that ran
// all month for the same hourly price, in cents.
func reportOf(cents int64, problems []cost.Problem, instances ...string) cost.Report {
	now := time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)
	r := cost.Report{Month: cost.MonthOf(now), Targets: []fleet.Target{seoul, tokyo}, Problems: problems}
	hourly := &cost.Price{Quote: price.Quote{Status: price.Exact, Rate: price.Rate{USD: price.Dollar.Times(cents, 100), Unit: "Hrs"}}}
	for _, id := range instances {
		target := seoul
		if id[:2] == "t-" {
			target = tokyo
		}
		r.Instances = append(r.Instances, &cost.Instance{
			Target: target, ID: fleet.ResourceID(id), Name: id, Type: "m5.large", State: fleet.Running, Price: hourly, PriceStatus: price.Exact,
			Hours: now.Sub(r.Month.Start),
		})
	}
	return r
}

// brief are the resources of a day with their monthly run rates.
func brief(t *testing.T, day trend.Day) []string {
	t.Helper()
	rows, err := collect(day.Rows)
	if err != nil {
		t.Fatal(err)
	}
	var list []string
	for _, row := range rows {
		list = append(list, fmt.Sprintf("%s %s", row.ID, row.Monthly.USD))
	}
	slices.Sort(list)
	return list
}

// TestRerunReplacesWhatItRead: the second run of a day could not read all of one
// region. What the first run has of it stays, and is not there twice.
func TestRerunReplacesWhatItRead(t *testing.T) {
	ctx, store := t.Context(), blob.Folder(t.TempDir())
	if _, err := history.Keep(ctx, store, reportOf(10, nil, "s-1", "s-gone", "t-1", "t-2")); err != nil {
		t.Fatal(err)
	}
	half := []cost.Problem{{Target: tokyo, What: "instances", Err: fleet.ErrThrottled}}
	today, err := history.Keep(ctx, store, reportOf(20, half, "s-1", "t-1"))
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"s-1 146.00", "t-1 146.00", "t-2 73.00"}
	if diff := cmp.Diff(want, brief(t, today)); diff != "" {
		t.Errorf("the day that was given (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(want, brief(t, history.Day(ctx, store, day(t, "2026-11-22")))); diff != "" {
		t.Errorf("the day that was kept (-want +got):\n%s", diff)
	}
	if _, err := history.Keep(ctx, store, reportOf(20, nil, "s-1", "t-1")); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"s-1 146.00", "t-1 146.00"}, brief(t, history.Day(ctx, store, day(t, "2026-11-22")))); diff != "" {
		t.Errorf("after a whole run (-want +got):\n%s", diff)
	}
}

// TestFollow compares the report with the days before it. A region that was not
// read whole changes nothing.
func TestFollow(t *testing.T) {
	ctx, store := t.Context(), blob.Folder(t.TempDir())
	before := slices.Collect(trend.RowsOf(reportOf(10, nil, "s-1", "t-1")))
	for _, date := range []string{"2026-11-08", "2026-11-15"} {
		if _, err := history.Write(ctx, store, day(t, date), slices.Values(before)); err != nil {
			t.Fatal(err)
		}
	}
	half := []cost.Problem{{Target: tokyo, What: "instances", Err: fleet.ErrThrottled}}
	past := history.Follow(ctx, store, reportOf(20, half, "s-1", "s-2"), history.Options{Changes: 10})
	if len(past.Problems) != 0 || past.Trend == nil || len(past.Trend.Weeks) == 0 {
		t.Fatalf("%+v", past)
	}
	c := past.Changes
	if c == nil || c.From.String() != "2026-11-15" || c.To.String() != "2026-11-22" || c.Total.Count != 2 || c.Total.Change.Gone != 0 || c.Total.Change.New.String() != "146.00" || c.Total.Change.Price.String() != "73.00" {
		t.Errorf("%+v", c)
	}
	today := day(t, "2026-11-22")
	if dates, err := history.Dates(ctx, store, today, today); err != nil || len(dates) != 0 {
		t.Errorf("the day was kept though nobody asked for it: %v, %v", dates, err)
	}
	history.Follow(ctx, store, reportOf(20, nil, "s-1"), history.Options{Keep: true})
	if dates, err := history.Dates(ctx, store, today, today); err != nil || len(dates) != 1 {
		t.Errorf("the day was not kept: %v, %v", dates, err)
	}
}

// TestDamagedDaysArePassedOver, with their errors.
func TestDamagedDaysArePassedOver(t *testing.T) {
	ctx, store := t.Context(), blob.Folder(t.TempDir())
	dates := []trend.Date{day(t, "2026-11-01"), day(t, "2026-11-08"), day(t, "2026-11-15"), day(t, "2026-11-22")}
	for n, date := range dates {
		rows := slices.Collect(trend.RowsOf(reportOf(10+int64(n), nil, "s-1")))
		if _, err := history.Write(ctx, store, date, slices.Values(rows)); err != nil {
			t.Fatal(err)
		}
	}
	for _, damaged := range dates[2:] {
		if err := store.Put(ctx, history.Key(damaged), []byte("no Parquet")); err != nil {
			t.Fatal(err)
		}
	}
	changes, errs := history.Changes(ctx, store, dates, false, 10)
	if len(errs) != 2 || changes == nil || changes.From != dates[0] || changes.To != dates[1] {
		t.Errorf("%+v, %v", changes, errs)
	}
	for _, err := range errs {
		if errors.Is(err, fleet.ErrInvalid) {
			t.Errorf("%v counts as wrong usage", err)
		}
	}
	if err := store.Put(ctx, history.Key(dates[0]), []byte("no Parquet")); err != nil {
		t.Fatal(err)
	}
	if changes, errs := history.Changes(ctx, store, dates, false, 10); changes != nil || len(errs) != 4 || !errors.Is(errs[3], fleet.ErrNotFound) {
		t.Errorf("one day is left: %+v, %v", changes, errs)
	}
	spent, errs := history.Trend(ctx, store, dates, nil)
	if len(errs) != 3 || len(spent.Weeks) == 0 {
		t.Errorf("%+v, %v", spent, errs)
	}
}
