package price_test

import (
	"strings"
	"testing"

	"pgregory.net/rapid"

	"nightshift/internal/fleet"
	"nightshift/internal/price"
)

func storage(t testing.TB, region, usagetype, unit, amount string) price.Product {
	t.Helper()
	rate, err := price.ParseUSD(amount)
	if err != nil {
		t.Fatal(err)
	}
	return price.Product{
		SKU:        strings.ToUpper(usagetype),
		Attributes: map[string]string{"regionCode": region, "locationType": "AWS Region", "usagetype": usagetype},
		Rates:      []price.Rate{{Code: usagetype, Unit: unit, USD: rate, Begin: "0", End: "Inf"}},
	}
}

// seoulRates are those of the price list in Seoul; the second and third tier of
// io2 follow the ratio of us-east-1.
func seoulRates(t testing.TB) []price.Product {
	t.Helper()
	row := func(usagetype, unit, amount string) price.Product {
		return storage(t, "ap-northeast-2", "APN2-EBS:"+usagetype, unit, amount)
	}
	return []price.Product{
		row("VolumeUsage", "GB-Mo", "0.08"),
		row("VolumeIOUsage", "IOs", "0.00000008"),
		row("VolumeUsage.gp2", "GB-Mo", "0.114"),
		row("VolumeUsage.gp3", "GB-Mo", "0.0912"),
		row("VolumeP-IOPS.gp3", "IOPS-Mo", "0.0057"),
		row("VolumeP-Throughput.gp3", "GiBps-mo", "46.6944"),
		row("VolumeUsage.piops", "GB-Mo", "0.1278"),
		row("VolumeP-IOPS.piops", "IOPS-Mo", "0.0666"),
		row("VolumeUsage.io2", "GB-month", "0.1278"),
		row("VolumeP-IOPS.io2", "IOPS-Mo", "0.0666"),
		row("VolumeP-IOPS.io2.tier2", "IOPS-Mo", "0.04662"),
		row("VolumeP-IOPS.io2.tier3", "IOPS-Mo", "0.032634"),
		row("VolumeUsage.st1", "GB-Mo", "0.051"),
		row("VolumeUsage.sc1", "GB-Mo", "0.0174"),
		row("SnapshotUsage", "GB-Mo", "0.05"),
	}
}

func TestVolumePricesByHand(t *testing.T) {
	rates := price.PickRates(seoulRates(t), seoul)
	for name, c := range map[string]struct {
		volume fleet.Volume
		parts  []string
		total  string
	}{
		"gp3 with everything": {
			fleet.Volume{Type: fleet.GP3, SizeGiB: 1000, IOPS: 16000, ThroughputMiBps: 1000},
			[]string{"91.20", "74.10", "39.90"},
			"205.20",
		},
		"gp3 as it comes":   {fleet.Volume{Type: fleet.GP3, SizeGiB: 100, IOPS: 3000, ThroughputMiBps: 125}, []string{"9.12"}, "9.12"},
		"gp3 unknown rates": {fleet.Volume{Type: fleet.GP3, SizeGiB: 100}, []string{"9.12"}, "9.12"},
		"gp2":               {fleet.Volume{Type: fleet.GP2, SizeGiB: 100, IOPS: 300}, []string{"11.40"}, "11.40"},
		"st1":               {fleet.Volume{Type: fleet.ST1, SizeGiB: 500}, []string{"25.50"}, "25.50"},
		"sc1":               {fleet.Volume{Type: fleet.SC1, SizeGiB: 500}, []string{"8.70"}, "8.70"},
		"standard":          {fleet.Volume{Type: fleet.Magnetic, SizeGiB: 100}, []string{"8.00"}, "8.00"},
		"io1":               {fleet.Volume{Type: fleet.IO1, SizeGiB: 100, IOPS: 3000}, []string{"12.78", "199.80"}, "212.58"},
		"io2 in one tier":   {fleet.Volume{Type: fleet.IO2, SizeGiB: 100, IOPS: 32000}, []string{"12.78", "2131.20"}, "2143.98"},
		"io2 in two tiers": {
			fleet.Volume{Type: fleet.IO2, SizeGiB: 100, IOPS: 40000},
			[]string{"12.78", "2131.20", "372.96"},
			"2516.94",
		},
	} {
		t.Run(name, func(t *testing.T) {
			cost := price.VolumePrice(c.volume, rates)
			if got := cost.USD.String(); got != c.total || cost.Status != price.Exact {
				t.Errorf("%s %s, want %s exact (%s)", got, cost.Status, c.total, cost.Note)
			}
			var parts []string
			for _, part := range cost.Parts {
				parts = append(parts, part.USD.String())
				if part.Quote.SKU == "" {
					t.Errorf("part %s names no SKU", part.Dimension)
				}
			}
			if strings.Join(parts, " ") != strings.Join(c.parts, " ") {
				t.Errorf("parts %v, want %v", parts, c.parts)
			}
		})
	}
}

func TestIO2TiersInUSEast1(t *testing.T) {
	rates := price.PickRates([]price.Product{
		storage(t, "us-east-1", "EBS:VolumeUsage.io2", "GB-month", "0.125"),
		storage(t, "us-east-1", "EBS:VolumeP-IOPS.io2", "IOPS-Mo", "0.065"),
		storage(t, "us-east-1", "EBS:VolumeP-IOPS.io2.tier2", "IOPS-Mo", "0.0455"),
		storage(t, "us-east-1", "EBS:VolumeP-IOPS.io2.tier3", "IOPS-Mo", "0.03185"),
	}, "us-east-1")
	for iops, want := range map[int64]string{64_000: "3536.00", 100_000: "4682.60"} {
		cost := price.VolumePrice(fleet.Volume{Type: fleet.IO2, SizeGiB: 8, IOPS: iops}, rates)
		storage := cost.Parts[0].USD
		if got := cost.USD.Add(-storage).String(); got != want {
			t.Errorf("%d IOPS cost %s, want %s", iops, got, want)
		}
	}
}

// TestFreeShareIsTakenOffOnce covers the two ways in which the price list marks
// the 3,000 IOPS that gp3 includes.
func TestFreeShareIsTakenOffOnce(t *testing.T) {
	begins := storage(t, "ap-northeast-2", "APN2-EBS:VolumeP-IOPS.gp3", "IOPS-Mo", "0.0057")
	begins.Rates[0].Begin = "3000"
	tiers := storage(t, "ap-northeast-2", "APN2-EBS:VolumeP-IOPS.gp3", "IOPS-Mo", "0.0057")
	tiers.Rates[0].Begin = "3000"
	tiers.Rates = append([]price.Rate{{Unit: "IOPS-Mo", Begin: "0", End: "3000"}}, tiers.Rates...)
	for name, iops := range map[string]price.Product{"begins at 3000": begins, "free tier": tiers} {
		rates := price.PickRates([]price.Product{storage(t, "ap-northeast-2", "APN2-EBS:VolumeUsage.gp3", "GB-Mo", "0.0912"), iops}, seoul)
		cost := price.VolumePrice(fleet.Volume{Type: fleet.GP3, SizeGiB: 1000, IOPS: 16000, ThroughputMiBps: 125}, rates)
		if got := cost.USD.String(); got != "165.30" || cost.Status != price.Exact {
			t.Errorf("%s: %s %s %s, want 165.30 exact", name, got, cost.Status, cost.Note)
		}
	}
}

func TestThroughputPerMiBNeedsNoDivision(t *testing.T) {
	rates := price.PickRates([]price.Product{
		storage(t, "us-west-2", "USW2-EBS:VolumeUsage.gp3", "GB-Mo", "0.08"),
		storage(t, "us-west-2", "USW2-EBS:VolumeP-Throughput.gp3", "MiBps-Mo", "0.04"),
	}, "us-west-2")
	cost := price.VolumePrice(fleet.Volume{Type: fleet.GP3, SizeGiB: 10, IOPS: 3000, ThroughputMiBps: 130}, rates)
	if got := cost.USD.String(); got != "1.00" {
		t.Errorf("10 GiB and 5 MiB/s cost %s, want 1.00", got)
	}
}

func TestVolumeWithoutPriceIsMissingNotFree(t *testing.T) {
	gp3 := storage(t, "ap-northeast-2", "APN2-EBS:VolumeUsage.gp3", "GB-Mo", "0.0912")
	localZone := storage(t, "ap-northeast-2", "APN2-EBS:VolumeUsage.gp2", "GB-Mo", "0.13")
	localZone.Attributes["locationType"] = "AWS Local Zone"
	tokyo := storage(t, "ap-northeast-1", "APN1-EBS:VolumeUsage.sc1", "GB-Mo", "0.018")
	wrongUnit := storage(t, "ap-northeast-2", "APN2-EBS:VolumeUsage.st1", "IOPS-Mo", "0.051")
	two := storage(t, "ap-northeast-2", "APN2-EBS:VolumeUsage", "GB-Mo", "0.09")
	rates := price.PickRates([]price.Product{
		gp3, localZone, tokyo, wrongUnit, two,
		storage(t, "ap-northeast-2", "APN2-EBS:VolumeUsage", "GB-Mo", "0.08"),
	}, seoul)
	for name, c := range map[string]struct {
		volume fleet.Volume
		status price.Status
		note   string
	}{
		"unknown type":     {fleet.Volume{Type: "gp4", SizeGiB: 10}, price.Missing, `volume type "gp4"`},
		"one part missing": {fleet.Volume{Type: fleet.GP3, SizeGiB: 10, IOPS: 4000}, price.Missing, "EBS:VolumeP-IOPS.gp3"},
		"Local Zone only":  {fleet.Volume{Type: fleet.GP2, SizeGiB: 10}, price.Missing, "EBS:VolumeUsage.gp2"},
		"other region":     {fleet.Volume{Type: fleet.SC1, SizeGiB: 10}, price.Missing, "EBS:VolumeUsage.sc1"},
		"wrong unit":       {fleet.Volume{Type: fleet.ST1, SizeGiB: 10}, price.Missing, "per IOPS-Mo, not per GiB"},
		"two prices":       {fleet.Volume{Type: fleet.Magnetic, SizeGiB: 10}, price.Ambiguous, "2 prices match"},
	} {
		t.Run(name, func(t *testing.T) {
			cost := price.VolumePrice(c.volume, rates)
			if cost.Status != c.status || !strings.Contains(cost.Note, c.note) {
				t.Errorf("%s %q, want %s with %q", cost.Status, cost.Note, c.status, c.note)
			}
		})
	}
}

// TestMoreNeverCostsLess holds for all types and any size, IOPS and throughput,
// and the total is always the sum of its parts.
func TestMoreNeverCostsLess(t *testing.T) {
	rates := price.PickRates(seoulRates(t), seoul)
	types := []fleet.VolumeType{fleet.GP2, fleet.GP3, fleet.IO1, fleet.IO2, fleet.ST1, fleet.SC1, fleet.Magnetic}
	rapid.Check(t, func(t *rapid.T) {
		small := fleet.Volume{
			Type:            rapid.SampledFrom(types).Draw(t, "type"),
			SizeGiB:         rapid.Int64Range(1, 65_536).Draw(t, "size"),
			IOPS:            rapid.Int64Range(0, 256_000).Draw(t, "iops"),
			ThroughputMiBps: rapid.Int64Range(0, 2000).Draw(t, "throughput"),
		}
		big := small
		big.SizeGiB += rapid.Int64Range(0, 1000).Draw(t, "more size")
		big.IOPS += rapid.Int64Range(0, 1000).Draw(t, "more iops")
		big.ThroughputMiBps += rapid.Int64Range(0, 100).Draw(t, "more throughput")
		less, more := price.VolumePrice(small, rates), price.VolumePrice(big, rates)
		if more.USD < less.USD {
			t.Fatalf("%+v costs %v, more than %v of %+v", small, less.USD, more.USD, big)
		}
		var sum price.USD
		for _, part := range more.Parts {
			sum = sum.Add(part.USD)
		}
		if sum != more.USD || more.Status != price.Exact {
			t.Fatalf("parts sum to %v, total %v %s", sum, more.USD, more.Status)
		}
	})
}

func TestVolumesInLocalZonesAreNotExact(t *testing.T) {
	rates := price.PickRates(seoulRates(t), seoul)
	for zone, want := range map[fleet.Zone]price.Status{"ap-northeast-2a": price.Exact, "": price.Exact, "ap-northeast-2-icn-1a": price.Fallback} {
		v := fleet.Volume{Target: fleet.Target{Region: seoul}, Zone: zone, Type: fleet.GP3, SizeGiB: 100}
		if cost := price.VolumePrice(v, rates); cost.Status != want || cost.USD.String() != "9.12" {
			t.Errorf("in %q: %s %s (%s), want 9.12 %s", zone, cost.USD, cost.Status, cost.Note, want)
		}
	}
}
