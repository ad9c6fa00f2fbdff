package amazon

import (
	"iter"
	"maps"
	"slices"
	"strings"
	"time"
	"unique"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"nightshift/internal/fleet"
)

// instance converts an instance of DescribeInstances.
func instance(target fleet.Target, i types.Instance) fleet.Instance {
	out := fleet.Instance{
		Target:          target,
		ID:              fleet.ResourceID(aws.ToString(i.InstanceId)),
		Type:            fleet.InstanceType(shared(string(i.InstanceType))),
		Tags:            tags(i.Tags),
		LaunchTime:      aws.ToTime(i.LaunchTime).UTC(),
		PlatformDetails: shared(aws.ToString(i.PlatformDetails)),
		UsageOperation:  shared(aws.ToString(i.UsageOperation)),
		Windows:         i.Platform != "",
		Lifecycle:       fleet.Lifecycle(shared(string(i.InstanceLifecycle))),
		Tenancy:         "default",
		InstanceStore:   i.RootDeviceType == types.DeviceTypeInstanceStore,
	}
	if i.State != nil {
		out.State = fleet.State(shared(string(i.State.Name)))
	}
	if out.State != fleet.Running && out.State != fleet.Pending {
		out.Stopped = stopTime(aws.ToString(i.StateTransitionReason))
	}
	if i.Placement != nil {
		out.Zone = fleet.Zone(shared(aws.ToString(i.Placement.AvailabilityZone)))
		if i.Placement.Tenancy != "" {
			out.Tenancy = shared(string(i.Placement.Tenancy))
		}
		out.Host = aws.ToString(i.Placement.HostId)
	}
	if i.Monitoring != nil {
		out.Detailed = i.Monitoring.State == types.MonitoringStateEnabled || i.Monitoring.State == types.MonitoringStatePending
	}
	out.Reservation = shared(aws.ToString(i.CapacityReservationId))
	out.PublicIPs = publicIPs(i)
	if i.CpuOptions != nil {
		out.Cores = int(aws.ToInt32(i.CpuOptions.CoreCount))
		out.ThreadsPerCore = int(aws.ToInt32(i.CpuOptions.ThreadsPerCore))
	}
	for _, c := range i.ProductCodes {
		out.ProductCodes = append(out.ProductCodes, aws.ToString(c.ProductCodeId))
	}
	out.FirstLaunch = attached(i)
	if out.FirstLaunch.IsZero() {
		// A terminated instance has no interfaces left. This time moves only
		// when the licence is converted.
		out.FirstLaunch = timeOf(i.UsageOperationUpdateTime)
	}
	return out
}

// attached is when the primary network interface of an instance was attached:
// at its first launch.
func attached(i types.Instance) time.Time {
	for _, n := range i.NetworkInterfaces {
		if n.Attachment != nil && aws.ToInt32(n.Attachment.DeviceIndex) == 0 && n.Attachment.AttachTime != nil {
			return n.Attachment.AttachTime.UTC()
		}
	}
	return time.Time{}
}

// publicIPs are the public IPv4 addresses of an instance's interfaces, each once
// and in their order. Emulators state only the one that the instance itself has.
func publicIPs(i types.Instance) []string {
	var out []string
	add := func(ip *string) {
		if text := aws.ToString(ip); text != "" && !slices.Contains(out, text) {
			out = append(out, text)
		}
	}
	for _, n := range i.NetworkInterfaces {
		for _, a := range n.PrivateIpAddresses {
			if a.Association != nil {
				add(a.Association.PublicIp)
			}
		}
		if n.Association != nil {
			add(n.Association.PublicIp)
		}
	}
	add(i.PublicIpAddress)
	return out
}

// stopTime reads the time at the end of a StateTransitionReason such as
// "User initiated (2026-11-20 10:00:00 GMT)". EC2 writes GMT, emulators also
// write UTC. Other reasons carry no time: the answer is then zero.
func stopTime(transition string) time.Time {
	open := strings.LastIndexByte(transition, '(')
	if open < 0 || !strings.HasSuffix(transition, ")") {
		return time.Time{}
	}
	text := transition[open+1 : len(transition)-1]
	for _, zone := range []string{" GMT", " UTC"} {
		if wall, ok := strings.CutSuffix(text, zone); ok {
			t, err := time.Parse(time.DateTime, wall)
			if err == nil {
				return t
			}
		}
	}
	return time.Time{}
}

// volume converts a volume of DescribeVolumes.
func volume(region fleet.Region, v types.Volume) fleet.Volume {
	out := fleet.Volume{
		Target:          fleet.Target{Region: region},
		ID:              fleet.VolumeID(aws.ToString(v.VolumeId)),
		Type:            fleet.VolumeType(shared(string(v.VolumeType))),
		State:           shared(string(v.State)),
		Zone:            fleet.Zone(shared(aws.ToString(v.AvailabilityZone))),
		SizeGiB:         int64(aws.ToInt32(v.Size)),
		IOPS:            int64(aws.ToInt32(v.Iops)),
		ThroughputMiBps: int64(aws.ToInt32(v.Throughput)),
		Created:         timeOf(v.CreateTime),
		Snapshot:        fleet.SnapshotID(shared(aws.ToString(v.SnapshotId))),
		Tags:            tags(v.Tags),
	}
	for _, a := range v.Attachments {
		out.AttachedTo = append(out.AttachedTo, fleet.ResourceID(aws.ToString(a.InstanceId)))
	}
	return out
}

func typeInfo(t types.InstanceTypeInfo) fleet.TypeInfo {
	out := fleet.TypeInfo{Type: fleet.InstanceType(t.InstanceType)}
	if t.VCpuInfo != nil {
		out.VCPU = int(aws.ToInt32(t.VCpuInfo.DefaultVCpus))
		out.Cores = int(aws.ToInt32(t.VCpuInfo.DefaultCores))
		out.ThreadsPerCore = int(aws.ToInt32(t.VCpuInfo.DefaultThreadsPerCore))
	}
	if t.MemoryInfo != nil {
		out.MemoryMiB = aws.ToInt64(t.MemoryInfo.SizeInMiB)
	}
	if t.EbsInfo != nil && t.EbsInfo.EbsOptimizedInfo != nil {
		out.EBSIOPS = int64(aws.ToInt32(t.EbsInfo.EbsOptimizedInfo.MaximumIops))
	}
	return out
}

func tags(in []types.Tag) fleet.Tags {
	out := make(fleet.Tags, len(in))
	for _, t := range in {
		out[shared(aws.ToString(t.Key))] = aws.ToString(t.Value)
	}
	return out
}

// shared gives one copy of a text that many resources have in common, such as
// a zone: the decoder makes a new one for each, which a large fleet would keep.
func shared(s string) string { return unique.Make(s).Value() }

func timeOf(t *time.Time) time.Time {
	if t == nil {
		return time.Time{}
	}
	return t.UTC()
}

// texts turns typed ids into the plain strings of the SDK.
func texts[T ~string](in []T) []string {
	out := make([]string, len(in))
	for n, s := range in {
		out[n] = string(s)
	}
	return out
}

// chunks yields the keys of a set in order, at most size at a time.
func chunks[V any](set map[string]V, size int) iter.Seq[[]string] {
	return slices.Chunk(slices.Sorted(maps.Keys(set)), size)
}
