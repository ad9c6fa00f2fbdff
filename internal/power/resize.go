package power

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"nightshift/internal/fleet"
)

// typesOf are the instance types in which a step's machine may run, the preferred
// one first; empty where its rule or its tag names none. The tag holds at most
// 256 characters.
func typesOf(s Step) []fleet.InstanceType {
	if !s.ChangeType {
		return nil
	}
	return fleet.ParseTypes(s.Machine.Tags[fleet.TagTypes])
}

// startResized starts those of a batch one by one that may change their type
// and do not have the preferred one: left over from an earlier lack of
// capacity, perhaps by a run that was killed. It returns the others.
func (r *run) startResized(ctx context.Context, batch []Step) []Step {
	if batch[0].Action != Start || r.clients.Resizer == nil || batch[0].Machine.Kind != fleet.KindInstance {
		return batch
	}
	var plain []Step
	for _, s := range batch {
		types := typesOf(s)
		n, failed := slices.Index(types, s.Machine.Type), s.Machine.Cause == fleet.CauseCapacity
		if n < 0 || n == 0 && !failed { // a type that the tag does not name was given by people
			plain = append(plain, s)
			continue
		}
		if failed {
			types = append(slices.Clone(types[n+1:]), types[:n+1]...)
		}
		r.startAs(ctx, s, types)
	}
	return plain
}

// startAsOther tries the other types that the machine's tag allows, after its own
// was refused for lack of capacity. It reports whether the machine is dealt
// with.
func (r *run) startAsOther(ctx context.Context, s Step) bool {
	types := typesOf(s)
	if s.Action != Start || r.clients.Resizer == nil || len(types) < 2 {
		return false
	}
	tried := append(r.tried[keyOf(s.Machine)], s.Machine.Type)
	others := slices.DeleteFunc(slices.Clone(types), func(t fleet.InstanceType) bool { return slices.Contains(tried, t) })
	r.startAs(ctx, s, others)
	return true
}

// startAs tries one type after the other. Where none can be had it gives the
// machine its preferred type back; a run that is killed in between leaves a
// machine that the next one finds and takes up again.
func (r *run) startAs(ctx context.Context, s Step, types []fleet.InstanceType) {
	id, has, preferred := s.Machine.ID, s.Machine.Type, typesOf(s)[0]
	result, reason := fleet.Failed, fleet.Reason{Code: "no-capacity", Text: "no capacity for any of the types in its tag " + fleet.TagTypes}
	var wrong []string
	for _, t := range types {
		if r.closed(ctx) {
			result, reason = fleet.Deferred, notTried()
			break
		}
		if t != has {
			err := r.clients.Resizer.Resize(ctx, id, t)
			if err != nil && !r.goesOn(err) {
				r.settle(s, fleet.Failed, reasonOf(fmt.Errorf("change its type to %s: %w", t, err)), s.Machine.State)
				return
			}
			if err != nil {
				wrong = append(wrong, fmt.Sprintf("its tag %s names %s, which it cannot be (%s)", fleet.TagTypes, t, said(err)))
				if t == preferred {
					preferred = has // there is nothing to give back
				}
				continue
			}
			has = t
		}
		r.tried[keyOf(s.Machine)] = append(r.tried[keyOf(s.Machine)], t)
		err := r.clients.Machines[s.Machine.Kind].Start(ctx, []fleet.ResourceID{id})
		if err == nil {
			s.Machine.Type = t
			if first := typesOf(s)[0]; t != first {
				r.notes[keyOf(s.Machine)] = fleet.Reason{Code: "other-type", Text: fmt.Sprintf("started as %s: there is no capacity for %s", t, first)}
			}
			if len(wrong) > 0 {
				r.notes[keyOf(s.Machine)] = fleet.Reason{Code: "bad-types", Text: fmt.Sprintf("started as %s: %s", t, strings.Join(wrong, "; "))}
			}
			r.accept(s)
			return
		}
		if errors.Is(err, fleet.ErrNoTime) {
			result, reason = fleet.Deferred, notTried()
			break
		}
		if !r.goesOn(err) {
			reason = reasonOf(err)
			break
		}
	}
	if reason.Code == "no-capacity" && len(wrong) > 0 {
		reason = fleet.Reason{Code: "bad-types", Text: strings.Join(wrong, "; ") + ", and there is no other in which it could be started"}
	}
	r.settle(s, result, r.restore(ctx, id, has, preferred, reason), s.Machine.State)
}

// goesOn reports whether another type may help.
func (r *run) goesOn(err error) bool {
	return errors.Is(err, fleet.ErrCapacity) || errors.Is(err, fleet.ErrUnsupported) || errors.Is(err, fleet.ErrInvalid)
}

// restore gives a machine that could not be started its preferred type back.
func (r *run) restore(ctx context.Context, id fleet.ResourceID, has, preferred fleet.InstanceType, why fleet.Reason) fleet.Reason {
	if has == preferred {
		return why
	}
	if err := r.clients.Resizer.Resize(ctx, id, preferred); err != nil {
		why.Text += fmt.Sprintf("; it has the type %s until the next start gives it %s back (%s)", has, preferred, said(err))
	}
	return why
}
