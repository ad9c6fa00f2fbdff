// Package schedule says when a machine should be running, as a pure function
// of time.
//
// A [Definition] is a schedule as people write it: windows such as
// "Mon-Fri 08:00-19:00", or single starts and stops, with calendars of
// holidays. [New] checks it and makes a [Schedule], which answers for any
// instant the desired state ([Schedule.At]) and when that changes
// ([Schedule.Next], [Schedule.Last]).
//
// A window is an interval between two instants. It belongs to the local day on
// which it begins, its end is exclusive, and it may reach into later days.
// Where a clock change skips a wall time, the first instant after the gap is
// meant; where it repeats one, the first occurrence for a start and the last
// for an end. So each window is one interval, never split and never missing: one
// that the clock skips as a whole keeps its length and begins after the gap.
// The end 24:00 is the instant from which on it is the next day. Local days
// that do not exist, where a zone moved across the date line, have no windows.
//
// The package knows the years 1970 to 2100. It reads no clock, and the zones
// come from the time zone database that is embedded into the program.
package schedule

import (
	"slices"
	"time"

	"nightshift/internal/fleet"
)

// State is what a schedule asks of a machine.
type State string

// The states.
const (
	Running   State = "running"
	Stopped   State = "stopped"
	Unmanaged State = "unmanaged" // whatever it is, it stays
)

// maxLines bounds the windows or start and stop times of one list of a
// definition.
const maxLines = 366

// Definition is a schedule as people write it. It has windows, or start and stop
// times, not both. The zero value says nothing and is invalid.
type Definition struct {
	// Zone is where the times are local; nil is the default that New gets.
	Zone *time.Location

	// Running are the windows in which the machine runs. Outside them it is
	// stopped.
	Running []Window
	// Unmanaged are the windows in which it is left as it is. Running wins
	// over Unmanaged.
	Unmanaged []Window
	// Never says that it never runs. An empty Running does not.
	Never bool

	// Start and Stop are start and stop times: the last one decides. With only
	// one of the two the other side is left to people.
	Start, Stop []DayTime

	// Weekend are days on which windows and start and stop times begin as if it
	// were a Sunday. Such a day is not another weekday, no nth weekday of its
	// month and no working day.
	Weekend []Calendar
	// Off are days on which nothing runs, from the day's first instant to its
	// last; windows that reach in are cut. Of start and stop times, the starts
	// of these days are left out.
	Off []Calendar
	// On are days that run through, from the day's first instant to its last.
	// They win over Off. Of start and stop times, the stops of these days are
	// left out, so that a day in both On and Off changes nothing.
	On []Calendar
}

// Schedule is a checked Definition in a time zone. It does not change and may
// be used by several goroutines at once.
type Schedule struct {
	def      Definition
	zone     *time.Location
	dayTimes bool // Start and Stop instead of windows
	// always and alwaysUnmanaged: Running, Unmanaged contains Always.
	always, alwaysUnmanaged bool

	weekend, off, on Calendar

	// reach is how many days before an instant a window may begin that still
	// covers it.
	reach int

	cache cache
}

// New checks a definition. zone is used where the definition has none. These are
// errors of kind fleet.ErrInvalid: a definition that says nothing, windows
// together with start and stop times, a line that does not match any day from
// 1970 to 2100, a schedule that never runs without Never or never stops without
// "always".
func New(def Definition, zone *time.Location) (*Schedule, error) {
	if def.Zone != nil {
		zone = def.Zone
	}
	if zone == nil {
		return nil, fleet.Errorf(fleet.ErrInvalid, "the schedule has no time zone")
	}
	if zone.String() == "Local" {
		return nil, fleet.Errorf(fleet.ErrInvalid, "time zone %q depends on the machine; give a name such as Asia/Seoul", "Local")
	}
	if err := def.check(); err != nil {
		return nil, err
	}
	s := &Schedule{
		def: def.clone(), zone: zone,
		dayTimes:        len(def.Start)+len(def.Stop) > 0,
		always:          slices.Contains(def.Running, Always()),
		alwaysUnmanaged: slices.Contains(def.Unmanaged, Always()),
	}
	for _, list := range []struct {
		to   *Calendar
		from []Calendar
	}{{&s.weekend, def.Weekend}, {&s.off, def.Off}, {&s.on, def.On}} {
		var err error
		if *list.to, err = union(list.from); err != nil {
			return nil, err
		}
	}
	for _, w := range slices.Concat(def.Running, def.Unmanaged) {
		s.reach = max(s.reach, w.endDay+1)
	}
	if err := s.checkLines(); err != nil {
		return nil, err
	}
	return s, s.checkStates()
}

// Definition is what the schedule was made from.
func (s *Schedule) Definition() Definition { return s.def.clone() }

// Zone is where the schedule's times are local.
func (s *Schedule) Zone() *time.Location { return s.zone }

// OneSided reports whether the schedule only starts or only stops.
func (s *Schedule) OneSided() bool {
	return s.dayTimes && (len(s.def.Start) == 0 || len(s.def.Stop) == 0)
}

func (d Definition) clone() Definition {
	d.Running, d.Unmanaged = slices.Clone(d.Running), slices.Clone(d.Unmanaged)
	d.Start, d.Stop = slices.Clone(d.Start), slices.Clone(d.Stop)
	d.Weekend, d.Off, d.On = slices.Clone(d.Weekend), slices.Clone(d.Off), slices.Clone(d.On)
	return d
}

// Equal reports whether two definitions say the same in the same order. Zones
// are equal when their names are.
func (d Definition) Equal(other Definition) bool {
	sameZone := d.Zone == other.Zone || d.Zone != nil && other.Zone != nil && d.Zone.String() == other.Zone.String()
	return sameZone && d.Never == other.Never &&
		slices.Equal(d.Running, other.Running) && slices.Equal(d.Unmanaged, other.Unmanaged) &&
		slices.Equal(d.Start, other.Start) && slices.Equal(d.Stop, other.Stop) &&
		slices.EqualFunc(d.Weekend, other.Weekend, Calendar.Equal) &&
		slices.EqualFunc(d.Off, other.Off, Calendar.Equal) &&
		slices.EqualFunc(d.On, other.On, Calendar.Equal)
}

// check refuses what contradicts itself whatever the zone.
func (d Definition) check() error {
	windows := len(d.Running)+len(d.Unmanaged) > 0 || d.Never
	dayTimes := len(d.Start)+len(d.Stop) > 0
	switch {
	case windows && dayTimes:
		return fleet.Errorf(fleet.ErrInvalid, "a schedule has windows or start and stop times, not both")
	case slices.Contains(d.Running, Always()) && len(d.Unmanaged) > 0:
		return fleet.Errorf(fleet.ErrInvalid, "a schedule that always runs leaves no time unmanaged; give the windows in which it is to run")
	case d.Never && len(d.Running) > 0:
		return fleet.Errorf(fleet.ErrInvalid, "a schedule that never runs has no windows to run in")
	case !d.Never && !dayTimes && len(d.Running) == 0:
		return fleet.Errorf(fleet.ErrInvalid, "the schedule does not say when to run: give a window such as Mon-Fri 08:00-19:00, always or never")
	case max(len(d.Running), len(d.Unmanaged), len(d.Start), len(d.Stop)) > maxLines:
		return fleet.Errorf(fleet.ErrInvalid, "a schedule has at most %d windows", maxLines)
	case slices.Contains(d.Running, Window{}) || slices.Contains(d.Unmanaged, Window{}):
		return fleet.Errorf(fleet.ErrInvalid, "a window is empty: write for example Mon-Fri 08:00-19:00")
	case slices.Contains(d.Start, DayTime{}) || slices.Contains(d.Stop, DayTime{}):
		return fleet.Errorf(fleet.ErrInvalid, "a start or stop is empty: write for example Mon-Fri 19:00")
	case slices.ContainsFunc(d.Start, func(e DayTime) bool { return e.clock == dayMinutes }):
		return fleet.Errorf(fleet.ErrInvalid, "24:00 is only an end; start at 00:00 of the next day")
	}
	return nil
}

// checkLines refuses windows and start and stop times that match no day.
func (s *Schedule) checkLines() error {
	for _, list := range [][]Window{s.def.Running, s.def.Unmanaged} {
		for _, w := range list {
			if !w.always && !s.matches(w.days, Calendar{}) {
				return fleet.Errorf(fleet.ErrInvalid, "%q never happens: no day from %d to %d is like that", w, firstYear, lastYear)
			}
		}
	}
	for _, list := range []struct {
		dayTimes []DayTime
		frozen   Calendar
	}{{s.def.Start, s.off}, {s.def.Stop, s.on}} {
		for _, e := range list.dayTimes {
			if !s.matches(e.days, list.frozen) {
				return fleet.Errorf(fleet.ErrInvalid, "%q never happens: no day from %d to %d is like that", e, firstYear, lastYear)
			}
		}
	}
	return nil
}

// matches reports whether there is a day like that outside a calendar.
func (s *Schedule) matches(d Days, except Calendar) bool {
	from, to := firstYear*12, lastYear*12+11
	if d.dated() {
		from, to = monthIndex(d.from.number()), monthIndex(d.to.number())
	}
	for i := from; i <= to; i++ {
		m := monthAt(i)
		if d.in(m, s.weekend.in(m))&^except.in(m) != 0 {
			return true
		}
	}
	return false
}

// checkStates refuses schedules that never run or never stop without saying
// so. Nearly all show both within weeks of any time, so the search begins in
// the years that people write about.
func (s *Schedule) checkStates() error {
	if s.dayTimes {
		return nil
	}
	const recent = 1577836800 >> blockShift // 2020
	runs, stops := s.def.Never || s.always, s.always
	see := func(state State) {
		runs = runs || state == Running
		stops = stops || state != Running
	}
	for i := int64(0); i <= lastBlock && (!runs || !stops); i++ {
		b := s.build((recent + i) % (lastBlock + 1))
		see(b.before)
		for _, m := range b.marks {
			see(m.state())
		}
	}
	switch {
	case !runs:
		return fleet.Errorf(fleet.ErrInvalid, "the schedule never runs from %d to %d; write never if that is meant", firstYear, lastYear)
	case !stops:
		return fleet.Errorf(fleet.ErrInvalid, "the schedule never stops from %d to %d; write always if that is meant", firstYear, lastYear)
	}
	return nil
}
