package web

import (
	"cmp"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"nightshift/internal/config"
	"nightshift/internal/fleet"
	"nightshift/internal/power"
	"nightshift/internal/schedule"
	"nightshift/internal/text"
	"nightshift/internal/watch"
)

// estate is a State with what every page asks of it. It is worked out once for each
// State; now is that of the request.
type estate struct {
	*watch.State
	texts texts
	zone  *time.Location
	now   time.Time
	// machines are in the order in which lists show them.
	machines  []*machine
	byID      map[fleet.ResourceID][]*machine
	schedules map[string]*schedule.Schedule
	accounts  []choice
	// volumes are in the order of the list of backups.
	volumes []*volume
}

// machine is a machine with what the pages show of it in lists.
type machine struct {
	*power.Step
	target *watch.Target
	// name is what people call it, short the same for lists: a tag may be long.
	name, short string
	link        string
	// condition is how it is doing, failure the newest act where that failed.
	condition condition
	failure   *watch.Act
	// next is what is asked of it from Desired.Until on.
	next schedule.State
	// words are what a search looks through.
	words string
	order string // see sortKey
}

// The longest names, schedules, reasons and messages in lists. The page of a machine has its own
// in full.
const (
	longName     = 80
	longSchedule = 30
	longReason   = 160
	longMessage  = 300
)

// condition says how a machine is doing. Its values are those of the filter.
type condition string

const (
	failed        condition = "failed"
	outOfSchedule condition = "out-of-schedule"
	manual        condition = "manual"
	skipped       condition = "skipped"
	noChange      condition = "no-change"
)

// severity is the order of conditions in lists.
func (c condition) severity() int {
	return slices.Index([]condition{failed, outOfSchedule, manual, noChange, skipped}, c)
}

// estate is what is known now.
func (p *pages) estate() *estate {
	state := p.State()
	known := p.known.Load()
	if known == nil || known.State != state {
		known = p.workOut(state)
		p.known.Store(known)
	}
	e := *known
	e.now = p.Now()
	return &e
}

func (p *pages) workOut(state *watch.State) *estate {
	e := &estate{
		State: state, texts: p.texts, zone: time.UTC,
		byID: map[fleet.ResourceID][]*machine{}, schedules: map[string]*schedule.Schedule{},
	}
	if c := state.Config.Value; c != nil {
		if c.Zone != nil {
			e.zone = c.Zone
		}
		for _, s := range c.Schedules {
			if s.Schedule != nil {
				e.schedules[s.Name] = s.Schedule
			}
		}
	}
	for n := range state.Targets {
		target := &state.Targets[n]
		if id := string(target.Account); !slices.ContainsFunc(e.accounts, func(c choice) bool { return c.Value == id }) {
			e.accounts = append(e.accounts, choice{Value: id, Text: accountName(target)})
		}
		for k := range target.Steps {
			m := e.machine(target, &target.Steps[k])
			e.machines = append(e.machines, m)
			e.byID[m.Machine.ID] = append(e.byID[m.Machine.ID], m)
		}
	}
	for _, m := range e.machines {
		m.link = "/machines/" + url.PathEscape(string(m.Machine.ID))
		if len(e.byID[m.Machine.ID]) > 1 {
			m.link += "?" + url.Values{"in": {m.place()}}.Encode()
		}
	}
	for n, m := range e.machines {
		m.order = m.sortKey(n)
	}
	slices.SortFunc(e.machines, func(a, b *machine) int { return strings.Compare(a.order, b.order) })
	e.workOutVolumes()
	return e
}

func (e *estate) machine(target *watch.Target, step *power.Step) *machine {
	m := &machine{Step: step, target: target, name: text.Printable(step.Machine.Name())}
	if strings.TrimSpace(m.name) == "" {
		m.name = string(step.Machine.ID)
	}
	m.short = text.Clip(m.name, longName)
	m.condition, m.failure = conditionOf(step, e.Acts[target.Key(step.Machine)])
	if until := step.Desired.Until; step.Desired.Schedule != "" {
		if s := e.resolve(step.Desired.Schedule); s != nil && !until.IsZero() {
			m.next = step.Desired.Ahead(s, until, until.Add(1))[0].State
		}
	}
	var words strings.Builder
	for _, word := range []string{m.name, string(step.Machine.ID), string(step.Machine.Type), target.AccountName, string(target.Account), string(target.Region), step.Desired.Schedule} {
		words.WriteString(word)
		words.WriteByte('\n')
	}
	for key, value := range step.Machine.Tags {
		if !strings.HasPrefix(key, fleet.OwnTagPrefix) {
			words.WriteString(key)
			words.WriteByte('=')
			words.WriteString(value)
			words.WriteByte('\n')
		}
	}
	m.words = strings.ToLower(words.String())
	return m
}

// acted is 1 for a machine on which an act failed: what is down comes before what has
// a wrong tag.
func acted(m *machine) int {
	if m.failure != nil || watch.FellBack(*m.Step) {
		return 1
	}
	return 0
}

// clockError is by how much the clock that records follow may differ from that of AWS,
// which schedules follow.
const clockError = time.Minute

// conditionOf says how a machine is doing, with the newest try to reach the desired state
// where that failed and has not been made good.
func conditionOf(step *power.Step, acts []watch.Act) (condition, *watch.Act) {
	switch out := watch.OutOfSchedule(*step); {
	case step.Invalid, watch.FellBack(*step):
		return failed, nil
	case out:
		if try := newestTry(step.Desired, acts); try != nil && try.Result == fleet.Failed {
			return failed, try
		}
		return outOfSchedule, nil
	case watch.Manual(*step):
		return manual, nil
	case step.Reason.Code == "as-wanted", step.Reason.Code == "started-early":
		return noChange, nil
	}
	return skipped, nil
}

// newestTry is the newest act that was to reach a desired state, nil where there was none
// since it changed.
func newestTry(d power.Desired, acts []watch.Act) *watch.Act {
	action := power.Start
	if d.State == schedule.Stopped {
		action = power.Stop
	}
	n := slices.IndexFunc(acts, func(a watch.Act) bool { return a.Action == action })
	if n < 0 || acts[n].At.Before(d.Since.Add(-clockError)) {
		return nil
	}
	return &acts[n]
}

// resolve finds the schedule of a name or an inline form that a machine has, and
// remembers it; nil where there is none.
func (e *estate) resolve(name string) *schedule.Schedule {
	s, known := e.schedules[name]
	if known || name == "" || e.Config.Value == nil {
		return s
	}
	if named, err := e.Config.Value.Find(name, nil); err == nil {
		s = named.Schedule
	}
	e.schedules[name] = s
	return s
}

// overridden reports whether an override decides about a machine now.
func (m *machine) overridden(now time.Time) bool { return m.Desired.Override.Holds(now) }

// actsOf are what runs did with a machine, the newest first.
func (e *estate) actsOf(m *machine) []watch.Act { return e.Acts[m.target.Key(m.Machine)] }

// runs reports whether a machine runs, or is about to.
func (m *machine) runs() bool {
	return m.Machine.State == fleet.Running || m.Machine.State == fleet.Pending
}

// place is the account and the region of a machine, as links write it.
func (m *machine) place() string {
	return string(m.target.Account) + "/" + string(m.target.Region)
}

// managed reports whether some schedule is for the machine.
func (m *machine) managed() bool { return m.Desired.Schedule != "" && m.Reason.Code != power.Ignored }

// accountName is what people call an account: its name, else its id.
func accountName(t *watch.Target) string {
	return text.Printable(cmp.Or(t.AccountName, string(t.Account)))
}

// configured are the schedules of the file, in its order.
func (e *estate) configured() []config.Schedule {
	if e.Config.Value == nil {
		return nil
	}
	return e.Config.Value.Schedules
}

// choice is an option of a form.
type choice struct {
	Value, Text string
	Chosen      bool
}

// stale is the age from which on machines and runs are called old: three times the time
// between two sweeps, which is up to twice as long while a job runs.
func (e *estate) stale() time.Duration { return 3 * e.SweepEvery }

// tick is the time between two runs of the job power.
func (e *estate) tick() time.Duration {
	if c := e.Config.Value; c != nil {
		if every := c.Job(config.JobPower).Interval(); every > 0 {
			return every
		}
	}
	return 5 * time.Minute
}

// Starting is true until the machines have been read once.
func (e *estate) Starting() bool { return e.Machines.At.IsZero() && e.Machines.Err == "" }

// sortKey is what lists are sorted by: what needs attention first, then the names as
// people sort them, web-2 before web-10. It is made once for each machine, because a
// large estate is compared often. number tells apart what is the same otherwise.
func (m *machine) sortKey(number int) string {
	key := fmt.Appendf(make([]byte, 0, 100), "%d%d", m.condition.severity(), 1-acted(m))
	name := m.name
	for name != "" {
		digits := leadingDigits(name)
		if digits == "" {
			key, name = append(key, name[0]), name[1:]
			continue
		}
		// Any digit, for what has none in this place, then the number by its length.
		short := strings.TrimLeft(digits, "0")
		key = fmt.Appendf(key, "0%04d%s%04d", len(short), short, len(digits))
		name = name[len(digits):]
	}
	return string(fmt.Appendf(key, "\x00%s\x00%09d", m.Machine.ID, number))
}

func leadingDigits(s string) string { return s[:len(s)-len(strings.TrimLeft(s, "0123456789"))] }
