package sheet

import (
	"slices"

	"nightshift/internal/cost/reconcile"
	"nightshift/internal/cost/trend"
)

// reconciliationTables are the sheets of the reconciliation: by resource and by label.
func reconciliationTables(b *reconcile.Reconciliation) []Table {
	hours := func(of func(reconcile.Row) any) func(reconcile.Row) any {
		return func(row reconcile.Row) any {
			if row.Kind != string(trend.InstanceRow) {
				return nil
			}
			return of(row)
		}
	}
	rows := table("Reconciliation", 2, b.Rows, []field[reconcile.Row]{
		{"Resource", Text, func(row reconcile.Row) any { return row.Resource }},
		{"Name", Text, func(row reconcile.Row) any { return row.Name }},
		{"Kind", Text, func(row reconcile.Row) any { return row.Kind }},
		{"Account", Text, func(row reconcile.Row) any { return string(row.Target.Account) }},
		{"Region", Text, func(row reconcile.Row) any { return string(row.Target.Region) }},
		{"Billed(USD)", Money, func(row reconcile.Row) any { return row.Billed }},
		{"Effective(USD)", Money, func(row reconcile.Row) any { return optional(row.Effective) }},
		{"List(USD)", Money, func(row reconcile.Row) any { return optional(row.List) }},
		{"Difference(USD)", Money, func(row reconcile.Row) any { return row.Difference }},
		{"Label", Text, func(row reconcile.Row) any { return string(row.Label) }},
		{"BilledHours", Hours, hours(func(row reconcile.Row) any { return row.BilledHours })},
		{"Hours", Hours, hours(func(row reconcile.Row) any { return row.Hours })},
		{"Note", Text, func(row reconcile.Row) any { return row.Note }},
	})
	whole := b.Total
	whole.Label = "All"
	labels := table("Reconciliation_By_Label", 1, append(slices.Clip(b.Labels), whole), []field[reconcile.Sum]{
		{"Label", Text, func(s reconcile.Sum) any { return string(s.Label) }},
		{"Resources", Count, func(s reconcile.Sum) any { return int64(s.Rows) }},
		{"Difference(USD)", Money, func(s reconcile.Sum) any { return s.Difference }},
		{"Billed(USD)", Money, ofAll(func(s reconcile.Sum) any { return s.Billed })},
		{"Effective(USD)", Money, ofAll(func(s reconcile.Sum) any { return optional(s.Effective) })},
		{"List(USD)", Money, ofAll(func(s reconcile.Sum) any { return s.List })},
	})
	return []Table{rows, labels}
}

// ofAll is a value that only the sum of all has.
func ofAll(value func(reconcile.Sum) any) func(reconcile.Sum) any {
	return func(s reconcile.Sum) any {
		if s.Label != "All" {
			return nil
		}
		return value(s)
	}
}
