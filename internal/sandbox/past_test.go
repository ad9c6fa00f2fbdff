package sandbox_test

import (
	"strings"
	"testing"
	"time"

	"nightshift/internal/sandbox"
)

// seoulTime is the zone of the people of the sandbox.
var seoulTime = time.FixedZone("Seoul", 9*60*60)

// TestPastAgreesWithDescribeInstances holds the past of every instance of the
// default account and of a generated one against what EC2 reports of it.
func TestPastAgreesWithDescribeInstances(t *testing.T) {
	for _, o := range []sandbox.Options{{}, {Fleet: 1500, Seed: 5}} {
		a := openUnchecked(t, o)
		for _, region := range []string{sandbox.DefaultRegion, "us-east-1"} {
			for _, i := range a.Instances(region) {
				runs := a.Runs(i.ID, time.Time{}, a.Now())
				if len(runs) == 0 {
					t.Fatalf("%s never ran", i.ID)
				}
				last := runs[len(runs)-1]
				if !last.From.Equal(i.LaunchTime) {
					t.Errorf("%s: the last run began at %v, launched at %v", i.ID, last.From, i.LaunchTime)
				}
				switch i.State {
				case "running":
					if !last.To.Equal(a.Now()) {
						t.Errorf("%s runs, but its last run ended at %v", i.ID, last.To)
					}
				case "stopped":
					if reported := "(" + last.To.Format("2006-01-02 15:04:05") + " GMT)"; !strings.Contains(i.Transition, reported) {
						t.Errorf("%s: the last run ended at %v, told is %q", i.ID, last.To, i.Transition)
					}
				}
				for n, one := range runs {
					if !one.From.Before(one.To) || n > 0 && one.From.Sub(runs[n-1].To) < time.Minute {
						t.Errorf("%s: run %d is %v after %v", i.ID, n, one, runs[max(n-1, 0)])
					}
				}
			}
		}
	}
}

// TestPastBeginsWithFirstLaunch looks at a machine that is stopped at night.
func TestPastBeginsWithFirstLaunch(t *testing.T) {
	a := openUnchecked(t, sandbox.Options{})
	i, _ := a.Named(sandbox.DefaultRegion, "개발-웹서버-1")
	first := time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC).AddDate(0, 0, -210)
	runs := a.Runs(i.ID, time.Time{}, a.Now())
	if !runs[0].From.Equal(first) {
		t.Errorf("it ran first at %v, want its first launch, %v", runs[0].From, first)
	}
	if got := a.Ran(i.ID, time.Time{}, first); got != 0 {
		t.Errorf("it ran %v before its first launch", got)
	}
	var days, late, nights int
	for _, one := range runs[1 : len(runs)-1] {
		from, to := one.From.In(seoulTime), one.To.In(seoulTime)
		if w := from.Weekday(); w == time.Saturday || w == time.Sunday {
			t.Errorf("it was started on a %s, %v", w, from)
		}
		if minutes := from.Hour()*60 + from.Minute(); minutes < 7*60+50 || minutes > 8*60+10 {
			t.Errorf("it was started at %v", from)
		}
		days++
		switch {
		case to.YearDay() != from.YearDay():
			nights++
		case to.Hour() > 19:
			late++
		case to.Hour() < 19:
			t.Errorf("it was stopped at %v", to)
		}
	}
	if days < 140 || days > 165 || late == 0 || nights == 0 || late+nights > days/3 {
		t.Errorf("%d runs of days, %d of them long, %d over night", days, late, nights)
	}
}

// TestPastIsTheSameWhateverIsAsked: parts of a time add up to the whole.
func TestPastIsTheSameWhateverIsAsked(t *testing.T) {
	a := openUnchecked(t, sandbox.Options{Fleet: 300, Seed: 9})
	from := a.Now().AddDate(0, 0, -90)
	for _, i := range a.Instances(sandbox.DefaultRegion) {
		whole := a.Ran(i.ID, from, a.Now())
		for _, step := range []time.Duration{time.Hour, 7 * time.Hour, 24 * time.Hour} {
			if i.ID[len(i.ID)-1]%4 != 0 && step == time.Hour {
				continue // for the time of the test
			}
			var sum time.Duration
			for at := from; at.Before(a.Now()); at = at.Add(step) {
				sum += a.Ran(i.ID, at, at.Add(step))
			}
			if sum != whole {
				t.Errorf("%s ran %v, in parts of %v it is %v", i.ID, whole, step, sum)
			}
		}
	}
}

// TestPastGoesOn follows what is done with an instance.
func TestPastGoesOn(t *testing.T) {
	a := open(t, sandbox.Options{})
	id := a.id("개발-WAS-1")
	from := a.Now()
	before := a.Runs(id, time.Time{}, from)
	a.Advance(3 * time.Hour)
	if err := a.stop(id); err != nil {
		t.Fatal(err)
	}
	a.Advance(5 * time.Hour)
	if err := a.start(id); err != nil {
		t.Fatal(err)
	}
	a.Advance(2 * time.Hour)
	if got := a.Ran(id, from, a.Now()); got != 5*time.Hour {
		t.Errorf("it ran %v, want 5h", got)
	}
	if got := a.Runs(id, time.Time{}, from); len(got) != len(before) || got[0] != before[0] || got[len(got)-1] != before[len(before)-1] {
		t.Errorf("a stop changed what was before it: %d runs, were %d", len(got), len(before))
	}
	if got := a.Ran(id, from, a.Now().AddDate(0, 0, 1)); got != 5*time.Hour {
		t.Errorf("it ran %v, part of it in the future", got)
	}

	failing := sandbox.Fault{Action: "ec2:StartInstances", Kind: sandbox.FailStart}
	if err := a.SetFaults([]sandbox.Fault{failing}); err != nil {
		t.Fatal(err)
	}
	report := a.id("야간-리포트")
	if err := a.start(report); err != nil {
		t.Fatal(err)
	}
	started := a.Now()
	a.Advance(time.Hour)
	if got := a.Ran(report, started, a.Now()); got != 0 {
		t.Errorf("a start that failed ran %v", got)
	}
}
