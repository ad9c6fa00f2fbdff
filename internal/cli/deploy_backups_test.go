package cli_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"nightshift/internal/app"
	"nightshift/internal/backup"
	"nightshift/internal/sandbox"
)

// backupsFile is a configuration with backup policies for two accounts and regions.
const backupsFile = `timezone: UTC
journal: s3://` + sandbox.DefaultBucket + `/journal
regions: [ap-northeast-2, us-east-1]
accounts:
  - name: home
  - { name: other, role: "arn:aws:iam::999988887777:role/` + sandbox.MemberRole + `", external_id: practice }
backup:
  delete: unattended
  policies:
    - { id: nightly, tag: Backup=daily, resource: instance, schedule: { at: "08:30" }, keep: { last: 2 } }
    - { id: disks, tag: Disk, resource: volume, schedule: { at: "08:30" }, keep: { last: 2 } }
deploy: { dry_run: false }
`

// withBackups deploys a configuration with backup policies: under its own role, and under
// the role that is printed for the other account, the function makes and deletes copies in
// both accounts and regions, as often as its schedule asks.
func withBackups(d *deployment) {
	d.write("nightshift.yaml", backupsFile)
	other := d.account.Sandbox().Account("999988887777")
	if err := other.SetRolePolicy(sandbox.MemberRole, printedPolicy(d.T, "--config", "nightshift.yaml", "--member")); err != nil {
		d.Fatal(err)
	}
	chosen := map[string]bool{}
	for _, account := range []*sandbox.Account{d.account.Sandbox().Account(sandbox.AccountID), other} {
		for _, region := range []string{sandbox.DefaultRegion, "us-east-1"} {
			machine := account.Instances(region)[0].ID
			account.SetTags(machine, map[string]string{"Backup": "daily"})
			attached := account.VolumesOf(region, machine)
			disks := slices.DeleteFunc(account.Volumes(region), func(id string) bool { return slices.Contains(attached, id) })
			chosen[fmt.Sprint(account.ID(), " ", region, " ", machine)] = true
			if len(disks) > 0 {
				account.SetVolumeTags(region, disks[0], sandbox.Tags{{Key: "Disk", Value: "1"}})
				chosen[fmt.Sprint(account.ID(), " ", region, " ", disks[0])] = true
			}
		}
	}
	d.must(0, "", []string{"--yes"}, "CREATE_COMPLETE", "+  BackupOnTime", fmt.Sprint("would copy ", len(chosen)), "the schedules are enabled")
	s := d.state()
	if s.Parameters["BackupSchedule"] != "rate(15 minutes)" {
		d.Errorf("the parameters: %v", s.Parameters)
	}
	functions := d.session().Functions(sandbox.DefaultRegion)
	d.account.Sandbox().ResetCalls()
	did := map[string][]backup.SetID{}
	for range 20 { // five days
		done, err := functions.Invoke(d.Context(), s.Outputs["FunctionName"], []byte(backupEvent))
		var answer struct{ Data app.BackupSummary }
		if err == nil {
			err = json.Unmarshal(done.Payload, &answer)
		}
		if sum := answer.Data; err != nil || done.Failed || len(sum.Errors)+len(sum.Failed)+len(sum.Notes) > 0 {
			d.Fatalf("%v %s", err, done.Payload)
		}
		for what, acts := range map[string][]app.BackupAct{"copied": answer.Data.Copied, "deleted": answer.Data.Deleted} {
			for _, act := range acts {
				key := fmt.Sprint(what, " ", act.Account, " ", act.Region, " ", act.Resource)
				if slices.Contains(did[key], act.Set) {
					d.Errorf("%s twice: %s", key, act.Set)
				}
				did[key] = append(did[key], act.Set)
			}
		}
		d.account.Sandbox().Advance(6 * time.Hour)
	}
	for resource := range chosen {
		if copied, deleted := did["copied "+resource], did["deleted "+resource]; len(copied) < 5 || len(deleted) < 2 {
			d.Errorf("%s: copied %v, deleted %v", resource, copied, deleted)
		}
	}
	for _, c := range d.account.Sandbox().Calls() {
		if c.Status == http.StatusForbidden && !strings.HasPrefix(c.Permission, "s3:") { // S3 denies what is not there
			d.Errorf("denied: %s to %s", c.Permission, c.Account)
		}
	}
}
