package deploy

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"nightshift/internal/fleet"
)

// Deployer installs, changes and removes one stack in one region.
type Deployer struct {
	Stacks    Stacks
	Artifacts Artifacts
	Functions Functions
	Topics    Topics
	Account   fleet.Account
	Region    fleet.Region
	// Heard hears of the events of the stack as they come.
	Heard func(Event)
	// Waits hears at once and then every minute that an operation of somebody else
	// is waited for, and for how long already.
	Waits func(Stack, time.Duration)
	// NewID names change sets and operations: letters and digits.
	NewID func() string
}

// Request is what to deploy.
type Request struct {
	Stack    string
	Template string
	// Given are the values of parameters that the configuration has, Overrides
	// those of the command line.
	Given, Overrides map[string]string
	Binary           Binary
	Config           map[string][]byte // nightshift.yaml and its calendars; none without a configuration
	Tags             map[string]string
	Bucket           string // for code and configuration; empty: ArtifactBucket
	Role             string // that CloudFormation works with
	Protect          *bool  // termination protection; nil leaves it
	AllowDowngrade   bool
	// Enable lets the schedules of a first deployment begin.
	Enable bool
}

// ConfigFile is how the configuration is called in the artifact bucket.
const ConfigFile = "nightshift.yaml"

// Deployment is what is about to be deployed. It can be written as JSON and read
// again.
type Deployment struct {
	Stack   string        `json:"stack"`
	StackID string        `json:"stack_id,omitempty"`
	Account fleet.Account `json:"account"`
	Region  fleet.Region  `json:"region"`
	Step    Step          `json:"step"`
	Status  Status        `json:"status,omitempty"` // of the stack when the plan was made
	Reason  string        `json:"reason,omitempty"` // why nothing can be planned yet
	// Outputs are those of the stack as it is.
	Outputs map[string]string `json:"outputs,omitempty"`
	// ChangeSet is empty where there is nothing to change.
	ChangeSet  string            `json:"change_set,omitempty"`
	Diff       Diff              `json:"diff"`
	Parameters map[string]string `json:"parameters,omitempty"`
	Binary     Binary            `json:"binary"`
	Bucket     string            `json:"bucket,omitempty"`
	NewBucket  bool              `json:"new_bucket,omitempty"`
	Uploads    []Upload          `json:"uploads,omitempty"`
	Role       string            `json:"role,omitempty"`
	// Protect is whether the stack is to have termination protection; nil leaves it
	// as it is, which Protected says.
	Protect   *bool `json:"protect,omitempty"`
	Protected bool  `json:"protected,omitempty"`
	// Previous are the keys of the artifact bucket that the stack uses now.
	Previous []string `json:"previous,omitempty"`
	// First is true where the schedules stay disabled until they are enabled by a
	// second change set.
	First bool `json:"first,omitempty"`
}

// NoChanges reports whether the stack is as it should be.
func (d Deployment) NoChanges() bool {
	return d.ChangeSet == "" && d.Step == StepUpdate && !d.ChangesProtection()
}

// ChangesProtection reports whether termination protection is turned on or off.
func (d Deployment) ChangesProtection() bool { return d.Protect != nil && *d.Protect != d.Protected }

// Plan finds out what a deployment would change. It makes a change set, which
// changes nothing and which Discard removes, and no bucket and no object. Where
// another operation is under way it waits. After an error nothing is left.
//
// A stack that must be deleted first has a plan of the step StepRecreate without
// a change set.
func (d Deployer) Plan(ctx context.Context, r Request) (Deployment, error) {
	p := Deployment{
		Stack: r.Stack, Account: d.Account, Region: d.Region, Binary: r.Binary, Bucket: r.Bucket, Role: r.Role, Protect: r.Protect,
	}
	if len(r.Template) > MaxTemplate {
		return p, fleet.Errorf(fleet.ErrInvalid, "the template has %d bytes, and CloudFormation takes %d: choose by fewer tags in nightshift.yaml", len(r.Template), MaxTemplate)
	}
	stack, err := d.settled(ctx, r.Stack)
	if err != nil {
		return p, err
	}
	p.StackID, p.Status, p.Reason, p.Protected, p.Outputs = stack.ID, stack.Status, stack.StatusReason, stack.Protected, stack.Outputs
	if p.Step, err = StepOf(stack.Status); err != nil {
		return p, err
	}
	if err := stack.checkOurs(); err != nil {
		return p, err
	}
	switch p.Step {
	case StepRecreate:
		return p, nil
	case StepRepair:
		return p, d.repairOf(ctx, stack)
	case StepUpdate:
		if was := stack.Tags[TagVersion]; !r.AllowDowngrade && Older(r.Binary.Version, was) {
			return p, fleet.Errorf(fleet.ErrInvalid, "the stack %s runs %s, and this is %s: install the newer release, or say --allow-downgrade", r.Stack, was, r.Binary.Version)
		}
	default:
		stack = Stack{Name: r.Stack, ID: stack.ID}
	}
	if p.Bucket == "" {
		p.Bucket = ArtifactBucket(d.Account, d.Region)
	}
	values, err := d.values(ctx, &p, stack, r)
	if err != nil {
		return p, err
	}
	if err := d.uploads(ctx, &p, r); err != nil {
		return p, err
	}
	changes, err := d.changeSet(ctx, &p, r)
	if err != nil {
		return p, err
	}
	if err := d.describe(ctx, &p, stack, r, changes, values); err != nil {
		return p, errors.Join(err, d.discardLate(ctx, p))
	}
	return p, nil
}

// repairOf is the error for a stack about which a person must decide. What could
// not be rolled back is in the events since the rollback began.
func (d Deployer) repairOf(ctx context.Context, s Stack) error {
	events, err := d.Stacks.Events(ctx, s.Name, func(e Event) bool {
		return begins(e) || e.Type == stackType && e.Status == "UPDATE_ROLLBACK_IN_PROGRESS"
	})
	var stuck []Event
	for _, e := range slices.Backward(events) {
		if e.Status.failed() && e.Type != stackType && !e.follows() {
			stuck = append(stuck, e)
		}
	}
	return errors.Join(repair(s, stuck), err)
}

// settled describes the stack when no operation is under way; the zero Stack is
// none.
func (d Deployer) settled(ctx context.Context, name string) (Stack, error) {
	stack, err := d.Stacks.Stack(ctx, name)
	switch {
	case errors.Is(err, fleet.ErrNotFound):
		return Stack{Name: name}, nil
	case err != nil:
		return stack, err
	case stack.Status.Settled():
		return stack, nil
	}
	if _, err := d.follow(ctx, stack, ""); err != nil {
		return stack, err
	}
	return d.settled(ctx, name)
}

// values are those of all parameters of the template. Where a first deployment
// is to be looked at before it does anything the schedules are disabled.
func (d Deployer) values(ctx context.Context, p *Deployment, stack Stack, r Request) (map[string]string, error) {
	given := maps.Clone(r.Given)
	if given == nil {
		given = map[string]string{}
	}
	given["CodeBucket"], given["CodeKey"], given["Architecture"] = p.Bucket, CodeKey(p.Stack, r.Binary.SHA256), r.Binary.Architecture
	if len(r.Config) > 0 {
		given["Config"] = "s3://" + p.Bucket + "/" + ConfigPrefix(p.Stack, r.Config) + ConfigFile
	}
	if err := d.keptReports(ctx, p, stack, given, r.Overrides); err != nil {
		return nil, err
	}
	values, err := Parameters(r.Template, given, r.Overrides)
	if err != nil {
		return nil, err
	}
	if first(stack.Parameters, values) && !r.Enable {
		p.First = true
		values["ScheduleState"] = disabled
	}
	p.Parameters, p.Previous = values, parameterKeys(stack.Parameters)
	return values, nil
}

const disabled = "DISABLED"

// first reports whether schedules that do not run now would begin to: of a new
// stack, of one that moves from tags to rules, and of one whose first deployment
// was not brought to its end.
func first(old, values map[string]string) bool {
	return values["ScheduleState"] != disabled &&
		(len(old) == 0 || old["ScheduleState"] == disabled || old["PowerSchedule"] == "" && values["PowerSchedule"] != "")
}

// keptReports finds the bucket with the reports of an earlier installation, which
// its removal left, and goes on with it.
func (d Deployer) keptReports(ctx context.Context, p *Deployment, stack Stack, given, overrides map[string]string) error {
	_, overridden := overrides["ReportBucket"]
	if overridden || given["ReportBucket"] != "" || stack.ID != "" && p.Step == StepUpdate && stack.Parameters["ReportBucket"] == "" {
		return nil
	}
	buckets, err := d.Artifacts.Tagged(ctx, reportsPrefix(p.Stack))
	if err != nil {
		if !errors.Is(err, fleet.ErrDenied) || p.Step == StepUpdate { // which would go on in a new bucket
			return err
		}
		p.Diff.Notes = append(p.Diff.Notes, fmt.Sprintf("whether reports of an earlier installation are there is not known: %v", err))
		return nil
	}
	for _, name := range slices.Sorted(maps.Keys(buckets)) {
		if buckets[name][TagStack] != p.Stack {
			continue
		}
		if p.Step == StepUpdate && stack.Parameters["ReportBucket"] != name {
			continue
		}
		given["ReportBucket"] = name
		if p.Step != StepUpdate {
			p.Diff.Notes = append(p.Diff.Notes, fmt.Sprintf("the reports of an earlier installation are in s3://%s, which is used again; --param ReportBucket= makes a new bucket", name))
		}
		return nil
	}
	return nil
}

// reportsPrefix is what the name of a stack's report bucket begins with.
// CloudFormation makes it of the stack's name, of which it takes less the longer it
// is; the tag of the bucket says the whole name.
func reportsPrefix(stack string) string {
	const always = 20
	if len(stack) > always {
		return strings.ToLower(stack[:always])
	}
	return strings.ToLower(stack) + "-reports-"
}

// changeSetPause is between two looks at a change set that AWS calculates.
const changeSetPause = time.Second

// changeSet makes the change set and waits for it. Without changes it is removed
// again.
func (d Deployer) changeSet(ctx context.Context, p *Deployment, r Request) (set ChangeSet, err error) {
	p.ChangeSet = "nightshift-" + d.NewID()
	defer func() {
		if err != nil {
			err = errors.Join(err, d.discardLate(ctx, *p))
			p.ChangeSet = ""
		}
	}()
	tags := maps.Clone(r.Tags)
	if tags == nil {
		tags = map[string]string{}
	}
	tags[TagStack], tags[TagTemplate], tags[TagVersion] = p.Stack, TemplateHash(r.Template), r.Binary.Version
	id, err := d.Stacks.CreateChangeSet(ctx, NewChangeSet{
		Stack: p.Stack, Name: p.ChangeSet, Create: p.Step != StepUpdate, Template: r.Template, Parameters: p.Parameters, Tags: tags, Role: r.Role,
	})
	if err != nil {
		return set, err
	}
	p.StackID = id
	for {
		if set, err = d.Stacks.ChangeSet(ctx, p.Stack, p.ChangeSet); err != nil {
			return set, err
		}
		switch {
		case set.Status == "CREATE_COMPLETE":
			return set, nil
		case set.Status == "FAILED" && unchanged(set.Reason):
			if err = d.Discard(ctx, *p); err == nil {
				p.ChangeSet = ""
			}
			return set, err
		case set.Status == "FAILED":
			kind := fleet.ErrInvalid
			if denied(set.Reason) {
				kind = fleet.ErrDenied
			}
			return set, fleet.Errorf(kind, "CloudFormation refuses the change set: %s", set.Reason)
		}
		if err = d.Stacks.Pause(ctx, changeSetPause); err != nil {
			return set, err
		}
	}
}

// unchanged reports whether a change set failed because there is nothing to
// change.
func unchanged(reason string) bool {
	return strings.Contains(reason, "didn't contain changes") || strings.Contains(reason, "No updates are to be performed")
}

// describe writes the diff.
func (d Deployer) describe(ctx context.Context, p *Deployment, stack Stack, r Request, set ChangeSet, values map[string]string) error {
	notes := p.Diff.Notes
	if p.ChangeSet != "" {
		p.Diff = makeDiff(set.Changes, r.Template, stack.Parameters, values)
	}
	p.Diff.Notes = notes
	if p.Step != StepUpdate {
		return nil
	}
	running, err := d.Stacks.Template(ctx, p.Stack)
	switch hash := stack.Tags[TagTemplate]; {
	case errors.Is(err, fleet.ErrDenied):
		p.Diff.Notes = append(p.Diff.Notes, "whether the template was edited by hand is not known: "+err.Error())
	case err != nil:
		return err
	case hash != "" && hash != TemplateHash(running):
		p.Diff.Notes = append(p.Diff.Notes, "the template was edited by hand since the last deployment; this deployment takes the edits back")
	}
	if stack.Drift == "DRIFTED" {
		p.Diff.Notes = append(p.Diff.Notes, fmt.Sprintf("resources were changed by hand: `aws cloudformation describe-stack-resource-drifts --stack-name %s` shows them; what this deployment does not touch stays as it is", p.Stack))
	}
	if was := stack.Tags[TagVersion]; Older(r.Binary.Version, was) {
		p.Diff.Notes = append(p.Diff.Notes, fmt.Sprintf("%s replaces the newer %s", r.Binary.Version, was))
	}
	return d.configChanges(ctx, p, stack, r)
}

// configChanges compares the files of the configuration with those that run.
func (d Deployer) configChanges(ctx context.Context, p *Deployment, stack Stack, r Request) error {
	if p.ChangeSet == "" || stack.Parameters["Config"] == p.Parameters["Config"] {
		return nil
	}
	old := map[string][]byte{}
	bucket, key, ok := strings.Cut(strings.TrimPrefix(stack.Parameters["Config"], "s3://"), "/")
	if prefix, isConfig := strings.CutSuffix(key, ConfigFile); ok && isConfig && bucket == p.Bucket {
		objects, err := d.Artifacts.List(ctx, bucket, prefix)
		if err != nil && !errors.Is(err, fleet.ErrNotFound) {
			return err
		}
		for _, o := range objects {
			if old[strings.TrimPrefix(o.Key, prefix)], err = d.Artifacts.Get(ctx, bucket, o.Key); err != nil {
				return err
			}
		}
	}
	p.Diff.Files = fileChanges(old, r.Config)
	return nil
}
