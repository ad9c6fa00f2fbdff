package schedule

import (
	"math/bits"
	"slices"
	"time"
)

// Transition is an instant, in the schedule's zone, and what the schedule
// asks for from then on.
type Transition struct {
	At    time.Time `json:"at"`
	State State     `json:"state"`
}

// Outlook is the state of a schedule at a time, and its transitions before and
// after it. Times are in the schedule's zone; nil where there is none.
type Outlook struct {
	Schedule    string       `json:"schedule"` // its name
	Zone        string       `json:"timezone"`
	At          time.Time    `json:"at"`
	State       State        `json:"state"`
	Last        *time.Time   `json:"last"`
	Next        *time.Time   `json:"next"`
	Transitions []Transition `json:"transitions"`
}

// Outlook looks from a time on at up to n transitions.
func (s *Schedule) Outlook(name string, now time.Time, count int) Outlook {
	now = now.In(s.zone).Truncate(time.Second)
	o := Outlook{Schedule: name, Zone: s.zone.String(), At: now, State: s.At(now), Transitions: []Transition{}}
	if last, ok := s.Last(now); ok {
		o.Last = &last.At
	}
	for next, ok := s.Next(now); ok && len(o.Transitions) < count; next, ok = s.Next(next.At) {
		o.Transitions = append(o.Transitions, next)
	}
	if len(o.Transitions) > 0 {
		o.Next = &o.Transitions[0].At
	}
	return o
}

// At is what the schedule asks for at an instant: before 1970 and after 2100
// what it asks for at the nearer end of that time. A schedule of start and stop
// times does not act on the machine before its first start or stop.
func (s *Schedule) At(t time.Time) State {
	at := t.Unix()
	return s.block(blockOf(at)).at(at)
}

// Next is the first transition after an instant; false where there is none up
// to the end of 2100.
func (s *Schedule) Next(t time.Time) (Transition, bool) {
	at := t.Unix()
	for k := blockOf(at); k <= lastBlock; {
		if quiet := s.cache.quiet.Load(); quiet != nil && quiet.has(k) {
			k = quiet.to + 1
			continue
		}
		b := s.block(k)
		if i := b.after(at); i < len(b.marks) {
			return s.transition(b.marks[i]), true
		}
		s.cache.note(b)
		k++
	}
	return Transition{}, false
}

// Last is the latest transition at or before an instant; false where there is
// none since 1970.
func (s *Schedule) Last(t time.Time) (Transition, bool) {
	at := t.Unix()
	m, ok := s.lastMark(at, s.block)
	if !ok {
		return Transition{}, false
	}
	return s.transition(m), true
}

func (s *Schedule) lastMark(at int64, block func(int64) *block) (mark, bool) {
	for k := blockOf(at); k >= firstBlock; {
		if quiet := s.cache.quiet.Load(); quiet != nil && quiet.has(k) {
			k = quiet.from - 1
			continue
		}
		b := block(k)
		if i := b.after(at); i > 0 {
			return b.marks[i-1], true
		}
		s.cache.note(b)
		k--
	}
	return 0, false
}

// Running is how long the schedule asks the machine to run in [from, to), in
// real time: an hour that the clock repeats counts twice.
func (s *Schedule) Running(from, to time.Time) time.Duration {
	var total time.Duration
	for from.Before(to) {
		end := to
		next, ok := s.Next(from)
		if ok && next.At.Before(to) {
			end = next.At
		}
		if s.At(from) == Running {
			total += end.Sub(from)
		}
		from = end
	}
	return total
}

func (s *Schedule) transition(m mark) Transition {
	return Transition{At: time.Unix(m.at(), 0).In(s.zone), State: m.state()}
}

// The layers of a schedule of windows, in the order in which they win.
const (
	layerOn = iota
	layerOff
	layerRunning
	layerUnmanaged
	layers
)

// event is the begin or the end of an interval of a layer: Unix seconds * 8 +
// layer * 2 + 1 for a begin. Events sort by time.
type event int64

func begins(at int64, layer int) event { return event(at<<3 | int64(layer)<<1 | 1) }
func ends(at int64, layer int) event   { return event(at<<3 | int64(layer)<<1) }

// build computes a block from the definition alone.
func (s *Schedule) build(k int64) *block {
	from, to := k*blockSeconds, min((k+1)*blockSeconds, horizon)
	// Local days differ from UTC's by at most one; a day that moved across the
	// date line makes it two.
	const slack = 2
	first, last := floorDay(from)-s.reach-slack, floorDay(to)+slack
	p := plan{
		schedule: s,
		clocks:   wallBetween(s.zone, int64(first-slack)*daySeconds, int64(last+s.reach+slack)*daySeconds),
		months:   monthsBetween(first, last),
		first:    first, last: last,
		from: from, to: to,
	}
	b := &block{number: k, before: Stopped}
	if s.dayTimes {
		b.marks = p.dayTimeMarks()
		b.before = "" // block fills it in
		return b
	}
	b.before, b.marks = p.windowMarks()
	return b
}

// plan is the work of building one block.
type plan struct {
	schedule    *Schedule
	clocks      wall
	months      []month
	first, last int   // the local days to look at
	from, to    int64 // the instants to answer for
	events      []event
}

// each calls do with the matching days.
func (p *plan) each(match func(month) days, do func(day int)) {
	for _, m := range p.months {
		set := match(m) & m.between(p.first, p.last)
		for ; set != 0; set &= set - 1 {
			do(m.first + bits.TrailingZeros32(uint32(set)) - 1)
		}
	}
}

func (p *plan) add(layer int, from, to int64) {
	if to >= p.from && from < p.to {
		p.events = append(p.events, begins(from, layer), ends(to, layer))
	}
}

func (p *plan) windows(layer int, windows []Window) {
	s := p.schedule
	for _, w := range windows {
		if w.always {
			continue
		}
		p.each(func(m month) days { return w.days.in(m, s.weekend.in(m)) }, func(day int) {
			if from, to, ok := w.interval(p.clocks, day); ok {
				p.add(layer, from, to)
			}
		})
	}
}

func (p *plan) wholeDays(layer int, c Calendar) {
	if c.empty() {
		return
	}
	day := Window{end: dayMinutes}
	p.each(c.in, func(number int) {
		if from, to, ok := day.interval(p.clocks, number); ok {
			p.add(layer, from, to)
		}
	})
}

// windowMarks sweeps over the begins and ends of all layers.
func (p *plan) windowMarks() (before State, marks []mark) {
	s := p.schedule
	p.windows(layerRunning, s.def.Running)
	p.windows(layerUnmanaged, s.def.Unmanaged)
	p.wholeDays(layerOff, s.off)
	p.wholeDays(layerOn, s.on)
	slices.Sort(p.events)

	var open [layers]int
	if s.always {
		open[layerRunning]++
	}
	if s.alwaysUnmanaged {
		open[layerUnmanaged]++
	}
	before = stateOf(open)
	state := before
	for i, e := range p.events {
		change := -1
		if e&1 == 1 {
			change = 1
		}
		open[e>>1&3] += change
		at := int64(e >> 3)
		if i+1 < len(p.events) && int64(p.events[i+1]>>3) == at {
			continue // several at one instant are one change
		}
		now := stateOf(open)
		switch {
		case at < p.from:
			before, state = now, now
		case at < p.to && now != state:
			marks = append(marks, markOf(at, now))
			state = now
		}
	}
	return before, marks
}

func stateOf(open [layers]int) State {
	switch {
	case open[layerOn] > 0:
		return Running
	case open[layerOff] > 0:
		return Stopped
	case open[layerRunning] > 0:
		return Running
	case open[layerUnmanaged] > 0:
		return Unmanaged
	}
	return Stopped
}

// dayTimeMarks lists the start and stop times; of two at one instant the start
// stays.
func (p *plan) dayTimeMarks() []mark {
	s := p.schedule
	var marks []mark
	list := func(dayTimes []DayTime, stop bool, state State, frozen Calendar) {
		for _, e := range dayTimes {
			p.each(func(m month) days { return e.days.in(m, s.weekend.in(m)) &^ frozen.in(m) }, func(day int) {
				if at, ok := e.instant(p.clocks, day, stop); ok && at >= p.from && at < p.to {
					marks = append(marks, markOf(at, state))
				}
			})
		}
	}
	list(s.def.Start, false, Running, s.off)
	list(s.def.Stop, true, Stopped, s.on)
	slices.Sort(marks)
	// Running sorts before Stopped.
	return slices.CompactFunc(marks, func(a, b mark) bool { return a.at() == b.at() })
}
