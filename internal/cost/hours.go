package cost

import (
	"encoding/json"
	"strings"
	"time"

	"nightshift/internal/fleet"
)

// Month is the calendar month of a report in its time zone. Start and End are
// instants, so that a month with a change to or from summer time has its real
// hours.
type Month struct {
	Start, End, Now time.Time
}

// monthJSON is a Month as JSON, with the name of its zone.
type monthJSON struct {
	Start, End, Now time.Time
	Zone            string
}

// MarshalJSON writes the instants and the name of the zone.
func (m Month) MarshalJSON() ([]byte, error) {
	return json.Marshal(monthJSON{m.Start, m.End, m.Now, m.Now.Location().String()})
}

// UnmarshalJSON reads what MarshalJSON writes. Where the zone is not known by its
// name the offsets of the instants count.
func (m *Month) UnmarshalJSON(data []byte) error {
	var read monthJSON
	if err := json.Unmarshal(data, &read); err != nil {
		return err
	}
	*m = Month{read.Start, read.End, read.Now}
	if zone, err := time.LoadLocation(read.Zone); err == nil {
		*m = Month{m.Start.In(zone), m.End.In(zone), m.Now.In(zone)}
	}
	return nil
}

// MonthOf is the month in which now falls in the zone of now.
func MonthOf(now time.Time) Month {
	year, month, _ := now.Date()
	return Month{
		Start: time.Date(year, month, 1, 0, 0, 0, 0, now.Location()),
		End:   time.Date(year, month+1, 1, 0, 0, 0, 0, now.Location()),
		Now:   now,
	}
}

// Hours is the real length of the month.
func (m Month) Hours() float64 { return m.End.Sub(m.Start).Hours() }

// Share is how much of the month lies between t and now, as a fraction.
func (m Month) Share(t time.Time) (num, den int64) {
	return Seconds(m.Now.Sub(latest(t, m.Start))), Seconds(m.End.Sub(m.Start))
}

// since is the time from t to now that lies in the month.
func (m Month) since(t time.Time) time.Duration {
	return fleet.Span{From: t, To: m.Now}.Within(fleet.Span{From: m.Start, To: m.Now}).Length()
}

// HoursSource names where an instance's hours come from. Where several parts of
// the month have several sources they are joined by "+".
type HoursSource string

// The sources, best first. All but the last two are exact.
const (
	// FromBill: what Cost Explorer says was billed for the resource.
	FromBill HoursSource = "cost-explorer"
	// FromLaunchTime: it has been running since before the month began.
	FromLaunchTime HoursSource = "launch-time"
	// FromFirstLaunch: it was launched for the first time this month and has
	// been running since.
	FromFirstLaunch HoursSource = "new"
	// FromStopTime: it ran from before the month began, or from its first
	// launch, until it was stopped.
	FromStopTime HoursSource = "stop-time"
	// FromEarlierStop: it was stopped before the month began.
	FromEarlierStop HoursSource = "stopped-before-month"
	// FromJournal: the starts and stops that the journal has agree with what EC2
	// reports of the last ones.
	FromJournal HoursSource = "journal"
	// FromMetrics: for so long it sent samples to CloudWatch, to five minutes.
	FromMetrics HoursSource = "cloudwatch"
	// LowerBound: it has certainly run for so long, and perhaps longer: EC2 keeps
	// the last start only. AtMost counts the time before that, too.
	LowerBound HoursSource = "lower-bound"
	// Assumed: nothing is certain. What runs is taken to have run for all the
	// time in which it may have, what is stopped not at all.
	Assumed HoursSource = "assumed"
)

// assumedHours calculates as the first report did, without any knowledge of the
// past: 24 hours × day of month for what runs, 0 for all else.
func assumedHours(i *fleet.Instance, m Month) time.Duration {
	if i.State != fleet.Running {
		return 0
	}
	return time.Duration(m.Now.Day()) * 24 * time.Hour
}

// ran is for how long an instance ran in a span, as far as that is known.
type ran struct {
	hours, atLeast, atMost time.Duration
	source                 HoursSource
}

// exactly is a running time without doubt.
func exactly(d time.Duration, source HoursSource) ran { return ran{d, d, d, source} }

// exact is true where there is no doubt.
func (r ran) exact() bool { return r.source != LowerBound && r.source != Assumed }

// plus joins the running times of two spans.
func (r ran) plus(other ran) ran {
	sum := ran{r.hours + other.hours, r.atLeast + other.atLeast, r.atMost + other.atMost, r.source}
	switch {
	case r.source == "" || r.source == other.source:
		sum.source = other.source
	case other.source != "" && !strings.Contains(string(r.source), string(other.source)):
		sum.source = r.source + "+" + other.source
	}
	return sum
}

// minute is what EC2 bills at least after each start.
const minute = time.Minute

// fromEC2 is for how long an instance ran in a span of the past, by what EC2
// reports of it: the last start (LaunchTime), the last stop where a person or an API
// call caused it (Stopped) and the first launch. What happened between first
// launch and last start is not known.
func fromEC2(i *fleet.Instance, span fleet.Span) ran {
	start, first, stop := i.LaunchTime, i.FirstLaunch, i.Stopped
	running := i.State == fleet.Running || i.State == fleet.Pending
	if running {
		stop = span.To
	}
	if start.After(stop) {
		start = time.Time{} // the clocks differ, or it started after this span
	}
	switch {
	case !running && stop.IsZero():
		return ran{atMost: fleet.Span{From: first, To: span.To}.Within(span).Length().Truncate(time.Second), source: Assumed}
	case !running && !stop.After(span.From):
		return exactly(0, FromEarlierStop)
	}
	up := fleet.Span{From: start, To: stop}.Within(span).Length().Truncate(time.Second)
	may := fleet.Span{From: first, To: stop}.Within(span).Length().Truncate(time.Second)
	if start.IsZero() {
		if running && i.LaunchTime.After(span.To) && sameMoment(i.LaunchTime, first) {
			return exactly(0, FromFirstLaunch)
		}
		return ran{hours: may, atMost: may, source: Assumed}
	}
	var source HoursSource
	switch {
	case !start.After(span.From):
		source = FromLaunchTime
	case sameMoment(start, first):
		up, source = max(up, minute), FromFirstLaunch
	default:
		up = max(up, minute)
		return ran{hours: up, atLeast: up, atMost: max(up, may), source: LowerBound}
	}
	if !running {
		source = FromStopTime
	}
	return exactly(up, source)
}

func latest(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// sameMoment allows for EC2 stamping the launch and the attachment of the
// network interface a moment apart.
func sameMoment(a, b time.Time) bool {
	return !b.IsZero() && a.Sub(b).Abs() <= time.Minute
}

// Seconds is a duration in whole seconds, rounded down; 0 where it is negative.
func Seconds(d time.Duration) int64 { return max(int64(d/time.Second), 0) }
