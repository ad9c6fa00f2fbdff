package xlsx_test

import (
	"context"
	"fmt"
	"iter"
	"testing"
	"time"

	"nightshift/internal/cost"
	"nightshift/internal/cost/recommend"
	"nightshift/internal/cost/sheet"
	"nightshift/internal/fleet"
	"nightshift/internal/price"
)

// seoul is the target of these tests; its prices are those of the public price
// list.
var seoul = fleet.Target{Account: "123456789012", Region: "ap-northeast-2"}

// estate is an account in memory, with a price list.
type estate struct {
	instances iter.Seq[fleet.Instance]
	volumes   iter.Seq[fleet.Volume]
	prices
}

func (e estate) Instances(context.Context) iter.Seq2[fleet.Instance, error] {
	return func(yield func(fleet.Instance, error) bool) {
		for i := range e.instances {
			if !yield(i, nil) {
				return
			}
		}
	}
}

func (e estate) Volumes(context.Context) iter.Seq2[fleet.Volume, error] {
	return func(yield func(fleet.Volume, error) bool) {
		for v := range e.volumes {
			if !yield(v, nil) {
				return
			}
		}
	}
}

func (e estate) Types(context.Context, []fleet.InstanceType) (map[fleet.InstanceType]fleet.TypeInfo, error) {
	return map[fleet.InstanceType]fleet.TypeInfo{
		"m5.large":  {Type: "m5.large", VCPU: 2, Cores: 1, ThreadsPerCore: 2, MemoryMiB: 8192},
		"m5.xlarge": {Type: "m5.xlarge", VCPU: 4, Cores: 2, ThreadsPerCore: 2, MemoryMiB: 16384},
		"t3.medium": {Type: "t3.medium", VCPU: 2, Cores: 1, ThreadsPerCore: 2, MemoryMiB: 4096},
	}, nil
}

type prices struct{}

func (prices) Instances(context.Context, []price.InstanceKey) ([]price.Product, error) {
	compute := func(sku, instanceType, operation string, usd price.USD) price.Product {
		return price.Product{SKU: sku, Version: "20260925174521", Published: time.Date(2026, 9, 25, 17, 45, 21, 0, time.UTC), Attributes: map[string]string{
			"regionCode": "ap-northeast-2", "locationType": "AWS Region", "instanceType": instanceType, "operation": operation,
			"tenancy": "Shared", "capacitystatus": "Used", "marketoption": "OnDemand",
		}, Rates: []price.Rate{{Code: sku + ".JRTCKXETXF.6YS6EN2CT7", Unit: "Hrs", USD: usd, Begin: "0", End: "Inf"}}}
	}
	return []price.Product{
		compute("LINUXM5L", "m5.large", "RunInstances", price.Dollar*118/1000),
		compute("LINUXM5XL", "m5.xlarge", "RunInstances", price.Dollar*236/1000),
		compute("WINM5XL", "m5.xlarge", "RunInstances:0002", price.Dollar*42/100),
		compute("LINUXT3M", "t3.medium", "RunInstances", price.Dollar*52/1000),
	}, nil
}

func (prices) Rates(context.Context, fleet.Region) ([]price.Product, error) {
	storage := func(sku, usagetype, unit string, usd price.USD) price.Product {
		return price.Product{SKU: sku, Attributes: map[string]string{
			"regionCode": "ap-northeast-2", "locationType": "AWS Region", "usagetype": "APN2-" + usagetype,
		}, Rates: []price.Rate{{Code: sku + ".JRTCKXETXF.6YS6EN2CT7", Unit: unit, USD: usd, Begin: "0", End: "Inf"}}}
	}
	return []price.Product{
		storage("GP3", "EBS:VolumeUsage.gp3", "GB-Mo", price.Dollar*912/10000),
		storage("GP3IOPS", "EBS:VolumeP-IOPS.gp3", "IOPS-Mo", price.Dollar*57/10000),
		storage("GP3MIB", "EBS:VolumeP-Throughput.gp3", "GiBps-mo", price.Dollar*466944/10000),
		storage("GP2", "EBS:VolumeUsage.gp2", "GB-Mo", price.Dollar*114/1000),
	}, nil
}

var now = time.Date(2026, 11, 22, 9, 0, 0, 0, time.FixedZone("KST", 9*3600))

func reportOf(t testing.TB, e estate) sheet.Workbook {
	t.Helper()
	r, err := cost.Build(t.Context(), []cost.Source{{Target: seoul, Inventory: e}}, e.prices,
		cost.Options{Now: now, Zone: now.Location(), ExcludePlatform: "RDS"})
	if err != nil {
		t.Fatal(err)
	}
	r.Calls = map[string]int{"ec2:DescribeInstances": 1, "pricing:GetProducts": 4}
	return sheet.Workbook{Report: r, Recommendations: recommend.For(r)}
}

// many is an estate of n instances with a volume each, made while it is read.
func many(n int) estate {
	names := []string{"web", "결제-서버", "batch", "データベース"}
	types := []fleet.InstanceType{"m5.large", "m5.xlarge", "t3.medium"}
	id := func(k int) fleet.ResourceID { return fleet.ResourceID(fmt.Sprintf("i-%017x", k)) }
	instances := func(yield func(fleet.Instance) bool) {
		for k := range n {
			i := fleet.Instance{
				Target: seoul, ID: id(k), Type: types[k%len(types)], State: fleet.Running, Zone: "ap-northeast-2a",
				Tags:       fleet.Tags{"Name": fmt.Sprintf("%s-%d", names[k%len(names)], k)},
				LaunchTime: now.AddDate(0, -1, 0), FirstLaunch: now.AddDate(0, -6, 0),
				PlatformDetails: "Linux/UNIX", UsageOperation: "RunInstances", Tenancy: "default",
			}
			if k%3 == 2 {
				i.State, i.Stopped = fleet.Stopped, time.Date(2026, 11, 20, 10, 0, 0, 0, time.UTC)
			}
			if !yield(i) {
				return
			}
		}
	}
	volumes := func(yield func(fleet.Volume) bool) {
		for k := range n {
			if !yield(fleet.Volume{
				Target: seoul, ID: fleet.VolumeID(fmt.Sprintf("vol-%017x", k)), Type: fleet.GP3, State: "in-use", Zone: "ap-northeast-2a",
				SizeGiB: int64(8 + k%500), IOPS: 3000, ThroughputMiBps: 125, Created: now.AddDate(-1, 0, 0),
				AttachedTo: []fleet.ResourceID{id(k)},
			}) {
				return
			}
		}
	}
	return estate{instances: instances, volumes: volumes}
}
