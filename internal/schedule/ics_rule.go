package schedule

import (
	"strings"
	"time"

	"github.com/teambition/rrule-go"

	"nightshift/internal/fleet"
)

const (
	maxRules    = 500
	maxInterval = 1000
	// epochShift moves a rule towards the last year that rrule-go knows, 9999,
	// because that is where it stops to look for a rule's next date: a rule
	// that never matches ("30 February") would take seconds. The calendar
	// repeats every 400 years.
	epochShift = 19 * 400
)

// occurrences are the starts of an event: DTSTART, its rules and RDATE, less
// EXDATE and the occurrences that have an event of their own.
func (r *icsReader) occurrences(e icsEvent) ([]time.Time, error) {
	var starts []time.Time
	if len(e.rules) == 0 {
		starts = append(starts, e.start.at)
	}
	for _, text := range e.rules {
		if r.rules++; r.rules > maxRules {
			return nil, fleet.Errorf(fleet.ErrInvalid, "the calendar has more than %d recurrence rules", maxRules)
		}
		more, err := e.follow(text)
		if err != nil {
			return nil, fleet.Errorf(fleet.ErrInvalid, "RRULE %q: %w", brief(text), err)
		}
		starts = append(starts, more...)
	}
	starts = append(starts, e.more...)

	instants, dates := make(map[int64]bool), make(map[int]bool)
	for _, x := range e.except {
		if x.date {
			dates[floorDay(x.at.Unix())] = true
		} else {
			instants[x.at.Unix()] = true
		}
	}
	kept := starts[:0]
	for _, at := range starts {
		moved := !e.override && r.moved[occurrence{e.uid, at.Unix()}]
		if !moved && !instants[at.Unix()] && !dates[floorDay(at.Unix())] {
			kept = append(kept, at)
		}
	}
	return kept, nil
}

// follow lists the dates of a recurrence rule up to 2100.
func (e icsEvent) follow(text string) (starts []time.Time, err error) {
	// rrule-go panics on some rules that make no sense, such as the 28th Monday
	// from the end of a month.
	defer func() {
		if p := recover(); p != nil {
			starts, err = nil, fleet.Errorf(fleet.ErrInvalid, "the rule cannot be followed: %v", p)
		}
	}()
	option, err := e.rule(text)
	if err != nil {
		return nil, err
	}
	rule, err := rrule.NewRRule(*option)
	if err != nil {
		return nil, err
	}
	starts = []time.Time{e.start.at} // DTSTART counts also where the rule leaves it out
	next := rule.Iterator()
	for at, ok := next(); ok; at, ok = next() {
		at = at.AddDate(-epochShift, 0, 0)
		if at.Year() < firstYear-1 || at.Equal(e.start.at) {
			continue
		}
		starts = append(starts, at)
		if len(starts) > maxDates {
			return nil, fleet.Errorf(fleet.ErrInvalid, "it has more than %d dates; give it an UNTIL", maxDates)
		}
	}
	return starts, nil
}

// rule reads a rule and refuses what would take long or makes no sense for
// days.
func (e icsEvent) rule(text string) (*rrule.ROption, error) {
	if len(text) > 1000 {
		return nil, fleet.Errorf(fleet.ErrInvalid, "the rule is too long")
	}
	option, err := rrule.StrToROption(strings.TrimSuffix(strings.ToUpper(strings.TrimSpace(text)), ";"))
	if err != nil {
		return nil, err
	}
	filtered := len(option.Bymonth)+len(option.Byweekday) > 0
	byDate := len(option.Bymonthday)+len(option.Byyearday)+len(option.Byweekno)+len(option.Bysetpos) > 0
	switch {
	case option.Freq > rrule.DAILY:
		return nil, fleet.Errorf(fleet.ErrInvalid, "the calendar gives days: FREQ must be DAILY or less often")
	case len(option.Byhour)+len(option.Byminute)+len(option.Bysecond) > 0:
		return nil, fleet.Errorf(fleet.ErrInvalid, "the calendar gives days: BYHOUR, BYMINUTE and BYSECOND are not read")
	case len(option.Byeaster) > 0:
		return nil, fleet.Errorf(fleet.ErrInvalid, "BYEASTER is not part of RFC 5545")
	case option.Interval < 0 || option.Interval > maxInterval:
		return nil, fleet.Errorf(fleet.ErrInvalid, "INTERVAL must lie between 1 and %d", maxInterval)
	case option.Count < 0:
		return nil, fleet.Errorf(fleet.ErrInvalid, "COUNT is negative")
	case option.Freq == rrule.DAILY && (byDate || filtered && option.Interval > 1):
		return nil, fleet.Errorf(fleet.ErrInvalid, "write a daily rule with days of the month, or with an interval and other conditions, as MONTHLY or YEARLY")
	case option.Freq == rrule.WEEKLY && byDate:
		return nil, fleet.Errorf(fleet.ErrInvalid, "write a weekly rule with days of the month as MONTHLY or YEARLY")
	}
	e.limit(option, text)
	option.Dtstart = e.start.at.AddDate(epochShift, 0, 0)
	option.Until = option.Until.AddDate(epochShift, 0, 0)
	return option, nil
}

// limit sets the end of a rule in the terms of its event.
func (e icsEvent) limit(option *rrule.ROption, text string) {
	end := time.Date(lastYear, time.December, 31, 23, 59, 59, 0, time.UTC)
	until := option.Until
	_, written, given := strings.Cut(strings.ToUpper(text), "UNTIL=")
	if !given {
		option.Until = end
		return
	}
	written, _, _ = strings.Cut(written, ";")
	switch {
	case len(written) == len("20060102"):
		until = until.Add(24*time.Hour - time.Second)
	case strings.HasSuffix(written, "Z") && !e.start.utc && e.zone != time.UTC:
		until = asWall(until, e.zone)
	}
	if until.After(end) {
		until = end
	}
	option.Until = until
}
