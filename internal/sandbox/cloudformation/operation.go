package cloudformation

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"nightshift/internal/sandbox/service"
	"nightshift/internal/sandbox/state"
	"nightshift/internal/sandbox/wire"
)

// operation is what is under way in a stack. The stack's status says which part
// of it: first its resources are made, updated or deleted, then what was
// replaced is deleted, or everything is taken back.
type operation struct {
	token        string
	who          state.Principal // makes the changes
	retainExcept bool            // RetainExceptOnCreate
	set          *changeSet
	draw         func(operation string, named func(service.Hit) bool) []service.Hit
	at           time.Time // up to where it has come
	steps        []*step
	failed       []string           // resources that failed, in this part
	before       map[*record]record // what there was, as it was
	garbage      []*record          // to be deleted at the end
}

// step is what an operation does to one resource.
type step struct {
	verb   string // CREATE, UPDATE or DELETE
	record *record
	to     resource  // for CREATE and UPDATE
	fixed  *record   // the record to go back to; nil: to is evaluated
	needs  []string  // resources whose steps come first
	until  time.Time // when it ends; zero before it begins
	hits   []service.Hit
	over   bool
	failed bool
}

// begin starts what a change set says.
func (s *stack) begin(set *changeSet, now time.Time) {
	op := s.operation
	op.at, op.before = now, map[*record]record{}
	for _, r := range s.resources {
		op.before[r] = *r
	}
	s.previous, s.plan = s.plan, set.plan
	if s.status == "REVIEW_IN_PROGRESS" {
		s.happened(nil, now, "CREATE_IN_PROGRESS", "User Initiated")
	} else {
		s.updated = now
		s.happened(nil, now, "UPDATE_IN_PROGRESS", "User Initiated")
	}
	list, _ := s.included(s.plan) // it could be when the change set was made
	in := s.scope(s.plan, s.known)
	for _, r := range list {
		at := slices.IndexFunc(set.changes, func(c change) bool { return c.id == r.id })
		if at < 0 {
			continue
		}
		one := &step{verb: "UPDATE", to: r, needs: needs(r, in), record: s.record(r.id)}
		if c := set.changes[at]; c.action == "Add" || c.replacement {
			one.verb = "CREATE"
			if old := one.record; old != nil {
				s.resources = slices.DeleteFunc(s.resources, func(r *record) bool { return r == old })
				op.discard(old)
			}
			one.record = &record{resource: r}
			s.resources = append(s.resources, one.record)
		}
		op.steps = append(op.steps, one)
	}
	for _, c := range set.changes {
		if c.action == "Remove" {
			op.discard(s.record(c.id))
		}
	}
}

// discard has a resource deleted when the update has succeeded.
func (op *operation) discard(r *record) {
	if r.physical != "" {
		op.garbage = append(op.garbage, r)
	}
}

// settle brings a stack to where it is by now.
func (s *stack) settle(now time.Time) {
	for s.operation != nil {
		op := s.operation
		s.start()
		var next *step
		for _, one := range op.steps {
			if !one.over && !one.until.IsZero() && (next == nil || one.until.Before(next.until)) {
				next = one
			}
		}
		switch {
		case next == nil:
			s.finish()
		case next.until.After(now):
			return
		default:
			op.at = next.until
			s.complete(next)
		}
	}
}

// start begins the steps that wait for nothing any more.
func (s *stack) start() {
	op := s.operation
	for again := true; again; {
		again = false
		for _, one := range op.steps {
			if one.over || !one.until.IsZero() {
				continue
			}
			waits, lost := op.waits(one)
			if lost {
				one.over, again = true, true
			} else if !waits {
				s.startOne(one)
			}
		}
	}
}

// waits says whether a step waits for another one, or can never begin.
func (op *operation) waits(one *step) (waits, lost bool) {
	for _, other := range op.steps {
		if other == one || other.record == one.record || !slices.Contains(one.needs, other.record.id) {
			continue
		}
		waits = waits || !other.over
		lost = lost || other.failed
	}
	return waits, lost
}

func (s *stack) startOne(one *step) {
	op, r := s.operation, one.record
	s.happened(r, op.at, one.verb+"_IN_PROGRESS", "")
	takes := max(kinds()[r.kind].takes, 2*time.Second)
	if one.verb == "DELETE" {
		takes = 2 * time.Second
	}
	name := map[string]string{"CREATE": "CreateResource", "UPDATE": "UpdateResource", "DELETE": "DeleteResource"}[one.verb]
	if one.fixed != nil {
		name = "RollbackResource"
	}
	for _, hit := range op.draw(name, func(h service.Hit) bool { return h.Strikes(r.id, r.kind, "") }) {
		if hit.Kind == service.Slow {
			takes = hit.For
		} else {
			one.hits = append(one.hits, hit)
		}
	}
	one.until = op.at.Add(takes)
}

// complete ends a step, well or not.
func (s *stack) complete(one *step) {
	op, r := s.operation, one.record
	one.over = true
	reason := s.carryOut(one)
	if reason == "" {
		if one.verb == "DELETE" {
			s.happened(r, op.at, "DELETE_COMPLETE", "")
			s.forget(r)
			if strings.HasPrefix(r.kind, "AWS::IAM::") {
				_ = s.putRoles(r) // with less in them they fit as before
			}
			return
		}
		s.happened(r, op.at, one.verb+"_COMPLETE", "")
		return
	}
	one.failed = true
	op.failed = append(op.failed, r.id)
	s.happened(r, op.at, one.verb+"_FAILED", reason)
	if one.verb == "DELETE" {
		return
	}
	for _, other := range op.steps {
		if !other.over && !other.until.IsZero() {
			noun := "creation"
			if other.verb == "UPDATE" {
				noun = "update"
			}
			op.failed = append(op.failed, other.record.id)
			s.happened(other.record, op.at, other.verb+"_FAILED", "Resource "+noun+" cancelled")
			other.failed = true
		}
		other.over = true
	}
}

// forget drops a resource that is no longer the stack's. A deleted stack shows
// what it had.
func (s *stack) forget(r *record) {
	if s.status != "DELETE_IN_PROGRESS" {
		s.resources = slices.DeleteFunc(s.resources, func(other *record) bool { return other == r })
	}
}

// carryOut does what a step is for and says why it cannot.
func (s *stack) carryOut(one *step) string {
	r := one.record
	if len(one.hits) > 0 {
		return handlerMessage(r.kind, one.hits[0].Message, one.hits[0].Code)
	}
	if one.verb == "DELETE" {
		return s.remove(r)
	}
	if one.fixed != nil {
		was := *r
		*r = *one.fixed
		reason := s.deniedUpdate(&was, r)
		if reason == "" {
			reason = s.put(r)
		}
		if reason != "" {
			*r = was
		}
		return reason
	}
	resolved, err := s.scope(s.plan, s.known).resolve(one.to.properties)
	if err != nil {
		return err.Message
	}
	made, _ := resolved.(map[string]any)
	if one.verb == "CREATE" {
		return s.create(r, made)
	}
	return s.update(r, one.to, made)
}

// handlerMessage is how CloudFormation passes on the refusal of a service.
func handlerMessage(kind, message, code string) string {
	if code == "" {
		code = "GeneralServiceException"
	}
	if message == "" {
		message = "the sandbox was told to refuse it"
	}
	service, status := strings.Split(kind, "::")[1], 400
	if code == "AccessDenied" {
		status = 403
	}
	return fmt.Sprintf("Resource handler returned message: \"%s (Service: %s, Status Code: %d, Error Code: %s)\" (HandlerErrorCode: %s)", message, service, status, code, code)
}

// deletions are the steps that delete resources, each after those that refer to
// it. Those that are to stay are skipped.
func (s *stack) deletions(list []*record, stays func(*record) bool) []*step {
	var steps []*step
	for _, r := range list {
		if stays(r) {
			s.happened(r, s.operation.at, "DELETE_SKIPPED", "")
			s.forget(r)
			continue
		}
		steps = append(steps, &step{verb: "DELETE", record: r})
	}
	for _, one := range steps {
		for _, other := range steps {
			refers := slices.Contains(other.record.dependsOn, one.record.id)
			references(other.record.resource.properties, nil, func(name, _ string) { refers = refers || name == one.record.id })
			if refers && other.record.id != one.record.id {
				one.needs = append(one.needs, other.record.id)
			}
		}
	}
	return steps
}

// finish goes on to the next part of an operation, or ends it.
func (s *stack) finish() {
	op := s.operation
	failed, steps := op.failed, op.steps
	op.failed, op.steps = nil, nil
	list := "[" + strings.Join(failed, ", ") + "]. "
	ok := len(failed) == 0
	switch s.status {
	case "CREATE_IN_PROGRESS", "UPDATE_IN_PROGRESS":
		s.finishChange(ok, list, steps)
	case "UPDATE_ROLLBACK_IN_PROGRESS":
		if !ok {
			op.steps = steps
			s.end("UPDATE_ROLLBACK_FAILED", "The following resource(s) failed to update: "+list)
			return
		}
		s.happened(nil, op.at, "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS", "")
		op.steps = s.deletions(op.garbage, func(*record) bool { return false })
	case "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS":
		s.end("UPDATE_COMPLETE", "")
	case "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS":
		s.end("UPDATE_ROLLBACK_COMPLETE", "")
	case "ROLLBACK_IN_PROGRESS", "DELETE_IN_PROGRESS":
		status := strings.TrimSuffix(s.status, "IN_PROGRESS")
		if !ok {
			s.end(status+"FAILED", "The following resource(s) failed to delete: "+list)
			return
		}
		s.end(status+"COMPLETE", "")
	default:
		s.operation = nil
	}
}

// finishChange goes on when the resources of a change set are made, or one of
// them could not be.
func (s *stack) finishChange(ok bool, failed string, steps []*step) {
	op := s.operation
	verb := strings.TrimSuffix(s.status, "_IN_PROGRESS")
	word := strings.ToLower(verb)
	switch {
	case ok && verb == "CREATE":
		s.makeOutputs()
		s.end("CREATE_COMPLETE", "")
	case ok:
		s.makeOutputs()
		op.set.execution = "EXECUTE_COMPLETE"
		s.happened(nil, op.at, "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", "")
		op.steps = s.deletions(op.garbage, func(r *record) bool {
			if s.record(r.id) != r { // it was replaced
				return r.replacePolicy != "Delete"
			}
			return r.deletion != "Delete"
		})
	case s.disableRollback:
		s.end(verb+"_FAILED", "The following resource(s) failed to "+word+": "+failed)
	case verb == "CREATE":
		op.set.execution = "EXECUTE_FAILED"
		s.happened(nil, op.at, "ROLLBACK_IN_PROGRESS", "The following resource(s) failed to create: "+failed+"Rollback requested by user.")
		op.steps = s.deletions(s.resources, func(r *record) bool {
			return r.physical != "" && r.deletion == "Retain" && !op.retainExcept
		})
	default:
		op.set.execution = "EXECUTE_FAILED"
		s.happened(nil, op.at, "UPDATE_ROLLBACK_IN_PROGRESS", "The following resource(s) failed to update: "+failed)
		s.takeBack(steps)
	}
}

// takeBack plans the way back from an update that failed.
func (s *stack) takeBack(steps []*step) {
	op := s.operation
	s.plan = s.previous
	op.garbage, s.resources = nil, nil
	for r := range op.before {
		s.resources = append(s.resources, r)
	}
	slices.SortFunc(s.resources, func(a, b *record) int { return strings.Compare(a.id, b.id) })
	for _, one := range steps {
		was, had := op.before[one.record]
		switch {
		case one.until.IsZero(): // it never began
		case had:
			op.steps = append(op.steps, &step{verb: "UPDATE", record: one.record, fixed: &was, needs: one.needs})
		case one.record.physical != "" && !one.failed:
			op.garbage = append(op.garbage, one.record)
		}
	}
}

// end ends the operation.
func (s *stack) end(status, reason string) {
	op := s.operation
	s.happened(nil, op.at, status, reason)
	if op.set != nil && op.set.execution == "EXECUTE_IN_PROGRESS" {
		op.set.execution = "EXECUTE_COMPLETE"
		if strings.HasSuffix(status, "_FAILED") {
			op.set.execution = "EXECUTE_FAILED"
		}
	}
	if status == "DELETE_COMPLETE" {
		s.deleted = op.at
	}
	s.operation, s.stuck = nil, nil
	if status == "UPDATE_ROLLBACK_FAILED" {
		s.stuck = op
	}
}

// makeOutputs evaluates the outputs of the stack.
func (s *stack) makeOutputs() {
	in := s.scope(s.plan, s.known)
	s.outputs = nil
	for _, o := range s.template.outputs {
		holds := true
		if o.condition != "" {
			holds, _ = in.condition(o.condition) // checked with the change set
		}
		if !holds {
			continue
		}
		v, _ := in.resolve(o.value)
		s.outputs = append(s.outputs, outputValue{o.key, text(v), o.description})
	}
}

// updatable says whether the stack can be updated as it is.
func (s *stack) updatable() bool {
	return slices.Contains([]string{"CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_FAILED", "UPDATE_ROLLBACK_COMPLETE"}, s.status)
}

func (s *stack) notUpdatable() *wire.Error {
	return wire.ValidationError("Stack:" + s.id + " is in " + s.status + " state and can not be updated.")
}
