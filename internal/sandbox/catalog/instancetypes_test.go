package catalog

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestInstanceTypes(t *testing.T) {
	table, err := LoadTypes()
	if err != nil {
		t.Fatal(err)
	}
	if n := len(table.Names()); n < 300 {
		t.Errorf("%d types", n)
	}
	for _, name := range table.Names() {
		s, _ := table.Spec(name)
		if s.Name != name || s.VCPU != s.Cores*s.ThreadsPerCore || s.VCPU < 1 || s.MemoryMiB < 512 {
			t.Errorf("%+v: vCPUs are cores × threads", s)
		}
		if (s.Hypervisor == "") != s.BareMetal {
			t.Errorf("%s: hypervisor %q, bare metal %v", name, s.Hypervisor, s.BareMetal)
		}
	}
	type facts struct {
		VCPU, Cores, Threads int
		MiB                  int64
		Arch                 string
		Metal, Current       bool
		Disks                int
		GB                   int64
	}
	for name, want := range map[string]facts{
		"t2.micro":        {1, 1, 1, 1024, "x86_64", false, true, 0, 0},
		"t2.xlarge":       {4, 4, 1, 16384, "x86_64", false, true, 0, 0},
		"t3.nano":         {2, 1, 2, 512, "x86_64", false, true, 0, 0},
		"t3a.2xlarge":     {8, 4, 2, 32768, "x86_64", false, true, 0, 0},
		"t4g.medium":      {2, 2, 1, 4096, "arm64", false, true, 0, 0},
		"m3.large":        {2, 1, 2, 7680, "x86_64", false, false, 1, 32},
		"m5.24xlarge":     {96, 48, 2, 393216, "x86_64", false, true, 0, 0},
		"m5.metal":        {96, 48, 2, 393216, "x86_64", true, true, 0, 0},
		"c5.9xlarge":      {36, 18, 2, 73728, "x86_64", false, true, 0, 0},
		"m7a.large":       {2, 2, 1, 8192, "x86_64", false, true, 0, 0},
		"c8g.medium":      {1, 1, 1, 2048, "arm64", false, true, 0, 0},
		"r8i.96xlarge":    {384, 192, 2, 3145728, "x86_64", false, true, 0, 0},
		"i3.large":        {2, 1, 2, 15616, "x86_64", false, true, 1, 475},
		"i3.metal":        {72, 36, 2, 524288, "x86_64", true, true, 8, 1900},
		"x2iedn.32xlarge": {128, 64, 2, 4194304, "x86_64", false, true, 2, 1900},
		"r7i.metal-24xl":  {96, 48, 2, 786432, "x86_64", true, true, 0, 0},
	} {
		s, ok := table.Spec(name)
		if !ok {
			t.Errorf("%s is missing", name)
			continue
		}
		disks, gb, _ := s.InstanceStorage()
		got := facts{s.VCPU, s.Cores, s.ThreadsPerCore, s.MemoryMiB, s.Architecture, s.BareMetal, s.CurrentGeneration, disks, gb}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	if _, ok := table.Spec("m5.tiny"); ok {
		t.Error("an unknown type is known")
	}
}
