package stack

import (
	"bytes"
	"encoding/json"
	"fmt"
	"unicode"

	"nightshift/internal/fleet"
)

// Document is an IAM policy. The format is described in the IAM JSON policy
// reference, https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements.html.
type Document struct {
	Version   string
	Statement []Statement
}

// Statement allows actions on resources under a condition. In the trust policy
// of a role it names who may assume the role instead of resources.
type Statement struct {
	Sid       string
	Effect    string
	Principal map[string]Values `json:",omitempty"`
	Action    []string
	Resource  []string  `json:",omitempty"`
	Condition Condition `json:",omitempty"`
}

// Condition maps an operator to the condition keys and the values they must
// have; one is enough.
type Condition map[string]map[string]Values

// Values are one text or several, which IAM writes as a text or as a list.
type Values []string

// MarshalJSON writes a single value without a list around it.
func (v Values) MarshalJSON() ([]byte, error) {
	if len(v) == 1 {
		return plainJSON(v[0], "")
	}
	return plainJSON([]string(v), "")
}

// UnmarshalJSON reads a text or a list of texts.
func (v *Values) UnmarshalJSON(text []byte) error {
	if len(text) > 0 && text[0] == '"' {
		*v = Values{""}
		return json.Unmarshal(text, &(*v)[0])
	}
	return json.Unmarshal(text, (*[]string)(v))
}

// plainJSON writes a value with <, > and & as they are.
func plainJSON(v any, indent string) ([]byte, error) {
	var text bytes.Buffer
	enc := json.NewEncoder(&text)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", indent)
	err := enc.Encode(v)
	return text.Bytes(), err
}

// JSON is the policy as indented text with a final newline. The same policy is
// always the same text.
func (d Document) JSON() ([]byte, error) {
	text, err := plainJSON(d, "  ")
	if err != nil {
		return nil, fmt.Errorf("policy: %w", err)
	}
	return text, nil
}

// What IAM allows: the size of a managed policy, in characters that are no
// white space, and the managed policies of a role. See "IAM and AWS STS quotas"
// in the IAM user guide. The second can be raised on request.
const (
	maxManaged  = 6144
	maxAttached = 10
)

// characters are those of a text that IAM counts.
func characters(text []byte) int {
	size := 0
	for _, r := range string(text) {
		if !unicode.IsSpace(r) {
			size++
		}
	}
	return size
}

// pack puts statements into as few policies as it easily can, of a size that
// IAM takes. The size of a statement is that of what it is filled with.
func pack(statements []Statement, fill func(string) string) ([]Document, error) {
	empty, err := plainJSON(Document{Version: policyVersion, Statement: []Statement{}}, "")
	if err != nil {
		return nil, fmt.Errorf("policy: %w", err)
	}
	var documents []Document
	var sizes []int
	for _, s := range statements {
		text, err := plainJSON(s, "")
		if err != nil {
			return nil, fmt.Errorf("policy: %w", err)
		}
		size, n := characters([]byte(fill(string(text))))+len(","), 0
		for n < len(documents) && sizes[n]+size > maxManaged {
			n++
		}
		if n == len(documents) {
			documents = append(documents, Document{Version: policyVersion})
			sizes = append(sizes, characters(empty))
		}
		documents[n].Statement = append(documents[n].Statement, s)
		sizes[n] += size
		if sizes[n] > maxManaged {
			return nil, fleet.Errorf(fleet.ErrInvalid,
				"the statement %s alone has %d characters and IAM takes policies of %d: shorten the names that it lists", s.Sid, size, maxManaged)
		}
	}
	if len(documents) > maxAttached {
		return nil, fleet.Errorf(fleet.ErrInvalid,
			"the permissions would take %d policies of %d characters, and a role has room for %d: let fewer different tag keys choose machines, or bind them by a key of any value",
			len(documents), maxManaged, maxAttached)
	}
	return documents, nil
}

// policyVersion is that of the language of policies.
const policyVersion = "2012-10-17"

// maxListed bounds the characters of the values that a statement lists, so that
// every statement fits into a policy.
const maxListed = 2048

// portions cuts a list so that none lists more characters than [maxListed],
// unless a single value has more. An empty list is one portion.
func portions(values []string) [][]string {
	all, size := [][]string{nil}, 0
	for _, v := range values {
		length := len(v) + len(`"",`)
		if size += length; size > maxListed && len(all[len(all)-1]) > 0 {
			all, size = append(all, nil), length
		}
		all[len(all)-1] = append(all[len(all)-1], v)
	}
	return all
}
