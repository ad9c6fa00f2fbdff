package sandbox_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"nightshift/internal/sandbox"
)

// keep adds a complete snapshot of a volume.
func (a *account) keep(s sandbox.Snapshot) string {
	a.t.Helper()
	id, err := a.AddSnapshot(sandbox.DefaultRegion, s)
	if err != nil {
		a.t.Fatal(err)
	}
	return id
}

// TestSnapshotsInUse: what an image, a lock, fast restore or AWS Backup needs stays.
func TestSnapshotsInUse(t *testing.T) {
	a := open(t, sandbox.Options{})
	volume := a.volumesOf("vpn-gateway")[0]
	at := testStart.AddDate(0, 0, -3)
	of := func(ts ...sandbox.Tag) string { return a.keep(sandbox.Snapshot{Volume: volume, Started: at, Tags: ts}) }
	image, lock, fast, managed, free := of(), of(), of(), of(sandbox.Tag{Key: "aws:backup:source-resource", Value: "x"}), of()
	_, err := a.AddImage(sandbox.DefaultRegion, sandbox.Image{Name: "gold", Disabled: true, Disks: []sandbox.ImageDisk{{Device: "/dev/xvda", Snapshot: image, SizeGiB: 8}}})
	if err == nil {
		err = a.LockSnapshot(sandbox.DefaultRegion, lock, 5)
	}
	if err == nil {
		err = a.AddFastRestore(sandbox.DefaultRegion, fast, "ap-northeast-2a")
	}
	if err != nil {
		t.Fatal(err)
	}
	for id, want := range map[string]string{
		image: "InvalidSnapshot.InUse", lock: "OperationNotPermitted", fast: "InvalidSnapshot.InUse", managed: "InvalidParameterValue", free: "",
	} {
		if err := a.deleteSnapshot(id); code(err) != want {
			t.Errorf("%v, want %q", err, want)
		}
	}
	a.Advance(6 * 24 * time.Hour)
	if err := a.deleteSnapshot(lock); err != nil {
		t.Errorf("after the lock expired: %v", err)
	}
	out, err := a.ec2.DescribeFastSnapshotRestores(t.Context(), &ec2.DescribeFastSnapshotRestoresInput{Filters: []types.Filter{filterOf("snapshot-id", fast)}})
	if err != nil || len(out.FastSnapshotRestores) != 1 || out.FastSnapshotRestores[0].State != types.FastSnapshotRestoreStateCodeEnabled {
		t.Errorf("fast restores: %+v, %v", out, err)
	}
}

func TestImages(t *testing.T) {
	a := open(t, sandbox.Options{})
	disk := []sandbox.ImageDisk{{Device: "/dev/xvda", Snapshot: a.keep(sandbox.Snapshot{SizeGiB: 8}), SizeGiB: 8, Type: "gp3"}}
	ids := map[string]string{}
	for _, i := range []sandbox.Image{
		{Name: "gold", Disks: disk, Products: []string{"abc123"}, Tags: sandbox.Tags{{Key: "Env", Value: "prod"}}},
		{Name: "old", Disks: disk, Deprecated: testStart.AddDate(0, -1, 0)},
		{Name: "off", Disks: disk, Disabled: true},
	} {
		id, err := a.AddImage(sandbox.DefaultRegion, i)
		if err != nil {
			t.Fatal(err)
		}
		ids[i.Name] = id
	}
	names := func(in ec2.DescribeImagesInput) string {
		out, err := a.ec2.DescribeImages(t.Context(), &in)
		if err != nil {
			return code(err)
		}
		var list []string
		for _, i := range out.Images {
			list = append(list, *i.Name)
		}
		return strings.Join(list, " ")
	}
	self := []string{"self"}
	for want, in := range map[string]ec2.DescribeImagesInput{
		"web-golden gold old off": {Owners: self, IncludeDisabled: aws.Bool(true)},
		"web-golden gold old":     {Owners: self},
		"gold":                    {Filters: []types.Filter{filterOf("tag:Env", "prod")}},
		"old":                     {ImageIds: []string{ids["old"]}},
		"off":                     {IncludeDisabled: aws.Bool(true), Filters: []types.Filter{filterOf("state", "disabled")}},
		"practice-rhel":           {ImageIds: []string{sandbox.ImageRHEL}},
		"InvalidAMIID.NotFound":   {ImageIds: []string{"ami-0123456789abcdef0"}},
		"InvalidAMIID.Malformed":  {ImageIds: []string{"ami-x"}},
		"practice-windows practice-windows-sql-std practice-windows-sql-ent practice-windows-byol": {Filters: []types.Filter{filterOf("platform", "windows")}},
	} {
		if got := names(in); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	out, err := a.ec2.DescribeImages(t.Context(), &ec2.DescribeImagesInput{ImageIds: []string{ids["gold"]}})
	if err != nil {
		t.Fatal(err)
	}
	i := out.Images[0]
	if m := i.BlockDeviceMappings[0]; *m.Ebs.SnapshotId != disk[0].Snapshot || *i.OwnerId != sandbox.AccountID || *i.ProductCodes[0].ProductCodeId != "abc123" ||
		*i.PlatformDetails != "Linux/UNIX" || *i.UsageOperation != "RunInstances" {
		t.Errorf("%+v of %+v", i, m)
	}
}

func TestLaunchTemplates(t *testing.T) {
	a := open(t, sandbox.Options{})
	versions := []sandbox.TemplateVersion{
		{Created: testStart, Image: sandbox.ImageLinux, Type: "t3.small", Disks: []sandbox.ImageDisk{{Device: "/dev/sdf", Snapshot: "snap-0123456789abcdef0", SizeGiB: 20}}},
		{Created: testStart, Image: sandbox.ImageRHEL},
	}
	for _, name := range []string{"web", "was"} {
		if _, err := a.AddLaunchTemplate(sandbox.DefaultRegion, sandbox.LaunchTemplate{Name: name, Created: testStart, Versions: versions}); err != nil {
			t.Fatal(err)
		}
	}
	list, err := a.ec2.DescribeLaunchTemplates(t.Context(), &ec2.DescribeLaunchTemplatesInput{MaxResults: aws.Int32(1)})
	if err != nil || len(list.LaunchTemplates) != 1 || list.NextToken == nil || *list.LaunchTemplates[0].LatestVersionNumber != 2 {
		t.Fatalf("%+v, %v", list, err)
	}
	got := func(in ec2.DescribeLaunchTemplateVersionsInput) string {
		out, err := a.ec2.DescribeLaunchTemplateVersions(t.Context(), &in)
		if err != nil {
			return code(err)
		}
		var rows []string
		for _, v := range out.LaunchTemplateVersions {
			rows = append(rows, fmt.Sprintf("%s/%d/%d", *v.LaunchTemplateName, *v.VersionNumber, len(v.LaunchTemplateData.BlockDeviceMappings)))
		}
		return strings.Join(rows, " ")
	}
	for want, in := range map[string]ec2.DescribeLaunchTemplateVersionsInput{
		"web/2/0 was/2/0":                 {Versions: []string{"$Latest"}},
		"web/1/1 web/2/0 was/1/1 was/2/0": {Versions: []string{"$Latest", "$Default"}},
		"was/1/1 was/2/0":                 {LaunchTemplateName: aws.String("was")},
		"web/1/1":                         {LaunchTemplateId: list.LaunchTemplates[0].LaunchTemplateId, Versions: []string{"1"}},
		"MissingParameter":                {Versions: []string{"1"}},
		"InvalidLaunchTemplateName.NotFoundException": {LaunchTemplateName: aws.String("none")},
	} {
		if rows := got(in); rows != want {
			t.Errorf("%q, want %q", rows, want)
		}
	}
}

func TestSnapshotLocks(t *testing.T) {
	a := open(t, sandbox.Options{})
	made, err := a.take(a.volumesOf("old-archive")[1])
	if err != nil {
		t.Fatal(err)
	}
	id := made.SnapshotId
	lock := func(in ec2.LockSnapshotInput) error {
		in.SnapshotId = id
		_, err := a.ec2.LockSnapshot(t.Context(), &in)
		return err
	}
	if err := lock(ec2.LockSnapshotInput{LockMode: "governance", LockDuration: aws.Int32(2)}); err != nil {
		t.Fatal(err)
	}
	a.Advance(2 * 24 * time.Hour) // it began when the snapshot was complete
	out, err := a.ec2.DescribeLockedSnapshots(t.Context(), &ec2.DescribeLockedSnapshotsInput{Filters: []types.Filter{filterOf("lock-state", "governance")}})
	if err != nil || len(out.Snapshots) != 1 || *out.Snapshots[0].SnapshotId != *id || !out.Snapshots[0].LockDurationStartTime.After(testStart) {
		t.Fatalf("%+v, %v", out, err)
	}
	for want, in := range map[string]ec2.LockSnapshotInput{
		"InvalidParameterCombination": {LockMode: "governance"},
		"InvalidParameterValue":       {LockMode: "governance", LockDuration: aws.Int32(40_000)},
	} {
		if err := lock(in); code(err) != want {
			t.Errorf("%v, want %s", err, want)
		}
	}
	unlock := func() error {
		_, err := a.ec2.UnlockSnapshot(t.Context(), &ec2.UnlockSnapshotInput{SnapshotId: id})
		return err
	}
	if err := unlock(); err != nil {
		t.Error(err)
	}
	if err := unlock(); code(err) != "IncorrectState" {
		t.Errorf("again: %v", err)
	}
	if err := lock(ec2.LockSnapshotInput{LockMode: "compliance", CoolOffPeriod: aws.Int32(1), LockDuration: aws.Int32(9)}); err != nil {
		t.Fatal(err)
	}
	a.Advance(time.Hour)
	if err := unlock(); code(err) != "OperationNotPermitted" {
		t.Errorf("a final lock: %v", err)
	}
}

func TestSharedSnapshots(t *testing.T) {
	a := open(t, sandbox.Options{})
	id := a.keep(sandbox.Snapshot{SizeGiB: 8})
	modify := func(in ec2.ModifySnapshotAttributeInput) error {
		in.Attribute = types.SnapshotAttributeNameCreateVolumePermission
		if in.SnapshotId == nil {
			in.SnapshotId = &id
		}
		_, err := a.ec2.ModifySnapshotAttribute(t.Context(), &in)
		return err
	}
	shared := func() string {
		out, err := a.ec2.DescribeSnapshotAttribute(t.Context(), &ec2.DescribeSnapshotAttributeInput{SnapshotId: &id, Attribute: types.SnapshotAttributeNameCreateVolumePermission})
		if err != nil {
			t.Fatal(err)
		}
		var list []string
		for _, p := range out.CreateVolumePermissions {
			list = append(list, string(p.Group)+aws.ToString(p.UserId))
		}
		return strings.Join(list, " ")
	}
	with := func(p ...types.CreateVolumePermission) []types.CreateVolumePermission { return p }
	other := types.CreateVolumePermission{UserId: aws.String("210987654321")}
	all := types.CreateVolumePermission{Group: types.PermissionGroupAll}
	public := func() int {
		return len(a.snapshots(&ec2.DescribeSnapshotsInput{OwnerIds: []string{"self"}, RestorableByUserIds: []string{"all"}}))
	}
	if err := modify(ec2.ModifySnapshotAttributeInput{CreateVolumePermission: &types.CreateVolumePermissionModifications{Add: with(other, all)}}); err != nil {
		t.Fatal(err)
	}
	if shared() != "all 210987654321" || public() != 1 {
		t.Errorf("shared with %q, %d public", shared(), public())
	}
	if n := len(a.snapshots(&ec2.DescribeSnapshotsInput{RestorableByUserIds: []string{"210987654321"}})); n != 2 { // and its own
		t.Errorf("%d restorable by the other", n)
	}
	if err := modify(ec2.ModifySnapshotAttributeInput{OperationType: types.OperationTypeRemove, UserIds: []string{"210987654321"}}); err != nil || shared() != "all" {
		t.Errorf("%v: shared with %q", err, shared())
	}
	if _, err := a.ec2.ResetSnapshotAttribute(t.Context(), &ec2.ResetSnapshotAttributeInput{SnapshotId: &id, Attribute: types.SnapshotAttributeNameCreateVolumePermission}); err != nil || shared() != "" || public() != 0 {
		t.Errorf("%v: shared with %q, %d public", err, shared(), public())
	}
	encrypted := a.keep(sandbox.Snapshot{SizeGiB: 8, Encrypted: true})
	if err := modify(ec2.ModifySnapshotAttributeInput{SnapshotId: &encrypted, CreateVolumePermission: &types.CreateVolumePermissionModifications{Add: with(other)}}); code(err) != "InvalidParameterValue" {
		t.Errorf("under the default key: %v", err)
	}
}

// rest calls a service of REST with JSON and reads its answer.
func (a *account) rest(service, method, path, body string) (int, map[string]any) {
	a.t.Helper()
	r, err := http.NewRequestWithContext(a.t.Context(), method, a.url+path, strings.NewReader(body))
	if err != nil {
		a.t.Fatal(err)
	}
	r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential="+sandbox.AccessKey+"/20261122/"+sandbox.DefaultRegion+"/"+service+"/aws4_request")
	got, err := http.DefaultClient.Do(r)
	if err != nil {
		a.t.Fatal(err)
	}
	defer got.Body.Close()
	raw, err := io.ReadAll(got.Body)
	if err != nil {
		a.t.Fatal(err)
	}
	var out map[string]any
	if err := json.Unmarshal(raw, &out); err != nil {
		a.t.Fatalf("%s: %v", raw, err)
	}
	return got.StatusCode, out
}

func TestRecycleBin(t *testing.T) {
	a := open(t, sandbox.Options{})
	rule, err := a.AddBinRule(sandbox.DefaultRegion, sandbox.BinRule{Description: "ours", Days: 7, Tags: sandbox.Tags{{Key: "Backup", Value: "daily"}}})
	if err != nil {
		t.Fatal(err)
	}
	kept, gone := a.keep(sandbox.Snapshot{SizeGiB: 8, Tags: sandbox.Tags{{Key: "Backup", Value: "daily"}}}), a.keep(sandbox.Snapshot{SizeGiB: 8})
	for _, id := range []string{kept, gone} {
		if err := a.deleteSnapshot(id); err != nil {
			t.Fatal(err)
		}
	}
	bin := func() []types.SnapshotRecycleBinInfo {
		out, err := a.ec2.ListSnapshotsInRecycleBin(t.Context(), &ec2.ListSnapshotsInRecycleBinInput{})
		if err != nil {
			t.Fatal(err)
		}
		return out.Snapshots
	}
	if in := bin(); len(in) != 1 || *in[0].SnapshotId != kept || in[0].RecycleBinExitTime.Sub(*in[0].RecycleBinEnterTime) != 7*24*time.Hour {
		t.Fatalf("in the bin: %+v", in)
	}
	if a.snapshot(kept) != nil {
		t.Error("what is in the bin is shown")
	}
	restore := func(id string) error {
		_, err := a.ec2.RestoreSnapshotFromRecycleBin(t.Context(), &ec2.RestoreSnapshotFromRecycleBinInput{SnapshotId: &id})
		return err
	}
	if err := restore(gone); code(err) != "InvalidSnapshot.NotFound" {
		t.Errorf("what is gone: %v", err)
	}
	if err := restore(kept); err != nil || len(bin()) != 0 {
		t.Errorf("%v: %d in the bin", err, len(bin()))
	}
	if s := a.snapshot(kept); s == nil || tagOf(s.Tags, "Backup") != "daily" || len(s.Tags) != 1 {
		t.Errorf("restored: %+v", s)
	}
	if err := a.deleteSnapshot(kept); err != nil {
		t.Fatal(err)
	}
	a.Advance(7 * 24 * time.Hour)
	if err := restore(kept); code(err) != "InvalidSnapshot.NotFound" {
		t.Errorf("after the rule's time: %v", err)
	}

	status, list := a.rest("rbin", "POST", "/list-rules", `{"ResourceType":"EBS_SNAPSHOT"}`)
	if status != 200 || len(list["Rules"].([]any)) != 1 {
		t.Errorf("%d %v", status, list)
	}
	status, one := a.rest("rbin", "GET", "/rules/"+rule, "")
	if status != 200 || one["Identifier"] != rule || one["ResourceTags"].([]any)[0].(map[string]any)["ResourceTagKey"] != "Backup" {
		t.Errorf("%d %v", status, one)
	}
	for path, body := range map[string]string{"/list-rules": `{"ResourceType":"x"}`, "/rules/AAAAAAAAAAA": ""} {
		method := map[bool]string{true: "POST", false: "GET"}[body != ""]
		if status, out := a.rest("rbin", method, path, body); status < 400 || out["Message"] == "" {
			t.Errorf("%s: %d %v", path, status, out)
		}
	}
}

func TestAWSBackup(t *testing.T) {
	a := open(t, sandbox.Options{})
	arn := "arn:aws:ec2:" + sandbox.DefaultRegion + ":" + sandbox.AccountID + ":volume/" + a.volumesOf("vpn-gateway")[0]
	for n, status := range []string{"COMPLETED", "EXPIRED"} {
		id := a.keep(sandbox.Snapshot{SizeGiB: 8})
		p := sandbox.RecoveryPoint{ARN: "arn:aws:ec2:" + sandbox.DefaultRegion + "::snapshot/" + id, Vault: "Default", Status: status, Created: testStart.AddDate(0, 0, -n)}
		if err := a.AddRecoveryPoint(sandbox.DefaultRegion, arn, "EBS", p); err != nil {
			t.Fatal(err)
		}
	}
	status, list := a.rest("backup", "GET", "/resources/", "")
	if rows := list["Results"].([]any); status != 200 || len(rows) != 1 || rows[0].(map[string]any)["LastBackupTime"] != float64(testStart.Unix()) {
		t.Errorf("%d %v", status, list)
	}
	path := "/resources/" + url.PathEscape(arn) + "/recovery-points/"
	status, first := a.rest("backup", "GET", path+"?maxResults=1", "")
	if rows := first["RecoveryPoints"].([]any); status != 200 || len(rows) != 1 || rows[0].(map[string]any)["Status"] != "EXPIRED" {
		t.Fatalf("%d %v", status, first)
	}
	_, second := a.rest("backup", "GET", path+"?maxResults=1&nextToken="+url.QueryEscape(first["NextToken"].(string)), "")
	if rows := second["RecoveryPoints"].([]any); len(rows) != 1 || rows[0].(map[string]any)["Status"] != "COMPLETED" || second["NextToken"] != nil {
		t.Errorf("%v", second)
	}
	if status, out := a.rest("backup", "GET", "/resources/?maxResults=0", ""); status != 400 {
		t.Errorf("%d %v", status, out)
	}
}
