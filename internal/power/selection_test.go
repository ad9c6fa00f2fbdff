package power_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"nightshift/internal/fleet"
	"nightshift/internal/power"
)

// town are plans of two targets with machines that are easily mixed up.
func town() []power.Plan {
	plan := func(region fleet.Region, machines ...fleet.Machine) power.Plan {
		p := power.Plan{Target: fleet.Target{Account: "111122223333", Region: region}}
		for _, m := range machines {
			m.Target = p.Target
			p.Steps = append(p.Steps, power.Step{Machine: m, Action: power.Stop})
		}
		return p
	}
	machine := func(kind fleet.Kind, id, name string, tags ...string) fleet.Machine {
		m := fleet.Machine{Kind: kind, ID: fleet.ResourceID(id), Tags: fleet.Tags{"Name": name}}
		for _, t := range tags {
			key, value, _ := strings.Cut(t, "=")
			m.Tags[key] = value
		}
		return m
	}
	return []power.Plan{
		plan("eu-west-1",
			machine(fleet.KindInstance, "i-1", "web", "Team=data", "Tier=app"),
			machine(fleet.KindInstance, "i-2", "orders", "Team=data", "Tier=proxy"),
			machine(fleet.KindInstance, "i-3", "twin", "Team=shop", "Tier=app"),
		),
		plan("us-east-1",
			machine(fleet.KindDatabase, "orders", "books", "Tier=db"),
			machine(fleet.KindInstance, "i-4", "twin", "Team=shop", "Tier=app"),
			machine(fleet.KindInstance, "i-5", "i-1", "Team=shop"),
		),
	}
}

func TestSelectionNarrows(t *testing.T) {
	rules := chain(t)
	rules.Rules[2].Kinds = []fleet.Kind{fleet.KindDatabase}
	for name, tt := range map[string]struct {
		selection power.Selection
		partial   bool
		want      string // ids, or a part of the error
	}{
		"everything":                   {power.Selection{}, false, "i-1 i-2 i-3 orders i-4 i-5"},
		"an id":                        {power.Selection{Machines: []string{"i-3"}}, false, "i-3"},
		"an id that is another's name": {power.Selection{Machines: []string{"i-1"}}, false, "i-1"},
		"an id of a database, a name of an instance": {power.Selection{Machines: []string{"orders"}}, false, "orders"},
		"a name":                   {power.Selection{Machines: []string{"web"}}, false, "i-1"},
		"an ARN":                   {power.Selection{Machines: []string{"arn:aws:ec2:us-east-1:111122223333:instance/i-4"}}, false, "i-4"},
		"ids and names":            {power.Selection{Machines: []string{"books", "i-2", "i-2"}}, false, "i-2 orders"},
		"a tag":                    {power.Selection{Tags: []fleet.Tag{{Key: "Team"}}}, false, "i-1 i-2 i-3 i-4 i-5"},
		"all of the tags":          {power.Selection{Tags: []fleet.Tag{{Key: "Team", Value: "shop"}, {Key: "Tier", Value: "app"}}}, false, "i-3 i-4"},
		"a rule":                   {power.Selection{Rule: 2}, false, "i-1 i-3 i-4"},
		"a kind":                   {power.Selection{Kinds: []fleet.Kind{fleet.KindDatabase}}, false, "orders"},
		"a rule and a tag":         {power.Selection{Rule: 2, Tags: []fleet.Tag{{Key: "Team", Value: "data"}}}, false, "i-1"},
		"nothing matches":          {power.Selection{Tags: []fleet.Tag{{Key: "Nobody"}}}, false, ""},
		"an id, not all was read":  {power.Selection{Machines: []string{"i-3"}}, true, "i-3"},
		"a name, not all was read": {power.Selection{Machines: []string{"web"}}, true, `another machine may have the name "web", since not all could be read; give the id, such as i-1`},
		"nobody's id":              {power.Selection{Machines: []string{"i-1", "i-9"}}, false, `no machine "i-9" in the town`},
		"part of a name":           {power.Selection{Machines: []string{"we"}}, false, `no machine "we" in the town`},
		"an empty word":            {power.Selection{Machines: []string{""}}, false, `no machine "" in the town`},
		"another account's ARN":    {power.Selection{Machines: []string{"arn:aws:ec2:us-east-1:999999999999:instance/i-4"}}, false, "no machine"},
		"a name of two":            {power.Selection{Machines: []string{"twin"}}, false, `2 machines have the name "twin"; give the ids, such as i-3`},
		"an id without the tag":    {power.Selection{Machines: []string{"i-3"}, Tags: []fleet.Tag{{Key: "Team", Value: "data"}}}, false, "i-3 (twin) does not match the rest of what is selected: tag Team=data"},
		"an id under another rule": {power.Selection{Machines: []string{"i-3"}, Rule: 1}, false, "i-3 (twin) does not match the rest of what is selected: rule 1"},
	} {
		t.Run(name, func(t *testing.T) {
			plans := town()
			_, err := tt.selection.Narrow(plans, power.NewRuleSet(rules), rules, "in the town", !tt.partial)
			if err != nil {
				if tt.want == "" || !strings.Contains(err.Error(), tt.want) || fleet.StatusOf(err) != fleet.StatusInvalid {
					t.Errorf("%v, want %q", err, tt.want)
				}
				return
			}
			var got []string
			others := 0
			for _, p := range plans {
				others += len(p.Others)
				for _, s := range p.Steps {
					got = append(got, string(s.Machine.ID))
				}
			}
			if strings.Join(got, " ") != tt.want || len(got)+others != 6 {
				t.Errorf("%q and %d others, want %q", got, others, tt.want)
			}
		})
	}
}

func TestSelectionIsChecked(t *testing.T) {
	rules := chain(t)
	rules.Rules[2].Kinds = []fleet.Kind{fleet.KindDatabase}
	for _, tt := range []struct {
		selection power.Selection
		rules     power.Rules
		want      string
	}{
		{power.Selection{}, rules, ""},
		{power.Selection{Rule: 3, Kinds: []fleet.Kind{fleet.KindDatabase}}, rules, ""},
		{power.Selection{Rule: 4}, rules, "no rule 4: there are 3, counted from 1"},
		{power.Selection{Rule: -1}, rules, "no rule -1"},
		{power.Selection{Rule: 1}, power.Rules{}, "no rule 1: there is none"},
		{power.Selection{Kinds: []fleet.Kind{"server"}}, rules, `"server" is not a kind of machine; the kinds are instance, db-instance`},
		{power.Selection{Kinds: []fleet.Kind{fleet.KindInstance, fleet.KindGroup}}, rules, "the kind auto-scaling-group is not acted on here, only instance, db-instance"},
		{power.Selection{Rule: 3, Kinds: []fleet.Kind{fleet.KindInstance}}, rules, "rule 3 is not for the kind instance"},
	} {
		err := tt.selection.Check(tt.rules, rules.Kinds())
		if got := fmt.Sprint(err); (err == nil) != (tt.want == "") || !strings.Contains(got, tt.want) {
			t.Errorf("%s: %s, want %q", tt.selection, got, tt.want)
		}
	}
}

// narrowedRun applies what is selected of the tiers, after a change.
func narrowedRun(t *testing.T, b *booting, selection power.Selection, change func()) []string {
	t.Helper()
	rules := chain(t)
	plan, err := power.MakePlan(t.Context(), clients(b), power.NewRuleSet(rules), b.clock)
	if err != nil {
		t.Fatal(err)
	}
	plans := []power.Plan{plan}
	evaluator, err := selection.Narrow(plans, power.NewRuleSet(rules), rules, "", true)
	if err != nil {
		t.Fatal(err)
	}
	change()
	var got []string
	for _, o := range power.Apply(t.Context(), clients(b), evaluator, plans[0], power.Options{Wait: 10 * time.Minute}) {
		got = append(got, fmt.Sprint(o.ID, " ", o.Result, " ", o.Reason.Code))
	}
	return got
}

// A narrowed run keeps the order: it neither acts on what is not selected, nor
// before it, nor waits for what nobody brings there.
func TestANarrowedRunKeepsTheOrder(t *testing.T) {
	for name, tt := range map[string]struct {
		state    fleet.State
		at       string
		machines []string
		log      []string
		want     []string
	}{
		"the first":           {fleet.Stopped, "Tue 08:00", []string{"i-db"}, []string{"start [i-db]"}, []string{"i-db done "}},
		"the second alone":    {fleet.Stopped, "Tue 08:00", []string{"i-app"}, nil, []string{"i-app left waits"}},
		"the first two":       {fleet.Stopped, "Tue 08:00", []string{"i-app", "i-db"}, []string{"start [i-db]", "start [i-app]"}, []string{"i-app done ", "i-db done "}},
		"the last to be off":  {fleet.Running, "Tue 19:00", []string{"i-db"}, nil, []string{"i-db left waits"}},
		"the first to be off": {fleet.Running, "Tue 19:00", []string{"i-proxy"}, []string{"stop [i-proxy]"}, []string{"i-proxy done "}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := tiers(t, tt.state)
				b.now = clock(t, tt.at)
				began := time.Now()
				got := narrowedRun(t, b, power.Selection{Machines: tt.machines}, func() {})
				if diff := cmp.Diff(tt.want, got); diff != "" || !slices.Equal(tt.log, b.log) {
					t.Errorf("%v\n%s", b.log, diff)
				}
				if tt.log == nil && time.Since(began) > time.Minute {
					t.Errorf("it waited %s for nothing", time.Since(began))
				}
			})
		})
	}
}

// What is no longer selected when it is read again is left.
func TestANarrowedRunReadsAgain(t *testing.T) {
	for name, tt := range map[string]struct {
		selection power.Selection
		change    func(*machine)
	}{
		"the tag is lost":     {power.Selection{Tags: []fleet.Tag{{Key: "Team"}}}, func(m *machine) { delete(m.Tags, "Team") }},
		"the name is another": {power.Selection{Machines: []string{"store"}}, func(m *machine) { m.Tags["Name"] = "other" }},
		"the rule is another": {power.Selection{Rule: 3}, func(m *machine) { m.Tags["Tier"] = "elsewhere" }},
	} {
		t.Run(name, func(t *testing.T) {
			b := tiers(t, fleet.Stopped)
			b.now = clock(t, "Tue 08:00")
			db := b.machines[2]
			db.Tags["Team"], db.Tags["Name"] = "data", "store"
			got := narrowedRun(t, b, tt.selection, func() { tt.change(db) })
			if want := []string{"i-db skipped not-selected"}; !slices.Equal(got, want) || b.log != nil {
				t.Errorf("%v, want %v; asked for %v", got, want, b.log)
			}
		})
	}
}
