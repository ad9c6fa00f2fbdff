package foreign

import (
	"slices"
	"strings"
	"time"
)

const dayMinutes = 24 * 60

// minutes marks the minutes of one day.
type minutes [dayMinutes]bool

func (m *minutes) mark(from, to int) {
	for i := from; i < to; i++ {
		m[i] = true
	}
}

// without is the minutes of m that are not in other.
func (m minutes) without(other minutes) minutes {
	for i := range m {
		m[i] = m[i] && !other[i]
	}
	return m
}

// runs are the marked stretches: "08:00-19:00".
func (m minutes) runs() []string {
	var list []string
	for i := 0; i < dayMinutes; i++ {
		if !m[i] {
			continue
		}
		from := i
		for i < dayMinutes && m[i] {
			i++
		}
		list = append(list, clock(from)+"-"+clock(i))
	}
	return list
}

// weekOf marks the days of the usual week, from Monday.
func weekOf(s spans) *[7]minutes {
	var days [7]minutes
	for i := range days {
		if s.always {
			days[i].mark(0, dayMinutes)
		}
		for _, w := range s.weekly {
			yesterday := (i + 6) % 7
			switch {
			case w.begin < w.end && w.days.has(i):
				days[i].mark(w.begin, w.end)
			case w.begin > w.end && w.days.has(i):
				days[i].mark(w.begin, dayMinutes)
			}
			if w.begin > w.end && w.days.has(yesterday) {
				days[i].mark(0, w.end)
			}
		}
	}
	return &days
}

func wholeWeek(days *[7]minutes) bool {
	for i := range days {
		for _, marked := range days[i] {
			if !marked {
				return false
			}
		}
	}
	return true
}

// dates marks the days that absolute spans touch. A date is its midnight in
// UTC.
type dates map[time.Time]*minutes

// mostDates bounds the days that absolute spans can touch in addition to a
// downtime.
const mostDates = 400

func (r *Reading) datesOf(s spans) (dates, error) {
	touched := make(dates)
	for _, i := range s.fixed {
		begin, end, err := r.local(i)
		if err != nil {
			return nil, err
		}
		last := date(end)
		for day := date(begin); !day.After(last); day = day.AddDate(0, 0, 1) {
			from, to := 0, dayMinutes
			if day.Equal(date(begin)) {
				from = begin.Hour()*60 + begin.Minute()
			}
			if day.Equal(last) {
				to = end.Hour()*60 + end.Minute()
			}
			if touched[day] == nil {
				touched[day] = new(minutes)
			}
			touched[day].mark(from, to)
			if len(touched) > mostDates {
				return nil, invalid("%s: the absolute spans touch more than %d days: use an off calendar instead", downscaler, mostDates)
			}
		}
	}
	return touched, nil
}

func date(t time.Time) time.Time {
	y, m, d := t.Date()
	return time.Date(y, m, d, 0, 0, 0, 0, time.UTC)
}

// without writes uptime less downtime: the usual week in the stretches of time
// that no absolute span touches, and each day that one touches alone.
func (r *Reading) without(up, down spans) error {
	ups, downs := weekOf(up), weekOf(down)
	var usual [7]minutes
	for i := range usual {
		usual[i] = ups[i].without(downs[i])
	}
	plus, err := r.datesOf(up)
	if err != nil {
		return err
	}
	minus, err := r.datesOf(down)
	if err != nil {
		return err
	}
	if usual == [7]minutes{} && len(plus) == 0 {
		return invalid("%s: the downtime covers the whole uptime: write always as the downtime if that is meant", downscaler)
	}
	var special []time.Time
	for day := range plus {
		special = append(special, day)
	}
	for day := range minus {
		special = append(special, day)
	}
	slices.SortFunc(special, time.Time.Compare)
	special = slices.CompactFunc(special, time.Time.Equal)
	if len(special) == 0 {
		return r.writeWeek("", &usual)
	}
	first := time.Date(1970, time.January, 1, 0, 0, 0, 0, time.UTC)
	last := time.Date(2100, time.December, 31, 0, 0, 0, 0, time.UTC)
	const form = "2006-01-02"
	for _, day := range special {
		if day.After(first) {
			if err := r.writeWeek(first.Format(form)+".."+day.AddDate(0, 0, -1).Format(form), &usual); err != nil {
				return err
			}
		}
		i := (int(day.Weekday()) + 6) % 7
		marked, hidden := ups[i], downs[i]
		if plus[day] != nil {
			marked = merge(marked, *plus[day])
		}
		if minus[day] != nil {
			hidden = merge(hidden, *minus[day])
		}
		for _, run := range marked.without(hidden).runs() {
			if err := addWindow(&r.Definition.Running, day.Format(form)+" "+run); err != nil {
				return err
			}
		}
		first = day.AddDate(0, 0, 1)
	}
	if first.After(last) {
		return nil
	}
	return r.writeWeek(first.Format(form)+".."+last.Format(form), &usual)
}

func merge(a, b minutes) minutes {
	for i := range a {
		a[i] = a[i] || b[i]
	}
	return a
}

// writeWeek adds the windows of a week, days with the same one together.
func (r *Reading) writeWeek(between string, usual *[7]minutes) error {
	var order []string
	byRun := make(map[string]week)
	for i := range usual {
		for _, run := range usual[i].runs() {
			if byRun[run] == 0 {
				order = append(order, run)
			}
			byRun[run] |= 1 << i
		}
	}
	for _, run := range order {
		words := slices.DeleteFunc([]string{between, byRun[run].String(), run}, func(s string) bool { return s == "" })
		if err := addWindow(&r.Definition.Running, strings.Join(words, " ")); err != nil {
			return err
		}
	}
	return nil
}
