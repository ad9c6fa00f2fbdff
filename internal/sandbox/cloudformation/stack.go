package cloudformation

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"nightshift/internal/sandbox/lambda"
	"nightshift/internal/sandbox/random"
	"nightshift/internal/sandbox/s3"
	"nightshift/internal/sandbox/state"
	"nightshift/internal/sandbox/wire"
)

// stacks are those of a region, deleted ones too, the oldest first.
type stacks struct {
	list      []*stack
	seeds     uint64 // ids made so far
	store     *s3.Store
	functions *lambda.Host
	account   *state.Account // nil before the first call
}

// stack is one stack.
type stack struct {
	region *state.Region
	id     string
	name   string

	created, updated, deleted time.Time

	status, reason  string
	drifted         bool // as a detection of drift found
	protected       bool // against deletion
	disableRollback bool
	plan            // what it is made of
	previous        plan
	resources       []*record
	outputs         []outputValue
	events          []event // the oldest first
	changeSets      []*changeSet
	changeSet       string // id of the last one that was executed
	operation       *operation
	stuck           *operation // whose rollback failed
}

// plan is what a stack is to be made of.
type plan struct {
	template     *template
	parameters   map[string]string
	tags         state.Tags
	capabilities []string
	role         string // that CloudFormation is handed
}

type outputValue struct{ key, value, description string }

// record is a resource of a stack.
type record struct {
	resource
	physical   string // what Ref gives; empty until it is made
	name       string // in ARNs
	properties map[string]any
	tags       state.Tags
	status     string
	reason     string
	updated    time.Time
}

// event is one of a stack's.
type event struct {
	id, resource, physical, kind string
	at                           time.Time
	status, reason, token        string
}

// errAbsent is the refusal of a call for a stack that does not exist.
func errAbsent(name string) *wire.Error {
	return wire.ValidationError("Stack with id " + name + " does not exist")
}

// find finds a stack by its name or, also when it is deleted, by its id.
func (l *stacks) find(name string) *stack {
	for _, s := range slices.Backward(l.list) {
		if s.id == name || s.name == name && s.status != "DELETE_COMPLETE" {
			return s
		}
	}
	return nil
}

// uuid makes the next id of a region.
func (l *stacks) uuid(r *state.Region) string {
	l.seeds++
	a, b := random.HashText(l.seeds, r.Owner+r.Name), random.HashText(l.seeds+1<<32, r.Owner+r.Name)
	return fmt.Sprintf("%08x-%04x-4%03x-a%03x-%012x", a>>32, a>>16&0xffff, a&0xfff, b>>48&0xfff, b&0xffffffffffff)
}

func (s *stack) record(id string) *record {
	for _, r := range s.resources {
		if r.id == id {
			return r
		}
	}
	return nil
}

// scope is what the functions of a plan can ask for. attribute gives what a
// resource is known by.
func (s *stack) scope(p plan, attribute func(id, name string) (string, *wire.Error)) *scope {
	return &scope{
		parameters: parameterValues(p.template, p.parameters), conditions: p.template.conditions, attribute: attribute,
		pseudo: map[string]string{
			"AWS::AccountId": s.region.Owner, "AWS::Partition": "aws", "AWS::Region": s.region.Name, "AWS::StackId": s.id,
			"AWS::StackName": s.name, "AWS::URLSuffix": "amazonaws.com",
		},
	}
}

// known gives what the stack's resources are known by.
func (s *stack) known(id, name string) (string, *wire.Error) {
	if r := s.record(id); r != nil && r.physical != "" {
		return r.attribute(name, s.region)
	}
	return "", templateError("resource %s does not exist in this stack, or not yet", id)
}

// included are the resources of a template whose condition holds, each after
// those that it depends on.
func (s *stack) included(p plan) ([]resource, *wire.Error) {
	in := s.scope(p, s.known)
	there := map[string]bool{}
	for _, r := range p.template.resources {
		holds := true
		if r.condition != "" {
			var err *wire.Error
			if holds, err = in.condition(r.condition); err != nil {
				return nil, err
			}
		}
		there[r.id] = holds
	}
	var ordered []resource
	placed := map[string]int{} // 1: on the way, 2: placed
	var place func(r resource) *wire.Error
	place = func(r resource) *wire.Error {
		if placed[r.id] == 2 {
			return nil
		}
		if placed[r.id] == 1 {
			return wire.ValidationError("Circular dependency between resources: [" + r.id + "]")
		}
		placed[r.id] = 1
		for _, id := range needs(r, in) {
			other, isResource := p.template.resource(id)
			if isResource && !there[id] && !slices.Contains(r.dependsOn, id) {
				return formatError("Unresolved resource dependencies [%s] in the Resources block of the template", id)
			}
			if isResource && there[id] {
				if err := place(other); err != nil {
					return err
				}
			}
		}
		placed[r.id] = 2
		ordered = append(ordered, r)
		return nil
	}
	for _, r := range p.template.resources {
		if there[r.id] {
			if err := place(r); err != nil {
				return nil, err
			}
		}
	}
	return ordered, nil
}

// needs are the names that a resource depends on, each once, in order.
func needs(r resource, in *scope) []string {
	list := slices.Clone(r.dependsOn)
	references(r.properties, in, func(name, _ string) { list = append(list, name) })
	slices.Sort(list)
	return slices.Compact(list)
}

// physicalName makes the name of a new resource: the one that its properties
// give, else one of the stack, the resource and a part that is never the same.
func (s *stack) physicalName(r resource, properties map[string]any, salt uint64) string {
	k := kinds()[r.kind]
	if given := text(properties[k.name]); given != "" {
		return given
	}
	h := random.HashText(salt, s.id+r.id)
	const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
	suffix := make([]byte, 12)
	for i := range suffix {
		suffix[i] = letters[h>>(5*i)&31]
	}
	left := k.longest - len(suffix) - 1
	id := r.id[:min(len(r.id), left/2)]
	name := s.name[:min(len(s.name), left-1-len(id))]
	made := name + "-" + id + "-" + string(suffix)
	if r.kind == "AWS::S3::Bucket" {
		made = strings.ToLower(made)
	}
	return made
}

// happened adds an event of a resource, or of the stack itself where r is nil.
func (s *stack) happened(r *record, at time.Time, status, reason string) {
	e := event{at: at, status: status, reason: reason}
	if s.operation != nil {
		e.token = s.operation.token
	}
	if r == nil {
		s.status, s.reason = status, reason
		e.resource, e.physical, e.kind = s.name, s.id, "AWS::CloudFormation::Stack"
		e.id = state.Slot[stacks](s.region).uuid(s.region)
	} else {
		r.status, r.reason, r.updated = status, reason, at
		e.resource, e.physical, e.kind = r.id, r.physical, r.kind
		e.id = fmt.Sprintf("%s-%s-%s-%d", r.id, status, at.UTC().Format("2006-01-02T15:04:05.000Z"), len(s.events))
	}
	s.events = append(s.events, e)
}
