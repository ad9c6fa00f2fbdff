package cost_test

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"nightshift/internal/cost"
	"nightshift/internal/fleet"
	"nightshift/internal/price"
)

// november is the month so far.
func november() fleet.Span { return fleet.Span{From: monthStart, To: now} }

func stop(id fleet.ResourceID, at time.Time) fleet.Act {
	return fleet.Act{Target: seoul, Kind: fleet.KindInstance, ID: id, Stop: true, At: at}
}

func start(id fleet.ResourceID, at time.Time) fleet.Act {
	return fleet.Act{Target: seoul, Kind: fleet.KindInstance, ID: id, At: at}
}

// nov is a time in November in Seoul.
func nov(day, hour int) time.Time { return time.Date(2026, 11, day, hour, 0, 0, 0, kst) }

// report is one of instances at 0.10 USD an hour.
func report(instances ...*cost.Instance) cost.Report {
	r := cost.Report{Month: cost.MonthOf(now), Instances: instances}
	for _, i := range instances {
		i.Target = seoul
		i.Price = &cost.Price{Quote: price.Quote{Status: price.Exact, Rate: price.Rate{USD: price.Dollar / 10, Unit: "Hrs"}}}
	}
	return r
}

func TestOffLastsToTheNextStart(t *testing.T) {
	for name, c := range map[string]struct {
		state        fleet.State
		launched     time.Time
		acts         []fleet.Act
		off, unclear time.Duration
		stops        int
	}{
		"still off":                       {state: fleet.Stopped, launched: nov(20, 8), acts: []fleet.Act{stop("i-1", nov(20, 19))}, off: 38 * time.Hour, stops: 1},
		"started by us":                   {state: fleet.Running, launched: nov(20, 8), acts: []fleet.Act{stop("i-1", nov(19, 19)), start("i-1", nov(20, 8))}, off: 13 * time.Hour, stops: 1},
		"in any order":                    {state: fleet.Running, launched: nov(20, 8), acts: []fleet.Act{start("i-1", nov(20, 8)), stop("i-1", nov(19, 19))}, off: 13 * time.Hour, stops: 1},
		"started by a person":             {state: fleet.Running, launched: nov(20, 1), acts: []fleet.Act{stop("i-1", nov(19, 19))}, off: 6 * time.Hour, stops: 1},
		"a person was first":              {state: fleet.Running, launched: nov(20, 1), acts: []fleet.Act{stop("i-1", nov(19, 19)), start("i-1", nov(20, 8))}, off: 6 * time.Hour, stops: 1},
		"stopped before the month":        {state: fleet.Stopped, launched: nov(1, 0).AddDate(0, -1, 0), acts: []fleet.Act{stop("i-1", nov(1, 0).AddDate(0, 0, -3))}, off: 513 * time.Hour, stops: 1},
		"two nights":                      {state: fleet.Stopped, launched: nov(20, 8), acts: []fleet.Act{stop("i-1", nov(19, 19)), start("i-1", nov(20, 8)), stop("i-1", nov(20, 19))}, off: 51 * time.Hour, stops: 2},
		"started by a person, who forgot": {state: fleet.Stopped, launched: nov(19, 23), acts: []fleet.Act{stop("i-1", nov(19, 19)), stop("i-1", nov(20, 19))}, off: 42 * time.Hour, stops: 2},
		"started by a person, long ago":   {state: fleet.Stopped, launched: nov(20, 8), acts: []fleet.Act{stop("i-1", nov(10, 19)), stop("i-1", nov(11, 19)), start("i-1", nov(20, 8)), stop("i-1", nov(22, 8))}, off: 206 * time.Hour, unclear: 24 * time.Hour, stops: 2},
		"the stop did not come to pass":   {state: fleet.Running, launched: nov(1, 8), acts: []fleet.Act{stop("i-1", nov(20, 19))}},
		"a start alone saves nothing":     {state: fleet.Running, launched: nov(20, 8), acts: []fleet.Act{start("i-1", nov(20, 8))}},
		"stopping":                        {state: fleet.Stopping, launched: nov(1, 8), acts: []fleet.Act{stop("i-1", nov(22, 8))}, off: time.Hour, stops: 1},
		"after the report":                {state: fleet.Running, launched: nov(1, 8), acts: []fleet.Act{stop("i-1", nov(23, 8))}},
		"over before the span":            {state: fleet.Running, launched: nov(1, 0).AddDate(0, 0, -1), acts: []fleet.Act{stop("i-1", nov(1, 0).AddDate(0, 0, -2)), start("i-1", nov(1, 0).AddDate(0, 0, -1))}},
	} {
		t.Run(name, func(t *testing.T) {
			r := report(&cost.Instance{ID: "i-1", State: c.state, LaunchTime: c.launched})
			s := cost.SavingsOf(r, c.acts, november())
			if c.stops == 0 {
				if len(s.Instances) != 0 || s.Total != (cost.SavedSum{}) {
					t.Errorf("%+v", s)
				}
				return
			}
			if len(s.Instances) != 1 {
				t.Fatalf("%+v", s)
			}
			got := s.Instances[0]
			if got.Off != c.off || got.Unclear != c.unclear || got.Stops != c.stops || *got.Gross != (price.Dollar/10).Times(int64(c.off/time.Second), 3600) {
				t.Errorf("off %v, unclear %v, %d stops, %v", got.Off, got.Unclear, got.Stops, got.Gross)
			}
		})
	}
}

func TestWhatIsStillBilled(t *testing.T) {
	r := report(
		&cost.Instance{ID: "i-1", State: fleet.Stopped, LaunchTime: nov(1, 0), Schedule: "office"},
		&cost.Instance{ID: "i-2", State: fleet.Stopped, LaunchTime: nov(1, 0), Schedule: "office"},
		&cost.Instance{ID: "i-3", State: fleet.Stopped, LaunchTime: nov(1, 0)},
		&cost.Instance{ID: "i-4", State: fleet.Terminated, LaunchTime: nov(1, 0)})
	r.Instances[2].Price = &cost.Price{Quote: price.Quote{Status: price.Missing}}
	known := func(s string) cost.Amount { return cost.Amount{USD: dollars(t, s), Known: true} }
	r.Volumes = []*cost.Volume{
		{Volume: fleet.Volume{Target: seoul, ID: "vol-1"}, BilledTo: "i-1", Monthly: known("7.2")},
		{Volume: fleet.Volume{Target: seoul, ID: "vol-2"}, BilledTo: "i-1", Monthly: known("7.2")},
		{Volume: fleet.Volume{Target: seoul, ID: "vol-3"}, BilledTo: "i-2"},
		{Volume: fleet.Volume{Target: fleet.Target{Account: "999999999999", Region: seoul.Region}, ID: "vol-4"}, BilledTo: "i-1", Monthly: known("1000")},
	}
	r.Lines = []*cost.Line{
		{Target: seoul, Kind: cost.AddressLine, ID: "eipalloc-1", ParentID: "i-1", Monthly: known("3.65")},
		{Target: seoul, Kind: cost.AddressLine, ID: "203.0.113.7", ParentID: "i-1", Monthly: known("3.65")},
		{Target: seoul, Kind: cost.SnapshotLine, ID: "eipalloc-2", ParentID: "i-1", Monthly: known("1000")},
	}
	var acts []fleet.Act
	for _, id := range []fleet.ResourceID{"i-1", "i-2", "i-3", "i-4", "i-5"} {
		acts = append(acts, stop(id, nov(21, 9)))
	}
	s := cost.SavingsOf(r, acts, november())
	first := s.Instances[0]
	// 24 hours: 2.40, less a thirtieth of 14.40 and 24/730 of 3.65.
	if first.ID != "i-1" || first.Gross.String() != "2.40" || first.EBS.String() != "0.48" || first.Addresses.String() != "0.12" || first.Net.String() != "1.80" {
		t.Errorf("%+v", first)
	}
	if len(s.Instances) != 3 || s.Gone != 2 {
		t.Errorf("%d instances, %d gone", len(s.Instances), s.Gone)
	}
	want := cost.SavedSum{Schedule: "office", Instances: 2, Unpriced: 1, Off: 48 * time.Hour, Gross: *first.Gross, EBS: *first.EBS, Addresses: *first.Addresses, Net: *first.Net}
	if s.Schedules[0] != want || len(s.Schedules) != 2 || s.Total.Instances != 3 || s.Total.Unpriced != 2 {
		t.Errorf("%+v", s.Schedules)
	}
	for _, i := range s.Instances[1:] {
		if i.Net != nil {
			t.Errorf("%s: what is not known is %v", i.ID, i.Net)
		}
	}
}

// TestVolumesCostTheirShareOfEachMonth: 10.00 a month for the last day of
// October, the first of November and another day.
func TestVolumesCostTheirShareOfEachMonth(t *testing.T) {
	r := report(&cost.Instance{ID: "i-1", State: fleet.Running, LaunchTime: nov(4, 0)})
	r.Volumes = []*cost.Volume{{Volume: fleet.Volume{Target: seoul}, BilledTo: "i-1", Monthly: amountOf(10 * price.Dollar)}}
	span := fleet.Span{From: monthStart.AddDate(0, -1, 0).UTC(), To: now.UTC()}
	s := cost.SavingsOf(r, []fleet.Act{
		stop("i-1", nov(1, 0).AddDate(0, 0, -1).UTC()), start("i-1", nov(2, 0).UTC()),
		stop("i-1", nov(3, 0).UTC()), start("i-1", nov(4, 0).UTC()),
	}, span)
	if got := s.Instances[0].EBS.String(); got != "0.9892473119" {
		t.Errorf("%s, want 10/31 + 20/30", got)
	}
}

// TestSavingsStayWithinTheSpan holds for any acts and any state.
func TestSavingsStayWithinTheSpan(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		hour := func(name string) time.Time {
			return monthStart.Add(time.Duration(rapid.IntRange(-2000, 3000).Draw(t, name)) * 20 * time.Minute)
		}
		i := &cost.Instance{
			ID:         "i-1",
			State:      rapid.SampledFrom([]fleet.State{fleet.Running, fleet.Stopped, fleet.Pending, fleet.Stopping}).Draw(t, "state"),
			LaunchTime: hour("launch"),
		}
		r := report(i)
		r.Volumes = []*cost.Volume{{Volume: fleet.Volume{Target: seoul}, BilledTo: "i-1", Monthly: amountOf(price.USD(rapid.Int64Range(0, 1e13).Draw(t, "volume")))}}
		var acts []fleet.Act
		for range rapid.IntRange(0, 8).Draw(t, "acts") {
			acts = append(acts, fleet.Act{Target: seoul, Kind: fleet.KindInstance, ID: "i-1", Stop: rapid.Bool().Draw(t, "stop"), At: hour("at")})
		}
		span := fleet.Span{From: hour("from"), To: hour("to")}
		s := cost.SavingsOf(r, acts, span)
		var gross, net, stillBilled price.USD
		for _, saved := range s.Instances {
			if saved.Off < 0 || saved.Off+saved.Unclear > span.Length() {
				t.Errorf("off for %v and %v of %v", saved.Off, saved.Unclear, span.Length())
			}
			if *saved.Net != *saved.Gross-*saved.EBS-*saved.Addresses {
				t.Errorf("%v - %v - %v is not %v", saved.Gross, saved.EBS, saved.Addresses, saved.Net)
			}
			gross, net, stillBilled = gross+*saved.Gross, net+*saved.Net, stillBilled+*saved.EBS+*saved.Addresses
		}
		if s.Total.Gross != gross || s.Total.Net != net || net != gross-stillBilled {
			t.Errorf("%+v", s.Total)
		}
	})
}
