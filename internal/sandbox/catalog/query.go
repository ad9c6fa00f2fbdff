package catalog

import (
	"slices"
	"strings"
)

// ProductFilter is one filter of GetProducts. All filters must match; the
// values of one filter are alternatives. Comparison ignores case.
type ProductFilter struct {
	Type, Field, Value string

	Values []string // Value as ANY_OF and NONE_OF read it; else Value alone
}

// FilterTypes are the types of filters, in the order of error messages.
func FilterTypes(anyOf string) []string {
	if anyOf == "off" {
		return []string{"TERM_MATCH", "EQUALS", "CONTAINS"}
	}
	return []string{"TERM_MATCH", "EQUALS", "CONTAINS", "ANY_OF", "NONE_OF"}
}

// match reports whether a product whose attribute has this value passes.
func (f *ProductFilter) match(value string) bool {
	equal := func(want string) bool { return strings.EqualFold(want, value) }
	switch f.Type {
	case "CONTAINS":
		return strings.Contains(strings.ToLower(value), strings.ToLower(f.Value))
	case "NONE_OF":
		return !slices.ContainsFunc(f.Values, equal)
	default:
		return slices.ContainsFunc(f.Values, equal)
	}
}

// matchAbsent reports whether a product without the attribute passes.
func (f *ProductFilter) matchAbsent() bool { return f.Type == "NONE_OF" }

// mayHold reports whether products of the section can pass the filters, without
// making them.
func (s *Section) mayHold(filters []ProductFilter) bool {
	for i := range filters {
		f := &filters[i]
		if s.Own[f.Field] {
			continue
		}
		if value, ok := Find(s.Common, f.Field); ok && !f.match(value) || !ok && !f.matchAbsent() {
			return false
		}
	}
	return true
}

// matches reports whether the product passes all filters.
func (p *Product) matches(filters []ProductFilter) bool {
	for i := range filters {
		f := &filters[i]
		if value, ok := p.Value(f.Field); ok && !f.match(value) || !ok && !f.matchAbsent() {
			return false
		}
	}
	return true
}

// Query returns the products that pass the filters, in the order of answers.
// The digest names the query; the next page of the same one costs nothing.
func (c *PriceList) Query(digest string, filters []ProductFilter) []*Product {
	c.mu.Lock()
	found, ok := c.recent[digest]
	c.mu.Unlock()
	if ok {
		return found
	}
	for _, s := range c.Sections {
		if !s.mayHold(filters) {
			continue
		}
		for _, p := range s.Rows() {
			if p.matches(filters) {
				found = append(found, p)
			}
		}
	}
	slices.SortFunc(found, byRank)
	const remembered = 64
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.recent) >= remembered {
		clear(c.recent)
	}
	c.recent[digest] = found
	return found
}
