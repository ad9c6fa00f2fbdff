package amazon_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"nightshift/internal/amazon"
	"nightshift/internal/fleet"
	"nightshift/internal/sandbox"
)

// sampled are the instances of the region whose samples are to be counted.
func sampled(t *testing.T, s *amazon.Session) []fleet.Sampled {
	t.Helper()
	var list []fleet.Sampled
	for i, err := range s.Fleet(region).Instances(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, fleet.Sampled{ID: i.ID, Detailed: i.Detailed})
	}
	return list
}

// CloudWatch's samples show for how long instances ran, to five minutes for
// each of their starts and stops, in any time zone's month.
func TestRunning(t *testing.T) {
	for name, month := range map[string]time.Time{
		"Seoul":     seoulMonth(),
		"Kolkata":   time.Date(2026, 10, 31, 18, 30, 0, 0, time.UTC),
		"Kathmandu": time.Date(2026, 10, 31, 18, 15, 0, 0, time.UTC),
	} {
		t.Run(name, func(t *testing.T) {
			account, s := paidSession(t, sandbox.Options{})
			instances, budget := sampled(t, s), amazon.NewBudget(1000)
			running, err := s.Metrics(region, budget).Running(t.Context(), instances, month, account.Now())
			if err != nil {
				t.Fatal(err)
			}
			if len(running) != len(instances) || budget.Used() != len(instances) || calls(s, "CloudWatch", "GetMetricData") != 1 {
				t.Errorf("%d of %d instances, %d metrics in %v", len(running), len(instances), budget.Used(), s.Calls())
			}
			off, detailed := 0, 0
			for _, i := range instances {
				var ran time.Duration
				runs := account.Runs(string(i.ID), month, account.Now())
				for _, run := range runs {
					ran += run.To.Sub(run.From)
				}
				if d := (running[i.ID] - ran).Abs(); d > time.Duration(2*len(runs))*5*time.Minute || running[i.ID]%time.Minute != 0 {
					t.Errorf("%s ran for %s in %d runs, counted are %s", i.ID, ran, len(runs), running[i.ID])
				}
				if ran == 0 {
					off++
				}
				if i.Detailed {
					detailed++
				}
			}
			if off == 0 || off == len(instances) {
				t.Errorf("%d of %d instances did not run", off, len(instances))
			}
		})
	}
}

// Where monitoring was changed after the samples were sent, the samples decide.
func TestRunningWithAnotherMonitoring(t *testing.T) {
	account, s := paidSession(t, sandbox.Options{})
	instances := sampled(t, s)
	metrics := s.Metrics(region, amazon.NewBudget(1000))
	want, err := metrics.Running(t.Context(), instances, seoulMonth(), account.Now())
	if err != nil {
		t.Fatal(err)
	}
	for n := range instances {
		instances[n].Detailed = !instances[n].Detailed
	}
	got, err := metrics.Running(t.Context(), instances, seoulMonth(), account.Now())
	if err != nil {
		t.Fatal(err)
	}
	for id := range want {
		runs := len(account.Runs(string(id), seoulMonth(), account.Now()))
		if d := (got[id] - want[id]).Abs(); d > time.Duration(2*runs)*time.Hour {
			t.Errorf("%s: %s, with another monitoring %s, in %d runs", id, want[id], got[id], runs)
		}
	}
}

// A large fleet takes few requests, each with all its points on one
// page; an instance that is not there has run for nothing.
func TestRunningOfMany(t *testing.T) {
	account, s := paidSession(t, sandbox.Options{Fleet: 250})
	instances := append(sampled(t, s), fleet.Sampled{ID: "i-0123456789abcdef0"})
	budget := amazon.NewBudget(10_000)
	running, err := s.Metrics(region, budget).Running(t.Context(), instances, seoulMonth(), account.Now())
	if err != nil || len(running) != 251 || budget.Used() != 251 || running["i-0123456789abcdef0"] != 0 {
		t.Errorf("%d instances, %d metrics, %v", len(running), budget.Used(), err)
	}
	if n := calls(s, "CloudWatch", "GetMetricData"); n != 2 { // 523 hours of 192 instances are a page
		t.Errorf("%d requests", n)
	}
}

// No more metrics are asked for than the cap allows, tries that fail among
// them, and what was found is there.
func TestMetricsAreCapped(t *testing.T) {
	for name, tt := range map[string]struct {
		fault                string
		most, used, reported int
		kind                 error
	}{
		"enough":          {"", 1000, 0, -1, nil},
		"some":            {"", 7, 7, 7, fleet.ErrCapped},
		"none":            {"", 0, 0, 0, fleet.ErrCapped},
		"after a failure": {"monitoring:GetMetricData=broken,count=1", 40, 0, 0, fleet.ErrCapped},
		"not allowed":     {"monitoring:GetMetricData=deny", 1000, 0, 0, fleet.ErrDenied},
	} {
		t.Run(name, func(t *testing.T) {
			account, s := paidSession(t, sandbox.Options{Faults: faults(t, tt.fault)})
			instances, budget := sampled(t, s), amazon.NewBudget(tt.most)
			running, err := s.Metrics(region, budget).Running(t.Context(), instances, account.Now().AddDate(0, 0, -9), account.Now())
			if !errors.Is(err, tt.kind) {
				t.Errorf("%v, want %v", err, tt.kind)
			}
			if err != nil && !strings.Contains(err.Error(), "cloudwatch:GetMetricData") {
				t.Errorf("%v does not say what was refused", err)
			}
			if tt.used == 0 && tt.most > 0 {
				tt.used = len(instances)
			}
			if tt.reported < 0 {
				tt.reported = len(instances)
			}
			if budget.Used() != tt.used || len(running) != tt.reported {
				t.Errorf("%d metrics, %d instances; want %d and %d", budget.Used(), len(running), tt.used, tt.reported)
			}
		})
	}
}

// Surplus credits are those that burstable instances without a limit were
// charged.
func TestSurplus(t *testing.T) {
	account, s := paidSession(t, sandbox.Options{})
	var ids []fleet.ResourceID
	for _, i := range sampled(t, s) {
		ids = append(ids, i.ID)
	}
	unlimited, err := s.Fleet(region).Unlimited(t.Context(), ids)
	if err != nil {
		t.Fatal(err)
	}
	budget := amazon.NewBudget(1000)
	surplus, err := s.Metrics(region, budget).Surplus(t.Context(), ids, seoulMonth(), account.Now())
	if err != nil || len(surplus) != len(ids) || budget.Used() != len(ids) {
		t.Fatalf("%d of %d instances, %v", len(surplus), len(ids), err)
	}
	charged := 0
	for _, id := range ids {
		if surplus[id] > 0 {
			charged++
		}
		if surplus[id] > 0 && !unlimited[id] {
			t.Errorf("%s is limited and was charged %v credits", id, surplus[id])
		}
	}
	if charged == 0 {
		t.Error("no instance was charged")
	}
}
