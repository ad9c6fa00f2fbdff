// Package price knows what things cost: exact money, the rows of the AWS price
// list, the keys that name exactly one of them, and the arithmetic of EBS.
// It is pure: no clock, no network, no logging.
//
// It may import fleet only. The AWS adapter fetches rows and hands them over
// as Products; this package decides which one applies.
package price

import (
	"fmt"
	"math"
	"math/big"
	"math/bits"
	"strconv"
	"strings"
)

// USD is an exact amount of US dollars in ten-billionths of a dollar
// (1e-10 USD), the resolution in which the AWS price list states prices. The
// range is ±922 million dollars; arithmetic beyond it saturates.
type USD int64

// Dollar is one US dollar.
const Dollar USD = 10_000_000_000

const (
	cent     = Dollar / 100
	decimals = 10
	// The range is symmetric, so that an amount can always be negated.
	maxUSD USD = math.MaxInt64
	minUSD USD = -math.MaxInt64
)

// ParseUSD reads a decimal number of dollars such as "0.0912000000" or "-3".
// It is exact: anything that is not a plain decimal number, that has more than
// ten decimals or that is out of range is an error.
func ParseUSD(s string) (USD, error) {
	digits := strings.TrimPrefix(s, "-")
	whole, fraction, point := strings.Cut(digits, ".")
	if !isDigits(whole) || point && !isDigits(fraction) {
		return 0, fmt.Errorf("%q is not a decimal amount of dollars", s)
	}
	if len(fraction) > decimals {
		return 0, fmt.Errorf("%q has more than %d decimals", s, decimals)
	}
	units, err := strconv.ParseInt(whole+fraction+strings.Repeat("0", decimals-len(fraction)), 10, 64)
	if err != nil {
		return 0, fmt.Errorf("%q is more than %v dollars", s, maxUSD)
	}
	if digits != s {
		units = -units
	}
	return USD(units), nil
}

// RoundUSD reads a number of dollars with any number of decimals or an exponent,
// as bills have them, and rounds it to 1e-10 USD, half away from zero.
func RoundUSD(s string) (USD, error) {
	if exact, err := ParseUSD(s); err == nil {
		return exact, nil
	}
	bad := fmt.Errorf("%.40q is not an amount of dollars", s)
	rough, err := strconv.ParseFloat(s, 64)
	switch {
	case err != nil || math.Abs(rough) > 900e6 || math.IsNaN(rough):
		return 0, bad
	case math.Abs(rough) < 1e-12: // and no exponent that would take long
		return 0, nil
	}
	exact, ok := new(big.Rat).SetString(s)
	if !ok {
		return 0, bad
	}
	units, ok := new(big.Int).SetString(exact.Mul(exact, big.NewRat(int64(Dollar), 1)).FloatString(0), 10)
	if !ok || !units.IsInt64() {
		return 0, bad
	}
	return USD(units.Int64()), nil
}

func isDigits(s string) bool {
	return s != "" && strings.Trim(s, "0123456789") == ""
}

// String is the exact amount with as many decimals as it needs, and at least
// two: "0.0912", "3.00".
func (u USD) String() string {
	n, sign := uint64(u), ""
	if u < 0 {
		n, sign = -n, "-"
	}
	fraction := fmt.Sprintf("%0*d", decimals, n%uint64(Dollar))
	for len(fraction) > 2 && fraction[len(fraction)-1] == '0' {
		fraction = fraction[:len(fraction)-1]
	}
	return sign + strconv.FormatUint(n/uint64(Dollar), 10) + "." + fraction
}

// Cents is the amount rounded to whole cents, half away from zero, as an
// invoice does.
func (u USD) Cents() USD { return u.Times(1, int64(cent)).Times(int64(cent), 1) }

// Float is the nearest floating-point number. It is meant for spreadsheet
// cells only: sums are made before, of exact amounts.
func (u USD) Float() float64 { return float64(u) / float64(Dollar) }

// Add is the sum, saturated at the ends of the range.
func (u USD) Add(v USD) USD {
	sum := u + v
	switch {
	case u > 0 && v > 0 && sum < 0:
		return maxUSD
	case u < 0 && v < 0 && (sum >= 0 || sum < minUSD):
		return minUSD
	}
	return sum
}

// Times is u × num ÷ den with a 128-bit product, rounded to the nearest
// 1e-10 USD, half away from zero, and saturated at the ends of the range. Like
// an integer division it panics where den is zero.
func (u USD) Times(num, den int64) USD {
	negative := (u < 0) != (num < 0) != (den < 0)
	divisor := magnitude(den)
	hi, lo := bits.Mul64(magnitude(int64(u)), magnitude(num))
	lo, carry := bits.Add64(lo, divisor/2, 0)
	hi += carry
	amount := maxUSD
	if hi < divisor || divisor == 0 {
		if quotient, _ := bits.Div64(hi, lo, divisor); quotient < uint64(maxUSD) {
			amount = USD(quotient)
		}
	}
	if negative {
		return -amount
	}
	return amount
}

// magnitude is the absolute value; it also holds that of the smallest int64.
func magnitude(n int64) uint64 {
	if n < 0 {
		return -uint64(n)
	}
	return uint64(n)
}

// MarshalText writes the amount as String does, so that JSON carries an exact
// decimal string and no floating-point number.
func (u USD) MarshalText() ([]byte, error) { return []byte(u.String()), nil }

// UnmarshalText reads what ParseUSD reads.
func (u *USD) UnmarshalText(text []byte) error {
	amount, err := ParseUSD(string(text))
	if err != nil {
		return err
	}
	*u = amount
	return nil
}
