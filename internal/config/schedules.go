package config

import (
	"bytes"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"go.yaml.in/yaml/v4"

	"nightshift/internal/fleet"
	"nightshift/internal/schedule"
)

func scheduleKeys() []string {
	return []string{
		"timezone", "running", "unmanaged", "never", "start", "stop",
		"weekend", "holidays", "off", "on", "description",
	}
}

// maxSchedules bounds the work that a file can ask for.
const maxSchedules = 1000

// calendar is a calendar file that was read, or why it was not.
type calendar struct {
	days schedule.Calendar
	err  error
}

// schedules reads all definitions. A schedule with an error is kept with it.
func (l *loader) schedules(n *yaml.Node) {
	for _, entry := range l.entries(n, "schedules") {
		if len(l.out.Schedules) == maxSchedules {
			l.at(entry.key, "there are more than %d schedules", maxSchedules)
			return
		}
		before := l.wrong
		if why := badName(entry.name); why != "" {
			l.at(entry.key, "%s", why)
		} else if _, err := schedule.ParseDefinition(entry.name); err == nil {
			l.warn(entry.key, "%q is a schedule by itself, too; as a tag's value it means this one", entry.name)
		}
		definition, description := l.definition(entry)
		s := Schedule{Name: entry.name, Description: description}
		if l.wrong == before {
			var err error
			if s.Schedule, err = schedule.New(definition, l.out.Zone); err != nil {
				l.at(entry.key, "schedule %s: %v", entry.name, err)
			}
			if definition.Zone == nil && l.zoneErr != nil {
				s.Schedule, s.Err = nil, l.zoneErr
			}
		}
		if l.wrong > before {
			s.Schedule, s.Err = nil, fleet.Errorf(fleet.ErrInvalid, "schedule %s is wrong in %s:%d", entry.name, l.name, entry.key.Line)
		}
		l.out.Schedules, l.names = append(l.out.Schedules, s), append(l.names, entry.key)
	}
}

// badName says why a text cannot name a schedule; empty if it can.
func badName(name string) string {
	switch {
	case name == "" || name != strings.TrimSpace(name):
		return fmt.Sprintf("the schedule's name %q is empty or has blanks around it", name)
	case utf8.RuneCountInString(name) > 256:
		return "the schedule's name has more than the 256 characters of a tag's value"
	case !utf8.ValidString(name) || strings.ContainsFunc(name, unicode.IsControl):
		return fmt.Sprintf("the schedule's name %q has control characters in it", name)
	case name == ignoreWord:
		return name + " as a tag's value leaves a machine alone; give the schedule another name"
	}
	return ""
}

// definition reads a schedule: an inline form, a list of windows, or a
// mapping.
func (l *loader) definition(entry field) (schedule.Definition, string) {
	n, ok := l.follow(entry.value)
	if !ok {
		return schedule.Definition{}, ""
	}
	what := "schedule " + entry.name
	switch n.Kind {
	case yaml.MappingNode:
		return l.fullDefinition(n, what)
	case yaml.SequenceNode:
		return schedule.Definition{Running: list(l, n, what, window)}, ""
	default:
		text, ok := l.text(n, what)
		if !ok {
			return schedule.Definition{}, ""
		}
		d, err := schedule.ParseDefinition(text)
		if err != nil {
			l.at(n, "%v", err)
		}
		return d, ""
	}
}

func (l *loader) fullDefinition(n *yaml.Node, what string) (d schedule.Definition, description string) {
	fields := l.fields(n, what, scheduleKeys())
	for _, key := range scheduleKeys() { // in this order, so that runs are alike
		entry, given := fields[key]
		if !given {
			continue
		}
		switch value := entry.value; key {
		case "timezone":
			d.Zone, _ = l.zone(value)
		case "running":
			d.Running = list(l, value, key, window)
		case "unmanaged":
			d.Unmanaged = list(l, value, key, window)
		case "never":
			d.Never = l.boolean(value, key)
		case "start":
			d.Start = list(l, value, key, schedule.ParseDayTime)
		case "stop":
			d.Stop = list(l, value, key, schedule.ParseDayTime)
		case "weekend", "holidays":
			d.Weekend = slices.Concat(d.Weekend, list(l, value, key, l.calendar))
		case "off":
			d.Off = list(l, value, key, l.calendar)
		case "on":
			d.On = list(l, value, key, l.calendar)
		case "description":
			description, _ = l.text(value, key)
		}
	}
	return d, description
}

// list reads each text of a list, or a single text. What cannot be read is
// noted where it is.
func list[T any](l *loader, n *yaml.Node, what string, read func(string) (T, error)) []T {
	var all []T
	for _, item := range l.items(n, what) {
		text, ok := l.text(item, what)
		if !ok {
			continue
		}
		value, err := read(text)
		if err != nil {
			l.at(item, "%v", err)
			continue
		}
		all = append(all, value)
	}
	return all
}

// window reads one window, and says where the rest belongs if it is more.
func window(text string) (schedule.Window, error) {
	w, err := schedule.ParseWindow(text)
	if err == nil {
		return w, nil
	}
	switch whole, wholeErr := schedule.ParseDefinition(text); {
	case wholeErr != nil:
		return w, err
	case whole.Zone != nil:
		return w, fleet.Errorf(fleet.ErrInvalid, "%q has a time zone; write it as timezone: %s of the schedule", text, whole.Zone)
	case len(whole.Running) > 1:
		return w, fleet.Errorf(fleet.ErrInvalid, "%q is several windows; write them as a list", text)
	case whole.Never:
		return w, fleet.Errorf(fleet.ErrInvalid, "%q is no window; write never: true instead", text)
	default:
		return w, fleet.Errorf(fleet.ErrInvalid, "%q is a start or stop; write it under start: or stop:", text)
	}
}

// calendar reads dates such as "2026-12-24..2026-12-26" and "12-25", or a
// calendar file.
func (l *loader) calendar(text string) (schedule.Calendar, error) {
	if !strings.HasSuffix(strings.ToLower(text), ".ics") {
		return schedule.ParseDates(text)
	}
	name := nextTo(l.name, text)
	read, known := l.calendars[name]
	if !known {
		read = l.readCalendar(name)
		l.calendars[name] = read
	}
	return read.days, read.err
}

func (l *loader) readCalendar(name string) calendar {
	data, err := slurp(name, l.open)
	if err != nil {
		return calendar{err: fmt.Errorf("calendar %s: %w", name, err)}
	}
	days, err := schedule.ReadICS(bytes.NewReader(data))
	if err != nil {
		return calendar{err: fmt.Errorf("calendar %s: %w", name, err)}
	}
	return calendar{days: days}
}

// nextTo is the name of a file next to another one, which may be a path or an
// address such as s3://bucket/nightshift.yaml.
func nextTo(file, name string) string {
	if filepath.IsAbs(name) || strings.HasPrefix(name, "/") || strings.Contains(name, "://") {
		return name
	}
	return file[:strings.LastIndexFunc(file, func(r rune) bool { return r == '/' || r == filepath.Separator })+1] + name
}
