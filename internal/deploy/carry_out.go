package deploy

import (
	"context"
	"errors"
	"fmt"
	"path"
	"slices"
	"time"

	"nightshift/internal/fleet"
)

// Result is how an operation on a stack ended.
type Result struct {
	Stack    string            `json:"stack"`
	Status   Status            `json:"status"`
	Outputs  map[string]string `json:"outputs,omitempty"`
	Uploaded int64             `json:"uploaded_bytes"`
	Events   []Event           `json:"events,omitempty"` // the oldest first
	// Unprotected is why termination protection is not as it was asked for.
	Unprotected string `json:"unprotected,omitempty"`
	// Warnings are what went wrong without making it fail.
	Warnings []string `json:"warnings,omitempty"`
}

// Detached is the error of an operation that goes on in AWS while nobody follows
// it.
type Detached struct {
	Stack string
	Cause error
}

// Error says what to do.
func (e *Detached) Error() string {
	return fmt.Sprintf("%v; the operation goes on in AWS: `nightshift deploy --stack %s` follows it, `--status` shows where it is", e.Cause, e.Stack)
}

// Unwrap gives the cause.
func (e *Detached) Unwrap() error { return e.Cause }

// lateTime is how long something may take that must be done although the caller
// has given up.
const lateTime = 30 * time.Second

// late gives a context for what must be done although the caller has given up.
func late(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(ctx), lateTime)
}

// Discard removes what Plan made: the change set, and the stack where it is
// nothing but a name. An empty stack that was there before stays, unless it says
// that it is ours: somebody else may be about to fill it.
func (d Deployer) Discard(ctx context.Context, p Deployment) error {
	if p.ChangeSet == "" {
		return nil
	}
	if err := d.Stacks.DeleteChangeSet(ctx, p.Stack, p.ChangeSet); err != nil && !errors.Is(err, fleet.ErrNotFound) {
		return fmt.Errorf("the change set %s of the stack %s is left: %w", p.ChangeSet, p.Stack, err)
	}
	if p.Step == StepUpdate {
		return nil
	}
	stack, err := d.Stacks.Stack(ctx, p.Stack)
	if errors.Is(err, fleet.ErrNotFound) || err == nil && (stack.Status != ReviewInProgress || !p.made(stack)) {
		return nil
	}
	others, errSets := d.Stacks.ChangeSets(ctx, p.Stack)
	resources, errResources := d.Stacks.Resources(ctx, p.Stack)
	others = slices.DeleteFunc(others, func(name string) bool { return name == p.ChangeSet })
	if err = errors.Join(err, errSets, errResources); err == nil && (len(others) > 0 || len(resources) > 0) {
		return nil // somebody else is at it
	}
	if err == nil {
		err = d.Stacks.Delete(ctx, p.Stack, p.Role, d.NewID())
	}
	if err != nil {
		return fmt.Errorf("the empty stack %s is left; the next deployment goes on with it: %w", p.Stack, err)
	}
	return nil
}

// made reports whether a stack that is nothing but a name is there because of the
// plan, or of an earlier one of ours.
func (d Deployment) made(s Stack) bool {
	if d.Step == StepCreate && (d.StackID == "" || d.StackID == s.ID) { // there was none when it was planned
		return true
	}
	return s.ours()
}

// discardLate is Discard for a caller that may have given up.
func (d Deployer) discardLate(ctx context.Context, p Deployment) error {
	ctx, cancel := late(ctx)
	defer cancel()
	return d.Discard(ctx, p)
}

// Deploy stores code and configuration, executes the change set and follows it to
// its end. The program is that of the binary; without [Deployment.NewCode] it may be
// nil. Where it is interrupted before the change set is executed the
// change set is removed; afterwards the error is a [Detached].
func (d Deployer) Deploy(ctx context.Context, p Deployment, program []byte) (Result, error) {
	result := Result{Stack: p.Stack, Status: p.Status}
	switch {
	case p.ChangeSet == "" && p.ChangesProtection():
		return result, d.Stacks.Protect(ctx, p.Stack, *p.Protect)
	case p.ChangeSet == "":
		return result, fleet.Errorf(fleet.ErrInvalid, "the plan has no change set; plan again")
	}
	if err := d.store(ctx, &result, p, program); err != nil {
		return result, errors.Join(err, d.discardLate(ctx, p))
	}
	token := p.ChangeSet
	executing, cancel := late(ctx)
	err := d.Stacks.Execute(executing, p.Stack, p.ChangeSet, token)
	cancel()
	if err != nil {
		if errors.Is(err, fleet.ErrNotFound) || errors.Is(err, fleet.ErrConflict) {
			err = fmt.Errorf("the stack %s was changed by somebody else meanwhile; deploy again: %w", p.Stack, err)
		}
		return result, errors.Join(err, d.discardLate(ctx, p))
	}
	stack, err := d.follow(ctx, Stack{ID: p.StackID, Name: p.Stack}, token)
	result.Status, result.Outputs, result.Events = stack.Status, stack.Outputs, stack.events
	if err != nil {
		return result, err
	}
	if !stack.Status.Succeeded() {
		return result, CauseError(stack.Stack, stack.events)
	}
	d.afterwards(ctx, &result, p)
	return result, nil
}

// store makes the bucket and uploads what is missing.
func (d Deployer) store(ctx context.Context, result *Result, p Deployment, program []byte) error {
	if p.NewCode() && Hash(program) != p.Binary.SHA256 {
		return fleet.Errorf(fleet.ErrConflict, "%s is not the program any more that was planned; deploy again", p.Binary.Path)
	}
	if p.NewBucket {
		if err := d.Artifacts.Create(ctx, p.Bucket); err != nil {
			return err
		}
	}
	for _, u := range p.Uploads {
		body, contentType := u.Content, "application/octet-stream"
		if u.Code {
			var err error
			if body, err = Zip(program); err != nil {
				return err
			}
			contentType = "application/zip"
		} else if path.Ext(u.Key) == ".yaml" {
			contentType = "application/yaml"
		}
		if err := d.Artifacts.Put(ctx, p.Bucket, u.Key, contentType, body); err != nil {
			return err
		}
		result.Uploaded += int64(len(body))
	}
	return nil
}

// afterwards does what belongs to a deployment and does not undo it where it
// fails.
func (d Deployer) afterwards(ctx context.Context, result *Result, p Deployment) {
	warn := func(what string, err error) {
		if err != nil {
			result.Warnings = append(result.Warnings, fmt.Sprintf("%s: %v", what, err))
		}
	}
	if p.ChangesProtection() {
		if err := d.Stacks.Protect(ctx, p.Stack, *p.Protect); err != nil {
			result.Unprotected = err.Error()
		}
	}
	objects, err := d.Artifacts.List(ctx, p.Bucket, p.Stack+"/")
	warn("old archives and configurations are left", err)
	inUse := append(parameterKeys(p.Parameters), p.Previous...)
	for _, o := range Surplus(p.Stack, objects, inUse, Keep) {
		if err := d.Artifacts.Remove(ctx, p.Bucket, o.Key); err != nil {
			warn("old archives and configurations are left", err)
			return
		}
	}
}

// followed is a stack whose operation has ended, with its events, the oldest
// first.
type followed struct {
	Stack

	events []Event
}

// The pace at which an operation is followed, and how many times in a row AWS
// may not answer.
const (
	followPause = 2 * time.Second
	maxSilent   = 5
	waitsEvery  = time.Minute
)

// follow waits until the operation on a stack has ended and lets its events be
// heard. With an empty token it is the newest operation.
func (d Deployer) follow(ctx context.Context, stack Stack, token string) (followed, error) {
	f := followed{Stack: stack}
	seen := map[string]bool{}
	name := stack.ID // by its name a deleted stack is not there
	if name == "" {
		name = stack.Name
	}
	var waited, next time.Duration
	for silent := 0; ; waited += followPause {
		now, err := d.Stacks.Stack(ctx, name)
		if err == nil {
			if token == "" && waited >= next && !now.Status.Settled() && d.Waits != nil {
				d.Waits(now, waited)
				next = waited + waitsEvery
			}
			var events []Event
			if events, err = d.Stacks.Events(ctx, name, func(e Event) bool { return seen[e.ID] || begins(e) && (token == "" || e.Token == token) }); err == nil {
				f.hear(d, events, seen, token)
			}
		}
		switch {
		case errors.Is(err, fleet.ErrNotFound) && stack.Status == "DELETE_IN_PROGRESS":
			f.Status = DeleteComplete
			return f, nil
		case err == nil && now.Status.Settled() && (token == "" || f.begun(token)):
			f.Stack = now
			return f, nil
		case err == nil:
			silent = 0
		case errors.Is(err, fleet.ErrThrottled) || errors.Is(err, fleet.ErrUnavailable):
			if silent++; silent >= maxSilent {
				return f, &Detached{stack.Name, err}
			}
		default:
			return f, &Detached{stack.Name, err}
		}
		if err := d.Stacks.Pause(ctx, followPause); err != nil {
			return f, &Detached{stack.Name, err}
		}
	}
}

// begun reports whether the operation of a token has been seen.
func (f *followed) begun(token string) bool {
	return slices.ContainsFunc(f.events, func(e Event) bool { return e.Token == token })
}

// hear adds the events that are new, the oldest first.
func (f *followed) hear(d Deployer, newest []Event, seen map[string]bool, token string) {
	if token == "" {
		newest = latest(newest)
	}
	for _, e := range slices.Backward(newest) {
		if seen[e.ID] || token != "" && e.Token != token {
			continue
		}
		seen[e.ID] = true
		f.events = append(f.events, e)
		if d.Heard != nil {
			d.Heard(e)
		}
	}
}
