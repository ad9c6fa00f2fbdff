package policy

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"nightshift/internal/sandbox/glob"
)

// written is a statement as a document has it. What it does not name is an error.
type written struct {
	Sid       string
	Effect    string
	Action    oneOrMany
	Resource  oneOrMany
	Condition map[string]map[string]oneOrMany
}

// Parse reads policy documents that hold together, as those attached to a user do;
// none, or only empty ones, allows everything. What it does not understand is an
// error, never ignored: NotAction, NotResource, Principal, an operator, a key, a
// policy variable.
func Parse(documents ...[]byte) (*Policy, error) {
	var p *Policy
	for _, document := range documents {
		if len(document) == 0 {
			continue
		}
		if p == nil {
			p = &Policy{}
		}
		if err := p.add(document); err != nil {
			return nil, err
		}
	}
	return p, nil
}

// add adds the statements of a document.
func (p *Policy) add(document []byte) error {
	var d struct {
		Version, ID string
		Statement   []written
	}
	read := json.NewDecoder(bytes.NewReader(document))
	read.DisallowUnknownFields()
	if err := read.Decode(&d); err != nil {
		return fmt.Errorf("policy: %w", err)
	}
	for n, st := range d.Statement {
		out, err := st.parse()
		if err != nil {
			return fmt.Errorf("policy: statement %d: %w", n+1, err)
		}
		p.statements = append(p.statements, out)
	}
	return nil
}

func (st written) parse() (statement, error) {
	out := statement{deny: st.Effect == "Deny"}
	switch {
	case st.Effect != "Allow" && st.Effect != "Deny":
		return out, fmt.Errorf("effect %q is neither Allow nor Deny", st.Effect)
	case len(st.Action) == 0 || len(st.Resource) == 0:
		return out, errors.New("it has no action or no resource")
	}
	for _, a := range st.Action {
		p, err := pattern(strings.ToLower(a), true)
		if err != nil {
			return out, err
		}
		out.actions = append(out.actions, p)
	}
	for _, r := range st.Resource {
		p, err := pattern(r, true)
		if err != nil {
			return out, err
		}
		out.resources = append(out.resources, p)
	}
	for operator, lines := range st.Condition {
		bare, forAll := strings.CutPrefix(operator, "ForAllValues:")
		if !slices.Contains([]string{"ArnLike", "StringEquals", "StringEqualsIgnoreCase", "StringLike", "Bool", "Null"}, bare) {
			return out, fmt.Errorf("condition operator %s is not understood here", operator)
		}
		for key, values := range lines {
			if _, known := (&Context{}).values(key); !known {
				return out, fmt.Errorf("condition key %s is not understood here", key)
			}
			c := clause{operator: bare, forAll: forAll, key: key}
			for _, v := range values {
				if ignoresCase(bare) {
					v = strings.ToLower(v)
				}
				p, err := pattern(v, strings.HasSuffix(bare, "Like"))
				if err != nil {
					return out, err
				}
				c.values = append(c.values, p)
			}
			out.conditions = append(out.conditions, c)
		}
	}
	return out, nil
}

// ignoresCase says whether an operator compares without case.
func ignoresCase(operator string) bool {
	return operator == "StringEqualsIgnoreCase" || operator == "Bool"
}

// pattern reads a text of IAM, in which ${*}, ${?} and ${$} are these characters
// and any other ${…} is a variable. A backslash means itself. Only some texts have
// wildcards.
func pattern(text string, wildcards bool) (glob.Pattern, error) {
	var out strings.Builder
	for text != "" {
		escaped := ""
		for _, c := range []string{"*", "?", "$"} {
			if strings.HasPrefix(text, "${"+c+"}") {
				escaped = c
			}
		}
		switch next := text[:1]; {
		case escaped != "":
			out.WriteString(`\` + escaped)
			text = text[len("${*}"):]
			continue
		case strings.HasPrefix(text, "${"):
			return glob.Pattern{}, fmt.Errorf("policy variable in %q is not understood here", text)
		case next == `\`, (next == "*" || next == "?") && !wildcards:
			out.WriteString(`\` + next)
		default:
			out.WriteString(next)
		}
		text = text[1:]
	}
	return glob.Compile(out.String()), nil
}
