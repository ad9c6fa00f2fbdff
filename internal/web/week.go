package web

import (
	"fmt"
	"math"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"nightshift/internal/fleet"
	"nightshift/internal/power"
	"nightshift/internal/schedule"
	"nightshift/internal/text"
	"nightshift/internal/watch"
)

const (
	// perPage is how many rows a list shows at once.
	perPage = 100
	// aDay and aLane are the width of a day and the height of a row in pictures.
	aDay, aLane = 100, 24
)

// weekView is a week as rows of time.
type weekView struct {
	Days           []string
	Lanes          []lane
	Machines       bool
	From, To       string
	Before, After  string // links
	This           string
	Day            string // the Monday, where it is not that of now
	Schedules, All string // links to the two forms
	Filter         filter
	Pages          paging
}

// lane is a row: who, and what is asked of it in the seven days.
type lane struct {
	Name, Link, Note string
	Picture          picture
}

// picture is a row of time in SVG. Each part is the data of a path.
type picture struct {
	Label                                          string
	Running, Unmanaged, Override, Started, Stopped string
	Failed, Now                                    string
	Width, Height                                  int
	Days                                           []int
}

// lines is a week as a picture sees it: local days, each as wide as another.
type lines struct {
	bounds [8]time.Time
}

// linesOf are those of the seven days from a Monday on.
func linesOf(week schedule.Week) lines {
	var l lines
	l.bounds[0] = week.From
	for n, day := range week.Days {
		l.bounds[n+1] = l.bounds[n].Add(time.Duration(day.Hours * float64(time.Hour)))
	}
	return l
}

// x is where an instant lies; those outside the week lie at its ends.
func (l lines) x(t time.Time) string {
	x := 0.0
	for n := range 7 {
		if from, to := l.bounds[n], l.bounds[n+1]; t.After(from) && to.After(from) {
			x = float64(n) + min(float64(t.Sub(from))/float64(to.Sub(from)), 1)
		}
	}
	return strconv.FormatFloat(x*aDay, 'f', 1, 64)
}

func (l lines) has(t time.Time) bool { return !t.Before(l.bounds[0]) && t.Before(l.bounds[7]) }

// box is a span as part of a path.
func (l lines) box(from, to time.Time, top, bottom int) string {
	if !to.After(l.bounds[0]) || !from.Before(l.bounds[7]) {
		return ""
	}
	return fmt.Sprintf("M%s %dV%dH%sV%dZ", l.x(from), top, bottom, l.x(to), top)
}

// tick is an instant as part of a path.
func (l lines) tick(t time.Time, top, bottom int) string {
	if !l.has(t) {
		return ""
	}
	return fmt.Sprintf("M%s %dV%d", l.x(t), top, bottom)
}

// draw is the picture of spans.
func (l lines) draw(spans []schedule.Span, oneSided []schedule.Transition, now time.Time) picture {
	p := picture{Width: 7 * aDay, Height: aLane, Days: []int{1 * aDay, 2 * aDay, 3 * aDay, 4 * aDay, 5 * aDay, 6 * aDay}, Now: l.tick(now, 0, aLane)}
	if len(oneSided) > 0 {
		for _, t := range oneSided {
			if t.State == schedule.Running {
				p.Started += l.tick(t.At, 5, aLane-5)
			} else {
				p.Stopped += l.tick(t.At, 5, aLane-5)
			}
		}
		return p
	}
	for _, s := range spans {
		switch s.State {
		case schedule.Running:
			p.Running += l.box(s.From, s.To, 5, aLane-5)
		case schedule.Unmanaged:
			p.Unmanaged += l.box(s.From, s.To, 8, aLane-8)
		case schedule.Stopped:
		}
	}
	return p
}

// acts enters what was done with a machine.
func (p *picture) acts(l lines, acts []watch.Act) {
	for _, a := range acts {
		switch {
		case a.Result == fleet.Failed:
			p.Failed += l.tick(a.At, 1, aLane-1)
		case a.Result != fleet.Done:
		case a.Action == power.Start:
			p.Started += l.tick(a.At, 1, aLane-1)
		case a.Action == power.Stop:
			p.Stopped += l.tick(a.At, 1, aLane-1)
		}
	}
}

// label says in words what a picture of a week shows, with the hours that it has.
func (e *estate) label(name string, week schedule.Week, running float64) string {
	if week.OneSided {
		return e.texts.get("week.label.once", name, len(week.Transitions))
	}
	return e.texts.get("week.label", name, running)
}

// runningHours are those of a week in which spans run.
func runningHours(week schedule.Week, spans []schedule.Span) float64 {
	var sum time.Duration
	for _, s := range spans {
		from, to := s.From, s.To
		if from.Before(week.From) {
			from = week.From
		}
		if to.After(week.To) {
			to = week.To
		}
		if s.State == schedule.Running && to.After(from) {
			sum += to.Sub(from)
		}
	}
	return math.Round(sum.Hours()*100) / 100
}

// lane is the week of a schedule.
func (e *estate) lane(name string, s *schedule.Schedule, monday time.Time, machines int) lane {
	week := s.Week(name, monday)
	row := lane{Name: text.Clip(text.Printable(name), longName), Link: "/machines?" + url.Values{"schedule": {name}}.Encode()}
	row.Picture = linesOf(week).draw(week.Spans, week.Transitions, e.now)
	row.Picture.Label = e.label(row.Name, week, week.Running)
	notes := []string{e.texts.count(machines, "machine")}
	if !week.OneSided {
		notes = append(notes, e.texts.get("week.hours", week.Running))
	}
	if s.Zone().String() != e.zone.String() {
		notes = append(notes, s.Zone().String())
	}
	row.Note = strings.Join(notes, " · ")
	return row
}

// machineLane is the week of a machine: its schedule with override and lead, and
// what was done.
func (e *estate) machineLane(m *machine, monday time.Time) lane {
	row := lane{Name: m.short, Link: m.link, Note: text.Clip(text.Printable(m.Desired.Schedule), longName)}
	s := e.schedules[m.Desired.Schedule]
	if s == nil {
		row.Picture.Label = e.texts.get("week.label.none", m.short)
		return row
	}
	row.Picture = e.machinePicture(m, s, monday)
	return row
}

func (e *estate) machinePicture(m *machine, s *schedule.Schedule, monday time.Time) picture {
	week := s.Week(m.name, monday)
	l := linesOf(week)
	var spans []schedule.Span
	if !week.OneSided {
		spans = m.Desired.Ahead(s, week.From, week.To)
	}
	p := l.draw(spans, week.Transitions, e.now)
	p.Label = e.label(m.short, week, runningHours(week, spans))
	if o := m.Desired.Override; !o.Until.IsZero() {
		p.Override = l.box(o.Since, o.Until, 1, 4)
	}
	p.acts(l, e.actsOf(m))
	return p
}

// week shows seven days: of the schedules, or of the machines.
func (p *pages) week(e *estate, r *http.Request) (view, error) {
	monday := schedule.Monday(e.now.In(e.zone))
	this := monday
	query := r.URL.Query()
	if date, err := time.Parse(time.DateOnly, query.Get("from")); err == nil && date.Year() > 1970 && date.Year() < 2100 {
		monday = schedule.Monday(date)
	}
	v := weekView{Machines: query.Get("of") == "machines", From: monday.Format("2 Jan"), To: monday.AddDate(0, 0, 6).Format("2 Jan 2006")}
	for n := range 7 {
		v.Days = append(v.Days, monday.AddDate(0, 0, n).Format("Mon 2"))
	}
	dateOf := func(day time.Time) string {
		if day.Equal(this) {
			return ""
		}
		return day.Format(time.DateOnly)
	}
	link := func(of string, day time.Time) string {
		q := url.Values{}
		if of != "" {
			v.Filter.set(q)
			q.Set("of", of)
		}
		if date := dateOf(day); date != "" {
			q.Set("from", date)
		}
		return "/week?" + q.Encode()
	}
	of := ""
	if v.Machines {
		of, v.Filter = "machines", e.filter(query)
	}
	v.Day = dateOf(monday)
	v.Before, v.After, v.Schedules, v.All = link(of, monday.AddDate(0, 0, -7)), link(of, monday.AddDate(0, 0, 7)), link("", monday), link("machines", monday)
	if !monday.Equal(this) {
		v.This = link(of, this)
	}
	if v.Machines {
		e.weekOfMachines(&v, query, monday)
	} else {
		e.weekOfSchedules(&v, query, monday)
	}
	return view{template: "week", title: p.texts.get("nav.week"), data: v}, nil
}

func (e *estate) weekOfMachines(v *weekView, query url.Values, monday time.Time) {
	found := slices.DeleteFunc(e.find(v.Filter), func(m *machine) bool { return !m.managed() })
	shown, pages := page(found, query, "/week")
	v.Pages = pages
	for _, m := range shown {
		v.Lanes = append(v.Lanes, e.machineLane(m, monday))
	}
}

func (e *estate) weekOfSchedules(v *weekView, query url.Values, monday time.Time) {
	machines := map[string]int{}
	var names []string
	for _, s := range e.configured() {
		names = append(names, s.Name)
	}
	var inline []string
	for _, m := range e.machines {
		name := m.Desired.Schedule
		if m.managed() && machines[name] == 0 && !slices.Contains(names, name) {
			inline = append(inline, name)
		}
		if m.managed() {
			machines[name]++
		}
	}
	slices.Sort(inline)
	names = slices.DeleteFunc(append(names, inline...), func(name string) bool { return e.schedules[name] == nil })
	shown, pages := page(names, query, "/week")
	v.Pages = pages
	for _, name := range shown {
		v.Lanes = append(v.Lanes, e.lane(name, e.schedules[name], monday, machines[name]))
	}
}
