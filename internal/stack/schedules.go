package stack

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"nightshift/internal/fleet"
	"nightshift/internal/power"
)

// Schedules is what the function may touch as its configuration says: the job that
// follows schedules, and whatever reads the configuration and keeps records.
type Schedules struct {
	// Rules choose the machines; without any nothing is followed.
	Rules []Bound
	// Untagged permits a rule that chooses every machine, which no condition
	// can limit.
	Untagged bool
	// Config is where the configuration is read from: s3://bucket/key, with the
	// calendars next to it, or ssm:/name, also ssm:/name:version. Empty means
	// that AWS is not asked for it. A parameter that is encrypted with a
	// customer managed key needs kms:Decrypt on that key, too.
	Config string
	// Journal is where records of runs are kept: s3://bucket/prefix. Empty
	// means not in AWS.
	Journal string
	// Notices is what messages to people need.
	Notices Notices
	// Backups is what copies need.
	Backups Backups
}

// Bound is what one rule chooses.
type Bound struct {
	// Tag marks the machines; without a value any value does. The zero Tag
	// means every machine.
	Tag fleet.Tag
	// Kinds are the kinds it is for; empty means EC2 instances only.
	Kinds []fleet.Kind
	// ChangeType lets instances that carry the tag nightshift:types, which names
	// other types, change their type where there is no capacity.
	ChangeType bool
}

// Follow is what following rules may touch. Of the names of the configuration
// and of the place of the journal only those in AWS matter. The rules are those
// of a configuration without errors, which has a rule for every machine only
// where it allows that.
func Follow(rules power.Rules, config, journal string) *Schedules {
	s := &Schedules{Untagged: true}
	for _, r := range rules.Rules {
		if r.Ignore {
			continue
		}
		s.Rules = append(s.Rules, Bound{Tag: r.Tag, Kinds: r.Kinds, ChangeType: r.ChangeType})
	}
	if strings.HasPrefix(config, "s3://") || strings.HasPrefix(config, "ssm:") {
		s.Config = config
	}
	if strings.HasPrefix(journal, "s3://") {
		s.Journal = journal
	}
	return s
}

// follow reports whether there are rules to follow.
func (s *Schedules) follow() bool { return s != nil && len(s.Rules) > 0 }

// copies reports whether there are policies that copy something.
func (s *Schedules) copies() bool { return s != nil && len(s.Backups.Policies) > 0 }

// kinds are the kinds the rule is for.
func (b Bound) kinds() []fleet.Kind {
	if len(b.Kinds) == 0 {
		return []fleet.Kind{fleet.KindInstance}
	}
	return b.Kinds
}

// Warnings say what the policy allows that somebody might not expect.
func (s *Schedules) Warnings() []string {
	var warnings []string
	for _, kind := range power.Kinds() {
		for _, l := range s.limits(kind, anyRule) {
			if l.key == "" {
				warnings = append(warnings, fmt.Sprintf(
					"a rule without a tag lets the role stop, start and mark every machine of the kind %s", kind))
			}
		}
	}
	return warnings
}

// check refuses what would make a policy that allows nothing, or more than
// somebody has agreed to.
func (s *Schedules) check() error {
	var errs []error
	for _, b := range s.Rules {
		if b.Tag.Key == "" && !s.Untagged {
			errs = append(errs, fleet.Errorf(fleet.ErrInvalid,
				"a rule without a tag would need permission to stop every machine: give it a tag, or allow untagged machines"))
		}
		for _, k := range b.Kinds {
			if !slices.Contains(power.Kinds(), k) {
				errs = append(errs, fleet.Errorf(fleet.ErrInvalid, "kind %q: use one of %v", k, power.Kinds()))
			}
		}
	}
	if name, ok := strings.CutPrefix(s.Config, "ssm:"); ok {
		if !strings.HasPrefix(name, "/") || len(name) == 1 {
			errs = append(errs, fleet.Errorf(fleet.ErrInvalid, "configuration %q: write a parameter as ssm:/name", s.Config))
		}
	} else if _, key, ok := object(s.Config); s.Config != "" && (!ok || key == "") {
		errs = append(errs, fleet.Errorf(fleet.ErrInvalid, "configuration %q: use s3://bucket/key or ssm:/name", s.Config))
	}
	if _, _, ok := object(s.Journal); s.Journal != "" && !ok {
		errs = append(errs, fleet.Errorf(fleet.ErrInvalid, "journal %q: use s3://bucket/prefix", s.Journal))
	}
	return errors.Join(append(errs, s.Notices.check(), s.Backups.check())...)
}

// object cuts s3://bucket/key; the key may be missing.
func object(uri string) (bucket, key string, ok bool) {
	rest, ok := strings.CutPrefix(uri, "s3://")
	bucket, key, _ = strings.Cut(rest, "/")
	return bucket, key, ok && matches(bucketForm, bucket)
}

// written gives the schedules with texts as a policy needs them.
func (s *Schedules) written(value, key func(string) string) *Schedules {
	w := *s
	w.Rules = slices.Clone(s.Rules)
	for n, b := range w.Rules {
		w.Rules[n].Tag = fleet.Tag{Key: key(b.Tag.Key), Value: value(b.Tag.Value)}
	}
	w.Config, w.Journal, w.Notices = value(s.Config), value(s.Journal), s.Notices.written(value)
	w.Backups = s.Backups.written(value, key)
	return &w
}

// limit is a condition on one tag of a machine: that it has one of the values,
// or, without values, that it is there. Without a key it is none.
type limit struct {
	key    string
	values []string
}

func valuesOf(tag fleet.Tag) []string {
	if tag.Value == "" {
		return nil
	}
	return []string{tag.Value}
}

// condition writes the limit for IAM. Only StringLike knows that "*" is any
// value.
func (l limit) condition() Condition {
	switch key := "aws:ResourceTag/" + l.key; {
	case l.key == "":
		return nil
	case len(l.values) == 0:
		return Condition{"StringLike": {key: {"*"}}}
	default:
		return Condition{"StringEquals": {key: l.values}}
	}
}

// and adds conditions, which must hold, too.
func (l limit) and(more Condition) Condition {
	c := l.condition()
	if c == nil {
		return more
	}
	for operator, lines := range more {
		if c[operator] == nil {
			c[operator] = make(map[string]Values)
		}
		maps.Copy(c[operator], lines)
	}
	return c
}

func anyRule(Bound) bool { return true }

// limits are those of some rules for a kind, by key: one of them must hold.
// What another includes is left out. A nil Schedules has none.
func (s *Schedules) limits(kind fleet.Kind, some func(Bound) bool) []limit {
	if s == nil {
		return nil
	}
	values := make(map[string][]string)
	for _, b := range s.Rules {
		if !slices.Contains(b.kinds(), kind) || !some(b) {
			continue
		}
		if b.Tag.Key == "" {
			return []limit{{}}
		}
		values[b.Tag.Key] = append(values[b.Tag.Key], b.Tag.Value)
	}
	var all []limit
	for _, key := range slices.Sorted(maps.Keys(values)) {
		list := values[key]
		if slices.Contains(list, "") {
			all = append(all, limit{key: key})
			continue
		}
		slices.Sort(list)
		for _, some := range portions(slices.Compact(list)) {
			all = append(all, limit{key, some})
		}
	}
	return all
}

// covers says whether instances with the tag may be stopped and started by a
// schedule anyway.
func (s *Schedules) covers(tag fleet.Tag) bool {
	return slices.ContainsFunc(s.limits(fleet.KindInstance, anyRule), func(l limit) bool {
		return l.key == "" || l.key == tag.Key && (len(l.values) == 0 || slices.Contains(l.values, tag.Value))
	})
}

// grant is a limit with the kinds to which it applies. Kinds share statements
// where they can, since a policy may only be so large.
type grant struct {
	limit
	kinds []fleet.Kind
}

func (s *Schedules) grants() []grant {
	var all []grant
	for _, kind := range power.Kinds() {
		for _, l := range s.limits(kind, anyRule) {
			n := slices.IndexFunc(all, func(g grant) bool { return g.key == l.key && slices.Equal(g.values, l.values) })
			if n < 0 {
				n = len(all)
				all = append(all, grant{limit: l})
			}
			all[n].kinds = append(all[n].kinds, kind)
		}
	}
	return all
}

// scheduled adds the statements for schedules. An action and a resource of
// different services in one statement do not meet.
func (s Scope) scheduled(list *statements, ops operations) {
	grants := s.Schedules.grants()
	var kinds []fleet.Kind
	for _, g := range grants {
		kinds = append(kinds, g.kinds...)
	}
	if s.does(machineJobs) { // a report asks for databases only with backup policies
		list.allow("ReadScheduled", ops.of(accessAny, kinds...), []string{"*"}, nil)
	}
	for n, g := range grants {
		list.allow(fmt.Sprint("StopAndStart", n+1), ops.of(accessPower, g.kinds...), s.machines(g.kinds...), g.condition())
		list.allow(fmt.Sprint("Tag", n+1), ops.of(accessTag, g.kinds...), s.machines(g.kinds...), g.and(ownTags(g.kinds)))
	}
	for n, l := range s.Schedules.limits(fleet.KindInstance, func(b Bound) bool { return b.ChangeType }) {
		list.allow(fmt.Sprint("ChangeType", n+1), ops.of(accessType, fleet.KindInstance), s.machines(fleet.KindInstance), l.and(typeOnly()))
	}
	s.configuration(list, ops)
	s.location(list, ops, location{"Journal", s.Schedules.Journal, Report | History | Check | Observe | Backup, Power | Report | Check | Backup})
	s.noticed(list, ops)
}

// writtenTags are the keys of the tags that nightshift writes on machines of
// some kinds. The others that it reads are for people: with nightshift:types,
// for one, the role could permit itself to change the type.
func writtenTags(kinds []fleet.Kind) Values {
	keys := Values{fleet.TagLast, fleet.TagOverride}
	if slices.Contains(kinds, fleet.KindGroup) {
		keys = append(keys, fleet.TagSizes)
	}
	return keys
}

// ownTags is the condition that only tags are set which nightshift writes.
// Otherwise the role could tag for itself what it is not permitted to stop.
// ForAllValues alone holds also for a request without keys.
func ownTags(kinds []fleet.Kind) Condition {
	return Condition{
		"ForAllValues:StringEquals": {"aws:TagKeys": writtenTags(kinds)},
		"Null":                      {"aws:TagKeys": {"false"}},
	}
}

// typeOnly is the condition that nothing but the type of an instance is
// changed, and only where its owner has named others. Otherwise the role could
// change user data, which the instance runs as root. AWS documents the
// attribute by the name of its parameter, InstanceType, and other attributes
// have been seen as they are written in answers, instanceType.
func typeOnly() Condition {
	return Condition{
		"StringEqualsIgnoreCase": {"ec2:Attribute": {"InstanceType"}},
		"Null":                   {"aws:ResourceTag/" + fleet.TagTypes: {"false"}},
	}
}

// configuration lets the configuration be read, and calendars next to it.
func (s Scope) configuration(list *statements, ops operations) {
	if name, ok := strings.CutPrefix(s.Schedules.Config, "ssm:"); ok {
		name, _, _ = strings.Cut(name, ":") // the version is not part of its ARN
		list.allow("ReadConfiguration", ops.with(accessParameter), []string{s.arn("ssm", "*", cmp.Or(s.Account, "*"), "parameter"+name)}, nil)
		return
	}
	bucket, key, ok := object(s.Schedules.Config)
	if !ok {
		return
	}
	folder := key[:strings.LastIndexByte(key, '/')+1]
	list.allow("ReadConfiguration", ops.with(accessRead),
		[]string{s.arn("s3", "", "", bucket+"/"+key), s.arn("s3", "", "", bucket+"/"+folder+"*.ics")}, nil)
}
