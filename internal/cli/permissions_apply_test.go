package cli_test

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"nightshift/internal/backup"
	"nightshift/internal/fleet"
	"nightshift/internal/sandbox"
)

// worked is an account in which a run of backups has all kinds of work: an instance with a
// copy in error, and a volume of which a copy is due, one is to be marked, one to be
// unmarked and one to be deleted.
type worked struct {
	*trial
	account  *sandbox.Account
	instance fleet.ResourceID
	disk     fleet.VolumeID
	failed   []string // the copies in error
	marked   string   // a day ago, and kept by now
	late     string   // not marked yet
	gone     string   // marked two days ago
}

// work puts it into an account of the trial.
func (y *trial) work(account *sandbox.Account, machine, disksOf string) *worked {
	y.t.Helper()
	w := &worked{trial: y, account: account}
	i, ok := account.Named(sandbox.DefaultRegion, machine)
	if !ok {
		y.t.Fatalf("there is no %s", machine)
	}
	w.instance = fleet.ResourceID(i.ID)
	account.SetTags(i.ID, map[string]string{"Days": "second", "Stage": "prod"})
	account.SetVolumeKey(i.ID, "arn:aws:kms:"+sandbox.DefaultRegion+":"+account.ID()+":key/of-volumes")
	volumes := account.VolumesOf(sandbox.DefaultRegion, i.ID)
	other, _ := account.Named(sandbox.DefaultRegion, disksOf)
	w.disk = fleet.VolumeID(account.VolumesOf(sandbox.DefaultRegion, other.ID)[0])
	account.SetVolumeTags(sandbox.DefaultRegion, string(w.disk), sandbox.Tags{{Key: "Disk", Value: "1"}})
	_, err := account.AddBinRule(sandbox.DefaultRegion, sandbox.BinRule{Tags: sandbox.Tags{{Key: "Owner", Value: "others"}}, Days: 7})
	y.must(err)
	protected := "arn:aws:ec2:" + sandbox.DefaultRegion + ":" + account.ID() + ":volume/" + string(w.disk)
	y.must(account.AddRecoveryPoint(sandbox.DefaultRegion, protected, "EBS", sandbox.RecoveryPoint{Status: "EXPIRED", Created: account.Now().AddDate(0, -1, 0)}))
	nightly, disks := backup.Chain{Policy: "nightly", Resource: w.instance}, backup.Chain{Policy: "disks", Resource: fleet.ResourceID(w.disk)}
	day := func(n, hour int) time.Time { return time.Date(2026, 11, n, hour, 0, 0, 0, time.UTC) }
	w.failed = w.copied(nightly, day(22, 2), volumes, "no luck", "")
	w.copied(nightly, day(21, 2), volumes, "", "")
	disk := []string{string(w.disk)}
	w.copied(disks, day(22, 0), disk, "", "")
	w.marked = w.copied(disks, day(21, 18), disk, "", "2026-11-21T09:00:00Z")[0]
	w.copied(disks, day(20, 18), disk, "", "")
	w.copied(disks, day(19, 18), disk, "", "")
	w.late = w.copied(disks, day(17, 18), disk, "", "")[0]
	w.gone = w.copied(disks, day(18, 18), disk, "", "2026-11-20T09:00:00Z")[0]
	return w
}

// copied adds a set that an earlier run has made.
func (w *worked) copied(c backup.Chain, slot time.Time, volumes []string, failure, deleting string) (ids []string) {
	w.t.Helper()
	data := slot.Add(5 * time.Minute)
	tags := sandbox.Tags{
		{Key: backup.TagPolicy, Value: string(c.Policy)},
		{Key: backup.TagSet, Value: string(backup.NewSetID(c, slot, len(volumes), false))},
		{Key: backup.TagSlot, Value: slot.Format(time.RFC3339)},
		{Key: backup.TagDataTime, Value: data.Format(time.RFC3339)},
		{Key: backup.TagKeep, Value: "daily=3;zone=UTC"},
	}
	if deleting != "" {
		tags = append(tags, sandbox.Tags{{Key: backup.TagDeleting, Value: deleting}}...)
	}
	for _, v := range volumes {
		id, err := w.account.AddSnapshot(sandbox.DefaultRegion, sandbox.Snapshot{
			Volume: v, Started: data, Finished: data.Add(time.Minute), Failure: failure, Tags: slices.Clone(tags),
		})
		w.must(err)
		ids = append(ids, id)
	}
	return ids
}

// came is what came of the work: the number of copies by state, and what is marked.
func (w *worked) came() map[string]string {
	tags := map[string]map[string]string{}
	for _, s := range w.account.Snapshots(sandbox.DefaultRegion) {
		tags[s.ID] = map[string]string{}
		for _, t := range s.Tags {
			tags[s.ID][t.Key] = t.Value
		}
	}
	is := func(id string) string {
		switch of, there := tags[id]; {
		case !there:
			return "gone"
		case of[backup.TagDeleting] != "":
			return "marked"
		}
		return "there"
	}
	return map[string]string{"failed": is(w.failed[0]), "marked": is(w.marked), "late": is(w.late), "gone": is(w.gone)}
}

// Plan, copies, another try of one that failed, marks and deletions run under exactly what
// `policy --for backup` prints. "DeleteSnapshot is in a generated policy only with
// backup.delete: unattended": without it all that waits for a person stays, and the copy in
// error, too, which the run says.
func TestBackupsUnderExactlyThePolicy(t *testing.T) {
	unattended := map[string]string{"failed": "gone", "marked": "there", "late": "marked", "gone": "gone"}
	approved := map[string]string{"failed": "there", "marked": "marked", "late": "there", "gone": "marked"}
	for name, tt := range map[string]struct {
		config, flags string
		key           bool // the bucket is encrypted with a key
		want          map[string]string
	}{
		"unattended":         {config: trialCopies, want: unattended},
		"approved":           {config: trialApproved, want: approved},
		"volumes one by one": {config: trialSingly, want: approved},
		"bucket with a key":  {config: trialCopies, flags: " --data-key " + limitKey, key: true, want: unattended},
	} {
		t.Run(name, func(t *testing.T) {
			w := newTrial(t).worksAtHome()
			printed := w.policy(strings.Fields("--for backup --config " + tt.config + tt.flags)...)
			if tt.key {
				w.must(w.Sandbox().EncryptBucket(sandbox.DefaultBucket, limitKey))
			}
			w.must(w.Sandbox().SetPolicy(printed))
			w.Sandbox().ResetCalls()
			if code, stdout, stderr := w.run("backup", "plan", "--config", tt.config); code != 0 {
				t.Errorf("plan: code %d\n%s%s", code, stdout, stderr)
			}
			code, stdout, stderr := w.run("backup", "apply", "--config", tt.config, "-o", "json")
			var answer struct {
				Data struct {
					Targets []struct{ Outcomes []backup.Outcome }
				}
			}
			if err := json.Unmarshal([]byte(stdout), &answer); err != nil || code != 0 {
				t.Fatalf("code %d, %v\n%s%s", code, err, stdout, stderr)
			}
			copies := map[fleet.ResourceID]bool{}
			for _, o := range answer.Data.Targets[0].Outcomes {
				if chain, _, _, _, _ := o.Set.Read(); o.Action == backup.DidCopy && o.Result == fleet.Done {
					copies[chain.Resource] = true
				}
			}
			if !maps.Equal(copies, map[fleet.ResourceID]bool{w.instance: true, fleet.ResourceID(w.disk): true}) {
				t.Errorf("copies of %v\n%s", copies, stdout)
			}
			if came := w.came(); !maps.Equal(came, tt.want) {
				t.Errorf("%v, want %v\n%s%s", came, tt.want, stdout, stderr)
			}
			denied := w.denied()
			if tt.want["failed"] == "there" {
				if !slices.Equal(slices.Compact(denied), []string{"ec2:DeleteSnapshot"}) || !strings.Contains(stdout, "ec2:DeleteSnapshot") {
					t.Errorf("denied %v\n%s", denied, stdout)
				}
			} else if len(denied) > 0 {
				t.Errorf("denied %v", denied)
			}
		})
	}
}

// worksAtHome puts the work into the account of the caller.
func (y *trial) worksAtHome() *worked {
	return y.work(y.Sandbox().Account(sandbox.AccountID), "야간-리포트", "배치서버")
}

// backupAudience is who makes backups by a configuration: see TestEveryActionIsNeeded.
func backupAudience(name, config string) audience {
	const plan, apply, status = "backup plan", "backup apply", "backup status"
	a := audience{
		name: name, policy: "--for backup --config " + config, config: config, slow: config != trialCopies, prepare: func(y *trial) { y.worksAtHome() },
		commands: []ends{{plan, 0}, {apply, 0}, {status, 0}, {plan + " --region all", 0}},
		absent:   []string{"ebs:ListSnapshotBlocks"}, // no volume loses all its copies; TestDeletionsUnderPolicy tries it
		needs: map[string]ends{
			"backup:ListProtectedResources": {plan, 0}, "backup:ListRecoveryPointsByResource": {plan, 0},
			"ebs:ListChangedBlocks": {plan, 0}, "ec2:CreateSnapshot": {apply, 3}, "ec2:CreateSnapshots": {apply, 3}, "ec2:CreateTags": {apply, 3},
			"ec2:DescribeFastSnapshotRestores": {apply, 0}, "ec2:DescribeImages": {apply, 0}, "ec2:DescribeInstances": {plan, 4},
			"ec2:DescribeLaunchTemplateVersions": {apply, 0}, "ec2:DescribeLockedSnapshots": {apply, 0}, "ec2:DescribeRegions": {plan + " --region all", 4},
			"ec2:DescribeSnapshots": {plan, 4}, "ec2:DescribeSpotInstanceRequests": {plan, 0}, "ec2:DescribeSnapshotAttribute": {plan, 0},
			"ec2:DescribeVolumes": {plan, 4}, "kms:DescribeKey": {status, 3}, "servicequotas:GetServiceQuota": {status, 0}, "pricing:GetProducts": {plan, 0}, "rbin:GetRule": {plan, 0}, "rbin:ListRules": {plan, 0},
			"rds:DescribeDBInstances": {status, 3}, "s3:GetObject": {plan, 4}, "s3:ListBucket": {status, 3}, "s3:PutObject": {apply, 4},
		},
	}
	if config == trialCopies {
		a.needs["ec2:DeleteSnapshot"], a.needs["ec2:DeleteTags"] = ends{apply, 3}, ends{apply, 3}
	} else {
		a.needs["ec2:CreateTags"] = ends{apply, 4} // without it nothing is done at all
	}
	return a
}
