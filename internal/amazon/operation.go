package amazon

import (
	"context"
	"errors"
	"maps"
	"slices"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"

	"nightshift/internal/fleet"
)

// operation is one captured operation of the SDK. What is captured is a method
// value, so that the linker keeps the methods that are captured and no others:
// 27 of the more than 700 of EC2.
//
// It cannot do so for S3 and STS. The binary has code that calls methods by
// names found at run time (html/template, and a copier of excelize's), for which
// every exported method of a type that is ever put into an interface is kept;
// and s3.New puts its client into one, to ask for sessions of directory buckets
// (finalizeExpressCredentials), as the configuration does with that of STS, for
// tokens of web identities (assumeWebIdentity). So all 113 operations of S3 and
// 12 of STS are linked, whatever is done here.
type operation[In, Out any] func(context.Context, *In) (*Out, error)

// capture takes an operation out of its client under its IAM action, such as
// "ec2:StopInstances". It translates errors, and when AWS says that the
// credentials have expired it fetches new ones and asks once more.
func capture[In, Out, Opts any](
	s *Session, action string, do func(context.Context, *In, ...func(*Opts)) (*Out, error),
) operation[In, Out] {
	return refreshed(s, captureOnce(s, action, do))
}

// captureOnce is capture for operations that cannot simply be asked again,
// because asking uses up their input.
func captureOnce[In, Out, Opts any](
	s *Session, action string, do func(context.Context, *In, ...func(*Opts)) (*Out, error),
) operation[In, Out] {
	s.captured.add(action)
	return func(ctx context.Context, in *In) (*Out, error) {
		out, err := do(ctx, in)
		if errors.Is(err, context.DeadlineExceeded) && ctx.Err() == nil { // not our time was over, but that for an answer
			return out, fleet.Errorf(fleet.ErrUnavailable, "%s: no answer came within %s; check the network and try again", action, s.answerTime)
		}
		return out, translate(action, err)
	}
}

// refreshed asks again with new credentials when the old ones have expired.
func refreshed[In, Out any](s *Session, ask operation[In, Out]) operation[In, Out] {
	return func(ctx context.Context, in *In) (*Out, error) {
		out, err := ask(ctx, in)
		if refusal, ok := errors.AsType[*fleet.Refusal](err); ok && expired(refusal.Code) {
			if cache, ok := s.config.Credentials.(*aws.CredentialsCache); ok {
				cache.Invalidate()
				out, err = ask(ctx, in)
			}
		}
		return out, err
	}
}

func expired(code string) bool {
	return slices.Contains([]string{"ExpiredToken", "ExpiredTokenException", "RequestExpired"}, code)
}

// actions are the IAM actions of the operations that a session has captured.
type actions struct {
	mu    sync.Mutex
	names map[string]bool
}

func (a *actions) add(name string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.names == nil {
		a.names = map[string]bool{}
	}
	a.names[name] = true
}

// list gives the actions in alphabetical order.
func (a *actions) list() []string {
	a.mu.Lock()
	defer a.mu.Unlock()
	return slices.Sorted(maps.Keys(a.names))
}

// Actions lists the IAM actions of all operations that this package captures,
// in alphabetical order. It needs neither credentials nor network.
func Actions() []string {
	s := newSession()
	s.config.Region = "us-east-1"
	s.Fleet(s.Region())
	s.Copies(s.Region())
	s.Bin(s.Region())
	s.Blocks(s.Region(), nil)
	s.Recovery(s.Region())
	s.Keys(s.Region())
	s.Quotas(s.Region())
	s.Databases(s.Region())
	s.Clusters(s.Region())
	s.Groups(s.Region())
	s.Prices()
	s.Objects("bucket", "")
	s.parameters()
	s.secrets(s.Region())
	s.publishing(s.Region())
	s.identity()
	s.regions(s.Region())
	s.members()
	s.roles(Role{})
	s.Metrics(s.Region(), nil)
	s.CostExplorer(nil)
	s.Stacks(s.Region())
	s.Artifacts("", s.Region())
	s.Functions(s.Region())
	s.Topics(s.Region())
	return s.captured.list()
}
