package sandbox_test

import (
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/google/go-cmp/cmp"

	"nightshift/internal/sandbox"
)

func runInput() *ec2.RunInstancesInput {
	return &ec2.RunInstancesInput{ImageId: aws.String(sandbox.ImageLinux), MinCount: aws.Int32(1), MaxCount: aws.Int32(1)}
}

func tagged(kind types.ResourceType, value string) types.TagSpecification {
	return types.TagSpecification{ResourceType: kind, Tags: []types.Tag{{Key: aws.String("Name"), Value: &value}}}
}

func TestTagsOfALaunch(t *testing.T) {
	a := open(t, sandbox.Options{})
	in := runInput()
	in.InstanceMarketOptions = &types.InstanceMarketOptionsRequest{MarketType: "spot"}
	in.TagSpecifications = []types.TagSpecification{
		tagged("instance", "machine"), tagged("volume", "disk"), tagged("spot-instances-request", "request"), tagged("network-interface", "card"),
	}
	out, err := a.ec2.RunInstances(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	i := a.one(*out.Instances[0].InstanceId)
	spots, err := a.ec2.DescribeSpotInstanceRequests(t.Context(), &ec2.DescribeSpotInstanceRequestsInput{Filters: []types.Filter{filterOf("tag:Name", "request")}})
	if err != nil {
		t.Fatal(err)
	}
	volumes, err := a.ec2.DescribeVolumes(t.Context(), &ec2.DescribeVolumesInput{Filters: []types.Filter{filterOf("tag:Name", "disk")}})
	if err != nil {
		t.Fatal(err)
	}
	got := []string{*i.Tags[0].Value}
	for _, s := range spots.SpotInstanceRequests {
		got = append(got, *s.SpotInstanceRequestId)
	}
	for _, v := range volumes.Volumes {
		got = append(got, *v.VolumeId)
	}
	want := []string{"machine", *i.SpotInstanceRequestId, *i.BlockDeviceMappings[0].Ebs.VolumeId}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}

	in.TagSpecifications = []types.TagSpecification{tagged("snapshot", "x")}
	if _, err := a.ec2.RunInstances(t.Context(), in); code(err) != "InvalidParameterValue" || message(err) != "'snapshot' is not a valid taggable resource type for this operation." {
		t.Errorf("tags of a snapshot: %v", err)
	}
	_, err = a.ec2.CreateVolume(t.Context(), &ec2.CreateVolumeInput{
		AvailabilityZone: aws.String("ap-northeast-2a"), Size: aws.Int32(1), TagSpecifications: []types.TagSpecification{tagged("instance", "x")},
	})
	if code(err) != "InvalidParameterValue" {
		t.Errorf("tags of an instance on a volume: %v", err)
	}
}

func TestBlockDeviceMappings(t *testing.T) {
	a := open(t, sandbox.Options{})
	ebs := &types.EbsBlockDevice{VolumeSize: aws.Int32(10)}
	for _, tt := range []struct {
		name     string
		mappings []types.BlockDeviceMapping
		volumes  int
		code     string
	}{
		{"instance store", []types.BlockDeviceMapping{{DeviceName: aws.String("/dev/sdb"), VirtualName: aws.String("ephemeral0")}}, 1, ""},
		{"none", []types.BlockDeviceMapping{{DeviceName: aws.String("/dev/sdf"), NoDevice: aws.String("")}}, 1, ""},
		{"all", []types.BlockDeviceMapping{
			{DeviceName: aws.String("/dev/sdb"), VirtualName: aws.String("ephemeral0")},
			{DeviceName: aws.String("/dev/sdf"), NoDevice: aws.String("")},
			{DeviceName: aws.String("/dev/xvda"), Ebs: ebs},
			{DeviceName: aws.String("xvdh"), Ebs: ebs},
		}, 2, ""},
		{"no such virtual device", []types.BlockDeviceMapping{{DeviceName: aws.String("/dev/sdb"), VirtualName: aws.String("ephemeral24")}}, 0, "InvalidBlockDeviceMapping"},
		{"two kinds", []types.BlockDeviceMapping{{DeviceName: aws.String("/dev/sdb"), VirtualName: aws.String("ephemeral0"), Ebs: ebs}}, 0, "InvalidBlockDeviceMapping"},
		{"no root", []types.BlockDeviceMapping{{DeviceName: aws.String("/dev/xvda"), NoDevice: aws.String("")}}, 0, "InvalidBlockDeviceMapping"},
		{"no name", []types.BlockDeviceMapping{{Ebs: ebs}}, 0, "MissingParameter"},
		{"no such name", []types.BlockDeviceMapping{{DeviceName: aws.String("/dev/tty1"), Ebs: ebs}}, 0, "InvalidParameterValue"},
		{"twice", []types.BlockDeviceMapping{{DeviceName: aws.String("/dev/sdf"), Ebs: ebs}, {DeviceName: aws.String("/dev/sdf"), Ebs: ebs}}, 0, "InvalidBlockDeviceMapping"},
		{"unknown snapshot", []types.BlockDeviceMapping{{DeviceName: aws.String("/dev/sdf"), Ebs: &types.EbsBlockDevice{SnapshotId: aws.String("snap-0123456789abcdef0")}}}, 0, "InvalidSnapshot.NotFound"},
		{"too many IOPS", []types.BlockDeviceMapping{{DeviceName: aws.String("/dev/sdf"), Ebs: &types.EbsBlockDevice{VolumeSize: aws.Int32(10), VolumeType: "io1", Iops: aws.Int32(501)}}}, 0, "InvalidParameterValue"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			in := runInput()
			in.BlockDeviceMappings = tt.mappings
			out, err := a.ec2.RunInstances(t.Context(), in)
			if code(err) != tt.code {
				t.Fatalf("got %v, want %q", err, tt.code)
			}
			if err == nil && len(out.Instances[0].BlockDeviceMappings) != tt.volumes {
				t.Errorf("%d volumes, want %d", len(out.Instances[0].BlockDeviceMappings), tt.volumes)
			}
		})
	}
}

func TestVolumeLimits(t *testing.T) {
	a := open(t, sandbox.Options{})
	for _, tt := range []struct {
		kind                  types.VolumeType
		gib, iops, throughput int32
		code                  string
	}{
		{"gp3", 1, 0, 0, ""},
		{"gp3", 1, 3001, 0, "InvalidParameterValue"},
		{"gp3", 10, 5000, 0, ""},
		{"gp3", 10, 5001, 0, "InvalidParameterValue"},
		{"gp3", 160, 80000, 2000, ""},
		{"gp3", 1000, 80001, 0, "InvalidParameterValue"},
		{"gp3", 100, 3000, 750, ""},
		{"gp3", 100, 3000, 751, "InvalidParameterValue"},
		{"gp3", 100, 3000, 124, "InvalidParameterValue"},
		{"gp3", 100, 2999, 0, "InvalidParameterValue"},
		{"gp3", 65536, 0, 0, ""},
		{"gp3", 65537, 0, 0, "InvalidParameterValue"},
		{"io1", 4, 200, 0, ""},
		{"io1", 4, 201, 0, "InvalidParameterValue"},
		{"io1", 3, 100, 0, "InvalidParameterValue"},
		{"io1", 2000, 64001, 0, "InvalidParameterValue"},
		{"io2", 4, 4000, 0, ""},
		{"io2", 4, 4001, 0, "InvalidParameterValue"},
		{"io2", 1000, 256000, 0, ""},
		{"io2", 1000, 256001, 0, "InvalidParameterValue"},
		{"io2", 100, 1000, 125, "InvalidParameterCombination"},
		{"gp2", 16384, 0, 0, ""},
		{"gp2", 16385, 0, 0, "InvalidParameterValue"},
		{"gp2", 10, 100, 0, "InvalidParameterCombination"},
		{"gp2", 10, 0, 125, "InvalidParameterCombination"},
		{"st1", 125, 0, 0, ""},
		{"st1", 500, 100, 0, "InvalidParameterCombination"},
		{"sc1", 124, 0, 0, "InvalidParameterValue"},
		{"sc1", 500, 100, 0, "InvalidParameterCombination"},
		{"standard", 1024, 0, 0, ""},
		{"standard", 1025, 0, 0, "InvalidParameterValue"},
		{"standard", 10, 100, 0, "InvalidParameterCombination"},
	} {
		in := &ec2.CreateVolumeInput{AvailabilityZone: aws.String("ap-northeast-2a"), VolumeType: tt.kind, Size: &tt.gib}
		if tt.iops > 0 {
			in.Iops = &tt.iops
		}
		if tt.throughput > 0 {
			in.Throughput = &tt.throughput
		}
		if _, err := a.ec2.CreateVolume(t.Context(), in); code(err) != tt.code {
			t.Errorf("%s of %d GiB with %d IOPS and %d MiB/s: %v, want %q", tt.kind, tt.gib, tt.iops, tt.throughput, err, tt.code)
		}
	}
	for snapshot, want := range map[string]string{"snap-0123456789abcdef0": "InvalidSnapshot.NotFound", "mine": "InvalidParameterValue"} {
		_, err := a.ec2.CreateVolume(t.Context(), &ec2.CreateVolumeInput{AvailabilityZone: aws.String("ap-northeast-2a"), SnapshotId: &snapshot})
		if code(err) != want {
			t.Errorf("of snapshot %s: %v", snapshot, err)
		}
	}
}

func TestDeviceNames(t *testing.T) {
	a := open(t, sandbox.Options{})
	id := a.id("개발-웹서버-1")
	for device, want := range map[string]string{
		"/dev/sdf": "", "/dev/sdp15": "", "/dev/xvdba": "", "xvdf": "", "/dev/xvdg": "",
		"sdf!": "InvalidParameterValue", "/dev/sd": "InvalidParameterValue", "/dev/sdf16": "InvalidParameterValue",
		"/dev/nvme1n1": "InvalidParameterValue", "/dev/xvdza": "InvalidParameterValue", "disk": "InvalidParameterValue",
	} {
		v, err := a.ec2.CreateVolume(t.Context(), &ec2.CreateVolumeInput{AvailabilityZone: aws.String("ap-northeast-2a"), Size: aws.Int32(1)})
		if err != nil {
			t.Fatal(err)
		}
		a.Advance(5 * time.Second)
		_, err = a.ec2.AttachVolume(t.Context(), &ec2.AttachVolumeInput{VolumeId: v.VolumeId, InstanceId: &id, Device: &device})
		if code(err) != want {
			t.Errorf("%s: %v, want %q", device, err, want)
		}
	}
}
