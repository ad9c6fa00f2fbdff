package amazon_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"nightshift/internal/amazon"
	"nightshift/internal/cost"
	"nightshift/internal/fleet"
	"nightshift/internal/price"
	"nightshift/internal/sandbox"
	"nightshift/internal/sandbox/sandboxtest"
)

var _ cost.PriceList = (*amazon.Prices)(nil)

// keysOf are the distinct price keys of an account.
func keysOf(t *testing.T, f *amazon.Fleet) []price.InstanceKey {
	t.Helper()
	seen := map[price.InstanceKey]bool{}
	var keys []price.InstanceKey
	for i, err := range f.Instances(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		if k, _, _ := price.KeyFor(i, fleet.TypeInfo{}); !k.HostBilled() && !seen[k] {
			seen[k] = true
			keys = append(keys, k)
		}
	}
	return keys
}

func faulty(t *testing.T, plan string) sandbox.Options {
	t.Helper()
	faults, err := sandbox.ParseFaults(plan)
	if err != nil {
		t.Fatal(err)
	}
	return sandbox.Options{Faults: faults}
}

// Whether the endpoint understands ANY_OF, refuses it or takes its value
// literally: the prices are the same, only the number of calls differs.
func TestPricesWithAndWithoutAnyOf(t *testing.T) {
	var want map[price.InstanceKey]string
	for _, mode := range []string{"comma", "literal", "off"} {
		t.Run(mode, func(t *testing.T) {
			server := sandboxtest.Start(t, sandbox.Options{AnyOf: mode, Fleet: 300})
			s := newPeer(server.URL()).session(t)
			keys := keysOf(t, s.Fleet(region))
			products, err := s.Prices().Instances(t.Context(), keys)
			if err != nil {
				t.Fatal(err)
			}
			got := map[price.InstanceKey]string{}
			for _, k := range keys {
				q := price.Pick(products, k)
				if q.Status != price.Exact || q.Rate.USD <= 0 {
					t.Errorf("%v: %s %s", k, q.Status, q.Note)
				}
				got[k] = q.SKU + " " + q.Rate.USD.String()
			}
			if want == nil {
				want = got
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("prices differ from those with ANY_OF:\n%s", diff)
			}
			n := calls(s, "Pricing", "GetProducts")
			t.Logf("%d keys took %d calls", len(keys), n)
			switch {
			case mode == "comma" && n > 20:
				t.Errorf("%d calls for %d keys, want at most 20", n, len(keys))
			case mode != "comma" && n > len(keys)+2:
				t.Errorf("%d calls for %d keys, want no more than one for each and two to find out", n, len(keys))
			}
		})
	}
}

// A large fleet in one region takes at most 20 calls, its volumes and all else
// that is priced included.
func TestCallsOfALargeFleet(t *testing.T) {
	account, err := sandbox.New(sandbox.Options{Fleet: largeFleet})
	if err != nil {
		t.Fatal(err)
	}
	server, err := account.Listen("127.0.0.1:0") // no exchange is checked: there are many, and other tests have them all
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	s := newPeer(server.URL()).session(t)
	keys := keysOf(t, s.Fleet(region))
	prices := s.Prices()
	rates, err := prices.Rates(t.Context(), region)
	if err != nil {
		t.Fatal(err)
	}
	n := calls(s, "Pricing", "GetProducts")
	if n > 6 {
		t.Errorf("%d calls for the rates, want at most 6", n)
	}
	products, err := prices.Instances(t.Context(), keys)
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range keys {
		if q := price.Pick(products, k); q.Status != price.Exact {
			t.Errorf("%+v: %s %s", k, q.Status, q.Note)
		}
	}
	t.Logf("%d keys: %d calls for %d rates, %d in all", len(keys), n, len(rates), calls(s, "Pricing", "GetProducts"))
	if n := calls(s, "Pricing", "GetProducts"); n > 20 {
		t.Errorf("%d calls, want at most 20", n)
	}
}

// Every type of the region in one operation, and an instance of each.
func TestCallsOfManyTypes(t *testing.T) {
	for _, mode := range []string{"comma", "off"} {
		server := sandboxtest.Start(t, sandbox.Options{AnyOf: mode})
		s := newPeer(server.URL()).session(t)
		all, err := s.Prices().Instances(t.Context(), linux(manyTypes()))
		if err != nil {
			t.Fatal(err)
		}
		found := 0
		for _, k := range linux(manyTypes()) {
			if price.Pick(all, k).Status == price.Exact {
				found++
			}
		}
		n := calls(s, "Pricing", "GetProducts")
		t.Logf("%s: %d of 300 types in %d calls", mode, found, n)
		if found < 60 || n > 20 {
			t.Errorf("%s: %d of 300 types in %d calls, want at most 20", mode, found, n)
		}
	}
}

// manyTypes are 300 names of types: those that there are in many families, and
// some that no region sells.
func manyTypes() []fleet.InstanceType {
	var names []fleet.InstanceType
	for family := range strings.FieldsSeq("t3 t3a t4g m4 m5 m5a m6g m6i m7g m7i m8g m8i c4 c5 c5a c6g c6i c7g c7i c8g c8i r4 r5 r5a r6g r6i r7g r7i r8g r8i i3 i4i g4dn g5 x1e x2iedn z1d p3") {
		for size := range strings.FieldsSeq("nano micro small medium large xlarge 2xlarge 4xlarge") {
			if len(names) < 300 {
				names = append(names, fleet.InstanceType(family+"."+size))
			}
		}
	}
	return names
}

func linux(names []fleet.InstanceType) []price.InstanceKey {
	var keys []price.InstanceKey
	for _, name := range names {
		keys = append(keys, price.InstanceKey{Region: region, Type: name, Tenancy: "Shared", Operation: "RunInstances"})
	}
	return keys
}

// A page that fails half-way: what was read before comes with the error, and is
// good.
func TestPageOfPricesFails(t *testing.T) {
	server := sandboxtest.Start(t, faulty(t, "pricing:GetProducts=deny,nth=3"))
	s := newPeer(server.URL()).session(t)
	var keys []price.InstanceKey
	for _, operation := range price.Operations()[9:18] {
		for name := range strings.FieldsSeq("m5 c5 r5") {
			for size := range strings.FieldsSeq("xlarge 2xlarge 4xlarge 12xlarge 24xlarge") {
				keys = append(keys, price.InstanceKey{
					Region: region, Type: fleet.InstanceType(name + "." + size), Tenancy: "Shared", Operation: operation.Code,
				})
			}
		}
	}
	products, err := s.Prices().Instances(t.Context(), keys)
	if !errors.Is(err, fleet.ErrDenied) || !strings.Contains(err.Error(), "instance prices of "+string(region)) {
		t.Errorf("%v, want a denial that says what could not be read", err)
	}
	exact := 0
	for _, k := range keys {
		if price.Pick(products, k).Status == price.Exact {
			exact++
		}
	}
	if exact == 0 || exact == len(keys) {
		t.Errorf("%d of %d prices are known, want some", exact, len(keys))
	}
}

// A part of the rates that fails does not take the others with it.
func TestPartOfTheRatesFails(t *testing.T) {
	server := sandboxtest.Start(t, faulty(t, "pricing:GetProducts=deny,nth=1"))
	products, err := newPeer(server.URL()).session(t).Prices().Rates(t.Context(), region)
	if !errors.Is(err, fleet.ErrDenied) || !strings.Contains(err.Error(), "read the EBS prices of "+string(region)) || strings.Contains(err.Error(), "IPv4") {
		t.Errorf("%v, want a denial that names the part", err)
	}
	rates := price.PickRates(products, region)
	if q := rates.Quote(price.AddressIdle); q.Status != price.Exact {
		t.Errorf("an address: %s %s", q.Status, q.Note)
	}
	if q := rates.Quote("EBS:VolumeUsage.gp3"); q.Status != price.Missing {
		t.Errorf("gp3: %s", q.Status)
	}
}

// An endpoint that does not know CONTAINS gives the same rates, family by
// family.
func TestRatesWithoutContains(t *testing.T) {
	whole, err := newPeer(sandboxtest.Start(t, sandbox.Options{}).URL()).session(t).Prices().Rates(t.Context(), region)
	if err != nil {
		t.Fatal(err)
	}
	s := newPeer(sandboxtest.Start(t, faulty(t, "pricing:GetProducts=deny,nth=1,code=ValidationException")).URL()).session(t)
	products, err := s.Prices().Rates(t.Context(), region)
	if err != nil {
		t.Fatal(err)
	}
	want, got := price.PickRates(whole, region), price.PickRates(products, region)
	for _, p := range whole {
		dimension, ok := price.DimensionOf(p.Attributes["usagetype"])
		if !ok {
			continue
		}
		if diff := cmp.Diff(want.Quote(dimension), got.Quote(dimension)); diff != "" {
			t.Errorf("%s:\n%s", dimension, diff)
		}
	}
	if n := calls(s, "Pricing", "GetProducts"); n != 9 {
		t.Errorf("%d calls, want the one that is refused, and 8 for four families of EBS and four other parts", n)
	}
}

// Without the price list there is one error that says so, and it does not take
// long to come.
func TestNoPriceList(t *testing.T) {
	server := sandboxtest.Start(t, faulty(t, "pricing:GetProducts=cut"))
	s, err := amazon.Open(t.Context(), amazon.Options{Region: region, Endpoint: &amazon.Endpoint{
		URL: server.URL(), AccessKey: sandbox.AccessKey, SecretKey: sandbox.SecretKey, ClockScale: 1000, // the pauses are as much shorter
	}})
	if err != nil {
		t.Fatal(err)
	}
	prices := s.Prices()
	if _, err := prices.Rates(t.Context(), region); !errors.Is(err, fleet.ErrUnavailable) || strings.Count(err.Error(), "without an answer") != 1 {
		t.Errorf("%v, want once that the price list is unavailable", err)
	}
	sent := calls(s, "Pricing", "GetProducts")
	if _, err := prices.Instances(t.Context(), linux(manyTypes())); !errors.Is(err, fleet.ErrUnavailable) {
		t.Errorf("%v, want that the price list is unavailable", err)
	}
	if n := calls(s, "Pricing", "GetProducts"); n != sent {
		t.Errorf("%d more calls to a price list that is down", n-sent)
	}
}

// A price list that was out of reach is asked again after a while.
func TestPriceListAfterAnOutage(t *testing.T) {
	server := sandboxtest.Start(t, faulty(t, "pricing:GetProducts=cut,count=5"))
	now := time.Now()
	s, err := amazon.Open(t.Context(), amazon.Options{Region: region, Now: func() time.Time { return now }, Endpoint: &amazon.Endpoint{
		URL: server.URL(), AccessKey: sandbox.AccessKey, SecretKey: sandbox.SecretKey, ClockScale: 1000, // the pauses are as much shorter
	}})
	if err != nil {
		t.Fatal(err)
	}
	prices := s.Prices()
	for after, want := range []error{fleet.ErrUnavailable, fleet.ErrUnavailable, nil} {
		before := now
		now = now.Add(time.Duration(after) * 3 * time.Minute)
		products, err := prices.Rates(t.Context(), region)
		if !errors.Is(err, want) || (len(products) > 0) != (want == nil) {
			t.Errorf("%s later: %d products, %v", now.Sub(before), len(products), err)
		}
	}
}

// A region that the price list does not have has no prices, and that is not an
// error.
func TestRegionWithoutPrices(t *testing.T) {
	for _, mode := range []string{"comma", "literal", "off"} {
		server := sandboxtest.Start(t, sandbox.Options{AnyOf: mode})
		s := newPeer(server.URL()).session(t)
		const nowhere = fleet.Region("mars-north-1")
		products, err := s.Prices().Rates(t.Context(), nowhere)
		if err != nil || len(products) > 0 {
			t.Errorf("%s: %d rates, %v", mode, len(products), err)
		}
		keys := linux(manyTypes())
		for n := range keys {
			keys[n].Region = nowhere
		}
		products, err = s.Prices().Instances(t.Context(), keys)
		if err != nil || len(products) > 0 {
			t.Errorf("%s: %d instance prices, %v", mode, len(products), err)
		}
		if n := calls(s, "Pricing", "GetProducts"); n > 20 {
			t.Errorf("%s: %d calls for a region without prices", mode, n)
		}
		// Beside it a region that has prices is read as ever.
		products, err = s.Prices().Instances(t.Context(), slices.Concat(keys, linux([]fleet.InstanceType{"t3.medium", "m5.xlarge"})))
		if err != nil || price.Pick(products, linux([]fleet.InstanceType{"m5.xlarge"})[0]).Status != price.Exact {
			t.Errorf("%s: a region beside it: %d products, %v", mode, len(products), err)
		}
	}
}

// What no instance uses of a reservation has a row of its own, at the price of
// an instance.
func TestUnusedReservation(t *testing.T) {
	server := sandboxtest.Start(t, sandbox.Options{})
	var keys []price.InstanceKey
	for _, unused := range []bool{false, true} {
		for _, tenancy := range []string{"Shared", "Dedicated"} {
			keys = append(keys, price.InstanceKey{Region: region, Type: "m5.xlarge", Tenancy: tenancy, Operation: "RunInstances:0002", Unused: unused})
		}
	}
	products, err := newPeer(server.URL()).session(t).Prices().Instances(t.Context(), keys)
	if err != nil {
		t.Fatal(err)
	}
	var got []price.Quote
	skus := map[string]bool{}
	for _, k := range keys {
		q := price.Pick(products, k)
		got, skus[q.SKU] = append(got, q), true
	}
	if len(skus) != 4 || got[0].Rate.USD != got[2].Rate.USD || got[1].Rate.USD != got[3].Rate.USD || got[0].Rate.USD >= got[1].Rate.USD {
		t.Errorf("quotes %s", fmt.Sprint(got))
	}
}
