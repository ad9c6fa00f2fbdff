package backup

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"nightshift/internal/fleet"
)

// Prepare reads all and makes a plan of it. With whom snapshots are shared is asked for
// those alone that the plan would delete. The inventory has what the plan was made from.
func Prepare(ctx context.Context, ports Ports, settings Settings, options Options) (Plan, Inventory, error) {
	inv, err := ports.Read(ctx)
	if err != nil {
		return Plan{}, Inventory{}, err
	}
	plan := ShareAsked(ctx, ports, &inv, func(inv Inventory) Plan { return MakePlan(inv, settings, options) })
	return plan, inv, nil
}

// ShareAsked makes a plan, asks with whom everything that it deletes is shared, and makes
// it again where something is. Where that cannot be read, the listing is in Unread, and
// nothing is deleted.
func ShareAsked(ctx context.Context, copies Copies, inv *Inventory, makePlan func(Inventory) Plan) Plan {
	inv.Shared = nil
	plan := makePlan(*inv)
	shared, some := map[fleet.SnapshotID][]string{}, false
	for _, id := range plan.Candidates() {
		with, err := copies.SharedWith(ctx, id)
		if err != nil && !errors.Is(err, fleet.ErrNotFound) {
			inv.unread(PartShared, err)
			return makePlan(*inv)
		}
		shared[id], some = with, some || len(with) > 0
	}
	if len(shared) > 0 {
		inv.Shared = shared
	}
	if !some {
		return plan // it would be the same again
	}
	return makePlan(*inv)
}

func (i *Inventory) unread(part Part, err error) {
	if i.Unread == nil {
		i.Unread = map[Part]error{}
	}
	i.Unread[part] = err
}

// remove marks and deletes what the plan says, as far as a plan that is made now says the
// same.
func (r *applying) remove(ctx context.Context) {
	todo := r.listed()
	if len(todo) == 0 {
		return
	}
	if r.closed(ctx) {
		r.deferAll(todo, notTried())
		return
	}
	now, _, err := Prepare(ctx, r.ports, r.o.Settings, r.o.Options)
	if err != nil {
		result, why := failure(err)
		for _, v := range todo {
			r.end(outcomeOf(v, result, why))
		}
		return
	}
	todo = r.still(todo, now)
	if r.closed(ctx) { // reading again takes long
		r.deferAll(todo, notTried())
		return
	}
	r.unmark(ctx, &todo)
	todo = r.mark(ctx, todo)
	for _, v := range todo {
		switch {
		case v.Mark():
			o := outcomeOf(v, fleet.Done, fleet.Reason{})
			o.At = r.o.Now()
			r.end(o)
		case r.closed(ctx):
			r.end(outcomeOf(v, fleet.Deferred, notTried()))
		default:
			r.delete(ctx, v, survivor(now, v.Set.Chain))
		}
	}
}

// listed are the sets that the plan acts on: half-deleted ones first, then the oldest.
func (r *applying) listed() []Verdict {
	var list []Verdict
	for n := range r.plan.Deletes {
		if v := &r.plan.Deletes[n]; !v.Keep || v.Mark() && r.o.Options.Unattended || v.Unmark {
			list = append(list, *v)
		}
	}
	begun := func(v *Verdict) int {
		if v.Set.State == SetDeleting && !v.Set.whole() {
			return 0
		}
		return 1
	}
	slices.SortStableFunc(list, func(a, b Verdict) int {
		return cmp.Or(cmp.Compare(begun(&a), begun(&b)), a.Set.Data.Compare(b.Set.Data))
	})
	return list
}

func (r *applying) deferAll(list []Verdict, why fleet.Reason) {
	for _, v := range list {
		r.end(outcomeOf(v, fleet.Deferred, why))
	}
}

func outcomeOf(v Verdict, result fleet.Result, why fleet.Reason) Outcome {
	o := Outcome{Chain: v.Set.Chain, Set: v.Set.ID, Action: DidDelete, Result: result, Reason: why}
	switch {
	case v.Unmark:
		o.Action = DidUnmark
	case v.Mark():
		o.Action = DidMark
	}
	if result == fleet.Done {
		for n := range v.Set.Members {
			o.Snapshots = append(o.Snapshots, v.Set.Members[n].ID)
		}
	}
	return o
}

// still leaves what a plan of now acts on in the same way, with the members that are
// there now. The others are ended.
func (r *applying) still(todo []Verdict, now Plan) []Verdict {
	byMember := map[fleet.SnapshotID]*Verdict{}
	for n := range now.Deletes {
		for m := range now.Deletes[n].Set.Members {
			byMember[now.Deletes[n].Set.Members[m].ID] = &now.Deletes[n]
		}
	}
	var same []Verdict
	for _, v := range todo {
		listed := map[fleet.SnapshotID]bool{}
		var fresh *Verdict
		for n := range v.Set.Members {
			id := v.Set.Members[n].ID
			listed[id] = true
			if fresh == nil {
				fresh = byMember[id]
			}
		}
		switch {
		case fresh == nil && !v.Unmark && !v.Mark():
			r.end(outcomeOf(v, fleet.Done, reason("gone", "is gone already")))
		case fresh == nil:
			r.end(outcomeOf(v, fleet.Skipped, reason("gone", "is gone")))
		case slices.ContainsFunc(fresh.Set.Members, func(s fleet.Snapshot) bool { return !listed[s.ID] }),
			fresh.Keep != v.Keep, fresh.Changed != v.Changed, fresh.Orphan != v.Orphan, fresh.Mark() != v.Mark(), fresh.Unmark != v.Unmark:
			r.end(outcomeOf(v, fleet.Skipped, changedReason(fresh)))
		default:
			same = append(same, *fresh)
		}
	}
	return same
}

func changedReason(now *Verdict) fleet.Reason {
	if now.Guard != "" {
		return reason(string(now.Guard), "%s", now.Why)
	}
	return reason("changed", "the plan says otherwise by now; plan again")
}

// unmark takes back the marks of sets that would be kept today, and takes them from the
// list.
func (r *applying) unmark(ctx context.Context, list *[]Verdict) {
	*list = slices.DeleteFunc(*list, func(v Verdict) bool {
		if !v.Unmark {
			return false
		}
		if r.closed(ctx) {
			r.end(outcomeOf(v, fleet.Deferred, notTried()))
			return true
		}
		o := outcomeOf(v, fleet.Done, fleet.Reason{})
		if err := r.ports.UntagCopies(ctx, o.Snapshots, []string{TagDeleting}); err != nil {
			o.Snapshots = nil
			o.Result, o.Reason = failure(err)
		} else {
			o.At = r.o.Now()
		}
		r.end(o)
		return true
	})
}

// markTogether is how many sets are marked in one request.
const markTogether = 50

// mark marks every member of every set before anything is deleted, so that a set that is
// deleted in part is known as such. Those that cannot be marked are ended.
func (r *applying) mark(ctx context.Context, list []Verdict) []Verdict {
	var marked []Verdict
	for some := range slices.Chunk(list, markTogether) {
		if r.closed(ctx) {
			r.deferAll(some, notTried())
			continue
		}
		err := r.tag(ctx, some)
		if err == nil {
			marked = append(marked, some...)
			continue
		}
		for _, v := range some { // one of them is refused, and EC2 refuses all
			if err := r.tag(ctx, []Verdict{v}); err != nil {
				result, why := failure(err)
				r.end(outcomeOf(v, result, why))
				continue
			}
			marked = append(marked, v)
		}
	}
	return marked
}

func (r *applying) tag(ctx context.Context, list []Verdict) error {
	var ids []fleet.SnapshotID
	for _, v := range list {
		for _, s := range v.Set.Members {
			if earliest(time.Time{}, s.Tags[TagDeleting]).IsZero() { // one that cannot be read never gets old enough
				ids = append(ids, s.ID)
			}
		}
	}
	if len(ids) == 0 {
		return nil
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return r.ports.TagCopies(ctx, ids, fleet.Tags{TagDeleting: r.o.Now().UTC().Format(time.RFC3339)})
}

// survivor is the newest good set of a chain that stays; nil where there is none.
func survivor(p Plan, c Chain) *Set {
	for n := range p.Deletes {
		if v := &p.Deletes[n]; v.Set.Chain == c && v.Keep && v.Set.Good() {
			return &v.Set
		}
	}
	return nil
}

// delete deletes a set member by member. Before each what is left of the set is read again,
// together with what stays of the chain: without that nothing of it goes.
func (r *applying) delete(ctx context.Context, v Verdict, stays *Set) {
	o := outcomeOf(v, fleet.Done, fleet.Reason{})
	members := o.Snapshots
	o.Snapshots = nil
	for n, id := range members {
		if r.closed(ctx) {
			o.Result, o.Reason = fleet.Deferred, notTried()
			break
		}
		there, err := r.check(ctx, v, members[n:], stays)
		if err == nil && there {
			err = r.ports.DeleteCopy(ctx, id)
		}
		if err != nil {
			o.Result, o.Reason = failure(err)
			if why, changed := errors.AsType[*changedError](err); changed {
				o.Result, o.Reason = fleet.Skipped, why.reason
			}
			break
		}
		if there {
			o.At = r.o.Now()
			o.Snapshots = append(o.Snapshots, id)
		}
	}
	if n := len(o.Snapshots); o.Result != fleet.Done && n > 0 {
		o.Text = fmt.Sprintf("%d of %d members are deleted: %s", n, len(members), o.Text)
	}
	r.end(o)
}

// changedError is that what is to be deleted is not what the plan has seen.
type changedError struct{ reason fleet.Reason }

func (e *changedError) Error() string { return e.reason.Text }

// check reads what is left of a set again, so that what has happened to any member keeps all
// that are there; there is false where the first of them is gone.
func (r *applying) check(ctx context.Context, v Verdict, left []fleet.SnapshotID, stays *Set) (there bool, err error) {
	ids := slices.Clone(left)
	if stays != nil {
		for n := range stays.Members {
			ids = append(ids, stays.Members[n].ID)
		}
	}
	found, err := r.ports.ReadCopies(ctx, ids)
	if err != nil {
		return false, err
	}
	good := 0
	for n := range found {
		switch s := &found[n]; {
		case slices.Contains(left, s.ID):
			there = there || s.ID == left[0]
			if why := r.changed(v, s); why != (fleet.Reason{}) {
				return false, &changedError{why}
			}
		case s.State == stateCompleted && s.Tags[TagDeleting] == "":
			good++
		}
	}
	if stays != nil && good < len(stays.Members) {
		return false, &changedError{reason(string(GuardLastGood), "the copy of %s, which was to stay, is not there any more", stays.Data.Format(time.RFC3339))}
	}
	return there, nil
}

// changed says what has happened to a member since the plan was made.
func (r *applying) changed(v Verdict, s *fleet.Snapshot) fleet.Reason {
	copied, ours, _ := Identify(*s, r.o.Now())
	if !ours || copied.Set != v.Set.ID {
		return reason("changed", "%s is not the copy any more that the plan has seen", s.ID)
	}
	if why, held := s.Tags[TagHold]; held {
		return reason(string(GuardHold), "%s is held: %q", s.ID, why)
	}
	// A mark of this run may not be visible yet.
	marked := func(m fleet.Snapshot) bool { return m.ID == s.ID && m.Tags[TagDeleting] != "" }
	if _, still := s.Tags[TagDeleting]; !still && slices.ContainsFunc(v.Set.Members, marked) {
		return reason("unmarked", "the mark of %s was taken back", s.ID)
	}
	return fleet.Reason{}
}
