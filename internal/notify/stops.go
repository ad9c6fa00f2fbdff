package notify

import (
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
	"time"

	"nightshift/internal/app"
	"nightshift/internal/fleet"
	"nightshift/internal/power"
	"nightshift/internal/text"
)

// stop is a machine that a schedule is going to stop.
type stop struct {
	schedule string
	at       time.Time
	zone     *time.Location
	target   fleet.Target
	id       fleet.ResourceID
	name     string
	tags     fleet.Tags
}

// announced is a stop of a schedule that somebody was told of.
type announced struct {
	Schedule string         `json:"schedule"`
	At       time.Time      `json:"at"`
	Zone     string         `json:"zone"`
	Targets  []fleet.Target `json:"targets"`
	// Machines is how many it was announced for, IDs the first ones of them.
	Machines int                `json:"machines"`
	IDs      []fleet.ResourceID `json:"ids"`
}

// mostTransitions is how many transitions within the time are looked at.
const mostTransitions = 8

// stopsOf are the machines that will be stopped within some time, as the plan would
// decide then if nobody did anything until then.
func stopsOf(s *app.Session, r app.PowerResult, within time.Duration) []stop {
	rules := power.NewRuleSet(s.Config.Rules())
	var all []stop
	for _, t := range r.Targets {
		now := t.Plan.At
		for n, step := range t.Plan.Steps {
			m := step.Machine
			if step.Action != power.None || n < len(t.Outcomes) && t.Outcomes[n].Action != "" {
				continue // it is on its way already
			}
			at := step.Desired.Until
			for range mostTransitions {
				if !at.After(now) || at.After(now.Add(within)) {
					break
				}
				then := rules.Evaluate(m, t.Plan.Ramp, at)
				if then.Action == power.Stop {
					all = append(all, stop{then.Desired.Schedule, at, zoneOf(s, then.Desired.Schedule), t.Plan.Target, m.ID, m.Name(), m.Tags})
					break
				}
				at = then.Desired.Until
			}
		}
	}
	return all
}

// zoneOf is the time zone of a schedule by its name.
func zoneOf(s *app.Session, name string) *time.Location {
	if named, err := s.Config.Find(name, nil); err == nil && named.Schedule != nil {
		return named.Schedule.Zone()
	}
	return s.Config.Zone
}

func stopKey(schedule string, at time.Time) string {
	return schedule + "|" + at.UTC().Format(time.RFC3339)
}

const instant = "Mon 2006-01-02 15:04 MST"

// announce tells of the stops that were not told yet, a message for each schedule and
// instant, and takes back those that will not come.
func (s *state) announce(f findings, r rule) []Message {
	coming := map[string][]stop{}
	for _, one := range f.stops {
		if r.hears(true, one.tags) {
			key := stopKey(one.schedule, one.at)
			coming[key] = append(coming[key], one)
		}
	}
	var messages []Message
	for _, key := range slices.Sorted(maps.Keys(s.Stops)) {
		told := s.Stops[key]
		_, comes := coming[key]
		switch {
		case !told.At.After(f.clock):
			delete(s.Stops, key)
		case comes, told.At.After(f.clock.Add(r.notify.BeforeStop)), f.stopsAny(told): // nothing is wrong with it
		case f.ended && f.schedules && allRead(f, told.Targets):
			delete(s.Stops, key)
			messages = append(messages, correction(f, r, told, coming))
		}
	}
	for _, key := range slices.Sorted(maps.Keys(coming)) {
		if _, told := s.Stops[key]; told || r.notify.BeforeStop == 0 {
			continue
		}
		list := coming[key]
		first := list[0]
		told := announced{Schedule: first.schedule, At: first.at, Zone: first.zone.String(), Machines: len(list)}
		for _, one := range list {
			if !slices.Contains(told.Targets, one.target) {
				told.Targets = append(told.Targets, one.target)
			}
			if len(told.IDs) < mostMachines {
				told.IDs = append(told.IDs, one.id)
			}
		}
		s.Stops[key] = told
		messages = append(messages, announcement(f, r, list))
	}
	return messages
}

// stopsAny says whether a machine of an announcement is going to stop then, whoever
// hears of it now.
func (f findings) stopsAny(told announced) bool {
	return slices.ContainsFunc(f.stops, func(one stop) bool { return one.at.Equal(told.At) && slices.Contains(told.IDs, one.id) })
}

func allRead(f findings, targets []fleet.Target) bool {
	return !slices.ContainsFunc(targets, func(t fleet.Target) bool { return !f.read[t] })
}

// announcement tells of the stops of one schedule at one instant.
func announcement(f findings, r rule, list []stop) Message {
	first := list[0]
	when := first.at.In(first.zone).Format(instant)
	m := newMessage(f.at, f.job, clip(fmt.Sprintf("%s stops %s at %s", first.schedule, text.Count(len(list), "machine", "machines"), when)))
	m.Until, m.Page = first.at, r.notify.Page
	until, some := postponed(f, r, first.at)
	until = until.In(first.zone)
	command := func(id string) string {
		return fmt.Sprintf("nightshift power override set %s on --until %s", quoted(id), until.Format(time.RFC3339))
	}
	var lines []Line
	for _, one := range list {
		l := Line{Text: clip(describe(one.name, one.id, one.target))}
		if id := string(one.id); some && len(list) <= mostCommands && text.Printable(id) == id {
			l.Command = command(id)
			l.Link = postpone(r.notify.Page, id, until)
		}
		lines = append(lines, l)
	}
	m.add(KindUpcoming, "Stops at "+when, lines)
	switch {
	case !some:
		m.add(KindNote, fmt.Sprintf("An override that is set before %s ends before the stop", first.at.Add(-r.longest).In(first.zone).Format(instant)), nil)
	case len(list) > mostCommands:
		m.add(KindNote, "To keep one of them running", []Line{{Text: "write its id in place of ID", Command: command("ID")}})
	default:
		m.add(KindNote, "The commands keep a machine running", nil)
	}
	return m
}

// longer is by how much a stop is postponed.
const longer = 3 * time.Hour

// postponed is until when an override that is set now keeps a machine running that is to
// be stopped at some time; there is none where overrides may not last until then.
func postponed(f findings, r rule, at time.Time) (until time.Time, some bool) {
	until = at.Add(longer)
	if last := f.clock.Add(r.longest).Truncate(time.Minute); last.Before(until) {
		until = last
	}
	return until, !until.Before(at.Add(r.tick))
}

// postpone is the address of the page's form that keeps a machine running; empty where
// there is no page.
func postpone(page, id string, until time.Time) string {
	if page == "" {
		return ""
	}
	return page + "/override?" + url.Values{"machine": {id}, "until": {until.Format(time.RFC3339)}}.Encode()
}

// mostCommands is for how many machines each has its command.
const mostCommands = 10

// correction takes an announcement back.
func correction(f findings, r rule, told announced, coming map[string][]stop) Message {
	zone, err := time.LoadLocation(told.Zone)
	if err != nil {
		zone = time.UTC
	}
	heading := fmt.Sprintf("%s does not stop at %s", told.Schedule, told.At.In(zone).Format(instant))
	var instead []string
	for _, list := range coming {
		if list[0].schedule == told.Schedule {
			instead = append(instead, list[0].at.In(zone).Format(instant))
		}
	}
	if slices.Sort(instead); len(instead) > 0 {
		heading += ", but at " + strings.Join(instead, " and ")
	}
	m := newMessage(f.at, f.job, clip(heading))
	m.Until, m.Page = told.At, r.notify.Page
	m.add(KindUpcoming, fmt.Sprintf("It was announced for %s", text.Count(told.Machines, "machine", "machines")), nil)
	return m
}

// quoted is a word for a shell.
func quoted(word string) string {
	if strings.Trim(word, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.:/") == "" {
		return word
	}
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}
