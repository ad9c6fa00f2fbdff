package amazon

import (
	"context"
	"strings"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"golang.org/x/time/rate"

	"nightshift/internal/fleet"
)

// quotas are EC2's token buckets for one account and region, kept on our side
// so that a large fleet runs at the full rate without being throttled. Sizes
// and rates are those of "Request throttling for the Amazon EC2 API" in the
// EC2 Developer Guide.
type quotas struct {
	clockScale float64
	// startIDs and stopIDs are the resource buckets: a token for each instance.
	startIDs, stopIDs *rate.Limiter

	mu       sync.Mutex
	requests map[string]*rate.Limiter
	paces    map[string]*pace
}

func newQuotas(clockScale float64) *quotas {
	return &quotas{
		clockScale: clockScale,
		startIDs:   bucket(2*clockScale, 1000),
		stopIDs:    bucket(20*clockScale, 1000),
		requests:   map[string]*rate.Limiter{},
		paces:      map[string]*pace{},
	}
}

// bucket is a little smaller than EC2's: requests take their time to get there,
// and not always the same, so that EC2's bucket fills later than ours.
func bucket(perSecond float64, size int) *rate.Limiter {
	return rate.NewLimiter(rate.Limit(perSecond), size-max(size/100, 1))
}

// pass waits until a request may be sent.
func (q *quotas) pass(ctx context.Context, service, action string) error {
	if service == "EC2" {
		return wait(ctx, q.request(action), 1)
	}
	return wait(ctx, q.pace(service).limiter, 1)
}

// learn adapts to the answer. EC2 that throttles has emptier buckets than
// ours, because others draw from them, too, or because an earlier run has: ours
// are then empty as well, and fill at the documented rate. The buckets of other
// services are not documented: they are found out.
func (q *quotas) learn(ctx context.Context, service, action string, err error) {
	throttled := retry.ThrottleErrorCode{Codes: retry.DefaultThrottleErrorCodes}.IsErrorThrottle(err).Bool()
	switch {
	case service != "EC2":
		q.pace(service).learn(throttled, q.clockScale)
	case throttled:
		drain(ctx, q.request(action))
		switch action {
		case "StartInstances":
			drain(ctx, q.startIDs)
		case "StopInstances":
			drain(ctx, q.stopIDs)
		}
	}
}

// drain takes all tokens out of a bucket. They are there, so that it does not
// wait; another request that is quicker leaves fewer of them.
func drain(ctx context.Context, bucket *rate.Limiter) {
	if n := int(bucket.Tokens()); n > 0 {
		_ = bucket.WaitN(ctx, n)
	}
}

// pace is the speed at which a service of unknown quota is asked, in requests a
// second: it is halved when the service throttles and grows slowly while it
// does not.
type pace struct {
	mu      sync.Mutex
	limiter *rate.Limiter
}

const (
	fastest = 50.0
	slowest = 0.5
	growth  = 0.2
)

func (p *pace) learn(throttled bool, clockScale float64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	limit := float64(p.limiter.Limit()) / clockScale
	if throttled {
		limit = max(limit/2, slowest)
	} else {
		limit = min(limit+growth, fastest)
	}
	p.limiter.SetLimit(rate.Limit(limit * clockScale))
}

func (q *quotas) pace(service string) *pace {
	q.mu.Lock()
	defer q.mu.Unlock()
	p, ok := q.paces[service]
	if !ok {
		p = &pace{limiter: rate.NewLimiter(rate.Limit(fastest*q.clockScale), 100)}
		q.paces[service] = p
	}
	return p
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
		case action == "CreateTags":
			perSecond, size = 10, 100
		case action == "StartInstances":
			perSecond, size = 2, 5
		}
		l = bucket(perSecond*q.clockScale, size)
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
