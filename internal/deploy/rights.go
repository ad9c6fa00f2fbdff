package deploy

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// Right is one thing that an IAM policy allows, or that a permissions boundary
// keeps out no longer.
type Right struct {
	Action    string `json:"action"`
	Resource  string `json:"resource"`
	Condition string `json:"condition,omitempty"`
	// Of is the resource of the stack whose policy it is: a role or a policy.
	Of string `json:"of"`
}

// String is the right in a line.
func (r Right) String() string {
	line := r.Action + " on " + r.Resource
	if r.Condition != "" {
		line += " if " + r.Condition
	}
	return line
}

// configHash is where the hash of a configuration stands in its key.
var configHash = regexp.MustCompile(`/config/[0-9a-f]{64}/`)

// addedRights are the rights that the IAM resources of a change set have after
// it and none of them had before. One that moves from a policy to another is
// not added, and neither is reading another version of the configuration.
func addedRights(changes []Change) []Right {
	same := func(r Right) Right {
		r.Of, r.Resource = "", configHash.ReplaceAllString(r.Resource, "/config/HASH/")
		return r
	}
	before, after := map[Right]bool{}, map[Right]Right{}
	var added []Right
	for _, c := range changes {
		if !strings.HasPrefix(c.Type, "AWS::IAM::") {
			continue
		}
		for _, r := range rightsOf(c.Before, c.Logical) {
			before[same(r)] = true
		}
		for _, r := range rightsOf(c.After, c.Logical) {
			after[same(r)] = r
		}
		if was := boundaryOf(c.Before); was != "" && len(c.After) > 0 && boundaryOf(c.After) != was {
			added = append(added, Right{Action: "everything in its policies", Resource: "what the permissions boundary " + was + " kept out", Of: c.Logical})
		}
	}
	for k, r := range after {
		if !before[k] {
			added = append(added, r)
		}
	}
	slices.SortFunc(added, func(a, b Right) int {
		return cmp.Or(cmp.Compare(a.Of, b.Of), cmp.Compare(a.Action, b.Action), cmp.Compare(a.Resource, b.Resource), cmp.Compare(a.Condition, b.Condition))
	})
	return added
}

// boundaryOf is the permissions boundary in the properties of a role.
func boundaryOf(properties json.RawMessage) string {
	var role struct{ PermissionsBoundary string }
	if json.Unmarshal(properties, &role) != nil { // those of another type, or none
		return ""
	}
	return role.PermissionsBoundary
}

// unknown is what CloudFormation writes for a value that is only known when its
// resource has been made.
var unknown = regexp.MustCompile(`(?i)\{\{changeset:KNOWN_AFTER_APPLY\}\}`)

// knownLater is what people read in its place.
const knownLater = "(known after it is made)"

// rightsOf reads the policies in the properties of an IAM resource, wherever they
// stand. Who may assume a role is a right, too.
func rightsOf(properties json.RawMessage, of string) []Right {
	var root any
	properties = unknown.ReplaceAll(properties, []byte(knownLater))
	if len(properties) == 0 || json.Unmarshal(properties, &root) != nil {
		return nil
	}
	var list []Right
	var visit func(v any)
	visit = func(v any) {
		switch v := v.(type) {
		case map[string]any:
			if statements, ok := v["Statement"]; ok {
				list = append(list, statementRights(statements, of)...)
				return
			}
			for _, name := range slices.Sorted(maps.Keys(v)) {
				if name == "ManagedPolicyArns" {
					for _, arn := range texts(v[name]) {
						if arn == knownLater { // one of the stack, whose rights are listed as its own
							continue
						}
						list = append(list, Right{Action: "everything in the policy", Resource: arn, Of: of})
					}
					continue
				}
				visit(v[name])
			}
		case []any:
			for _, one := range v {
				visit(one)
			}
		case string: // a policy that is written as a text
			var inner any
			if strings.HasPrefix(strings.TrimSpace(v), "{") && json.Unmarshal([]byte(v), &inner) == nil {
				visit(inner)
			}
		}
	}
	visit(root)
	return list
}

func statementRights(statements any, of string) []Right {
	all, ok := statements.([]any)
	if !ok {
		all = []any{statements}
	}
	var list []Right
	for _, one := range all {
		s, ok := one.(map[string]any)
		if !ok || s["Effect"] == "Deny" {
			continue
		}
		condition := ""
		if s["Condition"] != nil {
			written, err := json.Marshal(s["Condition"])
			if err == nil {
				condition = string(written)
			}
		}
		actions, resources := texts(s["Action"]), texts(s["Resource"])
		if but := texts(s["NotAction"]); len(but) > 0 {
			actions = append(actions, "everything but "+strings.Join(but, ", "))
		}
		if but := texts(s["NotResource"]); len(but) > 0 {
			resources = append(resources, "everything but "+strings.Join(but, ", "))
		}
		if who := s["Principal"]; who != nil {
			written, err := json.Marshal(who)
			if err == nil {
				resources = append(resources, "this role by "+string(written))
			}
		}
		for _, action := range actions {
			for _, resource := range resources {
				list = append(list, Right{action, resource, condition, of})
			}
		}
	}
	return list
}

// texts are a value of a policy that may be one text or several.
func texts(v any) []string {
	switch v := v.(type) {
	case string:
		return []string{v}
	case []any:
		var list []string
		for _, one := range v {
			list = append(list, fmt.Sprint(one))
		}
		return list
	default:
		return nil
	}
}
