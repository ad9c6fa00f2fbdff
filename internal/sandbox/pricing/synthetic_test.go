package pricing

import (
	"math"
	"strconv"
	"strings"
	"testing"

	"nightshift/internal/sandbox/catalog"
)

// TestSyntheticPrices recomputes every derived price from the published ones,
// by the rules of data/README.md.
func TestSyntheticPrices(t *testing.T) {
	c := testCatalog(t)
	types, err := catalog.LoadTypes()
	if err != nil {
		t.Fatal(err)
	}
	linux := func(region, name string) float64 {
		return float64(c.Listed[catalog.InstanceKey{Region: region, Name: name, Operation: "RunInstances", Tenancy: "Shared"}].USD) / float64(catalog.Dollar)
	}
	size := func(name string) float64 {
		spec, ok := types.Spec(name)
		if !ok {
			t.Fatalf("unknown type %s", name)
		}
		if strings.HasPrefix(name, "t") {
			f, err := strconv.ParseFloat(catalog.SizeFactor(spec.Size()), 64)
			if err != nil {
				t.Fatal(err)
			}
			return f
		}
		return float64(spec.VCPU)
	}
	rules := map[string]int{}
	err = catalog.EachRow("prices.csv", 9, func(r []string) error {
		region, name, source := r[0], r[1], r[7]
		rule, from, _ := strings.Cut(r[8], ":")
		got, err := strconv.ParseFloat(r[4], 64)
		if err != nil {
			return err
		}
		if (rule == "") == (source == "") {
			t.Errorf("%v: a price has a source or a rule", r)
		}
		var want float64
		decimals := 5
		switch rule {
		case "":
			want = got
		case "size":
			want = linux(region, from) * size(name) / size(from)
			if strings.HasPrefix(name, "t") {
				decimals = 4
			}
		case "region":
			want = linux("us-east-1", name) * linux("ap-northeast-2", from) / linux("us-east-1", from)
		case "zone":
			want = linux(from, name) * 1.25
		case "licence":
			spec, _ := types.Spec(name)
			if windows, ok := c.Listed[catalog.InstanceKey{Region: region, Name: name, Operation: "RunInstances:0002", Tenancy: "Shared"}]; ok {
				want = float64(windows.USD)/float64(catalog.Dollar) - 0.046*float64(spec.VCPU)
			} else {
				want = float64(c.Listed[catalog.InstanceKey{Region: region, Name: name, Operation: "RunInstances:0800", Tenancy: "Shared"}].USD) / float64(catalog.Dollar)
			}
		default:
			t.Errorf("%v: unknown rule %q", r, rule)
		}
		if math.Abs(got-want) > 0.51*math.Pow10(-decimals) {
			t.Errorf("%v: the rule gives %.6f", r, want)
		}
		rules[rule]++
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, rule := range []string{"", "size", "region", "zone", "licence"} {
		if rules[rule] == 0 {
			t.Errorf("no price with rule %q", rule)
		}
	}
}

func TestSyntheticVolumePrices(t *testing.T) {
	usd := map[string]float64{}
	var derived [][]string
	if err := catalog.EachRow("ebs.csv", 7, func(r []string) error {
		v, err := strconv.ParseFloat(r[2], 64)
		usd[r[0]+" "+r[1]] = v
		if r[6] != "" {
			derived = append(derived, r)
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
	other := map[string]string{"us-east-1": "ap-northeast-2", "ap-northeast-2": "us-east-1"}
	for _, r := range derived {
		rule, from, _ := strings.Cut(r[6], ":")
		var want float64
		switch rule {
		case "tier":
			ratio, err := strconv.ParseFloat(from, 64)
			if err != nil {
				t.Fatal(err)
			}
			want = usd[r[0]+" EBS:VolumeP-IOPS.io2"] * ratio
		case "region":
			want = usd[other[r[0]]+" "+r[1]] * usd[r[0]+" "+from] / usd[other[r[0]]+" "+from]
		case "outposts":
		default:
			t.Errorf("%v: unknown rule", r)
		}
		if got := usd[r[0]+" "+r[1]]; math.Abs(got-want) > 1e-10 {
			t.Errorf("%v: the rule gives %.10f", r, want)
		}
	}
	if len(derived) < 5 {
		t.Errorf("%d derived prices", len(derived))
	}
}

// TestSyntheticAddonPrices recomputes what addons.csv has from elsewhere, and the
// hosts, whose prices all follow from those of instances.
func TestSyntheticAddonPrices(t *testing.T) {
	key := func(usage, os, region, begin string) string {
		return strings.Join([]string{usage, os, region, begin}, "|")
	}
	usd := map[string]string{}
	var rows [][]string
	if err := catalog.EachRow("addons.csv", 9, func(r []string) error {
		usd[key(r[0], r[1], r[2], r[4])] = r[3]
		rows = append(rows, r)
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	rules := map[string]int{}
	for _, r := range rows {
		rule, from, _ := strings.Cut(r[8], ":")
		if (rule == "") == (r[7] == "") {
			t.Errorf("%v: a price has a source or a rule", r)
		}
		switch want := ""; rule {
		case "", "plausible":
		case "same":
			want = usd[key(r[0], r[1], from, r[4])]
			if want != r[3] {
				t.Errorf("%v: in %s it is %q", r, from, want)
			}
		case "like":
			want = usd[key(from, r[1], r[2], r[4])]
			if want != r[3] {
				t.Errorf("%v: %s costs %q", r, from, want)
			}
		default:
			t.Errorf("%v: unknown rule", r)
		}
		rules[rule]++
	}
	for _, rule := range []string{"", "same", "like", "plausible"} {
		if rules[rule] == 0 {
			t.Errorf("no price with rule %q", rule)
		}
	}
	c := testCatalog(t)
	for _, tt := range []struct{ region, usage, usd string }{
		{"ap-northeast-2", "APN2-HostUsage:m5", "6.23"}, // 0.118 / 2 × 96 × 1.1 = 6.2304
		{"us-east-1", "HostUsage:m5", "5.069"},          // as AWS has it
		{"us-east-1", "HostUsage:c5", "3.366"},
		{"us-east-1", "HostUsage:r5", "6.653"},
	} {
		got := offered(t, c, catalog.EC2Offer, "regionCode="+tt.region, "usagetype="+tt.usage)
		wantOne(t, tt.usage, got, "Hrs", tt.usd, "")
		if a := got[0].Product.Attributes; got[0].Product.ProductFamily != "Dedicated Host" || a["tenancy"] != "Host" || a["capacitystatus"] != "AllocatedHost" {
			t.Errorf("%s: %s, %v", tt.usage, got[0].Product.ProductFamily, a)
		}
	}
}

// TestSyntheticReservedTerms: common families have the published discounts of
// another type, the rest no terms at all.
func TestSyntheticReservedTerms(t *testing.T) {
	c := testCatalog(t)
	terms := func(region, name, operation string) map[string]string {
		found := map[string]string{}
		for _, p := range allProducts(t, c, instanceFilters(region, name, operation, "Shared")) {
			for key, term := range p.Terms.Reserved {
				_, code, _ := strings.Cut(key, ".")
				found[code] = term.PriceDimensions[key+"."+catalog.HourlyRate].PricePerUnit["USD"]
			}
		}
		return found
	}
	const noUpfront = "4NA7Y494T4" // 1 year, standard
	for region, ratio := range map[string]float64{"ap-northeast-2": 23.80103 / 38.682, "us-east-1": 16.41374 / 26.676} {
		for _, name := range []string{"m5.large", "t3.medium", "c5.xlarge"} {
			got := terms(region, name, catalog.LinuxOperation)
			usd := float64(c.Listed[catalog.InstanceKey{Region: region, Name: name, Operation: catalog.LinuxOperation, Tenancy: "Shared"}].USD) / float64(catalog.Dollar)
			hourly, err := strconv.ParseFloat(got[noUpfront], 64)
			if len(got) != 12 || err != nil || math.Abs(hourly-usd*ratio) > 1e-9 {
				t.Errorf("%s in %s: %d terms, %s an hour; want 12, %.10f", name, region, len(got), got[noUpfront], usd*ratio)
			}
		}
	}
	for name, operation := range map[string]string{"c8g.large": catalog.LinuxOperation, "m5.large": catalog.WindowsOperation} {
		if got := terms("ap-northeast-2", name, operation); len(got) != 0 {
			t.Errorf("%s %s: %d terms", name, operation, len(got))
		}
	}
}
