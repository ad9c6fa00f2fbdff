package cost_test

import (
	"context"
	"iter"
	"slices"
	"sync"
	"testing"
	"time"

	"nightshift/internal/cost"
	"nightshift/internal/fleet"
	"nightshift/internal/price"
)

var (
	seoul = fleet.Target{Account: "123456789012", Region: "ap-northeast-2"}
	tokyo = fleet.Target{Account: "123456789012", Region: "ap-northeast-1"}
	kst   = time.FixedZone("KST", 9*3600)
	// now is a Sunday morning in Seoul.
	now        = time.Date(2026, 11, 22, 9, 0, 0, 0, kst)
	monthStart = time.Date(2026, 11, 1, 0, 0, 0, 0, kst)
)

// estate is one target in memory. An error comes after the items.
type estate struct {
	instances []fleet.Instance
	volumes   []fleet.Volume

	instancesErr, volumesErr, typesErr error
}

func items[T any](list []T, err error) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		for _, item := range list {
			if !yield(item, nil) {
				return
			}
		}
		if err != nil {
			var none T
			yield(none, err)
		}
	}
}

func (e estate) Instances(context.Context) iter.Seq2[fleet.Instance, error] {
	return items(e.instances, e.instancesErr)
}

func (e estate) Volumes(context.Context) iter.Seq2[fleet.Volume, error] {
	return items(e.volumes, e.volumesErr)
}

func (e estate) Types(_ context.Context, types []fleet.InstanceType) (map[fleet.InstanceType]fleet.TypeInfo, error) {
	known := map[fleet.InstanceType]fleet.TypeInfo{
		"t3.nano":      {VCPU: 2, Cores: 1, ThreadsPerCore: 2, MemoryMiB: 512},
		"m5.large":     {VCPU: 2, Cores: 1, ThreadsPerCore: 2, MemoryMiB: 8192, EBSIOPS: 18_750},
		"m5.xlarge":    {VCPU: 4, Cores: 2, ThreadsPerCore: 2, MemoryMiB: 16384},
		"x1e.32xlarge": {VCPU: 128, Cores: 64, ThreadsPerCore: 2, MemoryMiB: 3904 * 1024},
	}
	found := map[fleet.InstanceType]fleet.TypeInfo{}
	for _, name := range types {
		if info, ok := known[name]; ok && e.typesErr == nil {
			found[name] = info
		}
	}
	return found, e.typesErr
}

// list is a price list in memory that remembers what it was asked.
type list struct {
	products                 []price.Product
	instancesErr, volumesErr error

	mu      sync.Mutex
	asked   [][]price.InstanceKey
	regions []fleet.Region
}

func (l *list) Instances(_ context.Context, keys []price.InstanceKey) ([]price.Product, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.asked = append(l.asked, slices.Clone(keys))
	return l.products, l.instancesErr
}

func (l *list) Rates(_ context.Context, region fleet.Region) ([]price.Product, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.regions = append(l.regions, region)
	return l.products, l.volumesErr
}

func dollars(t testing.TB, text string) price.USD {
	t.Helper()
	usd, err := price.ParseUSD(text)
	if err != nil {
		t.Fatal(err)
	}
	return usd
}

// seoulPrices are public list prices of Seoul.
func seoulPrices(t testing.TB) *list {
	t.Helper()
	var l list
	for _, row := range [][3]string{
		{"m5.large", "RunInstances", "0.118"},
		{"m5.xlarge", "RunInstances", "0.236"},
		{"m5.xlarge", "RunInstances:0002", "0.42"},
		{"t3.nano", "RunInstances", "0.0065"},
	} {
		l.products = append(l.products, price.Product{
			SKU: row[0] + "/" + row[1],
			Attributes: map[string]string{
				"regionCode": "ap-northeast-2", "locationType": "AWS Region", "instanceType": row[0], "operation": row[1],
				"tenancy": "Shared", "capacitystatus": "Used", "marketoption": "OnDemand",
			},
			Rates: []price.Rate{{Unit: "Hrs", USD: dollars(t, row[2]), Begin: "0", End: "Inf"}},
		})
	}
	for _, row := range [][3]string{
		{"EBS:VolumeUsage.gp2", "GB-Mo", "0.114"},
		{"EBS:VolumeUsage.gp3", "GB-Mo", "0.0912"},
		{"EBS:VolumeP-IOPS.gp3", "IOPS-Mo", "0.0057"},
		{"EBS:VolumeP-Throughput.gp3", "GiBps-mo", "46.6944"},
		{"EBS:VolumeUsage.io2", "GB-month", "0.1278"},
		{"EBS:VolumeP-IOPS.io2", "IOPS-Mo", "0.0666"},
	} {
		l.products = append(l.products, price.Product{
			SKU:        row[0],
			Attributes: map[string]string{"regionCode": "ap-northeast-2", "locationType": "AWS Region", "usagetype": "APN2-" + row[0]},
			Rates:      []price.Rate{{Unit: row[1], USD: dollars(t, row[2]), Begin: "0", End: "Inf"}},
		})
	}
	return &l
}

// server is a running m5.large that has been up since the month before.
func server(id fleet.ResourceID) fleet.Instance {
	return fleet.Instance{
		Target: seoul, ID: id, Type: "m5.large", State: fleet.Running, Zone: "ap-northeast-2a",
		Tags:       fleet.Tags{"Name": "name of " + string(id)},
		LaunchTime: monthStart.AddDate(0, -1, 0), FirstLaunch: monthStart.AddDate(-1, 0, 0),
		PlatformDetails: "Linux/UNIX", UsageOperation: "RunInstances", Tenancy: "default",
	}
}

func disk(id fleet.VolumeID, kind fleet.VolumeType, size int64, on ...fleet.ResourceID) fleet.Volume {
	return fleet.Volume{
		Target: seoul, ID: id, Type: kind, State: "in-use", Zone: "ap-northeast-2a", SizeGiB: size,
		Created: monthStart.AddDate(-1, 0, 0), AttachedTo: on,
	}
}

func build(t testing.TB, e estate, prices *list, o cost.Options) cost.Report {
	t.Helper()
	o.Now, o.Zone = now, kst
	r, err := cost.Build(t.Context(), []cost.Source{{Target: seoul, Inventory: e}}, prices, o)
	if err != nil {
		t.Fatal(err)
	}
	return r
}
