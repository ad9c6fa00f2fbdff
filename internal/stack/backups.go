package stack

import (
	"fmt"
	"maps"
	"slices"

	"nightshift/internal/backup"
	"nightshift/internal/fleet"
)

// Backups is what making, keeping and deleting copies may touch. The zero value is
// nothing.
type Backups struct {
	Policies []Copied
	// Unattended is true where jobs delete copies without a person.
	Unattended bool
	// Metrics is true where a policy skips what the metrics of volumes prove to be unchanged.
	Metrics bool
}

// Copied is what one backup policy selects: what carries all of the tags. A tag without
// a value is one with any.
type Copied struct {
	Policy string
	Tags   []fleet.Tag
	// Volumes is true of a policy for volumes; others are for instances with their volumes.
	Volumes bool
	// Singly is true of a policy for instances that leaves volumes out: of an instance with
	// more than 40 of these the others are copied one by one.
	Singly bool
}

// CopiedBy is what backups may touch by their settings. A policy with an error copies
// nothing.
func CopiedBy(settings backup.Settings) Backups {
	b := Backups{Unattended: settings.Unattended}
	for _, p := range settings.Policies {
		if p.Err == nil {
			b.Metrics = b.Metrics || p.SkipUnchanged
			b.Policies = append(b.Policies, Copied{
				Policy: string(p.ID), Tags: p.Tags, Volumes: p.Resource == backup.Volumes, Singly: p.Resource == backup.Instances && len(p.Exclude) > 0,
			})
		}
	}
	return b
}

// check refuses what would let every instance or volume be copied.
func (b Backups) check() error {
	for _, p := range b.Policies {
		if !backup.PolicyID(p.Policy).Valid() || len(p.Tags) == 0 || slices.ContainsFunc(p.Tags, func(t fleet.Tag) bool { return t.Key == "" }) {
			return fleet.Errorf(fleet.ErrInvalid, "backup policy %q: give it an id and a tag", p.Policy)
		}
	}
	return nil
}

// written gives the backups with texts as a policy needs them.
func (b Backups) written(value, key func(string) string) Backups {
	b.Policies = slices.Clone(b.Policies)
	for n, p := range b.Policies {
		b.Policies[n].Tags = make([]fleet.Tag, len(p.Tags))
		for m, t := range p.Tags {
			b.Policies[n].Tags[m] = fleet.Tag{Key: key(t.Key), Value: value(t.Value)}
		}
	}
	return b
}

// The operations that make, read and delete copies, and tag them.
const (
	createSnapshot     = "ec2:CreateSnapshot"
	createSnapshots    = "ec2:CreateSnapshots"
	deleteSnapshot     = "ec2:DeleteSnapshot"
	createTags         = "ec2:CreateTags"
	deleteTags         = "ec2:DeleteTags"
	readWhoMayUse      = "ec2:DescribeSnapshotAttribute"
	listChangedBlocks  = "ebs:ListChangedBlocks"
	listSnapshotBlocks = "ebs:ListSnapshotBlocks"
	describeDatabases  = "rds:DescribeDBInstances" // a status names those without backups of their own
	conditionOfPolicy  = "/" + backup.TagPolicy
)

// copying adds the statements for copies, which a report reads, too. What is made must
// carry the tag of one of our policies, and what has it is all that is marked or deleted
// later. An instance's volumes need not have its tag. Snapshots have no account in their
// ARN.
func (s Scope) copying(list *statements, ops operations) {
	if !s.does(Report | Backup | Observe) {
		return
	}
	list.allow("ReadBackups", ops.where(func(a action) bool {
		return a.access == accessAny && a.needs == needsBackups || a.name == describeDatabases && s.has(needsBackups)
	}), []string{"*"}, nil)
	if !s.does(Backup) || s.Schedules == nil || len(s.Schedules.Backups.Policies) == 0 {
		return
	}
	b := s.Schedules.Backups
	snapshots := []string{s.arn("ec2", "*", "", "snapshot/*")}
	makes := s.sources(list, ops.with(accessCopy), b)
	var ids Values
	for _, p := range b.Policies {
		ids = append(ids, p.Policy)
	}
	list.allow("MakeCopies", makes, snapshots, Condition{"StringEquals": {"aws:RequestTag" + conditionOfPolicy: sorted(ids)}})
	if len(makes) > 0 {
		var by Values
		for _, action := range makes {
			by = append(by, action[len("ec2:"):])
		}
		list.allow("TagNewCopies", []string{createTags}, snapshots, Condition{"StringEquals": {"ec2:CreateAction": by}})
	}
	var reads []string
	for _, action := range []string{readWhoMayUse, listChangedBlocks, listSnapshotBlocks} {
		reads = append(reads, only(ops.with(accessCopy), action)...)
	}
	list.allow("ReadCopies", reads, snapshots, ofOurs(nil))
	if !b.Unattended {
		if len(makes) > 0 {
			list.allow("TagChanges", []string{createTags}, snapshots, ofOurs(keysOnly("StringEquals", backup.TagChanged)))
		}
		return
	}
	list.allow("DeleteCopies", only(ops.with(accessCopy), deleteSnapshot), snapshots, ofOurs(nil))
	list.allow("MarkCopies", []string{createTags}, snapshots, ofOurs(keysOnly("StringLike", fleet.OwnTagPrefix+"*")))
	list.allow("UnmarkCopies", only(ops.with(accessCopy), deleteTags), snapshots, ofOurs(keysOnly("StringEquals", backup.TagDeleting)))
}

// sources lets be copied what the policies select, and gives the actions that this takes.
func (s Scope) sources(list *statements, actions []string, b Backups) []string {
	machines, volumes := s.machines(fleet.KindInstance), []string{s.volumes()}
	var makes []string
	var ofInstances, singly bool
	for n, c := range b.selections() {
		action, sid, resources := createSnapshots, "CopyInstances", machines
		if c.Volumes {
			action, sid, resources = createSnapshot, "CopyVolumes", volumes
		}
		list.allow(fmt.Sprint(sid, n+1), only(actions, action), resources, allOf(c.Tags))
		ofInstances, singly = ofInstances || !c.Volumes, singly || c.Singly
		makes = append(makes, only(actions, action)...)
	}
	if ofInstances {
		with := only(actions, createSnapshots)
		if singly {
			with = append(with, only(actions, createSnapshot)...)
		}
		list.allow("CopyVolumesOfInstances", with, volumes, nil)
		makes = append(makes, with...)
	}
	return sorted(makes)
}

// volumes is the ARN of all volumes.
func (s Scope) volumes() string {
	account := s.Account
	if account == "" {
		account = "*"
	}
	return s.arn("ec2", "*", account, "volume/*")
}

// selections are what is selected, each once.
func (b Backups) selections() []Copied {
	var all []Copied
	for _, p := range b.Policies {
		n := slices.IndexFunc(all, func(c Copied) bool { return c.Volumes == p.Volumes && slices.Equal(c.Tags, p.Tags) })
		if n < 0 {
			all = append(all, p)
			continue
		}
		all[n].Singly = all[n].Singly || p.Singly
	}
	return all
}

// only is the action where it is among the others.
func only(actions []string, action string) []string {
	if slices.Contains(actions, action) {
		return []string{action}
	}
	return nil
}

// allOf is the condition that a resource carries all of the tags.
func allOf(tags []fleet.Tag) Condition {
	c := Condition{}
	for _, t := range tags {
		for operator, lines := range (limit{t.Key, valuesOf(t)}).condition() {
			if c[operator] == nil {
				c[operator] = map[string]Values{}
			}
			maps.Copy(c[operator], lines)
		}
	}
	return c
}

// ofOurs is the condition that a snapshot has a tag of one of our policies, of which the
// configuration may not know any more, and more.
func ofOurs(more Condition) Condition { return limit{key: backup.TagPolicy}.and(more) }

// keysOnly is the condition that only such tags are set or removed. ForAllValues alone
// holds also for a request without keys.
func keysOnly(operator, key string) Condition {
	return Condition{"ForAllValues:" + operator: {"aws:TagKeys": {key}}, "Null": {"aws:TagKeys": {"false"}}}
}
