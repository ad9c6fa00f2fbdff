package cloudformation

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"unicode"

	"nightshift/internal/sandbox/state"
	"nightshift/internal/sandbox/wire"
)

// Longest policies, without white space: "IAM and AWS STS quotas".
const (
	maxManaged = 6_144
	maxInline  = 10_240 // all inline policies of a role together
)

// putRoles gives the roles of the stack what the record of a role or policy
// says, and says why it cannot. A boundary and what is attached from elsewhere
// do not count: the sandbox does not have them.
func (s *stack) putRoles(changed *record) string {
	for _, r := range s.resources {
		if r.kind != "AWS::IAM::Role" || r.physical == "" || r.status == "DELETE_COMPLETE" {
			continue
		}
		if err := s.putRole(r); err != nil {
			return handlerMessage(changed.kind, err.Message, err.Code)
		}
	}
	if changed.kind != "AWS::IAM::ManagedPolicy" {
		return ""
	}
	list, err := statements(changed.properties["PolicyDocument"])
	if err == nil && size(list) > maxManaged {
		err = wire.Invalid("LimitExceeded", fmt.Sprintf("Cannot exceed quota for PolicySize: %d", maxManaged))
	}
	if err != nil {
		return handlerMessage(changed.kind, err.Message, err.Code)
	}
	return ""
}

func (s *stack) putRole(r *record) *wire.Error {
	p := r.properties
	trust, err := statements(p["AssumeRolePolicyDocument"])
	if err != nil {
		return err
	}
	about := state.Role{Name: r.name, Path: text(p["Path"]), Trusts: []string{}, MaxSession: seconds(p["MaxSessionDuration"])}
	for _, one := range trust {
		of, _ := one.(map[string]any)
		principal := section(of, "Principal")
		if of["Effect"] != "Allow" {
			continue
		}
		about.Services = append(about.Services, texts(principal["Service"])...)
		for _, account := range texts(principal["AWS"]) {
			about.Trusts = append(about.Trusts, accountOf(account))
		}
	}
	inline := []any{}
	list, _ := p["Policies"].([]any)
	for _, one := range list {
		policy, _ := one.(map[string]any)
		more, err := statements(policy["PolicyDocument"])
		if err != nil {
			return err
		}
		inline = append(inline, more...)
	}
	managed, err := s.attached(r, &inline)
	if err != nil {
		return err
	}
	if size(inline) > maxInline {
		return wire.Invalid("LimitExceeded", fmt.Sprintf("Maximum policy size of %d bytes exceeded for role %s", maxInline, r.name))
	}
	about.Policy, _ = json.Marshal(map[string]any{"Version": "2012-10-17", "Statement": append(inline, managed...)}) // cannot fail: it was JSON, or is texts
	if err := state.Slot[stacks](s.region).account.PutRole(about); err != nil {
		return malformed(err.Error())
	}
	return nil
}

// malformed is the refusal of a policy that IAM, or the sandbox, does not
// understand.
func malformed(why string) *wire.Error { return wire.Invalid("MalformedPolicyDocument", why) }

// attached are the statements of the stack's managed policies that a role has.
// Those of policies that are embedded in it are added to inline.
func (s *stack) attached(role *record, inline *[]any) (managed []any, _ *wire.Error) {
	for _, r := range s.resources {
		has := slices.Contains(texts(r.properties["Roles"]), role.name) ||
			r.kind == "AWS::IAM::ManagedPolicy" && slices.Contains(texts(role.properties["ManagedPolicyArns"]), r.physical)
		if r.physical == "" || r.status == "DELETE_COMPLETE" || !has {
			continue
		}
		list, err := statements(r.properties["PolicyDocument"])
		if err != nil {
			return nil, err
		}
		if r.kind == "AWS::IAM::Policy" {
			*inline = append(*inline, list...)
		} else {
			managed = append(managed, list...)
		}
	}
	return managed, nil
}

// statements are those of a policy, which is written as a map or as JSON.
func statements(document any) ([]any, *wire.Error) {
	if written, ok := document.(string); ok {
		if err := json.Unmarshal([]byte(written), &document); err != nil {
			return nil, malformed("Syntax errors in policy: " + err.Error())
		}
	}
	of, _ := document.(map[string]any)
	switch list := of["Statement"].(type) {
	case []any:
		return list, nil
	case map[string]any:
		return []any{list}, nil
	}
	return nil, malformed("Syntax errors in policy: no Statement")
}

// size is the length of statements without white space.
func size(list []any) (n int) {
	for _, r := range written(list) {
		if !unicode.IsSpace(r) {
			n++
		}
	}
	return n
}

// accountOf is the number of the account of a principal, which may be an ARN.
func accountOf(principal string) string {
	if parts := strings.Split(principal, ":"); len(parts) > 4 {
		return parts[4]
	}
	return principal
}
