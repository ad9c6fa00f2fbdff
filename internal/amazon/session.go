// Package amazon is AWS as the rest of nightshift sees it: it reads instances,
// databases, Auto Scaling groups, volumes, instance types, regions, prices,
// metrics and the bill, stops, starts, tags and resizes machines, keeps objects
// in S3, changes stacks and works in other accounts by assuming roles there. It implements the ports that power, cost, journal and deploy declare, in terms of fleet
// and price; no type of the SDK leaves it, and no other package imports the
// SDK.
//
// Operations of the SDK are captured one by one as function values, never as a
// client behind an interface. That lets the linker drop the hundreds of
// operations that are not used, and the captured names are the source of the
// IAM policy (Actions).
//
// It may import fleet, price, blob and deploy.
package amazon

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials"

	"nightshift/internal/fleet"
)

// Options say how to reach AWS. The zero value is the SDK's default chain:
// environment, shared configuration files, container and instance roles, and
// AWS_ENDPOINT_URL.
type Options struct {
	// Region is the region to use where nothing else is said; empty means the
	// default chain's.
	Region fleet.Region
	// Fallback is the region where neither Region nor the default chain names
	// one.
	Fallback fleet.Region
	// Endpoint, if not nil, replaces the default chain as a whole: nothing of
	// the environment is looked at.
	Endpoint *Endpoint
	// ClockScale is how much faster than ours the clock of a sandbox runs that
	// the default chain leads to; 0 means 1. It has no effect where the chain
	// leads to AWS.
	ClockScale float64
	// Now is our clock, with which that of AWS is compared; nil compares
	// nothing.
	Now func() time.Time
	// Agent is appended to the user agent, for example "nightshift/1.2.0".
	Agent string
	// Called, if not nil, hears of every call when it has ended. It is called
	// from many goroutines and must not block.
	Called func(Call)
	Log    *slog.Logger
}

// Endpoint is a sandbox: where it listens and how to sign in.
type Endpoint struct {
	URL                  string
	AccessKey, SecretKey string
	// ClockScale is how much faster its clock runs than ours; the client's own
	// token buckets and pauses run as fast. 0 means 1.
	ClockScale float64
	// AnswerTime is how long to wait for an answer; 0 means a minute.
	AnswerTime time.Duration
}

// Session is a way into AWS: configuration and credentials, with the client's
// own token buckets and the count of calls. It is safe for concurrent use and
// may outlive any number of runs.
type Session struct {
	*common
	config  aws.Config
	account fleet.Account // of the assumed role; empty where none is assumed

	mu      sync.Mutex
	assumed map[Role]*Session
}

// common is what a session shares with those that come from it by assuming a
// role.
type common struct {
	log        *slog.Logger
	captured   *actions
	calls      *Counter
	called     func(Call)
	clockScale float64
	answerTime time.Duration
	now        func() time.Time
	ahead      atomic.Int64 // of our clock, in nanoseconds
	warned     atomic.Bool  // that the clocks are far apart

	mu     sync.Mutex
	limits map[fleet.Target]*limits
}

// newSession is a session that is not configured yet.
func newSession() *Session {
	return &Session{
		common: &common{
			log: slog.New(slog.DiscardHandler), captured: &actions{}, calls: &Counter{}, clockScale: 1, answerTime: answerTime,
			limits: map[fleet.Target]*limits{},
		},
		assumed: map[Role]*Session{},
	}
}

// Open reads the configuration. It makes no call to AWS, but the default chain
// may ask a local metadata service.
func Open(ctx context.Context, o Options) (*Session, error) {
	s := newSession()
	s.now, s.called = o.Now, o.Called
	if o.Log != nil {
		s.log = o.Log
	}
	if o.Endpoint != nil && o.Endpoint.AnswerTime > 0 {
		s.answerTime = o.Endpoint.AnswerTime
	}
	client := awshttp.NewBuildableClient().WithTransportOptions(func(t *http.Transport) {
		t.MaxIdleConnsPerHost = 32
		t.ResponseHeaderTimeout = s.answerTime
	})
	if e := o.Endpoint; e != nil {
		s.config = aws.Config{
			Region:       string(cmp.Or(o.Region, o.Fallback)),
			Credentials:  aws.NewCredentialsCache(credentials.NewStaticCredentialsProvider(e.AccessKey, e.SecretKey, "")),
			BaseEndpoint: aws.String(e.URL),
			HTTPClient:   client,
		}
		if e.ClockScale > 0 {
			s.clockScale = e.ClockScale
		}
	} else {
		c, err := config.LoadDefaultConfig(ctx,
			config.WithHTTPClient(client),
			config.WithRegion(string(o.Region)),
			config.WithDefaultRegion(string(o.Fallback)),
			config.WithLogger(sdkLog{s.log}),
		)
		if err != nil {
			return nil, fleet.Errorf(fleet.ErrInvalid, "the AWS configuration cannot be read: %w", err)
		}
		s.config = c
		if o.ClockScale > 0 && c.BaseEndpoint != nil {
			s.clockScale = o.ClockScale
		}
	}
	// After the configuration is read, which wants to add certificates to the
	// client's transport (AWS_CA_BUNDLE).
	s.config.HTTPClient = stallGuard{s.config.HTTPClient, s.answerTime}
	// Not an option above, which would make the SDK ignore AWS_MAX_ATTEMPTS.
	s.config.Retryer = newRetryer(s.clockScale)
	s.config.APIOptions = append(s.config.APIOptions, agent(o.Agent))
	return s, nil
}

// Region is the region that the configuration names; empty if it names none.
func (s *Session) Region() fleet.Region { return fleet.Region(s.config.Region) }

// CustomEndpoint reports whether the session leads to another place than AWS,
// such as a sandbox.
func (s *Session) CustomEndpoint() bool { return s.config.BaseEndpoint != nil }

// Authenticate makes sure that there are credentials, so that their absence is
// reported once and in clear words instead of at every call.
func (s *Session) Authenticate(ctx context.Context) error {
	if s.config.Credentials != nil {
		_, err := s.config.Credentials.Retrieve(ctx)
		if err == nil {
			return nil
		}
		if raised, ok := errors.AsType[*own](err); ok {
			return raised.error
		}
		if ctx.Err() != nil {
			return fmt.Errorf("read the AWS credentials: %w", ctx.Err()) // they may be good
		}
		s.log.DebugContext(ctx, "no credentials", "error", err)
		// The instance's role is what the chain tries when nothing else is
		// configured.
		if !strings.Contains(err.Error(), "EC2 IMDS") {
			return fleet.Errorf(fleet.ErrCredentials, "the AWS credentials cannot be read: %w; with single sign-on, run `aws sso login`", root(err))
		}
	}
	return fleet.Errorf(fleet.ErrCredentials, "no AWS credentials found; set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or run `aws configure`")
}

// in is the configuration for one region. Its requests pass the session's middleware.
func (s *Session) in(region fleet.Region) aws.Config {
	c := s.config.Copy()
	c.Region = string(region)
	c.APIOptions = append(slices.Clip(c.APIOptions), s.observe) // others have the same slice
	return c
}

// global is the region that holds the services which a partition of AWS has
// once: Cost Explorer and Organizations.
func (s *Session) global() fleet.Region {
	if strings.HasPrefix(string(s.Region()), "cn-") {
		return "cn-northwest-1"
	}
	return "us-east-1"
}

// limitsOf gives the client-side token buckets of the session's account in a
// region, which all its clients share.
func (s *Session) limitsOf(region fleet.Region) *limits {
	s.common.mu.Lock()
	defer s.common.mu.Unlock()
	target := fleet.Target{Account: s.account, Region: region}
	q, ok := s.limits[target]
	if !ok {
		q = newLimits(s.clockScale)
		s.limits[target] = q
	}
	return q
}

// maxBackoff is the longest pause between two tries of one request.
const maxBackoff = 20 * time.Second
