package catalog

import (
	"embed"
	"encoding/csv"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// dataFiles hold the facts that the sandbox is built from;
// data/README.md says where each comes from and which of them are derived.
//
//go:embed data/*.csv
var dataFiles embed.FS

// Type describes one instance type, as DescribeInstanceTypes and the price
// list do.
type Type struct {
	Name              string // "m5.large"
	Family            string // "m5"
	Category          string // the price list's instanceFamily: "General purpose"
	VCPU              int    // Cores × ThreadsPerCore
	Cores             int
	ThreadsPerCore    int
	MemoryMiB         int64
	Storage           string // "EBS only", or the disks: "2 x 1900 NVMe SSD"
	Architecture      string // "x86_64" or "arm64"
	Hypervisor        string // "nitro" or "xen"; "" for bare metal
	Processor         string // the price list's physicalProcessor
	Clock             string // the price list's clockSpeed
	Network           string // the family's usual networkPerformance
	BareMetal         bool
	CurrentGeneration bool
	// EBSMbps and EBSIOPS are the most that all EBS volumes of an instance do
	// together, in Mbit/s and IOPS; 0 where the account's data do not have it.
	EBSMbps, EBSIOPS int64
}

// Size is the part of the name after the dot: "large", "metal-24xl".
func (t Type) Size() string { return t.Name[len(t.Family)+1:] }

// InstanceStorage returns the disks of the type's instance store: how many,
// how many GB each and whether they are SSDs. The count is 0 for types that
// have EBS only.
func (t Type) InstanceStorage() (count int, gb int64, ssd bool) {
	if _, err := fmt.Sscanf(t.Storage, "%d x %d", &count, &gb); err != nil {
		return 0, 0, false
	}
	return count, gb, strings.HasSuffix(t.Storage, "SSD")
}

// Types knows the instance types of the sandbox.
type Types struct {
	specs  map[string]Type
	sorted []string
}

// Spec returns the type of that name.
func (t Types) Spec(name string) (Type, bool) {
	s, ok := t.specs[name]
	return s, ok
}

// Names returns the names of all types, sorted. The caller must not change it.
func (t Types) Names() []string { return t.sorted }

// LoadTypes reads the embedded table of instance types.
func LoadTypes() (Types, error) {
	families := map[string][]string{}
	if err := EachRow("families.csv", 8, func(r []string) error {
		families[r[0]] = r
		return nil
	}); err != nil {
		return Types{}, err
	}
	t := Types{specs: map[string]Type{}}
	err := EachRow("instance_types.csv", 6, func(r []string) error {
		name := r[0]
		family, size, _ := strings.Cut(name, ".")
		f, ok := families[family]
		if !ok {
			return fmt.Errorf("type %s: no such family", name)
		}
		var n [4]int
		for i := range n {
			v, err := strconv.Atoi(r[1+i])
			if err != nil {
				return fmt.Errorf("type %s: %w", name, err)
			}
			n[i] = v
		}
		s := Type{
			Name: name, Family: family, Category: f[1], Processor: f[2], Clock: f[3],
			Architecture: f[4], CurrentGeneration: f[5] == "yes", Hypervisor: f[6], Network: f[7],
			VCPU: n[0], Cores: n[1], ThreadsPerCore: n[2], MemoryMiB: int64(n[3]), Storage: r[5],
			BareMetal: strings.HasPrefix(size, "metal"),
		}
		if s.BareMetal {
			s.Hypervisor = ""
		}
		t.specs[name] = s
		t.sorted = append(t.sorted, name)
		return nil
	})
	slices.Sort(t.sorted)
	if err != nil {
		return t, err
	}
	return t, t.loadEBSLimits()
}

// loadEBSLimits reads what instances can do with their EBS volumes.
func (t Types) loadEBSLimits() error {
	return EachRow("ebs_limits.csv", 4, func(r []string) error {
		mbps, err := strconv.ParseInt(r[1], 10, 64)
		if err != nil {
			return err
		}
		iops, err := strconv.ParseInt(r[2], 10, 64)
		if err != nil {
			return err
		}
		for name := range strings.FieldsSeq(r[0]) {
			s, ok := t.specs[name]
			if !ok {
				return fmt.Errorf("there is no type %s", name)
			}
			s.EBSMbps, s.EBSIOPS = mbps, iops
			t.specs[name] = s
		}
		return nil
	})
}

// EachRow calls do with each row of an embedded CSV file after its header.
func EachRow(file string, columns int, do func([]string) error) error {
	src, err := dataFiles.Open("data/" + file)
	if err != nil {
		return fmt.Errorf("embedded data: %w", err)
	}
	defer func() { _ = src.Close() }()
	r := csv.NewReader(src)
	r.FieldsPerRecord = columns
	rows, err := r.ReadAll()
	if err != nil {
		return fmt.Errorf("embedded %s: %w", file, err)
	}
	for i, row := range rows[1:] {
		if err := do(row); err != nil {
			return fmt.Errorf("embedded %s, line %d: %w", file, i+2, err)
		}
	}
	return nil
}

// Burstable says whether the type earns CPU credits.
func (t Type) Burstable() bool { return strings.HasPrefix(t.Name, "t") }

// FreeTier says whether the type is in the free tier.
func (t Type) FreeTier() bool { return t.Name == "t2.micro" || t.Name == "t3.micro" }

// RootDevices are the kinds of root device; "Root device type" in the EC2 User
// Guide lists the families that can have theirs on the instance store.
func (t Type) RootDevices() []string {
	if slices.Contains([]string{"c1", "c3", "d2", "i2", "m1", "m2", "m3", "r3", "x1"}, t.Family) {
		return []string{"ebs", "instance-store"}
	}
	return []string{"ebs"}
}
