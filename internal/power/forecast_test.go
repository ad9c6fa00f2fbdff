package power_test

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"nightshift/internal/fleet"
	"nightshift/internal/power"
	"nightshift/internal/price"
	"nightshift/internal/schedule"
)

func parse(t testing.TB, text string) *schedule.Schedule {
	t.Helper()
	s, err := schedule.Parse(text, time.UTC)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestForecastAddsUpHoursAndMoney(t *testing.T) {
	office, night := parse(t, "Mon-Fri 08:00-19:00"), parse(t, "22:00-06:00")
	item := func(name string, s *schedule.Schedule, hourly price.USD) power.Scheduled {
		return power.Scheduled{Kind: fleet.KindInstance, Name: name, Schedule: s, Hourly: hourly, Priced: hourly > 0}
	}
	f := power.MakeForecast([]power.Scheduled{
		item("night", night, price.Dollar),
		item("office", office, price.Dollar/10), item("office", office, price.Dollar/5), item("office", office, 0),
	}, monday(), monday().AddDate(0, 0, 28))
	if len(f.Lines) != 2 || f.Lines[0].Schedule != "night" || f.Lines[1].Schedule != "office" {
		t.Fatalf("lines %+v, want night, which saves most, and office", f.Lines)
	}
	o := f.Lines[1]
	if o.Machines != 3 || o.Unpriced != 1 || o.AlwaysOn.Hours() != 3*672 || o.Desired.Hours() != 3*4*55 || o.Saved.Hours() != 3*(672-220) || o.Unknown != 0 {
		t.Errorf("office: %+v", o)
	}
	if o.AlwaysOnUSD.String() != "201.60" || o.DesiredUSD.String() != "66.00" || o.SavedUSD.String() != "135.60" {
		t.Errorf("office costs %v always on, %v wanted, %v saved", o.AlwaysOnUSD, o.DesiredUSD, o.SavedUSD)
	}
	if n := f.Total; n.Machines != 4 || n.DesiredUSD.String() != "290.00" || n.Desired.Hours() != 660+28*8 {
		t.Errorf("total: %+v", n)
	}
	text, err := json.Marshal(f.Lines[0])
	if err != nil || string(text) != `{"schedule":"night","machines":1,"always_on_hours":672,"wanted_hours":224,"unknown_hours":0,"saved_hours":448,"always_on_usd":"672.00","wanted_usd":"224.00","saved_usd":"448.00","unpriced":0}` {
		t.Errorf("%s, %v", text, err)
	}
}

// What a schedule leaves to people is assumed to run, and reported.
func TestForecastDoesNotPromiseWhatPeopleDecide(t *testing.T) {
	week := monday().AddDate(0, 0, 7)
	for text, want := range map[string]struct{ desired, unknown float64 }{
		"stop Mon-Fri 19:00":                      {168, 168},
		"start Mon-Fri 08:00":                     {168, 168},
		"start Mon-Fri 08:00; stop Mon-Fri 19:00": {55, 0},
		"always": {168, 0},
		"never":  {0, 0},
	} {
		f := power.MakeForecast([]power.Scheduled{{Name: text, Schedule: parse(t, text)}}, monday(), week)
		if l := f.Total; l.Desired.Hours() != want.desired || l.Unknown.Hours() != want.unknown {
			t.Errorf("%s: %v h wanted, %v h unknown, want %+v", text, l.Desired.Hours(), l.Unknown.Hours(), want)
		}
	}
	def := parse(t, "Mon-Fri 08:00-19:00").Definition()
	saturday, err := schedule.ParseWindow("Sat 10:00-16:30")
	if err != nil {
		t.Fatal(err)
	}
	def.Unmanaged = []schedule.Window{saturday}
	s, err := schedule.New(def, time.UTC)
	if err != nil {
		t.Fatal(err)
	}
	f := power.MakeForecast([]power.Scheduled{{Name: "desk", Schedule: s}}, monday(), week)
	if l := f.Total; l.Desired.Hours() != 61.5 || l.Unknown.Hours() != 6.5 {
		t.Errorf("hands off: %+v", l)
	}
}

// Clock changes make days of 23 and 25 hours, a lead begins earlier.
func TestForecastCountsRealHours(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	s := parse(t, "Sun 00:00-24:00 Europe/Berlin")
	for day, hours := range map[time.Time]float64{
		time.Date(2026, 3, 29, 0, 0, 0, 0, berlin):  23,
		time.Date(2026, 10, 25, 0, 0, 0, 0, berlin): 25,
	} {
		f := power.MakeForecast([]power.Scheduled{{Name: "sunday", Schedule: s}}, day, day.AddDate(0, 0, 7))
		if got := f.Total.Desired.Hours(); got != hours {
			t.Errorf("week of %s: %v h, want %v", day, got, hours)
		}
	}
	f := power.MakeForecast([]power.Scheduled{{Name: "o", Schedule: parse(t, "Mon-Fri 08:00-19:00"), Lead: 30 * time.Minute}}, monday(), monday().AddDate(0, 0, 7))
	if got := f.Total.Desired.Hours(); got != 57.5 {
		t.Errorf("with half an hour of lead %v h, want 57.5", got)
	}
}

func TestForecastAddsUpToAlwaysOn(t *testing.T) {
	schedules := []*schedule.Schedule{
		parse(t, "Mon-Fri 08:00-19:00 Asia/Seoul"), parse(t, "Fri 20:00-Mon 06:00 America/New_York"), parse(t, "stop 19:00"), parse(t, "always"),
	}
	rapid.Check(t, func(t *rapid.T) {
		from := time.Unix(rapid.Int64Range(0, 4e9).Draw(t, "from"), 0).UTC()
		length := time.Duration(rapid.Int64Range(1, 60*24*3600).Draw(t, "length")) * time.Second
		var items []power.Scheduled
		for range rapid.IntRange(0, 5).Draw(t, "machines") {
			n := rapid.IntRange(0, len(schedules)-1).Draw(t, "schedule")
			items = append(items, power.Scheduled{
				Name: fmt.Sprint(n), Schedule: schedules[n], Priced: true,
				Hourly: price.USD(rapid.Int64Range(0, 1e12).Draw(t, "hourly")),
			})
		}
		f := power.MakeForecast(items, from, from.Add(length))
		l := f.Total
		if l.AlwaysOn != l.Desired+l.Saved || l.AlwaysOnUSD != l.DesiredUSD.Add(l.SavedUSD) || l.Unknown > l.Desired || l.Saved < 0 {
			t.Fatalf("%+v does not add up", l)
		}
		if l.AlwaysOn != power.MachineTime(int64(len(items))*int64(length/time.Second)) {
			t.Fatalf("%d machines for %v are %v s", len(items), length, l.AlwaysOn)
		}
	})
}

// Those on whom nothing acts are not in a forecast.
func TestForecastItems(t *testing.T) {
	office := parse(t, "Mon-Fri 08:00-19:00")
	ruleSet := power.NewRuleSet(power.Rules{Rules: []power.Rule{
		{Tag: fleet.Tag{Key: "Keep"}, Ignore: true},
		{Tag: fleet.Tag{Key: "Schedule"}, Ready: time.Hour, Read: func(value string) (power.Named, error) {
			if value != "office" {
				return power.Named{}, fleet.Errorf(fleet.ErrInvalid, "no schedule %q", value)
			}
			return power.Named{Name: value, Schedule: office}, nil
		}},
	}})
	tagged := fleet.Machine{Kind: fleet.KindInstance, Tags: fleet.Tags{"Schedule": "office"}}
	item, ok := ruleSet.Scheduled(tagged, nil)
	if !ok || item.Name != "office" || item.Schedule != office || item.Lead != time.Hour {
		t.Errorf("%+v, %v", item, ok)
	}
	group := tagged
	group.Ineligible.Managed = fleet.Reason{Code: "auto-scaling"}
	gone := tagged
	gone.State = fleet.Terminated
	for what, m := range map[string]fleet.Machine{
		"a member of a group": group, "a terminated one": gone,
		"one without a rule": {Kind: fleet.KindInstance},
		"another kind":       {Kind: fleet.KindDatabase, Tags: tagged.Tags},
		"an ignored one":     {Kind: fleet.KindInstance, Tags: fleet.Tags{"Keep": "1", "Schedule": "office"}},
		"an error":           {Kind: fleet.KindInstance, Tags: fleet.Tags{"Schedule": "ofice"}},
	} {
		if item, ok := ruleSet.Scheduled(m, nil); ok {
			t.Errorf("%s is in the forecast: %+v", what, item)
		}
	}
}

// A plan for four weeks of 10,000 machines under 50 schedules, from their tags
// to the sums: the target is a second.
func BenchmarkForecast(b *testing.B) {
	const machines, schedules = 10_000, 50
	fleetOf := make([]fleet.Machine, machines)
	for n := range fleetOf {
		fleetOf[n] = fleet.Machine{Kind: fleet.KindInstance, Tags: fleet.Tags{"Name": fmt.Sprint(n), "Schedule": fmt.Sprint(n % schedules)}}
	}
	from := monday()
	b.ReportAllocs()
	for b.Loop() {
		// A new rulebook has new schedules, which have computed nothing yet.
		ruleSet := power.NewRuleSet(power.Rules{Rules: []power.Rule{{Tag: fleet.Tag{Key: "Schedule"}, Read: func(value string) (power.Named, error) {
			var n int
			if _, err := fmt.Sscan(value, &n); err != nil {
				return power.Named{}, err
			}
			s, err := schedule.Parse(fmt.Sprintf("Mon-Fri %02d:%02d-19:00 + Sat 10:00-14:00 Asia/Seoul", n%12, n), time.UTC)
			return power.Named{Name: value, Schedule: s}, err
		}}}})
		var items []power.Scheduled
		for _, m := range fleetOf {
			item, ok := ruleSet.Scheduled(m, nil)
			if !ok {
				b.Fatal("a machine is not in the forecast")
			}
			item.Hourly, item.Priced = price.Dollar/10, true
			items = append(items, item)
		}
		if f := power.MakeForecast(items, from, from.AddDate(0, 0, 28)); f.Total.Machines != machines || f.Total.Saved == 0 {
			b.Fatalf("%+v", f.Total)
		}
	}
}
