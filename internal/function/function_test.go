package function

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/lambda/messages"
	"github.com/google/go-cmp/cmp"

	"nightshift/internal/fleet"
	"nightshift/internal/power"
)

// ask hands an event to a function that has 20 seconds for it.
func ask(t *testing.T, h Handler, text string) (string, error) {
	t.Helper()
	h.Log, h.Env = slog.New(slog.DiscardHandler), func(string) string { return "" }
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	answer, err := h.Invoke(ctx, []byte(text))
	return string(answer), err
}

// runJob does a job in a function that has 20 seconds for it.
func runJob(t *testing.T, do job, r Request) (any, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	return Handler{Log: slog.New(slog.DiscardHandler), Env: func(string) string { return "" }}.run(ctx, do, r)
}

// A job has the function's time but for a second to answer, and is cancelled ten
// seconds before, or a fifth, to begin nothing new.
func TestJobsEndInTime(t *testing.T) {
	asked := Request{Action: actionPower, DryRun: true}
	got, err := runJob(t, func(ctx context.Context, r Request, closing <-chan struct{}) (result, error) {
		deadline, ok := ctx.Deadline()
		if left := time.Until(deadline); !ok || left < 18*time.Second || left > 19*time.Second {
			t.Errorf("calls may take %s of 20s, want a second left to answer", left)
		}
		select {
		case <-closing:
			t.Error("closed from the beginning")
		default:
		}
		return result{answer: r}, nil
	}, asked)
	if got != asked || err != nil {
		t.Errorf("got %v %v", got, err)
	}
}

// An event that is not understood fails, and nothing is done.
func TestInvalidEvent(t *testing.T) {
	got, err := ask(t, Handler{}, `{"action":"power","tag":"Schedule=night"}`)
	want := messages.InvokeResponse_Error{Type: "InvalidEvent", Message: "invalid event: tag: the action power follows the rules of the configuration, not a tag"}
	if diff := cmp.Diff(error(want), err); diff != "" || got != "" {
		t.Errorf("got %s (-want +got)\n%s", got, diff)
	}
}

func TestRulesNeedAConfiguration(t *testing.T) {
	for _, action := range []string{"power", "check"} {
		got, err := ask(t, Handler{}, `{"action":"`+action+`"}`)
		want := messages.InvokeResponse_Error{Type: "Invalid", Message: "no configuration: set NIGHTSHIFT_CONFIG"}
		if diff := cmp.Diff(error(want), err); diff != "" || got != "" {
			t.Errorf("got %s (-want +got)\n%s", got, diff)
		}
	}
}

// A failure of the whole is one of the invocation: AWS Lambda tries again. Its
// name is that of its kind, wherever in the error that is.
func TestFailuresHaveStableNames(t *testing.T) {
	for _, tt := range []struct {
		err  error
		want messages.InvokeResponse_Error
	}{
		{fmt.Errorf("%s", "no luck\n"), messages.InvokeResponse_Error{Type: "Failed", Message: "no luck"}},
		{fleet.Errorf(fleet.ErrInvalid, "no configuration"), messages.InvokeResponse_Error{Type: "Invalid", Message: "no configuration"}},
		{
			errors.Join(errors.New("one"), &fleet.Refusal{Kind: fleet.ErrDenied, Action: "ec2:StopInstances", Code: "UnauthorizedOperation", Message: "no"}),
			messages.InvokeResponse_Error{Type: "Denied", Message: "one\nec2:StopInstances: UnauthorizedOperation: no"},
		},
		{fmt.Errorf("read: %w", fleet.ErrCredentials), messages.InvokeResponse_Error{Type: "Credentials", Message: "read: credentials"}},
		{fmt.Errorf("read: %w", fleet.ErrThrottled), messages.InvokeResponse_Error{Type: "Throttled", Message: "read: throttled"}},
		{fmt.Errorf("read: %w", fleet.ErrUnavailable), messages.InvokeResponse_Error{Type: "Unavailable", Message: "read: unavailable"}},
		{fmt.Errorf("read: %w", fleet.ErrNotFound), messages.InvokeResponse_Error{Type: "NotFound", Message: "read: not found"}},
		{fleet.Errorf(fleet.ErrNoTime, "too slow"), messages.InvokeResponse_Error{Type: "Timeout", Message: "too slow"}},
		{fmt.Errorf("read: %w", context.DeadlineExceeded), messages.InvokeResponse_Error{Type: "Timeout", Message: "read: context deadline exceeded"}},
		{errors.New(strings.Repeat("x", 300_000)), messages.InvokeResponse_Error{Type: "Failed", Message: strings.Repeat("x", 3999) + "…"}},
	} {
		got, err := runJob(t, func(context.Context, Request, <-chan struct{}) (result, error) {
			return result{answer: power.Summary{}}, tt.err
		}, Request{Action: actionPower})
		err = invocationError(err)
		if diff := cmp.Diff(error(tt.want), err); diff != "" || got != nil {
			t.Errorf("got %v (-want +got)\n%s", got, diff)
		}
	}
}
