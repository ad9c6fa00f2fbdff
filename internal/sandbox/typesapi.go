package sandbox

import (
	"sort"
	"strconv"
	"strings"
)

// mostTypes is the largest page of DescribeInstanceTypes, and the one that it
// answers with where the caller names neither a size nor types.
const mostTypes = 100

// describeTypes is DescribeInstanceTypes. Every region offers the same types.
func (c *ec2Call) describeTypes() *apiError {
	wanted := c.form.texts("InstanceType")
	fs, err := readFilters(c.form, typeFilters(), otherTypeFilters()...)
	if err != nil {
		return err
	}
	if len(wanted) > 0 && c.form.has("MaxResults") {
		return invalid("InvalidParameterCombination", "The parameter InstanceTypes cannot be used with the parameter MaxResults")
	}
	if len(wanted) > mostTypes {
		return invalid("InvalidParameterValue", "The maximum number of instance types for this request is 100")
	}
	p, err := c.page(mostTypes, len(fs) > 0)
	if err != nil {
		return err
	}
	if p.size == 0 && len(wanted) == 0 {
		p.size = mostTypes // this operation never answers with everything
	}
	if err := c.readOnly(); err != nil {
		return err
	}
	c.resources = len(wanted)
	names := c.org.types.names()
	var only map[string]bool
	if len(wanted) > 0 {
		only = map[string]bool{}
		var unknown []string
		for _, name := range wanted {
			if _, ok := c.org.types.spec(name); !ok {
				unknown = append(unknown, name)
			}
			only[name] = true
		}
		if len(unknown) > 0 {
			return invalid("InvalidInstanceType", "The following supplied instance types do not exist: ["+strings.Join(unknown, ", ")+"]")
		}
	}
	var rows []typeSpec
	for n, name := range names {
		t, _ := c.org.types.spec(name)
		if p.after(uint64(n)+1, 0) && (only == nil || only[name]) && matchAll(fs, t) {
			rows = append(rows, t)
		}
	}
	rows, token := cutPage(p, rows, func(t typeSpec) (uint64, int) {
		return uint64(sort.SearchStrings(names, t.Name)) + 1, 0
	})
	c.out.open("instanceTypeSet")
	for _, t := range rows {
		c.out.open("item")
		c.out.typeInfo(t)
		c.out.end("item")
	}
	c.out.end("instanceTypeSet")
	c.out.some("nextToken", token)
	return nil
}

func (d *doc) typeInfo(t typeSpec) {
	d.text("instanceType", t.Name)
	d.flag("currentGeneration", t.CurrentGeneration)
	d.flag("freeTierEligible", t.freeTier())
	d.open("supportedUsageClasses")
	d.text("item", "on-demand")
	d.text("item", "spot")
	d.end("supportedUsageClasses")
	d.open("supportedRootDeviceTypes")
	for _, kind := range t.rootDevices() {
		d.text("item", kind)
	}
	d.end("supportedRootDeviceTypes")
	d.open("supportedVirtualizationTypes")
	d.text("item", "hvm")
	d.end("supportedVirtualizationTypes")
	d.flag("bareMetal", t.BareMetal)
	d.some("hypervisor", t.Hypervisor)
	d.open("processorInfo")
	d.open("supportedArchitectures")
	d.text("item", t.Architecture)
	d.end("supportedArchitectures")
	d.end("processorInfo")
	d.open("vCpuInfo")
	d.number("defaultVCpus", int64(t.VCPU))
	d.number("defaultCores", int64(t.Cores))
	d.number("defaultThreadsPerCore", int64(t.ThreadsPerCore))
	d.end("vCpuInfo")
	d.open("memoryInfo")
	d.number("sizeInMiB", t.MemoryMiB)
	d.end("memoryInfo")
	disks, gb, ssd := t.instanceStorage()
	d.flag("instanceStorageSupported", disks > 0)
	if disks > 0 {
		d.open("instanceStorageInfo")
		d.number("totalSizeInGB", int64(disks)*gb)
		d.open("disks")
		d.open("item")
		d.number("sizeInGB", gb)
		d.number("count", int64(disks))
		d.text("type", diskKind(ssd))
		d.end("item")
		d.end("disks")
		d.end("instanceStorageInfo")
	}
	if t.EBSIOPS > 0 {
		d.open("ebsInfo")
		d.text("ebsOptimizedSupport", "default")
		d.open("ebsOptimizedInfo")
		d.number("maximumBandwidthInMbps", t.EBSMbps)
		d.text("maximumThroughputInMBps", strconv.FormatFloat(float64(t.EBSMbps)/8, 'f', -1, 64))
		d.number("maximumIops", t.EBSIOPS)
		d.end("ebsOptimizedInfo")
		d.end("ebsInfo")
	}
	d.flag("burstablePerformanceSupported", t.burstable())
	d.flag("dedicatedHostsSupported", !t.burstable())
}

func diskKind(ssd bool) string {
	if ssd {
		return "ssd"
	}
	return "hdd"
}

// typeFilters are the filters of DescribeInstanceTypes.
func typeFilters() fields[typeSpec] {
	disk := func(of func(count int, gb int64, ssd bool) []string) values[typeSpec] {
		return func(t typeSpec) []string {
			count, gb, ssd := t.instanceStorage()
			if count == 0 {
				return nil
			}
			return of(count, gb, ssd)
		}
	}
	return fields[typeSpec]{
		"instance-type":                         func(t typeSpec) []string { return one(t.Name) },
		"bare-metal":                            func(t typeSpec) []string { return yesNo(t.BareMetal) },
		"burstable-performance-supported":       func(t typeSpec) []string { return yesNo(t.burstable()) },
		"current-generation":                    func(t typeSpec) []string { return yesNo(t.CurrentGeneration) },
		"dedicated-hosts-supported":             func(t typeSpec) []string { return yesNo(!t.burstable()) },
		"free-tier-eligible":                    func(t typeSpec) []string { return yesNo(t.freeTier()) },
		"hypervisor":                            func(t typeSpec) []string { return one(t.Hypervisor) },
		"processor-info.supported-architecture": func(t typeSpec) []string { return one(t.Architecture) },
		"memory-info.size-in-mib":               func(t typeSpec) []string { return whole(t.MemoryMiB) },
		"supported-root-device-type":            func(t typeSpec) []string { return t.rootDevices() },
		"supported-usage-class":                 func(typeSpec) []string { return []string{"on-demand", "spot"} },
		"supported-virtualization-type":         always[typeSpec]("hvm"),
		"vcpu-info.default-vcpus":               func(t typeSpec) []string { return whole(int64(t.VCPU)) },
		"vcpu-info.default-cores":               func(t typeSpec) []string { return whole(int64(t.Cores)) },
		"vcpu-info.default-threads-per-core":    func(t typeSpec) []string { return whole(int64(t.ThreadsPerCore)) },
		"instance-storage-supported": func(t typeSpec) []string {
			disks, _, _ := t.instanceStorage()
			return yesNo(disks > 0)
		},
		"instance-storage-info.disk.count":       disk(func(n int, _ int64, _ bool) []string { return whole(int64(n)) }),
		"instance-storage-info.disk.size-in-gb":  disk(func(_ int, gb int64, _ bool) []string { return whole(gb) }),
		"instance-storage-info.disk.type":        disk(func(_ int, _ int64, ssd bool) []string { return one(diskKind(ssd)) }),
		"instance-storage-info.total-size-in-gb": disk(func(n int, gb int64, _ bool) []string { return whole(int64(n) * gb) }),
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
