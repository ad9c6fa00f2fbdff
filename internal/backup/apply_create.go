package backup

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"nightshift/internal/fleet"
)

// deniedForAll is after how many refusals for lack of permission the others are taken for
// refused, too.
const deniedForAll = 20

// create makes the copies of the plan.
func (r *applying) create(ctx context.Context) {
	var due []*Create
	for n := range r.plan.Creates {
		if c := &r.plan.Creates[n]; c.Action == ActionCopy || c.Action == ActionRetry {
			due = append(due, c)
		}
	}
	if r.store != nil {
		var err error
		r.intents, err = readIntents(ctx, r.store, r.plan.Target, r.o.Now)
		if err == nil {
			err = r.lookUp(ctx)
		}
		if err != nil {
			result, why := failure(err)
			for _, c := range due {
				r.end(Outcome{Chain: Chain{c.Policy, c.Resource}, Action: DidCopy, Result: result, Reason: why})
			}
			return
		}
	}
	for _, c := range due {
		o := Outcome{Chain: Chain{c.Policy, c.Resource}, Action: DidCopy}
		switch {
		case r.closed(ctx):
			o.Result, o.Reason = fleet.Deferred, notTried()
		case r.hopeless != (fleet.Reason{}):
			o.Result, o.Reason = fleet.Deferred, r.hopeless
		default:
			r.copy(ctx, c, &o)
		}
		r.end(o)
	}
}

// lookUp finds out what has come of the copies that earlier runs have begun. What is not
// visible may be there all the same, until visibleWithin has passed.
func (r *applying) lookUp(ctx context.Context) error {
	var made, dropped []SetID
	for _, e := range r.intents.list {
		if e.Made {
			continue
		}
		chain, slot, members, single, ok := e.Set.Read()
		if !ok {
			dropped = append(dropped, e.Set)
			continue
		}
		found, err := r.find(ctx, chain, slot.UTC().Format(slotForm))
		switch {
		case err != nil: // it stays open, and nothing of the chain is copied
		case single && len(found) > 0 && len(found) < members:
			dropped = append(dropped, e.Set) // the others are made now
		case len(found) > 0:
			made = append(made, e.Set)
		case r.o.Now().Sub(e.At).Abs() >= visibleWithin:
			dropped = append(dropped, e.Set)
		}
	}
	return r.intents.settle(ctx, made, dropped)
}

// find lists the copies of a slot that are ours.
func (r *applying) find(ctx context.Context, c Chain, slot string) ([]fleet.Snapshot, error) {
	found, err := r.ports.FindCopies(ctx, TagSet, fmt.Sprintf("%s/%s/%s/", c.Policy, c.Resource, slot))
	if err != nil {
		return nil, err
	}
	now := r.o.Now()
	return slices.DeleteFunc(found, func(s fleet.Snapshot) bool {
		copied, ours, _ := Identify(s, now)
		return !ours || copied.Chain != c
	}), nil
}

// seen says whether the plan knew of a set.
func (r *applying) seen(id SetID) bool {
	return slices.ContainsFunc(r.o.Inventory.Snapshots, func(s fleet.Snapshot) bool { return s.Tags[TagSet] == string(id) })
}

// copy makes the copy of one resource: what is in error goes first, then the manifest and
// the intent are written.
func (r *applying) copy(ctx context.Context, c *Create, o *Outcome) {
	policy := r.policies[c.Policy]
	if policy == nil {
		o.Result, o.Reason = fleet.Skipped, reason("policy-gone", "policy %s is not in the configuration", c.Policy)
		return
	}
	o.Set = NewSetID(o.Chain, c.Slot, len(c.Volumes), c.Single)
	if r.intents != nil {
		if other, busy := r.intents.busy(o.Chain, c.Slot, r.seen); busy {
			o.Result, o.Reason = busyReason(other)
			return
		}
	}
	r.clear(ctx, c)
	if err := r.announce(ctx, policy, c, o); err != nil || o.Result != "" {
		if err != nil {
			o.Result, o.Reason = failure(err)
		}
		return
	}
	made, err := r.request(ctx, policy, c, o)
	if err == nil {
		r.made(made, o)
		r.settle(ctx, o, true)
		return
	}
	if !refused(err) {
		r.unclear(ctx, c, o, err)
		return
	}
	r.refusal(o, err)
	r.settle(ctx, o, len(o.Snapshots) > 0)
}

func busyReason(other intent) (fleet.Result, fleet.Reason) {
	if other.Made {
		return fleet.Skipped, reason("made", "was copied at %s by another run; EC2 may not show it yet", other.At.Format(clockForm))
	}
	return fleet.Deferred, reason("begun", "a copy was begun at %s, and is not visible; the next run looks again", other.At.Format(clockForm))
}

const clockForm = "15:04:05 UTC"

func (r *applying) made(made []fleet.Snapshot, o *Outcome) {
	o.Result, o.At, r.granted = fleet.Done, r.o.Now(), true
	for n := range made {
		o.Snapshots = append(o.Snapshots, made[n].ID)
	}
}

// clear deletes what is in error and occupies the place of another try. It needs nobody's
// approval: each is read again, and has to be ours and in error. Where it cannot be
// deleted, the copy is tried all the same.
func (r *applying) clear(ctx context.Context, c *Create) {
	if len(c.Failed) == 0 {
		return
	}
	found, err := r.ports.ReadCopies(ctx, c.Failed)
	if err != nil {
		r.note(fmt.Sprintf("%s: the copies in error cannot be read, and stay: %v", c.Resource, err))
		return
	}
	for _, s := range found {
		copied, ours, _ := Identify(s, r.o.Now())
		if !ours || s.State != stateError || copied.Chain != (Chain{c.Policy, c.Resource}) {
			continue
		}
		if _, held := s.Tags[TagHold]; held {
			continue
		}
		if err := r.ports.DeleteCopy(ctx, s.ID); err != nil {
			r.note(fmt.Sprintf("%s: %s is in error and cannot be deleted: %v", c.Resource, s.ID, err))
		}
	}
}

// announce writes the manifest and the intent. Where another run was faster, the outcome
// says so.
func (r *applying) announce(ctx context.Context, policy *Policy, c *Create, o *Outcome) error {
	if r.store == nil {
		return nil
	}
	body, err := r.estate.manifest(*policy, *c, r.o.Now()).Encode()
	if err == nil {
		err = r.store.Put(ctx, ManifestKey(o.Set), body)
	}
	if err != nil {
		return fmt.Errorf("write the manifest: %w", err)
	}
	by, err := r.intents.open(ctx, o.Set, r.o.Now(), r.seen)
	if by != nil {
		o.Result, o.Reason = busyReason(*by)
	}
	return err
}

// request asks for the copies. It may come back with some of them and an error, where
// they are made one by one.
func (r *applying) request(ctx context.Context, policy *Policy, c *Create, o *Outcome) ([]fleet.Snapshot, error) {
	data := r.o.Now()
	tags, _ := TagsFor(*policy, o.Set, data, r.source(c))
	about := fmt.Sprintf("nightshift %s: %s", c.Policy, cmp.Or(c.Name, string(c.Resource)))
	if about = strings.ToValidUTF8(about, ""); len(about) > mostDescription {
		about = fmt.Sprintf("nightshift %s: %s", c.Policy, c.Resource)
	}
	switch volume, one := o.Chain.Volume(); {
	case c.Single:
		return r.single(ctx, policy, c, o, about)
	case one:
		s, err := r.ports.CopyVolume(ctx, volume, about, tags)
		return []fleet.Snapshot{s}, err
	}
	var excluded []fleet.VolumeID
	instance := r.estate.instances[c.Resource]
	for _, e := range c.Excluded {
		if v := r.estate.volumes[e.Volume]; v == nil || instance == nil || !isRoot(v, instance) {
			excluded = append(excluded, e.Volume)
		}
	}
	return r.ports.CopyInstance(ctx, c.Resource, c.NoRoot, excluded, about, tags)
}

// mostDescription is how many characters the description of a snapshot may have.
const mostDescription = 255

// source are the tags of what is copied.
func (r *applying) source(c *Create) fleet.Tags {
	if volume, one := (Chain{c.Policy, c.Resource}).Volume(); one {
		if v := r.estate.volumes[volume]; v != nil {
			return v.Tags
		}
		return nil
	}
	if i := r.estate.instances[c.Resource]; i != nil {
		return i.Tags
	}
	return nil
}

// single copies volumes one by one. Those that an interrupted run has copied for this slot
// are not copied again.
func (r *applying) single(ctx context.Context, policy *Policy, c *Create, o *Outcome, about string) ([]fleet.Snapshot, error) {
	there, err := r.find(ctx, o.Chain, c.Slot.UTC().Format(slotForm))
	if err != nil {
		return nil, fleet.Errorf(fleet.ErrNoTime, "what was copied already cannot be read: %w", err)
	}
	have := map[fleet.VolumeID]bool{}
	for _, s := range there {
		if s.State != stateError && s.Tags[TagSet] == string(o.Set) {
			have[s.Volume] = true
		}
	}
	var made []fleet.Snapshot
	for _, id := range c.Volumes {
		if have[id] {
			continue
		}
		tags, _ := TagsFor(*policy, o.Set, r.o.Now(), r.source(c))
		s, err := r.ports.CopyVolume(ctx, id, about, tags)
		if err != nil {
			for n := range made {
				o.Snapshots = append(o.Snapshots, made[n].ID)
			}
			return nil, err
		}
		made = append(made, s)
	}
	return made, nil
}

// unclear looks the copy up after an answer that does not say whether it was made. It is
// not asked for again: that could make a second one. Where it is not visible the intent
// stays open, and the next run looks again.
func (r *applying) unclear(ctx context.Context, c *Create, o *Outcome, cause error) {
	found, err := r.find(ctx, o.Chain, c.Slot.UTC().Format(slotForm))
	found = slices.DeleteFunc(found, func(s fleet.Snapshot) bool {
		return s.Tags[TagSet] != string(o.Set) || slices.Contains(c.Failed, s.ID)
	})
	if err != nil || len(found) == 0 || c.Single && len(found) < len(c.Volumes) {
		o.Result = fleet.Deferred
		o.Reason = reason("unclear", "nobody knows whether the copy was made: %v; the next run looks it up", cause)
		return
	}
	r.made(found, o)
	r.settle(ctx, o, true)
}

// refusal is the outcome of a request that AWS has refused.
func (r *applying) refusal(o *Outcome, err error) {
	o.Result, o.Reason = failure(err)
	answer, _ := errors.AsType[*fleet.Refusal](err)
	switch {
	case answer != nil && slices.Contains(regionQuotas(), answer.Code):
		o.Code = "quota"
		r.hopeless = reason("quota", "a quota of the region is used up: %s", answer.Message)
	case answer != nil && slices.Contains(volumeQuotas(), answer.Code):
		o.Result, o.Reason = fleet.Deferred, reason("pending", "%s; the next run tries again", answer.Message)
	case errors.Is(err, fleet.ErrNotFound):
		o.Result, o.Reason = fleet.Skipped, reason("gone", "no longer exists")
	case errors.Is(err, fleet.ErrDenied) && !r.granted:
		if r.denied++; r.denied >= deniedForAll {
			r.hopeless = reason("denied", "not tried, because %d others were refused for lack of permission", r.denied)
		}
	}
}

// regionQuotas are the codes of refusals that every other copy would meet, too;
// volumeQuotas are those of one volume ("Error codes for the Amazon EC2 API").
func regionQuotas() []string {
	return []string{"SnapshotLimitExceeded", "PendingSnapshotLimitExceeded", "ResourceLimitExceeded"}
}

func volumeQuotas() []string {
	return []string{"ConcurrentSnapshotLimitExceeded", "SnapshotCreationPerVolumeRateExceeded"}
}

// settle closes the intent of an outcome. Where that cannot be written it stays open, and
// the next run looks the copy up.
func (r *applying) settle(ctx context.Context, o *Outcome, made bool) {
	if r.intents == nil {
		return
	}
	var done, dropped []SetID
	if made {
		done = []SetID{o.Set}
	} else {
		dropped = []SetID{o.Set}
	}
	if err := r.intents.settle(ctx, done, dropped); err != nil {
		r.note(fmt.Sprintf("%s: %v; the next run looks the copy up", o.Chain.Resource, err))
	}
}
