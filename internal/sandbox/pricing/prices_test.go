package pricing

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"nightshift/internal/sandbox/catalog"
)

// newCatalog loads the price list afresh.
func newCatalog() (*catalog.PriceList, error) {
	types, err := catalog.LoadTypes()
	if err != nil {
		return nil, err
	}
	return catalog.Load(types)
}

// sharedCatalog is made once for all tests that leave ANY_OF as it is, since
// its products are made when they are first asked for.
var sharedCatalog = sync.OnceValues(newCatalog)

func testCatalog(t testing.TB) *catalog.PriceList {
	t.Helper()
	c, err := sharedCatalog()
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// listItem is a product as a client of GetProducts reads it.
type listItem struct {
	Product struct {
		ProductFamily string
		Attributes    map[string]string
		SKU           string
	}
	ServiceCode string
	Terms       struct {
		OnDemand, Reserved map[string]struct {
			SKU, EffectiveDate, OfferTermCode string
			TermAttributes                    map[string]string
			PriceDimensions                   map[string]struct {
				Unit, BeginRange, EndRange, RateCode, Description string
				PricePerUnit                                      map[string]string
			}
		}
	}
	Version, PublicationDate string
}

// rate returns the only on-demand rate of the product.
func (i listItem) rate(t testing.TB) (unit, usd, begin string) {
	t.Helper()
	term, ok := i.Terms.OnDemand[i.Product.SKU+".JRTCKXETXF"]
	if !ok || len(i.Terms.OnDemand) != 1 {
		t.Fatalf("%s: on-demand terms %v", i.Product.SKU, i.Terms.OnDemand)
	}
	d, ok := term.PriceDimensions[i.Product.SKU+".JRTCKXETXF.6YS6EN2CT7"]
	if !ok || len(term.PriceDimensions) != 1 {
		t.Fatalf("%s: dimensions %v", i.Product.SKU, term.PriceDimensions)
	}
	return d.Unit, d.PricePerUnit["USD"], d.BeginRange
}

type productsAnswer struct {
	FormatVersion string
	PriceList     []string
	NextToken     string
	Type          string `json:"__type"`
	Message       string
}

func callPricing(t testing.TB, c *catalog.PriceList, action string, request any) (int, productsAnswer) {
	t.Helper()
	body, err := json.Marshal(request)
	if err != nil {
		t.Fatal(err)
	}
	status, raw := answerJSON(c, "127.0.0.1", action, body)
	var a productsAnswer
	if err := json.Unmarshal(raw, &a); err != nil {
		t.Fatalf("%s: %v", raw, err)
	}
	return status, a
}

// object is a JSON object.
type object map[string]any

// termFilters makes TERM_MATCH filters of "field=value" texts.
func termFilters(pairs ...string) []object {
	filters := make([]object, len(pairs))
	for i, pair := range pairs {
		field, value, _ := strings.Cut(pair, "=")
		filters[i] = object{"Type": "TERM_MATCH", "Field": field, "Value": value}
	}
	return filters
}

// allProducts reads all pages of a query.
func allProducts(t testing.TB, c *catalog.PriceList, filters []object) []listItem {
	t.Helper()
	var items []listItem
	token := ""
	for {
		request := object{"ServiceCode": "AmazonEC2", "Filters": filters}
		if token != "" {
			request["NextToken"] = token
		}
		status, a := callPricing(t, c, "GetProducts", request)
		if status != 200 {
			t.Fatalf("GetProducts: %d %s: %s", status, a.Type, a.Message)
		}
		for _, text := range a.PriceList {
			var i listItem
			if err := json.Unmarshal([]byte(text), &i); err != nil {
				t.Fatal(err)
			}
			items = append(items, i)
		}
		if token = a.NextToken; token == "" {
			return items
		}
	}
}

func instanceFilters(region, name, operation, tenancy string) []object {
	return termFilters("regionCode="+region, "locationType=AWS Region", "instanceType="+name, "tenancy="+tenancy,
		"operation="+operation, "capacitystatus=Used", "marketoption=OnDemand")
}

// wantOne reports unless exactly one product costs usd for the unit.
func wantOne(t *testing.T, what string, got []listItem, unit, usd, sku string) {
	t.Helper()
	want, err := catalog.ParsePrice(usd)
	if err != nil {
		t.Fatal(err)
	}
	if len(got) != 1 {
		t.Errorf("%s: %d products", what, len(got))
		return
	}
	gotUnit, gotUSD, _ := got[0].rate(t)
	if gotUnit != unit || gotUSD != want.String() {
		t.Errorf("%s: %s a %s, want %s a %s", what, gotUSD, gotUnit, want, unit)
	}
	if sku != "" && got[0].Product.SKU != sku {
		t.Errorf("%s: SKU %s, want %s", what, got[0].Product.SKU, sku)
	}
}

func TestEveryListedInstancePriceIsOneProduct(t *testing.T) {
	c := testCatalog(t)
	n := 0
	for key, listed := range c.Listed {
		if c.Locations[key.Region].LocationType != "AWS Region" {
			continue
		}
		what := fmt.Sprint(key)
		wantOne(t, what, allProducts(t, c, instanceFilters(key.Region, key.Name, key.Operation, key.Tenancy)),
			"Hrs", listed.USD.Short(), listed.SKU)
		n++
	}
	if n < 650 {
		t.Errorf("only %d prices", n)
	}
}

// TestRegionsShareEnoughTypes: fleets are spread over types that both main
// regions price.
func TestRegionsShareEnoughTypes(t *testing.T) {
	c := testCatalog(t)
	us := map[string]bool{}
	for _, name := range c.Priced("us-east-1") {
		us[name] = true
	}
	shared := 0
	for _, name := range c.Priced("ap-northeast-2") {
		if us[name] {
			shared++
		}
	}
	if shared < 45 {
		t.Errorf("%d types are priced in both regions, want at least 45", shared)
	}
}

func TestKeysNameOneProduct(t *testing.T) {
	c := testCatalog(t)
	skus := map[string]bool{}
	keys := map[string]string{}
	for _, s := range c.Sections {
		for _, p := range s.Rows() {
			if skus[p.SKU] {
				t.Errorf("SKU %s twice", p.SKU)
			}
			skus[p.SKU] = true
			if len(p.SKU) != 16 {
				t.Errorf("SKU %q", p.SKU)
			}
			var key []string
			for _, name := range []string{
				"regionCode", "locationType", "instanceType", "tenancy", "operation",
				"capacitystatus", "marketoption", "usagetype",
			} {
				v, _ := p.Value(name)
				key = append(key, v)
			}
			full := strings.Join(key, "|")
			if keys[full] != "" {
				t.Errorf("%s: SKUs %s and %s", full, keys[full], p.SKU)
			}
			keys[full] = p.SKU
		}
	}
	if len(skus) < 30_000 {
		t.Errorf("%d products", len(skus))
	}
}

func TestLicencesCostWhatTheyCost(t *testing.T) {
	c := testCatalog(t)
	for _, tt := range []struct{ name, operation, tenancy, usd string }{
		{"m5.xlarge", "RunInstances:0800", "Shared", "0.236"},          // own licence: as Linux
		{"m5.large", "RunInstances:0002", "Shared", "0.21"},            // + 2 × 0.046
		{"m5.large", "RunInstances:0006", "Shared", "0.69"},            // SQL counts at least 4 vCPUs
		{"t3.medium", "RunInstances:0002", "Shared", "0.0704"},         // T types have their own
		{"t3.large", "RunInstances:0002", "Shared", "0.1316"},          //
		{"m5.2xlarge", "RunInstances:0102", "Shared", "3.84"},          // Windows + 8 × 0.375
		{"m5.large", "RunInstances:0010", "Shared", "0.1582"},          //
		{"m5.large", "RunInstances", "Dedicated", "0.1298"},            // + 10 %
		{"m5.large", "RunInstances:0002", "Dedicated", "0.2218"},       // the licence is not dearer
		{"m5.large", "RunInstances", "Host", "0"},                      //
		{"x2iedn.32xlarge", "RunInstances:0102", "Shared", "92.57"},    // listed
		{"x2iedn.32xlarge", "RunInstances", "Dedicated", "42.55"},      // listed, not exactly 10 %
		{"r7i.metal-24xl", "RunInstances", "Shared", "7.6608"},         //
		{"t4g.small", "RunInstances:0g00", "Shared", "0.0243"},         // Ubuntu Pro on Arm
		{"c8g.large", "RunInstances:0010", "Shared", "0.12996"},        //
		{"x1e.8xlarge", "RunInstances", "Shared", "9.672"},             // Windows less its licence
		{"m5.24xlarge", "RunInstances:000g", "Shared", "5.789"},        //
		{"m8i.16xlarge", "RunInstances:0002", "Dedicated", "7.523168"}, // 4.16288 × 1.1 + 64 × 0.046
	} {
		wantOne(t, tt.name+" "+tt.operation+" "+tt.tenancy,
			allProducts(t, c, instanceFilters("ap-northeast-2", tt.name, tt.operation, tt.tenancy)), "Hrs", tt.usd, "")
	}
	for _, operation := range []string{"RunInstances:0002", "RunInstances:0100", "RunInstances:0800"} {
		if got := allProducts(t, c, instanceFilters("ap-northeast-2", "c8g.large", operation, "Shared")); len(got) != 0 {
			t.Errorf("%s on Arm: %d products", operation, len(got))
		}
	}
}

// TestRowsThatMislead lists what is listed next to the price of one instance.
func TestRowsThatMislead(t *testing.T) {
	c := testCatalog(t)
	rows := func(filters ...string) []string {
		var got []string
		for _, i := range allProducts(t, c, termFilters(filters...)) {
			a := i.Product.Attributes
			_, usd, _ := i.rate(t)
			got = append(got, strings.Join([]string{
				a["usagetype"], a["operation"], a["tenancy"], a["capacitystatus"], a["marketoption"], a["licenseModel"], usd,
			}, " "))
		}
		slices.Sort(got)
		return got
	}
	want := []string{
		"APN2-BoxUsage:m5.xlarge RunInstances:0002 Shared Used OnDemand No License required 0.4200000000",
		"APN2-BoxUsage:m5.xlarge RunInstances:0800 Shared Used OnDemand Bring your own license 0.2360000000",
		"APN2-DedicatedRes:m5.xlarge RunInstances:0002 Dedicated AllocatedCapacityReservation OnDemand No License required 0.0000000000",
		"APN2-DedicatedRes:m5.xlarge RunInstances:0800 Dedicated AllocatedCapacityReservation OnDemand Bring your own license 0.0000000000",
		"APN2-DedicatedUsage:m5.xlarge RunInstances:0002 Dedicated Used OnDemand No License required 0.4436000000",
		"APN2-DedicatedUsage:m5.xlarge RunInstances:0800 Dedicated Used OnDemand Bring your own license 0.2596000000",
		"APN2-HostBoxUsage:m5.xlarge RunInstances:0002 Host Used OnDemand No License required 0.0000000000",
		"APN2-HostBoxUsage:m5.xlarge RunInstances:0800 Host Used OnDemand Bring your own license 0.0000000000",
		"APN2-Reservation:m5.xlarge RunInstances:0002 Shared AllocatedCapacityReservation OnDemand No License required 0.0000000000",
		"APN2-Reservation:m5.xlarge RunInstances:0800 Shared AllocatedCapacityReservation OnDemand Bring your own license 0.0000000000",
		"APN2-UnusedBox:m5.xlarge RunInstances:0002 Shared UnusedCapacityReservation OnDemand No License required 0.4200000000",
		"APN2-UnusedBox:m5.xlarge RunInstances:0800 Shared UnusedCapacityReservation OnDemand Bring your own license 0.2360000000",
		"APN2-UnusedDed:m5.xlarge RunInstances:0002 Dedicated UnusedCapacityReservation OnDemand No License required 0.4436000000",
		"APN2-UnusedDed:m5.xlarge RunInstances:0800 Dedicated UnusedCapacityReservation OnDemand Bring your own license 0.2596000000",
	}
	got := rows("instanceType=m5.xlarge", "regionCode=ap-northeast-2", "operatingSystem=Windows", "preInstalledSw=NA")
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("Windows on m5.xlarge (-want +got):\n%s", diff)
	}
	blocks := rows("instanceType=p4d.24xlarge", "operation=RunInstances", "marketoption=CapacityBlock")
	if len(blocks) != 1 || !strings.HasSuffix(blocks[0], " 0.0000000000") {
		t.Errorf("Capacity Blocks: %q", blocks)
	}
	zones := allProducts(t, c, termFilters("instanceType=t3.medium", "locationType=AWS Local Zone", "operation=RunInstances",
		"tenancy=Shared", "capacitystatus=Used"))
	wantOne(t, "t3.medium in Boston", zones, "Hrs", "0.052", "")
}

// TestFirstProductIsArbitrary is why a client must not ask for one product
// and take it: some of the first ones are free of charge.
func TestFirstProductIsArbitrary(t *testing.T) {
	c := testCatalog(t)
	right, wrong := 0, 0
	for _, name := range c.Priced("ap-northeast-2") {
		request := object{"ServiceCode": "AmazonEC2", "MaxResults": 1, "Filters": termFilters(
			"instanceType="+name, "location=Asia Pacific (Seoul)", "operatingSystem=Linux", "preInstalledSw=NA", "tenancy=Shared")}
		_, first := callPricing(t, c, "GetProducts", request)
		_, again := callPricing(t, c, "GetProducts", request)
		if diff := cmp.Diff(first, again); diff != "" {
			t.Fatalf("%s: the order is not stable:\n%s", name, diff)
		}
		var i listItem
		if err := json.Unmarshal([]byte(first.PriceList[0]), &i); err != nil {
			t.Fatal(err)
		}
		linux := c.Listed[catalog.InstanceKey{Region: "ap-northeast-2", Name: name, Operation: "RunInstances", Tenancy: "Shared"}].USD
		if _, usd, _ := i.rate(t); usd == linux.String() {
			right++
		} else {
			wrong++
		}
	}
	if right < wrong || wrong < 50 {
		t.Errorf("the first product has the right price for %d types and a wrong one for %d", right, wrong)
	}
}

func TestVolumeProducts(t *testing.T) {
	c := testCatalog(t)
	for _, tt := range []struct{ region, usage, family, api, group, unit, usd, begin string }{
		{"ap-northeast-2", "APN2-EBS:VolumeUsage", "Storage", "standard", "", "GB-Mo", "0.08", "0"},
		{"ap-northeast-2", "APN2-EBS:VolumeUsage.gp3", "Storage", "gp3", "", "GB-Mo", "0.0912", "0"},
		{"ap-northeast-2", "APN2-EBS:VolumeUsage.piops", "Storage", "io1", "", "GB-Mo", "0.1278", "0"},
		{"ap-northeast-2", "APN2-EBS:VolumeUsage.io2", "Storage", "io2", "", "GB-month", "0.1278", "0"},
		{"ap-northeast-2", "APN2-EBS:VolumeP-IOPS.gp3", "System Operation", "gp3", "EBS IOPS", "IOPS-Mo", "0.0057", "3000"},
		{"us-east-1", "EBS:VolumeP-IOPS.gp3", "System Operation", "gp3", "EBS IOPS", "IOPS-Mo", "0.005", "0"},
		{"ap-northeast-2", "APN2-EBS:VolumeP-Throughput.gp3", "Provisioned Throughput", "gp3", "EBS Throughput", "GiBps-mo", "46.6944", "0"},
		{"ap-northeast-2", "APN2-EBS:VolumeP-IOPS.io2", "System Operation", "io2", "EBS IOPS", "IOPS-Mo", "0.0666", "0"},
		{"ap-northeast-2", "APN2-EBS:VolumeP-IOPS.io2.tier2", "System Operation", "io2", "EBS IOPS Tier 2", "IOPS-Mo", "0.04662", "0"},
		{"ap-northeast-2", "APN2-EBS:VolumeP-IOPS.io2.tier3", "System Operation", "io2", "EBS IOPS Tier 3", "IOPS-Mo", "0.032634", "0"},
		{"us-east-1", "EBS:VolumeIOUsage", "System Operation", "standard", "EBS I/O Requests", "IOs", "0.00000005", "0"},
		{"ap-northeast-2", "APN2-EBS:SnapshotUsage", "Storage Snapshot", "", "", "GB-Mo", "0.05", "0"},
	} {
		got := allProducts(t, c, termFilters("regionCode="+tt.region, "usagetype="+tt.usage))
		wantOne(t, tt.usage, got, tt.unit, tt.usd, "")
		if len(got) != 1 {
			continue
		}
		_, _, begin := got[0].rate(t)
		a := got[0].Product.Attributes
		have := []string{got[0].Product.ProductFamily, a["volumeApiName"], a["group"], begin}
		if diff := cmp.Diff([]string{tt.family, tt.api, tt.group, tt.begin}, have); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.usage, diff)
		}
	}
	// A volume on Outposts has the region's code and its own location type.
	gp2 := termFilters("regionCode=ap-northeast-2", "volumeApiName=gp2", "productFamily=Storage")
	if n := len(allProducts(t, c, gp2)); n != 2 {
		t.Errorf("gp2 in the region and on Outposts: %d products", n)
	}
	wantOne(t, "gp2 in the region", allProducts(t, c, append(gp2, termFilters("locationType=AWS Region")...)), "GB-Mo", "0.114", "")
}

// TestConcurrentQueries lets the race detector look at the lazy parts.
func TestConcurrentQueries(t *testing.T) {
	c, err := newCatalog()
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			for _, name := range c.Priced("us-east-1")[i*5 : i*5+20] {
				body := fmt.Sprintf(`{"ServiceCode":"AmazonEC2","Filters":[{"Type":"TERM_MATCH","Field":"instanceType","Value":%q}]}`, name)
				if status, answer := answerJSON(c, "127.0.0.1", "GetProducts", []byte(body)); status != 200 {
					t.Errorf("%s: %s", name, answer)
				}
			}
		})
	}
	wg.Wait()
}

func BenchmarkLoadCatalog(b *testing.B) {
	for b.Loop() {
		if _, err := newCatalog(); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkGetProductsOneInstance(b *testing.B) {
	c := testCatalog(b)
	names := c.Priced("ap-northeast-2")
	for i := 0; b.Loop(); i++ {
		allProducts(b, c, instanceFilters("ap-northeast-2", names[i%len(names)], "RunInstances", "Shared"))
	}
}
