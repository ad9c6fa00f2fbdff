package sandbox

import (
	"math"
	"strings"
	"sync"
	"time"

	"nightshift/internal/sandbox/wire"
)

// limits are an account's EC2 token buckets: one a region and operation for requests and,
// where resources count, one more for them. Sizes and rates are those of
// "Request throttling for the Amazon EC2 API" in the EC2 Developer Guide.
type limits struct {
	mu      sync.Mutex
	buckets map[string]*bucket
}

// bucket holds tokens; rate is how many come back a second.
type bucket struct {
	tokens, size, rate float64
	filled             time.Time
}

func newLimits() *limits { return &limits{buckets: map[string]*bucket{}} }

// take asks for the tokens of a request; false means that it is throttled. A
// request that lacks resource tokens still costs its request token.
func (l *limits) take(region string, form *wire.Params, action string, now time.Time) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	class, size, rate := requestBucket(action, form)
	if !l.bucket(region+" "+action+" "+class, size, rate, now).take(1) {
		return false
	}
	if size, rate, n := resourceBucket(action, form); n > 0 {
		return l.bucket(region+" "+action+" resources", size, rate, now).take(float64(n))
	}
	return true
}

func (l *limits) bucket(name string, size, rate float64, now time.Time) *bucket {
	b := l.buckets[name]
	if b == nil {
		b = &bucket{tokens: size, size: size, rate: rate, filled: now}
		l.buckets[name] = b
	}
	if passed := now.Sub(b.filled).Seconds(); passed > 0 {
		b.tokens = math.Min(b.size, b.tokens+passed*b.rate)
		b.filled = now
	}
	return b
}

func (b *bucket) take(n float64) bool {
	if b.tokens < n {
		return false
	}
	b.tokens -= n
	return true
}

// requestBucket is the bucket that a request of an operation takes one token
// from.
func requestBucket(action string, form *wire.Params) (class string, size, rate float64) {
	switch action {
	case "StartInstances", "RunInstances":
		return "requests", 5, 2
	case "CreateTags", "DeleteTags":
		return "requests", 100, 10
	case "AttachVolume", "CreateVolume", "CreateSnapshot", "CreateSnapshots", "DeleteSnapshot", "ModifySnapshotAttribute":
		return "requests", 100, 5
	}
	if !strings.HasPrefix(action, "Describe") && !strings.HasPrefix(action, "List") {
		return "mutating", 50, 5
	}
	for _, name := range form.Names() {
		if name == "Filter" || name == "MaxResults" || name == "NextToken" || strings.HasSuffix(name, "Id") {
			return "non-mutating", 100, 20
		}
	}
	return "unfiltered", 50, 10
}

// resourceBucket is the bucket from which an operation takes a token for each
// of n resources.
func resourceBucket(action string, form *wire.Params) (size, rate float64, n int) {
	switch action {
	case "StartInstances":
		return 1000, 2, len(form.Items("InstanceId"))
	case "StopInstances", "TerminateInstances":
		return 1000, 20, len(form.Items("InstanceId"))
	case "RunInstances":
		most, _ := form.Number("MaxCount") // a wrong number is refused later
		return 1000, 2, int(most)
	}
	return 0, 0, 0
}
