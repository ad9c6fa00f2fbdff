package power_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"nightshift/internal/fleet"
	"nightshift/internal/power"
)

// What is listed is what some rule is for, or comes before it, and no more.
func TestSelector(t *testing.T) {
	db, app := fleet.Tag{Key: "Tier", Value: "db"}, fleet.Tag{Key: "Role", Value: "app"}
	databases := []fleet.Kind{fleet.KindDatabase}
	for name, tt := range map[string]struct {
		rules []power.Rule
		kind  fleet.Kind
		want  fleet.Selector
		none  bool
	}{
		"keys of all rules":      {[]power.Rule{{Tag: db}, {Tag: app}, {Tag: fleet.Tag{Key: "Tier"}}}, fleet.KindInstance, fleet.Selector{Keys: []string{"Tier", "Role"}}, false},
		"another kind's rules":   {[]power.Rule{{Tag: db, Kinds: databases}, {Tag: app}}, fleet.KindInstance, fleet.Selector{Keys: []string{"Role"}}, false},
		"no rule for the kind":   {[]power.Rule{{Tag: db, Kinds: databases}}, fleet.KindInstance, fleet.Selector{}, true},
		"every machine":          {[]power.Rule{{Tag: app}, {}}, fleet.KindInstance, fleet.Selector{}, false},
		"every other kind":       {[]power.Rule{{Tag: app}, {Kinds: databases}}, fleet.KindInstance, fleet.Selector{Keys: []string{"Role"}}, false},
		"what others come after": {[]power.Rule{{Tag: db, Kinds: databases}, {Tag: app, After: db}}, fleet.KindDatabase, fleet.Selector{Keys: []string{"Tier", "Role"}, Readiness: true}, false},
		"in order, own kind":     {[]power.Rule{{Tag: app, After: db}}, fleet.KindInstance, fleet.Selector{Keys: []string{"Role", "Tier"}, Readiness: true}, false},
		"everything, in order":   {[]power.Rule{{After: db}}, fleet.KindInstance, fleet.Selector{Readiness: true}, false},
	} {
		t.Run(name, func(t *testing.T) {
			got, ok := power.NewRuleSet(power.Rules{Rules: tt.rules}).Selector(tt.kind)
			if ok == tt.none {
				t.Errorf("wanted is %v", ok)
			}
			if diff := cmp.Diff(tt.want, got); ok && diff != "" {
				t.Error(diff)
			}
		})
	}
}
