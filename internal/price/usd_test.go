package price_test

import (
	"encoding/json"
	"math"
	"math/big"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"nightshift/internal/price"
)

func TestParseUSD(t *testing.T) {
	for text, want := range map[string]price.USD{
		"0":                    0,
		"0.0000000000":         0,
		"0.0912000000":         912_000_000,
		"0.0000000001":         1,
		"3":                    3 * price.Dollar,
		"-1.5":                 -15_000_000_000,
		"922337203.6854775807": math.MaxInt64,
	} {
		got, err := price.ParseUSD(text)
		if err != nil || got != want {
			t.Errorf("ParseUSD(%q) = %d, %v; want %d", text, got, err, want)
		}
	}
	for _, text := range []string{
		"", "-", ".", "1.", ".5", "+1", "1,000", "1e3", " 1", "$1", "0x1", "NaN", "--1", "１",
		"0.00000000000", "0.12345678901", "922337203.6854775808", "99999999999999999999",
	} {
		if got, err := price.ParseUSD(text); err == nil {
			t.Errorf("ParseUSD(%q) = %v, want an error", text, got)
		}
	}
}

func TestStringShowsWhatIsThereAndTwoDecimalsAtLeast(t *testing.T) {
	for usd, want := range map[price.USD]string{
		0: "0.00", 1: "0.0000000001", -1: "-0.0000000001", 912_000_000: "0.0912",
		3 * price.Dollar: "3.00", -15_000_000_000: "-1.50", math.MaxInt64: "922337203.6854775807",
	} {
		if got := usd.String(); got != want {
			t.Errorf("USD(%d).String() = %q, want %q", usd, got, want)
		}
	}
}

func TestCentsRoundsHalfAwayFromZero(t *testing.T) {
	for text, want := range map[string]string{
		"0.005": "0.01", "0.0049999999": "0.00", "-0.005": "-0.01", "205.2": "205.20", "1.125": "1.13",
	} {
		usd, err := price.ParseUSD(text)
		if err != nil {
			t.Fatal(err)
		}
		if got := usd.Cents().String(); got != want {
			t.Errorf("%s in cents = %s, want %s", text, got, want)
		}
	}
}

func amounts() *rapid.Generator[price.USD] {
	return rapid.Custom(func(t *rapid.T) price.USD {
		return price.USD(rapid.Int64Range(-math.MaxInt64, math.MaxInt64).Draw(t, "units"))
	})
}

func TestUSDSurvivesTextAndJSON(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := amounts().Draw(t, "usd")
		if got, err := price.ParseUSD(want.String()); err != nil || got != want {
			t.Fatalf("%d became %q and then %d, %v", want, want, got, err)
		}
		text, err := json.Marshal(want)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.HasPrefix(string(text), `"`) {
			t.Fatalf("JSON is %s, want a decimal string", text)
		}
		var got price.USD
		if err := json.Unmarshal(text, &got); err != nil || got != want {
			t.Fatalf("%d became %s and then %d, %v", want, text, got, err)
		}
	})
}

// TestArithmeticAgreesWithBigNumbers compares Add and Times with exact
// rational arithmetic, rounded and saturated at the end.
func TestArithmeticAgreesWithBigNumbers(t *testing.T) {
	saturate := func(n *big.Int) price.USD {
		limit := big.NewInt(math.MaxInt64)
		if n.CmpAbs(limit) > 0 {
			return price.USD(int64(n.Sign()) * math.MaxInt64)
		}
		return price.USD(n.Int64())
	}
	rapid.Check(t, func(t *rapid.T) {
		u, v := amounts().Draw(t, "u"), amounts().Draw(t, "v")
		sum := new(big.Int).Add(big.NewInt(int64(u)), big.NewInt(int64(v)))
		if got, want := u.Add(v), saturate(sum); got != want {
			t.Fatalf("%d + %d = %d, want %d", u, v, got, want)
		}
		num, den := rapid.Int64().Draw(t, "num"), rapid.Int64().Filter(func(n int64) bool { return n != 0 }).Draw(t, "den")
		product := new(big.Int).Mul(big.NewInt(int64(u)), big.NewInt(num))
		half := new(big.Int).Abs(big.NewInt(den))
		half.Rsh(half, 1)
		quotient := new(big.Int).Abs(product)
		quotient.Add(quotient, half).Quo(quotient, new(big.Int).Abs(big.NewInt(den)))
		if product.Sign()*big.NewInt(den).Sign() < 0 {
			quotient.Neg(quotient)
		}
		if got, want := u.Times(num, den), saturate(quotient); got != want {
			t.Fatalf("%d × %d ÷ %d = %d, want %d", u, num, den, got, want)
		}
	})
}

func TestRoundUSD(t *testing.T) {
	for text, want := range map[string]price.USD{
		"0.0912000000":       912_000_000,
		"0.12345678905":      1_234_567_891, // half away from zero
		"-0.12345678905":     -1_234_567_891,
		"0.000000000049":     0,
		"1.5E-3":             15_000_000,
		"1e-1000000000":      0, // and at once
		"899999999.99999999": 8_999_999_999_999_999_900,
	} {
		if got, err := price.RoundUSD(text); err != nil || got != want {
			t.Errorf("%s is %d, %v; want %d", text, got, err, want)
		}
	}
	for _, text := range []string{"", "x", "1e1000000000", "NaN", "Inf", "1/3", "901000000.00000000001"} {
		if got, err := price.RoundUSD(text); err == nil {
			t.Errorf("%q is %d, want an error", text, got)
		}
	}
}
