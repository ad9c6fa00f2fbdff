package backup_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"nightshift/internal/backup"
	"nightshift/internal/fleet"
)

// "A snapshot has no type, IOPS, throughput, device name, instance type …": the manifest
// has them, and reads as it was written.
func TestManifest(t *testing.T) {
	p := daily("daily", backup.Instances, "daily=7")
	w := newWorld(p)
	i := w.instance(ins1, "daily", vol1, vol2)
	i.Type, i.PlatformDetails, i.UsageOperation, i.ProductCodes = "m5.large", "Windows", "RunInstances:0002", []string{"abc"}
	i.Launch = fleet.Launch{Image: "ami-1", Profile: "arn:p", Subnet: "subnet-1", SecurityGroups: []string{"sg-1"}, BootMode: "uefi", ENA: true}
	i.Tags["nightshift:last"] = "planted"
	for n := range w.Volumes {
		w.Volumes[n].IOPS, w.Volumes[n].ThroughputMiBps, w.Volumes[n].Tags = 4000, 250, fleet.Tags{"n": "1"}
	}
	c := create(t, w.plan(), ins1)
	m := backup.NewManifest(w.Inventory, p, c, w.At)
	if m.Instance == nil || m.Instance.Type != "m5.large" || m.Instance.UsageOperation != "RunInstances:0002" || len(m.Instance.ProductCodes) != 1 ||
		m.Instance.Launch.Image != "ami-1" || m.Instance.Launch.BootMode != "uefi" {
		t.Errorf("the instance is %+v", m.Instance)
	}
	want := backup.ManifestVolume{
		ID: vol1, Type: fleet.GP3, SizeGiB: 100, IOPS: 4000, ThroughputMiBps: 250, Device: "/dev/xvda", DeleteOnTermination: true, Root: true,
		Tags: fleet.Tags{"n": "1"},
	}
	if diff := cmp.Diff(want, m.Volumes[0]); diff != "" || len(m.Volumes) != 2 || m.Volumes[1].Root {
		t.Errorf("%d volumes (-want +got)\n%s", len(m.Volumes), diff)
	}
	if len(m.LeftTags) != 1 || m.LeftTags[0] != "nightshift:last" || m.Consistency != backup.Crash {
		t.Errorf("left are %q, consistency %q", m.LeftTags, m.Consistency)
	}
	body, err := m.Encode()
	if err != nil {
		t.Fatal(err)
	}
	read, err := backup.ParseManifest(body)
	if diff := cmp.Diff(m, read); err != nil || diff != "" {
		t.Errorf("%v (-written +read)\n%s", err, diff)
	}
	if key := backup.ManifestKey(m.Set); key != "backup/manifests/daily/i-0000000000000001/20261130T020000Z/2.json" {
		t.Error(key)
	}
	for _, bad := range []string{"", "{}", `{"version":9,"set":"daily/i-1/20261130T020000Z/2"}`, strings.Replace(string(body), "/2\"", "/0\"", 1)} {
		if _, err := backup.ParseManifest([]byte(bad)); !errors.Is(err, fleet.ErrInvalid) {
			t.Errorf("%.60q: %v", bad, err)
		}
	}
}

// The manifest of a volume has the instance that it is attached to, where there is one.
func TestManifestOfAVolume(t *testing.T) {
	p := daily("disks", backup.Volumes, "daily=7")
	w := newWorld(p)
	w.instance(ins1, "", vol1, vol2)
	w.Volumes[1].Tags["Backup"] = "disks"
	w.volume(vol3, "disks")
	plan := w.plan()
	for volume, on := range map[fleet.ResourceID]fleet.ResourceID{vol2: ins1, vol3: ""} {
		m := backup.NewManifest(w.Inventory, p, create(t, plan, volume), w.At.Add(time.Second))
		if got := m.Instance; on == "" && got != nil || on != "" && (got == nil || got.ID != on || m.Volumes[0].Device != "/dev/xvdb") {
			t.Errorf("%s: the instance is %+v, the volumes are %+v", volume, got, m.Volumes)
		}
	}
}
