package amazon

import (
	"context"
	"strings"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"golang.org/x/time/rate"

	"nightshift/internal/fleet"
)

// quota is how many requests a service takes from one account in one region: a
// token bucket of a size that is filled at a rate.
type quota struct {
	service string // as the SDK calls it; empty for any
	action  string // may end in "*"
	// each is set where every action has a bucket of its own; else all actions
	// of the line share one.
	each      bool
	size      int
	perSecond float64
	// adapts is set where the rate is not documented, or not promised: it is
	// halved when the service throttles and grows slowly while it does not.
	adapts bool
}

// quotaTable has the quotas of all services; the first line that matches counts.
// What it does not name is unknown and gets the last line.
//
//   - EC2: "Request throttling for the Amazon EC2 API" in the EC2 Developer
//     Guide; it counts every API on its own.
//   - EBS direct APIs: "Quotas for Amazon EBS" in the EBS User Guide. The
//     largest regions take 5,000 blocks a second; for one snapshot it is 1,000
//     everywhere.
//   - S3: "Best practices design patterns: optimizing Amazon S3 performance" in
//     the S3 User Guide. That is for a prefix; a bucket that is new to such a
//     load answers SlowDown while it is partitioned.
//   - Price List: "Using the AWS Price List Query API" in the Billing User
//     Guide. Of the Bulk API's quotas nothing is said.
//   - CloudWatch: "CloudWatch service quotas" in the CloudWatch User Guide.
//   - STS: "IAM and AWS STS quotas" in the IAM User Guide.
//   - Parameter Store: "AWS Systems Manager endpoints and quotas" in the AWS
//     General Reference, the default throughput, which accounts may raise.
func quotaTable() []quota {
	return []quota{
		{service: "EC2", action: "StartInstances", each: true, size: 5, perSecond: 2},
		{service: "EC2", action: "CreateTags", each: true, size: 100, perSecond: 10},
		{service: "EC2", action: "CreateSnapshot*", each: true, size: 100, perSecond: 5},
		{service: "EC2", action: "DeleteSnapshot", each: true, size: 100, perSecond: 5},
		{service: "EC2", action: "Describe*", each: true, size: 100, perSecond: 20},
		{service: "EC2", action: "*", each: true, size: 50, perSecond: 5},
		{service: "EBS", action: "GetSnapshotBlock", size: 1000, perSecond: 1000},
		{service: "EBS", action: "List*", each: true, size: 50, perSecond: 50},
		{service: "S3", action: "Put*", size: 3500, perSecond: 3500, adapts: true},
		{service: "S3", action: "*", size: 5500, perSecond: 5500, adapts: true},
		{service: "Pricing", action: "GetProducts", size: 10, perSecond: 5},
		{service: "CloudWatch", action: "GetMetricData", size: 50, perSecond: 50},
		{service: "STS", action: "*", size: 600, perSecond: 600, adapts: true},
		{service: "SSM", action: "GetParameter*", size: 40, perSecond: 40, adapts: true},
		{action: "*", size: 100, perSecond: 50, adapts: true},
	}
}

// quotaOf is the line of the table for an action, and the name of the bucket
// that the action draws from.
func quotaOf(service, action string) (line quota, bucket string) {
	for _, line = range quotaTable() {
		if (line.service == "" || line.service == service) && matches(line.action, action) {
			break
		}
	}
	if line.each {
		return line, service + ":" + action
	}
	return line, service + ":" + line.action
}

func matches(pattern, action string) bool {
	prefix, open := strings.CutSuffix(pattern, "*")
	return pattern == action || open && strings.HasPrefix(action, prefix)
}

// limits are the token buckets of one account and region, kept on our side so
// that a large fleet runs at the full rate without being throttled.
type limits struct {
	clockScale float64
	// startIDs and stopIDs are EC2's resource buckets: a token for each instance.
	startIDs, stopIDs *rate.Limiter

	mu       sync.Mutex
	requests map[string]*rateLimiter
}

func newLimits(clockScale float64) *limits {
	return &limits{
		clockScale: clockScale,
		startIDs:   bucket(2*clockScale, 1000),
		stopIDs:    bucket(20*clockScale, 1000),
		requests:   map[string]*rateLimiter{},
	}
}

// bucket is a little smaller than that of the service: requests take their time
// to get there, and not always the same, so that its bucket fills later than
// ours.
func bucket(perSecond float64, size int) *rate.Limiter {
	return rate.NewLimiter(rate.Limit(perSecond), size-max(size/100, 1))
}

// rateLimiter is the bucket that requests of an action draw from.
type rateLimiter struct {
	*rate.Limiter
	quota quota

	mu sync.Mutex
}

// limiter is the bucket of an action.
func (l *limits) limiter(service, action string) *rateLimiter {
	line, name := quotaOf(service, action)
	l.mu.Lock()
	defer l.mu.Unlock()
	r, ok := l.requests[name]
	if !ok {
		r = &rateLimiter{Limiter: bucket(line.perSecond*l.clockScale, line.size), quota: line}
		l.requests[name] = r
	}
	return r
}

// pass waits until a request may be sent.
func (l *limits) pass(ctx context.Context, service, action string) error {
	return wait(ctx, service, l.limiter(service, action).Limiter, 1)
}

// learn adapts to the answer. A service that throttles has emptier buckets than
// ours, because others draw from them, too, or because an earlier run has: ours
// are then empty as well, and fill at the documented rate. Where there is none
// the rate is found out.
func (l *limits) learn(ctx context.Context, service, action string, err error) {
	throttled := retry.ThrottleErrorCode{Codes: retry.DefaultThrottleErrorCodes}.IsErrorThrottle(err).Bool()
	r := l.limiter(service, action)
	switch {
	case r.quota.adapts:
		r.adapt(throttled, l.clockScale)
	case throttled:
		drain(ctx, r.Limiter)
		switch {
		case service == "EC2" && action == "StartInstances":
			drain(ctx, l.startIDs)
		case service == "EC2" && action == "StopInstances":
			drain(ctx, l.stopIDs)
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

// slowest is the rate below which a service is not asked more slowly, however
// often it throttles; growth is what a request that is not throttled adds to
// the rate. Both are in requests a second.
const (
	slowest = 0.5
	growth  = 0.2
)

func (r *rateLimiter) adapt(throttled bool, clockScale float64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	limit := float64(r.Limit()) / clockScale
	if throttled {
		limit = max(limit/2, slowest)
	} else {
		limit = min(limit+growth, r.quota.perSecond)
	}
	r.SetLimit(rate.Limit(limit * clockScale))
}

// wait takes n tokens of a bucket, and waits until they are there. It does not
// begin to wait for what the context leaves no time for.
func wait(ctx context.Context, service string, bucket *rate.Limiter, n int) error {
	err := bucket.WaitN(ctx, n)
	if err == nil || ctx.Err() != nil {
		return ctx.Err()
	}
	return fleet.Errorf(fleet.ErrNoTime, "%s's quota leaves no time: %w", service, err)
}
