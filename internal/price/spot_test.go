package price_test

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"nightshift/internal/price"
)

// november is the beginning of a month.
func november(hours float64) time.Time {
	return time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC).Add(time.Duration(hours * float64(time.Hour)))
}

func TestSpotMeanByHand(t *testing.T) {
	row := func(hours float64, amount string) price.SpotPrice {
		return price.SpotPrice{Type: "m5.large", Zone: "ap-northeast-2a", Product: "Linux/UNIX", USD: usd(t, amount), At: november(hours)}
	}
	tests := []struct {
		name       string
		rows       []price.SpotPrice
		from, to   float64
		mean, last string
		ok         bool
	}{
		{"no rows", nil, 0, 10, "0", "0", false},
		{"one price, older than the span", []price.SpotPrice{row(-100, "0.04")}, 0, 10, "0.04", "0.04", true},
		{"a change in the middle", []price.SpotPrice{row(-1, "0.04"), row(5, "0.06")}, 0, 10, "0.05", "0.06", true},
		{"a change near the end", []price.SpotPrice{row(-1, "0.04"), row(9, "0.06")}, 0, 10, "0.042", "0.06", true},
		{"the newest first, as EC2 lists them", []price.SpotPrice{row(8, "0.08"), row(2, "0.05"), row(-3, "0.03")}, 0, 10, "0.052", "0.08", true},
		{"of several before the span the last counts", []price.SpotPrice{row(-9, "9"), row(-5, "7"), row(-1, "0.04")}, 0, 10, "0.04", "0.04", true},
		{"before the first row its price is taken", []price.SpotPrice{row(4, "0.04"), row(8, "0.09")}, 0, 10, "0.05", "0.09", true},
		{"what comes after the span does not count", []price.SpotPrice{row(-1, "0.04"), row(11, "5")}, 0, 10, "0.04", "0.04", true},
		{"only later rows", []price.SpotPrice{row(11, "5")}, 0, 10, "0", "0", false},
		{"an empty span", []price.SpotPrice{row(-1, "0.04")}, 3, 3, "0.04", "0.04", true},
		{"a span from within", []price.SpotPrice{row(0, "0.02"), row(2, "0.04"), row(6, "0.08")}, 4, 8, "0.06", "0.08", true},
	}
	for _, tt := range tests {
		mean, last, ok := price.SpotMean(tt.rows, november(tt.from), november(tt.to))
		if mean != usd(t, tt.mean) || last != usd(t, tt.last) || ok != tt.ok {
			t.Errorf("%s: mean %v, last %v, %v; want %s, %s, %v", tt.name, mean, last, ok, tt.mean, tt.last, tt.ok)
		}
	}
}

// The mean lies between the lowest and the highest price, does not depend on
// the order of the rows, and over two spans is the mean of their means.
func TestSpotMeanProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		instant := rapid.Custom(func(t *rapid.T) time.Time {
			return november(0).Add(time.Duration(rapid.Int64Range(-100, 800*3600*1000).Draw(t, "ms")) * time.Millisecond)
		})
		var rows []price.SpotPrice
		used := map[int64]bool{}
		for range rapid.IntRange(1, 30).Draw(t, "rows") {
			// EC2's times have whole seconds, and no two are the same.
			at := instant.Draw(t, "at").Truncate(time.Second)
			if !used[at.Unix()] {
				used[at.Unix()] = true
				rows = append(rows, price.SpotPrice{USD: price.USD(rapid.Int64Range(1, int64(100*price.Dollar)).Draw(t, "usd")), At: at})
			}
		}
		from := instant.Draw(t, "from")
		to := from.Add(time.Duration(rapid.Int64Range(1, 800*3600).Draw(t, "seconds")) * time.Second)
		mean, last, ok := price.SpotMean(rows, from, to)
		low, high, until := price.USD(0), price.USD(0), 0
		for _, r := range rows {
			if r.At.After(to) {
				continue
			}
			if until++; until == 1 || r.USD < low {
				low = r.USD
			}
			high = max(high, r.USD)
		}
		if ok != (until > 0) {
			t.Fatalf("known: %v, with %d rows up to the end", ok, until)
		}
		if !ok {
			return
		}
		if mean < low || mean > high || last < low || last > high {
			t.Fatalf("mean %v and last %v of prices from %v to %v", mean, last, low, high)
		}
		again, lastAgain, _ := price.SpotMean(rapid.Permutation(rows).Draw(t, "order"), from, to)
		if again != mean || lastAgain != last {
			t.Fatalf("in another order %v and %v, want %v and %v", again, lastAgain, mean, last)
		}
		between := from.Add(time.Duration(rapid.Int64Range(0, int64(to.Sub(from)/time.Second)).Draw(t, "cut")) * time.Second)
		first, _, known := price.SpotMean(rows, from, between)
		second, _, _ := price.SpotMean(rows, between, to)
		if !known {
			return // prices before the first row are those of a row after the cut
		}
		a, b := int64(between.Sub(from)/time.Second), int64(to.Sub(between)/time.Second)
		sum := first.Times(a, a+b).Add(second.Times(b, a+b))
		if off := sum - mean; off > 3 || off < -3 { // each is rounded
			t.Fatalf("%v over %d s and %v over %d s, but %v over both", first, a, second, b, mean)
		}
	})
}

// Spot offers the systems whose licence is paid by the hour, and none with a
// database.
func TestSpotProducts(t *testing.T) {
	want := map[string]string{
		"RunInstances": "Linux/UNIX", "RunInstances:0g00": "Linux/UNIX", "RunInstances:0010": "Red Hat Enterprise Linux",
		"RunInstances:000g": "SUSE Linux", "RunInstances:0002": "Windows",
	}
	for _, o := range price.Operations() {
		product, ok := price.SpotProduct(o.Code)
		if product != want[o.Code] || ok != (want[o.Code] != "") {
			t.Errorf("%s: %q, %v; want %q", o.Platform, product, ok, want[o.Code])
		}
	}
}
