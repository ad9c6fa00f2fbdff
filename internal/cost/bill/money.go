package bill

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"nightshift/internal/price"
)

// amount reads a number of dollars as exports write it.
func amount(text string) (price.USD, error) {
	usd, err := price.RoundUSD(text)
	if err != nil {
		return 0, fmt.Errorf("%w: the amount %.40q", errRow, text)
	}
	return usd, nil
}

// known is an amount, nil where the cell is empty.
func known(text string) (*price.USD, error) {
	if text == "" {
		return nil, nil //nolint:nilnil // unknown is not an error
	}
	u, err := amount(text)
	return &u, err
}

func quantity(text string) (float64, error) {
	if text == "" {
		return 0, nil
	}
	n, err := strconv.ParseFloat(text, 64)
	if err != nil || math.IsNaN(n) || math.IsInf(n, 0) {
		return 0, fmt.Errorf("%w: the quantity %.40q", errRow, text)
	}
	return n, nil
}

// moment reads ISO 8601 as the exports write it. What has no zone is UTC.
func moment(text string) (time.Time, error) {
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02 15:04:05.999999999", "2006-01-02T15:04:05.999999999", "2006-01-02 15:04:05Z07:00", time.DateOnly} {
		if t, err := time.Parse(layout, text); err == nil {
			return t.UTC(), nil
		}
	}
	return time.Time{}, fmt.Errorf("%w: the time %.40q", errRow, text)
}

// unit is how the price list writes a unit.
func unit(text string) string {
	switch strings.ToLower(text) {
	case "hrs", "hours", "hour":
		return "Hrs"
	case "gb-mo", "gb-month", "gb-months":
		return "GB-Mo"
	case "iops-mo", "iops-month", "iops-months":
		return "IOPS-Mo"
	case "gibps-mo", "gib/second-months", "gibps-months":
		return "GiBps-mo"
	}
	return text
}
