package deploy

import (
	"context"
	"errors"
	"strings"

	"nightshift/internal/fleet"
)

// Removal is what removing a stack takes away, and what it leaves.
type Removal struct {
	Stack     string        `json:"stack"`
	StackID   string        `json:"stack_id,omitempty"` // empty: there is no such stack
	Account   fleet.Account `json:"account"`
	Region    fleet.Region  `json:"region"`
	Status    Status        `json:"status,omitempty"`
	Goes      []Resource    `json:"goes,omitempty"`
	Stays     []Resource    `json:"stays,omitempty"`
	Protected bool          `json:"protected,omitempty"`
	Role      string        `json:"role,omitempty"`
	// Bucket is that of the artifacts, where it has some of the stack, and Prefix
	// where they lie.
	Bucket string `json:"bucket,omitempty"`
	Prefix string `json:"prefix,omitempty"`
}

// PlanRemoval finds out what removing a stack would do. It changes nothing. Where
// another operation is under way it waits.
func (d Deployer) PlanRemoval(ctx context.Context, name, role string) (Removal, error) {
	r := Removal{Stack: name, Account: d.Account, Region: d.Region, Role: role}
	stack, err := d.settled(ctx, name)
	if err != nil || stack.Status == NoStack || stack.Status == DeleteComplete {
		return r, err
	}
	if err := stack.checkOurs(); err != nil {
		return r, err
	}
	r.StackID, r.Status, r.Protected = stack.ID, stack.Status, stack.Protected
	resources, err := d.Stacks.Resources(ctx, name)
	if err != nil {
		return r, err
	}
	kept := map[string]bool{}
	if len(resources) > 0 {
		template, err := d.Stacks.Template(ctx, name)
		if err != nil {
			return r, err
		}
		kept = retainedIn(template)
	}
	for _, one := range resources {
		switch {
		case one.Status == DeleteComplete:
		case kept[one.Logical]:
			r.Stays = append(r.Stays, one)
		default:
			r.Goes = append(r.Goes, one)
		}
	}
	if bucket := stack.Parameters["CodeBucket"]; bucket != "" {
		r.Bucket, r.Prefix = bucket, name+"/"
	}
	return r, nil
}

// Remove deletes a stack and follows it to its end.
func (d Deployer) Remove(ctx context.Context, r Removal) (Result, error) {
	result := Result{Stack: r.Stack, Status: r.Status}
	if r.StackID == "" {
		return result, nil
	}
	if r.Protected {
		return result, fleet.Errorf(fleet.ErrProtected, "the stack %s has termination protection: run `aws cloudformation update-termination-protection --no-enable-termination-protection --stack-name %s` first", r.Stack, r.Stack)
	}
	token := "nightshift-" + d.NewID()
	deleting, cancel := late(ctx)
	err := d.Stacks.Delete(deleting, r.Stack, r.Role, token)
	cancel()
	if err != nil {
		return result, err
	}
	if r.Status == ReviewInProgress { // it has neither resources nor events to wait for
		result.Status = DeleteComplete
		return result, nil
	}
	stack, err := d.follow(ctx, Stack{ID: r.StackID, Name: r.Stack, Status: "DELETE_IN_PROGRESS"}, token)
	result.Status, result.Events = stack.Status, stack.events
	switch {
	case err != nil:
		return result, err
	case !stack.Status.Succeeded():
		return result, CauseError(stack.Stack, stack.events)
	}
	return result, nil
}

// State is how a deployment is doing.
type State struct {
	Stack
	Region fleet.Region `json:"region"`
	// Code and Config are the hashes of what runs.
	Code   string `json:"code,omitempty"`
	Config string `json:"config,omitempty"`
	// Edited is true where the template is not that of the last deployment.
	Edited bool `json:"edited,omitempty"`
	// Alarms are the subscriptions of the topic of alarms; nil where there is none.
	Alarms []Subscription `json:"alarms,omitempty"`
	// LastReport is the newest report in the bucket.
	LastReport *Object `json:"last_report,omitempty"`
	// Problems are what could not be found out.
	Problems []string `json:"problems,omitempty"`
}

// Status looks at a stack. One that is not there is fleet.ErrNotFound.
func (d Deployer) Status(ctx context.Context, name string) (State, error) {
	stack, err := d.Stacks.Stack(ctx, name)
	s := State{Stack: stack, Region: d.Region}
	if errors.Is(err, fleet.ErrNotFound) {
		return s, fleet.Errorf(fleet.ErrNotFound, "there is no stack %s in %s; `nightshift deploy` makes it", name, d.Region)
	}
	if err != nil {
		return s, err
	}
	keys := parameterKeys(stack.Parameters)
	s.Code, s.Config = hashIn(keys[0]), hashIn(keys[1])
	problem := func(err error) {
		if err != nil {
			s.Problems = append(s.Problems, err.Error())
		}
	}
	template, err := d.Stacks.Template(ctx, name)
	problem(err)
	s.Edited = err == nil && stack.Tags[TagTemplate] != "" && stack.Tags[TagTemplate] != TemplateHash(template)
	s.Alarms, err = d.Alarms(ctx, stack.Outputs)
	problem(err)
	if bucket := stack.Outputs[OutputReports]; bucket != "" {
		objects, err := d.Artifacts.List(ctx, bucket, stack.Parameters["ReportPrefix"])
		problem(err)
		for _, o := range objects {
			if s.LastReport == nil || o.At.After(s.LastReport.At) {
				s.LastReport = &o
			}
		}
	}
	return s, nil
}

// Alarms are the subscriptions of the topic that the outputs of a stack name.
func (d Deployer) Alarms(ctx context.Context, outputs map[string]string) ([]Subscription, error) {
	topic := outputs[OutputAlarms]
	if topic == "" {
		return nil, nil
	}
	return d.Topics.Subscriptions(ctx, topic)
}

// hashIn is the hash in a key of the artifact bucket.
func hashIn(key string) string {
	parts := strings.Split(key, "/")
	if len(parts) < 3 {
		return ""
	}
	return strings.TrimSuffix(parts[2], ".zip")
}
