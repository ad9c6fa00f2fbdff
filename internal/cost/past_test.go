package cost_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"nightshift/internal/cost"
	"nightshift/internal/fleet"
	"nightshift/internal/journal"
	"nightshift/internal/price"
)

// samples is CloudWatch in memory. It remembers what it was asked.
type samples struct {
	running map[fleet.ResourceID]time.Duration
	surplus map[fleet.ResourceID]float64
	err     error
	asked   map[fleet.ResourceID]fleet.Span
}

func (s *samples) Running(_ context.Context, instances []fleet.Sampled, from, to time.Time) (map[fleet.ResourceID]time.Duration, error) {
	found := map[fleet.ResourceID]time.Duration{}
	for _, i := range instances {
		s.asked[i.ID] = fleet.Span{From: from, To: to}
		if d, ok := s.running[i.ID]; ok {
			found[i.ID] = d
		}
	}
	return found, s.err
}

func (s *samples) Surplus(_ context.Context, ids []fleet.ResourceID, _, _ time.Time) (map[fleet.ResourceID]float64, error) {
	found := map[fleet.ResourceID]float64{}
	for _, id := range ids {
		if credits, ok := s.surplus[id]; ok {
			found[id] = credits
		}
	}
	return found, s.err
}

// bill is Cost Explorer in memory.
type bill struct {
	lines    []price.BillLine
	complete fleet.Span
	err      error
	calls    int
}

func (b *bill) Usage(context.Context, time.Time, time.Time) ([]price.BillLine, fleet.Span, error) {
	b.calls++
	return b.lines, b.complete, b.err
}

// restarted is an instance about which EC2 only reports that it has been running
// for the last hours.
func restarted(id fleet.ResourceID, hours float64) fleet.Instance {
	i := server(id)
	i.LaunchTime = now.Add(-time.Duration(hours * float64(time.Hour)))
	return i
}

func hoursFrom(t testing.TB, source cost.Source, o cost.Options) *cost.Instance {
	t.Helper()
	o.Now, o.Zone = now, kst
	source.Target = seoul
	r, err := cost.Build(t.Context(), []cost.Source{source}, seoulPrices(t), o)
	if err != nil {
		t.Fatal(err)
	}
	return r.Instances[0]
}

func acts(id fleet.ResourceID, times ...time.Time) []fleet.Act {
	var list []fleet.Act
	for n, at := range times { // a stop first, then a start, …
		list = append(list, fleet.Act{Target: seoul, Kind: fleet.KindInstance, ID: id, Stop: n%2 == 0, At: at})
	}
	return list
}

// TestHoursFromTheJournal: it was stopped on the 5th for two days, on the 10th
// for one, and has been running since.
func TestHoursFromTheJournal(t *testing.T) {
	day := func(d, h int) time.Time { return time.Date(2026, 11, d, h, 0, 0, 0, kst) }
	all := fleet.Span{From: day(1, 0).AddDate(0, -1, 0), To: now}
	const month = 21*24 + 9
	for name, c := range map[string]struct {
		change func(*fleet.Instance, *cost.Options)
		hours  float64
		source cost.HoursSource
	}{
		"as the journal says": {func(*fleet.Instance, *cost.Options) {}, month - 48 - 24, cost.FromJournal},
		"somebody stopped it between our starts": {
			func(_ *fleet.Instance, o *cost.Options) { o.Acts = append(o.Acts[:2:2], o.Acts[3]) }, month - 240, cost.LowerBound,
		},
		"EC2 reports a start that we did not make": {
			func(i *fleet.Instance, _ *cost.Options) { i.LaunchTime = day(15, 0) }, month - 14*24, cost.LowerBound,
		},
		"EC2 reports a stop that we did not make": {
			func(i *fleet.Instance, _ *cost.Options) { i.State, i.Stopped = fleet.Stopped, day(15, 0).UTC() },
			14*24 - 48 - 24, cost.FromJournal,
		},
		"a start of ours that EC2 has under another time": {
			func(i *fleet.Instance, _ *cost.Options) { i.LaunchTime = i.LaunchTime.Add(-3 * time.Minute) }, month - 48 - 24, cost.FromJournal,
		},
		"the journal began too late": {
			func(_ *fleet.Instance, o *cost.Options) { o.Known.From = day(2, 0) }, month - 240, cost.LowerBound,
		},
		"the journal ends too early": {
			func(_ *fleet.Instance, o *cost.Options) { o.Known.To = day(20, 0) }, month - 240, cost.LowerBound,
		},
		"a part of the journal is lost": {
			func(_ *fleet.Instance, o *cost.Options) { o.Known = fleet.Span{} }, month - 240, cost.LowerBound,
		},
	} {
		t.Run(name, func(t *testing.T) {
			i := server("i-1")
			i.LaunchTime = day(11, 0)
			o := cost.Options{Acts: acts("i-1", day(5, 0), day(7, 0), day(10, 0), day(11, 0)), Known: all}
			c.change(&i, &o)
			got := hoursFrom(t, cost.Source{Inventory: estate{instances: []fleet.Instance{i}}}, o)
			if got.Hours.Hours() != c.hours || got.Source != c.source {
				t.Errorf("%v from %s, want %v from %s", got.Hours.Hours(), got.Source, c.hours, c.source)
			}
		})
	}
}

// TestHoursFromRunsThatTakeLong: a machine is started at 08:02 on three days and
// stopped at 19:04, by runs that begin at 08:00 and 19:00 and take their time. The
// hours are exact only where the journal has the times of the acts, however long
// the runs take.
func TestHoursFromRunsThatTakeLong(t *testing.T) {
	at := func(day, hour, minute int) time.Time { return time.Date(2026, 11, day, hour, minute, 0, 0, kst) }
	began, end := at(20, 8, 2), now
	truth := 2*(11*time.Hour+2*time.Minute) + end.Sub(at(22, 8, 2))
	for _, took := range []time.Duration{4 * time.Minute, 18 * time.Minute, 60 * time.Minute} {
		for _, timed := range []bool{true, false} {
			var records []journal.Record
			run := func(started, accepted time.Time, action string) {
				if started.After(now) {
					return
				}
				o := fleet.Outcome{Target: seoul, Kind: fleet.KindInstance, ID: "i-1", Action: action, Result: fleet.Done}
				if timed {
					o.At = accepted
				}
				r := journal.Record{Job: "power", Started: started, Duration: took}
				r.Add(journal.OutcomeOf(o, "office-hours"))
				records = append(records, r)
			}
			for day := 20; day <= 22; day++ {
				run(at(day, 8, 0), at(day, 8, 2), "start")
				run(at(day, 19, 0), at(day, 19, 4), "stop")
			}
			i := server("i-1")
			i.FirstLaunch, i.LaunchTime = monthStart.AddDate(0, -2, 0), at(22, 8, 2)
			o := cost.Options{Acts: journal.Acts(records), Known: fleet.Span{From: monthStart.AddDate(0, 0, -4), To: now}}
			o.Acts = append(o.Acts, fleet.Act{Target: seoul, Kind: fleet.KindInstance, ID: "i-1", Stop: true, At: monthStart.Add(-time.Hour)})
			got := hoursFrom(t, cost.Source{Inventory: estate{instances: []fleet.Instance{i}}}, o)
			switch {
			case timed && (got.Hours != truth || got.AtMost != truth || got.Source != cost.FromJournal):
				t.Errorf("runs of %s: %s to %s from %s, want %s since %s", took, got.Hours, got.AtMost, got.Source, truth, began)
			case !timed && (got.Source != cost.LowerBound || got.Hours > truth || got.AtMost < truth || got.AtMost-got.Hours > 6*took):
				t.Errorf("runs of %s without times: %s to %s from %s, want bounds of %s", took, got.Hours, got.AtMost, got.Source, truth)
			}
		}
	}
}

// TestJournalSaysWhatHappened draws a past of stops and starts, all of them
// ours, and compares with a count minute by minute.
func TestJournalSaysWhatHappened(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		i := server("i-1")
		at := monthStart.Add(-72 * time.Hour)
		up, ran := true, time.Duration(0)
		o := cost.Options{Now: now, Zone: kst, Known: fleet.Span{From: at, To: now}}
		steps := rapid.SliceOfN(rapid.IntRange(30, 4000), 1, 30).Draw(t, "minutes between")
		for _, minutes := range steps {
			next := at.Add(time.Duration(minutes) * time.Minute)
			if next.After(now) {
				break
			}
			if up {
				ran += fleet.Span{From: at, To: next}.Within(fleet.Span{From: monthStart, To: now}).Length()
			}
			o.Acts = append(o.Acts, fleet.Act{Target: seoul, Kind: fleet.KindInstance, ID: "i-1", Stop: up, At: next})
			up, at = !up, next
			if up {
				i.LaunchTime = next
			}
		}
		if up {
			ran += fleet.Span{From: at, To: now}.Within(fleet.Span{From: monthStart, To: now}).Length()
		} else {
			i.State, i.Stopped = fleet.Stopped, at
		}
		r, err := cost.Build(t.Context(), []cost.Source{{Target: seoul, Inventory: estate{instances: []fleet.Instance{i}}}}, &list{}, o)
		if err != nil {
			t.Fatal(err)
		}
		if got := r.Instances[0]; got.Hours != ran || got.Hours != got.AtMost {
			t.Fatalf("%v from %s, want %v", got.Hours, got.Source, ran)
		}
	})
}

func TestHoursFromSamples(t *testing.T) {
	metrics := &samples{asked: map[fleet.ResourceID]fleet.Span{}, running: map[fleet.ResourceID]time.Duration{"i-1": 100 * time.Hour, "i-2": time.Hour}}
	got := hoursFrom(t, cost.Source{
		Inventory: estate{instances: []fleet.Instance{restarted("i-1", 10), server("i-2")}}, Metrics: metrics,
	}, cost.Options{})
	if got.Hours != 100*time.Hour || got.Source != cost.FromMetrics || got.AtLeast != got.AtMost {
		t.Errorf("%v from %s, want 100 h from samples", got.Hours, got.Source)
	}
	if len(metrics.asked) != 1 || metrics.asked["i-1"] != (fleet.Span{From: monthStart, To: now}) {
		t.Errorf("paid for %v, want only the instance that EC2 leaves open", metrics.asked)
	}
}

// TestSamplesNeverLowerWhatIsCertain: CloudWatch lags by some minutes.
func TestSamplesNeverLowerWhatIsCertain(t *testing.T) {
	metrics := &samples{asked: map[fleet.ResourceID]fleet.Span{}, running: map[fleet.ResourceID]time.Duration{"i-1": 9 * time.Hour}}
	got := hoursFrom(t, cost.Source{Inventory: estate{instances: []fleet.Instance{restarted("i-1", 10)}}, Metrics: metrics}, cost.Options{})
	if got.Hours != 10*time.Hour {
		t.Errorf("%v, want the 10 hours since the last start", got.Hours)
	}
}

func TestCapOnMetricsIsReported(t *testing.T) {
	metrics := &samples{asked: map[fleet.ResourceID]fleet.Span{}, err: fleet.ErrCapped}
	r, err := cost.Build(t.Context(), []cost.Source{{
		Target: seoul, Inventory: estate{instances: []fleet.Instance{restarted("i-1", 10)}}, Metrics: metrics,
	}}, seoulPrices(t), cost.Options{Now: now, Zone: kst})
	if err != nil || len(r.Problems) != 1 || !errors.Is(r.Problems[0], fleet.ErrCapped) {
		t.Fatalf("problems %v, %v; want the cap", r.Problems, err)
	}
	if i := r.Instances[0]; i.Source != cost.LowerBound || i.Hours != 10*time.Hour || i.AtMost != now.Sub(monthStart) {
		t.Errorf("%v to %v from %s, want the bounds", i.Hours, i.AtMost, i.Source)
	}
}

// TestHoursFromTheBill: the bill covers the 10th to the 20th (UTC); what came
// before is known from CloudWatch, what came after from EC2.
func TestHoursFromTheBill(t *testing.T) {
	complete := fleet.Span{From: at("2026-11-10 00:00:00"), To: at("2026-11-20 00:00:00")}
	line := func(id, usage, unit string, day int, quantity float64) price.BillLine {
		start := complete.From.AddDate(0, 0, day)
		return price.BillLine{Account: seoul.Account, Resource: id, UsageType: usage, Unit: unit, Start: start, End: start.AddDate(0, 0, 1), Quantity: quantity}
	}
	cost1 := &bill{complete: complete, lines: []price.BillLine{
		line("i-1", "APN2-BoxUsage:m5.large", "Hrs", 0, 20), line("i-1", "APN2-BoxUsage:m5.large", "Hrs", 3, 11.5),
		line("i-1", "APN2-DataTransfer-Out-Bytes", "GB", 3, 999), line("i-1", "APN2-BoxUsage:m5.large", "Hrs", 10, 24), // after what is complete
		line("i-2", "APN2-BoxUsage:m5.large", "Hrs", 0, 1),
	}}
	metrics := &samples{asked: map[fleet.ResourceID]fleet.Span{}, running: map[fleet.ResourceID]time.Duration{"i-1": 30 * time.Hour}}
	i := server("i-1")
	i.LaunchTime = at("2026-11-15 00:00:00")
	got := hoursFrom(t, cost.Source{Inventory: estate{instances: []fleet.Instance{i}}, Billing: cost1, Metrics: metrics}, cost.Options{})
	if want := 48*time.Hour + 30*time.Hour + 31*time.Hour + 30*time.Minute; got.Hours != want || got.Source != "cost-explorer+cloudwatch+launch-time" {
		t.Errorf("%v from %s, want %v", got.Hours, got.Source, want)
	}
	if want := (fleet.Span{From: monthStart, To: complete.From}); !metrics.asked["i-1"].From.Equal(want.From) || !metrics.asked["i-1"].To.Equal(want.To) {
		t.Errorf("samples asked for %v, want %v", metrics.asked["i-1"], want)
	}
}

func TestBillIsAskedOnceForAnAccount(t *testing.T) {
	denied := &bill{err: fleet.ErrDenied}
	r, err := cost.Build(t.Context(), []cost.Source{
		{Target: seoul, Inventory: estate{instances: []fleet.Instance{server("i-1")}}, Billing: denied},
		{Target: tokyo, Inventory: estate{}, Billing: denied},
	}, seoulPrices(t), cost.Options{Now: now, Zone: kst})
	if err != nil || denied.calls != 1 || len(r.Problems) != 1 || !errors.Is(r.Problems[0], fleet.ErrDenied) {
		t.Errorf("%d calls, problems %v, %v; want one call and one problem", denied.calls, r.Problems, err)
	}
	if got := r.Instances[0]; got.Source != cost.FromLaunchTime {
		t.Errorf("hours from %s, want from EC2", got.Source)
	}
}

// TestFirstInstantOfTheMonth: no time has passed, so that nothing may be asked
// of the bill and nothing divided by.
func TestFirstInstantOfTheMonth(t *testing.T) {
	billing := &bill{}
	r, err := cost.Build(t.Context(), []cost.Source{{
		Target: seoul, Billing: billing,
		Inventory: estate{instances: []fleet.Instance{server("i-1"), restarted("i-2", 10)}, volumes: []fleet.Volume{disk("vol-1", fleet.GP3, 100, "i-1")}},
	}}, seoulPrices(t), cost.Options{Now: monthStart, Zone: kst})
	if err != nil || billing.calls != 0 || !r.Complete() {
		t.Fatalf("%d calls, complete %v, %v", billing.calls, r.Complete(), err)
	}
	total := r.Totals[1]
	if total.TotalToDate != 0 || total.Forecast.Cents().String() != "179.04" { // 2 × 84.96 + 9.12
		t.Errorf("%s so far, %s in all; want 0 and 179.04", total.TotalToDate, total.Forecast)
	}
}

// alike plans the same for every instance.
func alike(running time.Duration, schedule string) func(fleet.Instance) func(time.Time) (time.Duration, string) {
	return func(fleet.Instance) func(time.Time) (time.Duration, string) {
		return func(time.Time) (time.Duration, string) { return running, schedule }
	}
}

func TestForecastFollowsTheSchedule(t *testing.T) {
	read := 0
	planned := func(i fleet.Instance) func(time.Time) (time.Duration, string) {
		if read++; i.ID != "i-1" {
			return nil
		}
		return func(to time.Time) (time.Duration, string) {
			if !to.Equal(monthStart.AddDate(0, 1, 0)) || read != 3 {
				t.Errorf("asked up to %v after %d instances were read", to, read)
			}
			return 40 * time.Hour, "office-hours"
		}
	}
	stopped := server("i-2")
	stopped.State, stopped.Stopped = fleet.Stopped, monthStart.AddDate(0, 0, -1)
	r := build(t, estate{instances: []fleet.Instance{server("i-1"), stopped, server("i-3")}}, seoulPrices(t), cost.Options{Planned: planned})
	for n, want := range []string{"65.254", "0.00", "84.96"} { // (513 + 40) × 0.118; 0; 720 × 0.118
		if got := r.Instances[n].EC2Forecast().USD.String(); got != want {
			t.Errorf("%s: %s, want %s", r.Instances[n].ID, got, want)
		}
	}
	if got := r.Instances[0].Schedule; got != "office-hours" {
		t.Errorf("schedule %q", got)
	}
}

// TestAnotherTypeInTheBillIsReported: the hours of the smaller type are priced at
// the price of the larger one, and the row does not call that exact.
func TestAnotherTypeInTheBillIsReported(t *testing.T) {
	complete := fleet.Span{From: at("2026-11-10 00:00:00"), To: at("2026-11-20 00:00:00")}
	line := func(id, kind string) price.BillLine {
		return price.BillLine{Account: seoul.Account, Resource: id, UsageType: "APN2-BoxUsage:" + kind, Unit: "Hrs", Start: complete.From, End: complete.From.AddDate(0, 0, 1), Quantity: 12}
	}
	explorer := &bill{complete: complete, lines: []price.BillLine{line("i-1", "t3.nano"), line("i-1", "m5.large"), line("i-1", "t3.nano"), line("i-2", "m5.large")}}
	for id, want := range map[fleet.ResourceID]price.Status{"i-1": price.Fallback, "i-2": price.Exact} {
		got := hoursFrom(t, cost.Source{Inventory: estate{instances: []fleet.Instance{server(id)}}, Billing: explorer}, cost.Options{})
		if got.PriceStatus != want || strings.Contains(got.PriceNote, "billed as t3.nano, too") != (want == price.Fallback) {
			t.Errorf("%s: %s, %q", id, got.PriceStatus, got.PriceNote)
		}
	}
}
