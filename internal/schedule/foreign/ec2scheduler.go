package foreign

import (
	"strings"
	"time"
)

const ec2Scheduler = "EC2 Scheduler"

// EC2Scheduler reads a value of the tag scheduler:ec2-startstop, the
// predecessor of Instance Scheduler on AWS: "0800;1800;utc;mon,tue", that is
// start, stop, zone and days; the last ones can be left out. A start
// or stop may be "none"; "default" and "true" mean 0800;1800;utc;all, and
// "none" alone asks to be skipped. A nil zone means UTC, as in the tool.
func EC2Scheduler(value string, zone *time.Location) (Reading, error) {
	var r Reading
	if err := checkLength(ec2Scheduler, value); err != nil {
		return r, err
	}
	if zone == nil {
		zone = time.UTC
	}
	fields := strings.Split(strings.ToLower(strings.TrimSpace(value)), ";")
	for i := range fields {
		fields[i] = strings.TrimSpace(fields[i])
	}
	switch {
	case len(fields) == 1 && fields[0] == "none":
		return Reading{Ignore: true}, nil
	case len(fields) == 1 && (fields[0] == "default" || fields[0] == "true"):
		fields = []string{"0800", "1800"}
	case len(fields) < 2 || len(fields) > 4:
		return r, invalid("%s: %q is not understood%s: a value is default, true, none, or like 0800;1800;utc;weekdays",
			ec2Scheduler, clip(value), meant(value, []string{"default", "true", "none"}))
	}
	start, err := ec2Time("start", fields[0], "0800")
	if err != nil {
		return Reading{}, err
	}
	stop, err := ec2Time("stop", fields[1], "1800")
	if err != nil {
		return Reading{}, err
	}
	if len(fields) > 2 && fields[2] != "" && fields[2] != "default" {
		// The value's own spelling, not in small letters, names the zone.
		if zone, err = loadZone(strings.TrimSpace(strings.Split(value, ";")[2])); err != nil {
			return Reading{}, err
		}
	}
	days := everyDay
	if len(fields) > 3 {
		if days, err = ec2Days(fields[3]); err != nil {
			return Reading{}, err
		}
	}
	r.Definition.Zone = zone
	prefix := days.String() + " "
	switch {
	case start == none && stop == none:
		return Reading{}, invalid("%s: %q neither starts nor stops: write none alone to leave the machine alone", ec2Scheduler, clip(value))
	case start == none:
		r.warnChanges(ec2Scheduler, zone, stop)
		err = addDayTime(&r.Definition.Stop, strings.TrimSpace(prefix+clock(stop)))
	case stop == none:
		r.warnChanges(ec2Scheduler, zone, start)
		err = addDayTime(&r.Definition.Start, strings.TrimSpace(prefix+clock(start)))
	case start == stop:
		return Reading{}, invalid("%s: %q starts and stops at the same time", ec2Scheduler, clip(value))
	default:
		if start > stop {
			r.warn("%s stops at %s only on the days that it names; nightshift stops on the morning after each of them", ec2Scheduler, clock(stop))
		}
		r.warnChanges(ec2Scheduler, zone, start, stop)
		err = addWindow(&r.Definition.Running, strings.TrimSpace(prefix+clock(start)+"-"+clock(stop)))
	}
	if err != nil {
		return Reading{}, err
	}
	return r, nil
}

// none is the time of day of a start or stop that does not happen.
const none = -1

// ec2Time reads "0800", "none" or "default".
func ec2Time(which, text, usual string) (int, error) {
	switch text {
	case "none":
		return none, nil
	case "default", "true", "":
		text = usual
	}
	n, ok := digits(text, 4)
	if !ok || len(text) < 3 || n/100 > 23 || n%100 > 59 {
		return 0, invalid("%s: the %s time %q must be like %s, or none", ec2Scheduler, which, clip(text), usual)
	}
	return n/100*60 + n%100, nil
}

// ec2Days reads "all", "weekdays" or "mon,tue".
func ec2Days(text string) (week, error) {
	switch text {
	case "all", "default", "":
		return everyDay, nil
	case "weekdays":
		return through(0, 4, 1), nil
	}
	var days week
	for word := range strings.SplitSeq(text, ",") {
		day, ok := dayNumber(strings.TrimSpace(word))
		if !ok {
			return 0, invalid("%s: unknown day %q%s: use all, weekdays, or days such as mon,tue", ec2Scheduler, clip(word),
				meantDay(strings.TrimSpace(word), dayWords("all", "weekdays")))
		}
		days |= 1 << day
	}
	return days, nil
}
