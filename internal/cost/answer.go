package cost

import (
	"fmt"
	"math"
	"strings"
	"time"

	"nightshift/internal/fleet"
	"nightshift/internal/price"
)

// Answer is what the report's callers get: the two keys that the report
// has always answered with, and more.
type Answer struct {
	StatusCode int            `json:"statusCode"`
	Body       string         `json:"body"`
	Complete   bool           `json:"complete"`
	Instances  int            `json:"instances"`
	Volumes    int            `json:"volumes"`
	Prices     map[string]int `json:"prices"` // rows by price status
	Total      price.USD      `json:"totalMonthToDateUSD"`
	RunRate    price.USD      `json:"runRateMonthlyUSD"`
	Problems   []string       `json:"problems,omitempty"`
	Forecast   price.USD      `json:"forecastMonthUSD"`
	Coverage   float64        `json:"coveragePercent"`
	Targets    []fleet.Target `json:"targets"`
	Month      string         `json:"month"`
}

// Uploaded is the answer for a report that lies in a bucket.
func (r Report) Uploaded(bucket, key string) Answer {
	return r.answer(fmt.Sprintf("Report uploaded to s3://%s/%s", bucket, key))
}

// Written is the answer for a report that was written to a file.
func (r Report) Written(path string) Answer {
	return r.answer("Report written to " + path)
}

func (r Report) answer(body string) Answer {
	all := r.Total()
	a := Answer{
		StatusCode: 200, Body: body, Complete: r.Complete(),
		Instances: len(r.Instances), Volumes: len(r.Volumes), Prices: map[string]int{},
		Total: all.TotalToDate.Cents(), RunRate: all.RunRate.Cents(), Forecast: all.Forecast.Cents(),
		Coverage: math.Round(r.Coverage()*100) / 100,
		Targets:  r.Targets, Month: r.Month.Start.Format("2006-01"),
	}
	for status, n := range r.Statuses() {
		a.Prices[string(status)] = n
	}
	for _, p := range r.Problems {
		a.Problems = append(a.Problems, p.Error())
	}
	return a
}

// Key is the object key of a report: the date is that of now in its zone. A
// workbook's ending is ".xlsx".
func Key(prefix string, now time.Time, ending string) string {
	return prefix + keyName + now.Format(keyDate) + ending
}

const (
	keyName = "ec2_monthly_costs_"
	keyDate = "20060102"
)

// DateOfKey is the date of a report by its key, at the day's beginning in a zone;
// false for another object.
func DateOfKey(prefix, key string, zone *time.Location) (time.Time, bool) {
	rest, ok := strings.CutPrefix(key, prefix+keyName)
	day, ending, _ := strings.Cut(rest, ".")
	if !ok || ending == "" {
		return time.Time{}, false
	}
	date, err := time.ParseInLocation(keyDate, day, zone)
	return date, err == nil
}
