package cli_test

import (
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"nightshift/internal/amazon"
	"nightshift/internal/backup"
	"nightshift/internal/fleet"
	"nightshift/internal/sandbox"
	"nightshift/internal/sandbox/policy"
)

// Where the configurations with backup policies are.
const (
	trialCopies   = trialFolder + "settings/copies.yaml"
	trialApproved = trialFolder + "settings/approved.yaml"
	trialSingly   = trialFolder + "settings/singly.yaml"
)

// trialPolicies selects an instance by two tags, and volumes by one.
const trialPolicies = `
  policies:
    - { id: nightly, tags: [Days=second, Stage=prod], resource: instance, schedule: { at: "02:00" }, keep: { daily: 7 } }
    - { id: disks, tag: Disk, resource: volume, schedule: { every: 6h }, keep: { daily: 3 } }
`

// copySettings are the configurations with backup policies, by their names.
func copySettings() map[string]string {
	return map[string]string{
		"settings/copies.yaml":   trialText + "backup:\n  delete: unattended" + trialPolicies,
		"settings/approved.yaml": trialText + "backup:" + trialPolicies,
		"settings/singly.yaml":   trialText + "backup:" + strings.Replace(trialPolicies, "{ daily: 7 } }", "{ daily: 7 }, exclude: [Backup=no] }", 1),
	}
}

// forbiddenCopies are the acts with instances, volumes and snapshots that no policy
// selects.
func forbiddenCopies() []act {
	const aSnapshot = "arn:aws:ec2:" + sandbox.DefaultRegion + "::snapshot/snap-1"
	ours, both, disk := tagged{backup.TagPolicy: "nightly"}, tagged{"Days": "second", "Stage": "prod"}, tagged{"Disk": "1"}
	by := map[string]string{"ec2:CreateAction": "CreateSnapshots"}
	keys := func(of tagged, keys ...string) policy.Context { return policy.Context{ResourceTags: of, TagKeys: keys} }
	acts := []act{
		{"a copy of an untagged instance", "ec2:CreateSnapshots", anInstance, policy.Context{}},
		{"a copy of an instance with one tag of two", "ec2:CreateSnapshots", anInstance, policy.Context{ResourceTags: tagged{"Days": "second"}}},
		{"a copy of an instance with the other tag", "ec2:CreateSnapshots", anInstance, policy.Context{ResourceTags: tagged{"Stage": "prod"}}},
		{"a copy of an instance with the tags of volumes", "ec2:CreateSnapshots", anInstance, policy.Context{ResourceTags: disk}},
		{"a copy of an untagged volume", "ec2:CreateSnapshot", aVolume, policy.Context{}},
		{"a copy without the tag of a policy", "ec2:CreateSnapshot", aSnapshot, policy.Context{ResourceTags: disk}},
		{"a set without the tag of a policy", "ec2:CreateSnapshots", aSnapshot, policy.Context{ResourceTags: both}},
		{"a copy with the tag of another policy", "ec2:CreateSnapshot", aSnapshot, policy.Context{RequestTags: tagged{backup.TagPolicy: "other"}}},
		{"a copy of a volume that only the request tags", "ec2:CreateSnapshot", aVolume, policy.Context{RequestTags: tagged{backup.TagPolicy: "disks"}}},
		{"tags on what is made by another call", "ec2:CreateTags", aSnapshot, policy.Context{Keys: map[string]string{"ec2:CreateAction": "CopySnapshot"}}},
		{"tags on another thing that is made", "ec2:CreateTags", anInstance, policy.Context{Keys: by}},
		{"adopting a snapshot", "ec2:CreateTags", aSnapshot, keys(tagged{}, backup.TagPolicy)},
		{"another tag on a copy", "ec2:CreateTags", aSnapshot, keys(ours, "Owner")},
		{"no tag on a copy", "ec2:CreateTags", aSnapshot, keys(ours)},
		{"a mark on another thing with our tag", "ec2:CreateTags", aVolume, keys(ours, backup.TagDeleting)},
		{"writing how much a foreign snapshot changed", "ec2:CreateTags", aSnapshot, keys(tagged{}, backup.TagChanged)},
		{"writing on a volume how much it changed", "ec2:CreateTags", aVolume, keys(ours, backup.TagChanged)},
		{"taking a mark from a snapshot of others", "ec2:DeleteTags", aSnapshot, keys(tagged{}, backup.TagDeleting)},
		{"taking the hold of a person", "ec2:DeleteTags", aSnapshot, keys(ours, backup.TagHold)},
		{"taking all tags", "ec2:DeleteTags", aSnapshot, keys(ours)},
		{"taking a mark from another thing", "ec2:DeleteTags", aVolume, keys(ours, backup.TagDeleting)},
		{"undeleting", "ec2:RestoreSnapshotFromRecycleBin", aSnapshot, policy.Context{ResourceTags: ours}},
		{"sharing", "ec2:ModifySnapshotAttribute", aSnapshot, policy.Context{ResourceTags: ours}},
	}
	for what, action := range map[string]string{"deleting": "ec2:DeleteSnapshot", "who may use": "ec2:DescribeSnapshotAttribute", "the blocks of": "ebs:ListChangedBlocks", "all blocks of": "ebs:ListSnapshotBlocks"} {
		acts = append(acts, act{what + " a snapshot of others", action, aSnapshot, policy.Context{}}, act{what + " another thing", action, aVolume, policy.Context{ResourceTags: ours}})
	}
	return acts
}

// copier is an account with an instance and a volume that policies select, and others,
// under a printed policy.
type copier struct {
	*trial
	copies             *amazon.Copies
	instance, machine  fleet.ResourceID // one that a policy selects, and another
	disk, volume, root fleet.VolumeID   // one that a policy selects, another, and the selected instance's root
}

func newCopier(t *testing.T, args string) *copier {
	t.Helper()
	c := &copier{trial: newTrial(t)}
	s := c.Sandbox()
	selected, _ := s.Named(sandbox.DefaultRegion, "야간-리포트")
	other, _ := s.Named(sandbox.DefaultRegion, "개발-웹서버-1")
	c.instance, c.machine = fleet.ResourceID(selected.ID), fleet.ResourceID(other.ID)
	s.SetTags(selected.ID, map[string]string{"Days": "second", "Stage": "prod"})
	for v, err := range c.session().Fleet(sandbox.DefaultRegion).Volumes(t.Context()) {
		c.must(err)
		switch {
		case slices.Contains(v.AttachedTo, c.instance):
			c.root = v.ID
		case slices.Contains(v.AttachedTo, c.machine):
			c.volume = v.ID
		case c.disk == "" && v.State == "in-use":
			c.disk = v.ID
		}
	}
	c.copies = c.session().Copies(sandbox.DefaultRegion)
	c.must(c.copies.TagCopies(t.Context(), []fleet.SnapshotID{fleet.SnapshotID(c.disk)}, fleet.Tags{"Disk": "1"})) // EC2 tags whatever has an id
	printed := c.policy(strings.Fields("--for backup " + args)...)
	c.must(s.SetPolicy(printed))
	return c
}

func ofPolicy(id string) fleet.Tags {
	return fleet.Tags{backup.TagPolicy: id, backup.TagSet: id + "/1", "Name": "copied", "Owner": "team"}
}

func (c *copier) copyVolume(id fleet.VolumeID, tags fleet.Tags) (fleet.SnapshotID, error) {
	c.Sandbox().Advance(time.Minute)
	s, err := c.copies.CopyVolume(c.t.Context(), id, "", tags)
	return s.ID, err
}

func (c *copier) copyInstance(id fleet.ResourceID, tags fleet.Tags) error {
	c.Sandbox().Advance(time.Minute)
	_, err := c.copies.CopyInstance(c.t.Context(), id, false, nil, "", tags)
	return err
}

// permitted says whether an act was permitted; any other error fails the test.
func (c *copier) permitted(err error) bool {
	c.t.Helper()
	if err != nil && !errors.Is(err, fleet.ErrDenied) {
		c.t.Error(err)
	}
	return err == nil
}

// "Instance selector: aws:ResourceTag on instance/* only, the volume/* statement without
// it (untagged volumes would be denied). Volume selector: ResourceTag on the volume.
// snapshot/*: RequestTag.".
func TestCopiesUnderPolicy(t *testing.T) {
	c := newCopier(t, "--config "+trialApproved)
	for what, tt := range map[string]struct {
		act  func() error
		want bool
	}{
		"an instance with the tags, its volumes without": {func() error { return c.copyInstance(c.instance, ofPolicy("nightly")) }, true},
		"another instance":                          {func() error { return c.copyInstance(c.machine, ofPolicy("nightly")) }, false},
		"an instance, and copies without our tag":   {func() error { return c.copyInstance(c.instance, fleet.Tags{"Name": "x"}) }, false},
		"an instance, and copies of another policy": {func() error { return c.copyInstance(c.instance, ofPolicy("other")) }, false},
		"a volume with the tag":                     {func() error { _, err := c.copyVolume(c.disk, ofPolicy("disks")); return err }, true},
		"another volume":                            {func() error { _, err := c.copyVolume(c.volume, ofPolicy("disks")); return err }, false},
		"the volume of a selected instance":         {func() error { _, err := c.copyVolume(c.root, ofPolicy("nightly")); return err }, false},
		"a volume, and a copy without our tag":      {func() error { _, err := c.copyVolume(c.disk, nil); return err }, false},
	} {
		if got := c.permitted(tt.act()); got != tt.want {
			t.Errorf("%s: permitted is %v", what, got)
		}
	}
}

// Of an instance with more than 40 volumes that are left out the others are copied one
// by one, which has to be permitted where a policy leaves any out.
func TestSingleCopiesUnderPolicy(t *testing.T) {
	c := newCopier(t, "--config "+trialSingly)
	if _, err := c.copyVolume(c.root, ofPolicy("nightly")); err != nil {
		t.Error(err)
	}
}

// "DeleteSnapshot is in a generated policy only with backup.delete: unattended", and then
// "CreateTags after creation only for keys nightshift:* and only on snapshots that already
// have our tag". "adopt is never in the function's role.".
func TestDeletionsUnderPolicy(t *testing.T) {
	for config, unattended := range map[string]bool{trialCopies: true, trialApproved: false} {
		c := newCopier(t, "--config "+config)
		own, err := c.copyVolume(c.disk, ofPolicy("disks"))
		c.must(err)
		var foreign fleet.SnapshotID
		for s, err := range c.session().Fleet(sandbox.DefaultRegion).Snapshots(t.Context()) {
			c.must(err)
			if _, ok := s.Tags[backup.TagPolicy]; !ok && s.State == "completed" {
				foreign = s.ID
			}
		}
		tag := func(id fleet.SnapshotID, key string) func() error {
			return func() error {
				return c.copies.TagCopies(t.Context(), []fleet.SnapshotID{id}, fleet.Tags{key: "2026-11-30T02:00:00Z"})
			}
		}
		untag := func(id fleet.SnapshotID, key string) func() error {
			return func() error { return c.copies.UntagCopies(t.Context(), []fleet.SnapshotID{id}, []string{key}) }
		}
		remove := func(id fleet.SnapshotID) func() error {
			return func() error { return c.copies.DeleteCopy(t.Context(), id) }
		}
		blocks := func(id fleet.SnapshotID) func() error {
			return func() error {
				_, err := c.session().Blocks(sandbox.DefaultRegion, amazon.NewBudget(10)).Changes(t.Context(), "", id, 1)
				return err
			}
		}
		for _, tt := range []struct {
			what string
			act  func() error
			want bool
		}{
			{"marking ours", tag(own, backup.TagDeleting), unattended},
			{"listing the blocks of ours", blocks(own), true},
			{"listing the blocks of what others made", blocks(foreign), false},
			{"saying how much ours changed", tag(own, backup.TagChanged), true},
			{"holding ours", tag(own, backup.TagHold), unattended},
			{"another tag on ours", tag(own, "Owner"), false},
			{"adopting what others made", tag(foreign, backup.TagPolicy), false},
			{"unmarking ours", untag(own, backup.TagDeleting), unattended},
			{"taking a hold from ours", untag(own, backup.TagHold), false},
			{"unmarking what others made", untag(foreign, backup.TagDeleting), false},
			{"deleting what others made", remove(foreign), false},
			{"deleting ours", remove(own), unattended},
		} {
			if got := c.permitted(tt.act()); got != tt.want {
				t.Errorf("%s: %s: permitted is %v", config, tt.what, got)
			}
		}
	}
}

// What `policy --for backup` prints suffices for a status.
func TestBackupStatusUnderPolicy(t *testing.T) {
	y := newTrial(t)
	printed := y.policy("--for", "backup", "--config", trialApproved)
	y.must(y.Sandbox().SetPolicy(printed))
	y.Sandbox().ResetCalls()
	code, stdout, stderr := y.run("backup", "status", "--config", trialApproved)
	if denied := y.denied(); code != 0 || len(denied) > 0 {
		t.Errorf("code %d, denied %v\n%s%s", code, denied, stdout, stderr)
	}
}

// What `policy --for report` prints suffices for a report with its sheet of backups, which
// has to say what it lacks without any of the actions for it. Without backup policies none
// of them is permitted.
func TestReportOfBackupsUnderPolicy(t *testing.T) {
	y := newTrialOf(t, sandbox.Options{Start: evening(), Speed: -1, Accounts: sandbox.Members(1), Backups: true})
	printed, plain := y.policy("--for", "report", "--config", trialApproved), y.policy("--for", "report", "--config", trialConfig)
	report := func(config string) (code int, output string) {
		t.Helper()
		y.Sandbox().ResetCalls()
		code, stdout, stderr := y.run("report", "--config", config, "--out", filepath.Join(t.TempDir(), "costs.json"))
		return code, stdout + stderr
	}
	for config, policy := range map[string][]byte{trialApproved: printed, trialConfig: plain} {
		y.must(y.Sandbox().SetPolicy(policy))
		if code, output := report(config); code != 0 || len(y.denied()) > 0 {
			t.Errorf("%s: code %d, denied %v\n%s", config, code, y.denied(), output)
		}
	}
	more := slices.DeleteFunc(allowedActions(t, printed), func(a string) bool { return slices.Contains(allowedActions(t, plain), a) })
	if len(more) != 11 {
		t.Errorf("with policies a report may also %v", more)
	}
	// Without the quota the default is taken, and the account has no key of its own.
	more = slices.DeleteFunc(more, func(a string) bool { return a == "servicequotas:GetServiceQuota" || a == "kms:DescribeKey" })
	for _, action := range more {
		y.must(y.Sandbox().SetPolicy(mutated(t, printed, func(s map[string]any) bool {
			s["Action"] = slices.DeleteFunc(s["Action"].([]any), func(one any) bool { return one == action })
			return len(s["Action"].([]any)) > 0
		})))
		if code, output := report(trialApproved); code != 3 || !strings.Contains(output, action) {
			t.Errorf("without %s: code %d\n%s", action, code, output)
		}
	}
}
