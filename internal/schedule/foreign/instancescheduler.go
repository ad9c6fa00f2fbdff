package foreign

import (
	"errors"
	"slices"
	"strings"

	"nightshift/internal/schedule"
)

const instanceScheduler = "Instance Scheduler"

// Period is a period of Instance Scheduler on AWS as written in the
// configuration table or in a template. Lists are joined with commas; an empty
// field and "*" do not restrict.
type Period struct {
	Name                        string
	BeginTime, EndTime          string // "09:00", local time of the schedule
	WeekDays, MonthDays, Months string
	// InstanceType is the type that the period wants: period@t3.micro.
	InstanceType string
	Description  string
}

// InstanceSchedule is a schedule of Instance Scheduler on AWS.
type InstanceSchedule struct {
	Name, Description string
	Timezone          string // IANA name; empty means the zone handed to schedule.New
	Periods           []Period
	// OverrideStatus is "running", "stopped" or empty.
	OverrideStatus string
	// These are no part of a schedule: a rule keeps them.
	Enforced      bool
	RetainRunning bool
	Hibernate     bool
	// StopNewInstances is true where the tool's own default holds.
	StopNewInstances bool
	// UseMaintenanceWindow and SSMMaintenanceWindow start machines outside
	// their periods.
	UseMaintenanceWindow bool
	SSMMaintenanceWindow []string
}

// InstanceScheduler reads a schedule with its periods. Enforced and
// StopNewInstances are not part of when a machine runs: the caller writes them
// into the rule.
func InstanceScheduler(s InstanceSchedule) (Reading, error) {
	var r Reading
	if s.Timezone != "" {
		zone, err := loadZone(s.Timezone)
		if err != nil {
			return Reading{}, invalid("schedule %q: %w", clip(s.Name), err)
		}
		r.Definition.Zone = zone
	}
	switch strings.ToLower(strings.TrimSpace(s.OverrideStatus)) {
	case "":
	case "running":
		r.warnOverride(s, "running", "starts nothing that was stopped")
		return r, addWindow(&r.Definition.Running, "always")
	case "stopped":
		r.warnOverride(s, "stopped", "stops nothing that was started")
		r.Definition.Never = true
		return r, nil
	default:
		return Reading{}, invalid("schedule %q: override_status %q%s must be running or stopped", clip(s.Name), clip(s.OverrideStatus),
			meant(s.OverrideStatus, []string{"running", "stopped"}))
	}
	if len(s.Periods) == 0 {
		return Reading{}, invalid("schedule %q has no periods", clip(s.Name))
	}
	const mostPeriods = 200
	if len(s.Periods) > mostPeriods {
		return Reading{}, invalid("schedule %q has %d periods, at most %d are read", clip(s.Name), len(s.Periods), mostPeriods)
	}
	r.warnFlags(s)
	spans := make([]span, 0, len(s.Periods))
	for _, p := range s.Periods {
		t, err := r.period(p)
		if err != nil {
			return Reading{}, invalid("schedule %q: period %q: %w", clip(s.Name), clip(p.Name), err)
		}
		spans = append(spans, t)
	}
	bridge(spans)
	for _, t := range spans {
		if err := r.write(t); err != nil {
			return Reading{}, invalid("schedule %q: period %q: %w", clip(s.Name), clip(t.name), err)
		}
	}
	r.warnOneSided(spans)
	// Periods with nothing but an end never start anything.
	r.Definition.Never = len(r.Definition.Running) == 0
	return r, nil
}

// warnOverride says what an override of a whole schedule is here.
func (r *Reading) warnOverride(s InstanceSchedule, status, nothing string) {
	note := "override_status " + status + " holds until it is taken out; nightshift:override on a machine ends by itself"
	if !s.Enforced {
		note += ". Without enforce: true in the rule it " + nothing + " before"
	}
	r.warn("%s", note)
}

// warnFlags says what of a schedule's settings is not kept.
func (r *Reading) warnFlags(s InstanceSchedule) {
	if s.UseMaintenanceWindow && len(s.SSMMaintenanceWindow) > 0 {
		r.warn("maintenance windows are not kept: add a window for %s to the schedule", clip(strings.Join(s.SSMMaintenanceWindow, ", ")))
	}
	for _, p := range s.Periods {
		if p.InstanceType != "" {
			r.warn("period %s: the change of type to %s is not kept", clip(p.Name), clip(p.InstanceType))
		}
	}
}

// open is the begin or end of a period that has none.
const open = -1

// span is a period that has been understood.
type span struct {
	name       string
	days       string // in our notation, "" is every day
	begin, end int    // minutes after midnight, or open
}

// period reads the fields of one period.
func (r *Reading) period(p Period) (span, error) {
	t := span{name: p.Name, begin: open, end: open}
	if text := strings.TrimSpace(p.BeginTime); text != "" {
		minutes, ok := parseClock(text, false)
		if !ok {
			return span{}, invalid("begintime %q must be like 09:00", clip(text))
		}
		t.begin = minutes
	}
	if text := strings.TrimSpace(p.EndTime); text != "" {
		minutes, ok := parseClock(text, true)
		if !ok {
			return span{}, invalid("endtime %q must be like 17:00", clip(text))
		}
		t.end = minutes
	}
	switch {
	case t.begin != open && t.begin == t.end:
		return span{}, invalid("it begins and ends at %s, so it never runs", clock(t.end))
	case t.begin > t.end && t.end != open:
		r.warn("period %s ends at %s on the next day; %s does not accept it", clip(p.Name), clock(t.end), instanceScheduler)
	}
	var err error
	t.days, err = r.days(p)
	return t, err
}

// days writes the three day fields in our notation. A day must satisfy all
// of them, here as there.
func (r *Reading) days(p Period) (string, error) {
	months, err := r.months(p.Months)
	if err != nil {
		return "", err
	}
	monthDays, err := r.monthDays(p.MonthDays)
	if err != nil {
		return "", err
	}
	weekDays, err := r.weekDays(p.WeekDays)
	if err != nil {
		return "", err
	}
	parts := slices.DeleteFunc([]string{months, monthDays, weekDays}, func(s string) bool { return s == "" })
	return strings.Join(parts, " "), nil
}

// bridge closes the minute between two periods. Instance Scheduler has no
// 24:00, so midnight is crossed by a period until 23:59 and one from 00:00;
// with two or more periods it treats gaps of a minute as none. One period from
// 00:00 to 23:59 is joined to itself: with runs every five minutes nobody ever
// saw its last minute.
func bridge(spans []span) {
	const lastMinute = 23*60 + 59
	for i, s := range spans {
		if s.end == open || s.begin > s.end {
			continue
		}
		for _, other := range spans {
			fromMidnight := other.begin == 0 || other.begin == open && other.end == open
			if other.begin == s.end+1 || s.end == lastMinute && fromMidnight {
				spans[i].end++
				break
			}
		}
	}
}

// write adds a period to the definition: full periods run, one-sided ones run
// after their begin and are nobody's business before it, or are nobody's
// business until their end.
func (r *Reading) write(s span) error {
	const midnight = 24 * 60
	add := func(to *[]schedule.Window, begin, end int) error {
		if begin == end {
			return nil
		}
		if s.days == "" && begin == 0 && end == midnight {
			return addWindow(to, "always")
		}
		return addWindow(to, strings.TrimSpace(s.days+" "+clock(begin)+"-"+clock(end)))
	}
	running, unmanaged := &r.Definition.Running, &r.Definition.Unmanaged
	switch {
	case s.begin == open && s.end == open:
		return add(running, 0, midnight)
	case s.end == open:
		r.warnChanges(instanceScheduler, r.Definition.Zone, s.begin)
		return errors.Join(add(running, s.begin, midnight), add(unmanaged, 0, s.begin))
	case s.begin == open:
		r.warnChanges(instanceScheduler, r.Definition.Zone, s.end)
		return add(unmanaged, 0, s.end)
	}
	r.warnChanges(instanceScheduler, r.Definition.Zone, s.begin, s.end)
	return add(running, s.begin, s.end)
}

// warnOneSided says that the hands-off time of a one-sided period hides the
// stops of the others, as it does in Instance Scheduler.
func (r *Reading) warnOneSided(spans []span) {
	oneSided, full := "", false
	for _, t := range spans {
		if (t.begin == open) != (t.end == open) {
			oneSided = t.name
		} else {
			full = true
		}
	}
	if oneSided != "" && full {
		r.warn("period %s has no begin or no end, so nothing is stopped in its open time, also where another period ends in it (as in %s); write one window over midnight instead", clip(oneSided), instanceScheduler)
	}
}
