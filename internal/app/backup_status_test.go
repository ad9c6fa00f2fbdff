package app_test

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"nightshift/internal/amazon"
	"nightshift/internal/app"
	"nightshift/internal/backup"
	"nightshift/internal/blob"
	"nightshift/internal/fleet"
	"nightshift/internal/journal"
	"nightshift/internal/sandbox"
	"nightshift/internal/sandbox/sandboxtest"
)

// openCopied opens the default account with what others' backups leave there.
func openCopied(t *testing.T, faults []sandbox.Fault, config string) *app.Session {
	t.Helper()
	server := sandboxtest.Start(t, sandbox.Options{Start: evening(), Speed: -1, Backups: true, Faults: faults})
	a := app.New(app.Options{
		Now:      evening,
		Endpoint: &amazon.Endpoint{URL: server.URL(), AccessKey: sandbox.AccessKey, SecretKey: sandbox.SecretKey, ClockScale: 1000},
	})
	sel := app.Selection{Regions: []string{sandbox.DefaultRegion}}
	if config != "" {
		file := filepath.Join(t.TempDir(), "nightshift.yaml")
		if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
			t.Fatal(err)
		}
		sel.Config = blob.Ref{Scheme: blob.File, Path: file}
	}
	s, err := a.Open(t.Context(), sel)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func named(t *testing.T, r app.BackupStatusResult, name string) []backup.VolumeStatus {
	t.Helper()
	var found []backup.VolumeStatus
	for _, s := range r.Targets {
		for _, v := range s.Volumes {
			if v.Name == name {
				found = append(found, v)
			}
		}
	}
	if len(found) == 0 {
		t.Fatalf("no volume %s", name)
	}
	return found
}

// On day one, without any configuration: "every volume, whoever made the copy", what
// nobody deletes, what everybody can read, and the databases without backups.
func TestBackupStatusWithoutConfiguration(t *testing.T) {
	t.Parallel()
	s := openCopied(t, nil, "")
	r := job[app.BackupStatusResult](t)(s.BackupStatus(t.Context(), app.BackupStatusInput{}))
	if r.Status() != fleet.StatusDone || r.Err() != nil || !r.Uncovered() || len(r.Targets) != 1 {
		t.Fatalf("%s: %v", r.Status(), r.Err())
	}
	for name, want := range map[string]struct {
		coverage backup.Coverage
		by       backup.Maker
	}{
		"운영-DB-2": {backup.Protected, backup.ByDLM}, "erp-byol": {backup.Stale, backup.ByBackup}, "운영-웹-1": {backup.Stale, backup.ByImage},
		"hsm-dedicated": {backup.Stale, backup.ByHand}, "web-asg": {backup.NotCopied, ""}, "로그-보관": {backup.Unprotected, ""},
	} {
		if !slices.ContainsFunc(named(t, r, name), func(v backup.VolumeStatus) bool {
			return v.Coverage == want.coverage && (v.Last == nil && want.by == "" || v.Last != nil && v.Last.By == want.by) && v.Monthly.Priced
		}) {
			t.Errorf("%s: %+v, want %+v", name, named(t, r, name), want)
		}
	}
	kinds := map[backup.OrphanKind]int{}
	for _, o := range r.Targets[0].Orphans {
		kinds[o.Kind]++
	}
	if kinds[backup.OrphanExpired] != 1 || kinds[backup.OrphanFast] != 1 || kinds[backup.OrphanImageOff] != 1 || kinds[backup.OrphanVolume] == 0 {
		t.Errorf("orphans: %v", kinds)
	}
	if len(r.Targets[0].Public) != 1 || r.Targets[0].Public[0].Name != "poc-public" || !slices.Equal(r.Targets[0].Databases, []fleet.ResourceID{"qa-oracle"}) {
		t.Errorf("public %+v, databases %v", r.Targets[0].Public, r.Targets[0].Databases)
	}
	wide := job[app.BackupStatusResult](t)(s.BackupStatus(t.Context(), app.BackupStatusInput{RPO: 80 * time.Hour}))
	if got := named(t, wide, "erp-byol"); got[0].Coverage != backup.Protected {
		t.Errorf("with an RPO of 80 hours: %+v", got)
	}
}

// A policy names the volumes that it copies, and has its own RPO; the journal says how long
// a volume was without a copy. "Worst gap comes from the journal".
func TestBackupStatusWithPolicyAndJournal(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	s := openCopied(t, nil, `journal: `+folder+`
backup:
  policies:
    - { id: weekly, tag: Env=prod, schedule: { every: 168h }, keep: { last: 3 }, rpo: 170h }
`)
	read := func() app.BackupStatusResult {
		t.Helper()
		return job[app.BackupStatusResult](t)(s.BackupStatus(t.Context(), app.BackupStatusInput{}))
	}
	v := named(t, read(), "운영-DB-2")[0]
	if v.Policy != "weekly" || time.Duration(v.RPO) != 170*time.Hour || v.Worst == nil || !v.Worst.AtMost {
		t.Fatalf("without records: %+v, worst %+v", v, v.Worst)
	}
	begun := evening().Add(-20 * 24 * time.Hour)
	for n, dry := range []bool{false, false, true} {
		rec := journal.Record{Job: "backup", Started: begun.Add(time.Duration(n) * 24 * time.Hour), DryRun: dry}
		rec.Add(journal.OutcomeOf(fleet.Outcome{ID: v.Instances[0], Action: "copy", Result: fleet.Done, At: rec.Started}, "weekly"))
		if _, err := journal.Write(t.Context(), blob.Folder(folder), rec); err != nil {
			t.Fatal(err)
		}
	}
	got := named(t, read(), "운영-DB-2")[0].Worst
	if got == nil || got.AtMost || !got.Since.Equal(begun) || !got.From.Equal(begun.Add(24*time.Hour)) {
		t.Errorf("with records since %s: %+v", begun, got)
	}
}

// What is not permitted is named, the rest is said, and what it would have said is
// unknown: "a volume missing from a denied, partial or failed listing is unknown, never
// gone".
func TestBackupStatusDenied(t *testing.T) {
	t.Parallel()
	s := openCopied(t, []sandbox.Fault{
		{Action: "backup:ListProtectedResources", Kind: sandbox.Deny}, {Action: "rds:DescribeDBInstances", Kind: sandbox.Deny},
	}, "")
	r := job[app.BackupStatusResult](t)(s.BackupStatus(t.Context(), app.BackupStatusInput{RPO: 80 * time.Hour}))
	if r.Status() != fleet.StatusPartial || len(fleet.Refusals(r.Err())) != 2 {
		t.Errorf("%s: %v", r.Status(), r.Err())
	}
	if got := named(t, r, "erp-byol")[0]; got.Coverage != backup.Unknown {
		t.Errorf("copied by AWS Backup: %+v", got)
	}
	if got := named(t, r, "운영-DB-2"); !slices.ContainsFunc(got, func(v backup.VolumeStatus) bool { return v.Coverage == backup.Protected }) {
		t.Errorf("copied by DLM: %+v", got)
	}
	s = openCopied(t, []sandbox.Fault{{Action: "ec2:DescribeVolumes", Kind: sandbox.Deny}, {Action: "ec2:DescribeSnapshots", Kind: sandbox.Deny}}, "")
	r = job[app.BackupStatusResult](t)(s.BackupStatus(t.Context(), app.BackupStatusInput{}))
	if !r.Unread || r.Status() != fleet.StatusDenied {
		t.Errorf("nothing could be read: %s, %v", r.Status(), r.Err())
	}
}

// A status can be narrowed to volumes, instances and tags. What narrows to nothing is an
// error.
func TestBackupStatusNarrowed(t *testing.T) {
	t.Parallel()
	s := openCopied(t, nil, "")
	all := job[app.BackupStatusResult](t)(s.BackupStatus(t.Context(), app.BackupStatusInput{}))
	one := named(t, all, "sap-suse")
	for name, tt := range map[string]struct {
		only app.BackupSelection
		want int
	}{
		"an instance by name":       {app.BackupSelection{Instances: []string{"sap-suse"}}, 2},
		"an instance by id":         {app.BackupSelection{Instances: []string{string(one[0].Instances[0])}}, 2},
		"a volume":                  {app.BackupSelection{Volumes: []string{string(one[0].Volume)}}, 1},
		"a volume and another":      {app.BackupSelection{Volumes: []string{string(one[0].Volume), "로그-보관"}}, 2},
		"a volume or an instance":   {app.BackupSelection{Volumes: []string{"로그-보관"}, Instances: []string{"sap-suse"}}, 3},
		"a tag of the instance":     {app.BackupSelection{Instances: []string{"sap-suse"}, Tags: []fleet.Tag{{Key: "Name"}}}, 2},
		"an instance that is none":  {app.BackupSelection{Instances: []string{"nobody"}}, -1},
		"a volume that is none":     {app.BackupSelection{Volumes: []string{"vol-1", string(one[0].Volume)}}, -1},
		"a tag that nothing has":    {app.BackupSelection{Tags: []fleet.Tag{{Key: "nobody"}}}, -1},
		"an id as an instance name": {app.BackupSelection{Instances: []string{""}}, -1},
	} {
		r, err := s.BackupStatus(t.Context(), app.BackupStatusInput{Only: tt.only})
		got := -1
		if err == nil {
			got = len(r.Targets[0].Volumes)
		}
		if got != tt.want || err != nil && !errors.Is(err, fleet.ErrInvalid) {
			t.Errorf("%s: %d volumes, %v; want %d", name, got, err, tt.want)
		}
	}
}
