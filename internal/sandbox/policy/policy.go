// Package policy evaluates IAM policies.
package policy

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"

	"nightshift/internal/sandbox/glob"
)

// Policy is an identity-based IAM policy: Allow and Deny statements with
// actions, resources and the conditions ArnLike, StringEquals,
// StringEqualsIgnoreCase, StringLike (also with ForAllValues), Bool and Null on the
// keys aws:ResourceTag/KEY, aws:RequestTag/KEY, aws:TagKeys, aws:RequestedRegion,
// ec2:Attribute, ec2:CreateAction, ec2:Owner, ec2:ParentVolume,
// s3:prefix, kms:GrantIsForAWSResource, kms:ViaService, kms:GrantOperations,
// kms:EncryptionContextKeys, iam:PassedToService, iam:PermissionsBoundary and
// iam:PolicyARN.
type Policy struct {
	statements []statement
	// Decided, where it is set, sees every decision. It is called from many
	// goroutines at once.
	Decided func(Decision)
}

// Decision is what a policy said to a request.
type Decision struct {
	Action, Resource string
	Context          Context
	Allowed          bool
}

type statement struct {
	deny       bool
	actions    []glob.Pattern
	resources  []glob.Pattern
	conditions []clause
}

// clause is one line of a Condition block.
type clause struct {
	operator string
	forAll   bool
	key      string
	values   []glob.Pattern // of Null: true or false
}

// Tagged has tags that a condition can ask for.
type Tagged interface {
	Get(key string) (string, bool)
}

// Context is what conditions can ask about a request.
type Context struct {
	ResourceTags Tagged
	RequestTags  Tagged
	TagKeys      []string
	Region       string
	Attribute    string   // that ModifyInstanceAttribute is to change
	Prefix       []string // that a listing of a bucket asks for; nil: none
	// Keys are those that few requests have: of a change of roles, such as
	// iam:PolicyARN, and of snapshots, such as ec2:ParentVolume.
	Keys map[string]string
	// Key is what the use of a KMS key has.
	Key KeyUse
}

// KeyUse is what conditions can ask about the use of a KMS key.
type KeyUse struct {
	Via         string   // the service that uses it for the caller, as in s3.us-east-1.amazonaws.com
	ForResource bool     // a grant is for a resource of AWS
	Operations  []string // that a grant permits
	Context     []string // the keys of the encryption context
}

// oneOrMany reads a JSON text or list of texts.
type oneOrMany []string

// UnmarshalJSON reads "x" as well as ["x", "y"].
func (o *oneOrMany) UnmarshalJSON(b []byte) error {
	if len(b) > 0 && b[0] == '"' {
		*o = make(oneOrMany, 1)
		return json.Unmarshal(b, &(*o)[0])
	}
	return json.Unmarshal(b, (*[]string)(o))
}

// Denying is a policy that allows everything but some actions, which may
// hold wildcards, such as "ec2:StopInstances" or "s3:*".
func Denying(actions ...string) []byte {
	type entry struct {
		Effect   string
		Action   []string
		Resource string
	}
	b, _ := json.Marshal(map[string]any{"Version": "2012-10-17", "Statement": []entry{ // cannot fail: texts
		{"Allow", []string{"*"}, "*"},
		{"Deny", actions, "*"},
	}})
	return b
}

// Allows decides as IAM does: an explicit denial wins, else one Allow is
// needed.
func (p *Policy) Allows(action, resource string, ctx *Context) bool {
	if p == nil {
		return true
	}
	allowed := p.allows(action, resource, ctx)
	if p.Decided != nil {
		d := Decision{Action: action, Resource: resource, Allowed: allowed}
		if ctx != nil {
			d.Context = *ctx
		}
		p.Decided(d)
	}
	return allowed
}

func (p *Policy) allows(action, resource string, ctx *Context) (allowed bool) {
	for _, st := range p.statements {
		if !st.applies(strings.ToLower(action), resource, ctx) {
			continue
		}
		if st.deny {
			return false
		}
		allowed = true
	}
	return allowed
}

func (st statement) applies(action, resource string, ctx *Context) bool {
	matches := func(list []glob.Pattern, s string) bool {
		return slices.ContainsFunc(list, func(p glob.Pattern) bool { return p.Match(s) })
	}
	if !matches(st.actions, action) {
		return false
	}
	if resource == "*" { // the operation has no resource: only "*" covers it
		if !slices.ContainsFunc(st.resources, glob.Pattern.MatchesAll) {
			return false
		}
	} else if !matches(st.resources, resource) {
		return false
	}
	for _, c := range st.conditions {
		if !c.holds(ctx) {
			return false
		}
	}
	return true
}

// values gives what a condition key holds for a request; known is false for a
// key that the account does not understand.
func (ctx *Context) values(key string) (list []string, known bool) {
	if ctx == nil {
		ctx = &Context{}
	}
	if name, ok := strings.CutPrefix(key, "aws:ResourceTag/"); ok {
		return tagValue(ctx.ResourceTags, name), true
	}
	if name, ok := strings.CutPrefix(key, "aws:RequestTag/"); ok {
		return tagValue(ctx.RequestTags, name), true
	}
	switch key {
	case "aws:TagKeys":
		return ctx.TagKeys, true
	case "aws:RequestedRegion":
		return some(ctx.Region), true
	case "ec2:Attribute":
		return some(ctx.Attribute), true
	case "s3:prefix":
		return ctx.Prefix, true
	case "ec2:CreateAction", "ec2:Owner", "ec2:ParentVolume", "iam:PassedToService", "iam:PermissionsBoundary", "iam:PolicyARN":
		return some(ctx.Keys[key]), true
	case "kms:ViaService":
		return some(ctx.Key.Via), true
	case "kms:GrantIsForAWSResource":
		return []string{strconv.FormatBool(ctx.Key.ForResource)}, true
	case "kms:GrantOperations":
		return ctx.Key.Operations, true
	case "kms:EncryptionContextKeys":
		return ctx.Key.Context, true
	}
	return nil, false
}

// tagValue is the value of a tag; none where there is none.
func tagValue(of Tagged, key string) []string {
	if of == nil {
		return nil
	}
	if v, has := of.Get(key); has {
		return []string{v}
	}
	return nil
}

func (c clause) holds(ctx *Context) bool {
	have, _ := ctx.values(c.key)
	if c.operator == "Null" {
		absent := strconv.FormatBool(len(have) == 0)
		return slices.ContainsFunc(c.values, func(want glob.Pattern) bool { return want.Match(absent) })
	}
	fits := func(v string) bool {
		if ignoresCase(c.operator) {
			v = strings.ToLower(v)
		}
		return slices.ContainsFunc(c.values, func(want glob.Pattern) bool { return want.Match(v) })
	}
	if c.forAll { // also true without any value, as in IAM
		return !slices.ContainsFunc(have, func(v string) bool { return !fits(v) })
	}
	return slices.ContainsFunc(have, fits)
}

// some is a value that may be missing.
func some(value string) []string {
	if value == "" {
		return nil
	}
	return []string{value}
}
