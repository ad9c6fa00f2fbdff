package price_test

import (
	"strings"
	"testing"

	"pgregory.net/rapid"

	"nightshift/internal/fleet"
	"nightshift/internal/price"
)

// prefixes are those of usage types in the price list. us-east-1 has none, and
// another one for newer services; Local Zones have their own.
func prefixes() []string {
	return []string{
		"", "USE1-", "USE2-", "USW1-", "USW2-", "CAN1-", "CAN2-", "SAE1-", "EU-", "EUC1-", "EUC2-", "EUN1-", "EUS1-", "EUS2-", "EUW2-", "EUW3-",
		"APN1-", "APN2-", "APN3-", "APS1-", "APS2-", "APS3-", "APS4-", "APS5-", "APE1-", "AFS1-", "MES1-", "MEC1-", "ILC1-", "UGW1-", "UGE1-",
		"USW2-LAX1-", "APN2-SEL1-",
	}
}

func allDimensions() []string {
	list := []string{
		"EBS:VolumeUsage", "EBS:VolumeUsage.gp2", "EBS:VolumeUsage.gp3", "EBS:VolumeUsage.piops", "EBS:VolumeUsage.io2", "EBS:VolumeUsage.st1",
		"EBS:VolumeUsage.sc1", "EBS:VolumeP-IOPS.gp3", "EBS:VolumeP-IOPS.piops", "EBS:VolumeP-IOPS.io2", "EBS:VolumeP-IOPS.io2.tier2",
		"EBS:VolumeP-IOPS.io2.tier3", "EBS:VolumeP-Throughput.gp3", "EBS:VolumeIOUsage",
		price.SnapshotStorage, price.SnapshotArchive, price.AddressInUse, price.AddressIdle, price.Metric,
	}
	for family := range strings.FieldsSeq("m5 c5 r5 x1e u-6tb1 mac2") {
		list = append(list, price.HostDimension(family))
	}
	for family := range strings.FieldsSeq("t2 t3 t3a t4g") {
		list = append(list, price.CreditsDimension(family, false))
	}
	return list
}

func TestDimensionsOfAllRegions(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		prefix := rapid.SampledFrom(prefixes()).Draw(t, "prefix")
		want := rapid.SampledFrom(allDimensions()).Draw(t, "dimension")
		if got, ok := price.DimensionOf(prefix + want); got != want || !ok {
			t.Fatalf("%s%s is the dimension %q, %v", prefix, want, got, ok)
		}
	})
	for _, other := range []string{
		"BoxUsage:m5.large", "APN2-UnusedBox:m5.large", "APN2-HostBoxUsage:m5.large", "ReservedHostUsage:m5", "UGW1-ReservedHostUsage:m5d",
		"APN2-EBSOptimized:m4.large", "EBS:directAPI.snapshot.Get", "APN2-CW:AlarmMonitorUsage", "CW:Requests", "APN2-ElasticIP:IdleAddress", "DataTransfer-Out-Bytes", "",
	} {
		if got, ok := price.DimensionOf(other); ok {
			t.Errorf("%q is the dimension %q", other, got)
		}
	}
}

// listed is a row of Seoul's price list for a dimension. Changes are
// attributes, each followed by its value.
func listed(t *testing.T, sku, usagetype, unit, amount string, changes ...string) price.Product {
	t.Helper()
	p := storage(t, "ap-northeast-2", usagetype, unit, amount)
	p.SKU = sku
	for n := 0; n < len(changes); n += 2 {
		p.Attributes[changes[n]] = changes[n+1]
	}
	return p
}

// All that is billed by the hour, the month or the metric has its rate, in the
// several ways in which the list writes a unit.
func TestRatesOfOtherThings(t *testing.T) {
	rates := price.PickRates([]price.Product{
		listed(t, "A", "APN2-EBS:SnapshotUsage", "GB-Mo", "0.05"),
		listed(t, "B", "APN2-EBS:SnapshotArchiveStorage", "GB-month", "0.0125"),
		listed(t, "C", "APN2-PublicIPv4:InUseAddress", "Hrs", "0.005"),
		listed(t, "D", "APN2-PublicIPv4:IdleAddress", "Hours", "0.005"),
		listed(t, "E", "APN2-HostUsage:m5", "Hrs", "6.232"),
		listed(t, "F", "APN2-ReservedHostUsage:m5", "Hrs", "1"),
		listed(t, "G", "APN2-CPUCredits:t3", "vCPU-Hours", "0.05", "operatingSystem", "Linux"),
		listed(t, "H", "APN2-CPUCredits:t3", "vCPU-Hours", "0.096", "operatingSystem", "Windows"),
		listed(t, "I", "APN2-CPUCredits:t4g", "vCPU-Hours", "0.04", "operatingSystem", "Linux"),
		listed(t, "J", "APN2-CW:MetricMonitorUsage", "Metrics", "0.30"),
	}, seoul)
	for dimension, want := range map[string]string{
		price.SnapshotStorage: "A 0.05", price.SnapshotArchive: "B 0.0125", price.AddressInUse: "C 0.005", price.AddressIdle: "D 0.005",
		price.HostDimension("m5"): "E 6.232", price.CreditsDimension("t3", false): "G 0.05", price.CreditsDimension("t3", true): "H 0.096",
		price.CreditsDimension("t4g", false): "I 0.04", price.Metric: "J 0.30",
	} {
		if q := rates.Quote(dimension); q.Status != price.Exact || q.SKU+" "+q.Rate.USD.String() != want {
			t.Errorf("%s: %s %s %v, want %s (%s)", dimension, q.Status, q.SKU, q.Rate.USD, want, q.Note)
		}
	}
	for _, none := range []string{price.HostDimension("c5"), price.CreditsDimension("t4g", true), "EBS:VolumeUsage.gp3"} {
		if q := rates.Quote(none); q.Status != price.Missing || !strings.Contains(q.Note, none) {
			t.Errorf("%s: %s %q", none, q.Status, q.Note)
		}
	}
}

// Metrics cost less from 10,000 on, which only the bill can show: the first
// tier is an upper bound, and says so. A free tier before it is not a price.
func TestTiersOfMetrics(t *testing.T) {
	p := listed(t, "A", "APN2-CW:MetricMonitorUsage", "Metrics", "0.30")
	p.Rates[0].End = "10000"
	p.Rates = append(p.Rates, price.Rate{Code: "A.2", Unit: "Metrics", USD: usd(t, "0.10"), Begin: "10000", End: "Inf"})
	q := price.PickRates([]price.Product{p}, seoul).Quote(price.Metric)
	if q.Status != price.Fallback || q.Rate.USD != usd(t, "0.30") || !strings.Contains(q.Note, "first tier") {
		t.Errorf("%s %v %q", q.Status, q.Rate.USD, q.Note)
	}
	other := listed(t, "B", "APN2-EBS:SnapshotUsage", "GB-Mo", "0.05")
	other.Rates[0].Begin = "1"
	other.Rates = append(other.Rates, price.Rate{Code: "B.0", Unit: "GB-Mo", Begin: "0", End: "1"})
	if q := price.PickRates([]price.Product{other}, seoul).Quote(price.SnapshotStorage); q.Status != price.Exact || q.Rate.USD != usd(t, "0.05") {
		t.Errorf("%s %v %q", q.Status, q.Rate.USD, q.Note)
	}
}

// Rows of other regions, of Local Zones and Outposts, in other units and of
// other currencies do not count, and prices that differ are not chosen between.
func TestRatesNeverGuess(t *testing.T) {
	const dimension = "EBS:VolumeUsage.gp3"
	right := listed(t, "A", "APN2-EBS:VolumeUsage.gp3", "GB-Mo", "0.0912")
	for name, other := range map[string]price.Product{
		"a Local Zone":      listed(t, "B", "APN2-SEL1-EBS:VolumeUsage.gp3", "GB-Mo", "0.12", "locationType", "AWS Local Zone"),
		"an Outpost":        listed(t, "B", "APN2-EBS:VolumeUsage.gp3", "GB-Mo", "0", "locationType", "AWS Outposts"),
		"another region":    listed(t, "B", "APN1-EBS:VolumeUsage.gp3", "GB-Mo", "0.096", "regionCode", "ap-northeast-1"),
		"another unit":      listed(t, "B", "APN2-EBS:VolumeUsage.gp3", "Quantity", "99"),
		"no price":          {SKU: "B", Attributes: right.Attributes},
		"the same price":    listed(t, "B", "APN2-EBS:VolumeUsage.gp3", "GB-Mo", "0.0912"),
		"no attributes":     {SKU: "B", Rates: right.Rates},
		"another dimension": listed(t, "B", "APN2-EBS:VolumeUsage.gp2", "GB-Mo", "0.114"),
	} {
		q := price.PickRates([]price.Product{other, right}, seoul).Quote(dimension)
		if q.Status != price.Exact || q.Rate.USD != usd(t, "0.0912") || q.SKU != "A" {
			t.Errorf("beside %s: %s %s %v (%s)", name, q.Status, q.SKU, q.Rate.USD, q.Note)
		}
	}
	q := price.PickRates([]price.Product{right, listed(t, "B", "APN2-EBS:VolumeUsage.gp3", "GB-Mo", "0.08")}, seoul).Quote(dimension)
	if q.Status != price.Ambiguous || !strings.Contains(q.Note, "A 0.0912, B 0.08") {
		t.Errorf("two prices: %s %q", q.Status, q.Note)
	}
	if q := price.PickRates([]price.Product{listed(t, "A", "APN2-EBS:VolumeUsage.gp3", "GB-Mo", "0")}, seoul).Quote(dimension); q.Status != price.Missing {
		t.Errorf("a price of nothing: %s", q.Status)
	}
	if q := (price.Rates{}).Quote(dimension); q.Status != price.Missing {
		t.Errorf("no rates at all: %s", q.Status)
	}
}

// A capacity reservation names its platform in words of its own.
func TestPlatformsOfReservations(t *testing.T) {
	for platform, want := range map[string]string{
		"Linux/UNIX": "RunInstances", "Red Hat Enterprise Linux": "RunInstances:0010", "SUSE Linux": "RunInstances:000g", "Windows": "RunInstances:0002",
		"Windows with SQL Server Enterprise": "RunInstances:0102", "Windows with SQL Server Standard": "RunInstances:0006", "Windows with SQL Server Web": "RunInstances:0202",
		"Linux with SQL Server Enterprise": "RunInstances:0100", "Linux with SQL Server Standard": "RunInstances:0004", "Linux with SQL Server Web": "RunInstances:0200",
		"RHEL with SQL Server Enterprise": "RunInstances:0110", "RHEL with SQL Server Standard": "RunInstances:0014", "RHEL with SQL Server Web": "RunInstances:0210",
		"RHEL with HA": "RunInstances:1010", "RHEL with HA and SQL Server Standard": "RunInstances:1014", "RHEL with HA and SQL Server Enterprise": "RunInstances:1110",
		"Ubuntu Pro": "RunInstances:0g00",
	} {
		key, _, note := price.KeyFor(fleet.Instance{Type: "m5.xlarge", PlatformDetails: platform}, fleet.TypeInfo{})
		if key.Operation != want || strings.Contains(note, "assumed") {
			t.Errorf("%s: %s (%s), want %s", platform, key.Operation, note, want)
		}
	}
}
