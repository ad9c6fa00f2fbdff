package config

import (
	"slices"
	"time"

	"go.yaml.in/yaml/v4"

	"nightshift/internal/fleet"
	"nightshift/internal/power"
	"nightshift/internal/schedule"
	"nightshift/internal/schedule/foreign"
)

func ruleKeys() []string {
	return []string{
		"tag", "kinds", "schedule", "format", "timezone", "ignore", "include_managed", "enforce", "stop_new", "retain_running",
		"hibernate", "change_type", "min_uptime", "after", "ready",
	}
}

// maxRules bounds the work that a file can ask for.
const maxRules = 1000

// rule is a rule with the places of its parts.
type rule struct {
	power.Rule
	node   *yaml.Node
	fields map[string]field
	wrong  bool
}

// readRules reads all rules. One with an error is kept as a rule that answers
// with an error: the machines that it fits must not fall to a later rule. One
// whose tag cannot be read fits every machine.
func (l *loader) readRules(n *yaml.Node, untagged bool) {
	list, ok := l.follow(n)
	if !ok {
		return
	}
	if list.Kind != yaml.SequenceNode {
		l.at(n, "rules is %s; it must be a list of rules", form(list))
		return
	}
	for _, item := range list.Content {
		if len(l.rules) == maxRules {
			l.at(item, "there are more than %d rules", maxRules)
			break
		}
		l.rules = append(l.rules, l.rule(item, untagged))
	}
	l.checkRules()
	for _, r := range l.rules {
		if r.wrong {
			r.Read = refuse(fleet.Errorf(fleet.ErrInvalid, "the rule in %s:%d is wrong", l.name, r.node.Line))
		}
		l.out.rules.Rules = append(l.out.rules.Rules, r.Rule)
	}
}

func refuse(err error) func(string) (power.Named, error) {
	return func(string) (power.Named, error) { return power.Named{}, err }
}

func (l *loader) rule(n *yaml.Node, untagged bool) (r rule) {
	before := l.wrong
	defer func() { r.wrong = l.wrong > before }()
	r = rule{node: n, fields: l.fields(n, "a rule", ruleKeys())}
	kindsRead := true
	if entry, given := r.fields["tag"]; given {
		r.Tag = l.tag(entry.value, "tag")
	}
	if entry, given := r.fields["kinds"]; given {
		r.Kinds, kindsRead = l.kinds(entry.value)
	}
	if !kindsRead || len(r.fields) == 0 {
		r.Kinds = power.Kinds() // of a wrong rule: as many machines as it can be about
	}
	for key, flag := range map[string]*bool{
		"ignore": &r.Ignore, "include_managed": &r.IncludeManaged, "enforce": &r.Enforce, "stop_new": &r.StopNew, "retain_running": &r.RetainRunning, "hibernate": &r.Hibernate, "change_type": &r.ChangeType,
	} {
		if entry, given := r.fields[key]; given {
			*flag = l.boolean(entry.value, key)
		}
	}
	if entry, given := r.fields["min_uptime"]; given {
		r.MinUptime = l.duration(entry.value, "min_uptime", 0, 31*24*time.Hour)
	}
	if entry, given := r.fields["ready"]; given {
		r.Ready = l.duration(entry.value, "ready", 0, 12*time.Hour)
	}
	if entry, given := r.fields["after"]; given {
		r.After = l.tag(entry.value, "after")
	}
	// What a misspelt key would have said is not missing, too.
	if l.wrong == before {
		l.checkComplete(r, untagged)
	}
	l.bind(&r)
	return r
}

// checkComplete reports rules that do not say which machines or which
// schedule.
func (l *loader) checkComplete(r rule, untagged bool) {
	_, hasTag := r.fields["tag"]
	_, hasSchedule := r.fields["schedule"]
	switch {
	case r.Ignore:
	case !hasTag && !hasSchedule:
		l.at(r.node, "the rule says neither whose schedule it is nor which: give it a tag, a schedule, or ignore: true")
	case !hasSchedule && r.Tag.Value != "":
		l.at(r.node, "the rule has no schedule; name one, or leave %q off the tag so that its value is the schedule", "="+r.Tag.Value)
	case !hasTag && !untagged:
		l.at(r.node, "a rule without a tag is for every machine of the account; say allow_untagged: true in power if that is meant")
	case !hasTag:
		l.warn(r.node, "this rule is for every machine that no earlier one fits, also untagged ones")
	}
}

func (l *loader) tag(n *yaml.Node, what string) fleet.Tag {
	text, ok := l.text(n, what)
	if !ok {
		return fleet.Tag{}
	}
	tag, err := fleet.ParseTag(text)
	if err != nil {
		l.at(n, "%v", err)
	}
	return tag
}

func (l *loader) kinds(n *yaml.Node) ([]fleet.Kind, bool) {
	var known []string
	for _, kind := range power.Kinds() {
		known = append(known, string(kind))
	}
	var kinds []fleet.Kind
	before := l.wrong
	for _, item := range l.items(n, "kinds") {
		text, ok := l.text(item, "a kind")
		switch {
		case !ok:
		case !slices.Contains(known, text):
			l.at(item, "there is no kind %q%s", text, meant(text, known))
		case slices.Contains(kinds, fleet.Kind(text)):
			l.at(item, "the kind %s is given twice", text)
		default:
			kinds = append(kinds, fleet.Kind(text))
		}
	}
	return kinds, l.wrong == before
}

// bind gives the rule its Read: from the schedule that it names, from the
// tag's value, or none at all.
func (l *loader) bind(r *rule) {
	named, hasSchedule := r.fields["schedule"]
	format, hasFormat := r.fields["format"]
	zoned, hasZone := r.fields["timezone"]
	_, hasTag := r.fields["tag"]
	fromTag := hasTag && !hasSchedule && !r.Ignore
	zone := l.out.Zone
	if hasZone {
		if own, ok := l.zone(zoned.value); ok {
			zone = own
		}
		if !fromTag {
			l.at(zoned.key, "timezone is for rules whose tag brings the schedule; set the schedule's own instead")
		}
	}
	if hasFormat && !fromTag {
		l.at(format.key, "format is for rules whose tag brings the schedule")
	}
	switch {
	case r.Ignore:
		for _, key := range ruleKeys() {
			if entry, given := r.fields[key]; given && !slices.Contains([]string{"tag", "kinds", "ignore", "format", "timezone"}, key) {
				l.at(entry.key, "%s has no meaning beside ignore: true", key)
			}
		}
		r.Read = func(string) (power.Named, error) { return power.Named{Ignore: true}, nil }
	case hasSchedule:
		l.bindSchedule(r, named)
	case !hasTag, r.Tag.Value != "": // checkComplete reports it
	case hasFormat:
		r.Read = l.formatReader(format.value, zone)
	default:
		config, enforce, stopNew := l.out, r.Enforce, r.StopNew
		r.Read = func(value string) (power.Named, error) {
			return warned(enforce, stopNew)(config.Find(value, zone))
		}
		if !hasZone && l.zoneErr != nil {
			r.Read = refuse(l.zoneErr)
		}
	}
}

// bindSchedule binds the rule to one schedule, by name or in the inline form.
func (l *loader) bindSchedule(r *rule, entry field) {
	text, ok := l.text(entry.value, "schedule")
	if !ok {
		return
	}
	if i := slices.IndexFunc(l.out.Schedules, func(s Schedule) bool { return s.Name == text }); i >= 0 {
		l.used[text] = true
		if err := l.out.Schedules[i].Err; err != nil {
			r.Schedule, r.Read = text, refuse(err) // reported where the schedule is defined
			return
		}
	}
	named, err := l.out.Find(text, nil)
	switch {
	case err != nil:
		l.at(entry.value, "%v", err)
		return
	case named.Ignore:
		l.at(entry.value, "write ignore: true instead of a schedule")
		return
	case r.Enforce && named.Schedule.OneSided():
		l.at(r.fields["enforce"].key, "%s has only starts or only stops, so that there is nothing to enforce", text)
	case r.Enforce || !neverChanges(named.Schedule):
	case named.Schedule.At(time.Time{}) == schedule.Running:
		l.warn(entry.value, "%s never changes its mind, and what people do is respected until it does: without enforce: true this rule starts nothing that was stopped by a call", text)
	case !r.StopNew:
		l.warn(entry.value, "%s never changes its mind, and what people do is respected until it does: without enforce: true (or stop_new: true) this rule does nothing", text)
	}
	r.Schedule = text
	r.Read = func(string) (power.Named, error) { return named, nil }
}

// neverChanges reports whether a schedule has no transition.
func neverChanges(s *schedule.Schedule) bool {
	_, changes := s.Next(time.Time{})
	return !changes
}

// formatReader reads tag values in another tool's notation.
func (l *loader) formatReader(n *yaml.Node, zone *time.Location) func(string) (power.Named, error) {
	text, ok := l.text(n, "format")
	if !ok {
		return nil
	}
	var known []string
	for _, format := range foreign.Formats() {
		known = append(known, string(format))
	}
	if !slices.Contains(known, text) {
		l.at(n, "there is no format %q%s", text, meant(text, known))
		return nil
	}
	return func(value string) (power.Named, error) {
		reading, err := foreign.Read(foreign.Format(text), value, zone)
		if err != nil {
			return power.Named{}, err
		}
		named := power.Named{Name: value, Ignore: reading.Ignore, Warnings: reading.Warnings}
		if !reading.Ignore {
			named.Schedule, err = schedule.New(reading.Definition, zone)
		}
		return named, err
	}
}

// warned adds a warning to the schedule of a tag that does not do what may be
// expected of it under its rule: one that cannot be enforced, or that never runs
// and yet stops nothing that a person has started.
func warned(enforce, stopNew bool) func(power.Named, error) (power.Named, error) {
	return func(named power.Named, err error) (power.Named, error) {
		switch {
		case named.Schedule == nil:
		case enforce && named.Schedule.OneSided():
			named.Warnings = append(named.Warnings, named.Name+" has only starts or only stops, so that there is nothing to enforce")
		case !enforce && !stopNew && neverChanges(named.Schedule) && named.Schedule.At(time.Time{}) == schedule.Stopped:
			named.Warnings = append(named.Warnings, named.Name+" never changes its mind, and what people started is respected until it does: without enforce: true (or stop_new: true) in the rule it stops nothing")
		}
		return named, err
	}
}
