package pricelist_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/iotest"
	"time"

	"nightshift/internal/fleet"
	"nightshift/internal/price"
	"nightshift/internal/pricelist"
)

func file(t testing.TB, name string) []byte {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func packed(t testing.TB, text []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	if _, err := w.Write(text); err != nil || w.Close() != nil {
		t.Fatal("cannot pack")
	}
	return out.Bytes()
}

func everything(string, map[string]string) bool { return true }

// bySKU is what a file has, in an order that both formats share.
func bySKU(t testing.TB, r io.Reader, want func(string, map[string]string) bool) []price.Product {
	t.Helper()
	products, err := pricelist.ReadOffer(r, want)
	if err != nil {
		t.Fatal(err)
	}
	slices.SortFunc(products, func(a, b price.Product) int { return strings.Compare(a.SKU, b.SKU) })
	return products
}

func TestReadOffer(t *testing.T) {
	storage := func(family string, a map[string]string) bool {
		return family == "Storage" && a["volumeApiName"] == "gp3" && a["regionCode"] == "ap-northeast-2"
	}
	amount, err := price.ParseUSD("0.0912")
	if err != nil {
		t.Fatal(err)
	}
	expected := []price.Product{{
		SKU: "BBBB000000000001", Family: "Storage", Version: "20261101120000", Published: time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC),
		Attributes: map[string]string{
			"regionCode": "ap-northeast-2", "locationType": "AWS Region", "usagetype": "APN2-EBS:VolumeUsage.gp3", "volumeApiName": "gp3", "operation": "",
		},
		Rates: []price.Rate{{
			Code: "BBBB000000000001.JRTCKXETXF.6YS6EN2CT7", Unit: "GB-Mo", USD: amount, Begin: "0", End: "Inf",
			Effective: time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC), Description: `$0.0912 per GB-month of General Purpose (gp3), "provisioned"`,
		}},
	}}
	for _, name := range []string{"offer.json", "offer.csv"} {
		text := file(t, name)
		for how, r := range map[string]io.Reader{
			"plain": bytes.NewReader(text), "packed": bytes.NewReader(packed(t, text)), "a byte at a time": iotest.OneByteReader(bytes.NewReader(text)),
			"with a mark": io.MultiReader(strings.NewReader("\ufeff"), bytes.NewReader(text)), "the end with the data": iotest.DataErrReader(bytes.NewReader(text)),
		} {
			t.Run(name+" "+how, func(t *testing.T) {
				got := bySKU(t, r, storage)
				if name == "offer.csv" {
					got[0].Attributes["operation"] = "" // an empty cell is nothing
				}
				want(t, "products", got, expected)
			})
		}
	}
}

// Both formats have the same products, with the same rates: on demand and in
// dollars.
func TestFormatsAgree(t *testing.T) {
	json := bySKU(t, bytes.NewReader(file(t, "offer.json")), everything)
	for n := range json {
		for name, value := range json[n].Attributes {
			if value == "" {
				delete(json[n].Attributes, name)
			}
		}
		if len(json[n].Rates) != 1 {
			t.Errorf("%s: %d rates, want one", json[n].SKU, len(json[n].Rates))
		}
	}
	if len(json) != 8 {
		t.Errorf("%d products", len(json))
	}
	want(t, "CSV", bySKU(t, bytes.NewReader(file(t, "offer.csv")), everything), json)
}

func TestDamagedOffer(t *testing.T) {
	json, csv := string(file(t, "offer.json")), string(file(t, "offer.csv"))
	damaged := packed(t, []byte(json))
	damaged[len(damaged)-6] ^= 1
	lines := strings.SplitAfter(csv, "\n")
	for name, test := range map[string]struct{ text, err string }{
		"nothing":                {"", "the file is empty"},
		"half of the products":   {json[:2000], "the file ends in the middle, at byte 19"},
		"half of the terms":      {json[:len(json)-900], "the file ends in the middle"},
		"all but the last brace": {strings.TrimSuffix(json, "}\n"), "the file ends in the middle"},
		"half of what is packed": {string(packed(t, []byte(json))[:1000]), "fetch it again"},
		"no checksum":            {string(packed(t, []byte(json))[:len(packed(t, []byte(json)))-8]), "fetch it again"},
		"a packed head":          {string(packed(t, []byte(json))[:12]), "fetch it again"},
		"scrambled":              {string(packed(t, []byte(json))[:10]) + strings.Repeat("\xff", 100), "fetch it again"},
		"another checksum":       {string(damaged), "fetch it again"},
		"a head of gzip":         {"\x1f\x8b\x08", "cannot be unpacked"},
		"more after the end":     {json + "{}", `'{' after the end`},
		"an empty object":        {"{}", "it is not an offer file"},
		"products only":          {`{"products": {}}`, "it is not an offer file"},
		"products that are none": {`{"products": [], "terms": {}}`, `'[' where '{' should be, at byte 13`},
		"products twice":         {`{"products": {}, "products": {}, "terms": {}}`, "products a second time"},
		"terms first":            {`{"offerCode": "AmazonEC2", "terms": {"OnDemand": {}}, "products": {}}`, "the terms come before the products"},
		"one product twice":      {`{"products": {"A": {}, "A": {}}, "terms": {}}`, `the product "A" a second time`},
		"no comma":               {`{"products": {} "terms": {}}`, "where a comma should be"},
		"no colon":               {`{"products" {}}`, `'{' where ':' should be`},
		"no name":                {`{"products": {}, 1: 2}`, "where a name should be"},
		"a comma too many":       {`{"products": {}, }`, "where a name should be"},
		"brackets that differ":   {`{"disclaimer": [[1}]], "products": {}, "terms": {}}`, `'}' where ']' should be`},
		"a word":                 {`{"disclaimer": nothing, "products": {}, "terms": {}}`, `"nothing" is not JSON`},
		"a line in a string":     {"{\"prod\nucts\": {}}", "a string with the byte 0xa in it"},
		"an unknown escape":      {`{"prod\xucts": {}}`, "not a string"},
		"terms of another shape": {`{"products": {"A": {}}, "terms": {"OnDemand": {"A": {"A.B": {"effectiveDate": 5}}}}}`, "the terms of A:"},
		"a huge name":            {`{"` + strings.Repeat("a", 100_000) + `": 1}`, "longer than 65536 bytes"},
		"a deep value":           {`{"disclaimer": ` + strings.Repeat("[", 20_000), "values in more than 10000 others"},
		"huge terms":             {`{"products": {"A": {}}, "terms": {"OnDemand": {"A": "` + strings.Repeat("a", 5<<20), "a value is longer than"},
		"a page":                 {"<html><body>403 Forbidden</body></html>\n", "it is not an offer file"},
		"no header":              {strings.Join(lines[:5], ""), "there is no header"},
		"another table":          {"a,b,c\n1,2,3\n", `there is no column "SKU"`},
		"no price column":        {strings.Replace(csv, `"PricePerUnit"`, `"Price"`, 1), `there is no column "PricePerUnit"`},
		"half a row":             {csv[:len(csv)-100], "line"},
		"a row with fewer cells": {csv + "1,2,3\n", "wrong number of fields"},
	} {
		t.Run(name, func(t *testing.T) {
			products, err := pricelist.ReadOffer(strings.NewReader(test.text), everything)
			if products != nil || !errors.Is(err, fleet.ErrInvalid) || !strings.Contains(err.Error(), test.err) {
				t.Errorf("%d products, %v; want %q", len(products), err, test.err)
			}
		})
	}
}

// Wherever a JSON file is cut off, it is seen.
func TestCutOff(t *testing.T) {
	text := bytes.TrimSpace(file(t, "offer.json"))
	for n := 0; n < len(text); n += 7 {
		if _, err := pricelist.ReadOffer(bytes.NewReader(text[:n]), everything); !errors.Is(err, fleet.ErrInvalid) {
			t.Fatalf("cut at %d of %d: %v", n, len(text), err)
		}
	}
}

// What goes wrong with the reading stays what it is.
func TestReadingFails(t *testing.T) {
	for _, name := range []string{"offer.json", "offer.csv"} {
		text := file(t, name)
		products, err := pricelist.ReadOffer(io.MultiReader(bytes.NewReader(text[:3000]), iotest.ErrReader(errDown)), everything)
		if products != nil || !errors.Is(err, errDown) || errors.Is(err, fleet.ErrInvalid) {
			t.Errorf("%s: %v, %v", name, products, err)
		}
		broken := fleet.Errorf(fleet.ErrUnavailable, "the connection breaks off: %w", io.ErrUnexpectedEOF)
		_, err = pricelist.ReadOffer(io.MultiReader(bytes.NewReader(text[:3000]), iotest.ErrReader(broken)), everything)
		if !errors.Is(err, fleet.ErrUnavailable) || errors.Is(err, fleet.ErrInvalid) {
			t.Errorf("%s from a connection: %v", name, err)
		}
	}
}

// opened is a list over a file of testdata, with the number of its passes.
func opened(t *testing.T, name string) (*pricelist.OfferList, *atomic.Int64) {
	t.Helper()
	text := file(t, name)
	passes := &atomic.Int64{}
	return pricelist.Offer(func() (io.ReadCloser, error) {
		passes.Add(1)
		return io.NopCloser(bytes.NewReader(text)), nil
	}), passes
}

func TestOffer(t *testing.T) {
	byol, unused := windows("m5.xlarge"), windows("m5.xlarge")
	byol.Operation, unused.Unused = "RunInstances:0800", true
	host := key("m5.xlarge")
	host.Tenancy = "Host"
	for _, name := range []string{"offer.json", "offer.csv"} {
		t.Run(name, func(t *testing.T) {
			offer, passes := opened(t, name)
			if notes := offer.Notes(); notes != nil {
				t.Errorf("notes before anything is read: %q", notes)
			}
			for range 2 {
				want(t, "instances", hourly(t, offer, windows("m5.xlarge"), byol, unused, key("none.large")), "0.42 0.236 0.42 -")
				want(t, "rates", monthly(t, offer), "0.0912 0.05 -")
			}
			rates, err := offer.Rates(t.Context(), seoul)
			if q := price.PickRates(rates, seoul).Quote(price.HostDimension("m5")); err != nil || q.Rate.USD.String() != "6.231" {
				t.Errorf("the host: %+v, %v", q, err)
			}
			products, err := offer.Instances(t.Context(), []price.InstanceKey{host})
			if len(products) > 0 || err != nil {
				t.Errorf("on the host: %v, %v", products, err)
			}
			want(t, "passes", passes.Load(), int64(1))
			want(t, "notes", offer.Notes(), []string{
				"prices are those of the offer file: AmazonEC2, version 20261101120000, published 2026-11-01",
				"the offer file has no prices of public IPv4 addresses, metrics in ap-northeast-2",
			})
		})
	}
}

// Rates first, then instances, are two passes: it is not known before which
// instances there are.
func TestTwoPasses(t *testing.T) {
	offer, passes := opened(t, "offer.json")
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			if rates, err := offer.Rates(t.Context(), seoul); len(rates) != 3 || err != nil {
				t.Errorf("%d rates, %v", len(rates), err)
			}
		})
	}
	group.Wait()
	want(t, "passes", passes.Load(), int64(1))
	want(t, "instances", hourly(t, offer, windows("m5.xlarge")), "0.42")
	want(t, "rates", monthly(t, offer), "0.0912 0.05 -")
	want(t, "passes", passes.Load(), int64(2))
}

func TestOfferFails(t *testing.T) {
	opens := 0
	offer := pricelist.Offer(func() (io.ReadCloser, error) { opens++; return nil, errDown })
	for range 2 {
		if _, err := offer.Rates(t.Context(), seoul); !errors.Is(err, errDown) {
			t.Error(err)
		}
		if _, err := offer.Instances(t.Context(), []price.InstanceKey{key("m5.large")}); !errors.Is(err, errDown) {
			t.Error(err)
		}
	}
	want(t, "opened", opens, 1)

	// A run that is ended says nothing about the file.
	offer, _ = opened(t, "offer.json")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := offer.Rates(ctx, seoul); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	want(t, "rates", monthly(t, offer), "0.0912 0.05 -")
}

func TestOpenOffer(t *testing.T) {
	offer, err := pricelist.OpenOffer(filepath.Join("testdata", "offer.csv"))
	if err != nil {
		t.Fatal(err)
	}
	want(t, "rates", monthly(t, offer), "0.0912 0.05 -")
	if notes := offer.Notes(); !strings.HasPrefix(notes[0], "prices are those of "+filepath.Join("testdata", "offer.csv")+": AmazonEC2") {
		t.Errorf("notes: %q", notes)
	}
	if _, err := pricelist.OpenOffer("testdata"); !errors.Is(err, fleet.ErrInvalid) {
		t.Error(err)
	}
	if _, err := pricelist.OpenOffer(filepath.Join("testdata", "none.json")); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
}

// A file that others made, where it is at hand: of Ohio, of 2023. Its m5.large
// has the terms of a reservation only.
func TestForeignOffer(t *testing.T) {
	shared := os.Getenv("NIGHTSHIFT_SHARED")
	if shared == "" {
		shared = filepath.Join("..", "..", "..", "shared")
	}
	path := filepath.Join(shared, "data", "fixtures", "bulk_us-east-2_opencost_provider_test.json")
	if _, err := os.Stat(path); err != nil {
		t.Skip("not here:", err)
	}
	offer, err := pricelist.OpenOffer(path)
	if err != nil {
		t.Fatal(err)
	}
	const ohio = fleet.Region("us-east-2")
	byol := price.InstanceKey{Region: ohio, Type: "p3.8xlarge", Tenancy: "Shared", Operation: "RunInstances:0800"}
	reserved := price.InstanceKey{Region: ohio, Type: "m5.large", Tenancy: "Shared", Operation: "RunInstances"}
	want(t, "instances", hourly(t, offer, byol, reserved), "12.24 -")
	rates, err := offer.Rates(t.Context(), ohio)
	if err != nil {
		t.Fatal(err)
	}
	q := price.PickRates(rates, ohio).Quote("EBS:VolumeUsage.gp3")
	want(t, "gp3", fmt.Sprint(q.Status, q.Rate.USD, q.SKU, q.Version, q.Published.Format(time.DateOnly)), fmt.Sprint(price.Exact, "0.08", "M6UGCCQ3CDJQAA37", "20230322145651", "2023-03-22"))
}
