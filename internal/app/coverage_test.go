package app_test

import (
	"testing"

	"nightshift/internal/app"
	"nightshift/internal/cost"
	"nightshift/internal/cost/sheet"
	"nightshift/internal/fleet"
	"nightshift/internal/price"
)

// Exactly as many percent as are asked for are enough.
func TestEnough(t *testing.T) {
	report := func(priced, missing int) cost.Report {
		var r cost.Report
		for n := range priced + missing {
			status := price.Exact
			if n >= priced {
				status = price.Missing
			}
			r.Volumes = append(r.Volumes, &cost.Volume{Volume: fleet.Volume{}, Status: status})
		}
		return r
	}
	for _, tt := range []struct {
		priced, missing int
		least           float64
		enough          bool
	}{
		{95, 5, 95, true},
		{94, 6, 95, false},
		{19, 1, 95, true},
		{999, 1, 99.9, true},
		{9989, 11, 99.9, false},
		{0, 3, 0, true},
		{0, 0, 100, true},
		{2, 1, 66.67, false},
		{100, 0, 100, true},
	} {
		r := app.ReportResult{Workbook: sheet.Workbook{Report: report(tt.priced, tt.missing)}, MinCoverage: tt.least}
		if enough := r.Status() != fleet.StatusFailed; enough != tt.enough {
			t.Errorf("%d with and %d without a price, %v percent asked for: %s", tt.priced, tt.missing, tt.least, r.Status())
		}
	}
}
