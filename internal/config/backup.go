package config

import (
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"go.yaml.in/yaml/v4"

	"nightshift/internal/backup"
	"nightshift/internal/fleet"
	"nightshift/internal/retention"
	"nightshift/internal/schedule"
	"nightshift/internal/text"
)

func backupKeys() []string { return []string{"policies", "delete", "rpo"} }

func policyKeys() []string {
	return []string{
		"id", "tag", "tags", "resource", "schedule", "keep", "rpo", "exclude", "include_managed", "skip_unchanged", "after_source_deleted",
	}
}

func slotKeys() []string { return []string{"at", "every", "timezone", "after"} }

func keepKeys() []string { return text.Strings(retention.Names()) }

// The bounds and defaults of the section.
const (
	mostPolicies = 200
	mostID       = 40
	defaultRPO   = backup.DefaultRPO
	leastRPO     = time.Hour
	mostRPO      = 400 * 24 * time.Hour
	// leastEvery is the shortest interval of copies: snapshots of a volume need time, and
	// EC2 refuses more than 5 at once.
	leastEvery = time.Hour
	// mostKeep is how long the text of the rules may be that the copies carry as a tag,
	// together with the name of a zone.
	mostKeep = 200
	// rpoSlack is what the default RPO allows a copy beyond the time to the next slot.
	rpoSlack = 2 * time.Hour
)

// The words of backup.delete.
const (
	deleteApproved   = "approved"
	deleteUnattended = "unattended"
)

// policy is a policy with its place.
type policy struct {
	backup.Policy
	node *yaml.Node
}

// backup reads the section.
func (l *loader) backup(section field) {
	out := &l.out.Backup
	out.RPO = defaultRPO
	if section.value == nil {
		return
	}
	before := l.wrong
	defer func() { out.Broken = l.wrong > before }()
	fields := l.fields(section.value, "backup", backupKeys())
	if entry, given := fields["rpo"]; given {
		out.RPO = l.duration(entry.value, "rpo", leastRPO, mostRPO)
	}
	if entry, given := fields["delete"]; given {
		switch word, ok := l.text(entry.value, "delete"); {
		case !ok, word == deleteApproved:
		case word == deleteUnattended:
			out.Unattended = true
		default:
			l.at(entry.value, "delete is %q; it is %s, where a person agrees to each deletion, or %s%s", word, deleteApproved, deleteUnattended,
				meant(word, []string{deleteApproved, deleteUnattended}))
		}
	}
	if entry, given := fields["policies"]; given {
		l.policies(entry.value)
	}
}

// policies reads all of them. One with an error is kept as one that answers with it:
// what it selects must not fall to a later one, and its copies must not be taken for
// those of a policy that is gone.
func (l *loader) policies(n *yaml.Node) {
	list, ok := l.follow(n)
	if !ok {
		return
	}
	if list.Kind != yaml.SequenceNode {
		l.at(n, "policies is %s; it must be a list of policies", form(list))
		return
	}
	var all []policy
	for _, item := range list.Content {
		if len(all) == mostPolicies {
			l.at(item, "there are more than %d policies", mostPolicies)
			break
		}
		before := l.wrong
		p := policy{node: item}
		p.Policy = l.policy(item)
		if l.wrong > before {
			p.Err = fleet.Errorf(fleet.ErrInvalid, "the policy in %s:%d is wrong", l.name, item.Line)
		}
		if other := slices.IndexFunc(all, func(q policy) bool { return q.ID == p.ID && p.ID != "" }); other >= 0 {
			l.at(item, "the id %s is that of the policy in line %d, too; the copies of two policies could not be told apart", p.ID, all[other].node.Line)
			p.Err = fleet.Errorf(fleet.ErrInvalid, "the id %s is given twice", p.ID)
			all[other].Err = p.Err
		}
		all = append(all, p)
	}
	l.checkPolicies(all)
	for _, p := range all {
		l.out.Backup.Policies = append(l.out.Backup.Policies, p.Policy)
	}
}

func (l *loader) policy(n *yaml.Node) backup.Policy {
	before := l.wrong
	fields := l.fields(n, "a policy", policyKeys())
	p := backup.Policy{Resource: backup.Instances, Zone: l.out.Zone}
	if entry, given := fields["id"]; given {
		p.ID = l.policyID(entry.value)
	}
	p.Tags = l.selector(fields)
	if entry, given := fields["resource"]; given {
		p.Resource = l.resource(entry.value)
	}
	if entry, given := fields["schedule"]; given {
		l.slots(&p, entry.value)
	}
	if entry, given := fields["keep"]; given {
		p.Keep = l.keep(entry.value)
	}
	if entry, given := fields["exclude"]; given {
		for _, item := range l.items(entry.value, "exclude") {
			tag := l.tag(item, "exclude")
			p.Exclude = append(p.Exclude, tag)
			if l.wrong == before {
				l.checkExclude(item, p, tag)
			}
		}
	}
	for key, flag := range map[string]*bool{"include_managed": &p.IncludeManaged, "skip_unchanged": &p.SkipUnchanged} {
		if entry, given := fields[key]; given {
			*flag = l.boolean(entry.value, key)
		}
	}
	if entry, given := fields["after_source_deleted"]; given {
		p.AfterSourceDeleted = l.calendarTime(entry.value, "after_source_deleted")
	}
	if l.wrong == before {
		l.checkPolicyComplete(n, fields)
	}
	l.objective(&p, fields["rpo"])
	return p
}

// checkExclude reports what leaves out all that a policy selects.
func (l *loader) checkExclude(n *yaml.Node, p backup.Policy, tag fleet.Tag) {
	switch own := slices.ContainsFunc(p.Tags, func(t fleet.Tag) bool { return covers(tag, t) }); {
	case !own:
	case p.Resource == backup.Volumes:
		l.at(n, "exclude leaves out all that the policy selects: %s is the tag that it selects by", tag)
	default:
		l.warn(n, "the policy selects instances by %s, and leaves out those of their volumes that carry it, too", tag)
	}
}

// checkAfterStop warns where no schedule stops what is copied after a stop.
func (l *loader) checkAfterStop(n *yaml.Node) {
	if !slices.ContainsFunc(l.rules, func(r rule) bool { return !r.Ignore }) {
		l.warn(n, "power has no rule that stops instances: copies are made at the time of at, unless `nightshift stop` is used")
	}
}

// objective reads the RPO of a policy. Without one it is a little more than the longest
// time between two slots.
func (l *loader) objective(p *backup.Policy, entry field) {
	longest := longestInterval(p.When)
	if entry.value == nil {
		if longest > 0 {
			p.RPO = longest + rpoSlack
		}
		return
	}
	before := l.wrong
	p.RPO = l.duration(entry.value, "rpo", leastRPO, mostRPO)
	if l.wrong == before && p.RPO < longest {
		l.warn(entry.value, "rpo is %s, but up to %s lie between two copies", printDuration(p.RPO), printDuration(longest))
	}
}

// checkPolicyComplete reports what a policy does not say. Resource has a default.
func (l *loader) checkPolicyComplete(n *yaml.Node, fields map[string]field) {
	says := map[string]string{
		"id":       "has no id; give it one, such as id: daily, and never change it: the copies carry it",
		"schedule": `does not say when; write schedule: { at: "02:00" }, { every: 6h } or { after: stop, at: "22:00" }`,
		"keep":     "does not say what stays; write keep: { daily: 7, weekly: 4 }",
	}
	for _, key := range []string{"id", "schedule", "keep"} {
		if _, given := fields[key]; !given {
			l.at(n, "the policy %s", says[key])
		}
	}
	_, one := fields["tag"]
	_, several := fields["tags"]
	if !one && !several {
		l.at(n, "the policy does not say what it is for; give it a tag, such as tag: Backup=daily")
	}
}

func (l *loader) policyID(n *yaml.Node) backup.PolicyID {
	id, ok := l.text(n, "id")
	switch {
	case !ok:
	case len(id) > mostID:
		l.at(n, "the id of a policy has at most %d characters; %q has %d", mostID, id, utf8.RuneCountInString(id))
		return ""
	case !regexp.MustCompile(`^[a-z0-9](-?[a-z0-9])*$`).MatchString(id):
		l.at(n, "the id of a policy has lower-case letters, digits and single hyphens between them: %q", id)
		return ""
	}
	return backup.PolicyID(id)
}

// selector reads tag or tags.
func (l *loader) selector(fields map[string]field) []fleet.Tag {
	one, hasOne := fields["tag"]
	several, hasSeveral := fields["tags"]
	switch {
	case hasOne && hasSeveral:
		l.at(several.key, "the policy has tag and tags; write all of them in tags")
	case hasOne:
		return []fleet.Tag{l.tag(one.value, "tag")}
	case hasSeveral:
		var tags []fleet.Tag
		for _, item := range l.items(several.value, "tags") {
			tags = append(tags, l.tag(item, "a tag"))
		}
		return tags
	}
	return nil
}

func (l *loader) resource(n *yaml.Node) backup.Resource {
	known := []string{string(backup.Instances), string(backup.Volumes)}
	word, ok := l.text(n, "resource")
	if ok && !slices.Contains(known, word) {
		l.at(n, "resource is %q; it is %s%s", word, strings.Join(known, " or "), meant(word, known))
		return backup.Instances
	}
	return backup.Resource(word)
}

// slots reads the times of a policy.
func (l *loader) slots(p *backup.Policy, n *yaml.Node) {
	before := l.wrong
	fields := l.fields(n, "a schedule of copies", slotKeys())
	if len(fields) == 0 && l.wrong > before {
		return
	}
	every, hasEvery := fields["every"]
	at, hasAt := fields["at"]
	zone, hasZone := fields["timezone"]
	if after, given := fields["after"]; given {
		if word, ok := l.text(after.value, "after"); ok && word != "stop" {
			l.at(after.value, "after is %q; write after: stop", word)
		}
		p.AfterStop = true
		switch {
		case p.Resource == backup.Volumes:
			l.at(after.key, "after: stop is for instances; a volume is not stopped")
		case hasEvery, !hasAt && len(fields) > 0:
			l.at(after.key, `after: stop needs a time for days without a stop; write { after: stop, at: "22:00" }`)
			return
		case l.wrong == before:
			l.checkAfterStop(after.key)
		}
	}
	if hasZone {
		if own, ok := l.zone(zone.value); ok {
			p.Zone = own
		}
	}
	switch {
	case hasEvery && hasAt:
		l.at(at.key, "the schedule has every and at; it has one of them")
	case hasEvery: // the zone is then that of the days that are kept
		p.When = l.slotInterval(every.value)
	case hasAt:
		p.When = l.timeOfDay(at.value, zone)
	default:
		l.at(n, `the schedule does not say when; write { at: "02:00" } or { every: 6h }`)
	}
}

func (l *loader) slotInterval(n *yaml.Node) schedule.Recurrence {
	before := l.wrong
	interval := l.duration(n, "every", leastEvery, 31*24*time.Hour)
	if l.wrong > before {
		return schedule.Recurrence{}
	}
	when, err := schedule.Every(interval)
	if err != nil {
		l.at(n, "%v", err)
	}
	return when
}

// longestInterval is the longest time between two slots within a year; 0 where there
// are none.
func longestInterval(when schedule.Recurrence) time.Duration {
	if when.Interval() > 0 {
		return when.Interval()
	}
	at := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	end := at.AddDate(1, 1, 0)
	var longest time.Duration
	last, ok := when.Next(at)
	for ok && last.Before(end) {
		var next time.Time
		if next, ok = when.Next(last); ok {
			longest = max(longest, next.Sub(last))
			last = next
		}
	}
	return longest
}

// keep reads the rules of the retention.
func (l *loader) keep(n *yaml.Node) retention.Keep {
	var keep retention.Keep
	before := l.wrong
	fields := l.fields(n, "keep", keepKeys())
	for _, name := range keepKeys() {
		entry, given := fields[name]
		if !given {
			continue
		}
		value, ok := l.text(entry.value, name)
		if !ok {
			continue
		}
		if err := keep.Set(name, value); err != nil {
			l.at(entry.value, "keep: %v", err)
		}
	}
	if length := len(keep.String()); l.wrong == before && length > mostKeep {
		l.warn(n, "keep is too long to be a tag of the copies: without the policy they would all stay")
	}
	if keep.Empty() && l.wrong == before {
		l.at(n, "keep has no rule, so that copies would stay for ever; write keep: { daily: 7 }, or last: unlimited where that is meant")
	}
	return keep
}

// calendarTime reads a length of time such as 90d or 1y6m, where m is a month.
func (l *loader) calendarTime(n *yaml.Node, what string) retention.Duration {
	value, ok := l.text(n, what)
	if !ok {
		return retention.Duration{}
	}
	d, err := retention.ParseDuration(value)
	if err != nil {
		l.at(n, "%s: %v", what, err)
	}
	return d
}

// checkPolicies warns of policies that never select anything, because an earlier one
// selects all of it.
func (l *loader) checkPolicies(all []policy) {
	for n, p := range all {
		for _, first := range all[:n] {
			if p.Err != nil || first.Err != nil || first.Resource != p.Resource || !coversAll(first.Tags, p.Tags) {
				continue
			}
			l.warn(p.node, "the policy %s never has anything to copy: the policy %s in line %d comes first and selects all of it", p.ID, first.ID, first.node.Line)
			break
		}
	}
}

// coversAll says whether all that has the tags b has the tags a, too.
func coversAll(a, b []fleet.Tag) bool {
	return !slices.ContainsFunc(a, func(t fleet.Tag) bool {
		return !slices.ContainsFunc(b, func(u fleet.Tag) bool { return covers(t, u) })
	})
}
