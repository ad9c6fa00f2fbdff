package amazon_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"nightshift/internal/amazon"
	"nightshift/internal/cost"
	"nightshift/internal/fleet"
	"nightshift/internal/sandbox"
	"nightshift/internal/sandbox/sandboxtest"
)

var (
	_ cost.Inventory      = (*amazon.Fleet)(nil)
	_ cost.OtherResources = (*amazon.Fleet)(nil)
)

func snapshots(t *testing.T, f *amazon.Fleet) []fleet.Snapshot {
	t.Helper()
	var list []fleet.Snapshot
	for s, err := range f.Snapshots(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, s)
	}
	return list
}

// The snapshots of the sandbox: its own and no others, in both tiers,
// finished and on their way, of volumes that are there and of ones that are not.
func TestSnapshots(t *testing.T) {
	server := sandboxtest.Start(t, sandbox.Options{})
	s := newPeer(server.URL()).session(t)
	account, err := s.Account(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	list := snapshots(t, s.Fleet(region))
	there := map[fleet.VolumeID]bool{}
	for v, err := range s.Fleet(region).Volumes(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		there[v.ID] = true
	}
	archived, pending, orphans := 0, 0, 0
	for _, x := range list {
		if x.Target != (fleet.Target{Account: account, Region: region}) || !strings.HasPrefix(string(x.ID), "snap-") || x.SizeGiB <= 0 || x.Started.IsZero() || x.Started.Location() != time.UTC {
			t.Errorf("incomplete: %+v", x)
		}
		if x.FullBytes < 0 || x.FullBytes > x.SizeGiB<<30 {
			t.Errorf("%s: %d bytes of %d GiB", x.ID, x.FullBytes, x.SizeGiB)
		}
		if x.Archived {
			archived++
		}
		if x.State == "pending" {
			pending++
		}
		if !there[x.Volume] {
			orphans++
		}
	}
	if len(list) < 8 || archived == 0 || pending == 0 || orphans == 0 || archived+pending+orphans >= len(list) {
		t.Errorf("%d snapshots: %d archived, %d pending, %d of volumes that are gone", len(list), archived, pending, orphans)
	}
	for _, x := range snapshots(t, s.Fleet("us-east-1")) {
		if strings.HasPrefix(x.Description, "[Copied from") && x.Volume != "" {
			t.Errorf("a copy is of the volume %s", x.Volume)
		}
	}
}

// What instances and volumes say about what else is charged for.
func TestWhatInstancesHold(t *testing.T) {
	server := sandboxtest.Start(t, sandbox.Options{})
	s := newPeer(server.URL()).session(t)
	f := s.Fleet(region)
	addresses, err := f.Addresses(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	hosts, err := f.Hosts(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	reservations, err := f.Reservations(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	instances := map[fleet.ResourceID]fleet.Instance{}
	given, detailed := 0, 0
	for i, err := range f.Instances(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		instances[i.ID] = i
		for _, ip := range i.PublicIPs {
			if !slices.ContainsFunc(addresses, func(a fleet.Address) bool { return a.IP == ip }) {
				given++
			}
		}
		if i.Detailed {
			detailed++
		}
	}
	if given == 0 || detailed == 0 || detailed == len(instances) {
		t.Errorf("%d addresses that EC2 gave, %d of %d instances with detailed monitoring", given, detailed, len(instances))
	}
	free, used, nat := 0, 0, 0
	for _, a := range addresses {
		switch {
		case a.Instance != "":
			used++
			if i := instances[a.Instance]; !slices.Contains(i.PublicIPs, a.IP) {
				t.Errorf("%s of %s is not among its addresses %v", a.IP, a.Instance, i.PublicIPs)
			}
		case a.Interface != "":
			nat++
		default:
			free++
		}
		if !strings.HasPrefix(a.ID, "eipalloc-") || a.IP == "" || a.Target.Region != region {
			t.Errorf("incomplete: %+v", a)
		}
	}
	if free == 0 || used == 0 || nat == 0 {
		t.Errorf("%d addresses are free, %d of instances, %d of other things", free, used, nat)
	}
	for _, h := range hosts {
		if !strings.HasPrefix(h.ID, "h-") || h.Family == "" || h.State != "available" || h.Zone == "" || h.Allocated.IsZero() || h.Target.Account == "" || len(h.Tags) == 0 {
			t.Errorf("incomplete: %+v", h)
		}
		for _, id := range h.Instances {
			if i := instances[id]; i.Host != h.ID || i.Tenancy != "host" {
				t.Errorf("%s is on %s, but says %q, tenancy %q", id, h.ID, i.Host, i.Tenancy)
			}
		}
	}
	if len(hosts) != 1 || len(hosts[0].Instances) == 0 {
		t.Errorf("hosts %+v", hosts)
	}
	unused := 0
	for _, r := range reservations {
		if !strings.HasPrefix(r.ID, "cr-") || r.Type == "" || r.Platform == "" || r.Tenancy != "default" || r.Zone == "" || r.Created.IsZero() || r.Target.Account == "" {
			t.Errorf("incomplete: %+v", r)
		}
		in := 0
		for _, i := range instances {
			if i.Reservation == r.ID {
				in++
			}
		}
		if r.State == "active" {
			unused += int(r.Available)
			if in == 0 || int(r.Total-r.Available) != in {
				t.Errorf("%s: %d of %d are free, and %d instances use it", r.ID, r.Available, r.Total, in)
			}
		}
	}
	if len(reservations) < 2 || unused == 0 {
		t.Errorf("reservations %+v", reservations)
	}
	made := 0
	for v, err := range f.Volumes(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasPrefix(string(v.Snapshot), "snap-") {
			made++
		} else if v.Snapshot != "" {
			t.Errorf("%s is made from %q", v.ID, v.Snapshot)
		}
	}
	if made == 0 {
		t.Error("no volume is made from a snapshot")
	}
}

// What was read before an error comes with it, and each kind fails on its own.
func TestOtherResourcesDenied(t *testing.T) {
	server := sandboxtest.Start(t, faulty(t, "ec2:DescribeSnapshots=deny;ec2:DescribeHosts=deny"))
	f := newPeer(server.URL()).session(t).Fleet(region)
	n := 0
	var failed error
	for _, err := range f.Snapshots(t.Context()) {
		failed = err
		n++
	}
	if n != 1 || !errors.Is(failed, fleet.ErrDenied) || !strings.Contains(failed.Error(), "ec2:DescribeSnapshots") {
		t.Errorf("%d snapshots, %v", n, failed)
	}
	if hosts, err := f.Hosts(t.Context()); !errors.Is(err, fleet.ErrDenied) || len(hosts) > 0 {
		t.Errorf("hosts %v, %v", hosts, err)
	}
	if addresses, err := f.Addresses(t.Context()); err != nil || len(addresses) == 0 {
		t.Errorf("addresses %v, %v", addresses, err)
	}
}

// testOtherResources makes what a peer lets be made, and finds it again.
func testOtherResources(t *testing.T, p *peer) {
	id := p.run(t, 1, "holdings", "yes")[0]
	f := p.session(t).Fleet(region)
	var zone string
	for i, err := range f.Instances(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		if i.ID == id {
			zone = string(i.Zone)
		}
	}
	volume, err := p.ec2.CreateVolume(t.Context(), &ec2.CreateVolumeInput{AvailabilityZone: &zone, VolumeType: types.VolumeTypeGp3, Size: aws.Int32(7)})
	if err != nil {
		t.Fatal(err)
	}
	taken, err := p.ec2.CreateSnapshot(t.Context(), &ec2.CreateSnapshotInput{
		VolumeId: volume.VolumeId, Description: aws.String("밤"),
		TagSpecifications: []types.TagSpecification{{
			ResourceType: types.ResourceTypeSnapshot, Tags: []types.Tag{{Key: aws.String("Name"), Value: aws.String("data")}},
		}},
	})
	if err != nil {
		t.Fatal(err)
	}
	from, err := p.ec2.CreateVolume(t.Context(), &ec2.CreateVolumeInput{AvailabilityZone: &zone, VolumeType: types.VolumeTypeGp3, SnapshotId: taken.SnapshotId})
	if err != nil {
		t.Fatal(err)
	}
	found := false
	for _, x := range snapshots(t, f) {
		if string(x.ID) == *taken.SnapshotId {
			found = true
			if string(x.Volume) != *volume.VolumeId || x.SizeGiB != 7 || x.Description != "밤" || x.Name() != "data" || x.Started.IsZero() || x.Target.Account == "" || x.Archived {
				t.Errorf("the snapshot reads %+v", x)
			}
		}
	}
	if !found {
		t.Error("the snapshot is not listed")
	}
	for v, err := range f.Volumes(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		want := fleet.SnapshotID("")
		if string(v.ID) == *from.VolumeId {
			want = fleet.SnapshotID(*taken.SnapshotId)
		}
		if (string(v.ID) == *from.VolumeId || string(v.ID) == *volume.VolumeId) && v.Snapshot != want {
			t.Errorf("%s is made from %q, want %q", v.ID, v.Snapshot, want)
		}
	}

	idle, err := p.ec2.AllocateAddress(t.Context(), &ec2.AllocateAddressInput{Domain: types.DomainTypeVpc})
	if err != nil {
		t.Fatal(err)
	}
	busy, err := p.ec2.AllocateAddress(t.Context(), &ec2.AllocateAddressInput{Domain: types.DomainTypeVpc})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.ec2.AssociateAddress(t.Context(), &ec2.AssociateAddressInput{AllocationId: busy.AllocationId, InstanceId: aws.String(string(id))}); err != nil {
		t.Fatal(err)
	}
	addresses, err := f.Addresses(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	byID := map[string]fleet.Address{}
	for _, a := range addresses {
		byID[a.ID] = a
	}
	if a := byID[*idle.AllocationId]; a.IP != *idle.PublicIp || a.Instance != "" || a.Interface != "" {
		t.Errorf("the idle address reads %+v", a)
	}
	if a := byID[*busy.AllocationId]; a.IP != *busy.PublicIp || a.Instance != id {
		t.Errorf("the address of an instance reads %+v", a)
	}
	for i, err := range f.Instances(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		if i.ID == id && !slices.Contains(i.PublicIPs, *busy.PublicIp) {
			t.Errorf("the instance has the addresses %v, want %s among them", i.PublicIPs, *busy.PublicIp)
		}
	}

	allocated, err := p.ec2.AllocateHosts(t.Context(), &ec2.AllocateHostsInput{AvailabilityZone: &zone, InstanceFamily: aws.String("m5"), Quantity: aws.Int32(2)})
	if err != nil {
		t.Fatal(err)
	}
	hosts, err := f.Hosts(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range allocated.HostIds {
		if !slices.ContainsFunc(hosts, func(h fleet.Host) bool { return h.ID == want && h.Family == "m5" && string(h.Zone) == zone }) {
			t.Errorf("the host %s is not among %+v", want, hosts)
		}
	}
}

// linuxImage is one of moto's images.
func linuxImage(t *testing.T, p *peer) string {
	t.Helper()
	images, err := p.ec2.DescribeImages(t.Context(), &ec2.DescribeImagesInput{Owners: []string{"amazon"}})
	if err != nil {
		t.Fatal(err)
	}
	for _, i := range images.Images {
		if i.Platform == "" && i.RootDeviceType == types.DeviceTypeEbs {
			return *i.ImageId
		}
	}
	t.Fatal("moto has no image of Linux")
	return ""
}

// moto lets snapshots, addresses and hosts be made, and has a spot price for
// everything. It has neither capacity reservations nor credit options.
func TestOtherResourcesAgainstMoto(t *testing.T) {
	t.Parallel()
	p := newPeer(moto(t, "what an account holds was"))
	p.frozen = true
	p.image = linuxImage(t, p)
	testOtherResources(t, p)
	rows, err := p.session(t).Fleet(region).SpotPrices(t.Context(), []fleet.InstanceType{"m5.large", "t3.micro"}, []string{"Linux/UNIX"}, time.Now().Add(-24*time.Hour))
	kinds := map[fleet.InstanceType]bool{}
	for _, r := range rows {
		kinds[r.Type] = true
		if r.USD <= 0 || r.Product != "Linux/UNIX" || !strings.HasPrefix(string(r.Zone), string(region)) || r.At.IsZero() {
			t.Errorf("a spot price reads %+v", r)
		}
	}
	if err != nil || len(kinds) != 2 {
		t.Errorf("spot prices of %v, %v", kinds, err)
	}
}
