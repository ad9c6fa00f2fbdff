package foreign

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

const lightsOff = "lights-off"

// moments are what one lights-off value names: days with any of the times, and
// days with a time of their own. All are in UTC.
type moments struct {
	days  []string // in our notation, "" is every day
	hours []int
	mins  []int
	times []int    // minutes after midnight
	fixed []string // "Mon 02:30" in our notation
}

// LightsOff reads the values of the tags sched-start and sched-stop; an empty
// one is a tag that is not there. A value names days ("d=01" of the month,
// "u=1" of the week, "d=_" any) and times ("H=19 M=30", "H:M=19:30") or both at
// once ("uTH:M=6T02:30", "dTH:M=01T03:00"), always in UTC.
func LightsOff(start, stop string) (Reading, error) {
	r := Reading{}
	r.Definition.Zone = time.UTC
	if strings.TrimSpace(start) == "" && strings.TrimSpace(stop) == "" {
		return Reading{}, invalid("%s: the value is empty", lightsOff)
	}
	for _, tag := range []struct {
		name, value string
		add         func(string) error
	}{
		{"sched-start", start, func(text string) error { return addDayTime(&r.Definition.Start, text) }},
		{"sched-stop", stop, func(text string) error { return addDayTime(&r.Definition.Stop, text) }},
	} {
		if strings.TrimSpace(tag.value) == "" {
			continue
		}
		dayTimes, err := r.lightsOff(tag.name, tag.value)
		if err != nil {
			return Reading{}, err
		}
		for _, dayTime := range dayTimes {
			if err := tag.add(dayTime); err != nil {
				return Reading{}, err
			}
		}
	}
	return r, nil
}

// lightsOff writes a value as start and stop times in our notation.
func (r *Reading) lightsOff(tag, value string) ([]string, error) {
	if err := checkLength(lightsOff, value); err != nil {
		return nil, err
	}
	var m moments
	for word := range strings.FieldsSeq(strings.ReplaceAll(value, ",", " ")) {
		if err := m.add(word); err != nil {
			return nil, invalid("%s: %s: %w", lightsOff, tag, err)
		}
	}
	for _, h := range m.hours {
		for _, minute := range m.mins {
			m.times = append(m.times, h*60+minute)
		}
	}
	switch {
	case len(m.days) == 0 && len(m.times) > 0:
		return nil, invalid("%s: %s=%s names no days: add d=_ for every day", lightsOff, tag, clip(value))
	case len(m.times) == 0 && (len(m.days) > 0 || len(m.fixed) == 0):
		return nil, invalid("%s: %s=%s names no time: add one such as H:M=19:30", lightsOff, tag, clip(value))
	}
	dayTimes := m.fixed
	for _, day := range m.days {
		for _, minute := range m.times {
			dayTimes = append(dayTimes, strings.TrimSpace(day+" "+clock(minute)))
		}
	}
	for _, dayTime := range dayTimes {
		if !strings.HasSuffix(dayTime, "0") {
			r.warn("%s acts at full ten minutes only and never at %s; nightshift does", tag, dayTime)
		}
	}
	slices.Sort(dayTimes)
	// As many as one schedule may have.
	const most = 366
	if dayTimes = slices.Compact(dayTimes); len(dayTimes) > most {
		return nil, invalid("%s: %s names %d moments, at most %d are read", lightsOff, tag, len(dayTimes), most)
	}
	return dayTimes, nil
}

// add reads one word of a value.
func (m *moments) add(word string) error {
	key, value, found := strings.Cut(word, "=")
	if !found {
		return fmt.Errorf("%q is not understood: words are like u=1, d=_, H:M=19:30, uTH:M=6T02:30", clip(word))
	}
	switch key {
	case "d", "u":
		day, err := lightsOffDay(key, value)
		if err != nil {
			return err
		}
		m.days = append(m.days, day)
	case "H":
		hour, ok := digits(value, 2)
		switch {
		case value == "_":
			for h := range 24 {
				m.hours = append(m.hours, h)
			}
		case !ok || hour > 23:
			return fmt.Errorf("the hour of %q must be 00 to 23", clip(word))
		default:
			m.hours = append(m.hours, hour)
		}
	case "M":
		minute, ok := digits(value, 2)
		if !ok || minute > 59 {
			return fmt.Errorf("the minute of %q must be 00 to 59", clip(word))
		}
		m.mins = append(m.mins, minute)
	case "H:M":
		minutes, ok := parseClock(value, false)
		if !ok {
			return fmt.Errorf("the time of %q must be 00:00 to 23:59", clip(word))
		}
		m.times = append(m.times, minutes)
	case "dTH:M", "uTH:M":
		date, text, _ := strings.Cut(value, "T")
		day, err := lightsOffDay(key[:1], date)
		if err != nil {
			return err
		}
		minutes, ok := parseClock(text, false)
		if !ok {
			return fmt.Errorf("the time of %q must be 00:00 to 23:59", clip(word))
		}
		m.fixed = append(m.fixed, strings.TrimSpace(day+" "+clock(minutes)))
	default:
		return fmt.Errorf("unknown word %q%s", clip(word), meant(key, []string{"H:M", "dTH:M", "uTH:M"}))
	}
	return nil
}

// lightsOffDay reads a day of the month (d) or of the week (u, 1 is Monday).
func lightsOffDay(kind, text string) (string, error) {
	n, ok := digits(text, 2)
	switch {
	case kind == "d" && text == "_":
		return "", nil
	case kind == "d" && ok && n >= 1 && n <= 31:
		return fmt.Sprint(n), nil
	case kind == "u" && ok && n >= 1 && n <= 7:
		return dayNames()[n-1], nil
	case kind == "d":
		return "", fmt.Errorf("%q is no day of the month: use 01 to 31, or _ for every day", clip(text))
	}
	return "", fmt.Errorf("%q is no day of the week: use 1 (Monday) to 7 (Sunday)", clip(text))
}
