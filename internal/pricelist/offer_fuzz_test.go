package pricelist_test

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"testing"
	"testing/iotest"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"nightshift/internal/price"
	"nightshift/internal/pricelist"
)

// slowly is ReadOffer with encoding/json and the whole file in memory.
func slowly(text []byte) ([]price.Product, error) {
	members := map[string]json.RawMessage{}
	if err := json.Unmarshal(text, &members); err != nil {
		return nil, err
	}
	var products map[string]map[string]json.RawMessage
	if err := json.Unmarshal(members["products"], &products); err != nil {
		return nil, err
	}
	var terms map[string]json.RawMessage
	if err := json.Unmarshal(members["terms"], &terms); err != nil {
		return nil, err
	}
	var onDemand map[string]json.RawMessage
	if raw, ok := terms["OnDemand"]; ok {
		if err := json.Unmarshal(raw, &onDemand); err != nil || onDemand == nil {
			return nil, fmt.Errorf("no terms: %w", err)
		}
	}
	if products == nil || terms == nil {
		return nil, errors.New("null")
	}
	text1 := func(raw json.RawMessage) string {
		var s string
		if json.Unmarshal(raw, &s) != nil {
			return ""
		}
		return s
	}
	published, _ := time.Parse(time.RFC3339, text1(members["publicationDate"]))
	var all []price.Product
	for sku, members1 := range products {
		if members1 == nil {
			return nil, errors.New("null")
		}
		p := price.Product{
			SKU: sku, Family: text1(members1["productFamily"]), Attributes: map[string]string{},
			Version: text1(members["version"]), Published: published.UTC(),
		}
		if raw, ok := members1["attributes"]; ok {
			var attributes map[string]any
			if err := json.Unmarshal(raw, &attributes); err != nil || attributes == nil {
				return nil, fmt.Errorf("no attributes: %w", err)
			}
			for _, name := range []string{"regionCode", "instanceType", "operation", "usagetype"} {
				if value, ok := attributes[name].(string); ok {
					p.Attributes[name] = value
				}
			}
		}
		var of map[string]struct {
			EffectiveDate   time.Time
			PriceDimensions map[string]struct {
				RateCode, Unit, BeginRange, EndRange, Description string
				PricePerUnit                                      map[string]string
			}
			TermAttributes struct{ LeaseContractLength string }
		}
		if raw, ok := onDemand[sku]; ok {
			if err := json.Unmarshal(raw, &of); err != nil {
				return nil, err
			}
		}
		for _, term := range of {
			for _, d := range term.PriceDimensions {
				usd, err := price.ParseUSD(d.PricePerUnit["USD"])
				if err == nil && term.TermAttributes.LeaseContractLength == "" {
					p.Rates = append(p.Rates, price.Rate{
						Code: d.RateCode, Unit: d.Unit, USD: usd, Begin: d.BeginRange, End: d.EndRange, Effective: term.EffectiveDate, Description: d.Description,
					})
				}
			}
		}
		all = append(all, p)
	}
	return all, nil
}

// plainly is whether an offer can be checked slowly: no object has two members
// of one name, where encoding/json takes the last, and the products come
// before the terms.
func plainly(text []byte) bool {
	d := json.NewDecoder(bytes.NewReader(text))
	var top []string
	var object func(depth int) bool
	value := func(depth int) bool {
		token, err := d.Token()
		if err != nil {
			return false
		}
		switch token {
		case json.Delim('{'):
			return object(depth)
		case json.Delim('['):
			for d.More() {
				// Numbers as they are: the tokens of an array are values.
				var any json.RawMessage
				if d.Decode(&any) != nil {
					return false
				}
			}
			_, err = d.Token()
		}
		return err == nil
	}
	object = func(depth int) bool {
		names := map[string]bool{}
		for d.More() {
			token, err := d.Token()
			name, ok := token.(string)
			if err != nil || !ok || names[name] {
				return false
			}
			names[name] = true
			if depth == 0 {
				top = append(top, name)
			}
			if !value(depth + 1) {
				return false
			}
		}
		_, err := d.Token()
		return err == nil
	}
	if !value(0) {
		return false
	}
	products, terms := slices.Index(top, "products"), slices.Index(top, "terms")
	return products >= 0 && products < terms
}

// sameAs holds what ReadOffer gives against slowly.
func sameAs(t interface{ Fatalf(string, ...any) }, text []byte) {
	order := func(products []price.Product) {
		slices.SortFunc(products, func(a, b price.Product) int { return cmp.Compare(a.SKU, b.SKU) })
		for n := range products {
			for name := range products[n].Attributes {
				if !slices.Contains([]string{"regionCode", "instanceType", "operation", "usagetype"}, name) {
					delete(products[n].Attributes, name)
				}
			}
			slices.SortFunc(products[n].Rates, func(a, b price.Rate) int {
				return cmp.Or(cmp.Compare(a.Code, b.Code), cmp.Compare(fmt.Sprint(a), fmt.Sprint(b)))
			})
		}
	}
	got, err := pricelist.ReadOffer(bytes.NewReader(text), everything)
	again, err2 := pricelist.ReadOffer(iotest.HalfReader(bytes.NewReader(text)), everything)
	order(got)
	order(again)
	if diff := gocmp.Diff(got, again); diff != "" || (err == nil) != (err2 == nil) {
		t.Fatalf("in other pieces: %v, %v\n%s", err, err2, diff)
	}
	if !plainly(text) {
		return
	}
	expected, wrong := slowly(text)
	order(expected)
	switch {
	case wrong == nil && err != nil:
		t.Fatalf("encoding/json reads it: %v", err)
	case wrong != nil && err == nil && json.Valid(text):
		t.Fatalf("encoding/json does not read it: %v", wrong)
	case wrong == nil:
		if diff := gocmp.Diff(expected, got); diff != "" {
			t.Fatalf("(-encoding/json +ours):\n%s", diff)
		}
	}
}

func FuzzReadOffer(f *testing.F) {
	text := file(f, "offer.json")
	f.Add(text)
	f.Add(file(f, "offer.csv"))
	f.Add([]byte(`{"products": {"A": {"attributes": {"usagetype": "\u00e9\"", "vcpu": {"x": ["]"]}}}}, "terms": {"OnDemand": {"A": {"A.B": {}}}}}`))
	f.Add([]byte(`{"version": 1e5, "products": {"A": {"attributes": {"operation": null}, "productFamily": ["}"]}}, "terms": {}}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		if len(text) == 0 || !bytes.ContainsAny(text[:1], "{ \n") {
			_, _ = pricelist.ReadOffer(bytes.NewReader(text), everything) // it ends, and does not panic
			return
		}
		sameAs(t, text)
	})
}

// Files of the right shape, with values of every kind where nobody looks.
func TestLikeEncodingJSON(t *testing.T) {
	text := rapid.OneOf(rapid.String(), rapid.SampledFrom([]string{`\`, `"`, "{}", "]", "\\\"", "ü", "products", ""}))
	var value func(depth int) *rapid.Generator[any]
	value = func(depth int) *rapid.Generator[any] {
		kinds := []*rapid.Generator[any]{
			rapid.Map(text, func(s string) any { return s }), rapid.Map(rapid.Float64Range(-1e9, 1e9), func(f float64) any { return f }),
			rapid.SampledFrom([]any{nil, true, false}),
		}
		if depth > 0 {
			kinds = append(kinds,
				rapid.Map(rapid.SliceOfN(value(depth-1), 0, 3), func(s []any) any { return s }),
				rapid.Map(rapid.MapOfN(text, value(depth-1), 0, 3), func(m map[string]any) any { return m }))
		}
		return rapid.OneOf(kinds...)
	}
	rapid.Check(t, func(r *rapid.T) {
		encode := func(v any) string {
			raw, err := json.MarshalIndent(v, "", rapid.SampledFrom([]string{"", " ", "\t"}).Draw(r, "indent"))
			if err != nil {
				r.Fatal(err)
			}
			return string(raw)
		}
		products, terms := map[string]any{}, map[string]any{}
		for n := range rapid.IntRange(0, 4).Draw(r, "products") {
			sku := fmt.Sprint(n, text.Draw(r, "sku"))
			products[sku] = map[string]any{
				"sku": sku, "productFamily": text.Draw(r, "family"), "other": value(3).Draw(r, "other"),
				"attributes": map[string]any{"regionCode": text.Draw(r, "region"), "operation": value(1).Draw(r, "operation"), "vcpu": value(2).Draw(r, "vcpu")},
			}
			term := map[string]any{
				"effectiveDate": "2026-11-01T00:00:00Z",
				"priceDimensions": map[string]any{sku + ".T.D": map[string]any{
					"rateCode": sku + ".T.D", "unit": text.Draw(r, "unit"), "description": text.Draw(r, "description"),
					"pricePerUnit": map[string]any{rapid.SampledFrom([]string{"USD", "CNY"}).Draw(r, "currency"): rapid.SampledFrom([]string{"0.1234567891", "1", "-2.5", "much"}).Draw(r, "amount")},
					"appliesTo":    value(2).Draw(r, "applies"),
				}},
				"termAttributes": map[string]any{},
			}
			terms[sku] = map[string]any{sku + ".T": term}
		}
		terms["unknown"] = value(3).Draw(r, "terms of an unknown product")
		file := `{"disclaimer": ` + encode(value(3).Draw(r, "disclaimer")) + `, "version": ` + encode(value(1).Draw(r, "version")) +
			`, "publicationDate": "2026-11-01T09:00:00+09:00", "products": ` + encode(products) +
			`, "terms": {"Reserved": ` + encode(value(3).Draw(r, "reserved")) + `, "OnDemand": ` + encode(terms) + `}, "attributesList": {}}` + "\n"
		sameAs(r, []byte(file))
		cut := rapid.IntRange(0, len(file)-2).Draw(r, "cut")
		if _, err := pricelist.ReadOffer(io.LimitReader(bytes.NewReader([]byte(file)), int64(cut)), everything); err == nil {
			r.Fatalf("cut off after %d of %d bytes, and read", cut, len(file))
		}
	})
}
