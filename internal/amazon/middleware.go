package amazon

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"time"

	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/smithy-go"
	"github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"nightshift/internal/fleet"
)

// attemptKey holds the number of the attempt at a request.
type attemptKey struct{}

// observe puts our middleware around the SDK's retry step: what is before it
// sees a request once, what is after it sees every attempt.
func (s *Session) observe(stack *middleware.Stack) error {
	begin := func(ctx context.Context, in middleware.FinalizeInput, next middleware.FinalizeHandler) (
		middleware.FinalizeOutput, middleware.Metadata, error,
	) {
		return next.HandleFinalize(context.WithValue(ctx, attemptKey{}, new(int)), in)
	}
	return errors.Join(
		stack.Finalize.Insert(middleware.FinalizeMiddlewareFunc("Attempts", begin), "Retry", middleware.Before),
		stack.Finalize.Insert(middleware.FinalizeMiddlewareFunc("Limit", s.attempt), "Retry", middleware.After),
		stack.Deserialize.Insert(middleware.DeserializeMiddlewareFunc("Recognize", recognize), "OperationDeserializer", middleware.After),
	)
}

// recognize refuses an answer of EC2 that is none. EC2's protocol has no element
// that must be there, so that anything else that is well-formed, such as the
// page of a proxy, would be taken for an account without resources.
func recognize(ctx context.Context, in middleware.DeserializeInput, next middleware.DeserializeHandler) (
	middleware.DeserializeOutput, middleware.Metadata, error,
) {
	out, metadata, err := next.HandleDeserialize(ctx, in)
	answer, ok := out.RawResponse.(*smithyhttp.Response)
	if err != nil || !ok || answer.StatusCode != http.StatusOK || awsmiddleware.GetServiceID(ctx) != "EC2" {
		return out, metadata, err
	}
	body := bufio.NewReader(answer.Body)
	begin, err := body.Peek(rootWithin)
	answer.Body = struct {
		io.Reader
		io.Closer
	}{body, answer.Body}
	root := "<" + awsmiddleware.GetOperationName(ctx) + "Response"
	if bytes.Contains(begin, []byte(root)) || err != nil && !errors.Is(err, io.EOF) {
		return out, metadata, nil // an error while reading comes again
	}
	return out, metadata, &own{fleet.Errorf(fleet.ErrUnavailable, "the answer (HTTP 200) is not one of this AWS service; check AWS_ENDPOINT_URL")}
}

// rootWithin is within how many bytes an answer names its root element.
const rootWithin = 512

// attempt sends a request once: it waits for a token of the client's own
// bucket, pays for the request where it costs something, counts it and learns
// from the answer how fast the service lets us go.
func (s *Session) attempt(ctx context.Context, in middleware.FinalizeInput, next middleware.FinalizeHandler) (
	middleware.FinalizeOutput, middleware.Metadata, error,
) {
	call := Call{
		Run: runOf(ctx), Service: awsmiddleware.GetServiceID(ctx), Action: awsmiddleware.GetOperationName(ctx),
		Region: fleet.Region(awsmiddleware.GetRegion(ctx)), Attempt: 1,
	}
	if n, ok := ctx.Value(attemptKey{}).(*int); ok {
		*n++
		call.Attempt = *n
	}
	limits := s.limitsOf(call.Region)
	if err := limits.pass(ctx, call.Service, call.Action); err != nil {
		return middleware.FinalizeOutput{}, middleware.Metadata{}, &own{err}
	}
	if err := pay(ctx); err != nil {
		return middleware.FinalizeOutput{}, middleware.Metadata{}, &own{err}
	}
	s.calls.add(call.Service, call.Action)
	counterOf(ctx).add(call.Service, call.Action)
	sent := time.Now()
	out, metadata, err := next.HandleFinalize(ctx, in)
	limits.learn(ctx, call.Service, call.Action, err)
	s.learnTime(ctx, metadata)
	if s.called != nil {
		call.Duration = time.Since(sent)
		if answer, ok := awsmiddleware.GetRawResponse(metadata).(*smithyhttp.Response); ok {
			call.Status = answer.StatusCode
		}
		if api, ok := errors.AsType[smithy.APIError](err); ok {
			call.Code = api.ErrorCode()
		}
		s.called(call)
	}
	return out, metadata, err
}

// exact is how far apart our clock and that of AWS may be without it counting:
// AWS states its time in whole seconds, and the answer was some time on its way.
const exact = 3 * time.Second

// farApart is from when on a difference of the clocks is said. AWS refuses
// signatures that differ by as much.
const farApart = 5 * time.Minute

// learnTime notes by how much the clock of AWS is ahead of ours, and warns once
// where they are far apart: one of them is wrong, and what is decided from AWS's
// time may be, too. A sandbox has a clock of its own.
func (s *Session) learnTime(ctx context.Context, metadata middleware.Metadata) {
	theirs, known := awsmiddleware.GetServerTime(metadata)
	if !known || s.now == nil {
		return
	}
	ahead := theirs.Sub(s.now())
	s.ahead.Store(int64(ahead))
	if ahead.Abs() >= farApart && !s.CustomEndpoint() && s.warned.CompareAndSwap(false, true) {
		s.log.WarnContext(ctx, "the clock of AWS and that of this machine are far apart; schedules follow AWS's; check this machine's clock and what stands between it and AWS",
			"ahead", ahead.Round(time.Second).String())
	}
}

// Emulated says whether requests go to an endpoint of somebody's own instead of to AWS.
func (s *Session) Emulated() bool { return s.config.BaseEndpoint != nil }

// Ahead is by how much the clock of AWS was ahead of ours when it last
// answered; 0 where they agree as far as can be seen. What AWS remembers of a
// machine is in its time, not in ours.
func (s *Session) Ahead() time.Duration {
	ahead := time.Duration(s.ahead.Load())
	if ahead.Abs() < exact {
		return 0
	}
	return ahead
}

// agent names nightshift and the run in the user agent.
func agent(name string) func(*middleware.Stack) error {
	if name == "" {
		name = "nightshift"
	}
	withRun := func(ctx context.Context, in middleware.BuildInput, next middleware.BuildHandler) (
		middleware.BuildOutput, middleware.Metadata, error,
	) {
		request, ok := in.Request.(*smithyhttp.Request)
		if id := runOf(ctx); ok && id != "" {
			request.Header.Set("User-Agent", request.Header.Get("User-Agent")+" run/"+agentWord(id))
		}
		return next.HandleBuild(ctx, in)
	}
	return func(stack *middleware.Stack) error {
		if err := awsmiddleware.AddUserAgentKey(name)(stack); err != nil {
			return err
		}
		return stack.Build.Insert(middleware.BuildMiddlewareFunc("Run", withRun), "UserAgent", middleware.After)
	}
}

// agentWord replaces what is not allowed in a word of a user agent.
func agentWord(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case 'a' <= r && r <= 'z', 'A' <= r && r <= 'Z', '0' <= r && r <= '9', strings.ContainsRune("-_.:+", r):
			return r
		}
		return '-'
	}, s)
}
