package stack

import (
	_ "embed" // the template
	"fmt"

	"nightshift/internal/fleet"
)

//go:embed member.yaml.tmpl
var memberSkeleton string

// MemberTemplate is the CloudFormation template, in YAML, of the role that
// nightshift assumes in another account; a StackSet brings it to many. Who may
// assume the role and the external id are parameters. The role may do exactly what
// [Policies] say of a member's scope.
func MemberTemplate(actions []string, schedules *Schedules, costs Costs) ([]byte, error) {
	f := filling{Rules: schedules.follow(), KeyForm: keyForm}
	scope := Scope{Member: true, Partition: substitutedPartition, Account: "${AWS::AccountId}", Costs: costs.written(substituted)}
	err := costs.check()
	switch {
	case err != nil:
	case f.Rules:
		err = schedules.check()
		scope.Schedules = schedules.written(substituted, unsubstituted)
	default:
		scope.Tag = fleet.Tag{Key: "${TagKey}", Value: "${TagValue}"}
	}
	if err == nil {
		err = f.attach(actions, scope, "RolePolicy")
	}
	if err == nil {
		err = f.conditional(actions, scope, Notices{})
	}
	if err != nil {
		return nil, fmt.Errorf("template: %w", err)
	}
	return f.write(memberSkeleton)
}
