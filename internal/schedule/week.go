package schedule

import (
	"math"
	"time"
)

// Week is what a schedule asks for in seven local days. Times are in its zone.
type Week struct {
	Schedule string    `json:"schedule"` // its name
	Zone     string    `json:"timezone"`
	From     time.Time `json:"from"`
	To       time.Time `json:"to"`
	// Running is how long it runs for certain, Unmanaged how long people
	// decide. Of a schedule that only starts or only stops that is all the
	// time, and Transitions are when it acts.
	Running     float64      `json:"running_hours"`
	Unmanaged   float64      `json:"unmanaged_hours"`
	Share       float64      `json:"running_share"`
	OneSided    bool         `json:"one_sided,omitempty"`
	Days        []WeekDay    `json:"days"`
	Spans       []Span       `json:"spans"`
	Transitions []Transition `json:"edges,omitempty"`
}

// WeekDay is one local day: clock changes give it 23 or 25 hours.
type WeekDay struct {
	Date    string  `json:"date"`
	Hours   float64 `json:"hours"`
	Running float64 `json:"running_hours"`
}

// Span is a time in which the desired state stays.
type Span struct {
	From  time.Time `json:"from"`
	To    time.Time `json:"to"`
	State State     `json:"state"`
}

// Part is an equal part of a local day by the clock: how much of it is running,
// left to people, and there at all. Clock changes make parts longer, or skip
// them. Starts and Stops are transitions of a schedule that only starts or only
// stops.
type Part struct {
	Running, Unmanaged, Whole time.Duration
	Starts, Stops             bool
}

// Week looks at the seven local days from the date of a time on.
func (s *Schedule) Week(name string, first time.Time) Week {
	first = dateIn(first)
	bounds := make([]time.Time, 8)
	for i := range bounds {
		bounds[i] = firstInstant(first.AddDate(0, 0, i), s.zone)
	}
	w := Week{
		Schedule: name, Zone: s.zone.String(), From: bounds[0], To: bounds[7],
		OneSided: s.OneSided(), Spans: s.spans(bounds[0], bounds[7]),
	}
	if w.OneSided {
		for next, ok := s.Next(w.From.Add(-time.Second)); ok && next.At.Before(w.To); next, ok = s.Next(next.At) {
			w.Transitions = append(w.Transitions, next)
		}
	}
	for i := range 7 {
		w.Days = append(w.Days, WeekDay{
			Date: first.AddDate(0, 0, i).Format(time.DateOnly), Hours: hours(bounds[i+1].Sub(bounds[i])),
			Running: hours(w.in(Running, bounds[i], bounds[i+1])),
		})
	}
	w.Running = hours(w.in(Running, w.From, w.To))
	w.Unmanaged = hours(w.in(Unmanaged, w.From, w.To))
	w.Share = math.Round(w.Running/hours(w.To.Sub(w.From))*1000) / 1000
	return w
}

// Monday is the Monday of the week of a time by its own clock, as midnight in UTC.
func Monday(t time.Time) time.Time { return dateIn(t).AddDate(0, 0, -(int(t.Weekday())+6)%7) }

// Parts cuts the local days of a week into equal parts of the clock.
func (w Week) Parts(aDay int) [][]Part {
	days := make([][]Part, len(w.Days))
	for i := range days {
		days[i] = make([]Part, aDay)
	}
	at := func(t time.Time) *Part {
		day, part := w.Place(t, aDay)
		return &days[day][part]
	}
	for _, s := range w.Spans {
		for t := s.From; t.Before(s.To); {
			end := t.Truncate(quarter).Add(quarter)
			if end.After(s.To) {
				end = s.To
			}
			p := at(t)
			p.Whole += end.Sub(t)
			switch s.State {
			case Running:
				p.Running += end.Sub(t)
			case Unmanaged:
				p.Unmanaged += end.Sub(t)
			default: // stopped
			}
			t = end
		}
	}
	for _, e := range w.Transitions {
		p := at(e.At)
		p.Starts = p.Starts || e.State == Running
		p.Stops = p.Stops || e.State == Stopped
	}
	return days
}

// Place is the day of the week and the part of that day in which an instant of
// the week lies.
func (w Week) Place(t time.Time, aDay int) (day, part int) {
	local := t.In(w.From.Location())
	day = int(dateIn(local).Sub(dateIn(w.From)) / (24 * time.Hour))
	return day, (local.Hour()*60 + local.Minute()) * aDay / (24 * 60)
}

// quarter is the grid on which the zones' clocks change. (No zone has changed
// them at other times since 1972.)
const quarter = 15 * time.Minute

// firstInstant is when a local day begins, whatever the clocks do there: the
// first quarter of an hour that has its date or a later one.
func firstInstant(date time.Time, zone *time.Location) time.Time {
	t := date.Add(-16 * time.Hour) // no zone is further ahead
	for date.After(dateIn(t.In(zone))) {
		t = t.Add(quarter)
	}
	return t.In(zone)
}

// dateIn is the date of a local time, as midnight in UTC.
func dateIn(local time.Time) time.Time {
	year, month, day := local.Date()
	return time.Date(year, month, day, 0, 0, 0, 0, time.UTC)
}

// spans cuts a time where the desired state changes. What a schedule that only
// starts or only stops asks for is done once; it then leaves the machines to
// people.
func (s *Schedule) spans(from, to time.Time) []Span {
	if s.OneSided() {
		return []Span{{from, to, Unmanaged}}
	}
	spans := []Span{}
	for from.Before(to) {
		state, end := s.At(from), to
		if next, ok := s.Next(from); ok && next.At.Before(to) {
			end = next.At
		}
		if last := len(spans) - 1; last >= 0 && spans[last].State == state {
			spans[last].To = end
		} else {
			spans = append(spans, Span{from, end, state})
		}
		from = end
	}
	return spans
}

// in adds up the time of a state in [from, to).
func (w Week) in(state State, from, to time.Time) time.Duration {
	var total time.Duration
	for _, s := range w.Spans {
		if s.State != state {
			continue
		}
		begin, end := s.From, s.To
		if begin.Before(from) {
			begin = from
		}
		if end.After(to) {
			end = to
		}
		total += max(0, end.Sub(begin))
	}
	return total
}

// hours is a duration in hours with two decimals.
func hours(d time.Duration) float64 { return math.Round(d.Hours()*100) / 100 }
