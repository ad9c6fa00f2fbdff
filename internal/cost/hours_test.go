package cost_test

import (
	"testing"
	"time"
	_ "time/tzdata" // the zones of these tests, wherever they run

	"pgregory.net/rapid"

	"nightshift/internal/cost"
	"nightshift/internal/fleet"
)

func TestHoursNameTheirSource(t *testing.T) {
	const sinceStart = 21*24 + 9
	hour := func(h float64) time.Duration { return time.Duration(h * float64(time.Hour)) }
	for name, c := range map[string]struct {
		change         func(*fleet.Instance)
		hours, atLeast time.Duration
		source         cost.HoursSource
	}{
		"up since last month": {func(*fleet.Instance) {}, hour(sinceStart), hour(sinceStart), cost.FromLaunchTime},
		"up since the month began": {
			func(i *fleet.Instance) { i.LaunchTime = monthStart }, hour(sinceStart), hour(sinceStart), cost.FromLaunchTime,
		},
		"new": {
			func(i *fleet.Instance) {
				i.LaunchTime = now.Add(-hour(30))
				i.FirstLaunch = i.LaunchTime.Add(time.Second)
			}, hour(30), hour(30), cost.FromFirstLaunch,
		},
		"new, less than a minute old": {
			func(i *fleet.Instance) { i.LaunchTime = now.Add(-5 * time.Second); i.FirstLaunch = i.LaunchTime },
			time.Minute, time.Minute, cost.FromFirstLaunch,
		},
		"restarted this month": {
			func(i *fleet.Instance) { i.LaunchTime = now.Add(-hour(10)) }, hour(10), hour(10), cost.LowerBound,
		},
		"new and restarted this month": {
			func(i *fleet.Instance) { i.LaunchTime = now.Add(-hour(10)); i.FirstLaunch = now.Add(-hour(100)) },
			hour(10), hour(10), cost.LowerBound,
		},
		"restarted, first launch unknown": {
			func(i *fleet.Instance) { i.LaunchTime = now.Add(-hour(10)); i.FirstLaunch = time.Time{} },
			hour(10), hour(10), cost.LowerBound,
		},
		"running, no launch time": {
			func(i *fleet.Instance) { i.LaunchTime = time.Time{} }, hour(sinceStart), 0, cost.Assumed,
		},
		"stopped before the month": {
			func(i *fleet.Instance) {
				i.State, i.Stopped = fleet.Stopped, at("2026-10-31 14:59:59")
			}, 0, 0, cost.FromEarlierStop,
		},
		"stopped this month, up before it": {
			func(i *fleet.Instance) {
				i.State, i.Stopped = fleet.Stopped, at("2026-11-20 10:00:00")
			}, hour(19*24 + 19), hour(19*24 + 19), cost.FromStopTime,
		},
		"new and stopped": {
			func(i *fleet.Instance) {
				i.State, i.Stopped = fleet.Stopped, at("2026-11-20 10:00:00")
				i.LaunchTime = time.Date(2026, 11, 20, 4, 0, 0, 0, time.UTC)
				i.FirstLaunch = i.LaunchTime
			}, hour(6), hour(6), cost.FromStopTime,
		},
		"restarted and stopped": {
			func(i *fleet.Instance) {
				i.State, i.Stopped = fleet.Stopped, at("2026-11-20 10:00:00")
				i.LaunchTime = time.Date(2026, 11, 20, 4, 0, 0, 0, time.UTC)
			}, hour(6), hour(6), cost.LowerBound,
		},
		"stopped, no time": {
			func(i *fleet.Instance) { i.State = fleet.Stopped }, 0, 0, cost.Assumed,
		},
		"stopping": {
			func(i *fleet.Instance) {
				i.State, i.Stopped = fleet.Stopping, at("2026-11-21 23:00:00")
			}, hour(sinceStart - 1), hour(sinceStart - 1), cost.FromStopTime,
		},
		"terminated this month": {
			func(i *fleet.Instance) {
				i.State, i.Stopped = fleet.Terminated, at("2026-11-02 00:00:00")
			}, hour(33), hour(33), cost.FromStopTime,
		},
		"terminated, first launch forgotten": {
			func(i *fleet.Instance) {
				i.State, i.Stopped = fleet.Terminated, at("2026-11-20 10:00:00")
				i.LaunchTime, i.FirstLaunch = time.Date(2026, 11, 20, 4, 0, 0, 0, time.UTC), time.Time{}
			}, hour(6), hour(6), cost.LowerBound,
		},
		"terminated, no time": {
			func(i *fleet.Instance) { i.State, i.FirstLaunch = fleet.Terminated, now.Add(-hour(5)) }, 0, 0, cost.Assumed,
		},
	} {
		t.Run(name, func(t *testing.T) {
			i := server("i-1")
			c.change(&i)
			got := build(t, estate{instances: []fleet.Instance{i}}, seoulPrices(t), cost.Options{}).Instances[0]
			if got.Hours != c.hours || got.AtLeast != c.atLeast || got.Source != c.source {
				t.Errorf("%v, %v certain, from %s, want %v, %v from %s", got.Hours, got.AtLeast, got.Source, c.hours, c.atLeast, c.source)
			}
		})
	}
}

func TestAssumedHoursAreTheFirstReports(t *testing.T) {
	stopped := server("i-2")
	stopped.State, stopped.Stopped = fleet.Stopped, at("2026-11-20 10:00:00")
	pending := server("i-3")
	pending.State = fleet.Pending
	r := build(t, estate{instances: []fleet.Instance{server("i-1"), stopped, pending}}, seoulPrices(t), cost.Options{Hours: cost.AssumedHours})
	for n, want := range []time.Duration{22 * 24 * time.Hour, 0, 0} {
		if i := r.Instances[n]; i.Hours != want || i.AtMost != want || i.AtLeast != 0 || i.Source != cost.Assumed {
			t.Errorf("%s: %v, %v certain, from %s, want %v assumed", i.ID, i.Hours, i.AtLeast, i.Source, want)
		}
	}
}

func TestMonthHasItsRealHours(t *testing.T) {
	for _, c := range []struct {
		zone, now string
		hours     float64
	}{
		{"Asia/Seoul", "2026-11-30T15:00:00Z", 744}, // December has begun in Seoul
		{"UTC", "2026-11-30T15:00:00Z", 720},
		{"UTC", "2028-02-29T23:59:59Z", 696},
		{"Europe/Berlin", "2026-03-29T01:00:00Z", 743},
		{"Europe/Berlin", "2026-10-25T01:00:00Z", 745},
		{"America/New_York", "2027-01-01T04:59:59Z", 744}, // still December
	} {
		zone, err := time.LoadLocation(c.zone)
		if err != nil {
			t.Fatal(err)
		}
		at, err := time.Parse(time.RFC3339, c.now)
		if err != nil {
			t.Fatal(err)
		}
		if got := cost.MonthOf(at.In(zone)).Hours(); got != c.hours {
			t.Errorf("%s in %s: %v hours, want %v", c.now, c.zone, got, c.hours)
		}
	}
}

func TestNowLiesInItsMonth(t *testing.T) {
	zones := []string{"UTC", "Asia/Seoul", "Europe/Berlin", "America/Sao_Paulo", "Pacific/Apia", "Africa/Cairo"}
	rapid.Check(t, func(t *rapid.T) {
		zone, err := time.LoadLocation(rapid.SampledFrom(zones).Draw(t, "zone"))
		if err != nil {
			t.Fatal(err)
		}
		at := time.Unix(rapid.Int64Range(1_200_000_000, 2_000_000_000).Draw(t, "now"), 0).In(zone)
		m := cost.MonthOf(at)
		if m.Start.After(at) || !m.End.After(at) || m.Hours() < 27*24 || m.Hours() > 31*24+2 {
			t.Fatalf("%v lies outside of %v to %v (%v h)", at, m.Start, m.End, m.Hours())
		}
	})
}

// TestHoursStayWithinTheMonth draws instances with any combination of times.
func TestHoursStayWithinTheMonth(t *testing.T) {
	prices := seoulPrices(t)
	states := []fleet.State{fleet.Pending, fleet.Running, fleet.ShuttingDown, fleet.Terminated, fleet.Stopping, fleet.Stopped}
	rapid.Check(t, func(t *rapid.T) {
		moment := func(name string) time.Time {
			if rapid.Bool().Draw(t, name+" unknown") {
				return time.Time{}
			}
			return now.Add(-time.Duration(rapid.Int64Range(-3600, 60*86400).Draw(t, name)) * time.Second)
		}
		i := server("i-1")
		i.State = rapid.SampledFrom(states).Draw(t, "state")
		i.LaunchTime, i.FirstLaunch = moment("launch"), moment("first launch")
		if stop := moment("stop"); !stop.IsZero() {
			i.Stopped = stop.UTC().Truncate(time.Second)
		}
		r, err := cost.Build(t.Context(), []cost.Source{{Target: seoul, Inventory: estate{instances: []fleet.Instance{i}}}},
			prices, cost.Options{Now: now, Zone: kst})
		if err != nil {
			t.Fatal(err)
		}
		got := r.Instances[0]
		if got.AtLeast < 0 || got.AtLeast > got.Hours || got.Hours > got.AtMost || got.AtMost > now.Sub(monthStart)+time.Minute {
			t.Fatalf("%v, between %v and %v, from %s", got.Hours, got.AtLeast, got.AtMost, got.Source)
		}
		if got.Source != cost.Assumed && got.Source != cost.LowerBound && got.AtMost != got.AtLeast {
			t.Fatalf("%s is called exact: %v, %v certain", got.Source, got.Hours, got.AtLeast)
		}
	})
}

// at is a time as EC2 writes it, in UTC.
func at(wall string) time.Time {
	t, err := time.Parse(time.DateTime, wall)
	if err != nil {
		panic(err)
	}
	return t
}
