package pricing

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestFilterTypes(t *testing.T) {
	c := testCatalog(t)
	base := termFilters("regionCode=ap-northeast-2", "operation=RunInstances", "tenancy=Shared", "capacitystatus=Used")
	types := func(filters ...object) []string {
		var got []string
		for _, i := range allProducts(t, c, append(filters, base...)) {
			got = append(got, i.Product.Attributes["instanceType"])
		}
		slices.Sort(got)
		return got
	}
	filter := func(kind, field, value string) object { return object{"Type": kind, "Field": field, "Value": value} }
	for _, tt := range []struct {
		name    string
		filters []object
		want    []string
	}{
		{"TERM_MATCH", []object{filter("TERM_MATCH", "instanceType", "m5.large")}, []string{"m5.large"}},
		{"TERM_MATCH ignores case", []object{filter("TERM_MATCH", "INSTANCETYPE", "M5.Large")}, []string{"m5.large"}},
		{"TERM_MATCH takes no list", []object{filter("TERM_MATCH", "instanceType", "m5.large,c5.large")}, nil},
		{"EQUALS", []object{filter("EQUALS", "instanceType", "m5.large")}, []string{"m5.large"}},
		{"CONTAINS", []object{filter("CONTAINS", "instanceType", "R7I.metal")}, []string{"r7i.metal-24xl", "r7i.metal-48xl"}},
		{"ANY_OF", []object{filter("ANY_OF", "instanceType", "m5.large, c5.large,x9.none")}, []string{"c5.large", "m5.large"}},
		{
			"NONE_OF",
			[]object{filter("CONTAINS", "instanceType", "t3."), filter("NONE_OF", "instanceType", "t3.nano,t3.micro,t3.small,t3.medium")},
			[]string{"t3.2xlarge", "t3.large", "t3.xlarge"},
		},
		{"all filters count", []object{filter("ANY_OF", "instanceType", "m5.large,c8g.large"), filter("TERM_MATCH", "vcpu", "3")}, nil},
		{"a family", []object{filter("TERM_MATCH", "productFamily", "Compute Instance (bare metal)"), filter("CONTAINS", "instanceType", "m5.")}, []string{"m5.metal"}},
		{"an attribute nobody has", []object{filter("TERM_MATCH", "colour", "blue")}, nil},
		{"an attribute that instances lack", []object{filter("TERM_MATCH", "volumeApiName", "gp3")}, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, types(tt.filters...)); diff != "" {
				t.Errorf("types (-want +got):\n%s", diff)
			}
		})
	}
	absent := allProducts(t, c, append(termFilters("regionCode=us-west-2"), filter("NONE_OF", "instanceType", "m5.large")))
	if len(absent) != 3 {
		t.Errorf("NONE_OF on an attribute that products lack: %d products, want the 3 of EBS", len(absent))
	}
}

func TestAnyOfModes(t *testing.T) {
	with := func(value string) object {
		return object{"ServiceCode": "AmazonEC2", "Filters": append(
			termFilters("regionCode=us-east-1", "operation=RunInstances", "tenancy=Shared", "capacitystatus=Used"),
			object{"Type": "ANY_OF", "Field": "instanceType", "Value": value})}
	}
	for _, tt := range []struct {
		mode, value string
		status      int
		products    int
		code        string
	}{
		{"comma", "m5.large,c5.large", 200, 2, ""},
		{"comma", "m5.large", 200, 1, ""},
		{"literal", "m5.large,c5.large", 200, 0, ""},
		{"literal", "m5.large", 200, 1, ""},
		{"off", "m5.large", 400, 0, "ValidationException"},
	} {
		c, err := newCatalog()
		if err != nil {
			t.Fatal(err)
		}
		if err := c.SetAnyOf(tt.mode); err != nil {
			t.Fatal(err)
		}
		status, a := callPricing(t, c, "GetProducts", with(tt.value))
		if status != tt.status || len(a.PriceList) != tt.products || a.Type != tt.code {
			t.Errorf("%s %q: %d, %d products, %q; want %d, %d, %q",
				tt.mode, tt.value, status, len(a.PriceList), a.Type, tt.status, tt.products, tt.code)
		}
	}
	if err := testCatalog(t).SetAnyOf("semicolon"); err == nil {
		t.Error("an unknown mode is accepted")
	}
}

func TestProductPages(t *testing.T) {
	c := testCatalog(t)
	request := object{"ServiceCode": "AmazonEC2", "Filters": termFilters("instanceType=m5.large", "regionCode=us-east-1")}
	_, all := callPricing(t, c, "GetProducts", request)
	if len(all.PriceList) != maxProductPage || all.NextToken == "" {
		t.Fatalf("without MaxResults: %d products, token %q", len(all.PriceList), all.NextToken)
	}
	request["MaxResults"] = 7
	var walked []string
	for pages := 0; ; pages++ {
		_, a := callPricing(t, c, "GetProducts", request)
		if len(a.PriceList) == 0 || len(a.PriceList) > 7 {
			t.Fatalf("page %d has %d products", pages, len(a.PriceList))
		}
		walked = append(walked, a.PriceList...)
		if a.NextToken == "" {
			break
		}
		request["NextToken"] = a.NextToken
	}
	if diff := cmp.Diff(all.PriceList, walked[:maxProductPage]); diff != "" {
		t.Errorf("small pages differ from the large one:\n%s", diff)
	}
	seen := map[string]bool{}
	for _, p := range walked {
		if seen[p] {
			t.Errorf("twice: %s", p)
		}
		seen[p] = true
	}
}

func TestPricingErrors(t *testing.T) {
	c := testCatalog(t)
	many := make([]object, maxProductFilters+1)
	for i := range many {
		many[i] = object{"Type": "TERM_MATCH", "Field": "vcpu", "Value": "2"}
	}
	ec2 := func(more object) object {
		r := object{"ServiceCode": "AmazonEC2"}
		maps.Copy(r, more)
		return r
	}
	_, first := callPricing(t, c, "GetProducts", ec2(object{"MaxResults": 1}))
	old := pageToken{List: "20200101000000", Query: "x", Offset: 1}.encode()
	for _, tt := range []struct {
		name, action string
		request      any
		want         string
	}{
		{"no service", "GetProducts", object{}, "ValidationException"},
		{"unknown service", "GetProducts", object{"ServiceCode": "AmazonMoon"}, "NotFoundException"},
		{"unknown service", "DescribeServices", object{"ServiceCode": "AmazonMoon"}, "NotFoundException"},
		{"unknown format", "GetProducts", ec2(object{"FormatVersion": "aws_v9"}), "InvalidParameterException"},
		{"no results", "GetProducts", ec2(object{"MaxResults": 0}), "ValidationException"},
		{"too many results", "GetProducts", ec2(object{"MaxResults": 101}), "ValidationException"},
		{"results as text", "GetProducts", ec2(object{"MaxResults": "10"}), "SerializationException"},
		{"not an object", "GetProducts", []int{1}, "SerializationException"},
		{"too many filters", "GetProducts", ec2(object{"Filters": many}), "ValidationException"},
		{"unknown filter", "GetProducts", ec2(object{"Filters": []object{{"Type": "LIKE", "Field": "vcpu", "Value": "2"}}}), "ValidationException"},
		{"filter without field", "GetProducts", ec2(object{"Filters": []object{{"Type": "TERM_MATCH", "Value": "2"}}}), "ValidationException"},
		{"filter without value", "GetProducts", ec2(object{"Filters": []object{{"Type": "TERM_MATCH", "Field": "vcpu"}}}), "ValidationException"},
		{
			"long filter value", "GetProducts",
			ec2(object{"Filters": []object{{"Type": "ANY_OF", "Field": "instanceType", "Value": strings.Repeat("x", maxFilterValue+1)}}}),
			"ValidationException",
		},
		{"broken token", "GetProducts", ec2(object{"NextToken": "!"}), "InvalidNextTokenException"},
		{"token that holds nothing", "GetProducts", ec2(object{"NextToken": "e30="}), "InvalidNextTokenException"},
		{
			"token of another query", "GetProducts",
			ec2(object{"NextToken": first.NextToken, "Filters": termFilters("vcpu=2")}), "InvalidNextTokenException",
		},
		{"token of an older list", "GetProducts", ec2(object{"NextToken": old}), "ExpiredNextTokenException"},
		{"no attribute", "GetAttributeValues", ec2(nil), "ValidationException"},
		{"unknown attribute", "GetAttributeValues", ec2(object{"AttributeName": "colour"}), "NotFoundException"},
		{"unknown operation", "ListPrices", ec2(nil), "UnknownOperationException"},
	} {
		t.Run(tt.action+" "+tt.name, func(t *testing.T) {
			status, a := callPricing(t, c, tt.action, tt.request)
			if status != 400 || a.Type != tt.want || a.Message == "" {
				t.Errorf("%d %s %q, want 400 %s", status, a.Type, a.Message, tt.want)
			}
		})
	}
	longest := ec2(object{"Filters": []object{{"Type": "ANY_OF", "Field": "instanceType", "Value": strings.Repeat("x", maxFilterValue)}}})
	if status, _ := callPricing(t, c, "GetProducts", longest); status != 200 {
		t.Errorf("a value of %d characters: %d", maxFilterValue, status)
	}
}

func TestAttributeValues(t *testing.T) {
	c := testCatalog(t)
	values := func(name string) []string {
		var got []string
		for token := ""; ; {
			body, err := json.Marshal(object{"ServiceCode": "AmazonEC2", "AttributeName": name, "NextToken": token, "MaxResults": 3})
			if err != nil {
				t.Fatal(err)
			}
			status, raw := answerJSON(c, "127.0.0.1", "GetAttributeValues", body)
			var a struct {
				AttributeValues []struct{ Value string }
				NextToken       string
			}
			if err := json.Unmarshal(raw, &a); err != nil || status != 200 {
				t.Fatalf("%d %s: %v", status, raw, err)
			}
			for _, v := range a.AttributeValues {
				got = append(got, v.Value)
			}
			if token = a.NextToken; token == "" {
				return got
			}
		}
	}
	for name, want := range map[string][]string{
		"locationType":   {"AWS Local Zone", "AWS Outposts", "AWS Region"},
		"tenancy":        {"Dedicated", "Host", "Shared"},
		"volumeApiName":  {"gp2", "gp3", "io1", "io2", "sc1", "st1", "standard"},
		"capacitystatus": {"AllocatedCapacityReservation", "AllocatedHost", "UnusedCapacityReservation", "Used"},
	} {
		if diff := cmp.Diff(want, values(name)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	status, raw := answerJSON(c, "127.0.0.1", "DescribeServices", []byte(`{}`))
	if status != 200 || !strings.Contains(string(raw), `"instanceType"`) {
		t.Errorf("DescribeServices: %d %s", status, raw)
	}
}

// TestProductDocument holds the shape that clients parse.
func TestProductDocument(t *testing.T) {
	c := testCatalog(t)
	_, a := callPricing(t, c, "GetProducts", object{"ServiceCode": "AmazonEC2", "Filters": instanceFilters("ap-northeast-2", "m8i.large", "RunInstances", "Shared")})
	want := `{"product":{"productFamily":"Compute Instance","attributes":{"availabilityzone":"NA","capacitystatus":"Used",` +
		`"classicnetworkingsupport":"false","clockSpeed":"3.9 GHz","currentGeneration":"Yes","ecu":"NA",` +
		`"enhancedNetworkingSupported":"Yes","gpuMemory":"NA","instanceFamily":"General purpose","instanceType":"m8i.large",` +
		`"intelAvx2Available":"Yes","intelAvxAvailable":"Yes","intelTurboAvailable":"Yes","licenseModel":"No License required",` +
		`"location":"Asia Pacific (Seoul)","locationType":"AWS Region","marketoption":"OnDemand","memory":"8 GiB",` +
		`"networkPerformance":"Up to 12500 Megabit","normalizationSizeFactor":"4","operatingSystem":"Linux","operation":"RunInstances",` +
		`"physicalProcessor":"Intel Xeon 6 (Granite Rapids)","preInstalledSw":"NA","processorArchitecture":"64-bit",` +
		`"regionCode":"ap-northeast-2","servicecode":"AmazonEC2","servicename":"Amazon Elastic Compute Cloud","storage":"EBS only",` +
		`"tenancy":"Shared","usagetype":"APN2-BoxUsage:m8i.large","vcpu":"2","vpcnetworkingsupport":"true"},"sku":"KFWPJR5VGM8TKQ3J"},` +
		`"serviceCode":"AmazonEC2","terms":{"OnDemand":{"KFWPJR5VGM8TKQ3J.JRTCKXETXF":{"priceDimensions":{` +
		`"KFWPJR5VGM8TKQ3J.JRTCKXETXF.6YS6EN2CT7":{"unit":"Hrs","endRange":"Inf",` +
		`"description":"$0.13009 per On Demand Linux m8i.large Instance Hour","appliesTo":[],` +
		`"rateCode":"KFWPJR5VGM8TKQ3J.JRTCKXETXF.6YS6EN2CT7","beginRange":"0","pricePerUnit":{"USD":"0.1300900000"}}},` +
		`"sku":"KFWPJR5VGM8TKQ3J","effectiveDate":"2026-09-01T00:00:00Z","offerTermCode":"JRTCKXETXF","termAttributes":{}}}},` +
		`"version":"20260925174521","publicationDate":"2026-09-25T17:45:21Z"}`
	if diff := cmp.Diff([]string{want}, a.PriceList); diff != "" {
		t.Errorf("product (-want +got):\n%s", diff)
	}
}

// TestReservedTerms: an upfront fee and an hourly price that add up to the
// effective price.
func TestReservedTerms(t *testing.T) {
	c := testCatalog(t)
	got := allProducts(t, c, instanceFilters("us-east-1", "x2iedn.32xlarge", "RunInstances", "Shared"))
	if len(got) != 1 || len(got[0].Terms.Reserved) != 12 {
		t.Fatalf("%d products, want one with 12 reserved terms", len(got))
	}
	for code, want := range map[string][2]string{
		"4NA7Y494T4": {"", "16.4137400000"},      // 1 year, standard, nothing upfront
		"6QCMYABX3D": {"134199", "0.0000000000"}, // 1 year, standard, all upfront: 15.319521 × 8,760 h
		"38NPMPTW36": {"104105", "3.9613835000"}, // 3 years, standard, half of it
	} {
		term := got[0].Terms.Reserved[got[0].Product.SKU+"."+code]
		rate := got[0].Product.SKU + "." + code + "."
		have := [2]string{
			term.PriceDimensions[rate+"2TG2D8R56U"].PricePerUnit["USD"],
			term.PriceDimensions[rate+"6YS6EN2CT7"].PricePerUnit["USD"],
		}
		if have != want {
			t.Errorf("%s: upfront and hourly %q, want %q", code, have, want)
		}
	}
}
