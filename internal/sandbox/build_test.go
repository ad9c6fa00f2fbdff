package sandbox_test

import (
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/google/go-cmp/cmp"

	"nightshift/internal/sandbox"
)

func TestBuildAFleet(t *testing.T) {
	a := open(t, sandbox.Options{})
	run := &ec2.RunInstancesInput{
		ImageId: aws.String(sandbox.ImageWindows), InstanceType: types.InstanceTypeM5Xlarge, MinCount: aws.Int32(2), MaxCount: aws.Int32(2),
		Placement:      &types.Placement{AvailabilityZone: aws.String("ap-northeast-2b")},
		DisableApiStop: aws.Bool(true), ClientToken: aws.String("once"),
		BlockDeviceMappings: []types.BlockDeviceMapping{{
			DeviceName: aws.String("/dev/sdf"),
			Ebs:        &types.EbsBlockDevice{VolumeSize: aws.Int32(200), VolumeType: "gp3", Iops: aws.Int32(4000)},
		}},
		TagSpecifications: []types.TagSpecification{{
			ResourceType: "instance", Tags: []types.Tag{{Key: aws.String("Name"), Value: aws.String("새 서버")}},
		}},
	}
	first, err := a.ec2.RunInstances(t.Context(), run)
	if err != nil {
		t.Fatal(err)
	}
	again, err := a.ec2.RunInstances(t.Context(), run)
	if err != nil || *again.ReservationId != *first.ReservationId {
		t.Errorf("the same client token launched again: %v", err)
	}
	if len(first.Instances) != 2 || first.Instances[0].State.Name != "pending" || *first.Instances[1].AmiLaunchIndex != 1 {
		t.Errorf("launched %d, %s", len(first.Instances), first.Instances[0].State.Name)
	}
	a.Advance(2 * time.Minute)
	id := *first.Instances[0].InstanceId
	i := a.one(id)
	if i.State.Name != "running" || *i.UsageOperation != "RunInstances:0002" || len(i.BlockDeviceMappings) != 2 || i.Platform != "windows" {
		t.Errorf("%s, %s, %d volumes", i.State.Name, *i.UsageOperation, len(i.BlockDeviceMappings))
	}
	if err := a.stop(id); code(err) != "OperationNotPermitted" {
		t.Errorf("stop protection from the launch: %v", err)
	}

	if err := a.SetFaults([]sandbox.Fault{{Action: "ec2:RunInstances", Kind: sandbox.Refuse, Type: "m5.*", Code: "InsufficientInstanceCapacity"}}); err != nil {
		t.Fatal(err)
	}
	run.ClientToken = aws.String("twice")
	if _, err := a.ec2.RunInstances(t.Context(), run); code(err) != "InsufficientInstanceCapacity" {
		t.Errorf("launch without capacity: %v", err)
	}
	run.InstanceType = types.InstanceTypeT3Large
	if _, err := a.ec2.RunInstances(t.Context(), run); err != nil {
		t.Errorf("launch of another type: %v", err)
	}

	v, err := a.ec2.CreateVolume(t.Context(), &ec2.CreateVolumeInput{
		AvailabilityZone: aws.String("ap-northeast-2b"), Size: aws.Int32(100), VolumeType: "io2", Iops: aws.Int32(3000), MultiAttachEnabled: aws.Bool(true),
	})
	if err != nil {
		t.Fatal(err)
	}
	attach := func(instance, device string) error {
		_, err := a.ec2.AttachVolume(t.Context(), &ec2.AttachVolumeInput{VolumeId: v.VolumeId, InstanceId: &instance, Device: &device})
		return err
	}
	if err := attach(id, "/dev/sdg"); code(err) != "IncorrectState" {
		t.Errorf("attach while creating: %v", err)
	}
	a.Advance(5 * time.Second)
	if err := attach(id, "/dev/sdf"); code(err) != "InvalidParameterValue" {
		t.Errorf("device in use: %v", err)
	}
	if err := attach(a.id("개발-웹서버-1"), "/dev/sdg"); code(err) != "InvalidVolume.ZoneMismatch" {
		t.Errorf("another zone: %v", err)
	}
	for _, i := range first.Instances {
		if err := attach(*i.InstanceId, "/dev/sdg"); err != nil {
			t.Errorf("Multi-Attach: %v", err)
		}
	}
	if err := attach(id, "/dev/sdh"); code(err) != "VolumeInUse" {
		t.Errorf("the same instance twice: %v", err)
	}

	if _, err := a.ec2.TerminateInstances(t.Context(), &ec2.TerminateInstancesInput{InstanceIds: []string{id}}); err != nil {
		t.Fatal(err)
	}
	a.Advance(time.Minute)
	if got := a.one(id); got.State.Name != "terminated" || len(got.BlockDeviceMappings) != 0 {
		t.Errorf("terminated: %s, %d volumes", got.State.Name, len(got.BlockDeviceMappings))
	}
	a.Advance(2 * time.Hour)
	if _, ok := a.Instance(id); ok {
		t.Error("still described two hours later")
	}
}

func TestVolumesThatAreRefused(t *testing.T) {
	a := openUnchecked(t, sandbox.Options{}) // the requests are wrong on purpose
	zone := aws.String("ap-northeast-2a")
	for _, tt := range []struct {
		name, code string
		in         ec2.CreateVolumeInput
	}{
		{"no zone like that", "InvalidZone.NotFound", ec2.CreateVolumeInput{AvailabilityZone: aws.String("xx-north-1a"), Size: aws.Int32(1)}},
		{"no size", "MissingParameter", ec2.CreateVolumeInput{AvailabilityZone: zone}},
		{"no type like that", "UnknownVolumeType", ec2.CreateVolumeInput{AvailabilityZone: zone, Size: aws.Int32(10), VolumeType: "gp9"}},
		{"io1 without IOPS", "MissingParameter", ec2.CreateVolumeInput{AvailabilityZone: zone, Size: aws.Int32(10), VolumeType: "io1"}},
		{"gp2 with IOPS", "InvalidParameterCombination", ec2.CreateVolumeInput{AvailabilityZone: zone, Size: aws.Int32(10), VolumeType: "gp2", Iops: aws.Int32(100)}},
		{"too small", "InvalidParameterValue", ec2.CreateVolumeInput{AvailabilityZone: zone, Size: aws.Int32(10), VolumeType: "st1"}},
		{"Multi-Attach of gp3", "InvalidParameterCombination", ec2.CreateVolumeInput{AvailabilityZone: zone, Size: aws.Int32(10), VolumeType: "gp3", MultiAttachEnabled: aws.Bool(true)}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if _, err := a.ec2.CreateVolume(t.Context(), &tt.in); code(err) != tt.code {
				t.Errorf("got %v, want %s", err, tt.code)
			}
		})
	}
}

func TestTags(t *testing.T) {
	a := open(t, sandbox.Options{})
	id := a.id("개발-WAS-1")
	create := func(ids []string, pairs ...string) error {
		in := &ec2.CreateTagsInput{Resources: ids}
		for n := 0; n < len(pairs); n += 2 {
			in.Tags = append(in.Tags, types.Tag{Key: &pairs[n], Value: &pairs[n+1]})
		}
		_, err := a.ec2.CreateTags(t.Context(), in)
		return err
	}
	if err := create([]string{id}, "note", "a<b & \"c\"\t끝", "Env", "qa"); err != nil {
		t.Fatal(err)
	}
	list := func() map[string]string {
		out, err := a.ec2.DescribeTags(t.Context(), &ec2.DescribeTagsInput{Filters: []types.Filter{filterOf("resource-id", id)}})
		if err != nil {
			t.Fatal(err)
		}
		m := map[string]string{}
		for _, x := range out.Tags {
			m[*x.Key] = *x.Value
		}
		return m
	}
	want := map[string]string{"Name": "개발-WAS-1", "AutoStopStart": "Yes", "Env": "qa", "note": "a<b & \"c\"\t끝"}
	if diff := cmp.Diff(want, list()); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
	if _, err := a.ec2.DeleteTags(t.Context(), &ec2.DeleteTagsInput{Resources: []string{id}, Tags: []types.Tag{
		{Key: aws.String("note")}, {Key: aws.String("Env"), Value: aws.String("other")},
	}}); err != nil {
		t.Fatal(err)
	}
	delete(want, "note")
	if diff := cmp.Diff(want, list()); diff != "" {
		t.Errorf("after DeleteTags: -want +got\n%s", diff)
	}
	for name, err := range map[string]error{
		"InvalidParameterValue":      create([]string{id}, "aws:mine", "x"),
		"InvalidInstanceID.NotFound": create([]string{id, "i-0123456789abcdef0"}, "k", "v"),
		"InvalidID":                  create([]string{"eni-0123456789abcdef0"}, "k", "v"),
	} {
		if code(err) != name {
			t.Errorf("got %v, want %s", err, name)
		}
	}
	if err := create([]string{id}, strings.Repeat("k", 129), "v"); code(err) != "InvalidParameterValue" {
		t.Errorf("long key: %v", err)
	}
	if diff := cmp.Diff(want, list()); diff != "" {
		t.Errorf("a refused call changed tags: -want +got\n%s", diff)
	}
	var many []string
	for n := range 50 {
		many = append(many, "k"+strings.Repeat("x", n), "v")
	}
	if err := create([]string{id}, many...); code(err) != "TagLimitExceeded" {
		t.Errorf("53 tags: %v", err)
	}
}
