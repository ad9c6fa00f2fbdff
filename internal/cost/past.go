package cost

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"nightshift/internal/fleet"
	"nightshift/internal/price"
)

// machine is an instance of any target.
type machine struct {
	account fleet.Account
	id      fleet.ResourceID
}

// past is what is known of when instances ran this month in addition to what EC2
// reports of each.
type past struct {
	acts  map[machine][]fleet.Act
	known fleet.Span // the time for which all acts are there

	// billed are the hours in the bill of each account, and complete the time
	// for which the bill has them all.
	billed   map[machine]time.Duration
	complete map[fleet.Account]fleet.Span

	sampled map[sample]time.Duration

	// kinds are the instance types that the bill has of each, in its order.
	kinds map[machine][]string
}

// sample is the running time of an instance in a span, by CloudWatch.
type sample struct {
	machine
	span fleet.Span
}

// actsOf are the acts on each instance.
func actsOf(acts []fleet.Act) map[machine][]fleet.Act {
	byMachine := map[machine][]fleet.Act{}
	for _, act := range acts {
		if act.Kind == fleet.KindInstance {
			who := machine{act.Target.Account, act.ID}
			byMachine[who] = append(byMachine[who], act)
		}
	}
	return byMachine
}

// readPast reads what costs nothing or has been asked for: the journal's acts
// and, of the accounts with one, the bill.
func (b *builder) readPast(ctx context.Context, sources []Source) {
	b.past = past{
		acts: actsOf(b.options.Acts), known: b.options.Known,
		billed: map[machine]time.Duration{}, complete: map[fleet.Account]fleet.Span{}, sampled: map[sample]time.Duration{},
		kinds: map[machine][]string{},
	}
	var group errgroup.Group
	group.SetLimit(targetsAtOnce)
	var mu sync.Mutex
	asked := map[fleet.Account]bool{}
	for _, s := range sources {
		account := s.Target.Account
		if s.Billing == nil || asked[account] || !b.month.Now.After(b.month.Start) {
			continue
		}
		asked[account] = true
		group.Go(func() error {
			lines, complete, err := s.Billing.Usage(ctx, b.month.Start, b.month.Now)
			mu.Lock()
			defer mu.Unlock()
			b.bill(account, lines, complete, err)
			return nil
		})
	}
	_ = group.Wait() // errors are problems
}

// bill takes over the bill of an account.
func (b *builder) bill(account fleet.Account, lines []price.BillLine, complete fleet.Span, err error) {
	if err != nil {
		b.fail(Problem{fleet.Target{Account: account}, "billed hours", err})
	}
	complete = complete.Within(fleet.Span{From: b.month.Start, To: b.month.Now})
	b.billLines = append(b.billLines, lines...)
	if complete.Length() == 0 {
		return
	}
	b.past.complete[account] = complete
	for _, line := range lines {
		if line.Unit == "Hrs" && !line.Start.Before(complete.From) && !line.End.After(complete.To) {
			who := machine{account, fleet.ResourceID(line.Resource)}
			b.past.billed[who] += time.Duration(line.Quantity * float64(time.Hour))
			if _, kind, ok := strings.Cut(line.UsageType, ":"); ok && !slices.Contains(b.past.kinds[who], kind) {
				b.past.kinds[who] = append(b.past.kinds[who], kind)
			}
		}
	}
}

// retyped says that an instance was of other types this month, as far as the bill
// has them: all hours are at the price of the present one.
func (b *builder) retyped(i *Instance) string {
	others := slices.DeleteFunc(slices.Clone(b.past.kinds[machine{i.Target.Account, i.ID}]), func(kind string) bool { return kind == string(i.Type) })
	if len(others) == 0 {
		return ""
	}
	return "billed as " + strings.Join(others, " and ") + ", too, this month; all hours are at the price of " + string(i.Type)
}

// readMetrics asks CloudWatch for the instances whose hours nothing else knows
// exactly: it is paid by the instance.
func (b *builder) readMetrics(ctx context.Context, sources []Source) {
	if b.options.Hours == AssumedHours {
		return
	}
	var group errgroup.Group
	group.SetLimit(targetsAtOnce)
	var mu sync.Mutex
	for n := range b.targets {
		metrics := sources[n].Metrics
		if metrics == nil {
			continue
		}
		spans := map[fleet.Span][]fleet.Sampled{}
		for _, i := range b.targets[n].found {
			for _, span := range b.doubtful(i) {
				spans[span] = append(spans[span], fleet.Sampled{ID: i.ID, Detailed: i.Detailed})
			}
		}
		for span, instances := range spans {
			group.Go(func() error {
				running, err := metrics.Running(ctx, instances, span.From, span.To)
				mu.Lock()
				defer mu.Unlock()
				for id, d := range running {
					b.past.sampled[sample{machine{sources[n].Target.Account, id}, span}] = d
				}
				if err != nil {
					b.fail(Problem{sources[n].Target, "metrics", capped(err)})
				}
				return nil
			})
		}
	}
	_ = group.Wait() // errors are problems
}

// capped says what a cap means for the report.
func capped(err error) error {
	if errors.Is(err, fleet.ErrCapped) {
		return fleet.Errorf(fleet.ErrCapped, "%w: the hours of the rest are bounds; raise the cap to know them", err)
	}
	return err
}

// spans cuts the month so far into the part that the bill covers, which may be
// empty, and the parts before and after it.
func (b *builder) spans(account fleet.Account) (billed fleet.Span, others []fleet.Span) {
	all := fleet.Span{From: b.month.Start, To: b.month.Now}
	billed = b.past.complete[account]
	if billed.Length() == 0 {
		return billed, []fleet.Span{all}
	}
	for _, span := range []fleet.Span{{From: all.From, To: billed.From}, {From: billed.To, To: all.To}} {
		if span.Length() > 0 {
			others = append(others, span)
		}
	}
	return billed, others
}

// doubtful are the spans of the month so far in which only samples can show for
// how long an instance ran.
func (b *builder) doubtful(i *fleet.Instance) []fleet.Span {
	_, others := b.spans(i.Target.Account)
	return slices.DeleteFunc(others, func(span fleet.Span) bool { return b.withoutPaying(i, span).exact() })
}

// hoursOf says how long an instance has run in the month so far, how much of
// that is certain, and from what it is known: the bill, else what EC2 and the
// journal know exactly, else CloudWatch, else bounds.
func (b *builder) hoursOf(i *fleet.Instance) ran {
	if b.options.Hours == AssumedHours {
		d := assumedHours(i, b.month)
		return ran{hours: d, atMost: d, source: Assumed}
	}
	var sum ran
	billed, others := b.spans(i.Target.Account)
	if billed.Length() > 0 {
		sum = exactly(b.past.billed[machine{i.Target.Account, i.ID}].Round(time.Second), FromBill)
	}
	for _, span := range others {
		found := b.withoutPaying(i, span)
		if !found.exact() {
			if d, ok := b.past.sampled[sample{machine{i.Target.Account, i.ID}, span}]; ok {
				found = exactly(max(d, found.atLeast), FromMetrics)
			}
		}
		sum = sum.plus(found)
	}
	return sum
}
