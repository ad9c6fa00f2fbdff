package cli

import (
	"context"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"nightshift/internal/amazon"
	"nightshift/internal/app"
	"nightshift/internal/blob"
	"nightshift/internal/fleet"
	"nightshift/internal/journal"
	"nightshift/internal/power"
	"nightshift/internal/sandbox"
	"nightshift/internal/schedule"
)

const yearConfig = `
timezone: Asia/Seoul
schedules:
  office: { running: ["Mon-Fri 08:00-19:00"], holidays: [2026-01-01, 2026-05-05, 2026-10-09, 2026-12-25] }
  berlin: { timezone: Europe/Berlin, running: ["Mon-Fri 07:00-20:00"] }
  new-york: { timezone: America/New_York, running: ["Mon-Fri 08:00-18:00", "Sat 10:00-14:00"] }
  nights: { running: ["22:00-06:00"] }
  weekend: { timezone: Australia/Lord_Howe, running: ["Fri 20:00-Mon 06:00"] }
  monthly: { running: ["last-Fri 00:00-24:00", "1-3 09:00-17:00"] }
  evenings-off: { stop: ["Mon-Fri 20:00"] }
  mornings-on: { start: ["Mon-Fri 07:00"] }
power:
  override: { max: 48h }
  rules:
    - { tag: "Strict=yes", schedule: office, enforce: true, kinds: [instance, db-instance, auto-scaling-group] }
    - { tag: "Schedule", kinds: [instance, db-instance, auto-scaling-group] }
journal: JOURNAL
`

// life is an account in which nightshift ticks every hour, while people and
// accidents go about their business.
type life struct {
	t        *testing.T
	rng      *rand.Rand
	account  *sandbox.Sandbox
	s        *app.Session
	aws      *amazon.Session
	config   string
	journal  string
	endpoint string
	// byHand is the last act of a person that changed a machine, wish the state
	// that it was about.
	byHand  map[fleet.ResourceID]time.Time
	wish    map[fleet.ResourceID]fleet.State
	trouble time.Time // the last fault or missed tick
	// checks counts the machines that were held against their schedule, wishes
	// those held against a person's wish that is none of their schedule's.
	checks, wishes int
}

func newLife(t *testing.T, seed uint64, extras bool) *life {
	t.Helper()
	account, err := sandbox.New(sandbox.Options{
		Seed: seed, Fleet: 10, Types: 3, Speed: -1, Start: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC),
	})
	if err != nil {
		t.Fatal(err)
	}
	server, err := account.Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Close() })
	dir := t.TempDir()
	l := &life{
		t: t, rng: rand.New(rand.NewPCG(seed, 1)), account: account,
		config: filepath.Join(dir, "nightshift.yaml"), journal: filepath.Join(dir, "journal"),
		endpoint: server.URL(), byHand: map[fleet.ResourceID]time.Time{}, wish: map[fleet.ResourceID]fleet.State{}, trouble: account.Now(),
	}
	text := strings.Replace(yearConfig, "JOURNAL", l.journal, 1)
	if !extras {
		text = strings.ReplaceAll(text, ", kinds: [instance, db-instance, auto-scaling-group]", "")
	}
	if err := os.WriteFile(l.config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if extras {
		l.addExtras()
	}
	l.open(l.endpoint)
	names := append(l.s.Config.Names(), "Mon-Sat 09:00-21:30 Asia/Kolkata", "strict")
	n := 0
	for m, err := range l.port(fleet.KindInstance).Machines(t.Context(), fleet.Selector{}) {
		if err != nil {
			t.Fatal(err)
		}
		set := fleet.Tags{"Schedule": names[n%len(names)]}
		if set["Schedule"] == "strict" {
			set = fleet.Tags{"Strict": "yes"}
		}
		if err := l.port(fleet.KindInstance).Mark(t.Context(), []fleet.Machine{m}, set); err != nil {
			t.Fatal(err)
		}
		n++
	}
	return l
}

func (l *life) addExtras() {
	now := l.account.Now()
	for _, err := range []error{
		l.account.AddDatabase(sandbox.DefaultRegion, sandbox.Database{ID: "orders", Created: now.AddDate(-1, 0, 0), Tags: map[string]string{"Schedule": "office"}}),
		l.account.AddDatabase(sandbox.DefaultRegion, sandbox.Database{ID: "reports", Created: now.AddDate(-1, 0, 0), Tags: map[string]string{"Schedule": "monthly"}}),
		l.account.AddGroup(sandbox.DefaultRegion, sandbox.Group{Name: "web", Min: 1, Desired: 2, Max: 4, Tags: map[string]string{"Schedule": "berlin"}}),
	} {
		if err != nil {
			l.t.Fatal(err)
		}
	}
}

const region = fleet.Region(sandbox.DefaultRegion)

// open is a new process: it knows nothing of the earlier one.
func (l *life) open(endpoint string) {
	l.t.Helper()
	var err error
	o := &amazon.Endpoint{URL: endpoint, AccessKey: sandbox.AccessKey, SecretKey: sandbox.SecretKey, ClockScale: 1e6}
	l.s, err = app.New(app.Options{Now: l.account.Now, Endpoint: o}).Open(l.t.Context(), app.Selection{
		Config: blob.Ref{Scheme: blob.File, Path: l.config}, NeedConfig: true, Regions: []string{string(region)},
	})
	if err != nil {
		l.t.Fatal(err)
	}
	if l.aws, err = amazon.Open(l.t.Context(), amazon.Options{Region: region, Endpoint: o}); err != nil {
		l.t.Fatal(err)
	}
}

// tick is one run by schedules.
func (l *life) tick() {
	if _, err := l.s.Power(context.Background(), app.PowerInput{}); err != nil {
		l.t.Error(err)
	}
}

func (l *life) port(kind fleet.Kind) power.Machines {
	switch kind {
	case fleet.KindDatabase:
		return l.aws.Databases(region)
	case fleet.KindGroup:
		return l.aws.Groups(region)
	default:
		return l.aws.Fleet(region)
	}
}

// hour is one hour of the account: a tick, or none, or several, and perhaps a
// person.
func (l *life) hour() {
	late := time.Duration(0)
	fault, missed := l.rng.IntN(100) == 0, l.rng.IntN(12) == 0
	if l.rng.IntN(10) == 0 {
		late = 20 * time.Minute
	}
	doubled, overlapping := l.rng.IntN(10) == 0, l.rng.IntN(10) == 0
	which, someone, hand, victim := l.rng.IntN(8), l.rng.IntN(25) == 0, l.rng.IntN(4), l.rng.IntN(1<<20)
	wait, override := time.Duration(7+l.rng.IntN(18))*time.Minute, time.Duration(1+l.rng.IntN(30))*time.Hour

	begin := l.account.Now()
	l.account.Advance(late)
	if fault {
		l.fault(which)
	}
	if fault || missed || late > 0 {
		l.trouble = l.account.Now()
	}
	if !missed {
		l.tick()
		if doubled {
			l.account.Advance(2 * time.Minute)
			l.tick()
		}
		if overlapping {
			var wg sync.WaitGroup
			for range 2 {
				wg.Go(func() { l.tick() })
			}
			wg.Wait()
		}
	}
	if fault {
		l.must(l.account.SetFaults(nil))
	}
	l.account.Advance(wait)
	if someone {
		l.person(hand, victim, override)
	}
	l.account.Advance(begin.Add(time.Hour).Sub(l.account.Now()))
}

// fault lets something go wrong during one tick.
func (l *life) fault(which int) {
	text := []string{
		"ec2:StopInstances=throttle,count=3",
		"ec2:Describe*=broken,count=2",
		"ec2:StartInstances=lost,count=1",
		"ec2:StopInstances=lost,count=1",
		"ec2:StartInstances=failstart,code=Server.InternalError",
		"ec2:StartInstances=refuse,share=0.5,code=InsufficientInstanceCapacity",
		"ec2:CreateTags=deny",
		"ec2:StopInstances=slow,for=150m",
	}[which]
	faults, err := sandbox.ParseFaults(text)
	l.must(err)
	l.must(l.account.SetFaults(faults))
}

// person does something to a machine by hand: stops it, starts it, or keeps it
// on.
func (l *life) person(hand, victim int, override time.Duration) {
	ctx := l.t.Context()
	machines := l.machines()
	m := machines[victim%len(machines)]
	port := l.port(m.Kind)
	id := []fleet.ResourceID{m.ID}
	now := l.account.Now()
	switch {
	case m.Ineligible.Reason().Code != "" && m.Ineligible.Reason().Code != "no-sizes":
	case hand == 0 && m.State == fleet.Running:
		if port.Stop(ctx, id, false) == nil {
			l.byHand[m.ID], l.wish[m.ID] = now, fleet.Stopped
		}
	case hand == 1 && m.State == fleet.Stopped:
		if port.Start(ctx, id) == nil {
			l.byHand[m.ID], l.wish[m.ID] = now, fleet.Running
		}
	case hand == 2:
		k := fleet.Override{State: fleet.Running, Since: now, Until: now.Add(override)}
		l.must(port.Mark(ctx, []fleet.Machine{m}, fleet.Tags{fleet.TagOverride: k.String()}))
	case hand == 3 && m.Tags[fleet.TagOverride] != "":
		k, err := fleet.ParseOverride(m.Tags[fleet.TagOverride])
		l.must(err)
		l.must(port.Mark(ctx, []fleet.Machine{m}, fleet.Tags{fleet.TagOverride: k.Cleared(now).String()}))
	}
}

func (l *life) machines() []fleet.Machine {
	var all []fleet.Machine
	for _, kind := range l.s.Config.Rules().Kinds() {
		for m, err := range l.port(kind).Machines(l.t.Context(), fleet.Selector{Keys: []string{"Schedule", "Strict"}}) {
			l.must(err)
			all = append(all, m)
		}
	}
	return all
}

// check holds every machine against what its schedule and its people wanted at
// the last tick.
func (l *life) check(now time.Time) {
	for _, m := range l.machines() {
		if !m.Eligible() || strings.HasPrefix(m.Tags[fleet.TagLast], "refused") {
			continue
		}
		name, strict := m.Tags["Schedule"], m.Tags["Strict"] != ""
		if strict {
			name = "office"
		}
		named, err := l.s.Config.Find(name, nil)
		l.must(err)
		override, _ := fleet.ParseOverride(m.Tags[fleet.TagOverride])
		want, since := wantedSince(named.Schedule, override, now)
		if !strict && !l.byHand[m.ID].Before(since) && !since.IsZero() { // a person has decided since
			// Auto Scaling does not tell when people resize a group.
			if wish := l.wish[m.ID]; m.State != wish && string(m.State) == string(want) && m.Kind != fleet.KindGroup {
				l.t.Fatalf("%s: %s %s (%s) is %s; %s has wanted that since %s, but a person made it %s at %s; override %q; mark %q; started %s, stopped %s",
					now, m.Kind, m.ID, m.Name(), m.State, name, since, wish, l.byHand[m.ID], m.Tags[fleet.TagOverride], m.Tags[fleet.TagLast], m.Started, m.Stopped)
			}
			if string(l.wish[m.ID]) != string(want) {
				l.wishes++
			}
			continue
		}
		if since.IsZero() && !strict {
			continue
		}
		l.checks++
		if string(m.State) != string(want) {
			l.t.Fatalf("%s: %s %s (%s) is %s; %s wants it %s since %s; by hand %s; override %q; mark %q; started %s, stopped %s, %s",
				now, m.Kind, m.ID, m.Name(), m.State, name, want, since, l.byHand[m.ID], m.Tags[fleet.TagOverride], m.Tags[fleet.TagLast], m.Started, m.Stopped, m.Why)
		}
	}
}

// wantedSince is what is wanted of a machine and since when, found by going
// back in time. It is written to be obvious.
func wantedSince(s *schedule.Schedule, override fleet.Override, now time.Time) (schedule.State, time.Time) {
	kept := func(t time.Time) bool { return !t.Before(override.Since) && t.Before(override.Until) }
	at := func(t time.Time) schedule.State {
		if kept(t) {
			return schedule.State(override.State)
		}
		return s.At(t)
	}
	state, t := at(now), now
	for {
		candidates := []time.Time{override.Since, override.Until}
		if last, ok := s.Last(t); ok {
			candidates = append(candidates, last.At)
		}
		latest := time.Time{}
		for _, c := range candidates {
			if !c.After(t) && c.After(latest) {
				latest = c
			}
		}
		switch {
		case latest.IsZero():
			return state, latest
		case at(latest.Add(-1)) != state:
			return state, latest
		case s.OneSided() && !kept(latest) && latest.Equal(candidates[len(candidates)-1]):
			return state, latest
		}
		t = latest.Add(-1)
	}
}

func (l *life) must(err error) {
	l.t.Helper()
	if err != nil {
		l.t.Fatal(err)
	}
}

// period is a number of days from a date on.
type period struct {
	from string
	days int
}

// periods are the days of the year that are lived through: by default those with
// changes of the clock, holidays and ends of months, and the whole year where
// NIGHTSHIFT_TEST_YEAR=1, which .ci/run sets.
func periods() []period {
	if os.Getenv("NIGHTSHIFT_TEST_YEAR") == "1" {
		return []period{{"2026-01-01", 365}}
	}
	spring := period{"2026-03-26", 14} // Berlin on 29 March, a month's end, Lord Howe on 5 April
	if testing.Short() || raceDetector {
		return []period{{"2026-01-01", 5}, spring}
	}
	return []period{
		{"2026-01-01", 5}, // a holiday
		spring,
		{"2026-10-24", 10}, // Berlin on 25 October, New York on 1 November
	}
}

// live goes through the days of all periods; between them nothing ticks. Where
// forgetful is true, everything that nightshift has on disk is lost every
// night, and its process with it. It says how many days it went through.
func (l *life) live(all []period, forgetful bool) (end map[fleet.ResourceID]string, days int) {
	l.t.Helper()
	for _, s := range all {
		from, err := time.Parse(time.DateOnly, s.from)
		l.must(err)
		if gap := from.Sub(l.account.Now()); gap > 0 {
			l.account.Advance(gap)
			l.trouble = l.account.Now()
		}
		l.days(s.days, forgetful)
		days += s.days
	}
	for range 5 { // the last hours are quiet
		l.tick()
		l.account.Advance(time.Hour)
	}
	tick := l.account.Now()
	l.tick()
	l.account.Advance(10 * time.Minute)
	l.check(tick)
	end = map[fleet.ResourceID]string{}
	for _, m := range l.machines() {
		end[m.ID] = string(m.State)
	}
	return end, days
}

// days goes through some days, and looks at the machines twice in each.
func (l *life) days(n int, forgetful bool) {
	l.t.Helper()
	for half := range 2 * n {
		for range 12 {
			l.hour()
		}
		if forgetful && half%2 == 1 {
			l.must(os.RemoveAll(l.journal))
			if half%14 == 1 {
				l.open(l.endpoint)
			}
		}
		tick := l.account.Now()
		l.tick()
		l.account.Advance(5 * time.Minute)
		if tick.Sub(l.trouble) > 5*time.Hour {
			l.check(tick)
		}
	}
}

func TestYear(t *testing.T) {
	t.Parallel()
	ends := make([]map[fleet.ResourceID]string, 2)
	t.Run("lives", func(t *testing.T) {
		for n, name := range []string{"with a journal", "without a memory"} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				l := newLife(t, 7, false)
				var days int
				ends[n], days = l.live(periods(), n == 1)
				if l.checks < days*6 {
					t.Errorf("only %d checks in %d days", l.checks, days)
				}
				if l.wishes < days/15 {
					t.Errorf("only %d wishes of people were looked at in %d days", l.wishes, days)
				}
				records, errs := journal.Read(context.Background(), blob.Folder(l.journal), journal.Query{Last: 10})
				if len(records) == 0 || len(errs) > 0 {
					t.Errorf("%d records in the journal, %v", len(records), errs)
				}
			})
		}
	})
	if diff := cmp.Diff(ends[0], ends[1]); diff != "" {
		t.Error("without a memory it ends differently: " + diff)
	}
}

// Databases, which AWS itself starts after a week, and Auto Scaling groups.
func TestWeeksWithDatabasesAndGroups(t *testing.T) {
	t.Parallel()
	days := 10
	if os.Getenv("NIGHTSHIFT_TEST_YEAR") == "1" {
		days = 42
	}
	l := newLife(t, 11, true)
	l.live([]period{{"2026-01-01", days}}, true)
	if !slices.ContainsFunc(l.machines(), func(m fleet.Machine) bool { return m.Kind == fleet.KindGroup }) {
		t.Error("the group is gone")
	}
}
