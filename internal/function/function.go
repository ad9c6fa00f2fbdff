// Package function is nightshift without a human: it turns the events of AWS
// Lambda into work and the result into the answers that callers of the first
// scripts know.
//
// It may import fleet, power, text, blob, config, app, metrics and notify, and is the
// only importer of aws-lambda-go.
package function

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"time"

	"github.com/aws/aws-lambda-go/lambda"

	"nightshift/internal/app"
	"nightshift/internal/config"
	"nightshift/internal/fleet"
	"nightshift/internal/notify"
	"nightshift/internal/power"
	"nightshift/internal/text"
)

// Handler answers events. What differs from one deployment to the next is in
// environment variables: NIGHTSHIFT_ACTION, _TAG, _REGIONS, _BUCKET, _PREFIX, _TIMEZONE,
// _CONFIG, _DRY_RUN and _STACK.
type Handler struct {
	App *app.App
	Env func(name string) string
	Log *slog.Logger
	// Metrics receives lines after each run where NIGHTSHIFT_STACK is set.
	Metrics io.Writer
	// Notices, if not nil, tells people what became of each run.
	Notices *notify.Notifier
}

// job does what an event asks for and gives the answer. It starts nothing new once
// closing is closed.
type job func(ctx context.Context, r Request, closing <-chan struct{}) (result, error)

// result is what became of a job that did not fail as a whole.
type result struct {
	answer any
	// partly is true where a part failed.
	partly bool
	// newest is the date of the newest report, zero where it is not known.
	newest time.Time
	// config is the configuration, power, report and backup what came of such a job; nil
	// where there is none.
	config *config.Config
	power  *app.PowerResult
	report *app.ReportResult
	backup *app.BackupResult
}

// jobs are all actions that an event may ask for.
func (h Handler) jobs() map[string]job {
	return map[string]job{
		actionStop: h.stopOrStart, actionStart: h.stopOrStart, actionPower: h.followRules, actionReport: h.report, actionCheck: h.check,
		actionBackup: h.makeBackups,
	}
}

// Request is what an event asks for.
type Request struct {
	// Action is "stop", "start", "report", "power", "check" or "backup".
	Action string
	// Region and Tag replace the configured ones where they are not empty. The
	// actions power and backup take no tag.
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
	var written bytes.Buffer
	encoder := json.NewEncoder(&written)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(answer); err != nil {
		return nil, invocationError(fmt.Errorf("write the answer: %w", err))
	}
	return bytes.TrimSpace(written.Bytes()), nil
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
		if request.Action != "" {
			h.measure(ctx, request.Action, result{}, errEvent)
		}
		return power.Answer{Status: refusal}, nil
	}
	if dry, err := h.dryRun(); err != nil || dry {
		request.DryRun = true
		if err != nil {
			h.Log.ErrorContext(ctx, "event refused", "reason", err)
			return nil, err
		}
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
	done, err := do(ctx, r, closing.Done())
	if r.Action == actionReport && errors.Is(err, context.DeadlineExceeded) {
		err = fleet.Errorf(context.DeadlineExceeded, "the report was not finished in the function's time and nothing was uploaded; raise the function's timeout")
	}
	h.measure(ctx, r.Action, done, err)
	if err != nil {
		h.Log.ErrorContext(ctx, "event failed", "error", err)
		return nil, err
	}
	h.Log.InfoContext(ctx, "event answered", "answer", done.answer)
	return done.answer, nil
}

// dryRun is whether the deployment only wants to know what would be done.
func (h Handler) dryRun() (bool, error) {
	switch value := h.Env("NIGHTSHIFT_DRY_RUN"); value {
	case "", "false":
		return false, nil
	case "true":
		return true, nil
	default:
		return false, fleet.Errorf(fleet.ErrInvalid, "NIGHTSHIFT_DRY_RUN is %q; it must be true or false", text.Clip(value, longestEcho))
	}
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
