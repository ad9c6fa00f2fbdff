package amazon

import (
	"context"
	"time"

	"nightshift/internal/fleet"
)

// SetPage makes pages of names small enough for a test.
func (o *Objects) SetPage(n int32) { o.page = n }

// Ask captures an operation that ends with an error, and asks it.
func Ask(ctx context.Context, action string, err error) error {
	type options struct{}
	_, err = capture(newSession(), action, func(context.Context, *int, ...func(*options)) (*int, error) { return nil, err })(ctx, nil)
	return err
}

// RegionRequestsLeft is how many tokens a session has for DescribeRegions. No
// time passes for its bucket, which is as it was when it was last used.
func RegionRequestsLeft(s *Session, region fleet.Region) float64 {
	return s.limitsOf(region).limiter("EC2", "DescribeRegions").TokensAt(time.Time{})
}
