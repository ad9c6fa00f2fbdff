package catalog

import (
	"fmt"
	"math/bits"
	"strconv"
	"strings"
)

// Price is an exact amount of US dollars in ten-billionths of a dollar,
// the resolution in which the price list states prices.
type Price int64

// Dollar is one US dollar.
const Dollar Price = 10_000_000_000

// ParsePrice reads a plain decimal number of US dollars that is not
// negative and has at most ten decimals.
func ParsePrice(s string) (Price, error) {
	whole, frac, _ := strings.Cut(s, ".")
	if len(frac) > 10 {
		return 0, fmt.Errorf("price %q has more than ten decimals", s)
	}
	n, err := strconv.ParseUint(whole+frac+strings.Repeat("0", 10-len(frac)), 10, 63)
	if err != nil {
		return 0, fmt.Errorf("price %q: not a decimal number", s)
	}
	return Price(n), nil
}

// String writes all ten decimals, as GetProducts does.
func (p Price) String() string {
	return fmt.Sprintf("%d.%010d", p/Dollar, p%Dollar)
}

// Short writes the price without trailing zeros, as descriptions do.
func (p Price) Short() string {
	return strings.TrimSuffix(strings.TrimRight(p.String(), "0"), ".")
}

// Times is p × n ÷ d, rounded half up. All are from zero up, and the result fits
// where p × n does not.
func (p Price) Times(n, d int64) Price {
	high, low := bits.Mul64(uint64(p), uint64(n))
	low, carry := bits.Add64(low, uint64(d)/2, 0)
	quotient, _ := bits.Div64(high+carry, low, uint64(d))
	return Price(quotient)
}

// Signed writes an amount that may be below zero, without trailing zeros.
func (p Price) Signed() string {
	if p < 0 {
		return "-" + (-p).Short()
	}
	return p.Short()
}
