package price_test

import (
	"strings"
	"testing"

	"nightshift/internal/fleet"
	"nightshift/internal/price"
)

const seoul fleet.Region = "ap-northeast-2"

func usd(t *testing.T, text string) price.USD {
	t.Helper()
	amount, err := price.ParseUSD(text)
	if err != nil {
		t.Fatal(err)
	}
	return amount
}

// compute is a row of the price list in Seoul. Changes are attributes, each
// followed by its value.
func compute(t *testing.T, sku, instanceType, operation, hourly string, changes ...string) price.Product {
	t.Helper()
	attributes := map[string]string{
		"regionCode": "ap-northeast-2", "locationType": "AWS Region", "instanceType": instanceType, "operation": operation,
		"tenancy": "Shared", "capacitystatus": "Used", "marketoption": "OnDemand", "licenseModel": "No License required",
	}
	for n := 0; n < len(changes); n += 2 {
		attributes[changes[n]] = changes[n+1]
	}
	return price.Product{
		SKU: sku, Attributes: attributes,
		Rates: []price.Rate{{Code: sku + ".JRTCKXETXF.6YS6EN2CT7", Unit: "Hrs", USD: usd(t, hourly), Begin: "0", End: "Inf"}},
	}
}

func TestOperationsAreTheNineteenDocumented(t *testing.T) {
	seen := map[string]bool{}
	for _, o := range price.Operations() {
		if seen[o.Code] || seen[o.Platform] {
			t.Errorf("%v is there twice", o)
		}
		seen[o.Code], seen[o.Platform] = true, true
		if got := price.Platform(o.Code); got != o.Platform {
			t.Errorf("Platform(%q) = %q, want %q", o.Code, got, o.Platform)
		}
	}
	if got := len(price.Operations()); got != 19 {
		t.Errorf("%d operations, want 19", got)
	}
	if got := price.Platform("RunInstances:ffff"); got != "RunInstances:ffff" {
		t.Errorf("unknown operation is called %q", got)
	}
}

func TestKeyForNamesWhatItAssumes(t *testing.T) {
	base := fleet.Instance{Target: fleet.Target{Region: seoul}, Type: "m5.xlarge", Tenancy: "default"}
	info := fleet.TypeInfo{Cores: 2, ThreadsPerCore: 2}
	for name, c := range map[string]struct {
		change    func(*fleet.Instance)
		operation string
		tenancy   string
		status    price.Status
		note      string
	}{
		"usage operation": {
			func(i *fleet.Instance) {
				i.UsageOperation = "RunInstances:0102"
				i.Tags = fleet.Tags{"Platform": "Linux"}
			},
			"RunInstances:0102", "Shared", price.Exact, "",
		},
		"unknown usage operation is believed": {
			func(i *fleet.Instance) { i.UsageOperation = "RunInstances:2000" }, "RunInstances:2000", "Shared", price.Exact, "",
		},
		"platform details": {
			func(i *fleet.Instance) { i.PlatformDetails = "Windows with SQL Server Standard" },
			"RunInstances:0006", "Shared", price.Fallback, "platform details",
		},
		"tag of the first report": {
			func(i *fleet.Instance) { i.Tags = fleet.Tags{"Platform": "Windows+SQLEnt"} },
			"RunInstances:0102", "Shared", price.Fallback, `Platform="Windows+SQLEnt"`,
		},
		"tag in AWS's words": {
			func(i *fleet.Instance) { i.Tags = fleet.Tags{"Platform": "suse linux"} },
			"RunInstances:000g", "Shared", price.Fallback, `Platform="suse linux"`,
		},
		"flag": {
			func(i *fleet.Instance) { i.Windows = true }, "RunInstances:0002", "Shared", price.Fallback, `flag "windows"`,
		},
		"flag against tag": {
			func(i *fleet.Instance) { i.Windows = true; i.Tags = fleet.Tags{"Platform": "Linux"} },
			"RunInstances:0002", "Shared", price.Fallback, "contradicts",
		},
		"nothing known": {
			func(*fleet.Instance) {}, "RunInstances", "Shared", price.Fallback, "assumed to be Linux",
		},
		"tag that is no platform": {
			func(i *fleet.Instance) { i.Tags = fleet.Tags{"Platform": "payments"} },
			"RunInstances", "Shared", price.Fallback, `Platform="payments" names no platform`,
		},
		"dedicated": {
			func(i *fleet.Instance) { i.UsageOperation = "RunInstances"; i.Tenancy = "dedicated" },
			"RunInstances", "Dedicated", price.Exact, "",
		},
		"spot": {
			func(i *fleet.Instance) { i.UsageOperation = "RunInstances"; i.Lifecycle = fleet.Spot },
			"RunInstances", "Shared", price.Fallback, "upper bound",
		},
		"Availability Zone": {
			func(i *fleet.Instance) { i.UsageOperation = "RunInstances"; i.Zone = "ap-northeast-2d" },
			"RunInstances", "Shared", price.Exact, "",
		},
		"Local Zone": {
			func(i *fleet.Instance) { i.UsageOperation = "RunInstances"; i.Zone = "ap-northeast-2-icn-1a" },
			"RunInstances", "Shared", price.Fallback, "ap-northeast-2-icn-1a is no Availability Zone",
		},
		"marketplace": {
			func(i *fleet.Instance) { i.UsageOperation = "RunInstances"; i.ProductCodes = []string{"abc123"} },
			"RunInstances", "Shared", price.Fallback, "Marketplace is not in this price: abc123",
		},
		"CPU options with a licence": {
			func(i *fleet.Instance) { i.UsageOperation = "RunInstances:0002"; i.Cores, i.ThreadsPerCore = 2, 1 },
			"RunInstances:0002", "Shared", price.Fallback, "CPU options 2×1 differ from the type's 2×2",
		},
		"CPU options without a licence": {
			func(i *fleet.Instance) { i.UsageOperation = "RunInstances:0800"; i.Cores, i.ThreadsPerCore = 2, 1 },
			"RunInstances:0800", "Shared", price.Exact, "",
		},
		"default CPU options": {
			func(i *fleet.Instance) { i.UsageOperation = "RunInstances:0002"; i.Cores, i.ThreadsPerCore = 2, 2 },
			"RunInstances:0002", "Shared", price.Exact, "",
		},
	} {
		t.Run(name, func(t *testing.T) {
			i := base
			c.change(&i)
			key, status, note := price.KeyFor(i, info)
			want := price.InstanceKey{Region: seoul, Type: "m5.xlarge", Tenancy: c.tenancy, Operation: c.operation}
			if key != want || status != c.status {
				t.Errorf("KeyFor = %+v %s, want %+v %s", key, status, want, c.status)
			}
			if !strings.Contains(note, c.note) || (note == "") != (status == price.Exact) {
				t.Errorf("note %q, want one with %q", note, c.note)
			}
			if other, _, _ := price.KeyFor(i, fleet.TypeInfo{}); other != key {
				t.Errorf("the key depends on the type's description: %+v and %+v", key, other)
			}
		})
	}
}

// TestPickFindsTheOneRow puts every row that misleads next to the right one.
func TestPickFindsTheOneRow(t *testing.T) {
	products := []price.Product{
		compute(t, "RIGHT", "m5.xlarge", "RunInstances:0002", "0.42"),
		compute(t, "LINUX", "m5.xlarge", "RunInstances", "0.236"),
		compute(t, "BYOL", "m5.xlarge", "RunInstances:0800", "0.236", "licenseModel", "Bring your own license"),
		compute(t, "SQL", "m5.xlarge", "RunInstances:0006", "0.9"),
		compute(t, "RESERVED", "m5.xlarge", "RunInstances:0002", "0", "capacitystatus", "AllocatedCapacityReservation"),
		compute(t, "UNUSED", "m5.xlarge", "RunInstances:0002", "0.42", "capacitystatus", "UnusedCapacityReservation"),
		compute(t, "DEDICATED", "m5.xlarge", "RunInstances:0002", "0.45", "tenancy", "Dedicated"),
		compute(t, "LOCALZONE", "m5.xlarge", "RunInstances:0002", "0.5", "locationType", "AWS Local Zone"),
		compute(t, "BLOCK", "m5.xlarge", "RunInstances:0002", "0.1", "marketoption", "CapacityBlock"),
		compute(t, "TOKYO", "m5.xlarge", "RunInstances:0002", "0.432", "regionCode", "ap-northeast-1"),
		compute(t, "LICENCEAPART", "m5.xlarge", "RunInstances:0002", "0.236", "licenseModel", "License Included - Infrastructure"),
		compute(t, "BIGGER", "m5.2xlarge", "RunInstances:0002", "0.84"),
	}
	for operation, want := range map[string]string{
		"RunInstances:0002": "RIGHT", "RunInstances": "LINUX", "RunInstances:0800": "BYOL", "RunInstances:0006": "SQL",
	} {
		q := price.Pick(products, price.InstanceKey{Region: seoul, Type: "m5.xlarge", Tenancy: "Shared", Operation: operation})
		if q.Status != price.Exact || q.SKU != want || q.Note != "" {
			t.Errorf("%s: %s %s %q, want exactly %s", operation, q.Status, q.SKU, q.Note, want)
		}
	}
}

// TestInstanceMonthsByHand calculates 730 hours of public list prices of Seoul.
func TestInstanceMonthsByHand(t *testing.T) {
	products := []price.Product{
		compute(t, "1", "t3.medium", "RunInstances", "0.0520000000"),
		compute(t, "2", "c8g.large", "RunInstances", "0.0897600000"),
		compute(t, "3", "m8i.large", "RunInstances", "0.1300900000"),
		compute(t, "4", "m8i.large", "RunInstances:0002", "0.2220900000"),
		compute(t, "5", "m5.xlarge", "RunInstances:0002", "0.4200000000"),
		compute(t, "6", "m5.xlarge", "RunInstances:0800", "0.2360000000", "licenseModel", "Bring your own license"),
	}
	for _, c := range []struct{ instanceType, operation, want string }{
		{"t3.medium", "RunInstances", "37.96"},
		{"c8g.large", "RunInstances", "65.5248"},
		{"m8i.large", "RunInstances", "94.9657"},
		{"m8i.large", "RunInstances:0002", "162.1257"},
		{"m5.xlarge", "RunInstances:0002", "306.60"},
		{"m5.xlarge", "RunInstances:0800", "172.28"},
	} {
		q := price.Pick(products, price.InstanceKey{
			Region: seoul, Type: fleet.InstanceType(c.instanceType), Tenancy: "Shared", Operation: c.operation,
		})
		if got := q.Rate.USD.Times(730, 1).String(); got != c.want || q.Status != price.Exact {
			t.Errorf("%s %s: %s %s a month, want %s", c.instanceType, c.operation, got, q.Status, c.want)
		}
	}
}

func TestPickNeverGuesses(t *testing.T) {
	key := price.InstanceKey{Region: seoul, Type: "m5.xlarge", Tenancy: "Shared", Operation: "RunInstances"}
	one := compute(t, "ONE", "m5.xlarge", "RunInstances", "0.236")
	same := compute(t, "SAME", "m5.xlarge", "RunInstances", "0.236", "marketoption", "")
	dearer := compute(t, "DEARER", "m5.xlarge", "RunInstances", "0.25")
	free := compute(t, "FREE", "m5.xlarge", "RunInstances", "0")
	perDay := compute(t, "PERDAY", "m5.xlarge", "RunInstances", "5")
	perDay.Rates[0].Unit = "Days"
	for name, c := range map[string]struct {
		products []price.Product
		status   price.Status
		sku      string
		notes    []string
	}{
		"none":           {nil, price.Missing, "", []string{"no row for ap-northeast-2 m5.xlarge Shared RunInstances"}},
		"one":            {[]price.Product{one}, price.Exact, "ONE", nil},
		"two that agree": {[]price.Product{same, one}, price.Exact, "ONE", []string{"2 rows agree", "SAME"}},
		"two that differ": {
			[]price.Product{one, dearer}, price.Ambiguous, "", []string{"ONE 0.236", "DEARER 0.25"},
		},
		"no charge":  {[]price.Product{free}, price.Missing, "FREE", []string{"no charge"}},
		"other unit": {[]price.Product{perDay}, price.Missing, "", []string{"no row"}},
	} {
		t.Run(name, func(t *testing.T) {
			q := price.Pick(c.products, key)
			if q.Status != c.status || q.SKU != c.sku {
				t.Errorf("%s %q, want %s %q", q.Status, q.SKU, c.status, c.sku)
			}
			for _, note := range c.notes {
				if !strings.Contains(q.Note, note) {
					t.Errorf("note %q lacks %q", q.Note, note)
				}
			}
			if !q.Status.Usable() && q.Rate.USD != 0 {
				t.Errorf("a %s quote carries the price %v", q.Status, q.Rate.USD)
			}
		})
	}
}

func TestHostTenancyIsBilledToTheHost(t *testing.T) {
	i := fleet.Instance{Target: fleet.Target{Region: seoul}, Type: "m5.xlarge", Tenancy: "host", UsageOperation: "RunInstances"}
	key, status, _ := price.KeyFor(i, fleet.TypeInfo{})
	q := price.Pick(nil, key)
	if !key.HostBilled() || status != price.Exact || q.Status != price.Exact || q.Rate.USD != 0 || q.Note != "host billed" {
		t.Errorf("key %+v %s, quote %+v; want $0, host billed", key, status, q)
	}
}

func TestWorst(t *testing.T) {
	order := []price.Status{price.Exact, price.Fallback, price.Ambiguous, price.Missing}
	for n, a := range order {
		for m, b := range order {
			if got := price.Worst(a, b); got != order[max(n, m)] {
				t.Errorf("Worst(%s, %s) = %s", a, b, got)
			}
		}
	}
}
