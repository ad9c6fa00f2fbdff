package sandbox_test

import (
	"strconv"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"nightshift/internal/sandbox"
)

// TestInstanceFiltersMatchTheAnswer takes each value from an answer and asks
// for it again.
func TestInstanceFiltersMatchTheAnswer(t *testing.T) {
	a := open(t, sandbox.Options{})
	id := a.id("개발-WAS-1")
	i := a.one(id)
	nic, disk := i.NetworkInterfaces[0], i.BlockDeviceMappings[0]
	yes := strconv.FormatBool
	for name, value := range map[string]string{
		"private-ip-address":             *i.PrivateIpAddress,
		"private-dns-name":               *i.PrivateDnsName,
		"instance.group-id":              *i.SecurityGroups[0].GroupId,
		"instance.group-name":            *i.SecurityGroups[0].GroupName,
		"source-dest-check":              yes(*i.SourceDestCheck),
		"monitoring-state":               string(i.Monitoring.State),
		"launch-index":                   strconv.Itoa(int(*i.AmiLaunchIndex)),
		"hibernation-options.configured": yes(*i.HibernationOptions.Configured),
		"enclave-options.enabled":        yes(*i.EnclaveOptions.Enabled),
		"ebs-optimized":                  yes(*i.EbsOptimized),
		"ena-support":                    yes(*i.EnaSupport),
		"boot-mode":                      string(i.BootMode),
		"current-instance-boot-mode":     string(i.CurrentInstanceBootMode),
		"operator.managed":               "false",
		"hypervisor":                     string(i.Hypervisor),
		"virtualization-type":            string(i.VirtualizationType),
		"usage-operation-update-time":    i.UsageOperationUpdateTime.Format("2006-01-02T15:04:05.000Z"),
		"vpc-id":                         *i.VpcId,
		"subnet-id":                      *i.SubnetId,

		"block-device-mapping.volume-id":             *disk.Ebs.VolumeId,
		"block-device-mapping.device-name":           *disk.DeviceName,
		"block-device-mapping.status":                string(disk.Ebs.Status),
		"block-device-mapping.delete-on-termination": yes(*disk.Ebs.DeleteOnTermination),
		"block-device-mapping.attach-time":           disk.Ebs.AttachTime.Format("2006-01-02T15:04:05.000Z"),

		"metadata-options.http-tokens":                 string(i.MetadataOptions.HttpTokens),
		"metadata-options.http-endpoint":               string(i.MetadataOptions.HttpEndpoint),
		"metadata-options.http-put-response-hop-limit": strconv.Itoa(int(*i.MetadataOptions.HttpPutResponseHopLimit)),
		"metadata-options.http-protocol-ipv6":          string(i.MetadataOptions.HttpProtocolIpv6),
		"metadata-options.instance-metadata-tags":      string(i.MetadataOptions.InstanceMetadataTags),
		"metadata-options.state":                       string(i.MetadataOptions.State),

		"maintenance-options.auto-recovery":                             string(i.MaintenanceOptions.AutoRecovery),
		"private-dns-name-options.hostname-type":                        string(i.PrivateDnsNameOptions.HostnameType),
		"private-dns-name-options.enable-resource-name-dns-a-record":    yes(*i.PrivateDnsNameOptions.EnableResourceNameDnsARecord),
		"private-dns-name-options.enable-resource-name-dns-aaaa-record": yes(*i.PrivateDnsNameOptions.EnableResourceNameDnsAAAARecord),
		"capacity-reservation-specification.capacity-reservation-preference": string(
			i.CapacityReservationSpecification.CapacityReservationPreference),

		"network-interface.network-interface-id":             *nic.NetworkInterfaceId,
		"network-interface.subnet-id":                        *nic.SubnetId,
		"network-interface.vpc-id":                           *nic.VpcId,
		"network-interface.status":                           string(nic.Status),
		"network-interface.owner-id":                         *nic.OwnerId,
		"network-interface.mac-address":                      *nic.MacAddress,
		"network-interface.availability-zone":                *i.Placement.AvailabilityZone,
		"network-interface.source-dest-check":                yes(*nic.SourceDestCheck),
		"network-interface.private-ip-address":               *nic.PrivateIpAddress,
		"network-interface.private-dns-name":                 *nic.PrivateDnsName,
		"network-interface.group-id":                         *nic.Groups[0].GroupId,
		"network-interface.group-name":                       *nic.Groups[0].GroupName,
		"network-interface.addresses.primary":                yes(*nic.PrivateIpAddresses[0].Primary),
		"network-interface.addresses.private-ip-address":     *nic.PrivateIpAddresses[0].PrivateIpAddress,
		"network-interface.addresses.private-dns-name":       *nic.PrivateIpAddresses[0].PrivateDnsName,
		"network-interface.attachment.attachment-id":         *nic.Attachment.AttachmentId,
		"network-interface.attachment.attach-time":           nic.Attachment.AttachTime.Format("2006-01-02T15:04:05.000Z"),
		"network-interface.attachment.device-index":          strconv.Itoa(int(*nic.Attachment.DeviceIndex)),
		"network-interface.attachment.network-card-index":    strconv.Itoa(int(*nic.Attachment.NetworkCardIndex)),
		"network-interface.attachment.status":                string(nic.Attachment.Status),
		"network-interface.attachment.instance-id":           id,
		"network-interface.attachment.instance-owner-id":     sandbox.AccountID,
		"network-interface.attachment.delete-on-termination": yes(*nic.Attachment.DeleteOnTermination),
	} {
		only := []types.Filter{filterOf("instance-id", id)}
		if got, _ := a.describe(&ec2.DescribeInstancesInput{Filters: append(only, filterOf(name, value))}); len(got) != 1 {
			t.Errorf("%s=%s does not find the instance that has it", name, value)
		}
		if got, _ := a.describe(&ec2.DescribeInstancesInput{Filters: append(only, filterOf(name, "other"))}); len(got) != 0 {
			t.Errorf("%s=other finds an instance that has %s", name, value)
		}
	}
	for name, want := range map[string]int{"dns-name": 6, "ip-address": 6, "operator.principal": 0, "product-code.type": 0, "iam-instance-profile.arn": 0} {
		if got, _ := a.describe(&ec2.DescribeInstancesInput{Filters: []types.Filter{filterOf(name, "*")}}); len(got) != want {
			t.Errorf("%s: %d instances", name, len(got))
		}
	}
	if _, err := a.ec2.TerminateInstances(t.Context(), &ec2.TerminateInstancesInput{InstanceIds: []string{id}}); err != nil {
		t.Fatal(err)
	}
	a.Advance(10 * time.Minute)
	if got, _ := a.describe(&ec2.DescribeInstancesInput{Filters: []types.Filter{filterOf("private-ip-address", *i.PrivateIpAddress)}}); len(got) != 0 {
		t.Error("a terminated instance is found by the address that it had")
	}
}

// TestFieldsAgree holds what one instance says in several places together.
func TestFieldsAgree(t *testing.T) {
	a := open(t, sandbox.Options{})
	arm := a.one(a.id("스테이징-API"))
	if arm.BootMode != "uefi" || arm.CurrentInstanceBootMode != "uefi" {
		t.Errorf("arm64 boots by %s, now %s", arm.BootMode, arm.CurrentInstanceBootMode)
	}
	if windows := a.one(a.id("qa-windows-01")); windows.BootMode != "" || windows.CurrentInstanceBootMode != "legacy-bios" {
		t.Errorf("Windows boots by %q, now %s", windows.BootMode, windows.CurrentInstanceBootMode)
	}
	out, err := a.ec2.RunInstances(t.Context(), &ec2.RunInstancesInput{
		ImageId: aws.String(sandbox.ImageLinux), MinCount: aws.Int32(1), MaxCount: aws.Int32(1), EbsOptimized: aws.Bool(true),
	})
	if err != nil {
		t.Fatal(err)
	}
	for id, want := range map[string]bool{*arm.InstanceId: false, *out.Instances[0].InstanceId: true} {
		attribute, err := a.ec2.DescribeInstanceAttribute(t.Context(), &ec2.DescribeInstanceAttributeInput{InstanceId: &id, Attribute: "ebsOptimized"})
		if err != nil {
			t.Fatal(err)
		}
		if got := *a.one(id).EbsOptimized; got != want || *attribute.EbsOptimized.Value != want {
			t.Errorf("EBS-optimized: %v, as attribute %v; want %v", got, *attribute.EbsOptimized.Value, want)
		}
	}
}

func TestOtherFilters(t *testing.T) {
	a := open(t, sandbox.Options{})
	const unknown = "The sandbox does not know the filter '"
	instances := func(f types.Filter) (int, error) {
		out, err := a.ec2.DescribeInstances(t.Context(), &ec2.DescribeInstancesInput{Filters: []types.Filter{f}})
		if err != nil {
			return 0, err
		}
		return len(out.Reservations), nil
	}
	volumes := func(f types.Filter) (int, error) {
		out, err := a.ec2.DescribeVolumes(t.Context(), &ec2.DescribeVolumesInput{Filters: []types.Filter{f}})
		if err != nil {
			return 0, err
		}
		return len(out.Volumes), nil
	}
	kinds := func(f types.Filter) (int, error) {
		n := 0
		p := ec2.NewDescribeInstanceTypesPaginator(a.ec2, &ec2.DescribeInstanceTypesInput{
			Filters: []types.Filter{f, filterOf("instance-type", "t2.micro", "m5.large", "i3.large", "c3.large", "m3.large", "c6g.large", "m5.metal")},
		})
		for p.HasMorePages() {
			out, err := p.NextPage(t.Context())
			if err != nil {
				return 0, err
			}
			n += len(out.InstanceTypes)
		}
		return n, nil
	}
	spots := func(f types.Filter) (int, error) {
		out, err := a.ec2.DescribeSpotInstanceRequests(t.Context(), &ec2.DescribeSpotInstanceRequestsInput{Filters: []types.Filter{f}})
		if err != nil {
			return 0, err
		}
		return len(out.SpotInstanceRequests), nil
	}
	for _, tt := range []struct {
		of          func(types.Filter) (int, error)
		name, value string
		want        int
		refused     string
	}{
		{of: instances, name: "kernel-id", value: "x", refused: unknown + "kernel-id', which EC2 has"},
		{of: instances, name: "network-interface.ipv6-address", value: "x", refused: unknown + "network-interface.ipv6-address', which EC2 has"},
		{of: instances, name: "host", value: "x", refused: "The filter 'host' is invalid"},
		{of: volumes, name: "operator.managed", value: "false", want: 38},
		{of: volumes, name: "operator.principal", value: "*"},
		{of: volumes, name: "fast-restored", value: "x", refused: unknown + "fast-restored', which EC2 has"},
		{of: kinds, name: "hypervisor", value: "nitro", want: 2},
		{of: kinds, name: "bare-metal", value: "true", want: 1},
		{of: kinds, name: "burstable-performance-supported", value: "true", want: 1},
		{of: kinds, name: "dedicated-hosts-supported", value: "false", want: 1},
		{of: kinds, name: "free-tier-eligible", value: "true", want: 1},
		{of: kinds, name: "supported-root-device-type", value: "instance-store", want: 2},
		{of: kinds, name: "supported-usage-class", value: "spot", want: 7},
		{of: kinds, name: "supported-virtualization-type", value: "hvm", want: 7},
		{of: kinds, name: "instance-storage-supported", value: "true", want: 3},
		{of: kinds, name: "instance-storage-info.disk.count", value: "2", want: 1},
		{of: kinds, name: "instance-storage-info.disk.size-in-gb", value: "475", want: 1},
		{of: kinds, name: "instance-storage-info.disk.type", value: "ssd", want: 3},
		{of: kinds, name: "instance-storage-info.total-size-in-gb", value: "32", want: 2},
		{of: kinds, name: "vcpu-info.valid-cores", value: "1", refused: unknown + "vcpu-info.valid-cores', which EC2 has"},
		{of: spots, name: "launch.instance-type", value: "c8g.large", want: 1},
		{of: spots, name: "product-description", value: "Linux/UNIX", want: 2},
		{of: spots, name: "launch.monitoring-enabled", value: "true"},
		{of: spots, name: "valid-from", value: "x", refused: unknown + "valid-from', which EC2 has"},
	} {
		got, err := tt.of(filterOf(tt.name, tt.value))
		switch {
		case tt.refused != "" && (code(err) != "InvalidParameterValue" || message(err) != tt.refused):
			t.Errorf("%s: %v, want %q", tt.name, err, tt.refused)
		case tt.refused == "" && (err != nil || got != tt.want):
			t.Errorf("%s=%s: %d, %v; want %d", tt.name, tt.value, got, err, tt.want)
		}
	}
}
