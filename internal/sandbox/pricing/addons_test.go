package pricing

import (
	"maps"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"nightshift/internal/sandbox/catalog"
)

func TestAddons(t *testing.T) {
	c := testCatalog(t)
	wantOne(t, "an address in Virginia", offered(t, c, catalog.VPCOffer, "usagetype=USE1-PublicIPv4:IdleAddress"), "Hrs", "0.005", "")
	if p := offered(t, c, catalog.VPCOffer, "usagetype=APN2-PublicIPv4:InUseAddress")[0]; p.Product.ProductFamily != "" || p.ServiceCode != catalog.VPCOffer {
		t.Errorf("product family %q of %s, want none", p.Product.ProductFamily, p.ServiceCode)
	}
	for _, tt := range []struct{ region, usage, os, usd string }{
		{"ap-northeast-2", "APN2-CPUCredits:t2", "Linux", "0.05"},
		{"ap-northeast-2", "APN2-CPUCredits:t3a", "Windows", "0.096"},
		{"us-east-1", "CPUCredits:t4g", "Linux", "0.04"},
		{"us-east-1", "CPUCredits:t3", "Windows", "0.096"},
	} {
		got := offered(t, c, catalog.EC2Offer, "regionCode="+tt.region, "productFamily=CPU Credits", "usagetype="+tt.usage, "operatingSystem="+tt.os)
		wantOne(t, tt.usage+" "+tt.os, got, "vCPU-Hours", tt.usd, "")
	}
	if got := offered(t, c, catalog.EC2Offer, "usagetype=CPUCredits:t4g", "operatingSystem=Windows"); len(got) != 0 {
		t.Error("Windows on Arm has credits")
	}
	got := offered(t, c, catalog.CloudWatchOffer, "usagetype=APN2-CW:MetricMonitorUsage")
	want := []string{"0-10000 0.3000000000", "10000-250000 0.1000000000", "250000-1000000 0.0500000000", "1000000-Inf 0.0200000000"}
	if diff := cmp.Diff(want, got[0].tiers(t)); diff != "" || len(got) != 1 {
		t.Errorf("%d products for metrics (-want +got):\n%s", len(got), diff)
	}
	if got := offered(t, c, catalog.VPCOffer, "regionCode=ap-northeast-2", "servicecode=AmazonEC2"); len(got) != 0 {
		t.Errorf("%d products of EC2 among those of VPC", len(got))
	}
}

// TestServices: each service has its own attributes.
func TestServices(t *testing.T) {
	c := testCatalog(t)
	if got := slices.Sorted(maps.Keys(c.Fields)); !slices.Equal(got, []string{"AmazonCloudWatch", "AmazonEC2", "AmazonVPC"}) {
		t.Errorf("services %v", got)
	}
	if status, a := callPricing(t, c, "GetAttributeValues", object{"ServiceCode": catalog.VPCOffer, "AttributeName": "instanceType"}); status != 400 || a.Type != "NotFoundException" {
		t.Errorf("instanceType of VPC: %d %s", status, a.Type)
	}
	if got := attributeValues(c, catalog.VPCOffer, "usagetype"); !slices.Contains(got, "USE1-PublicIPv4:InUseAddress") || slices.Contains(got, "APN2-HostUsage:m5") {
		t.Errorf("usage types of VPC: %v", got)
	}
}

// TestAllOperations: what the billing information fields of EC2 know is in the
// list, for both tenancies and as an unused reservation.
func TestAllOperations(t *testing.T) {
	c := testCatalog(t)
	operations := []string{
		"RunInstances", "RunInstances:0002", "RunInstances:0004", "RunInstances:0006", "RunInstances:000g", "RunInstances:0010",
		"RunInstances:0014", "RunInstances:00g0", "RunInstances:0100", "RunInstances:0102", "RunInstances:0110", "RunInstances:0200",
		"RunInstances:0202", "RunInstances:0210", "RunInstances:0800", "RunInstances:0g00", "RunInstances:1010", "RunInstances:1014",
		"RunInstances:1110",
	}
	for _, region := range []string{"ap-northeast-2", "us-east-1"} {
		for _, operation := range operations {
			for _, tenancy := range []string{"Shared", "Dedicated"} {
				used := allProducts(t, c, instanceFilters(region, "m5.xlarge", operation, tenancy))
				filters := termFilters("regionCode="+region, "instanceType=m5.xlarge", "operation="+operation, "tenancy="+tenancy, "capacitystatus=UnusedCapacityReservation")
				unused := allProducts(t, c, filters)
				if len(used) != 1 || len(unused) != 1 {
					t.Errorf("%s %s %s: %d used, %d unused", region, operation, tenancy, len(used), len(unused))
					continue
				}
				_, usd, _ := used[0].rate(t)
				if _, idle, _ := unused[0].rate(t); idle != usd || usd == "0.0000000000" {
					t.Errorf("%s %s %s: %s used, %s unused", region, operation, tenancy, usd, idle)
				}
			}
		}
	}
}

// TestEditions: the older list has other prices where price_changes.csv says so,
// and what is derived from them, and no others.
func TestEditions(t *testing.T) {
	now := testCatalog(t)
	before, err := now.Older()
	if err != nil {
		t.Fatal(err)
	}
	price := func(c *catalog.PriceList, region, name, operation string) string {
		got := allProducts(t, c, instanceFilters(region, name, operation, "Shared"))
		_, usd, _ := got[0].rate(t)
		return usd
	}
	for _, tt := range []struct{ region, name, operation, was, is string }{
		{"ap-northeast-2", "m5.large", catalog.LinuxOperation, "0.1220000000", "0.1180000000"},
		{"ap-northeast-2", "m5.large", catalog.WindowsOperation, "0.2140000000", "0.2100000000"},
		{"ap-northeast-2", "c5.xlarge", catalog.LinuxOperation, "0.1880000000", "0.1920000000"},
		{"us-east-1", "t3.medium", catalog.LinuxOperation, "0.0426000000", "0.0416000000"},
		{"us-east-1", "m5.large", catalog.LinuxOperation, "0.0960000000", "0.0960000000"},
	} {
		if was, is := price(before, tt.region, tt.name, tt.operation), price(now, tt.region, tt.name, tt.operation); was != tt.was || is != tt.is {
			t.Errorf("%s %s %s: was %s and is %s, want %s and %s", tt.region, tt.name, tt.operation, was, is, tt.was, tt.is)
		}
	}
	wantOne(t, "gp3 before", offered(t, before, catalog.EC2Offer, "regionCode=ap-northeast-2", "usagetype=APN2-EBS:VolumeUsage.gp3"), "GB-Mo", "0.096", "MTK7D9SGKGYR3JD6")
	if len(before.Changes) != 5 || len(now.Changes) != 0 {
		t.Errorf("%d changes before, %d now", len(before.Changes), len(now.Changes))
	}
	used := map[catalog.PriceItem]bool{}
	for key := range now.Listed {
		used[catalog.PriceItem{Region: key.Region, Item: key.Name, Operation: key.Operation, Tenancy: key.Tenancy}] = true
	}
	for item := range before.Changes {
		if item.Operation != "" && !used[item] {
			t.Errorf("%v is changed, but nothing has that price", item)
		}
	}
}
