package ec2

import (
	"sort"
	"strconv"
	"strings"

	"nightshift/internal/sandbox/catalog"
	"nightshift/internal/sandbox/wire"
)

// mostTypes is the largest page of DescribeInstanceTypes, and the one that it
// answers with where the caller names neither a size nor types.
const mostTypes = 100

// describeTypes is DescribeInstanceTypes. Every region offers the same types.
func (c *ec2Call) describeTypes() *wire.Error {
	requested := c.Params.Texts("InstanceType")
	fs, err := wire.ReadFilters(c.Params, typeFilters(), otherTypeFilters()...)
	if err != nil {
		return err
	}
	if len(requested) > 0 && c.Params.Has("MaxResults") {
		return wire.Invalid("InvalidParameterCombination", "The parameter InstanceTypes cannot be used with the parameter MaxResults")
	}
	if len(requested) > mostTypes {
		return wire.Invalid("InvalidParameterValue", "The maximum number of instance types for this request is 100")
	}
	p, err := c.page(mostTypes, len(fs) > 0)
	if err != nil {
		return err
	}
	if p.Size == 0 && len(requested) == 0 {
		p.Size = mostTypes // this operation never answers with everything
	}
	if err := c.readOnly(); err != nil {
		return err
	}
	c.resources = len(requested)
	names := c.Organization.Types.Names()
	var only map[string]bool
	if len(requested) > 0 {
		only = map[string]bool{}
		var unknown []string
		for _, name := range requested {
			if _, ok := c.Organization.Types.Spec(name); !ok {
				unknown = append(unknown, name)
			}
			only[name] = true
		}
		if len(unknown) > 0 {
			return wire.Invalid("InvalidInstanceType", "The following supplied instance types do not exist: ["+strings.Join(unknown, ", ")+"]")
		}
	}
	var rows []catalog.Type
	for n, name := range names {
		t, _ := c.Organization.Types.Spec(name)
		if p.After(uint64(n)+1, 0) && (only == nil || only[name]) && wire.MatchAll(fs, t) {
			rows = append(rows, t)
		}
	}
	rows, token := wire.CutPage(p, rows, func(t catalog.Type) (uint64, int) {
		return uint64(sort.SearchStrings(names, t.Name)) + 1, 0
	})
	c.Out.Open("instanceTypeSet")
	for _, t := range rows {
		c.Out.Open("item")
		writeTypeInfo(c.Out, t)
		c.Out.End("item")
	}
	c.Out.End("instanceTypeSet")
	c.Out.Optional("nextToken", token)
	return nil
}

func writeTypeInfo(d *wire.Doc, t catalog.Type) {
	d.Text("instanceType", t.Name)
	d.Flag("currentGeneration", t.CurrentGeneration)
	d.Flag("freeTierEligible", t.FreeTier())
	d.Open("supportedUsageClasses")
	d.Text("item", "on-demand")
	d.Text("item", "spot")
	d.End("supportedUsageClasses")
	d.Open("supportedRootDeviceTypes")
	for _, kind := range t.RootDevices() {
		d.Text("item", kind)
	}
	d.End("supportedRootDeviceTypes")
	d.Open("supportedVirtualizationTypes")
	d.Text("item", "hvm")
	d.End("supportedVirtualizationTypes")
	d.Flag("bareMetal", t.BareMetal)
	d.Optional("hypervisor", t.Hypervisor)
	d.Open("processorInfo")
	d.Open("supportedArchitectures")
	d.Text("item", t.Architecture)
	d.End("supportedArchitectures")
	d.End("processorInfo")
	d.Open("vCpuInfo")
	d.Number("defaultVCpus", int64(t.VCPU))
	d.Number("defaultCores", int64(t.Cores))
	d.Number("defaultThreadsPerCore", int64(t.ThreadsPerCore))
	d.End("vCpuInfo")
	d.Open("memoryInfo")
	d.Number("sizeInMiB", t.MemoryMiB)
	d.End("memoryInfo")
	disks, gb, ssd := t.InstanceStorage()
	d.Flag("instanceStorageSupported", disks > 0)
	if disks > 0 {
		d.Open("instanceStorageInfo")
		d.Number("totalSizeInGB", int64(disks)*gb)
		d.Open("disks")
		d.Open("item")
		d.Number("sizeInGB", gb)
		d.Number("count", int64(disks))
		d.Text("type", diskKind(ssd))
		d.End("item")
		d.End("disks")
		d.End("instanceStorageInfo")
	}
	if t.EBSIOPS > 0 {
		d.Open("ebsInfo")
		d.Text("ebsOptimizedSupport", "default")
		d.Open("ebsOptimizedInfo")
		d.Number("maximumBandwidthInMbps", t.EBSMbps)
		d.Text("maximumThroughputInMBps", strconv.FormatFloat(float64(t.EBSMbps)/8, 'f', -1, 64))
		d.Number("maximumIops", t.EBSIOPS)
		d.End("ebsOptimizedInfo")
		d.End("ebsInfo")
	}
	d.Flag("burstablePerformanceSupported", t.Burstable())
	d.Flag("dedicatedHostsSupported", !t.Burstable())
}

func diskKind(ssd bool) string {
	if ssd {
		return "ssd"
	}
	return "hdd"
}

// typeFilters are the filters of DescribeInstanceTypes.
func typeFilters() wire.Fields[catalog.Type] {
	disk := func(of func(count int, gb int64, ssd bool) []string) wire.Values[catalog.Type] {
		return func(t catalog.Type) []string {
			count, gb, ssd := t.InstanceStorage()
			if count == 0 {
				return nil
			}
			return of(count, gb, ssd)
		}
	}
	return wire.Fields[catalog.Type]{
		"instance-type":                         func(t catalog.Type) []string { return wire.NonEmpty(t.Name) },
		"bare-metal":                            func(t catalog.Type) []string { return wire.Bool(t.BareMetal) },
		"burstable-performance-supported":       func(t catalog.Type) []string { return wire.Bool(t.Burstable()) },
		"current-generation":                    func(t catalog.Type) []string { return wire.Bool(t.CurrentGeneration) },
		"dedicated-hosts-supported":             func(t catalog.Type) []string { return wire.Bool(!t.Burstable()) },
		"free-tier-eligible":                    func(t catalog.Type) []string { return wire.Bool(t.FreeTier()) },
		"hypervisor":                            func(t catalog.Type) []string { return wire.NonEmpty(t.Hypervisor) },
		"processor-info.supported-architecture": func(t catalog.Type) []string { return wire.NonEmpty(t.Architecture) },
		"memory-info.size-in-mib":               func(t catalog.Type) []string { return wire.Integer(t.MemoryMiB) },
		"supported-root-device-type":            func(t catalog.Type) []string { return t.RootDevices() },
		"supported-usage-class":                 func(catalog.Type) []string { return []string{"on-demand", "spot"} },
		"supported-virtualization-type":         wire.Constant[catalog.Type]("hvm"),
		"vcpu-info.default-vcpus":               func(t catalog.Type) []string { return wire.Integer(int64(t.VCPU)) },
		"vcpu-info.default-cores":               func(t catalog.Type) []string { return wire.Integer(int64(t.Cores)) },
		"vcpu-info.default-threads-per-core":    func(t catalog.Type) []string { return wire.Integer(int64(t.ThreadsPerCore)) },
		"instance-storage-supported": func(t catalog.Type) []string {
			disks, _, _ := t.InstanceStorage()
			return wire.Bool(disks > 0)
		},
		"instance-storage-info.disk.count":       disk(func(n int, _ int64, _ bool) []string { return wire.Integer(int64(n)) }),
		"instance-storage-info.disk.size-in-gb":  disk(func(_ int, gb int64, _ bool) []string { return wire.Integer(gb) }),
		"instance-storage-info.disk.type":        disk(func(_ int, _ int64, ssd bool) []string { return wire.NonEmpty(diskKind(ssd)) }),
		"instance-storage-info.total-size-in-gb": disk(func(n int, gb int64, _ bool) []string { return wire.Integer(int64(n) * gb) }),
	}
}

// otherTypeFilters are documented too.
func otherTypeFilters() []string {
	return []string{
		"auto-recovery-supported", "ebs-info.attachment-limit-type", "ebs-info.maximum-ebs-attachments",
		"ebs-info.ebs-optimized-info.baseline-bandwidth-in-mbps", "ebs-info.ebs-optimized-info.baseline-iops",
		"ebs-info.ebs-optimized-info.baseline-throughput-in-mbps", "ebs-info.ebs-optimized-info.maximum-bandwidth-in-mbps",
		"ebs-info.ebs-optimized-info.maximum-iops", "ebs-info.ebs-optimized-info.maximum-throughput-in-mbps",
		"ebs-info.ebs-optimized-support", "ebs-info.encryption-support", "ebs-info.nvme-support", "hibernation-supported",
		"instance-storage-info.encryption-support", "instance-storage-info.nvme-support", "network-info.bandwidth-weightings",
		"network-info.efa-info.maximum-efa-interfaces", "network-info.efa-supported", "network-info.ena-support",
		"network-info.encryption-in-transit-supported", "network-info.flexible-ena-queues-support",
		"network-info.ipv4-addresses-per-interface", "network-info.ipv6-addresses-per-interface", "network-info.ipv6-supported",
		"network-info.maximum-network-cards", "network-info.maximum-network-interfaces", "network-info.network-performance",
		"nitro-enclaves-support", "nitro-tpm-info.supported-versions", "nitro-tpm-support", "processor-info.supported-features",
		"processor-info.sustained-clock-speed-in-ghz", "reboot-migration-support", "supported-boot-mode",
		"vcpu-info.valid-cores", "vcpu-info.valid-threads-per-core",
	}
}
