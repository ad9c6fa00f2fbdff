package config

import (
	"slices"
	"strconv"
	"unicode/utf8"

	"go.yaml.in/yaml/v4"
)

func costKeys() []string {
	return []string{"history", "prices", "bill", "cost_explorer", "cloudwatch", "tags", "min_coverage"}
}

// The keys of the caps on what is paid.
const (
	requestsKey = "requests"
	metricsKey  = "metrics"
)

// Cost is what the file says of the cost report. Places are directories or
// "s3://bucket/prefix"; empty means nowhere.
type Cost struct {
	// History is where each report leaves its rows.
	History string
	// Prices is where the price list is kept between reports.
	Prices string
	// Bill is where an export of the bill lies.
	Bill string
	// CostExplorer is the most requests that a report may send to Cost
	// Explorer; each is paid; 0 asks it nothing and is the default.
	CostExplorer int
	// CloudWatch is the most metrics that a report may ask CloudWatch for, each
	// is paid; 0 asks it nothing.
	CloudWatch int
	// Tags are the keys of the tags by which costs are added up.
	Tags []string
	// MinCoverage is how many percent of the prices have to be found; fewer make
	// a report fail. 0 is the default.
	MinCoverage float64
}

// DefaultMetrics is the cap on CloudWatch's metrics where nothing is said. A
// thousand of them cost one cent.
const DefaultMetrics = 1000

// The most that may be asked and is paid. A request of Cost Explorer costs one
// cent.
const (
	mostMetrics  = 1_000_000
	mostRequests = 10_000
)

// cost reads the section. An error in a cap leaves it at nothing: what is paid
// is not guessed.
func (l *loader) cost(n *yaml.Node) {
	before, out := l.wrong, &l.out.Cost
	fields := l.fields(n, "cost", costKeys())
	if l.wrong > before {
		out.CloudWatch = 0 // a misspelt key may have been the cap
	}
	for _, key := range costKeys() { // in this order, so that runs are alike
		entry, given := fields[key]
		if !given {
			continue
		}
		switch value := entry.value; key {
		case "history":
			out.History = l.location(value, key)
		case "prices":
			out.Prices = l.location(value, key)
		case "bill":
			out.Bill = l.location(value, key)
		case "cost_explorer":
			out.CostExplorer = l.limit(value, key, requestsKey, mostRequests)
		case "cloudwatch":
			out.CloudWatch = l.limit(value, key, metricsKey, mostMetrics)
		case "tags":
			out.Tags = l.tagKeys(value)
		case "min_coverage":
			out.MinCoverage = l.percent(value, key)
		}
	}
}

// limit reads a cap, the one entry of a mapping.
func (l *loader) limit(n *yaml.Node, what, key string, most int) int {
	before := l.wrong
	entry, given := l.fields(n, what, []string{key})[key]
	if !given {
		if l.wrong == before {
			l.at(n, "%s does not say how many %s it may ask for, which are paid; write %s: { %s: 20 }", what, key, what, key)
		}
		return 0
	}
	text, ok := l.text(entry.value, key)
	if !ok {
		return 0
	}
	count, err := strconv.Atoi(text)
	if err != nil || count < 0 || count > most {
		l.at(entry.value, "%s is %q; it must be a whole number from 0 to %d", key, text, most)
		return 0
	}
	return count
}

// percent reads a number from 0 to 100; the sign may follow it.
func (l *loader) percent(n *yaml.Node, what string) float64 {
	text, ok := l.text(n, what)
	if !ok {
		return 0
	}
	number := text
	if last := len(text) - 1; text[last] == '%' {
		number = text[:last]
	}
	percent, err := strconv.ParseFloat(number, 64)
	if err != nil || !(percent >= 0 && percent <= 100) {
		l.at(n, "%s is %q; it must be a number of percent from 0 to 100", what, text)
		return 0
	}
	return percent
}

func (l *loader) tagKeys(n *yaml.Node) []string {
	var keys []string
	for _, item := range l.items(n, "tags") {
		key, ok := l.text(item, "the key of a tag")
		switch {
		case !ok:
		case utf8.RuneCountInString(key) > 128:
			l.at(item, "the key of a tag has at most 128 characters")
		case slices.Contains(keys, key):
			l.at(item, "the tag %s is given twice", key)
		default:
			keys = append(keys, key)
		}
	}
	return keys
}
