package stack

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"nightshift/internal/fleet"
	"nightshift/internal/schedule"
)

// Expression writes a recurrence for EventBridge Scheduler, with the name of its
// time zone, which is empty for an interval. What Scheduler cannot say is an error
// of kind [fleet.ErrInvalid]. See "Schedule types in EventBridge Scheduler" in its
// user guide.
//
// The two differ where the clocks change: Scheduler leaves out a time that does
// not exist. Its intervals begin when the schedule is made.
func Expression(r schedule.Recurrence) (expression, zone string, err error) {
	if interval := r.Interval(); interval > 0 {
		n, unit := int(interval/time.Minute), "minute"
		if n%60 == 0 {
			n, unit = n/60, "hour"
		}
		if n > 1 {
			unit += "s"
		}
		return fmt.Sprintf("rate(%d %s)", n, unit), "", nil
	}
	when, in := r.Time()
	if in == nil {
		return "", "", fleet.Errorf(fleet.ErrInvalid, "the job has no time")
	}
	fields, err := cronDays(when.Days())
	if err != nil {
		return "", "", fmt.Errorf("%q: %w", when, err)
	}
	hour, minute := when.Clock()
	return fmt.Sprintf("cron(%d %d %s)", minute, hour, fields), in.String(), nil
}

// cronDays writes days as the fields for the day of the month, the month, the day
// of the week and the year.
func cronDays(d schedule.Days) (string, error) {
	p := d.Parts()
	month := "*"
	if len(p.Months) > 0 {
		month = commas(p.Months, func(m time.Month) string { return strings.ToUpper(m.String()[:3]) })
	}
	inMonth, inWeek := len(p.MonthDays)+len(p.Nearest) > 0, len(p.Weekdays)+len(p.Nth) > 0
	switch {
	case p.From != schedule.Date{}:
		if p.From != p.To || inMonth || inWeek || len(p.Months) > 0 {
			return "", unsaid("a range of dates, or a date with other days; write single dates")
		}
		return fmt.Sprintf("%d %d ? %d", p.From.Day, p.From.Month, p.From.Year), nil
	case inMonth && inWeek:
		return "", unsaid("days of the month together with weekdays")
	case inMonth:
		day, err := cronMonthDays(p)
		return fmt.Sprintf("%s %s ? *", day, month), err
	case inWeek:
		day, err := cronWeekdays(p)
		return fmt.Sprintf("? %s %s *", month, day), err
	}
	return fmt.Sprintf("* %s ? *", month), nil
}

func cronMonthDays(p schedule.DayParts) (string, error) {
	const last = -1
	switch {
	case len(p.Nearest) == 1 && len(p.MonthDays) == 0 && p.Nearest[0] != last:
		return strconv.Itoa(p.Nearest[0]) + "W", nil
	case len(p.Nearest) > 0:
		return "", unsaid("the last working day, or a working day together with other days")
	case len(p.MonthDays) == 1 && p.MonthDays[0] == last:
		return "L", nil
	case p.MonthDays[len(p.MonthDays)-1] == last:
		return "", unsaid("the last day of the month together with other days")
	}
	return commas(p.MonthDays, strconv.Itoa), nil
}

// cronWeekdays writes nth weekdays with numbers, from Sunday on.
func cronWeekdays(p schedule.DayParts) (string, error) {
	switch {
	case len(p.Nth) == 0:
		return commas(p.Weekdays, func(w time.Weekday) string { return strings.ToUpper(w.String()[:3]) }), nil
	case len(p.Nth) > 1 || len(p.Weekdays) > 0:
		return "", unsaid("several nth weekdays of a month, or one together with other weekdays")
	}
	nth := p.Nth[0]
	if nth.N < 0 {
		return fmt.Sprintf("%dL", nth.Weekday+1), nil
	}
	return fmt.Sprintf("%d#%d", nth.Weekday+1, nth.N), nil
}

func unsaid(what string) error {
	return fleet.Errorf(fleet.ErrInvalid, "EventBridge Scheduler has no expression for %s", what)
}

func commas[T any](list []T, text func(T) string) string {
	texts := make([]string, len(list))
	for n, item := range list {
		texts[n] = text(item)
	}
	return strings.Join(texts, ",")
}
