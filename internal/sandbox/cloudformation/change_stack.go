package cloudformation

import (
	"slices"
	"strings"

	"nightshift/internal/sandbox/wire"
)

// findStack finds the stack that a request names, and asks the caller's policy.
func (c *formation) findStack() (*stack, *wire.Error) {
	name := c.Params.Text("StackName")
	s := c.stacks.find(name)
	if err := c.authorizeStack(s); err != nil {
		return nil, err
	}
	if s == nil {
		return nil, errAbsent(name)
	}
	return s, nil
}

func (c *formation) deleteStack() *wire.Error {
	p := c.Params
	s, err := c.findStack()
	retained := p.Texts("RetainResources.member")
	switch {
	case s == nil && err.Code == "ValidationError": // there is none, as is wanted
		return nil
	case err != nil:
		return err
	case s.protected:
		return wire.ValidationError("Stack [" + s.name + "] cannot be deleted while TerminationProtection is enabled")
	case s.status == "DELETE_IN_PROGRESS" || s.status == "DELETE_COMPLETE":
		return nil
	case strings.HasSuffix(s.status, "_IN_PROGRESS") && s.status != "REVIEW_IN_PROGRESS":
		return wire.ValidationError("Stack:" + s.id + " is in " + s.status + " state and can not be deleted.")
	case len(retained) > 0 && s.status != "DELETE_FAILED":
		return wire.ValidationError("Invalid operation on stack [" + s.id + "]. When you delete a stack, you can only specify which resources to retain when the stack is in the DELETE_FAILED state.")
	}
	role := p.Text("RoleARN")
	if role == "" {
		role = s.role
	}
	who, err := c.actor(role)
	if err != nil {
		return err
	}
	s.changeSets, s.stuck = nil, nil
	s.operation = &operation{token: p.Text("ClientRequestToken"), who: who, draw: c.Draw, at: c.Now}
	s.happened(nil, c.Now, "DELETE_IN_PROGRESS", "User Initiated")
	left := slices.DeleteFunc(slices.Clone(s.resources), func(r *record) bool {
		return r.status == "DELETE_COMPLETE" || r.status == "DELETE_SKIPPED"
	})
	s.operation.steps = s.deletions(left, func(r *record) bool {
		return r.physical != "" && r.deletion != "Delete" || slices.Contains(retained, r.id)
	})
	return nil
}

func (c *formation) continueUpdateRollback() *wire.Error {
	p := c.Params
	s, err := c.findStack()
	switch {
	case err != nil:
		return err
	case s.status != "UPDATE_ROLLBACK_FAILED":
		return wire.ValidationError("Stack:" + s.id + " is in " + s.status + " state and can not continue rollback.")
	}
	skip := p.Texts("ResourcesToSkip.member")
	for _, id := range skip {
		if r := s.record(id); r == nil || r.status != "UPDATE_FAILED" {
			return wire.ValidationError("Resources [" + id + "] not in UPDATE_FAILED state cannot be skipped")
		}
	}
	role := p.Text("RoleARN")
	if role == "" {
		role = s.role
	}
	who, err := c.actor(role)
	if err != nil {
		return err
	}
	op := s.stuck
	s.operation, s.stuck = op, nil
	op.token, op.who, op.draw, op.at = p.Text("ClientRequestToken"), who, c.Draw, c.Now
	s.happened(nil, c.Now, "UPDATE_ROLLBACK_IN_PROGRESS", "User Initiated")
	var left []*step
	for _, one := range op.steps {
		switch {
		case one.over && !one.failed && !one.until.IsZero():
		case slices.Contains(skip, one.record.id):
			s.happened(one.record, c.Now, "UPDATE_COMPLETE", "Resource update skipped")
		default:
			left = append(left, &step{verb: one.verb, record: one.record, fixed: one.fixed, needs: one.needs})
		}
	}
	op.steps = left
	return nil
}

func (c *formation) updateTerminationProtection() *wire.Error {
	s, err := c.findStack()
	if err != nil {
		return err
	}
	if s.status == "DELETE_IN_PROGRESS" || s.status == "DELETE_COMPLETE" {
		return wire.ValidationError("Stack [" + s.name + "] is in " + s.status + " state, TerminationProtection cannot be updated")
	}
	s.protected = c.Params.Flag("EnableTerminationProtection")
	c.Out.Text("StackId", s.id)
	return nil
}
