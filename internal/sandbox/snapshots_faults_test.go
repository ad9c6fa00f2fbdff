package sandbox_test

import (
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"nightshift/internal/sandbox"
)

func (a *account) faults(text string) {
	a.t.Helper()
	list, err := sandbox.ParseFaults(text)
	if err == nil {
		err = a.SetFaults(list)
	}
	if err != nil {
		a.t.Fatal(err)
	}
}

// TestSnapshotsCut: every second call is cut, before it is carried out or after, and in
// the second case the snapshot is there.
func TestSnapshotsCut(t *testing.T) {
	for kind, want := range map[string]int{"cut": 2, "lost": 4} {
		a := open(t, sandbox.Options{})
		a.faults("ec2:CreateSnapshot=" + kind + ",every=2")
		before := len(a.Snapshots(sandbox.DefaultRegion))
		var answers []string
		for range 4 {
			_, err := a.take(a.volumesOf("sap-suse")[1], "Made=here")
			answers = append(answers, map[bool]string{true: "made", false: "unclear"}[err == nil])
			a.Advance(time.Minute)
		}
		if got := strings.Join(answers, " "); got != "made unclear made unclear" {
			t.Errorf("%s: %s", kind, got)
		}
		if n := len(a.Snapshots(sandbox.DefaultRegion)) - before; n != want {
			t.Errorf("%s: %d snapshots were made, want %d", kind, n, want)
		}
	}
}

// TestSnapshotsUnseen: what a call makes or tags is not shown for a minute.
func TestSnapshotsUnseen(t *testing.T) {
	a := open(t, sandbox.Options{})
	a.faults("ec2:CreateSnapshot=stale,for=1m,every=2;ec2:CreateTags=stale,for=1m;ec2:DeleteTags=stale,for=1m")
	var ids []string
	for range 2 {
		made, err := a.take(a.volumesOf("sap-suse")[1], "Made=here")
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, *made.SnapshotId)
		a.Advance(15 * time.Second)
	}
	tagged := func(pair string) int {
		k, v, _ := strings.Cut(pair, "=")
		return len(a.snapshots(&ec2.DescribeSnapshotsInput{Filters: []types.Filter{filterOf("tag:"+k, v)}}))
	}
	if tagged("Made=here") != 1 || a.snapshot(ids[0]) == nil || a.snapshot(ids[1]) != nil {
		t.Errorf("%d are shown", tagged("Made=here"))
	}
	if _, err := a.ec2.DescribeSnapshots(t.Context(), &ec2.DescribeSnapshotsInput{SnapshotIds: ids[1:]}); code(err) != "InvalidSnapshot.NotFound" {
		t.Errorf("by its id: %v", err)
	}
	a.Advance(45 * time.Second)
	if tagged("Made=here") != 2 {
		t.Errorf("after a minute %d are shown", tagged("Made=here"))
	}
	if _, err := a.ec2.CreateTags(t.Context(), &ec2.CreateTagsInput{Resources: ids[:1], Tags: snapshotTags("Kept=yes").Tags}); err != nil {
		t.Fatal(err)
	}
	if tagged("Kept=yes") != 0 {
		t.Error("the new tag is shown at once")
	}
	a.Advance(time.Minute)
	if tagged("Kept=yes") != 1 {
		t.Error("the new tag is never shown")
	}
	if _, err := a.ec2.DeleteTags(t.Context(), &ec2.DeleteTagsInput{Resources: ids[:1], Tags: []types.Tag{{Key: aws.String("Kept")}}}); err != nil {
		t.Fatal(err)
	}
	if tagged("Kept=yes") != 1 {
		t.Error("the tag is gone at once")
	}
	a.Advance(time.Minute)
	if tagged("Kept=yes") != 0 {
		t.Error("the tag is never gone")
	}
	a.faults("ec2:DescribeSnapshots=stale,for=1h")
	if tagged("Made=here") != 0 || len(a.snapshots(&ec2.DescribeSnapshotsInput{OwnerIds: []string{"self"}})) != 11 {
		t.Error("a stale answer shows what was made since")
	}
}

// TestSnapshotsFail: a fault selects snapshots by volume, instance and type of volume.
func TestSnapshotsFail(t *testing.T) {
	a := open(t, sandbox.Options{})
	sap, gateway := a.volumesOf("sap-suse"), a.volumesOf("vpn-gateway")
	a.faults("ec2:CreateSnapshot=fail,id=" + sap[1] + ",message=no key;ec2:CreateSnapshot=refuse,type=io2,code=IncorrectState;ec2:CreateSnapshots=slow,id=" + a.id("sap-suse") + ",for=5h")
	failing, err := a.take(sap[1])
	if err != nil {
		t.Fatal(err)
	}
	good, err := a.take(gateway[0])
	if err != nil {
		t.Fatal(err)
	}
	if _, err := a.take(a.volumesOf("운영-DB-1")[1]); code(err) != "IncorrectState" {
		t.Errorf("of an io2 volume: %v", err)
	}
	a.Advance(4 * time.Hour)
	if s := a.snapshot(*failing.SnapshotId); s.State != "error" || *s.StateMessage != "no key" || *s.Progress != "0%" {
		t.Errorf("failing: %+v", s)
	}
	if s := a.snapshot(*good.SnapshotId); s.State != "completed" || s.StateMessage != nil {
		t.Errorf("the other: %+v", s)
	}
	set, err := a.ec2.CreateSnapshots(t.Context(), &ec2.CreateSnapshotsInput{InstanceSpecification: &types.InstanceSpecification{InstanceId: aws.String(a.id("sap-suse"))}})
	if err != nil {
		t.Fatal(err)
	}
	a.Advance(4 * time.Hour)
	if s := a.snapshot(*set.Snapshots[0].SnapshotId); s.State != "pending" {
		t.Errorf("the slow one: %s", s.State)
	}
}

// TestSnapshotPermissions holds the conditions of policies for snapshots against each
// call that they are for.
func TestSnapshotPermissions(t *testing.T) {
	const policy = `{"Version":"2012-10-17","Statement":[
		{"Effect":"Allow","Action":"ec2:Describe*","Resource":"*"},
		{"Effect":"Allow","Action":"ec2:CreateSnapshot","Resource":"arn:aws:ec2:*:*:volume/*","Condition":{"StringEquals":{"aws:ResourceTag/Backup":"daily"}}},
		{"Effect":"Allow","Action":"ec2:CreateSnapshots","Resource":"arn:aws:ec2:*:*:instance/*","Condition":{"StringEquals":{"aws:ResourceTag/Backup":"daily"}}},
		{"Effect":"Allow","Action":"ec2:CreateSnapshots","Resource":"arn:aws:ec2:*:*:volume/*"},
		{"Effect":"Allow","Action":["ec2:CreateSnapshot","ec2:CreateSnapshots"],"Resource":"arn:aws:ec2:*::snapshot/*","Condition":{"StringLike":{"aws:RequestTag/ours:set":"*"},"ForAllValues:StringLike":{"aws:TagKeys":["ours:*","Name"]}}},
		{"Effect":"Allow","Action":"ec2:CreateTags","Resource":"arn:aws:ec2:*::snapshot/*","Condition":{"StringLike":{"ec2:CreateAction":"CreateSnapshot*"}}},
		{"Effect":"Allow","Action":"ec2:CreateTags","Resource":"arn:aws:ec2:*::snapshot/*","Condition":{"StringLike":{"aws:ResourceTag/ours:set":"*"},"ForAllValues:StringLike":{"aws:TagKeys":"ours:*"},"Null":{"aws:TagKeys":"false"}}},
		{"Effect":"Allow","Action":"ec2:DeleteSnapshot","Resource":"arn:aws:ec2:*::snapshot/*","Condition":{"StringLike":{"aws:ResourceTag/ours:set":"*"},"StringEquals":{"ec2:Owner":"` + sandbox.AccountID + `"},"ArnLike":{"ec2:ParentVolume":"arn:aws:ec2:*:*:volume/*"}}}]}`
	a := open(t, sandbox.Options{Policy: []byte(policy)})
	mine, theirs := a.volumesOf("sap-suse"), a.volumesOf("vpn-gateway")
	a.SetTags(a.id("sap-suse"), map[string]string{"Backup": "daily"})
	if !a.SetVolumeTags(sandbox.DefaultRegion, mine[0], sandbox.Tags{{Key: "Backup", Value: "daily"}}) {
		t.Fatal("no volume to tag")
	}
	expect := func(what string, err error, allowed bool) {
		t.Helper()
		if want := map[bool]string{true: "", false: "UnauthorizedOperation"}[allowed]; code(err) != want {
			t.Errorf("%s: %v, want %q", what, err, want)
		}
	}
	made, err := a.take(mine[0], "ours:set=1", "Name=x")
	expect("a volume with the tag", err, true)
	_, err = a.take(mine[1], "ours:set=1")
	expect("a volume without it", err, false)
	a.Advance(time.Hour)
	_, err = a.take(mine[0])
	expect("without a tag of the request", err, false)
	_, err = a.take(mine[0], "ours:set=1", "other=1")
	expect("with a foreign tag of the request", err, false)
	set := func(name string, copied types.CopyTagsFromSource) error {
		a.Advance(time.Hour)
		_, err := a.ec2.CreateSnapshots(t.Context(), &ec2.CreateSnapshotsInput{
			InstanceSpecification: &types.InstanceSpecification{InstanceId: aws.String(a.id(name))}, CopyTagsFromSource: copied,
			TagSpecifications: []types.TagSpecification{snapshotTags("ours:set=2")},
		})
		return err
	}
	expect("an instance with the tag", set("sap-suse", ""), true)
	expect("copied tags of volumes", set("sap-suse", "volume"), false)
	expect("an instance without it", set("vpn-gateway", ""), false)
	tag := func(id, pair string) error {
		_, err := a.ec2.CreateTags(t.Context(), &ec2.CreateTagsInput{Resources: []string{id}, Tags: snapshotTags(pair).Tags})
		return err
	}
	foreign := a.keep(sandbox.Snapshot{Volume: theirs[0]})
	expect("a tag on ours", tag(*made.SnapshotId, "ours:held=1"), true)
	expect("a foreign tag on ours", tag(*made.SnapshotId, "Env=1"), false)
	expect("a tag on a foreign one", tag(foreign, "ours:set=1"), false)
	expect("to delete a foreign one", a.deleteSnapshot(foreign), false)
	expect("to delete ours", a.deleteSnapshot(*made.SnapshotId), true)
}
