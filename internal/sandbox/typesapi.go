package sandbox

import (
	"sort"
	"strconv"
	"strings"
)

// describeTypes is DescribeInstanceTypes. Every region offers the same types.
func (c *ec2Call) describeTypes() *apiError {
	wanted := c.form.texts("InstanceType")
	fs, err := readFilters(c.form, fields[typeSpec]{
		"instance-type":      func(t typeSpec) []string { return one(t.Name) },
		"bare-metal":         func(t typeSpec) []string { return one(strconv.FormatBool(t.BareMetal)) },
		"current-generation": func(t typeSpec) []string { return one(strconv.FormatBool(t.CurrentGeneration)) },
		"processor-info.supported-architecture": func(t typeSpec) []string {
			return one(t.Architecture)
		},
		"vcpu-info.default-vcpus": func(t typeSpec) []string { return one(strconv.Itoa(t.VCPU)) },
		"vcpu-info.default-cores": func(t typeSpec) []string { return one(strconv.Itoa(t.Cores)) },
		"vcpu-info.default-threads-per-core": func(t typeSpec) []string {
			return one(strconv.Itoa(t.ThreadsPerCore))
		},
		"memory-info.size-in-mib": func(t typeSpec) []string { return one(strconv.FormatInt(t.MemoryMiB, 10)) },
	})
	if err != nil {
		return err
	}
	if len(wanted) > 0 && c.form.has("MaxResults") {
		return invalid("InvalidParameterCombination", "The parameter InstanceTypes cannot be used with the parameter MaxResults")
	}
	if len(wanted) > 100 {
		return invalid("InvalidParameterValue", "The maximum number of instance types for this request is 100")
	}
	p, err := c.page(100, len(fs) > 0)
	if err != nil {
		return err
	}
	if err := c.readOnly(); err != nil {
		return err
	}
	c.resources = len(wanted)
	names := c.sandbox.types.names()
	var only map[string]bool
	if len(wanted) > 0 {
		only = map[string]bool{}
		var unknown []string
		for _, name := range wanted {
			if _, ok := c.sandbox.types.spec(name); !ok {
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
		t, _ := c.sandbox.types.spec(name)
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
	d.flag("freeTierEligible", t.Name == "t2.micro" || t.Name == "t3.micro")
	d.open("supportedUsageClasses")
	d.text("item", "on-demand")
	d.text("item", "spot")
	d.end("supportedUsageClasses")
	d.open("supportedRootDeviceTypes")
	d.text("item", "ebs")
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
	burstable := strings.HasPrefix(t.Name, "t")
	d.flag("burstablePerformanceSupported", burstable)
	d.flag("dedicatedHostsSupported", !burstable)
}

func diskKind(ssd bool) string {
	if ssd {
		return "ssd"
	}
	return "hdd"
}
