package amazon_test

import (
	"slices"
	"testing"

	"nightshift/internal/fleet"
	"nightshift/internal/price"
	"nightshift/internal/sandbox"
	"nightshift/internal/sandbox/sandboxtest"
)

// operations are the 19 operations by their platform details.
func operations() map[string]string {
	byPlatform := map[string]string{}
	for _, o := range price.Operations() {
		byPlatform[o.Platform] = o.Code
	}
	return byPlatform
}

// All 19 operations in Seoul, in both tenancies, used and not, virtual and bare
// metal: each is one SKU of its own, at the list's price. The list also has
// them the rows that mislead.
func TestAllOperationsInSeoul(t *testing.T) {
	server := sandboxtest.Start(t, sandbox.Options{})
	s := newPeer(server.URL()).session(t)
	machines := []fleet.InstanceType{"m5.xlarge", "x2iedn.32xlarge", "c5.metal", "r5.4xlarge"}
	info, err := s.Fleet(region).Types(t.Context(), machines)
	if err != nil {
		t.Fatal(err)
	}
	var keys []price.InstanceKey
	for _, o := range price.Operations() {
		for _, name := range machines {
			for _, tenancy := range []string{"Shared", "Dedicated"} {
				for _, unused := range []bool{false, true} {
					keys = append(keys, price.InstanceKey{Region: region, Type: name, Tenancy: tenancy, Operation: o.Code, Unused: unused})
				}
			}
		}
	}
	products, err := s.Prices().Instances(t.Context(), keys)
	if err != nil {
		t.Fatal(err)
	}
	families := map[string]bool{}
	for _, p := range products {
		families[p.Family] = true
	}
	if !families["Compute Instance"] || !families["Compute Instance (bare metal)"] {
		t.Errorf("product families %v", families)
	}
	skus := map[string]price.InstanceKey{}
	quotes := map[price.InstanceKey]price.USD{}
	for _, k := range keys {
		q := price.Pick(products, k)
		if q.Status != price.Exact || q.Rate.USD <= 0 {
			t.Errorf("%+v: %s %s", k, q.Status, q.Note)
			continue
		}
		if other, twice := skus[q.SKU]; twice {
			t.Errorf("%+v and %+v are both %s", k, other, q.SKU)
		}
		skus[q.SKU], quotes[k] = k, q.Rate.USD
	}
	// What holds between the prices of one machine (dollars an hour).
	code := operations()
	at := func(k price.InstanceKey, platform string) price.USD {
		k.Operation = code[platform]
		return quotes[k]
	}
	for k, linux := range quotes {
		if k.Operation != "RunInstances" {
			continue
		}
		idle := k
		idle.Unused = !k.Unused
		if quotes[idle] != linux {
			t.Errorf("%+v: %v, unused %v", k, linux, quotes[idle])
		}
		if k.Tenancy == "Dedicated" {
			shared := k
			shared.Tenancy = "Shared"
			if quotes[shared] >= linux {
				t.Errorf("%+v: dedicated %v, shared %v", k, linux, quotes[shared])
			}
			continue
		}
		if windows, want := at(k, "Windows"), linux.Add(usd(t, "0.046").Times(int64(info[k.Type].VCPU), 1)); windows != want {
			t.Errorf("%s: Windows %v, want %v: 0.046 more than Linux for each vCPU", k.Type, windows, want)
		}
		for _, own := range []string{"Windows BYOL", "Red Hat BYOL Linux"} {
			if at(k, own) != linux {
				t.Errorf("%s: %s %v, want that of Linux, %v", k.Type, own, at(k, own), linux)
			}
		}
		rising := []price.USD{
			linux, at(k, "Ubuntu Pro"), at(k, "Red Hat Enterprise Linux"), at(k, "Red Hat Enterprise Linux with HA"),
			at(k, "Red Hat Enterprise Linux with SQL Server Standard and HA"), at(k, "Red Hat Enterprise Linux with SQL Server Enterprise and HA"),
		}
		if !slices.IsSorted(rising) || slices.Compact(rising)[len(rising)-1] == linux {
			t.Errorf("%s: the prices do not rise with what is in them: %v", k.Type, rising)
		}
		for _, system := range []string{"", "Windows with ", "Red Hat Enterprise Linux with "} {
			web, standard, enterprise := at(k, system+"SQL Server Web"), at(k, system+"SQL Server Standard"), at(k, system+"SQL Server Enterprise")
			if web >= standard || standard >= enterprise {
				t.Errorf("%s: %sSQL Server Web %v, Standard %v, Enterprise %v", k.Type, system, web, standard, enterprise)
			}
		}
	}
}

func usd(t *testing.T, text string) price.USD {
	t.Helper()
	amount, err := price.ParseUSD(text)
	if err != nil {
		t.Fatal(err)
	}
	return amount
}

// Months of 730 hours that were worked out by hand, in Seoul.
func TestMonthsByHand(t *testing.T) {
	server := sandboxtest.Start(t, sandbox.Options{})
	prices := newPeer(server.URL()).session(t).Prices()
	tests := []struct {
		name      fleet.InstanceType
		operation string
		month     string
	}{
		{"t3.medium", "RunInstances", "37.96"},
		{"c8g.large", "RunInstances", "65.5248"},
		{"m8i.large", "RunInstances", "94.9657"},
		{"m8i.large", "RunInstances:0002", "162.1257"},
		{"m5.xlarge", "RunInstances:0002", "306.60"},
		{"m5.xlarge", "RunInstances:0800", "172.28"},
	}
	var keys []price.InstanceKey
	for _, tt := range tests {
		keys = append(keys, price.InstanceKey{Region: region, Type: tt.name, Tenancy: "Shared", Operation: tt.operation})
	}
	products, err := prices.Instances(t.Context(), keys)
	if err != nil {
		t.Fatal(err)
	}
	for n, tt := range tests {
		if q := price.Pick(products, keys[n]); q.Rate.USD.Times(730, 1) != usd(t, tt.month) {
			t.Errorf("%s %s: %v a month, want %s", tt.name, tt.operation, q.Rate.USD.Times(730, 1), tt.month)
		}
	}
	found, err := prices.Rates(t.Context(), region)
	if err != nil {
		t.Fatal(err)
	}
	rates := price.PickRates(found, region)
	for _, tt := range []struct {
		volume fleet.Volume
		month  string
	}{
		{fleet.Volume{Type: fleet.GP3, SizeGiB: 1000, IOPS: 16000, ThroughputMiBps: 1000}, "205.20"},
		{fleet.Volume{Type: fleet.GP2, SizeGiB: 100, IOPS: 300}, "11.40"},
		{fleet.Volume{Type: fleet.ST1, SizeGiB: 500}, "25.50"},
		{fleet.Volume{Type: fleet.SC1, SizeGiB: 500}, "8.70"},
		{fleet.Volume{Type: fleet.Magnetic, SizeGiB: 100}, "8.00"},
		{fleet.Volume{Type: fleet.IO1, SizeGiB: 100, IOPS: 3000}, "212.58"},
		{fleet.Volume{Type: fleet.IO2, SizeGiB: 100, IOPS: 40000}, "2516.94"}, // its second tier follows us-east-1
	} {
		if c := price.VolumePrice(tt.volume, rates); c.USD != usd(t, tt.month) || !c.Status.Usable() {
			t.Errorf("%s %d GiB: %v a month (%s %s), want %s", tt.volume.Type, tt.volume.SizeGiB, c.USD, c.Status, c.Note, tt.month)
		}
	}
	for dimension, want := range map[string]string{price.SnapshotStorage: "5.00", price.SnapshotArchive: "1.25"} {
		if got := rates.Quote(dimension).Rate.USD.Times(100, 1); got != usd(t, want) {
			t.Errorf("100 GB of %s: %v a month, want %s", dimension, got, want)
		}
	}
}
