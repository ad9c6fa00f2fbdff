package schedule

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"time"

	ics "github.com/arran4/golang-ical"

	"nightshift/internal/fleet"
)

const (
	// maxFile bounds an iCalendar file in bytes.
	maxFile = 4 << 20
	// maxLine bounds the lines of one that are read, in bytes.
	maxLine = 4 << 10
	// maxDepth bounds how deep components are nested; a calendar, its
	// event and its alarm are three.
	maxDepth = 8
)

// ReadICS reads the days on which an iCalendar file (RFC 5545) has events.
// Dates are local: an all-day event covers its days up to DTEND, which is
// exclusive; a timed event covers every date that it touches in its own time
// zone, and one in UTC its dates in the zone that X-WR-TIMEZONE names, if it
// does. RRULE, RDATE and EXDATE are followed, and so are changed occurrences
// (RECURRENCE-ID); cancelled events do not count. Days outside 1970 to 2100
// are left out.
//
// A file that cannot be read, is cut off, is larger than 4 MiB, has more than
// 20,000 days or 500 recurrence rules, or recurs more often than daily is an
// error of kind fleet.ErrInvalid; an error of r is returned as it is, wrapped.
func ReadICS(r io.Reader) (Calendar, error) {
	text, err := io.ReadAll(io.LimitReader(r, maxFile+1))
	if err != nil {
		return Calendar{}, fmt.Errorf("read the calendar: %w", err)
	}
	if len(text) > maxFile {
		return Calendar{}, fleet.Errorf(fleet.ErrInvalid, "the calendar is larger than %d MiB", maxFile>>20)
	}
	// Some programs begin their files with a byte order mark.
	text = bytes.TrimPrefix(text, []byte("\ufeff"))
	if text, err = harmless(text); err != nil {
		return Calendar{}, err
	}
	file, err := ics.ParseCalendar(bytes.NewReader(text))
	if err != nil {
		return Calendar{}, fleet.Errorf(fleet.ErrInvalid, "the calendar is not an iCalendar file: %w", err)
	}
	// golang-ical takes what there is of a file that is cut off. Holidays that
	// are missing would pass for working days.
	if !bytes.Contains(bytes.ToUpper(text), []byte("END:VCALENDAR")) {
		return Calendar{}, fleet.Errorf(fleet.ErrInvalid, "the calendar is empty or cut off: it has no END:VCALENDAR; get it again")
	}
	read := icsReader{zone: calendarZone(file), moved: make(map[occurrence]bool)}
	var events []icsEvent
	for _, component := range file.Events() {
		event, err := read.event(component)
		if err != nil {
			return Calendar{}, fleet.Errorf(fleet.ErrInvalid, "event %q: %w", brief(event.name), err)
		}
		events = append(events, event)
	}
	for _, event := range events {
		if err := read.add(event); err != nil {
			return Calendar{}, fleet.Errorf(fleet.ErrInvalid, "event %q: %w", brief(event.name), err)
		}
	}
	return Calendar{}.with(read.days)
}

// harmless prepares a file for golang-ical, which takes a time that grows with
// the square of a line's length and of how deep components are nested. Lines
// that are longer than maxLine, with all that is folded into them, are dropped:
// descriptions and attachments can be as long. One that matters here is an
// error.
func harmless(text []byte) ([]byte, error) {
	kept := make([]byte, 0, len(text))
	depth := 0
	for len(text) > 0 {
		length := foldedLine(text)
		line := text[:length]
		text = text[length:]
		if length <= maxLine {
			kept = append(kept, line...)
			switch flat := unfold(line); {
			case bytes.HasPrefix(flat, []byte("BEGIN")):
				depth++
			case bytes.HasPrefix(flat, []byte("END:")):
				depth--
			}
			if depth > maxDepth {
				return nil, fleet.Errorf(fleet.ErrInvalid, "the calendar is nested deeper than %d components", maxDepth)
			}
			continue
		}
		name := line[:bytes.IndexAny(append(line[:maxLine:maxLine], ':'), ":; \t\r\n")]
		switch strings.ToUpper(string(name)) {
		case "UID", "STATUS", "DTSTART", "DTEND", "DURATION", "RECURRENCE-ID", "RRULE", "RDATE", "EXDATE":
			return nil, fleet.Errorf(fleet.ErrInvalid, "a line of the calendar that begins with %s is longer than %d bytes; use several", name, maxLine)
		}
	}
	return kept, nil
}

// foldedLine is the length of the first line and of all that is folded into
// it: RFC 5545 continues a line where the next one begins with a space.
func foldedLine(text []byte) int {
	for end := 0; ; {
		newline := bytes.IndexByte(text[end:], '\n')
		if newline < 0 {
			return len(text)
		}
		end += newline + 1
		if end == len(text) || text[end] != ' ' && text[end] != '\t' {
			return end
		}
	}
}

// unfold joins what is folded into a line.
func unfold(line []byte) []byte {
	if bytes.IndexByte(line, '\n') == len(line)-1 {
		return line
	}
	for _, fold := range []string{"\r\n ", "\r\n\t", "\n ", "\n\t"} {
		line = bytes.ReplaceAll(line, []byte(fold), nil)
	}
	return line
}

// calendarZone is the zone that X-WR-TIMEZONE names; UTC where it names none
// that is known.
func calendarZone(file *ics.Calendar) *time.Location {
	for _, p := range file.CalendarProperties {
		if strings.EqualFold(p.IANAToken, "X-WR-TIMEZONE") {
			if zone, err := LoadZone(p.Value); err == nil {
				return zone
			}
		}
	}
	return time.UTC
}

// icsTime is a time as a file writes it. Wall times are held as if they were
// UTC.
type icsTime struct {
	at   time.Time
	date bool // without a time of day
	utc  bool // an instant, not a wall time
}

// icsEvent is one VEVENT.
type icsEvent struct {
	name, uid string
	cancelled bool
	start     icsTime
	length    time.Duration
	override  bool // of one occurrence of another event
	rules     []string
	more      []time.Time // RDATE
	except    []icsTime   // EXDATE
	zone      *time.Location
}

// occurrence is one start of the event of a UID.
type occurrence struct {
	uid  string
	unix int64
}

// icsReader collects the days of a file.
type icsReader struct {
	zone  *time.Location
	moved map[occurrence]bool // those that have an event of their own
	rules int
	count int
	days  []dayRange
}

// event reads one VEVENT.
func (r *icsReader) event(component *ics.VEvent) (icsEvent, error) {
	e := icsEvent{zone: time.UTC}
	var start, end, duration, recurrence *ics.IANAProperty
	for i := range component.Properties {
		p := &component.Properties[i]
		switch strings.ToUpper(p.IANAToken) {
		case "SUMMARY":
			e.name = p.Value
		case "UID":
			e.uid = p.Value
		case "STATUS":
			e.cancelled = strings.EqualFold(strings.TrimSpace(p.Value), "CANCELLED")
		case "DTSTART":
			start = p
		case "DTEND":
			end = p
		case "DURATION":
			duration = p
		case "RECURRENCE-ID":
			recurrence = p
		case "RRULE":
			e.rules = append(e.rules, p.Value)
		case "EXRULE":
			return e, fleet.Errorf(fleet.ErrInvalid, "EXRULE is obsolete and not read; use EXDATE")
		}
	}
	if start == nil {
		return e, fleet.Errorf(fleet.ErrInvalid, "DTSTART is missing")
	}
	if id := parameter(start, "TZID"); knownZone(id) {
		if zone, err := LoadZone(id); err == nil {
			e.zone = zone
		}
	}
	var err error
	if e.start, err = r.time(start, start.Value, e); err != nil {
		return e, err
	}
	if e.length, err = r.length(e, end, duration); err != nil {
		return e, err
	}
	if recurrence != nil {
		if strings.EqualFold(parameter(recurrence, "RANGE"), "THISANDFUTURE") {
			return e, fleet.Errorf(fleet.ErrInvalid, "RECURRENCE-ID with RANGE=THISANDFUTURE is not read; split the event")
		}
		id, err := r.time(recurrence, recurrence.Value, e)
		if err != nil {
			return e, err
		}
		e.override = true
		r.moved[occurrence{e.uid, id.at.Unix()}] = true
	}
	return e, r.lists(&e, component)
}

// lists reads EXDATE and RDATE, which can have many values and come many
// times.
func (r *icsReader) lists(e *icsEvent, component *ics.VEvent) error {
	for i := range component.Properties {
		p := &component.Properties[i]
		token := strings.ToUpper(p.IANAToken)
		if token != "EXDATE" && token != "RDATE" {
			continue
		}
		for value := range strings.SplitSeq(p.Value, ",") {
			value, _, _ = strings.Cut(value, "/") // of a period its start
			at, err := r.time(p, value, *e)
			if err != nil {
				return err
			}
			if token == "EXDATE" {
				e.except = append(e.except, at)
			} else {
				e.more = append(e.more, at.at)
			}
		}
	}
	return nil
}

func parameter(p *ics.IANAProperty, name string) string {
	for key, values := range p.ICalParameters {
		if strings.EqualFold(key, name) && len(values) > 0 {
			return values[0]
		}
	}
	return ""
}

// time reads 20260505, 20260505T090000 or 20260505T000000Z. An instant that
// belongs to an event with wall times becomes one in the event's zone.
func (r *icsReader) time(p *ics.IANAProperty, value string, e icsEvent) (icsTime, error) {
	value = strings.TrimSpace(value)
	var t icsTime
	var err error
	switch {
	case len(value) == len("20060102"):
		t.date = true
		t.at, err = time.Parse("20060102", value)
	case strings.HasSuffix(value, "Z"):
		t.utc = true
		t.at, err = time.Parse("20060102T150405Z", value)
	default:
		t.at, err = time.Parse("20060102T150405", value)
	}
	const earliest = 1900
	if err != nil || t.at.Year() < earliest || t.at.Year() > lastYear+1 {
		return t, fleet.Errorf(fleet.ErrInvalid, "%s: %q is not a date or time from %d to %d such as 20260505 or 20260505T090000", p.IANAToken, brief(value), earliest, lastYear)
	}
	if t.utc && e.zone != time.UTC {
		t.at, t.utc = asWall(t.at, e.zone), false
	}
	return t, nil
}

// asWall is the wall time of an instant, held as if it were UTC.
func asWall(at time.Time, zone *time.Location) time.Time {
	_, offset := at.In(zone).Zone()
	return at.Add(time.Duration(offset) * time.Second)
}

// length is how long an occurrence takes.
func (r *icsReader) length(e icsEvent, end, duration *ics.IANAProperty) (time.Duration, error) {
	switch {
	case end != nil:
		t, err := r.time(end, end.Value, e)
		if err != nil {
			return 0, err
		}
		if t.at.Before(e.start.at) {
			return 0, fleet.Errorf(fleet.ErrInvalid, "DTEND lies before DTSTART")
		}
		return t.at.Sub(e.start.at), nil
	case duration != nil:
		return parseDuration(duration.Value)
	}
	return 0, nil // an all-day event takes its day, another one is an instant
}

// parseDuration reads P1D, P2W, PT1H30M and the like.
func parseDuration(text string) (time.Duration, error) {
	bad := fleet.Errorf(fleet.ErrInvalid, "%q is not a duration such as P1D or PT8H", brief(text))
	rest, ok := strings.CutPrefix(strings.TrimPrefix(strings.TrimSpace(text), "+"), "P")
	if !ok || rest == "" {
		return 0, bad
	}
	units := map[byte]time.Duration{'W': 7 * 24 * time.Hour, 'D': 24 * time.Hour}
	var total time.Duration
	for rest != "" {
		if rest[0] == 'T' {
			units = map[byte]time.Duration{'H': time.Hour, 'M': time.Minute, 'S': time.Second}
			rest = rest[1:]
		}
		digits := len(rest) - len(strings.TrimLeft(rest, "0123456789"))
		n, ok := number(rest[:digits])
		if !ok || digits == len(rest) || digits > 6 || units[rest[digits]] == 0 {
			return 0, bad
		}
		total += time.Duration(n) * units[rest[digits]]
		if total > maxDates*24*time.Hour {
			return 0, fleet.Errorf(fleet.ErrInvalid, "%q is longer than %d days", brief(text), maxDates)
		}
		rest = rest[digits+1:]
	}
	return total, nil
}

// add adds the days of an event.
func (r *icsReader) add(e icsEvent) error {
	if e.cancelled {
		return nil
	}
	starts, err := r.occurrences(e)
	if err != nil {
		return err
	}
	for _, start := range starts {
		end := start.Add(e.length)
		if e.start.utc {
			start, end = asWall(start, r.zone), asWall(end, r.zone)
		}
		days := dayRange{floorDay(start.Unix()), floorDay(end.Unix() - 1)}
		days.to = max(days.to, days.from) // nothing lasts less than its instant
		days.from = max(days.from, Date{firstYear, time.January, 1}.number())
		days.to = min(days.to, Date{lastYear, time.December, 31}.number())
		if days.from > days.to {
			continue
		}
		r.count += days.to - days.from + 1
		if r.count > maxDates {
			return fleet.Errorf(fleet.ErrInvalid, "the calendar has more than %d days", maxDates)
		}
		r.days = append(r.days, days)
	}
	return nil
}
