package amazon

import (
	"context"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"

	"nightshift/internal/fleet"
)

// addresses are the Elastic IP addresses of one account and region.
type addresses struct {
	region   fleet.Region
	describe operation[ec2.DescribeAddressesInput, ec2.DescribeAddressesOutput]
}

func newAddresses(s *Session, client *ec2.Client, region fleet.Region) addresses {
	return addresses{region, capture(s, "ec2:DescribeAddresses", client.DescribeAddresses)}
}

// Addresses lists the Elastic IP addresses of the region. EC2 gives them in one
// answer, and does not say which account owns them; Target.Account is that of
// the network interface, where there is one.
func (a addresses) Addresses(ctx context.Context) ([]fleet.Address, error) {
	out, err := a.describe(ctx, &ec2.DescribeAddressesInput{})
	if err != nil {
		return nil, err
	}
	list := make([]fleet.Address, 0, len(out.Addresses))
	for _, i := range out.Addresses {
		list = append(list, fleet.Address{
			Target:    fleet.Target{Account: fleet.Account(aws.ToString(i.NetworkInterfaceOwnerId)), Region: a.region},
			ID:        aws.ToString(i.AllocationId),
			IP:        aws.ToString(i.PublicIp),
			Instance:  fleet.ResourceID(aws.ToString(i.InstanceId)),
			Interface: aws.ToString(i.NetworkInterfaceId),
			BYOIP:     strings.HasPrefix(aws.ToString(i.PublicIpv4Pool), "ipv4pool-ec2-"),
			Tags:      tags(i.Tags),
		})
	}
	return list, nil
}
