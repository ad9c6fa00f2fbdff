package foreign

import (
	"regexp"
	"strings"
	"time"
)

const downscaler = "kube-downscaler"

// Downscaler reads the values of the annotations (here tags)
// downscaler/uptime and downscaler/downtime; an empty one is not there. Both
// are "always", "never", or spans joined by commas, in the dialects of
// py-kube-downscaler and GoKubeDownscaler:
//
//	Mon-Fri 07:30-20:30 Europe/Berlin
//	2026-12-24T00:00:00+01:00-2026-12-26T00:00:00+01:00
//
// A machine runs in its uptime except in its downtime. Zone is the zone of
// weekly spans that name none.
func Downscaler(uptime, downtime string, zone *time.Location) (Reading, error) {
	var r Reading
	if strings.TrimSpace(uptime) == "" && strings.TrimSpace(downtime) == "" {
		return Reading{}, invalid("%s: the value is empty: write always, never, or spans such as Mon-Fri 07:30-20:30 Europe/Berlin", downscaler)
	}
	up, down := spans{always: true}, spans{}
	var err error
	if strings.TrimSpace(uptime) != "" {
		if up, err = r.spans(uptime, zone); err != nil {
			return Reading{}, err
		}
	}
	if strings.TrimSpace(downtime) != "" {
		if down, err = r.spans(downtime, zone); err != nil {
			return Reading{}, err
		}
	}
	if r.Definition.Zone, err = commonZone(up, down, zone); err != nil {
		return Reading{}, err
	}
	switch {
	case up.never() || down.always:
		r.Definition.Never = true
	case up.always && down.never():
		err = addWindow(&r.Definition.Running, "always")
	case down.never():
		err = r.plain(up)
	default:
		err = r.without(up, down)
	}
	if err != nil {
		return Reading{}, err
	}
	return r, nil
}

// spans is one value.
type spans struct {
	always bool
	weekly []weekly
	fixed  []interval
}

func (s spans) never() bool { return !s.always && len(s.weekly) == 0 && len(s.fixed) == 0 }

// weekly is a span that comes back every week. An end before the begin is on
// the next day.
type weekly struct {
	days       week
	begin, end int // minutes after midnight
	zone       *time.Location
}

// interval is an absolute span; its end is exclusive.
type interval struct{ begin, end time.Time }

// mostSpans bounds the spans of one value.
const mostSpans = 200

func (r *Reading) spans(value string, zone *time.Location) (spans, error) {
	if err := checkLength(downscaler, value); err != nil {
		return spans{}, err
	}
	switch strings.ToLower(strings.TrimSpace(value)) {
	case "always", "true":
		return spans{always: true}, nil
	case "never", "false":
		return spans{}, nil
	}
	parts := strings.Split(value, ",")
	if len(parts) > mostSpans {
		return spans{}, invalid("%s: the value has %d spans, at most %d are read", downscaler, len(parts), mostSpans)
	}
	var s spans
	for _, part := range parts {
		part = strings.TrimSpace(part)
		if m := absolute.FindStringSubmatch(part); m != nil {
			span, err := r.interval(m[1], m[2])
			if err != nil {
				return spans{}, err
			}
			s.fixed = append(s.fixed, span)
			continue
		}
		span, err := r.weekly(part, zone)
		if err != nil {
			return spans{}, err
		}
		s.weekly = append(s.weekly, span)
	}
	// Mon-Sun 00:00-24:00 is how people write always.
	s.always = len(s.fixed) == 0 && wholeWeek(weekOf(s))
	return s, nil
}

var absolute = regexp.MustCompile(`^(\d{4}-\d\d-\d\dT\S*?(?:Z|[+-]\d\d:\d\d))\s*-\s*(\d{4}-\d\d-\d\dT\S*)$`)

// interval reads the two instants of an absolute span.
func (r *Reading) interval(from, to string) (interval, error) {
	begin, err := time.Parse(time.RFC3339, from)
	if err != nil {
		return interval{}, invalid("%s: %q is not like 2026-12-24T18:00:00+01:00", downscaler, clip(from))
	}
	end, err := time.Parse(time.RFC3339, to)
	if err != nil {
		return interval{}, invalid("%s: %q is not like 2026-12-24T18:00:00+01:00", downscaler, clip(to))
	}
	switch {
	case !begin.Before(end):
		return interval{}, invalid("%s: the span from %s to %s ends before it begins", downscaler, from, to)
	case begin.Year() < 1970 || end.Year() > 2100:
		return interval{}, invalid("%s: the span from %s to %s leaves the years 1970 to 2100", downscaler, from, to)
	}
	r.warn("the end of %s-%s is exclusive here and in GoKubeDownscaler; py-kube-downscaler includes its last second", from, to)
	if strings.HasSuffix(from, "Z") || strings.HasSuffix(to, "Z") {
		r.warn("py-kube-downscaler does not accept Z in %s-%s and ignores it, GoKubeDownscaler and nightshift do accept it", from, to)
	}
	// Windows begin and end at whole minutes: rather run longer.
	wholeBegin, wholeEnd := begin.Truncate(time.Minute), end.Add(time.Minute-time.Nanosecond).Truncate(time.Minute)
	if !wholeBegin.Equal(begin) || !wholeEnd.Equal(end) {
		r.warn("the span %s-%s is widened to whole minutes", from, to)
	}
	return interval{wholeBegin, wholeEnd}, nil
}

// weekly reads "Mon-Fri 07:30-20:30 Europe/Berlin"; the zone may be missing.
func (r *Reading) weekly(text string, zone *time.Location) (weekly, error) {
	fields := strings.Fields(text)
	if len(fields) < 2 || len(fields) > 3 {
		return weekly{}, invalid("%s: %q is not understood%s: spans are like Mon-Fri 07:30-20:30 Europe/Berlin", downscaler, clip(text),
			meant(text, []string{"always", "never"}))
	}
	s := weekly{zone: zone}
	var err error
	if s.days, err = r.downscalerDays(fields[0]); err != nil {
		return weekly{}, err
	}
	from, to, _ := strings.Cut(fields[1], "-")
	var okFrom, okTo bool
	s.begin, okFrom = parseClock(from, false)
	s.end, okTo = parseClock(to, true)
	switch {
	case !okFrom || !okTo:
		return weekly{}, invalid("%s: the times %q must be like 07:30-20:30, from 00:00 to 24:00", downscaler, clip(fields[1]))
	case s.begin == s.end:
		return weekly{}, invalid("%s: %q begins and ends at the same time and matches nothing%s", downscaler, clip(text), wholeDay(s.begin))
	case s.begin > s.end:
		r.warn("%s ends on the next day here; py-kube-downscaler never matches it, GoKubeDownscaler takes the hours after midnight on the named days themselves", clip(text))
	}
	if len(from) == 4 || len(to) == 4 {
		r.warn("py-kube-downscaler ignores %q because of its one-digit hour", clip(text))
	}
	if len(fields) == 3 {
		if s.zone, err = loadZone(fields[2]); err != nil {
			return weekly{}, invalid("%s: %w", downscaler, err)
		}
		if strings.ContainsAny(fields[2], "0123456789-+") {
			r.warn("py-kube-downscaler ignores %q because of the name of its zone", clip(text))
		}
	}
	r.warnChanges(downscaler, s.zone, s.begin, s.end)
	return s, nil
}

func wholeDay(at int) string {
	if at == 0 {
		return ": the whole day is 00:00-24:00"
	}
	return ""
}

// downscalerDays reads "Mon-Fri", "Fri-Mon" or "Mon".
func (r *Reading) downscalerDays(text string) (week, error) {
	from, to, ranged := strings.Cut(text, "-")
	if !ranged {
		to = from
	}
	var bounds [2]int
	for i, word := range []string{from, to} {
		day, ok := dayNumber(word)
		if !ok || len(word) != 3 {
			return 0, invalid("%s: unknown day %q%s: use Mon to Sun", downscaler, clip(word), meantDay(word, names()))
		}
		bounds[i] = day
	}
	if !ranged {
		r.warn("kube-downscaler ignores the single day %q, it wants %s-%s", text, from, from)
	}
	return through(bounds[0], bounds[1], 1), nil
}

func names() []string {
	list := dayNames()
	return list[:]
}

// commonZone is the one zone of all weekly spans. A schedule has one zone;
// absolute spans mean the same in any.
func commonZone(up, down spans, zone *time.Location) (*time.Location, error) {
	all := append(append([]weekly(nil), up.weekly...), down.weekly...)
	if len(all) == 0 {
		if len(up.fixed)+len(down.fixed) > 0 {
			return time.UTC, nil
		}
		return zone, nil
	}
	for _, s := range all[1:] {
		if zoneText(s.zone) != zoneText(all[0].zone) {
			return nil, invalid("%s: the spans are in two time zones, %s and %s: a schedule has one", downscaler, zoneText(all[0].zone), zoneText(s.zone))
		}
	}
	return all[0].zone, nil
}

func zoneText(zone *time.Location) string {
	if zone == nil {
		return "the default zone"
	}
	return zone.String()
}

// plain writes spans that nothing is taken from.
func (r *Reading) plain(s spans) error {
	for _, w := range s.weekly {
		if err := addWindow(&r.Definition.Running, strings.TrimSpace(w.days.String()+" "+clock(w.begin)+"-"+clock(w.end))); err != nil {
			return err
		}
	}
	for _, i := range s.fixed {
		const form = "2006-01-02 15:04"
		begin, end, err := r.local(i)
		if err != nil {
			return err
		}
		if err := addWindow(&r.Definition.Running, begin.Format(form)+"-"+end.Format(form)); err != nil {
			return err
		}
	}
	return nil
}

// local gives an absolute span in the schedule's zone, where windows are
// written.
func (r *Reading) local(i interval) (begin, end time.Time, err error) {
	zone := r.Definition.Zone
	if zone == nil {
		return begin, end, invalid("%s: absolute spans beside weekly ones without a zone: name the zone of the weekly ones", downscaler)
	}
	begin, end = i.begin.In(zone), i.end.In(zone)
	for _, t := range []time.Time{begin, end} {
		if y, m, d := t.Date(); !time.Date(y, m, d, t.Hour(), t.Minute(), 0, 0, zone).Equal(t) {
			r.warn("%s comes twice in %s: the span is widened to both", t.Format("2006-01-02 15:04"), zone)
		}
	}
	return begin, end, nil
}
