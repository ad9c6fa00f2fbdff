package pricing

import (
	"encoding/csv"
	"encoding/json"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"nightshift/internal/sandbox/catalog"
)

// TestPublishedPrices holds the price list against every price of an instance,
// a volume and what comes with them that is known to have been published for
// Seoul and Virginia. The sources are those of data/README.md.
func TestPublishedPrices(t *testing.T) {
	f, err := os.Open("testdata/price_facts.csv")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	operations := map[string]string{
		"Linux NA": "RunInstances", "Linux SQL Std": "RunInstances:0004", "Linux SQL Ent": "RunInstances:0100",
		"Linux SQL Web": "RunInstances:0200", "Windows NA": "RunInstances:0002", "Windows SQL Std": "RunInstances:0006",
		"Windows SQL Ent": "RunInstances:0102", "Windows SQL Web": "RunInstances:0202", "Windows NA (BYOL)": "RunInstances:0800",
		"RHEL NA": "RunInstances:0010", "RHEL SQL Std": "RunInstances:0014", "RHEL SQL Ent": "RunInstances:0110",
		"RHEL SQL Web": "RunInstances:0210", "SUSE NA": "RunInstances:000g", "Ubuntu Pro NA": "RunInstances:0g00",
	}
	usages := map[string]string{
		"standard": "EBS:VolumeUsage", "gp2": "EBS:VolumeUsage.gp2", "gp3": "EBS:VolumeUsage.gp3", "io1": "EBS:VolumeUsage.piops",
		"io2": "EBS:VolumeUsage.io2", "st1": "EBS:VolumeUsage.st1", "sc1": "EBS:VolumeUsage.sc1",
		"gp3-IOPS": "EBS:VolumeP-IOPS.gp3", "gp3-throughput": "EBS:VolumeP-Throughput.gp3", "io1-IOPS": "EBS:VolumeP-IOPS.piops",
		"io2-IOPS tier1": "EBS:VolumeP-IOPS.io2", "io2-IOPS tier2": "EBS:VolumeP-IOPS.io2.tier2",
		"io2-IOPS tier3": "EBS:VolumeP-IOPS.io2.tier3", "standard-IO": "EBS:VolumeIOUsage", "snapshot": "EBS:SnapshotUsage",
		"snapshot-archive": "EBS:SnapshotArchiveStorage", "fast-snapshot-restore": "EBS:FastSnapshotRestore",
	}
	units := map[string]string{"standard-IO": "IOs", "io2": "GB-month", "gp3-throughput": "GiBps-mo", "fast-snapshot-restore": "DSU-Hrs"}
	c := testCatalog(t)
	checked := map[string]int{}
	for _, row := range rows[1:] {
		region, kind, software, name, usd, sku, note := row[0], row[1], row[3], row[4], row[6], row[7], row[8]
		what := strings.Join(row[:7], " ")
		price, err := catalog.ParsePrice(usd)
		if err != nil {
			t.Fatal(err)
		}
		switch {
		case kind == "instance":
			tenancy := "Shared"
			if strings.Contains(software, "Dedicated") {
				tenancy, software = "Dedicated", "NA"
			}
			filters := instanceFilters(region, name, operations[row[2]+" "+software], tenancy)
			if note == "unused" { // the SKU is that of the unused reservation, which costs the same
				filters = append(filters[:len(filters)-2], termFilters("capacitystatus=UnusedCapacityReservation")...)
			}
			wantOne(t, what, allProducts(t, c, filters), "Hrs", usd, sku)
		case note == "rounded": // the unrounded price is there too, or follows from it
			continue
		case kind == "ebs":
			unit := units[name]
			switch {
			case strings.HasSuffix(name, "IOPS") || strings.Contains(name, "IOPS tier"):
				unit = "IOPS-Mo"
			case unit == "":
				unit = "GB-Mo"
			}
			if row[5] == "1M IOs" {
				price /= 1_000_000
			}
			usage := c.Locations[region].Prefix + usages[name]
			got := allProducts(t, c, termFilters("regionCode="+region, "locationType=AWS Region", "usagetype="+usage))
			wantOne(t, what, got, unit, price.Short(), sku)
		case kind == "network":
			for _, usage := range []string{"PublicIPv4:InUseAddress", "PublicIPv4:IdleAddress"} {
				wantOne(t, what, offered(t, c, catalog.VPCOffer, "usagetype="+c.Locations[region].Prefix+usage), "Hrs", usd, sku)
			}
		case strings.Contains(name, "CPU credit"):
			wantOne(t, what, offered(t, c, catalog.EC2Offer, "regionCode="+region, "usagetype=CPUCredits:t3", "operatingSystem=Linux"), row[5], usd, sku)
		case strings.Contains(name, "monitoring"):
			got := offered(t, c, catalog.CloudWatchOffer, "regionCode="+region, "usagetype=CW:MetricMonitorUsage")
			if first := got[0].tiers(t)[0]; len(got) != 1 || first != "0-10000 "+price.String() {
				t.Errorf("%s: the first tier is %s", what, first)
			}
		default:
			t.Errorf("%s: nobody looks at it", what)
		}
		checked[region]++
	}
	if checked["ap-northeast-2"] < 115 || checked["us-east-1"] < 185 {
		t.Errorf("too few facts were compared: %v", checked)
	}
}

// offered reads the products of a service that match "field=value" texts.
func offered(t *testing.T, c *catalog.PriceList, service string, pairs ...string) []listItem {
	t.Helper()
	status, a := callPricing(t, c, "GetProducts", object{"ServiceCode": service, "Filters": termFilters(pairs...)})
	if status != 200 || a.NextToken != "" {
		t.Fatalf("%s %v: %d %s, token %q", service, pairs, status, a.Message, a.NextToken)
	}
	items := make([]listItem, len(a.PriceList))
	for n, text := range a.PriceList {
		if err := json.Unmarshal([]byte(text), &items[n]); err != nil {
			t.Fatal(err)
		}
	}
	return items
}

// tiers are the on-demand rates, "begin-end USD", by their beginning.
func (i listItem) tiers(t *testing.T) []string {
	t.Helper()
	byBegin := map[int]string{}
	for _, term := range i.Terms.OnDemand {
		for code, d := range term.PriceDimensions {
			begin, err := strconv.Atoi(d.BeginRange)
			if err != nil || code != d.RateCode {
				t.Errorf("%s: %+v", code, d)
			}
			byBegin[begin] = d.BeginRange + "-" + d.EndRange + " " + d.PricePerUnit["USD"]
		}
	}
	var list []string
	for _, begin := range slices.Sorted(maps.Keys(byBegin)) {
		list = append(list, byBegin[begin])
	}
	return list
}
