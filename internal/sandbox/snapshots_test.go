package sandbox_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"nightshift/internal/sandbox"
)

// volumesOf are the ids of an instance's volumes, the root first.
func (a *account) volumesOf(name string) []string {
	var list []string
	for _, m := range a.one(a.id(name)).BlockDeviceMappings {
		list = append(list, *m.Ebs.VolumeId)
	}
	return list
}

// take makes a snapshot of a volume with tags "key=value".
func (a *account) take(volume string, pairs ...string) (*ec2.CreateSnapshotOutput, error) {
	in := &ec2.CreateSnapshotInput{VolumeId: &volume, Description: aws.String("nightly")}
	if len(pairs) > 0 {
		in.TagSpecifications = []types.TagSpecification{snapshotTags(pairs...)}
	}
	return a.ec2.CreateSnapshot(a.t.Context(), in)
}

func snapshotTags(pairs ...string) types.TagSpecification {
	spec := types.TagSpecification{ResourceType: types.ResourceTypeSnapshot}
	for _, pair := range pairs {
		k, v, _ := strings.Cut(pair, "=")
		spec.Tags = append(spec.Tags, types.Tag{Key: &k, Value: &v})
	}
	return spec
}

// snapshot reads a snapshot; nil where it is not shown.
func (a *account) snapshot(id string) *types.Snapshot {
	a.t.Helper()
	list := a.snapshots(&ec2.DescribeSnapshotsInput{OwnerIds: []string{"self"}, Filters: []types.Filter{filterOf("snapshot-id", id)}})
	if len(list) == 0 {
		return nil
	}
	return &list[0]
}

func (a *account) deleteSnapshot(id string) error {
	_, err := a.ec2.DeleteSnapshot(a.t.Context(), &ec2.DeleteSnapshotInput{SnapshotId: &id})
	return err
}

func tagOf(ts []types.Tag, key string) string {
	for _, x := range ts {
		if *x.Key == key {
			return *x.Value
		}
	}
	return ""
}

func TestCreateSnapshot(t *testing.T) {
	a := open(t, sandbox.Options{})
	volumes := a.volumesOf("회계-SQL서버")
	made, err := a.take(volumes[0], "Backup=daily", "Slot=2026-11-22")
	if err != nil {
		t.Fatal(err)
	}
	if made.State != "pending" || *made.VolumeId != volumes[0] || *made.VolumeSize != 100 || *made.Description != "nightly" ||
		*made.OwnerId != sandbox.AccountID || !made.StartTime.Equal(testStart) || tagOf(made.Tags, "Slot") != "2026-11-22" || made.FullSnapshotSizeInBytes != nil {
		t.Errorf("made %+v", made)
	}
	a.Advance(10 * time.Second)
	if s := a.snapshot(*made.SnapshotId); s.State != "pending" || *s.Progress == "0%" || *s.Progress == "100%" || s.CompletionTime != nil {
		t.Errorf("after ten seconds: %s, %s, %v", s.State, *s.Progress, s.CompletionTime)
	}
	a.Advance(time.Hour)
	first := a.snapshot(*made.SnapshotId)
	if first.State != "completed" || *first.Progress != "100%" || *first.FullSnapshotSizeInBytes > 100<<30 || *first.FullSnapshotSizeInBytes < 10<<30 {
		t.Errorf("after an hour: %s, %s, %d bytes", first.State, *first.Progress, aws.ToInt64(first.FullSnapshotSizeInBytes))
	}
	if _, err := a.take(volumes[0]); err != nil {
		t.Fatal(err)
	}
	a.Advance(time.Hour)
	all := a.snapshots(&ec2.DescribeSnapshotsInput{Filters: []types.Filter{filterOf("volume-id", volumes[0])}})
	if took := func(s types.Snapshot) time.Duration { return s.CompletionTime.Sub(*s.StartTime) }; len(all) != 2 || took(all[1]) >= took(all[0]) {
		t.Errorf("of %d snapshots, the one of changes took %v", len(all), all)
	}
	for want, in := range map[string]*ec2.CreateSnapshotInput{
		"InvalidVolume.NotFound": {VolumeId: aws.String("vol-0123456789abcdef0")},
		"InvalidParameterValue":  {VolumeId: &volumes[0], Description: aws.String(strings.Repeat("x", 256))},
		"DryRunOperation":        {VolumeId: &volumes[1], DryRun: aws.Bool(true)},
	} {
		if _, err := a.ec2.CreateSnapshot(t.Context(), in); code(err) != want {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}

// A large volume takes longer than a small one.
func TestSnapshotsOfLargeVolumesTakeLonger(t *testing.T) {
	a := open(t, sandbox.Options{})
	for _, name := range []string{"vpn-gateway", "old-archive"} {
		if _, err := a.take(a.volumesOf(name)[len(a.volumesOf(name))-1], "New=yes"); err != nil {
			t.Fatal(err)
		}
	}
	a.Advance(time.Minute)
	var states []string
	for _, s := range a.snapshots(&ec2.DescribeSnapshotsInput{Filters: []types.Filter{filterOf("tag:New", "y*")}}) {
		states = append(states, fmt.Sprintf("%d %s", *s.VolumeSize, s.State))
	}
	if got := strings.Join(states, ", "); got != "8 completed, 1000 pending" {
		t.Errorf("after a minute: %s", got)
	}
}

func TestCreateSnapshots(t *testing.T) {
	a := open(t, sandbox.Options{})
	id, volumes := a.id("회계-SQL서버"), a.volumesOf("회계-SQL서버")
	create := func(in types.InstanceSpecification, pairs ...string) ([]types.SnapshotInfo, error) {
		a.Advance(time.Hour)
		out, err := a.ec2.CreateSnapshots(t.Context(), &ec2.CreateSnapshotsInput{
			InstanceSpecification: &in, CopyTagsFromSource: types.CopyTagsFromSourceVolume, Description: aws.String("set"),
			TagSpecifications: []types.TagSpecification{snapshotTags(append(pairs, "Set=1")...)},
		})
		if err != nil {
			return nil, err
		}
		return out.Snapshots, nil
	}
	of := func(list []types.SnapshotInfo) []string {
		var ids []string
		for _, s := range list {
			if !s.StartTime.Equal(*list[0].StartTime) || tagOf(s.Tags, "Set") != "1" || s.State != "pending" {
				t.Errorf("a member of the set is %+v", s)
			}
			ids = append(ids, *s.VolumeId)
		}
		return ids
	}
	all, err := create(types.InstanceSpecification{InstanceId: &id})
	if err != nil || !slices.Equal(of(all), volumes) || tagOf(all[0].Tags, "Name") != "회계-SQL서버" {
		t.Errorf("all volumes: %v, %v", of(all), err)
	}
	named, err := create(types.InstanceSpecification{InstanceId: &id}, "Name=mine")
	if err != nil || tagOf(named[0].Tags, "Name") != "mine" {
		t.Errorf("a tag of the request and of the volume: %+v, %v", named, err)
	}
	data, err := create(types.InstanceSpecification{InstanceId: &id, ExcludeBootVolume: aws.Bool(true), ExcludeDataVolumeIds: volumes[1:2]})
	if err != nil || !slices.Equal(of(data), volumes[2:]) {
		t.Errorf("the last volume: %v, %v", of(data), err)
	}
	for what, in := range map[string]types.InstanceSpecification{
		"root among the data volumes": {InstanceId: &id, ExcludeDataVolumeIds: volumes[:1]},
		"a volume of another":         {InstanceId: &id, ExcludeDataVolumeIds: a.volumesOf("vpn-gateway")},
		"41 volumes":                  {InstanceId: &id, ExcludeDataVolumeIds: slices.Repeat(volumes[1:2], 41)},
		"nothing left":                {InstanceId: &id, ExcludeBootVolume: aws.Bool(true), ExcludeDataVolumeIds: volumes[1:]},
	} {
		if _, err := create(in); !strings.HasPrefix(code(err), "InvalidParameter") {
			t.Errorf("%s: %v", what, err)
		}
	}
	if _, err := create(types.InstanceSpecification{InstanceId: aws.String("i-0123456789abcdef0")}); code(err) != "InvalidInstanceID.NotFound" {
		t.Errorf("of no instance: %v", err)
	}
}

// TestSnapshotQuotas: what a volume and a region may have at once.
func TestSnapshotQuotas(t *testing.T) {
	a := open(t, sandbox.Options{MostSnapshots: 11 + 8})
	volume := a.volumesOf("sap-suse")[1]
	var ids []string
	take := func(volume, want string) {
		t.Helper()
		made, err := a.take(volume)
		if got := code(err); got != want {
			t.Fatalf("%q, want %q (%v)", got, want, err)
		}
		if err == nil {
			ids = append(ids, *made.SnapshotId)
		}
	}
	take(volume, "")
	a.Advance(14 * time.Second)
	take(volume, "SnapshotCreationPerVolumeRateExceeded")
	for range 4 {
		a.Advance(15 * time.Second)
		take(volume, "")
	}
	a.Advance(15 * time.Second)
	take(volume, "ConcurrentSnapshotLimitExceeded")
	if err := a.deleteSnapshot(ids[0]); err != nil {
		t.Fatal(err)
	}
	take(volume, "ConcurrentSnapshotLimitExceeded") // a deleted one counts until it would have been complete
	a.Advance(3 * time.Hour)
	take(volume, "")

	hdd := a.volumesOf("배치서버")[1] // st1
	if err := a.SetFaults([]sandbox.Fault{{Action: "ec2:CreateSnapshot", Kind: sandbox.Fail}}); err != nil {
		t.Fatal(err)
	}
	take(hdd, "")
	a.Advance(3 * time.Hour)
	take(hdd, "ConcurrentSnapshotLimitExceeded") // one in error counts for ever
	failed := ids[len(ids)-1]
	if s := a.snapshot(failed); s.State != "error" || *s.StateMessage == "" || s.CompletionTime != nil {
		t.Errorf("the failed one: %+v", s)
	}
	if err := a.deleteSnapshot(failed); err != nil {
		t.Fatal(err)
	}
	take(hdd, "")
	take(a.volumesOf("배치서버")[0], "")
	take(a.volumesOf("vpn-gateway")[0], "SnapshotLimitExceeded")
}

func TestDeleteSnapshot(t *testing.T) {
	a := open(t, sandbox.Options{})
	made, err := a.take(a.volumesOf("vpn-gateway")[0])
	if err != nil {
		t.Fatal(err)
	}
	if err := a.deleteSnapshot(*made.SnapshotId); err != nil {
		t.Fatal(err)
	}
	if a.snapshot(*made.SnapshotId) != nil {
		t.Error("a deleted snapshot is there")
	}
	ofAWS := a.snapshots(&ec2.DescribeSnapshotsInput{OwnerIds: []string{"amazon"}})[0]
	for id, want := range map[string]string{
		*made.SnapshotId:  "InvalidSnapshot.NotFound",
		"snap-x":          "InvalidParameterValue",
		"":                "MissingParameter",
		*ofAWS.SnapshotId: "UnauthorizedOperation",
	} {
		if err := a.deleteSnapshot(id); code(err) != want {
			t.Errorf("%q: %v, want %s", id, err, want)
		}
	}
	before := len(a.snapshots(&ec2.DescribeSnapshotsInput{}))
	own := a.snapshots(&ec2.DescribeSnapshotsInput{OwnerIds: []string{"self"}})
	if err := a.SetFaults([]sandbox.Fault{{Action: "ec2:DeleteSnapshot", Kind: sandbox.Refuse, ID: *own[0].SnapshotId, Code: "IncorrectState"}}); err != nil {
		t.Fatal(err)
	}
	if err := a.deleteSnapshot(*own[0].SnapshotId); code(err) != "IncorrectState" {
		t.Errorf("refused: %v", err)
	}
	if err := a.deleteSnapshot(*own[1].SnapshotId); err != nil {
		t.Errorf("the other: %v", err)
	}
	if after := len(a.snapshots(&ec2.DescribeSnapshotsInput{})); after != before-1 {
		t.Errorf("%d snapshots of %d", after, before)
	}
}
