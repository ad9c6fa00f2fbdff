package amazon

import (
	"context"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"nightshift/internal/fleet"
)

// The largest pages that EC2 allows.
const (
	hostsPerPage        = 500
	reservationsPerPage = 1000
)

// capacity is what one account holds for its instances in a region: Dedicated
// Hosts and On-Demand Capacity Reservations.
type capacity struct {
	region               fleet.Region
	describeHosts        operation[ec2.DescribeHostsInput, ec2.DescribeHostsOutput]
	describeReservations operation[ec2.DescribeCapacityReservationsInput, ec2.DescribeCapacityReservationsOutput]
}

func newCapacity(s *Session, client *ec2.Client, region fleet.Region) capacity {
	return capacity{
		region:               region,
		describeHosts:        capture(s, "ec2:DescribeHosts", client.DescribeHosts),
		describeReservations: capture(s, "ec2:DescribeCapacityReservations", client.DescribeCapacityReservations),
	}
}

// Hosts lists the Dedicated Hosts of the region, released ones as long as EC2
// shows them. After an error the answer holds what was read.
func (c capacity) Hosts(ctx context.Context) ([]fleet.Host, error) {
	in := &ec2.DescribeHostsInput{MaxResults: aws.Int32(hostsPerPage)}
	next := func(out *ec2.DescribeHostsOutput) *string { return out.NextToken }
	list := func(out *ec2.DescribeHostsOutput) []types.Host { return out.Hosts }
	convert := func(h types.Host) fleet.Host { return host(c.region, h) }
	return collect(each(pages(ctx, c.describeHosts, in, &in.NextToken, next), list, convert))
}

// Reservations lists the On-Demand Capacity Reservations of the region, past
// ones as long as EC2 shows them. Capacity blocks, which are paid up front, are
// not among them. Target.Account is who pays for what is not used, which is
// another account where that one shares the reservation. After an error the
// answer holds what was read.
func (c capacity) Reservations(ctx context.Context) ([]fleet.Reservation, error) {
	var reservations []fleet.Reservation
	in := &ec2.DescribeCapacityReservationsInput{MaxResults: aws.Int32(reservationsPerPage)}
	next := func(out *ec2.DescribeCapacityReservationsOutput) *string { return out.NextToken }
	for out, err := range pages(ctx, c.describeReservations, in, &in.NextToken, next) {
		if err != nil {
			return reservations, err
		}
		for _, r := range out.CapacityReservations {
			if r.ReservationType != types.CapacityReservationTypeCapacityBlock {
				reservations = append(reservations, reservation(c.region, r))
			}
		}
	}
	return reservations, nil
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
