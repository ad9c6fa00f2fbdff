package sandbox_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/google/go-cmp/cmp"

	"nightshift/internal/sandbox"
)

// snapshots lists what DescribeSnapshots gives, all pages of it.
func (a *account) snapshots(in *ec2.DescribeSnapshotsInput) []types.Snapshot {
	a.t.Helper()
	var list []types.Snapshot
	p := ec2.NewDescribeSnapshotsPaginator(a.ec2, in)
	for p.HasMorePages() {
		out, err := p.NextPage(a.t.Context())
		if err != nil {
			a.t.Fatal(err)
		}
		list = append(list, out.Snapshots...)
	}
	return list
}

func TestSnapshots(t *testing.T) {
	a := open(t, sandbox.Options{})
	self := []string{"self"}
	own := a.snapshots(&ec2.DescribeSnapshotsInput{OwnerIds: self})
	if len(own) != 11 {
		t.Fatalf("%d own snapshots", len(own))
	}
	for name, tt := range map[string]struct {
		in   ec2.DescribeSnapshotsInput
		want int
	}{
		"everybody's":         {ec2.DescribeSnapshotsInput{}, 20}, // with those of 8 images and a shared one
		"in pages":            {ec2.DescribeSnapshotsInput{MaxResults: aws.Int32(5)}, 20},
		"by account":          {ec2.DescribeSnapshotsInput{OwnerIds: []string{sandbox.AccountID}}, 11},
		"of AWS":              {ec2.DescribeSnapshotsInput{OwnerIds: []string{"amazon"}}, 8},
		"public":              {ec2.DescribeSnapshotsInput{RestorableByUserIds: []string{"all"}}, 8},
		"restorable by me":    {ec2.DescribeSnapshotsInput{RestorableByUserIds: self}, 12},
		"archived":            {ec2.DescribeSnapshotsInput{OwnerIds: self, Filters: []types.Filter{filterOf("storage-tier", "archive")}}, 2},
		"pending":             {ec2.DescribeSnapshotsInput{Filters: []types.Filter{filterOf("status", "pending")}}, 1},
		"progress":            {ec2.DescribeSnapshotsInput{Filters: []types.Filter{filterOf("progress", "5?%")}}, 1},
		"by tag":              {ec2.DescribeSnapshotsInput{Filters: []types.Filter{filterOf("tag:Backup", "nightly", "monthly")}}, 4},
		"by tag key":          {ec2.DescribeSnapshotsInput{Filters: []types.Filter{filterOf("tag-key", "Backup")}}, 5},
		"by volume":           {ec2.DescribeSnapshotsInput{Filters: []types.Filter{filterOf("volume-id", *own[0].VolumeId)}}, 5},
		"by size":             {ec2.DescribeSnapshotsInput{OwnerIds: self, Filters: []types.Filter{filterOf("volume-size", "1000")}}, 2},
		"by time":             {ec2.DescribeSnapshotsInput{Filters: []types.Filter{filterOf("start-time", own[0].StartTime.Format("2006-01-02T15:04:05.000Z"))}}, 1},
		"by id":               {ec2.DescribeSnapshotsInput{SnapshotIds: []string{*own[3].SnapshotId, *own[3].SnapshotId}}, 1},
		"another's, by owner": {ec2.DescribeSnapshotsInput{Filters: []types.Filter{filterOf("owner-id", "210987654321")}}, 1},
		"by description":      {ec2.DescribeSnapshotsInput{Filters: []types.Filter{filterOf("description", "*CreateImage*")}}, 1},
		"none":                {ec2.DescribeSnapshotsInput{Filters: []types.Filter{filterOf("encrypted", "true")}}, 0},
	} {
		if got := a.snapshots(&tt.in); len(got) != tt.want {
			t.Errorf("%s: %d snapshots, want %d", name, len(got), tt.want)
		}
	}
	gone := 0
	for _, s := range own {
		if s.State == types.SnapshotStateCompleted && (*s.FullSnapshotSizeInBytes <= 0 || *s.FullSnapshotSizeInBytes > int64(*s.VolumeSize)<<30) {
			t.Errorf("%s of %d GiB has %d bytes", *s.SnapshotId, *s.VolumeSize, *s.FullSnapshotSizeInBytes)
		}
		if _, err := a.ec2.DescribeVolumes(t.Context(), &ec2.DescribeVolumesInput{VolumeIds: []string{*s.VolumeId}}); code(err) == "InvalidVolume.NotFound" {
			gone++
		}
	}
	if gone != 3 {
		t.Errorf("%d snapshots of volumes that are gone", gone)
	}
	a.Advance(time.Hour)
	if got := a.snapshots(&ec2.DescribeSnapshotsInput{Filters: []types.Filter{filterOf("status", "pending")}}); len(got) != 0 {
		t.Error("a snapshot is pending for ever")
	}
	for want, in := range map[string]*ec2.DescribeSnapshotsInput{
		"InvalidSnapshot.NotFound":    {SnapshotIds: []string{"snap-0123456789abcdef0"}},
		"InvalidParameterValue":       {SnapshotIds: []string{"snap-x"}},
		"InvalidParameterCombination": {SnapshotIds: []string{*own[0].SnapshotId}, MaxResults: aws.Int32(5)},
	} {
		if _, err := a.ec2.DescribeSnapshots(t.Context(), in); code(err) != want {
			t.Errorf("got %v, want %s", err, want)
		}
	}
	there, err := a.region("us-east-1").DescribeSnapshots(t.Context(), &ec2.DescribeSnapshotsInput{OwnerIds: self})
	if err != nil || len(there.Snapshots) != 3 || *there.Snapshots[0].VolumeId != "vol-ffffffff" {
		t.Errorf("Virginia: %d, %v; the copy is of %s", len(there.Snapshots), err, *there.Snapshots[0].VolumeId)
	}
}

func TestVolumesFromSnapshots(t *testing.T) {
	a := open(t, sandbox.Options{})
	own := a.snapshots(&ec2.DescribeSnapshotsInput{OwnerIds: []string{"self"}})
	create := func(id string, gib *int32) (*ec2.CreateVolumeOutput, error) {
		return a.ec2.CreateVolume(t.Context(), &ec2.CreateVolumeInput{
			AvailabilityZone: aws.String("ap-northeast-2a"), SnapshotId: &id, Size: gib, VolumeType: "gp3",
		})
	}
	v, err := create(*own[0].SnapshotId, nil)
	if err != nil || *v.SnapshotId != *own[0].SnapshotId || *v.Size != *own[0].VolumeSize {
		t.Fatalf("%v: made %+v", err, v)
	}
	if _, err := create(*own[0].SnapshotId, aws.Int32(10)); code(err) != "InvalidParameterValue" {
		t.Errorf("smaller than the snapshot: %v", err)
	}
	if _, err := create(*own[4].SnapshotId, nil); code(err) != "IncorrectState" {
		t.Errorf("of an archived snapshot: %v", err)
	}
	found, err := a.ec2.DescribeVolumes(t.Context(), &ec2.DescribeVolumesInput{Filters: []types.Filter{filterOf("snapshot-id", *own[0].SnapshotId)}})
	if err != nil || len(found.Volumes) != 1 {
		t.Errorf("%d volumes of the snapshot, %v", len(found.Volumes), err)
	}
	// The root volume is made from the image's snapshot, which belongs to AWS.
	out, err := a.ec2.DescribeVolumes(t.Context(), &ec2.DescribeVolumesInput{Filters: []types.Filter{
		filterOf("attachment.instance-id", a.id("qa-windows-01")),
	}})
	if err != nil {
		t.Fatal(err)
	}
	root := a.snapshots(&ec2.DescribeSnapshotsInput{SnapshotIds: []string{*out.Volumes[0].SnapshotId}})
	if *root[0].OwnerAlias != "amazon" {
		t.Errorf("the root's snapshot belongs to %s", *root[0].OwnerAlias)
	}
}

func TestAddresses(t *testing.T) {
	a := open(t, sandbox.Options{})
	list := func(in *ec2.DescribeAddressesInput) []types.Address {
		out, err := a.ec2.DescribeAddresses(t.Context(), in)
		if err != nil {
			t.Fatal(err)
		}
		return out.Addresses
	}
	all := list(&ec2.DescribeAddressesInput{})
	idle := 0
	for _, x := range all {
		if x.AssociationId == nil {
			idle++
		}
	}
	if len(all) != 6 || idle != 2 {
		t.Errorf("%d addresses, %d of them idle", len(all), idle)
	}
	vpn := a.one(a.id("vpn-gateway"))
	ip := *vpn.PublicIpAddress
	nic := vpn.NetworkInterfaces[0]
	if *nic.Association.PublicIp != ip || *nic.Association.IpOwnerId != sandbox.AccountID ||
		*vpn.PublicDnsName != "ec2-"+strings.ReplaceAll(ip, ".", "-")+".ap-northeast-2.compute.amazonaws.com" {
		t.Errorf("%s, %+v, %s", ip, nic.Association, *vpn.PublicDnsName)
	}
	for name, tt := range map[string]struct {
		in   ec2.DescribeAddressesInput
		want int
	}{
		"by address":    {ec2.DescribeAddressesInput{PublicIps: []string{ip}}, 1},
		"by id":         {ec2.DescribeAddressesInput{AllocationIds: []string{*all[0].AllocationId, *all[1].AllocationId}}, 2},
		"by instance":   {ec2.DescribeAddressesInput{Filters: []types.Filter{filterOf("instance-id", *vpn.InstanceId)}}, 1},
		"by interface":  {ec2.DescribeAddressesInput{Filters: []types.Filter{filterOf("network-interface-id", "*")}}, 4},
		"by private IP": {ec2.DescribeAddressesInput{Filters: []types.Filter{filterOf("private-ip-address", *vpn.PrivateIpAddress)}}, 1},
		"by tag":        {ec2.DescribeAddressesInput{Filters: []types.Filter{filterOf("tag:Env", "prod")}}, 3},
		"by nothing":    {ec2.DescribeAddressesInput{Filters: []types.Filter{filterOf("association-id", "x")}}, 0},
	} {
		if got := list(&tt.in); len(got) != tt.want {
			t.Errorf("%s: %d addresses, want %d", name, len(got), tt.want)
		}
	}
	for want, in := range map[string]*ec2.DescribeAddressesInput{
		"InvalidAllocationID.NotFound": {AllocationIds: []string{"eipalloc-0123456789abcdef0"}},
		"InvalidAddress.NotFound":      {PublicIps: []string{"192.0.2.1"}},
	} {
		if _, err := a.ec2.DescribeAddresses(t.Context(), in); code(err) != want {
			t.Errorf("got %v, want %s", err, want)
		}
	}
	if got, _ := a.describe(&ec2.DescribeInstancesInput{Filters: []types.Filter{filterOf("network-interface.association.allocation-id", *all[0].AllocationId)}}); len(got) != 1 {
		t.Errorf("%d instances with %s", len(got), *all[0].AllocationId)
	}
}

// TestPublicAddresses: one that EC2 assigned goes with a stop and another
// comes with the next start; an Elastic one stays until the instance is gone.
func TestPublicAddresses(t *testing.T) {
	a := open(t, sandbox.Options{})
	id, fixed := a.id("개발-웹서버-1"), a.id("운영-웹-1")
	public := func(id string) string {
		i := a.one(id)
		if (i.PublicIpAddress == nil) != (i.NetworkInterfaces[0].Association == nil) {
			t.Errorf("%s: address %v, association %v", id, i.PublicIpAddress, i.NetworkInterfaces[0].Association)
		}
		return aws.ToString(i.PublicIpAddress)
	}
	first, elastic := public(id), public(fixed)
	if first == "" || elastic == "" || *a.one(id).NetworkInterfaces[0].Association.IpOwnerId != "amazon" {
		t.Fatalf("addresses %q and %q", first, elastic)
	}
	if err := a.stop(id, fixed); err != nil {
		t.Fatal(err)
	}
	a.Advance(5 * time.Minute)
	if public(id) != "" || public(fixed) != elastic {
		t.Errorf("stopped: %q and %q", public(id), public(fixed))
	}
	if err := a.start(id); err != nil {
		t.Fatal(err)
	}
	if again := public(id); again == "" || again == first {
		t.Errorf("after the start: %q, before %q", again, first)
	}
	if _, err := a.ec2.TerminateInstances(t.Context(), &ec2.TerminateInstancesInput{InstanceIds: []string{fixed}}); err != nil {
		t.Fatal(err)
	}
	a.Advance(5 * time.Minute)
	out, err := a.ec2.DescribeAddresses(t.Context(), &ec2.DescribeAddressesInput{PublicIps: []string{elastic}})
	if err != nil || out.Addresses[0].InstanceId != nil || out.Addresses[0].AssociationId != nil {
		t.Errorf("the address of a terminated instance: %+v, %v", out, err)
	}
	run := func(public bool) types.Instance {
		out, err := a.ec2.RunInstances(t.Context(), &ec2.RunInstancesInput{
			ImageId: aws.String(sandbox.ImageLinux), MinCount: aws.Int32(1), MaxCount: aws.Int32(1), InstanceType: "t3.micro",
			NetworkInterfaces: []types.InstanceNetworkInterfaceSpecification{{DeviceIndex: aws.Int32(0), AssociatePublicIpAddress: &public}},
		})
		if err != nil {
			t.Fatal(err)
		}
		return out.Instances[0]
	}
	if run(true).PublicIpAddress == nil || run(false).PublicIpAddress != nil {
		t.Error("launches do not heed AssociatePublicIpAddress")
	}
}

func TestHosts(t *testing.T) {
	a := open(t, sandbox.Options{})
	describe := func(in *ec2.DescribeHostsInput) []types.Host {
		out, err := a.ec2.DescribeHosts(t.Context(), in)
		if err != nil {
			t.Fatal(err)
		}
		return out.Hosts
	}
	byol := a.one(a.id("erp-byol"))
	h := describe(&ec2.DescribeHostsInput{Filter: []types.Filter{filterOf("state", "available"), filterOf("tag-key", "Name")}})[0]
	if byol.Placement.Tenancy != types.TenancyHost || *byol.Placement.HostId != *h.HostId || *h.AvailabilityZone != *byol.Placement.AvailabilityZone {
		t.Errorf("%+v on %s", byol.Placement, *h.HostId)
	}
	if *h.HostProperties.InstanceFamily != "m5" || *h.HostProperties.TotalVCpus != 96 || *h.AvailableCapacity.AvailableVCpus != 92 || len(h.Instances) != 1 {
		t.Errorf("%+v, %+v", h.HostProperties, h.AvailableCapacity)
	}
	free := map[string]int32{}
	for _, c := range h.AvailableCapacity.AvailableInstanceCapacity {
		free[*c.InstanceType] = *c.AvailableCapacity
	}
	if free["m5.xlarge"] != 23 || free["m5.24xlarge"] != 0 {
		t.Errorf("room for %v", free)
	}
	launch := func(kind types.InstanceType, zone string, host *string) (*ec2.RunInstancesOutput, error) {
		return a.ec2.RunInstances(t.Context(), &ec2.RunInstancesInput{
			ImageId: aws.String(sandbox.ImageLinux), MinCount: aws.Int32(1), MaxCount: aws.Int32(1), InstanceType: kind,
			Placement: &types.Placement{Tenancy: types.TenancyHost, HostId: host, AvailabilityZone: aws.String("ap-northeast-2" + zone)},
		})
	}
	for want, err := range map[string]error{
		"UnsupportedInstanceTypeOnHost": second(launch("c5.large", "d", h.HostId)),
		"InsufficientCapacityOnHost":    second(launch("m5.24xlarge", "d", h.HostId)),
		"InvalidParameterValue":         second(launch("m5.large", "a", h.HostId)),
		"InvalidHostID.NotFound":        second(launch("m5.large", "a", aws.String("h-0123456789abcdef0"))),
	} {
		if code(err) != want {
			t.Errorf("got %v, want %s", err, want)
		}
	}
	out, err := launch("m5.2xlarge", "d", nil)
	if err != nil || *out.Instances[0].Placement.HostId != *h.HostId {
		t.Fatalf("launch on any host: %v", err)
	}
	if free := *describe(&ec2.DescribeHostsInput{HostIds: []string{*h.HostId}})[0].AvailableCapacity.AvailableVCpus; free != 84 {
		t.Errorf("%d vCPUs are free", free)
	}
	if err := a.stop(*byol.InstanceId); err != nil {
		t.Fatal(err)
	}
	a.Advance(5 * time.Minute)
	if got := describe(&ec2.DescribeHostsInput{})[0]; *got.AvailableCapacity.AvailableVCpus != 88 || len(got.Instances) != 1 {
		t.Errorf("with one stopped: %d vCPUs, %d instances", *got.AvailableCapacity.AvailableVCpus, len(got.Instances))
	}
	if found, _ := a.describe(&ec2.DescribeInstancesInput{Filters: []types.Filter{filterOf("host-id", *h.HostId)}}); len(found) != 2 {
		t.Errorf("%d instances by host", len(found))
	}
	if _, err := a.ec2.DescribeHosts(t.Context(), &ec2.DescribeHostsInput{HostIds: []string{"h-0123456789abcdef0"}}); code(err) != "InvalidHostID.NotFound" {
		t.Errorf("unknown host: %v", err)
	}
}

func second[T any](_ T, err error) error { return err }

func TestCapacityReservations(t *testing.T) {
	a := open(t, sandbox.Options{})
	describe := func(in *ec2.DescribeCapacityReservationsInput) []types.CapacityReservation {
		out, err := a.ec2.DescribeCapacityReservations(t.Context(), in)
		if err != nil {
			t.Fatal(err)
		}
		return out.CapacityReservations
	}
	if all := describe(&ec2.DescribeCapacityReservationsInput{}); len(all) != 2 {
		t.Errorf("%d reservations", len(all))
	}
	active := func() types.CapacityReservation {
		return describe(&ec2.DescribeCapacityReservationsInput{Filters: []types.Filter{filterOf("state", "active")}})[0]
	}
	r := active()
	if *r.TotalInstanceCount != 3 || *r.AvailableInstanceCount != 2 || *r.InstanceType != "m5.2xlarge" || r.InstancePlatform != "Linux/UNIX" {
		t.Errorf("%+v", r)
	}
	web := a.one(a.id("운영-웹-1"))
	if aws.ToString(web.CapacityReservationId) != *r.CapacityReservationId {
		t.Errorf("the instance runs in %s", aws.ToString(web.CapacityReservationId))
	}
	if err := a.stop(*web.InstanceId); err != nil {
		t.Fatal(err)
	}
	a.Advance(5 * time.Minute)
	if *active().AvailableInstanceCount != 3 || a.one(*web.InstanceId).CapacityReservationId != nil {
		t.Error("a stopped instance keeps its capacity")
	}
	_, err := a.ec2.DescribeCapacityReservations(t.Context(), &ec2.DescribeCapacityReservationsInput{CapacityReservationIds: []string{"cr-0123456789abcdef0"}})
	if code(err) != "InvalidCapacityReservationId.NotFound" {
		t.Errorf("unknown reservation: %v", err)
	}
}

func TestCreditSpecifications(t *testing.T) {
	a := open(t, sandbox.Options{})
	of := func(ids ...string) (map[string]string, error) {
		out, err := a.ec2.DescribeInstanceCreditSpecifications(t.Context(), &ec2.DescribeInstanceCreditSpecificationsInput{InstanceIds: ids})
		if err != nil {
			return nil, err
		}
		m := map[string]string{}
		for _, s := range out.InstanceCreditSpecifications {
			m[*s.InstanceId] = *s.CpuCredits
		}
		return m, nil
	}
	t3, chosen, t2 := a.id("개발-웹서버-1"), a.id("개발-웹서버-2"), a.id("old-archive")
	got, err := of(t3, chosen, t2)
	if diff := cmp.Diff(map[string]string{t3: "unlimited", chosen: "standard", t2: "standard"}, got); diff != "" || err != nil {
		t.Errorf("%v, (-want +got):\n%s", err, diff)
	}
	all, err := of()
	if err != nil || len(all) != 7 || all[t3] == "" || all[t2] != "" {
		t.Errorf("without ids: %v, %v", all, err)
	}
	if _, err := of(t3, a.id("배치서버")); code(err) != "InstanceCreditSpecification.NotSupported" {
		t.Errorf("of a type without credits: %v", err)
	}
	var paged []string
	p := ec2.NewDescribeInstanceCreditSpecificationsPaginator(a.ec2, &ec2.DescribeInstanceCreditSpecificationsInput{MaxResults: aws.Int32(5)})
	for p.HasMorePages() {
		out, err := p.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range out.InstanceCreditSpecifications {
			paged = append(paged, *s.InstanceId)
		}
	}
	if len(paged) != len(all) || len(slices.Compact(slices.Sorted(slices.Values(paged)))) != len(all) {
		t.Errorf("in pages: %v", paged)
	}
	out, err := a.ec2.RunInstances(t.Context(), &ec2.RunInstancesInput{
		ImageId: aws.String(sandbox.ImageLinux), MinCount: aws.Int32(1), MaxCount: aws.Int32(1), InstanceType: "t3.micro",
		CreditSpecification: &types.CreditSpecificationRequest{CpuCredits: aws.String("standard")},
	})
	if err != nil {
		t.Fatal(err)
	}
	if got, err := of(*out.Instances[0].InstanceId); err != nil || got[*out.Instances[0].InstanceId] != "standard" {
		t.Errorf("as chosen at the launch: %v, %v", got, err)
	}
}

func TestTagsOfOtherResources(t *testing.T) {
	a := open(t, sandbox.Options{})
	id := *a.snapshots(&ec2.DescribeSnapshotsInput{OwnerIds: []string{"self"}})[0].SnapshotId
	if _, err := a.ec2.CreateTags(t.Context(), &ec2.CreateTagsInput{Resources: []string{id}, Tags: []types.Tag{{Key: aws.String("Keep"), Value: aws.String("yes")}}}); err != nil {
		t.Fatal(err)
	}
	if got := a.snapshots(&ec2.DescribeSnapshotsInput{Filters: []types.Filter{filterOf("tag:Keep", "yes")}}); len(got) != 1 || *got[0].SnapshotId != id {
		t.Errorf("%d snapshots with the tag", len(got))
	}
	for kind, want := range map[string]int{"snapshot": 23, "elastic-ip": 8, "dedicated-host": 2, "capacity-reservation": 3} {
		out, err := a.ec2.DescribeTags(t.Context(), &ec2.DescribeTagsInput{Filters: []types.Filter{filterOf("resource-type", kind)}})
		if err != nil || len(out.Tags) != want {
			t.Errorf("%s: %d tags, %v; want %d", kind, len(out.Tags), err, want)
		}
	}
	_, err := a.ec2.CreateTags(t.Context(), &ec2.CreateTagsInput{Resources: []string{"snap-0123456789abcdef0"}, Tags: []types.Tag{{Key: aws.String("k"), Value: aws.String("v")}}})
	if code(err) != "InvalidSnapshot.NotFound" {
		t.Errorf("unknown snapshot: %v", err)
	}
}
