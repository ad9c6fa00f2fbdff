package amazon

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/smithy-go/middleware"

	"nightshift/internal/fleet"
)

// gate stands behind the SDK's retry step, where every attempt passes: it
// waits for a token of the client's own bucket, pays for the request where it
// costs something, counts it and learns from the answer how fast the service
// lets us go.
func (s *Session) gate(stack *middleware.Stack) error {
	pass := func(ctx context.Context, in middleware.FinalizeInput, next middleware.FinalizeHandler) (
		middleware.FinalizeOutput, middleware.Metadata, error,
	) {
		service, action := awsmiddleware.GetServiceID(ctx), awsmiddleware.GetOperationName(ctx)
		quota := s.quota(fleet.Region(awsmiddleware.GetRegion(ctx)))
		if err := quota.pass(ctx, service, action); err != nil {
			return middleware.FinalizeOutput{}, middleware.Metadata{}, &own{err}
		}
		if err := pay(ctx); err != nil {
			return middleware.FinalizeOutput{}, middleware.Metadata{}, &own{err}
		}
		s.calls.add(service, action)
		out, metadata, err := next.HandleFinalize(ctx, in)
		quota.learn(ctx, service, action, err)
		s.learnTime(metadata)
		return out, metadata, err
	}
	return stack.Finalize.Insert(middleware.FinalizeMiddlewareFunc("Gate", pass), "Retry", middleware.After)
}

// exact is how far apart our clock and that of AWS may be without it counting:
// AWS tells its time in whole seconds, and the answer was some time on its way.
const exact = 3 * time.Second

// learnTime notes by how much the clock of AWS is ahead of ours.
func (s *Session) learnTime(metadata middleware.Metadata) {
	if theirs, known := awsmiddleware.GetServerTime(metadata); known && s.now != nil {
		s.ahead.Store(int64(theirs.Sub(s.now())))
	}
}

// Ahead is by how much the clock of AWS was ahead of ours when it last
// answered; 0 where they agree as far as can be told. What AWS remembers of a
// machine is in its time, not in ours.
func (s *Session) Ahead() time.Duration {
	ahead := time.Duration(s.ahead.Load())
	if ahead.Abs() < exact {
		return 0
	}
	return ahead
}

// agent names nightshift in the user agent.
func agent(name string) func(*middleware.Stack) error {
	if name == "" {
		name = "nightshift"
	}
	return awsmiddleware.AddUserAgentKey(name)
}

// ledger counts requests by service and action, and knows which IAM actions
// have been captured.
type ledger struct {
	mu      sync.Mutex
	calls   map[[2]string]int
	actions map[string]bool
}

func newLedger() *ledger {
	return &ledger{calls: map[[2]string]int{}, actions: map[string]bool{}}
}

func (l *ledger) capture(action string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.actions[action] = true
}

func (l *ledger) captured() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Sorted(maps.Keys(l.actions))
}

func (l *ledger) add(service, action string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.calls[[2]string{service, action}]++
}

// list gives the counts in order of service and action.
func (l *ledger) list() []Call {
	l.mu.Lock()
	defer l.mu.Unlock()
	out := make([]Call, 0, len(l.calls))
	for key, n := range l.calls {
		out = append(out, Call{Service: key[0], Action: key[1], Count: n})
	}
	slices.SortFunc(out, func(a, b Call) int {
		return cmp.Or(cmp.Compare(a.Service, b.Service), cmp.Compare(a.Action, b.Action))
	})
	return out
}
