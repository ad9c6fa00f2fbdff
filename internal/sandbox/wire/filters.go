package wire

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"nightshift/internal/sandbox/glob"
)

// Filter keeps the resources with a value that matches one of its patterns.
type Filter[T any] struct {
	of       Values[T]
	patterns []glob.Pattern
}

// Values gives what a filter compares: the resource's values of one field.
type Values[T any] func(T) []string

// Fields are the filters that a resource has, by name. "tag:" stands for all
// that begin so.
type Fields[T any] map[string]Values[T]

// maxFilterValues is how many values one call may carry.
const maxFilterValues = 200

// ReadFilters reads Filter.N and refuses what the resource does not have;
// others are the filters that EC2 documents and the account does not know.
func ReadFilters[T any](p *Params, known Fields[T], others ...string) ([]Filter[T], *Error) {
	var fs []Filter[T]
	total := 0
	for _, n := range p.Items("Filter") {
		name := n.Text("Name")
		of := known[name]
		if key, ok := strings.CutPrefix(name, "tag:"); ok && known["tag-key"] != nil {
			of = known.tagged(key)
		}
		switch {
		case of != nil:
		case slices.Contains(others, name):
			return nil, Invalid("InvalidParameterValue", "The sandbox does not know the filter '"+name+"', which EC2 has")
		case name == "":
			return nil, Invalid("InvalidParameterValue", "The filter 'null' is invalid")
		default:
			return nil, Invalid("InvalidParameterValue", "The filter '"+name+"' is invalid")
		}
		f := Filter[T]{of: of}
		for _, v := range n.Texts("Value") {
			f.patterns = append(f.patterns, glob.Compile(v))
		}
		if len(f.patterns) == 0 {
			return nil, Invalid("InvalidParameterValue", "The filter '"+name+"' has no values")
		}
		if total += len(f.patterns); total > maxFilterValues {
			return nil, Invalid("FilterLimitExceeded",
				fmt.Sprintf("The maximum number of filter values specified on a single call is %d", maxFilterValues))
		}
		fs = append(fs, f)
	}
	return fs, nil
}

// tagged makes the filter for one tag key out of those for all tags, which
// give keys and values in the same order.
func (f Fields[T]) tagged(key string) Values[T] {
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

// MatchAll says whether every filter keeps x.
func MatchAll[T any](fs []Filter[T], x T) bool {
	for _, f := range fs {
		if !f.matches(x) {
			return false
		}
	}
	return true
}

func (f Filter[T]) matches(x T) bool {
	for _, v := range f.of(x) {
		for _, p := range f.patterns {
			if p.Match(v) {
				return true
			}
		}
	}
	return false
}

// NonEmpty is a value that a resource may lack.
func NonEmpty(s string) []string {
	if s == "" {
		return nil
	}
	return []string{s}
}

// Bool is a value that is true or false.
func Bool(v bool) []string { return []string{strconv.FormatBool(v)} }

// Integer is a value that is a number.
func Integer(n int64) []string { return []string{strconv.FormatInt(n, 10)} }

// Constant is a value that every resource has; none where it is empty.
func Constant[T any](v string) Values[T] { return func(T) []string { return NonEmpty(v) } }
