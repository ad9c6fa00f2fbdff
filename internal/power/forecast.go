package power

import (
	"cmp"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strconv"
	"time"

	"nightshift/internal/fleet"
	"nightshift/internal/price"
	"nightshift/internal/schedule"
)

// Scheduled is one machine of a forecast, with the schedule that it follows.
type Scheduled struct {
	Kind fleet.Kind
	// Name is the name of the schedule, or its text.
	Name     string
	Schedule *schedule.Schedule
	// Lead is by how much starts are advanced.
	Lead time.Duration
	// Hourly is what an hour of running costs, if Priced is true.
	Hourly price.USD
	Priced bool

	key string // of the schedule in a Ramp
}

// With is the machine with its starts advanced by a ramp, too, which had to be
// counted first.
func (s Scheduled) With(ramp Ramp) Scheduled {
	s.Lead += ramp[s.key]
	return s
}

// Scheduled is a machine as a forecast sees it, without a price; false where nobody
// stops and starts it by a schedule: no rule is for it, something is in the way
// (Blocked), or an error is.
func (rs *RuleSet) Scheduled(m fleet.Machine, ramp Ramp) (Scheduled, bool) {
	n, ok := rs.rule(m)
	if !ok || rs.Blocked(m) != (fleet.Reason{}) || m.State == fleet.Terminated || m.State == fleet.ShuttingDown {
		return Scheduled{}, false
	}
	a := rs.named(n, m)
	if a.err != nil || a.named.Ignore {
		return Scheduled{}, false
	}
	s := Scheduled{Kind: m.Kind, Name: a.named.Name, Schedule: a.named.Schedule, Lead: rs.rules.Rules[n].Ready, key: a.key}
	return s.With(ramp), true
}

// Blocked is why no schedule would stop a machine: it is ineligible, a rule or
// its tag says that it is skipped, or it had stop protection on when it was
// last asked to stop. The zero Reason: nothing is in the way.
func (rs *RuleSet) Blocked(m fleet.Machine) fleet.Reason {
	n, ok := rs.rule(m)
	if ok {
		m = rs.rules.Rules[n].include(m)
	}
	switch {
	case !m.Eligible():
		return m.Ineligible.Reason()
	case fleet.ParseMark(m.Tags[fleet.TagLast]).Action == fleet.MarkRefused:
		return fleet.Reason{Code: "stop-protected", Text: "has stop protection on (disableApiStop)"}
	case !ok:
		return fleet.Reason{}
	case rs.rules.Rules[n].Ignore:
		return fleet.Reason{Code: "ignored", Text: fmt.Sprintf("is left alone by rule %d", n+1)}
	}
	if a := rs.named(n, m); a.err == nil && a.named.Ignore {
		return fleet.Reason{Code: "ignored", Text: "its tag says that it is left alone"}
	}
	return fleet.Reason{}
}

// MachineTime is time summed over machines, in seconds. (A time.Duration ends
// at 292 years; four thousand machines run that long in a month.)
type MachineTime int64

// Hours is the time in hours.
func (t MachineTime) Hours() float64 { return float64(t) / 3600 }

// MarshalJSON writes hours, with up to two decimals.
func (t MachineTime) MarshalJSON() ([]byte, error) {
	hundredths := (int64(t) + 18) / 36
	return strconv.AppendFloat(nil, float64(hundredths)/100, 'f', -1, 64), nil
}

// UnmarshalJSON reads hours.
func (t *MachineTime) UnmarshalJSON(data []byte) error {
	var hours float64
	if err := json.Unmarshal(data, &hours); err != nil {
		return err
	}
	*t = MachineTime(math.Round(hours * 3600))
	return nil
}

// Forecast is what schedules make of the time from From to To.
type Forecast struct {
	From  time.Time      `json:"from"`
	To    time.Time      `json:"to"`
	Lines []ForecastLine `json:"schedules"`
	Total ForecastLine   `json:"total"`
}

// ForecastLine sums up the machines of one schedule. AlwaysOn = Desired + Saved,
// in time and in money.
type ForecastLine struct {
	Schedule string `json:"schedule,omitempty"`
	Machines int    `json:"machines"`
	// AlwaysOn is the time of machines that never stop.
	AlwaysOn MachineTime `json:"always_on_hours"`
	// Desired is the time for which the schedule asks for them, and the
	// time that is not known.
	Desired MachineTime `json:"wanted_hours"`
	// Unknown is the part of Desired in which the schedule leaves the machines
	// to people: they are assumed to run. All of a schedule that only starts
	// or only stops is of that kind.
	Unknown MachineTime `json:"unknown_hours"`
	Saved   MachineTime `json:"saved_hours"`

	// The money of those machines that have a price.
	AlwaysOnUSD price.USD `json:"always_on_usd"`
	DesiredUSD  price.USD `json:"wanted_usd"`
	SavedUSD    price.USD `json:"saved_usd"`
	// Unpriced counts the machines whose money is not in it.
	Unpriced int `json:"unpriced"`
}

// MakeForecast says how long machines will run from an instant to another if
// nobody acts manually, and what that saves against running all the time. Lines
// come with the largest saving first.
func MakeForecast(items []Scheduled, from, to time.Time) Forecast {
	from, to = from.Truncate(time.Second), to.Truncate(time.Second)
	f := Forecast{From: from, To: to, Lines: []ForecastLine{}}
	type key struct {
		schedule *schedule.Schedule
		lead     time.Duration
	}
	shares := map[key]share{}
	lines := map[string]*ForecastLine{}
	for _, item := range items {
		k := key{item.Schedule, item.Lead}
		s, known := shares[k]
		if !known {
			s = timeline{schedule: item.Schedule, lead: item.Lead}.share(from, to)
			shares[k] = s
		}
		line := lines[item.Name]
		if line == nil {
			line = &ForecastLine{Schedule: item.Name}
			lines[item.Name] = line
		}
		line.add(one(item, s, to.Sub(from)))
	}
	for _, line := range lines {
		f.Lines = append(f.Lines, *line)
		f.Total.add(*line)
	}
	slices.SortFunc(f.Lines, func(a, b ForecastLine) int {
		return cmp.Or(cmp.Compare(b.SavedUSD, a.SavedUSD), cmp.Compare(b.Saved, a.Saved), cmp.Compare(a.Schedule, b.Schedule))
	})
	return f
}

// one is the forecast of a single machine.
func one(item Scheduled, s share, whole time.Duration) ForecastLine {
	seconds := func(d time.Duration) MachineTime { return MachineTime(d / time.Second) }
	line := ForecastLine{
		Machines: 1, AlwaysOn: seconds(whole), Desired: seconds(s.running + s.unknown), Unknown: seconds(s.unknown),
	}
	line.Saved = line.AlwaysOn - line.Desired
	if !item.Priced {
		line.Unpriced = 1
		return line
	}
	line.AlwaysOnUSD = item.Hourly.Times(int64(line.AlwaysOn), 3600)
	line.DesiredUSD = item.Hourly.Times(int64(line.Desired), 3600)
	line.SavedUSD = line.AlwaysOnUSD.Add(-line.DesiredUSD)
	return line
}

func (l *ForecastLine) add(m ForecastLine) {
	l.Machines += m.Machines
	l.AlwaysOn += m.AlwaysOn
	l.Desired += m.Desired
	l.Unknown += m.Unknown
	l.Saved += m.Saved
	l.AlwaysOnUSD = l.AlwaysOnUSD.Add(m.AlwaysOnUSD)
	l.DesiredUSD = l.DesiredUSD.Add(m.DesiredUSD)
	l.SavedUSD = l.SavedUSD.Add(m.SavedUSD)
	l.Unpriced += m.Unpriced
}

// share is how a time divides; what is neither running nor unknown is stopped.
type share struct{ running, unknown time.Duration }

// share adds up the desired states in [from, to).
func (tl timeline) share(from, to time.Time) share {
	var s share
	if tl.schedule.OneSided() {
		s.unknown = to.Sub(from) // a transition acts once; from then on people decide
		return s
	}
	for t := from; t.Before(to); {
		end := tl.next(t)
		if end.IsZero() || end.After(to) {
			end = to
		}
		switch tl.at(t) {
		case schedule.Running:
			s.running += end.Sub(t)
		case schedule.Unmanaged:
			s.unknown += end.Sub(t)
		default: // stopped
		}
		t = end
	}
	return s
}
