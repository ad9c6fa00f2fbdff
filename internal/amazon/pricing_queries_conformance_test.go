package amazon

import (
	"fmt"
	"slices"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/pricing/types"
	"pgregory.net/rapid"

	"nightshift/internal/fleet"
	"nightshift/internal/price"
)

// drawKeys makes keys as a fleet has them: many types of some operations, few
// of others, most on shared hardware.
func drawKeys(t *rapid.T) []price.InstanceKey {
	nTypes := rapid.IntRange(1, 400).Draw(t, "types")
	var keys []price.InstanceKey
	for operation := range rapid.IntRange(1, 19).Draw(t, "operations") {
		for n := range rapid.IntRange(1, nTypes).Draw(t, "types of it") {
			keys = append(keys, price.InstanceKey{
				Region:    rapid.SampledFrom([]fleet.Region{"ap-northeast-2", "ap-northeast-2", "us-east-1"}).Draw(t, "region"),
				Tenancy:   rapid.SampledFrom([]string{"Shared", "Shared", "Shared", "Dedicated"}).Draw(t, "tenancy"),
				Type:      fleet.InstanceType(fmt.Sprintf("m%d.xlarge", n)),
				Operation: fmt.Sprintf("RunInstances:%04d", operation),
				Unused:    rapid.IntRange(0, 20).Draw(t, "unused") == 20,
			})
			if n == 40 && rapid.Bool().Draw(t, "few") {
				break
			}
		}
	}
	return keys
}

// asksFor is true where the answer to a query has the product of a key.
func (q priceQuery) asksFor(k price.InstanceKey) bool {
	return q.region == k.Region && q.unused == k.Unused && slices.Contains(q.tenancies, k.Tenancy) &&
		slices.Contains(q.operations, k.Operation) && (len(q.types) == 0 || slices.Contains(q.types, string(k.Type)))
}

// Every key is asked for, no filter is longer than the service allows, and
// putting questions together never takes more calls than leaving them apart.
func TestQuestions(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		keys := drawKeys(t)
		apart, merged := priceQueries(keys, false), priceQueries(keys, true)
		for _, asked := range [][]priceQuery{apart, merged} {
			for _, k := range keys {
				if !slices.ContainsFunc(asked, func(q priceQuery) bool { return q.asksFor(k) }) {
					t.Fatalf("%+v is not asked for", k)
				}
			}
		}
		for _, q := range merged {
			for _, f := range q.filters() {
				if len(*f.Value) > filterValueSize || *f.Value == "" {
					t.Fatalf("a filter of %d characters for %s", len(*f.Value), *f.Field)
				}
			}
		}
		for _, q := range apart {
			for _, f := range q.filters() {
				if f.Type != types.FilterTypeTermMatch {
					t.Fatalf("%s is asked for by %s", *f.Field, f.Type)
				}
			}
		}
		if callsOf(merged) > callsOf(apart) {
			t.Fatalf("%d calls together, %d apart", callsOf(merged), callsOf(apart))
		}
	})
}

// How many calls whole fleets take. Without ANY_OF all types of an operation
// are read as soon as that is less than one call for each of them.
func TestCallsOfFleets(t *testing.T) {
	// fleetOf has the first n types of each operation.
	fleetOf := func(perOperation ...int) []price.InstanceKey {
		var keys []price.InstanceKey
		for operation, n := range perOperation {
			for i := range n {
				keys = append(keys, price.InstanceKey{
					Region: "ap-northeast-2", Tenancy: "Shared", Operation: fmt.Sprintf("RunInstances:%04d", operation),
					Type: fleet.InstanceType(fmt.Sprintf("family%d.4xlarge", i)),
				})
			}
		}
		return keys
	}
	for _, tt := range []struct {
		name                  string
		keys                  []price.InstanceKey
		severalTypes, without int
	}{
		{"one key", fleetOf(1), 1, 1},
		{"an office", fleetOf(40, 40, 40, 40, 40, 40, 40, 40), 4, 8 * 14},
		{"300 types of Linux", fleetOf(300), 6, 14},
		{"300 types, and some of them with licences", fleetOf(300, 40, 10, 5, 5, 2, 1, 1, 1), 8, 14 + 14 + 10 + 5 + 5 + 2 + 1 + 1 + 1},
		{"every type there is", fleetOf(1400), 14, 14},
	} {
		if n := callsOf(priceQueries(tt.keys, true)); n > tt.severalTypes {
			t.Errorf("%s: %d calls with ANY_OF, want at most %d", tt.name, n, tt.severalTypes)
		}
		if n := callsOf(priceQueries(tt.keys, false)); n != tt.without {
			t.Errorf("%s: %d calls without ANY_OF, want %d", tt.name, n, tt.without)
		}
	}
}
