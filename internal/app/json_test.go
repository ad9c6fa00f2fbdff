package app_test

import (
	"encoding/json"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"nightshift/internal/app"
	"nightshift/internal/cost"
	"nightshift/internal/cost/trend"
	"nightshift/internal/fleet"
	"nightshift/internal/power"
	"nightshift/internal/price"
)

// survive fails where a value is another after it was JSON. Of an error its text and
// its status are kept, of hours two decimals.
func survive[T any](t *testing.T, want T) (got T) {
	t.Helper()
	text, err := json.Marshal(want)
	if err != nil {
		t.Fatalf("%T: %v", want, err)
	}
	if err := json.Unmarshal(text, &got); err != nil {
		t.Fatalf("%T: %v", want, err)
	}
	options := cmp.Options{
		cmp.Comparer(func(a, b error) bool {
			return (a == nil) == (b == nil) && (a == nil || a.Error() == b.Error() && fleet.StatusOf(a) == fleet.StatusOf(b))
		}),
		cmp.Comparer(func(a, b power.MachineTime) bool { return max(a-b, b-a) <= 18 }),
		cmp.Comparer(func(a, b cost.Month) bool {
			return a.Start.Equal(b.Start) && a.End.Equal(b.End) && a.Now.Equal(b.Now) &&
				a.Now.Format(time.RFC3339) == b.Now.Format(time.RFC3339) && a.Now.Location().String() == b.Now.Location().String()
		}),
	}
	if diff := cmp.Diff(want, got, options); diff != "" {
		t.Errorf("%T (-before +after)\n%s", want, diff)
	}
	return got
}

// job runs a job that has to begin.
func job[T any](t *testing.T) func(T, error) T {
	return func(result T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return result
	}
}

// Results are plain data: what is read back from JSON is the same.
func TestResultsSurviveJSON(t *testing.T) {
	w := newWorld(t)
	s := w.open(t)
	ctx := t.Context()
	lost := app.TargetError{Target: fleet.Target{Account: "111122223333", Region: "eu-west-1"}, Err: fleet.Errorf(fleet.ErrDenied, "not permitted")}

	plan := job[app.PowerResult](t)(s.Power(ctx, app.PowerInput{DryRun: true, At: evening(), Only: power.Selection{Rule: 1}}))
	plan.Unreachable, plan.Targets[0].Failure = []app.TargetError{lost}, &lost
	if back := survive(t, plan); back.Status() != plan.Status() || back.Err().Error() != plan.Err().Error() {
		t.Errorf("%s: %v, want %s: %v", back.Status(), back.Err(), plan.Status(), plan.Err())
	}
	survive(t, job[app.PowerResult](t)(s.Power(ctx, app.PowerInput{Wait: time.Minute})))

	folder, requests, today := t.TempDir(), 10, trend.DateOf(evening())
	costs := app.CostInput{History: &folder, CostExplorer: &requests, Tags: []string{"Env"}}
	in := app.ReportInput{CostInput: costs, Keep: true, Past: true}
	survive(t, in)
	report := job[app.ReportResult](t)(s.Report(ctx, in))
	if len(report.Recommendations) == 0 || report.Savings == nil || report.Reconciliation == nil || report.Trend == nil || len(report.Evidence.Quotes) == 0 {
		t.Error("the report lacks a part")
	}
	report.Problems = append(report.Problems, cost.Problem{Target: lost.Target, What: "volumes", Err: lost.Err}, cost.Problem{What: "bill", Err: errors.New("odd")})
	back := survive(t, report)
	if back.Status() != report.Status() || back.Err().Error() != report.Err().Error() || back.Recommendations[0].Fix() != report.Recommendations[0].Fix() {
		t.Errorf("%s: %v, want %s: %v", back.Status(), back.Err(), report.Status(), report.Err())
	}

	past := app.PastInput{CostInput: costs, To: &today, Limit: 5}
	survive(t, past)
	survive(t, job[app.TrendResult](t)(s.Trend(ctx, past)))
	changes := job[app.ChangesResult](t)(s.Changes(ctx, past))
	changes.Errors = append(changes.Errors, lost)
	survive(t, changes)
	survive(t, job[app.HistoryResult](t)(s.History(ctx, app.HistoryInput{})))
	forecast := job[app.ForecastResult](t)(s.Forecast(ctx, app.ForecastInput{Days: 28}))
	forecast.Errors = append(forecast.Errors, lost)
	survive(t, forecast)
	survive(t, job[[]app.Explanation](t)(s.Explain(ctx, "배치서버", time.Time{})))
	survive(t, job[app.CheckResult](t)(s.Check(ctx)))
	survive(t, s.CheckConfig())
	survive(t, job[app.Override](t)(s.SetOverride(ctx, app.OverrideInput{Name: "배치서버", State: fleet.Running, Until: evening().Add(2 * time.Hour)})))
	survive(t, job[app.OverridesResult](t)(s.Overrides(ctx)))
	key := price.InstanceKey{Type: "m5.large", Tenancy: "Shared", Operation: "RunInstances:0002", Unused: true}
	quotes := app.QuoteInput{Items: []cost.QuoteItem{{Instance: &key}, {Volume: &fleet.Volume{Type: "gp3", SizeGiB: 100}}}}
	survive(t, quotes)
	survive(t, job[app.QuoteResult](t)(s.Quote(ctx, quotes)))
	survive(t, job[app.Publication](t)(s.Publish(ctx, report, app.Formats()[0])))
}
