package amazon

import (
	"context"
	"strings"
	"sync"

	"golang.org/x/time/rate"

	"nightshift/internal/fleet"
)

// quotas are EC2's token buckets for one account and region, kept on our side
// so that a large fleet runs at the full rate without being throttled. Sizes
// and rates are those of "Request throttling for the Amazon EC2 API" in the
// EC2 Developer Guide.
type quotas struct {
	speed float64
	// startIDs and stopIDs are the resource buckets: a token for each instance.
	startIDs, stopIDs *rate.Limiter

	mu       sync.Mutex
	requests map[string]*rate.Limiter
}

func newQuotas(speed float64) *quotas {
	return &quotas{
		speed:    speed,
		startIDs: rate.NewLimiter(rate.Limit(2*speed), 1000),
		stopIDs:  rate.NewLimiter(rate.Limit(20*speed), 1000),
		requests: map[string]*rate.Limiter{},
	}
}

// request is the request bucket of an action: EC2 counts each API on its own.
func (q *quotas) request(action string) *rate.Limiter {
	q.mu.Lock()
	defer q.mu.Unlock()
	l, ok := q.requests[action]
	if !ok {
		perSecond, size := 5.0, 50
		switch {
		case strings.HasPrefix(action, "Describe"):
			perSecond, size = 20, 100
		case action == "StartInstances":
			perSecond, size = 2, 5
		}
		l = rate.NewLimiter(rate.Limit(perSecond*q.speed), size)
		q.requests[action] = l
	}
	return l
}

// wait takes n tokens of a bucket, and waits until they are there. It does not
// begin to wait for what the context leaves no time for.
func wait(ctx context.Context, bucket *rate.Limiter, n int) error {
	err := bucket.WaitN(ctx, n)
	if err == nil || ctx.Err() != nil {
		return ctx.Err()
	}
	return fleet.Errorf(fleet.ErrNoTime, "EC2's quota leaves no time: %w", err)
}
