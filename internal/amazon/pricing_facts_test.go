package amazon_test

import (
	"encoding/csv"
	"os"
	"strings"
	"testing"

	"nightshift/internal/fleet"
	"nightshift/internal/price"
	"nightshift/internal/sandbox"
	"nightshift/internal/sandbox/sandboxtest"
)

// fact is a row of testdata/price_facts.csv: a price of Seoul or us-east-1 that
// was published, and by whom. Derived says of one that it is not: it was rounded,
// or follows from another region's.
type fact struct {
	region                                                    fleet.Region
	os, software, name, unit, usd, kind, sku, derived, source string
}

func facts(t *testing.T) []fact {
	t.Helper()
	file, err := os.Open("testdata/price_facts.csv")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	rows, err := csv.NewReader(file).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	var list []fact
	for _, r := range rows[1:] {
		list = append(list, fact{fleet.Region(r[0]), r[1], r[2], r[3], r[4], r[5], r[6], r[7], r[8], r[9]})
	}
	return list
}

// key is the price key of a fact about an instance.
func (f fact) key() (price.InstanceKey, bool) {
	software, variant, _ := strings.Cut(strings.TrimSuffix(f.software, ")"), " (")
	operation, ok := map[string]string{
		"Linux+NA": "RunInstances", "Linux+SQL Std": "RunInstances:0004", "Linux+SQL Ent": "RunInstances:0100", "Linux+SQL Web": "RunInstances:0200",
		"Windows+NA": "RunInstances:0002", "Windows+SQL Std": "RunInstances:0006", "Windows+SQL Ent": "RunInstances:0102", "Windows+SQL Web": "RunInstances:0202",
		"RHEL+NA": "RunInstances:0010", "RHEL+SQL Std": "RunInstances:0014", "RHEL+SQL Ent": "RunInstances:0110", "RHEL+SQL Web": "RunInstances:0210",
		"SUSE+NA": "RunInstances:000g", "Ubuntu Pro+NA": "RunInstances:0g00",
	}[f.os+"+"+software]
	key := price.InstanceKey{Region: f.region, Type: fleet.InstanceType(f.name), Tenancy: "Shared", Operation: operation}
	switch variant {
	case "":
	case "BYOL":
		key.Operation = "RunInstances:0800"
	case "Dedicated":
		key.Tenancy = "Dedicated"
	case "unused":
		key.Unused = true
	default:
		return key, false
	}
	return key, ok
}

// dimensions are those of the facts that are not about instances, by the name
// that they have there.
func dimensions() map[string][]string {
	return map[string][]string{
		"gp2": {"EBS:VolumeUsage.gp2"}, "gp3": {"EBS:VolumeUsage.gp3"}, "io1": {"EBS:VolumeUsage.piops"}, "io2": {"EBS:VolumeUsage.io2"},
		"st1": {"EBS:VolumeUsage.st1"}, "sc1": {"EBS:VolumeUsage.sc1"}, "standard": {"EBS:VolumeUsage"},
		"gp3-IOPS": {"EBS:VolumeP-IOPS.gp3"}, "gp3-throughput": {"EBS:VolumeP-Throughput.gp3"}, "io1-IOPS": {"EBS:VolumeP-IOPS.piops"},
		"io2-IOPS tier1": {"EBS:VolumeP-IOPS.io2"}, "io2-IOPS tier2": {"EBS:VolumeP-IOPS.io2.tier2"}, "io2-IOPS tier3": {"EBS:VolumeP-IOPS.io2.tier3"},
		"snapshot": {price.SnapshotStorage}, "snapshot-archive": {price.SnapshotArchive},
		"public IPv4 (in use or idle)":   {price.AddressInUse, price.AddressIdle},
		"T3/T4g unlimited CPU credit":    {price.CreditsDimension("t3", false)}, // the source names the usage type CPUCredits:t3
		"CloudWatch detailed monitoring": {price.Metric},
	}
}

// unbilled are the facts about what no report has a line for: I/O requests are
// known to the bill only, and fast snapshot restore is not part of a snapshot.
func unbilled() []string { return []string{"standard-IO", "fast-snapshot-restore"} }

// Every fact about instances and volumes of Seoul and us-east-1 comes out of
// the adapter again, exactly, and from the SKU that it had.
func TestPriceFacts(t *testing.T) {
	server := sandboxtest.Start(t, sandbox.Options{})
	prices := newPeer(server.URL()).session(t).Prices()
	var keys []price.InstanceKey
	for _, f := range facts(t) {
		if key, ok := f.key(); ok && (f.kind == "instance" || f.kind == "billed") {
			keys = append(keys, key)
		}
	}
	products, err := prices.Instances(t.Context(), keys)
	if err != nil {
		t.Fatal(err)
	}
	rates := map[fleet.Region]price.Rates{}
	for _, r := range []fleet.Region{"ap-northeast-2", "us-east-1"} {
		found, err := prices.Rates(t.Context(), r)
		if err != nil {
			t.Fatal(err)
		}
		rates[r] = price.PickRates(found, r)
	}
	checked, exempt := map[string]int{}, 0
	for _, f := range facts(t) {
		var quotes []price.Quote
		switch f.kind {
		case "instance", "billed":
			key, ok := f.key()
			if !ok {
				t.Errorf("%+v: no such software", f)
				continue
			}
			quotes = []price.Quote{price.Pick(products, key)}
		default:
			for _, d := range dimensions()[f.name] {
				quotes = append(quotes, rates[f.region].Quote(d))
			}
		}
		if len(quotes) == 0 {
			if !strings.Contains(strings.Join(unbilled(), " "), f.name) {
				t.Errorf("%+v: no dimension", f)
			}
			continue
		}
		checked[f.kind]++
		want, err := price.ParseUSD(f.usd)
		if err != nil {
			t.Fatal(err)
		}
		for _, q := range quotes {
			got := q.Rate.USD
			if f.derived != "" { // the source has three decimals
				got = got.Times(1, int64(price.Dollar/1000)).Times(int64(price.Dollar/1000), 1)
				exempt++
			}
			if !q.Status.Usable() || got != want || f.sku != "" && q.SKU != f.sku {
				t.Errorf("%s %s %s %s: %s %v %s, want %s %s (%s)", f.region, f.os, f.software, f.name, q.Status, q.Rate.USD, q.SKU, f.usd, f.sku, f.source)
			}
			if q.Rate.Code == "" || q.Version == "" || q.Published.IsZero() {
				t.Errorf("%s: the quote does not say where it comes from: %+v", f.name, q)
			}
		}
	}
	t.Logf("facts by kind: %v, of which %d are compared as far as they are published", checked, exempt)
	if checked["instance"] < 250 || checked["ebs"] < 45 || checked["network"] == 0 || checked["addon"] < 2 || exempt > 3 {
		t.Errorf("facts by kind: %v", checked)
	}
}
