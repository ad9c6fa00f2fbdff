package sandbox_test

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/csv"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/pricing"
	"github.com/aws/aws-sdk-go-v2/service/pricing/types"
	"github.com/google/go-cmp/cmp"

	"nightshift/internal/sandbox"
)

func (a *account) prices() *pricing.Client { return pricing.NewFromConfig(a.config("us-east-1")) }

// priceLists lists what there was of a service at a time, one to a page.
func (a *account) priceLists(service string, at time.Time, region *string) []types.PriceList {
	a.t.Helper()
	var list []types.PriceList
	p := pricing.NewListPriceListsPaginator(a.prices(), &pricing.ListPriceListsInput{
		ServiceCode: &service, EffectiveDate: &at, CurrencyCode: aws.String("USD"), RegionCode: region, MaxResults: aws.Int32(1),
	})
	for p.HasMorePages() {
		out, err := p.NextPage(a.t.Context())
		if err != nil {
			a.t.Fatal(err)
		}
		list = append(list, out.PriceLists...)
	}
	return list
}

// file opens a file of the price list with a plain request.
func (a *account) file(arn, format string) *http.Response {
	a.t.Helper()
	out, err := a.prices().GetPriceListFileUrl(a.t.Context(), &pricing.GetPriceListFileUrlInput{PriceListArn: &arn, FileFormat: &format})
	if err != nil {
		a.t.Fatal(err)
	}
	return a.get(*out.Url, nil)
}

func (a *account) get(url string, header http.Header) *http.Response {
	a.t.Helper()
	request, err := http.NewRequestWithContext(a.t.Context(), http.MethodGet, url, http.NoBody)
	if err != nil {
		a.t.Fatal(err)
	}
	if header != nil {
		request.Header = header
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		a.t.Fatal(err)
	}
	a.t.Cleanup(func() { _ = answer.Body.Close() })
	return answer
}

// offerFile is what a test wants of a file in the bulk JSON format.
type offerFile struct {
	FormatVersion, Disclaimer, OfferCode, Version, PublicationDate string

	Products map[string]struct {
		SKU, ProductFamily string
		Attributes         map[string]string
	}
	Terms struct {
		OnDemand, Reserved map[string]map[string]offerTerm
	}
	AttributesList map[string]string
}

type offerTerm struct {
	OfferTermCode, SKU, EffectiveDate string
	PriceDimensions                   map[string]struct {
		RateCode, Description, BeginRange, EndRange, Unit string
		PricePerUnit                                      map[string]string
		AppliesTo                                         []string
	}
	TermAttributes map[string]string
}

// readOffer reads the products of one instance type. The file has a line for
// each member of its large objects, so that the others can be left out before
// they are parsed; that it is JSON as a whole is looked at elsewhere.
func readOffer(t *testing.T, answer *http.Response, instanceType string) (o offerFile, products int) {
	t.Helper()
	if answer.StatusCode != http.StatusOK {
		t.Fatal(answer.Status)
	}
	var short strings.Builder
	listed := map[string]bool{}
	lines := bufio.NewScanner(answer.Body)
	lines.Buffer(nil, 1<<20)
	last := "" // what was kept of the open object
	for lines.Scan() {
		line := strings.TrimSuffix(lines.Text(), ",")
		sku, rest, member := strings.Cut(strings.TrimPrefix(line, `"`), `":`)
		switch {
		case !member || len(sku) != 16 || !strings.HasPrefix(line, `"`):
			short.WriteString(line)
			last = ""
			continue
		case strings.HasPrefix(rest, `{"sku":`): // a product
			products++
			listed[sku] = strings.Contains(rest, `"instanceType":"`+instanceType+`"`)
		}
		if listed[sku] {
			short.WriteString(last + line)
			last = ","
		}
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal([]byte(short.String()), &o); err != nil {
		t.Fatal(err)
	}
	return o, products
}

// usd is the on-demand price of an instance of the type that was read.
func (o offerFile) usd(t *testing.T, operation string) string {
	t.Helper()
	for sku, p := range o.Products {
		a := p.Attributes
		if a["operation"] == operation && a["tenancy"] == "Shared" && a["capacitystatus"] == "Used" {
			for _, d := range o.Terms.OnDemand[sku][sku+".JRTCKXETXF"].PriceDimensions {
				return d.PricePerUnit["USD"]
			}
		}
	}
	t.Errorf("no product for %s", operation)
	return ""
}

func TestPriceListFiles(t *testing.T) {
	a := open(t, sandbox.Options{})
	seoul := aws.String("ap-northeast-2")
	newest := a.priceLists("AmazonEC2", testStart, seoul)
	if len(newest) != 1 || *newest[0].PriceListArn != "arn:aws:pricing:::price-list/aws/AmazonEC2/USD/20260925174521/ap-northeast-2" {
		t.Fatalf("%+v", newest)
	}
	if diff := cmp.Diff([]string{"json", "csv"}, newest[0].FileFormats); diff != "" {
		t.Error(diff)
	}
	now, products := readOffer(t, a.file(*newest[0].PriceListArn, "json"), "m5.large")
	if now.FormatVersion != "v1.0" || now.OfferCode != "AmazonEC2" || now.Version != "20260925174521" || now.PublicationDate != "2026-09-25T17:45:21Z" {
		t.Errorf("%s %s %s %s", now.FormatVersion, now.OfferCode, now.Version, now.PublicationDate)
	}
	if products < 20_000 || len(now.Products) < 100 || len(now.Terms.OnDemand) != len(now.Products) || len(now.Terms.Reserved) != 1 || now.AttributesList == nil {
		t.Errorf("%d products, %d of m5.large, terms of %d and %d", products, len(now.Products), len(now.Terms.OnDemand), len(now.Terms.Reserved))
	}
	a.sameAsAnswered(now, *seoul, "m5.large")
	past := time.Date(2026, 8, 31, 23, 59, 59, 0, time.UTC)
	head := make([]byte, 4096) // what the older list says of prices is looked at elsewhere
	older := a.file(*a.priceLists("AmazonEC2", past, seoul)[0].PriceListArn, "json")
	if _, err := io.ReadFull(older.Body, head); err != nil || !strings.Contains(string(head), `"version":"20241220093012"`) {
		t.Errorf("%v: the older list begins %s", err, head)
	}
	if usd := now.usd(t, "RunInstances"); usd != "0.1180000000" {
		t.Errorf("m5.large costs %s", usd)
	}
}

// TestOfferIsOneDocument: a whole file is JSON, with the products in front of the
// terms, and the same where it comes packed.
func TestOfferIsOneDocument(t *testing.T) {
	a := open(t, sandbox.Options{})
	const path = "/offers/v1.0/aws/AmazonVPC/current/us-east-1/index.json"
	raw, err := io.ReadAll(a.get(a.url+path, nil).Body)
	if err != nil || !json.Valid(raw) {
		t.Fatalf("%v: %s", err, raw)
	}
	text := string(raw)
	products, onDemand, reserved := strings.Index(text, `"products":`), strings.Index(text, `"OnDemand":`), strings.Index(text, `"Reserved":`)
	if products < 0 || onDemand < products || reserved < onDemand {
		t.Errorf("products at %d, on-demand terms at %d, reserved ones at %d", products, onDemand, reserved)
	}
	packed := a.get(a.url+path, http.Header{"Accept-Encoding": {"gzip"}})
	unzip, err := gzip.NewReader(packed.Body)
	if err != nil || packed.Header.Get("Content-Encoding") != "gzip" {
		t.Fatalf("%v: %s", err, packed.Header)
	}
	if again, err := io.ReadAll(unzip); err != nil || !bytes.Equal(raw, again) {
		t.Errorf("packed it is another: %v", err)
	}
}

// sameAsAnswered compares products of a file with the same ones from the API.
func (a *account) sameAsAnswered(file offerFile, region, instanceType string) {
	a.t.Helper()
	out, err := a.prices().GetProducts(a.t.Context(), &pricing.GetProductsInput{
		ServiceCode: aws.String("AmazonEC2"), MaxResults: aws.Int32(20), Filters: []types.Filter{
			{Type: types.FilterTypeTermMatch, Field: aws.String("regionCode"), Value: &region},
			{Type: types.FilterTypeTermMatch, Field: aws.String("instanceType"), Value: &instanceType},
		},
	})
	if err != nil {
		a.t.Fatal(err)
	}
	for _, text := range out.PriceList {
		var p struct {
			Product struct {
				SKU, ProductFamily string
				Attributes         map[string]string
			}
			Terms struct{ OnDemand, Reserved map[string]offerTerm }
		}
		if err := json.Unmarshal([]byte(text), &p); err != nil {
			a.t.Fatal(err)
		}
		sku := p.Product.SKU
		if diff := cmp.Diff(p.Product.Attributes, file.Products[sku].Attributes); diff != "" {
			a.t.Errorf("%s:\n%s", sku, diff)
		}
		if diff := cmp.Diff(p.Terms.OnDemand, file.Terms.OnDemand[sku]); diff != "" {
			a.t.Errorf("%s:\n%s", sku, diff)
		}
		if diff := cmp.Diff(p.Terms.Reserved, file.Terms.Reserved[sku]); diff != "" {
			a.t.Errorf("%s:\n%s", sku, diff)
		}
	}
}

func TestPriceListCSV(t *testing.T) {
	a := open(t, sandbox.Options{})
	lists := a.priceLists("AmazonEC2", testStart, nil)
	if len(lists) < 5 {
		t.Fatalf("%d lists", len(lists))
	}
	answer := a.file("arn:aws:pricing:::price-list/aws/AmazonEC2/USD/20260925174521/ap-northeast-2", "csv")
	in := bufio.NewReader(answer.Body)
	for _, want := range []string{"FormatVersion,v1.0", "Disclaimer,", "Publication Date,2026-09-25T17:45:21Z", "Version,20260925174521", "OfferCode,AmazonEC2"} {
		if line, err := in.ReadString('\n'); err != nil || !strings.HasPrefix(line, want) {
			t.Errorf("%q, %v; want %q", line, err, want)
		}
	}
	rows, err := csv.NewReader(in).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	column := map[string]int{}
	for n, name := range rows[0] {
		column[name] = n
	}
	for _, name := range []string{"SKU", "RateCode", "PricePerUnit", "Product Family", "Instance Type", "Operating System", "License Model", "CapacityStatus", "Pre Installed S/W", "usageType", "operation", "Region Code", "Volume API Name", "MarketOption"} {
		if _, ok := column[name]; !ok {
			t.Errorf("no column %s among %q", name, rows[0])
		}
	}
	found := 0
	for _, row := range rows[1:] {
		if row[column["usageType"]] == "APN2-BoxUsage:m5.large" && row[column["operation"]] == "RunInstances" && row[column["TermType"]] == "OnDemand" {
			found++
			if row[column["PricePerUnit"]] != "0.1180000000" || row[column["Unit"]] != "Hrs" || row[column["Product Family"]] != "Compute Instance" {
				t.Errorf("%q", row)
			}
		}
	}
	if found != 1 {
		t.Errorf("m5.large is there %d times", found)
	}
}

func TestPriceListsThatAreRefused(t *testing.T) {
	a := openUnchecked(t, sandbox.Options{})
	list := func(service, currency string, at time.Time) error {
		_, err := a.prices().ListPriceLists(t.Context(), &pricing.ListPriceListsInput{ServiceCode: &service, CurrencyCode: &currency, EffectiveDate: &at})
		return err
	}
	file := func(arn, format string) error {
		_, err := a.prices().GetPriceListFileUrl(t.Context(), &pricing.GetPriceListFileUrlInput{PriceListArn: &arn, FileFormat: &format})
		return err
	}
	const arn = "arn:aws:pricing:::price-list/aws/AmazonVPC/USD/20260925174521/ap-northeast-2"
	for _, tt := range []struct {
		what, want string
		err        error
	}{
		{"a service that is not there", "NotFoundException", list("AmazonMoon", "USD", testStart)},
		{"another currency", "NotFoundException", list("AmazonEC2", "CNY", testStart)},
		{"no currency", "ValidationException", list("AmazonEC2", "usd", testStart)},
		{"long ago", "NotFoundException", list("AmazonEC2", "USD", testStart.AddDate(-5, 0, 0))},
		{"a region without a list", "ResourceNotFoundException", file(strings.Replace(arn, "ap-northeast-2", "eu-west-9", 1), "json")},
		{"a version that is not there", "ResourceNotFoundException", file(strings.Replace(arn, "20260925174521", "20200101000000", 1), "json")},
		{"a format that is not there", "InvalidParameterException", file(arn, "xml")},
		{"no ARN", "ValidationException", file("arn:aws:s3:::bucket/and/some/more", "json")},
		{"all is well", "", file(arn, "JSON")},
	} {
		if code(tt.err) != tt.want {
			t.Errorf("%s: %v, want %s", tt.what, tt.err, tt.want)
		}
	}
	if lists := a.priceLists("AmazonVPC", testStart, aws.String("eu-west-9")); len(lists) != 0 {
		t.Errorf("%d lists of a region that is not there", len(lists))
	}
	for path, want := range map[string]int{
		"/offers/v1.0/aws/AmazonVPC/current/ap-northeast-2/index.json":        200,
		"/offers/v1.0/aws/AmazonVPC/20200101000000/ap-northeast-2/index.json": 404,
		"/offers/v1.0/aws/AmazonVPC/current/ap-northeast-2/index.xml":         404,
		"/offers/v1.0/aws/AmazonVPC/index.json":                               404,
	} {
		if got := a.get(a.url+path, nil).StatusCode; got != want {
			t.Errorf("%s: %d, want %d", path, got, want)
		}
	}
	known := a.get(a.url+"/offers/v1.0/aws/AmazonVPC/current/ap-northeast-2/index.json", nil).Header.Get("ETag")
	if got := a.get(a.url+"/offers/v1.0/aws/AmazonVPC/current/ap-northeast-2/index.json", http.Header{"If-None-Match": {known}}).StatusCode; got != http.StatusNotModified {
		t.Errorf("a file that is known already: %d", got)
	}
}

// TestOfferFaults: a file can be refused, and break off in the middle.
func TestOfferFaults(t *testing.T) {
	a := openUnchecked(t, sandbox.Options{})
	const path = "/offers/v1.0/aws/AmazonEC2/current/us-east-1/index.json"
	if err := a.SetFaults([]sandbox.Fault{
		{Action: "offers:GetFile", Kind: sandbox.Broken, Nth: 1}, {Action: "offers:*", Kind: sandbox.NoAnswer, Nth: 2}, {Action: "offers:*", Kind: sandbox.Cut, Nth: 3},
	}); err != nil {
		t.Fatal(err)
	}
	if got := a.get(a.url+path, nil).StatusCode; got != http.StatusServiceUnavailable {
		t.Errorf("broken: %d", got)
	}
	short := a.get(a.url+path, nil)
	if raw, err := io.ReadAll(short.Body); err == nil || len(raw) < 100_000 {
		t.Errorf("lost: %d bytes, %v", len(raw), err)
	}
	if request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, a.url+path, http.NoBody); err != nil {
		t.Fatal(err)
	} else if answer, err := http.DefaultClient.Do(request); err == nil {
		_ = answer.Body.Close()
		t.Errorf("cut: %s", answer.Status)
	}
	calls := a.Calls()
	if len(calls) < 3 || calls[0].Service != "offers" || calls[0].Permission != "" || calls[1].Code != "ConnectionCut" {
		t.Errorf("%+v", calls)
	}
}
