// Package function is nightshift without a human: it turns the events of AWS
// Lambda into work and the result into the answers that callers of the first
// scripts know.
//
// It may import fleet, power, text, blob and app, and is the only importer of
// aws-lambda-go.
package function

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/aws/aws-lambda-go/lambda"

	"nightshift/internal/app"
	"nightshift/internal/fleet"
	"nightshift/internal/power"
)

// Handler answers events. What differs from one deployment to the next is in
// environment variables: NIGHTSHIFT_ACTION, _TAG, _REGIONS, _BUCKET, _PREFIX, _TIMEZONE
// and _CONFIG.
type Handler struct {
	App *app.App
	Env func(name string) string
	Log *slog.Logger
}

// job does what an event asks for and gives the answer. It starts nothing new once
// closing is closed.
type job func(ctx context.Context, r Request, closing <-chan struct{}) (any, error)

// jobs are all actions that an event may ask for.
func (h Handler) jobs() map[string]job {
	return map[string]job{
		actionStop: h.stopOrStart, actionStart: h.stopOrStart, actionPower: h.followRules, actionReport: h.report, actionCheck: h.check,
	}
}

// Request is what an event asks for.
type Request struct {
	// Action is "stop", "start", "report", "power" or "check".
	Action string
	// Region and Tag replace the configured ones where they are not empty. The
	// action power takes no tag.
	Region string
	Tag    string
	DryRun bool
}

// envelope is around every answer but those of the first scripts.
type envelope struct {
	Version int    `json:"version"`
	Kind    string `json:"kind"`
	Data    any    `json:"data"`
}

// The times kept free before the function's deadline: closingTime to end what
// has begun, answerTime to answer. Of a short time it is a fifth and a
// twentieth.
const (
	closingTime = 10 * time.Second
	answerTime  = time.Second
)

// Lambda polls the Lambda Runtime API for events until the process is ended.
func (h Handler) Lambda(ctx context.Context) {
	lambda.StartWithOptions(h, lambda.WithContext(ctx))
}

// Invoke answers one event as AWS Lambda hands it over. The errors are those of
// Lambda, with a name that alarms and state machines can rely on.
func (h Handler) Invoke(ctx context.Context, payload []byte) ([]byte, error) {
	answer, err := h.Handle(ctx, payload)
	if err != nil {
		return nil, invocationError(err)
	}
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(answer); err != nil {
		return nil, invocationError(fmt.Errorf("write the answer: %w", err))
	}
	return bytes.TrimSpace(text.Bytes()), nil
}

// Handle answers one event. An error is for events that are not understood and
// for failures of the whole: Lambda then tries an asynchronous event again and
// hands it to the dead-letter queue.
func (h Handler) Handle(ctx context.Context, payload []byte) (any, error) {
	request, refusal, err := readEvent(payload, h.Env("NIGHTSHIFT_ACTION"), time.Now())
	if err != nil {
		h.Log.ErrorContext(ctx, "event refused", "reason", err)
		return nil, err
	}
	if refusal != "" {
		h.Log.ErrorContext(ctx, "event refused", "reason", refusal)
		return power.Answer{Status: refusal}, nil
	}
	h.Log.InfoContext(ctx, "event accepted", "action", request.Action, "region", request.Region, "tag", request.Tag, "dry_run", request.DryRun)
	return h.run(ctx, h.jobs()[request.Action], request)
}

// run does a job within the function's time.
func (h Handler) run(ctx context.Context, do job, r Request) (any, error) {
	closing, cancel := before(ctx, closingTime, 5)
	defer cancel()
	ctx, cancelCalls := before(ctx, answerTime, 20)
	defer cancelCalls()
	answer, err := do(ctx, r, closing.Done())
	if r.Action == actionReport && errors.Is(err, context.DeadlineExceeded) {
		err = fleet.Errorf(context.DeadlineExceeded, "the report was not finished in the function's time and nothing was uploaded; raise the function's timeout")
	}
	if err != nil {
		h.Log.ErrorContext(ctx, "event failed", "error", err)
		return nil, err
	}
	h.Log.InfoContext(ctx, "event answered", "answer", answer)
	return answer, nil
}

// before gives a context that ends some time before the function's own, or the
// given part of what is left where that is less.
func before(ctx context.Context, margin time.Duration, part time.Duration) (context.Context, context.CancelFunc) {
	deadline, ok := ctx.Deadline()
	if !ok {
		return context.WithCancel(ctx)
	}
	left := time.Until(deadline)
	return context.WithTimeout(ctx, left-min(margin, left/part))
}
