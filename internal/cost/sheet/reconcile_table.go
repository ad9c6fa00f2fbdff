package sheet

import (
	"nightshift/internal/cost/trend"
)

import (
	"nightshift/internal/cost"
)

import "slices"

// reconciliationTables are the sheets of the reconciliation: by resource and by label.
func reconciliationTables(b *cost.Reconciliation) []Table {
	hours := func(of func(cost.Reconciled) any) func(cost.Reconciled) any {
		return func(row cost.Reconciled) any {
			if row.Kind != string(trend.InstanceRow) {
				return nil
			}
			return of(row)
		}
	}
	rows := table("Reconciliation", 2, b.Rows, []field[cost.Reconciled]{
		{"Resource", Text, func(row cost.Reconciled) any { return row.Resource }},
		{"Name", Text, func(row cost.Reconciled) any { return row.Name }},
		{"Kind", Text, func(row cost.Reconciled) any { return row.Kind }},
		{"Account", Text, func(row cost.Reconciled) any { return string(row.Target.Account) }},
		{"Region", Text, func(row cost.Reconciled) any { return string(row.Target.Region) }},
		{"Billed(USD)", Money, func(row cost.Reconciled) any { return row.Billed }},
		{"Effective(USD)", Money, func(row cost.Reconciled) any { return optional(row.Effective) }},
		{"List(USD)", Money, func(row cost.Reconciled) any { return optional(row.List) }},
		{"Difference(USD)", Money, func(row cost.Reconciled) any { return row.Difference }},
		{"Label", Text, func(row cost.Reconciled) any { return string(row.Label) }},
		{"BilledHours", Hours, hours(func(row cost.Reconciled) any { return row.BilledHours })},
		{"Hours", Hours, hours(func(row cost.Reconciled) any { return row.Hours })},
		{"Note", Text, func(row cost.Reconciled) any { return row.Note }},
	})
	whole := b.Total
	whole.Label = "All"
	labels := table("Reconciliation_By_Label", 1, append(slices.Clip(b.Labels), whole), []field[cost.ReconciledSum]{
		{"Label", Text, func(s cost.ReconciledSum) any { return string(s.Label) }},
		{"Resources", Count, func(s cost.ReconciledSum) any { return int64(s.Rows) }},
		{"Difference(USD)", Money, func(s cost.ReconciledSum) any { return s.Difference }},
		{"Billed(USD)", Money, ofAll(func(s cost.ReconciledSum) any { return s.Billed })},
		{"Effective(USD)", Money, ofAll(func(s cost.ReconciledSum) any { return optional(s.Effective) })},
		{"List(USD)", Money, ofAll(func(s cost.ReconciledSum) any { return s.List })},
	})
	return []Table{rows, labels}
}

// ofAll is a value that only the sum of all has.
func ofAll(value func(cost.ReconciledSum) any) func(cost.ReconciledSum) any {
	return func(s cost.ReconciledSum) any {
		if s.Label != "All" {
			return nil
		}
		return value(s)
	}
}
