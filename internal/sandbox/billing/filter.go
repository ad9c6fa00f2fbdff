package billing

import (
	"cmp"
	"encoding/json"
	"slices"
	"strings"

	"nightshift/internal/sandbox/catalog"
	"nightshift/internal/sandbox/wire"
)

// costExpression is a filter: one dimension, or a combination of expressions.
type costExpression struct {
	And, Or        []costExpression
	Not            *costExpression
	Dimensions     *costDimension
	Tags           *costDimension
	CostCategories json.RawMessage
}

type costDimension struct {
	Key          string
	Values       []string
	MatchOptions []string
}

// costRecord is a line of the bill as Cost Explorer sees it. A charge is one or
// two of them.
type costRecord struct {
	*charge
	account              string
	record               string // RECORD_TYPE
	unblended, amortized catalog.Price
	quantity             float64
	unit                 string // empty: the quantity means nothing
}

// costDimensions say what a record has in each dimension that the account knows.
func costDimensions() map[string]func(costRecord) string {
	return map[string]func(costRecord) string{
		"AZ":             func(r costRecord) string { return cmp.Or(r.zone, "NoAZ") },
		"INSTANCE_TYPE":  func(r costRecord) string { return cmp.Or(r.kind, "NoInstanceType") },
		"LINKED_ACCOUNT": func(r costRecord) string { return r.account },
		"OPERATION":      func(r costRecord) string { return cmp.Or(r.operation, "NoOperation") },
		"PURCHASE_TYPE":  costRecord.purchase,
		"RECORD_TYPE":    func(r costRecord) string { return r.record },
		"REGION":         func(r costRecord) string { return cmp.Or(r.region, "NoRegion") },
		"RESOURCE_ID":    func(r costRecord) string { return cmp.Or(r.resource, "NoResourceId") },
		"SERVICE":        func(r costRecord) string { return r.service },
		"TENANCY":        func(r costRecord) string { return cmp.Or(r.tenancy, "NoTenancy") },
		"USAGE_TYPE":     func(r costRecord) string { return cmp.Or(r.usage, "NoUsageType") },
	}
}

func (r costRecord) purchase() string {
	switch {
	case r.service == planService || r.payment == planPayment:
		return "Savings Plans"
	case r.payment == spotPayment:
		return "Spot Instances"
	case r.kind != "":
		return "On Demand Instances"
	}
	return "NoPurchaseType"
}

// knownDimension refuses a dimension. RESOURCE_ID is only for the operation that
// has resources.
func knownDimension(key string, resources bool) *wire.Error {
	if costDimensions()[key] == nil || key == "RESOURCE_ID" && !resources {
		return wrongCost("Dimension " + key + " is not allowed.")
	}
	return nil
}

func (e *costExpression) check(resources bool) *wire.Error {
	parts := 0
	for _, there := range []bool{e.And != nil, e.Or != nil, e.Not != nil, e.Dimensions != nil, e.Tags != nil, e.CostCategories != nil} {
		if there {
			parts++
		}
	}
	switch {
	case parts != 1:
		return wrongCost("Expression must have exactly one root: And, Or, Not, Dimensions, Tags or CostCategories.")
	case e.CostCategories != nil:
		return wrongCost("The sandbox has no cost categories.")
	case e.And != nil && len(e.And) < 2, e.Or != nil && len(e.Or) < 2:
		return wrongCost("And and Or need at least two expressions.")
	case e.Not != nil:
		return e.Not.check(resources)
	}
	for _, d := range []*costDimension{e.Dimensions, e.Tags} {
		switch {
		case d == nil:
		case d.Key == "" || len(d.Values) == 0:
			return wrongCost("A dimension or tag needs a key and values.")
		case slices.ContainsFunc(d.MatchOptions, func(o string) bool { return o != "EQUALS" && o != "CASE_SENSITIVE" }):
			return wrongCost("Match options " + strings.Join(d.MatchOptions, ", ") + " are not supported: use EQUALS and CASE_SENSITIVE.")
		}
	}
	if e.Dimensions != nil {
		return knownDimension(e.Dimensions.Key, resources)
	}
	for _, below := range slices.Concat(e.And, e.Or) {
		if err := below.check(resources); err != nil {
			return err
		}
	}
	return nil
}

// match says whether a record passes the filter; nil lets all pass.
func (e *costExpression) match(r costRecord) bool {
	switch {
	case e == nil:
		return true
	case e.Not != nil:
		return !e.Not.match(r)
	case e.Dimensions != nil:
		return slices.Contains(e.Dimensions.Values, costDimensions()[e.Dimensions.Key](r))
	case e.Tags != nil:
		value, _ := r.tags.Get(e.Tags.Key)
		return slices.Contains(e.Tags.Values, value)
	case e.Or != nil:
		return slices.ContainsFunc(e.Or, func(x costExpression) bool { return x.match(r) })
	}
	return !slices.ContainsFunc(e.And, func(x costExpression) bool { return !x.match(r) })
}

// mentions says whether a dimension is anywhere in the filter.
func (e *costExpression) mentions(key string) bool {
	if e.Not != nil {
		return e.Not.mentions(key)
	}
	return e.Dimensions != nil && e.Dimensions.Key == key ||
		slices.ContainsFunc(slices.Concat(e.And, e.Or), func(x costExpression) bool { return x.mentions(key) })
}

// requires says whether the filter lets nothing pass but one value of a
// dimension.
func (e *costExpression) requires(key, value string) bool {
	return e.Dimensions != nil && e.Dimensions.Key == key && slices.Equal(e.Dimensions.Values, []string{value}) ||
		slices.ContainsFunc(e.And, func(x costExpression) bool { return x.requires(key, value) })
}

// only lists the values of a dimension such that every record that passes has
// one; false where the filter does not say.
func (e *costExpression) only(key string) (map[string]bool, bool) {
	if e == nil {
		return nil, false
	}
	if e.Dimensions != nil && e.Dimensions.Key == key {
		selected := map[string]bool{}
		for _, v := range e.Dimensions.Values {
			selected[v] = true
		}
		return selected, true
	}
	for _, x := range e.And {
		if selected, ok := x.only(key); ok {
			return selected, true
		}
	}
	return nil, false
}
