package app_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"nightshift/internal/app"
	"nightshift/internal/backup"
	"nightshift/internal/fleet"
	"nightshift/internal/price"
	"nightshift/internal/sandbox"
)

const weekly = `backup:
  policies:
    - { id: weekly, tag: Env=prod, schedule: { every: 168h }, keep: { last: 3 }, rpo: 170h }
`

// The report has what `backup status` says, and asks for nothing more without policies.
func TestReportBackups(t *testing.T) {
	t.Parallel()
	s := openCopied(t, nil, weekly)
	r := job[app.ReportResult](t)(s.Report(t.Context(), app.ReportInput{Backups: true}))
	status := job[app.BackupStatusResult](t)(s.BackupStatus(t.Context(), app.BackupStatusInput{}))
	if r.Backups == nil || len(r.Problems) > 0 || len(r.Backups.Unread) > 0 {
		t.Fatalf("%+v, %v", r.Backups, r.Problems)
	}
	if diff := cmp.Diff(status.Targets, r.Backups.Targets, cmpopts.IgnoreUnexported(backup.GoodCopy{})); diff != "" {
		t.Errorf("-status +report\n%s", diff)
	}
	for name, one := range map[string]struct {
		config  string
		backups bool
	}{"without policies": {"timezone: UTC\n", true}, "not asked for": {weekly, false}} {
		r := job[app.ReportResult](t)(openCopied(t, nil, one.config).Report(t.Context(), app.ReportInput{Backups: one.backups}))
		for _, call := range []string{"DescribeImages", "DescribeLockedSnapshots", "ListProtectedResources"} {
			for name := range r.Calls {
				if strings.HasSuffix(name, call) {
					t.Errorf("%s: %s was called", name, call)
				}
			}
		}
		if r.Backups != nil {
			t.Errorf("%s: %+v", name, r.Backups)
		}
	}
}

// A listing that fails makes the report partly failed; what it would have said is unknown.
func TestReportBackupsUnread(t *testing.T) {
	t.Parallel()
	faults := []sandbox.Fault{{Action: "ec2:DescribeSnapshots", Kind: sandbox.Deny}, {Action: "backup:ListProtectedResources", Kind: sandbox.Deny}}
	r := job[app.ReportResult](t)(openCopied(t, faults, weekly).Report(t.Context(), app.ReportInput{Backups: true}))
	if r.Status() != fleet.StatusPartial || len(r.Backups.Unread) < 2 {
		t.Fatalf("%s: %+v", r.Status(), r.Backups.Unread)
	}
	for _, u := range r.Backups.Unread {
		if u.Target.Region != sandbox.DefaultRegion || u.Target.Account == "" || !slices.Contains(r.Problems, u) {
			t.Errorf("%+v is not a problem of the report: %v", u, r.Problems)
		}
	}
	for _, v := range r.Backups.Targets[0].Volumes {
		if v.Coverage != backup.Unknown && v.Coverage != backup.NotCopied || v.Monthly != (price.StorageBound{}) {
			t.Errorf("%s is %s, %+v", v.Volume, v.Coverage, v.Monthly)
		}
	}
}
