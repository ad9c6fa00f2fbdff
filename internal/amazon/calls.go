package amazon

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"nightshift/internal/fleet"
)

// Call is one request to AWS and how it ended. A request that is tried again is
// another call.
type Call struct {
	Run     string // that of [WithRun]; empty where the context has none
	Service string // "EC2", "Pricing", "S3", "STS"
	Action  string // "DescribeInstances"
	Region  fleet.Region
	Attempt int // 1 for the first try of a request

	Status   int    // of HTTP; 0 where no answer came
	Code     string // of AWS for an error, "Throttling"; empty on success
	Duration time.Duration
}

// Throttled reports whether AWS refused the call because there were too many.
func (c Call) Throttled() bool { return errors.Is(kinds()[c.Code], fleet.ErrThrottled) }

// Counter counts calls by service and action. The zero value is ready to use.
// It is safe for concurrent use.
type Counter struct {
	mu    sync.Mutex
	calls map[string]int
}

// Counts are the calls made so far by service and action, such as
// "EC2:DescribeInstances". Every attempt counts, also one that failed.
func (c *Counter) Counts() map[string]int {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.calls == nil {
		return map[string]int{}
	}
	return maps.Clone(c.calls)
}

// add counts a call. A nil counter counts nothing.
func (c *Counter) add(service, action string) {
	if c == nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.calls == nil {
		c.calls = map[string]int{}
	}
	c.calls[service+":"+action]++
}

type (
	counterKey struct{}
	runKey     struct{}
)

// WithCounter counts the calls that are made with the context, and no others:
// runs that share a session at the same time each have their own counter. It
// takes the place of an outer counter.
func WithCounter(ctx context.Context, c *Counter) context.Context {
	return context.WithValue(ctx, counterKey{}, c)
}

// WithRun names the run that makes the calls of the context: in every [Call]
// and, as "run/id", in the user agent, which CloudTrail keeps.
func WithRun(ctx context.Context, id string) context.Context {
	return context.WithValue(ctx, runKey{}, id)
}

func counterOf(ctx context.Context) *Counter {
	c, _ := ctx.Value(counterKey{}).(*Counter)
	return c
}

func runOf(ctx context.Context) string {
	id, _ := ctx.Value(runKey{}).(string)
	return id
}

// CallCount is how often an operation was requested.
type CallCount struct {
	Service string // "EC2", "Pricing", "S3", "STS"
	Action  string // "DescribeInstances"
	Count   int
}

// Calls counts the requests sent so far by all runs, retries included.
func (s *Session) Calls() []CallCount {
	var out []CallCount
	for name, n := range s.calls.Counts() {
		service, action, _ := strings.Cut(name, ":")
		out = append(out, CallCount{Service: service, Action: action, Count: n})
	}
	slices.SortFunc(out, func(a, b CallCount) int {
		return cmp.Or(cmp.Compare(a.Service, b.Service), cmp.Compare(a.Action, b.Action))
	})
	return out
}
