package amazon

import (
	"context"
	"iter"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"nightshift/internal/fleet"
)

// Snapshots yields the snapshots of the region that the account owns. An error
// ends it.
func (f *Fleet) Snapshots(ctx context.Context) iter.Seq2[fleet.Snapshot, error] {
	return func(yield func(fleet.Snapshot, error) bool) {
		in := &ec2.DescribeSnapshotsInput{OwnerIds: []string{"self"}, MaxResults: aws.Int32(snapshotsPerPage)}
		for {
			out, err := f.describeSnapshots(ctx, in)
			if err != nil {
				yield(fleet.Snapshot{}, err)
				return
			}
			for _, s := range out.Snapshots {
				if !yield(snapshot(f.region, s), nil) {
					return
				}
			}
			if aws.ToString(out.NextToken) == "" {
				return
			}
			in.NextToken = out.NextToken
		}
	}
}

// Addresses lists the Elastic IP addresses of the region. EC2 gives them in one
// answer, and does not say which account owns them; Target.Account is that of
// the network interface, where there is one.
func (f *Fleet) Addresses(ctx context.Context) ([]fleet.Address, error) {
	out, err := f.describeAddresses(ctx, &ec2.DescribeAddressesInput{})
	if err != nil {
		return nil, err
	}
	addresses := make([]fleet.Address, 0, len(out.Addresses))
	for _, a := range out.Addresses {
		addresses = append(addresses, fleet.Address{
			Target:    fleet.Target{Account: fleet.Account(aws.ToString(a.NetworkInterfaceOwnerId)), Region: f.region},
			ID:        aws.ToString(a.AllocationId),
			IP:        aws.ToString(a.PublicIp),
			Instance:  fleet.ResourceID(aws.ToString(a.InstanceId)),
			Interface: aws.ToString(a.NetworkInterfaceId),
			BYOIP:     strings.HasPrefix(aws.ToString(a.PublicIpv4Pool), "ipv4pool-ec2-"),
			Tags:      tags(a.Tags),
		})
	}
	return addresses, nil
}

// Hosts lists the Dedicated Hosts of the region, released ones as long as EC2
// shows them. After an error the answer holds what was read.
func (f *Fleet) Hosts(ctx context.Context) ([]fleet.Host, error) {
	var hosts []fleet.Host
	in := &ec2.DescribeHostsInput{MaxResults: aws.Int32(hostsPerPage)}
	for {
		out, err := f.describeHosts(ctx, in)
		if err != nil {
			return hosts, err
		}
		for _, h := range out.Hosts {
			hosts = append(hosts, host(f.region, h))
		}
		if aws.ToString(out.NextToken) == "" {
			return hosts, nil
		}
		in.NextToken = out.NextToken
	}
}

// Reservations lists the On-Demand Capacity Reservations of the region, past
// ones as long as EC2 shows them. Capacity blocks, which are paid up front, are
// not among them. Target.Account is who pays for what is not used, which is
// another account where that one shares the reservation. After an error the
// answer holds what was read.
func (f *Fleet) Reservations(ctx context.Context) ([]fleet.Reservation, error) {
	var reservations []fleet.Reservation
	in := &ec2.DescribeCapacityReservationsInput{MaxResults: aws.Int32(reservationsPerPage)}
	for {
		out, err := f.describeReservations(ctx, in)
		if err != nil {
			return reservations, err
		}
		for _, r := range out.CapacityReservations {
			if r.ReservationType != types.CapacityReservationTypeCapacityBlock {
				reservations = append(reservations, reservation(f.region, r))
			}
		}
		if aws.ToString(out.NextToken) == "" {
			return reservations, nil
		}
		in.NextToken = out.NextToken
	}
}

// noVolume is what EC2 names as the volume of a snapshot that is a copy (Amazon
// EBS User Guide, "Copy an Amazon EBS snapshot").
const noVolume = "vol-ffffffff"

// snapshot converts a snapshot of DescribeSnapshots. A copy is of no volume.
func snapshot(region fleet.Region, s types.Snapshot) fleet.Snapshot {
	out := fleet.Snapshot{
		Target:      fleet.Target{Account: fleet.Account(shared(aws.ToString(s.OwnerId))), Region: region},
		ID:          fleet.SnapshotID(aws.ToString(s.SnapshotId)),
		Volume:      fleet.VolumeID(shared(aws.ToString(s.VolumeId))),
		State:       shared(string(s.State)),
		Started:     timeOf(s.StartTime),
		SizeGiB:     int64(aws.ToInt32(s.VolumeSize)),
		FullBytes:   aws.ToInt64(s.FullSnapshotSizeInBytes),
		Archived:    s.StorageTier == types.StorageTierArchive,
		Description: shared(aws.ToString(s.Description)),
		Tags:        tags(s.Tags),
	}
	if out.Volume == noVolume {
		out.Volume = ""
	}
	return out
}

func host(region fleet.Region, h types.Host) fleet.Host {
	out := fleet.Host{
		Target:    fleet.Target{Account: fleet.Account(aws.ToString(h.OwnerId)), Region: region},
		ID:        aws.ToString(h.HostId),
		State:     string(h.State),
		Zone:      fleet.Zone(aws.ToString(h.AvailabilityZone)),
		Allocated: timeOf(h.AllocationTime),
		Tags:      tags(h.Tags),
	}
	if p := h.HostProperties; p != nil {
		out.Family, out.Type = aws.ToString(p.InstanceFamily), fleet.InstanceType(aws.ToString(p.InstanceType))
	}
	if out.Family == "" { // a host for one size only may be described by that alone
		out.Family, _, _ = strings.Cut(string(out.Type), ".")
	}
	for _, i := range h.Instances {
		out.Instances = append(out.Instances, fleet.ResourceID(aws.ToString(i.InstanceId)))
	}
	return out
}

func reservation(region fleet.Region, r types.CapacityReservation) fleet.Reservation {
	payer := aws.ToString(r.UnusedReservationBillingOwnerId)
	if payer == "" {
		payer = aws.ToString(r.OwnerId)
	}
	return fleet.Reservation{
		Target:    fleet.Target{Account: fleet.Account(payer), Region: region},
		ID:        aws.ToString(r.CapacityReservationId),
		Type:      fleet.InstanceType(aws.ToString(r.InstanceType)),
		Platform:  string(r.InstancePlatform),
		Tenancy:   string(r.Tenancy),
		State:     string(r.State),
		Zone:      fleet.Zone(aws.ToString(r.AvailabilityZone)),
		Total:     int64(aws.ToInt32(r.TotalInstanceCount)),
		Available: int64(aws.ToInt32(r.AvailableInstanceCount)),
		Created:   timeOf(r.CreateDate),
		Tags:      tags(r.Tags),
	}
}
