package amazon

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"nightshift/internal/fleet"
)

// SetPage makes pages of names small enough for a test.
func (o *Objects) SetPage(n int32) { o.page = n }

// SetClient sends the requests of a session elsewhere.
func (s *Session) SetClient(client aws.HTTPClient) { s.config.HTTPClient = client }

// SetStall makes short for a test how long more of an answer is waited for.
func (s *Session) SetStall(d time.Duration) {
	s.config.HTTPClient = stallGuard{s.config.HTTPClient.(stallGuard).HTTPClient, d}
}

// QuotaOf is what may be asked of an action at once and in each second, and
// which actions draw from the same bucket.
func QuotaOf(service, action string) (size int, perSecond float64, bucket string) {
	line, bucket := quotaOf(service, action)
	return line.size, line.perSecond, bucket
}

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
