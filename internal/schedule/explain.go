package schedule

import "time"

// Within says what decides at an instant: a window ("Mon-Fri 08:00-19:00",
// "unmanaged Sat 10:00-14:00", "always"), a day of a calendar ("off
// 2026-12-25"), the last start or stop ("stop Mon-Fri 19:00"), "never", or
// "outside all windows". Of several windows it is the first.
func (s *Schedule) Within(t time.Time) string {
	at := min(max(t.Unix(), 0), horizon-1)
	p := s.planAround(at)
	if s.dayTimes {
		return s.lastDayTime(at)
	}
	for _, list := range []struct {
		name string
		days Calendar
	}{{"on", s.on}, {"off", s.off}} {
		if date, ok := p.dateWithin(list.days, at); ok {
			return list.name + " " + date.String()
		}
	}
	if w, ok := p.windowAt(s.def.Running, at); ok {
		return w.String()
	}
	if w, ok := p.windowAt(s.def.Unmanaged, at); ok {
		return "unmanaged " + w.String()
	}
	if s.def.Never {
		return "never"
	}
	day := dateOf(p.clocks.dayAt(at))
	if s.weekend.Has(day) {
		return "outside all windows (" + day.String() + " counts as a Sunday)"
	}
	return "outside all windows"
}

// planAround prepares the search for what covers one instant.
func (s *Schedule) planAround(at int64) *plan {
	const slack = 2
	first, last := floorDay(at)-s.reach-slack, floorDay(at)+slack
	return &plan{
		schedule: s,
		clocks:   wallBetween(s.zone, int64(first-slack)*daySeconds, int64(last+s.reach+slack)*daySeconds),
		months:   monthsBetween(first, last),
		first:    first, last: last,
		from: at, to: at + 1,
	}
}

func (p *plan) dateWithin(c Calendar, at int64) (date Date, found bool) {
	if c.empty() {
		return Date{}, false
	}
	day := Window{end: dayMinutes}
	p.each(c.in, func(number int) {
		if from, to, ok := day.interval(p.clocks, number); ok && from <= at && at < to {
			date, found = dateOf(number), true
		}
	})
	return date, found
}

func (p *plan) windowAt(windows []Window, at int64) (Window, bool) {
	s := p.schedule
	for _, w := range windows {
		found := w.always
		p.each(func(m month) days { return w.days.in(m, s.weekend.in(m)) }, func(day int) {
			if from, to, ok := w.interval(p.clocks, day); ok && from <= at && at < to {
				found = true
			}
		})
		if found {
			return w, true
		}
	}
	return Window{}, false
}

// lastDayTime names the start or stop that came last.
func (s *Schedule) lastDayTime(at int64) string {
	m, ok := s.lastMark(at, s.block)
	if !ok {
		return "before the first start or stop"
	}
	p := s.planAround(m.at())
	dayTimes, stop, frozen, name := s.def.Start, false, s.off, "start "
	if m.state() == Stopped {
		dayTimes, stop, frozen, name = s.def.Stop, true, s.on, "stop "
	}
	for _, e := range dayTimes {
		found := false
		p.each(func(m month) days { return e.days.in(m, s.weekend.in(m)) &^ frozen.in(m) }, func(day int) {
			if at, ok := e.instant(p.clocks, day, stop); ok && at == p.from {
				found = true
			}
		})
		if found {
			return name + e.String()
		}
	}
	return name
}
