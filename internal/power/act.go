package power

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"nightshift/internal/fleet"
)

// deniedForAll is how many instances are refused one by one, with none ever
// accepted, before one sample of a batch decides whether a denial holds for all
// of it.
const deniedForAll = 8

// act asks AWS for a batch, in requests of the size that its kind allows.
func (r *run) act(ctx context.Context, batch []Step) {
	for len(batch) > 0 {
		size := min(len(batch), requestSize(batch[0].Machine.Kind))
		part, port := batch[:size:size], r.clients.Machines[batch[0].Machine.Kind]
		batch = batch[size:]
		if r.closed(ctx) {
			r.settleAll(part, fleet.Deferred, notTried())
			continue
		}
		if part = r.startResized(ctx, part); len(part) == 0 {
			continue
		}
		if part[0].Action == Start {
			r.settleAnswer(ctx, part, port.Start(ctx, ids(part)))
		} else {
			r.settleAnswer(ctx, part, port.Stop(ctx, ids(part), part[0].Hibernate))
		}
	}
}

// settleAnswer settles a batch by what AWS answered. Whatever it refuses is taken
// apart; errors that say nothing about a machine settle the whole batch, since
// trying parts of it could only make things worse.
func (r *run) settleAnswer(ctx context.Context, batch []Step, err error) {
	refusal, about := errors.AsType[*fleet.Refusal](err)
	switch {
	case err == nil:
		r.accept(batch...)
	case errors.Is(err, fleet.ErrNoTime):
		r.settleAll(batch, fleet.Deferred, notTried())
	case !about || !aboutSome(refusal.Kind):
		r.settleAll(batch, fleet.Failed, reasonOf(err))
	default:
		r.settleRefusal(ctx, batch, refusal)
	}
}

// settleRefusal settles the machines that a refusal names and tries the rest
// again; where it names none of a batch, the batch is halved.
func (r *run) settleRefusal(ctx context.Context, batch []Step, refusal *fleet.Refusal) {
	named, rest := split(batch, refusal.IDs)
	if len(named) == 0 && len(batch) == 1 {
		named, rest = batch, nil
	}
	for _, s := range named {
		if errors.Is(refusal, fleet.ErrCapacity) && r.startAsOther(ctx, s) || r.withoutHibernation(ctx, s, refusal) {
			continue
		}
		result, reason := verdict(s.Action, refusal)
		r.settle(s, result, reason, s.Machine.State)
		if s.Action == Stop && errors.Is(refusal, fleet.ErrProtected) {
			r.mark(ctx, fleet.MarkRefused, []Step{s})
		}
	}
	if errors.Is(refusal.Kind, fleet.ErrDenied) {
		kind := batch[0].Machine.Kind
		r.denied[kind] += len(named)
		if !r.granted[kind] && r.denied[kind] >= deniedForAll && len(rest) > 1 {
			r.probe(ctx, rest, refusal)
			return
		}
	}
	if len(named) > 0 {
		r.act(ctx, rest)
		return
	}
	half := len(batch) / 2
	r.act(ctx, batch[:half])
	r.act(ctx, batch[half:])
}

// withoutHibernation stops a machine just so whose hibernation AWS refuses: it
// was to stop. It is false where that is not what the refusal is about.
func (r *run) withoutHibernation(ctx context.Context, s Step, refusal *fleet.Refusal) bool {
	if !s.Hibernate || !errors.Is(refusal, fleet.ErrUnsupported) && !errors.Is(refusal, fleet.ErrInvalid) {
		return false
	}
	r.notes[keyOf(s.Machine)] = fleet.Reason{Code: "not-hibernated", Text: "stopped without hibernation: " + said(refusal)}
	s.Hibernate = false
	r.act(ctx, []Step{s})
	return true
}

// requestSize bounds the machines of one request: only EC2 takes several.
func requestSize(kind fleet.Kind) int {
	if kind == fleet.KindInstance {
		return batchSize
	}
	return 1
}

// probe asks for one of the machines alone. If that is denied, too, the denial
// is taken to hold for all of them; else they are tried as ever.
func (r *run) probe(ctx context.Context, batch []Step, refusal *fleet.Refusal) {
	last, kind := len(batch)-1, batch[0].Machine.Kind
	denied := r.denied[kind]
	r.act(ctx, batch[last:])
	if r.denied[kind] == denied {
		r.act(ctx, batch[:last])
		return
	}
	_, reason := verdict(batch[0].Action, refusal)
	r.settleAll(batch[:last], fleet.Failed, reason)
}

// aboutSome reports whether a refusal of this kind can be about some of the
// machines of a batch and not about the others.
func aboutSome(kind error) bool {
	for _, k := range []error{
		fleet.ErrNotFound, fleet.ErrConflict, fleet.ErrProtected,
		fleet.ErrUnsupported, fleet.ErrCapacity, fleet.ErrDenied, fleet.ErrInvalid,
	} {
		if errors.Is(kind, k) {
			return true
		}
	}
	return false
}

// split separates the steps whose machines are named from the rest.
func split(batch []Step, named []fleet.ResourceID) (in, out []Step) {
	for _, s := range batch {
		if slices.Contains(named, s.Machine.ID) {
			in = append(in, s)
		} else {
			out = append(out, s)
		}
	}
	return in, out
}

func ids(batch []Step) []fleet.ResourceID {
	out := make([]fleet.ResourceID, len(batch))
	for n, s := range batch {
		out[n] = s.Machine.ID
	}
	return out
}

// verdict turns a refusal into the outcome of the instance that it is about:
// skipped when the instance cannot or must not be acted on, failed when it
// should have worked.
func verdict(action Action, refusal *fleet.Refusal) (fleet.Result, fleet.Reason) {
	stop := action == Stop
	switch {
	case stop && errors.Is(refusal, fleet.ErrProtected):
		return fleet.Skipped, fleet.Reason{Code: "stop-protected", Text: "has stop protection on (disableApiStop)"}
	case stop && errors.Is(refusal, fleet.ErrUnsupported):
		return fleet.Skipped, fleet.Reason{Code: "unsupported", Text: said(refusal)}
	case errors.Is(refusal, fleet.ErrNotFound):
		return fleet.Skipped, fleet.Reason{Code: "gone", Text: "no longer exists"}
	case errors.Is(refusal, fleet.ErrConflict):
		return fleet.Skipped, fleet.Reason{Code: "changed", Text: fmt.Sprintf("changed its state just before it could be %s: %s", action.Past(), said(refusal))}
	default:
		return fleet.Failed, reasonOf(refusal)
	}
}

// reasonOf makes the reason of an instance from an error. Codes are ours and
// stable; the code and the message of AWS are in the text.
func reasonOf(err error) fleet.Reason {
	switch {
	case errors.Is(err, context.Canceled):
		return fleet.Reason{Code: "interrupted", Text: "the run was interrupted; its state is not known"}
	case errors.Is(err, context.DeadlineExceeded):
		return fleet.Reason{Code: NoTime, Text: "the time ran out; its state is not known"}
	}
	code := "error"
	for _, c := range []struct {
		kind error
		code string
	}{
		{fleet.ErrDenied, "denied"},
		{fleet.ErrCredentials, "credentials"},
		{fleet.ErrCapacity, "no-capacity"},
		{fleet.ErrThrottled, "throttled"},
		{fleet.ErrUnavailable, "unavailable"},
		{fleet.ErrUnsupported, "unsupported"},
		{fleet.ErrInvalid, "invalid"},
	} {
		if errors.Is(err, c.kind) {
			code = c.code
		}
	}
	return fleet.Reason{Code: code, Text: said(err)}
}

// said is what went wrong as a part of a sentence.
func said(err error) string { return strings.TrimRight(err.Error(), ". \n") }
