package sandbox

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// filter keeps the resources of which one value matches one of its patterns.
type filter[T any] struct {
	of       values[T]
	patterns []pattern
}

// values gives what a filter compares: the resource's values of one field.
type values[T any] func(T) []string

// fields are the filters that a resource has, by name. "tag:" stands for all
// that begin so.
type fields[T any] map[string]values[T]

// maxFilterValues is how many values one call may carry.
const maxFilterValues = 200

// readFilters reads Filter.N and refuses what the resource does not have;
// others are the filters that EC2 documents and the account does not know.
func readFilters[T any](p *params, known fields[T], others ...string) ([]filter[T], *apiError) {
	var fs []filter[T]
	total := 0
	for _, n := range p.items("Filter") {
		name := n.text("Name")
		of := known[name]
		if key, ok := strings.CutPrefix(name, "tag:"); ok && known["tag-key"] != nil {
			of = known.tagged(key)
		}
		switch {
		case of != nil:
		case slices.Contains(others, name):
			return nil, invalid("InvalidParameterValue", "The practice account does not know the filter '"+name+"', which EC2 has")
		case name == "":
			return nil, invalid("InvalidParameterValue", "The filter 'null' is invalid")
		default:
			return nil, invalid("InvalidParameterValue", "The filter '"+name+"' is invalid")
		}
		f := filter[T]{of: of}
		for _, v := range n.texts("Value") {
			f.patterns = append(f.patterns, compile(v))
		}
		if len(f.patterns) == 0 {
			return nil, invalid("InvalidParameterValue", "The filter '"+name+"' has no values")
		}
		if total += len(f.patterns); total > maxFilterValues {
			return nil, invalid("FilterLimitExceeded",
				fmt.Sprintf("The maximum number of filter values specified on a single call is %d", maxFilterValues))
		}
		fs = append(fs, f)
	}
	return fs, nil
}

// tagged makes the filter for one tag key out of those for all tags, which
// give keys and values in the same order.
func (f fields[T]) tagged(key string) values[T] {
	keys, vals := f["tag-key"], f["tag-value"]
	return func(x T) []string {
		for n, k := range keys(x) {
			if k == key {
				return vals(x)[n : n+1]
			}
		}
		return nil
	}
}

// matchAll says whether every filter keeps x.
func matchAll[T any](fs []filter[T], x T) bool {
	for _, f := range fs {
		if !f.keeps(x) {
			return false
		}
	}
	return true
}

func (f filter[T]) keeps(x T) bool {
	for _, v := range f.of(x) {
		for _, p := range f.patterns {
			if p.match(v) {
				return true
			}
		}
	}
	return false
}

func one(s string) []string {
	if s == "" {
		return nil
	}
	return []string{s}
}

func yesNo(v bool) []string { return []string{strconv.FormatBool(v)} }

func whole(n int64) []string { return []string{strconv.FormatInt(n, 10)} }

// always is a value that every resource has; none where it is empty.
func always[T any](v string) values[T] { return func(T) []string { return one(v) } }
