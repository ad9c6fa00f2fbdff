// Package sheet joins a cost report with what was made from it in a workbook, and
// shows that as data: tables, charts and a summary, which are defined once here
// and written by cost/xlsx, cost/page and cost/plain.
//
// It may import backup, cost, cost/recommend, cost/trend, cost/reconcile, fleet, price
// and text.
package sheet

import (
	"nightshift/internal/cost"
	"nightshift/internal/cost/recommend"
	"nightshift/internal/cost/reconcile"
	"nightshift/internal/cost/trend"
)

// Workbook is a report with what was made from it. Each of the pointers is nil
// where there is nothing to make it from.
type Workbook struct {
	cost.Report
	// Recommendations are what could cost less, the largest saving first.
	Recommendations []recommend.Recommendation
	// Trend and Changes are made from the history, Savings from the journal,
	// Reconciliation from what AWS charged.
	Trend          *trend.Trend
	Changes        *trend.Changes
	Savings        *cost.Savings
	Reconciliation *reconcile.Reconciliation
	// Backups is nil without backup policies.
	Backups *Backups
}
