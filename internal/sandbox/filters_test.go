package sandbox_test

import (
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"nightshift/internal/sandbox"
)

func TestInstanceFilters(t *testing.T) {
	a := open(t, sandbox.Options{})
	for _, tt := range []struct {
		name    string
		filters []types.Filter
		want    int
	}{
		{"tag", []types.Filter{filterOf("tag:AutoStopStart", "Yes")}, 15},
		{"tag, any value", []types.Filter{filterOf("tag:AutoStopStart", "*")}, 16},
		{"tag-key", []types.Filter{filterOf("tag-key", "AutoStopStart")}, 16},
		{"tag-value", []types.Filter{filterOf("tag-value", "RDS")}, 1},
		{"values are alternatives", []types.Filter{filterOf("tag:Env", "qa", "stg")}, 4},
		{"filters are conditions", []types.Filter{filterOf("tag:AutoStopStart", "Yes"), filterOf("instance-state-name", "stopped")}, 1},
		{"state code", []types.Filter{filterOf("instance-state-code", "80")}, 3},
		{"lifecycle", []types.Filter{filterOf("instance-lifecycle", "spot")}, 2},
		{"type with wildcard", []types.Filter{filterOf("instance-type", "r8i.*")}, 2},
		{"zone", []types.Filter{filterOf("availability-zone", "ap-northeast-2d")}, 3},
		{"tenancy", []types.Filter{filterOf("tenancy", "dedicated")}, 1},
		{"platform", []types.Filter{filterOf("platform", "windows")}, 3},
		{"root device", []types.Filter{filterOf("root-device-type", "instance-store")}, 1},
		{"Korean", []types.Filter{filterOf("tag:Name", "개발-*")}, 3},
		{"tag key that begins a formula", []types.Filter{filterOf("tag:Name", "=cmd*")}, 1},
		{"none", []types.Filter{filterOf("tag:Name", "no such")}, 0},
		{"case matters", []types.Filter{filterOf("tag:AutoStopStart", "yes")}, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			ids, _ := a.describe(&ec2.DescribeInstancesInput{Filters: tt.filters})
			if len(ids) != tt.want {
				t.Errorf("%d instances, want %d", len(ids), tt.want)
			}
		})
	}
}

func TestFiltersThatAreRefused(t *testing.T) {
	a := open(t, sandbox.Options{})
	_, err := a.ec2.DescribeInstances(t.Context(), &ec2.DescribeInstancesInput{Filters: []types.Filter{filterOf("colour", "red")}})
	if code(err) != "InvalidParameterValue" || message(err) != "The filter 'colour' is invalid" {
		t.Errorf("unknown filter: %v", err)
	}
	many := strings.Split(strings.Repeat("x,", 200)+"x", ",")
	_, err = a.ec2.DescribeInstances(t.Context(), &ec2.DescribeInstancesInput{Filters: []types.Filter{filterOf("tag:Name", many...)}})
	if code(err) != "FilterLimitExceeded" {
		t.Errorf("201 values: %v", err)
	}
}

func TestVolumeFilters(t *testing.T) {
	a := open(t, sandbox.Options{})
	db := a.id("운영-DB-2")
	for _, tt := range []struct {
		name   string
		filter types.Filter
		want   int
	}{
		{"unattached", filterOf("status", "available"), 5},
		{"type", filterOf("volume-type", "io2"), 1},
		{"of an instance", filterOf("attachment.instance-id", db), 2},
		{"size", filterOf("size", "1000"), 2},
		{"Multi-Attach", filterOf("multi-attach-enabled", "true"), 1},
	} {
		out, err := a.ec2.DescribeVolumes(t.Context(), &ec2.DescribeVolumesInput{Filters: []types.Filter{tt.filter}})
		if err != nil {
			t.Fatalf("%s: %v", tt.name, err)
		}
		if len(out.Volumes) != tt.want {
			t.Errorf("%s: %d volumes, want %d", tt.name, len(out.Volumes), tt.want)
		}
	}
	out, err := a.ec2.DescribeVolumes(t.Context(), &ec2.DescribeVolumesInput{})
	if err != nil {
		t.Fatal(err)
	}
	kinds := map[types.VolumeType]bool{}
	for _, v := range out.Volumes {
		kinds[v.VolumeType] = true
		if v.VolumeType == "io2" && (len(v.Attachments) != 2 || !*v.MultiAttachEnabled) {
			t.Errorf("the io2 volume has %d attachments", len(v.Attachments))
		}
	}
	if len(kinds) != 7 {
		t.Errorf("volume types: %v", kinds)
	}
}
