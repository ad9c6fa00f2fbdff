package amazon_test

import (
	"errors"
	"math"
	"strings"
	"testing"
	"time"

	"nightshift/internal/amazon"
	"nightshift/internal/fleet"
	"nightshift/internal/sandbox"
	"nightshift/internal/sandbox/sandboxtest"
)

// noon is the time of a sandbox in the middle of a month.
func noon() time.Time { return time.Date(2026, 11, 22, 9, 20, 0, 0, time.UTC) }

// paidSession is a session that knows the account's time, with short pauses. The
// account's time is noon, or, for what is refused, ours: the SDK takes a refusal
// by a clock that is hours away for one of its signature, and tries again.
func paidSession(t *testing.T, o sandbox.Options) (*sandbox.Sandbox, *amazon.Session) {
	t.Helper()
	if o.Start.IsZero() && len(o.Faults) == 0 {
		o.Start = noon()
	}
	o.Speed = -1 // time does not move
	server := sandboxtest.Start(t, o)
	s, err := amazon.Open(t.Context(), amazon.Options{Region: region, Now: server.Sandbox().Now, Endpoint: &amazon.Endpoint{
		URL: server.URL(), AccessKey: sandbox.AccessKey, SecretKey: sandbox.SecretKey, ClockScale: 50,
	}})
	if err != nil {
		t.Fatal(err)
	}
	return server.Sandbox(), s
}

func faults(t *testing.T, text string) []sandbox.Fault {
	t.Helper()
	list, err := sandbox.ParseFaults(text)
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// seoulMonth is the start of the month in Seoul.
func seoulMonth() time.Time { return time.Date(2026, 10, 31, 15, 0, 0, 0, time.UTC) }

// checkBilled compares the hours of a bill with those in which instances ran.
func checkBilled(t *testing.T, account *sandbox.Sandbox, e *amazon.CostExplorer, from time.Time) (steps time.Duration, complete fleet.Span) {
	t.Helper()
	lines, complete, err := e.Usage(t.Context(), from, account.Now())
	if err != nil {
		t.Fatal(err)
	}
	hours := map[string]float64{}
	for _, l := range lines {
		if l.Account != sandbox.AccountID || l.Unit != "Hrs" || l.Effective == nil || l.Start.Before(from) || l.End.After(account.Now()) {
			t.Fatalf("a line is %+v", l)
		}
		steps = l.End.Sub(l.Start)
		if !l.Start.Before(complete.From) && !l.End.After(complete.To) {
			hours[l.Resource] += l.Quantity
		}
	}
	if len(hours) < 20 || complete.Length() < 10*24*time.Hour {
		t.Fatalf("%d instances in %v", len(hours), complete)
	}
	for id, sum := range hours {
		var ran time.Duration
		for _, run := range account.Runs(id, complete.From, complete.To) {
			ran += run.To.Sub(run.From)
		}
		if math.Abs(ran.Hours()-sum) > 0.02 { // it bills a minute at least
			t.Errorf("%s ran for %v hours, billed are %v", id, ran.Hours(), sum)
		}
	}
	return steps, complete
}

// The bill has the hours in which instances ran, by the hour.
func TestBilledHours(t *testing.T) {
	account, s := paidSession(t, sandbox.Options{})
	budget := amazon.NewBudget(100)
	steps, complete := checkBilled(t, account, s.CostExplorer(budget), seoulMonth())
	want := fleet.Span{From: time.Date(2026, 11, 8, 11, 0, 0, 0, time.UTC), To: time.Date(2026, 11, 20, 9, 0, 0, 0, time.UTC)}
	if steps != time.Hour || complete != want {
		t.Errorf("lines of %s, complete from %s to %s", steps, complete.From, complete.To)
	}
	if n := calls(s, "Cost Explorer", "GetCostAndUsageWithResources"); n != budget.Used() || n < 2 {
		t.Errorf("%d requests, %d of the budget used", n, budget.Used())
	}
	for _, c := range account.Calls() {
		if c.Service == "ce" && c.Region != "us-east-1" {
			t.Errorf("%s was asked in %s", c.Action, c.Region)
		}
	}
}

// Where hours are not enabled there are days, and hours are not asked for
// again.
func TestBilledDays(t *testing.T) {
	for name, fault := range map[string]string{
		"not enabled": "ce:*=deny,count=1,message=Hourly data granularity is an opt-in only feature. You can enable this feature from the PAYER account's Cost Explorer Settings page.",
		"no data":     "ce:*=deny,count=1,code=DataUnavailableException,message=Data is not available.",
		"not valid":   "ce:*=deny,count=1,code=ValidationException,message=start date is too old",
	} {
		t.Run(name, func(t *testing.T) {
			account, s := paidSession(t, sandbox.Options{Faults: faults(t, fault)})
			budget := amazon.NewBudget(100)
			e := s.CostExplorer(budget)
			month := account.Now().AddDate(0, 0, -20)
			steps, complete := checkBilled(t, account, e, month)
			today := account.Now().Truncate(24 * time.Hour)
			want := fleet.Span{From: today.AddDate(0, 0, -14), To: today.AddDate(0, 0, -2)}
			if steps != 24*time.Hour || complete != want {
				t.Errorf("lines of %s, complete from %s to %s", steps, complete.From, complete.To)
			}
			if used := budget.Used(); used != 2 {
				t.Errorf("%d requests, want one by the hour and one by the day", used)
			}
			if checkBilled(t, account, e, month); budget.Used() != 3 {
				t.Errorf("%d requests in all", budget.Used())
			}
		})
	}
}

// Who lacks the permission is told what to do, and does not pay for a retry.
func TestBillRefused(t *testing.T) {
	for name, tt := range map[string]struct {
		fault, says string
		kind        error
		used        int
	}{
		"no permission": {"ce:*=deny", "ce:GetCostAndUsageWithResources", fleet.ErrDenied, 1},
		"not enabled":   {"ce:*=deny,message=User not enabled for cost explorer access", "Cost Management preferences", fleet.ErrDenied, 1},
		"no resources": {
			"ce:*=deny,message=Resource-level data granularity is an opt-in only feature.", "enable resource-level data", fleet.ErrDenied, 1,
		},
		"no data":        {"ce:*=deny,code=DataUnavailableException,message=Data is not available.", "48 hours", fleet.ErrNotFound, 2},
		"throttled":      {"ce:*=throttle", "LimitExceededException", fleet.ErrThrottled, 8},
		"a broken start": {"ce:*=broken,count=2", "", nil, 4},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			account, s := paidSession(t, sandbox.Options{Faults: faults(t, tt.fault)})
			budget := amazon.NewBudget(20)
			_, complete, err := s.CostExplorer(budget).Usage(t.Context(), account.Now().Add(-48*time.Hour-72*time.Minute), account.Now())
			if !errors.Is(err, tt.kind) || err != nil && (!strings.Contains(err.Error(), tt.says) || complete != fleet.Span{}) {
				t.Errorf("%v, want a %v that says %q", err, tt.kind, tt.says)
			}
			if budget.Used() != tt.used && tt.kind != nil {
				t.Errorf("%d requests, want %d", budget.Used(), tt.used)
			}
			if tt.kind == nil && calls(s, "Cost Explorer", "GetCostAndUsageWithResources") != budget.Used() {
				t.Errorf("%d requests, %d counted", calls(s, "Cost Explorer", "GetCostAndUsageWithResources"), budget.Used())
			}
		})
	}
}

// A bill that is too long by the hour is read by the day, and no request is
// sent beyond the cap.
func TestBillIsCapped(t *testing.T) {
	account, s := paidSession(t, sandbox.Options{Fleet: 700, Seed: 3})
	for _, tt := range []struct {
		cap   int
		steps time.Duration // of what is read as a whole
	}{{60, 24 * time.Hour}, {3, 0}, {1, 0}, {0, 0}} {
		budget := amazon.NewBudget(tt.cap)
		before := calls(s, "Cost Explorer", "GetCostAndUsageWithResources")
		lines, complete, err := s.CostExplorer(budget).Usage(t.Context(), account.Now().AddDate(0, 0, -10), account.Now())
		sent := calls(s, "Cost Explorer", "GetCostAndUsageWithResources") - before
		if sent != budget.Used() || sent > tt.cap {
			t.Errorf("cap %d: %d requests, %d used", tt.cap, sent, budget.Used())
		}
		switch {
		case tt.steps > 0:
			if err != nil || len(lines) == 0 || lines[0].End.Sub(lines[0].Start) != tt.steps || complete.Length() < 6*24*time.Hour {
				t.Errorf("cap %d: %d lines, complete %v, %v after %d requests", tt.cap, len(lines), complete, err, sent)
			}
		case !errors.Is(err, fleet.ErrCapped) || complete != fleet.Span{} || (len(lines) == 0) != (tt.cap == 0):
			t.Errorf("cap %d: %d lines, complete %v, %v", tt.cap, len(lines), complete, err)
		}
	}
}

// Every account has a bill of its own.
func TestBillOfAMember(t *testing.T) {
	account, s := paidSession(t, sandbox.Options{Accounts: sandbox.Members(1)})
	away, err := s.Assume(t.Context(), memberRole(member, sandbox.MemberExternalID))
	if err != nil {
		t.Fatal(err)
	}
	lines, _, err := away.CostExplorer(amazon.NewBudget(10)).Usage(t.Context(), account.Now().AddDate(0, 0, -4), account.Now())
	if err != nil || len(lines) == 0 {
		t.Fatalf("%d lines, %v", len(lines), err)
	}
	for _, l := range lines {
		if l.Account != member {
			t.Errorf("a line is of %s", l.Account)
		}
	}
}
