package stack_test

import (
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"nightshift/internal/fleet"
	"nightshift/internal/power"
	"nightshift/internal/stack"
)

// permits decides as IAM does whether a policy allows an action on a machine,
// for the conditions on its tags.
func permits(d stack.Document, action, arn string, tags fleet.Tags) bool {
	return slices.ContainsFunc(d.Statement, func(s stack.Statement) bool {
		if !slices.Contains(s.Action, action) || !slices.Contains(s.Resource, arn) {
			return false
		}
		for operator, lines := range s.Condition {
			for key, values := range lines {
				name, ok := strings.CutPrefix(key, "aws:ResourceTag/")
				if !ok {
					continue // about the request
				}
				value, has := tags[name]
				switch {
				case operator == "Null" && has:
				case operator == "StringLike" && has && slices.Equal(values, stack.Values{"*"}):
				case operator == "StringEquals" && has && slices.Contains(values, value):
				default:
					return false
				}
			}
		}
		return true
	})
}

// TestPolicyPermitsWhatRulesChoose: whatever the rules, the policy lets a
// machine be stopped and marked exactly where a rule chooses it, and changed
// where that rule allows it and the machine's own tag does.
func TestPolicyPermitsWhatRulesChoose(t *testing.T) {
	about := map[fleet.Kind]struct{ stop, mark, arn string }{
		fleet.KindInstance: {"ec2:StopInstances", "ec2:CreateTags", "arn:aws:ec2:*:*:instance/*"},
		fleet.KindDatabase: {"rds:StopDBInstance", "rds:AddTagsToResource", "arn:aws:rds:*:*:db:*"},
		fleet.KindCluster:  {"rds:StopDBCluster", "rds:AddTagsToResource", "arn:aws:rds:*:*:cluster:*"},
		fleet.KindGroup: {
			"autoscaling:UpdateAutoScalingGroup", "autoscaling:CreateOrUpdateTags",
			"arn:aws:autoscaling:*:*:autoScalingGroup:*:autoScalingGroupName/*",
		},
	}
	keys, values := rapid.SampledFrom([]string{"", "a", "b"}), rapid.SampledFrom([]string{"", "x", "y", "z"})
	rules := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) stack.Bound {
		b := stack.Bound{
			Tag:        fleet.Tag{Key: keys.Draw(t, "key"), Value: values.Draw(t, "value")},
			Kinds:      rapid.SliceOfNDistinct(rapid.SampledFrom(power.Kinds()), 0, 3, rapid.ID).Draw(t, "kinds"),
			ChangeType: rapid.Bool().Draw(t, "resize"),
		}
		if b.Tag.Key == "" {
			b.Tag.Value = ""
		}
		return b
	}), 0, 4)
	machines := rapid.MapOf(rapid.SampledFrom([]string{"a", "b", "nightshift:types"}), values)
	rapid.Check(t, func(t *rapid.T) {
		s := stack.Schedules{Rules: rules.Draw(t, "rules"), Untagged: true}
		tags := fleet.Tags(machines.Draw(t, "tags"))
		policies, err := stack.Policies(scheduled(), stack.Scope{Schedules: &s})
		if err != nil || len(policies) > 1 {
			t.Fatalf("%d policies, %v", len(policies), err)
		}
		policy := slices.Concat(policies, []stack.Document{{}})[0] // without rules there may be none
		for kind, a := range about {
			var chosen, resized bool
			for _, b := range s.Rules {
				value, has := tags[b.Tag.Key]
				fits := b.Tag.Key == "" || has && (b.Tag.Value == "" || b.Tag.Value == value)
				forKind := slices.Contains(b.Kinds, kind) || len(b.Kinds) == 0 && kind == fleet.KindInstance
				chosen = chosen || fits && forKind
				resized = resized || fits && forKind && b.ChangeType
			}
			if got := permits(policy, a.stop, a.arn, tags); got != chosen {
				t.Errorf("%s: stopping is permitted: %t, chosen: %t", kind, got, chosen)
			}
			if got := permits(policy, a.mark, a.arn, tags); got != chosen {
				t.Errorf("%s: marking is permitted: %t, chosen: %t", kind, got, chosen)
			}
			_, named := tags["nightshift:types"]
			if got := permits(policy, "ec2:ModifyInstanceAttribute", a.arn, tags); got != (resized && named && kind == fleet.KindInstance) {
				t.Errorf("%s: changing the type is permitted: %t, chosen: %t, types named: %t", kind, got, resized, named)
			}
		}
	})
}
