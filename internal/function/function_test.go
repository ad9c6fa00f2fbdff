package function

import (
	"context"
	"encoding/json"
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
	h.Log = slog.New(slog.DiscardHandler)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	answer, err := h.Invoke(ctx, []byte(text))
	return string(answer), err
}

func TestSchedules(t *testing.T) {
	summary := power.Summary{Status: "stopped 1, started 0", Stopped: []power.Act{}, Started: []power.Act{}, DryRun: true}
	h := Handler{Schedules: func(ctx context.Context, r Request, closing <-chan struct{}) (power.Summary, error) {
		deadline, ok := ctx.Deadline()
		if left := time.Until(deadline); !ok || left < 18*time.Second || left > 19*time.Second {
			t.Errorf("calls may take %s of 20s, want a second left to answer", left)
		}
		select {
		case <-closing:
			t.Error("closed from the beginning")
		default:
		}
		if !r.DryRun {
			t.Error("not a dry run")
		}
		return summary, nil
	}}
	data, err := json.Marshal(summary)
	if err != nil {
		t.Fatal(err)
	}
	got, err := ask(t, h, `{"action":"power","dry_run":true,"scheduled_at":"2020-01-01T00:00:00Z"}`)
	want := `{"version":1,"kind":"power","data":` + string(data) + `}`
	if got != want || err != nil {
		t.Errorf("got  %s %v\nwant %s", got, err, want)
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

func TestSchedulesMissing(t *testing.T) {
	got, err := ask(t, Handler{}, `{"action":"power"}`)
	if want := `{"status":"invalid action"}`; got != want || err != nil {
		t.Errorf("got %s %v, want %s", got, err, want)
	}
}

// A failure of the whole is one of the invocation: AWS Lambda tries again. Its
// name is that of its kind, wherever in the error that is.
func TestSchedulesFail(t *testing.T) {
	for _, tt := range []struct {
		err  error
		want messages.InvokeResponse_Error
	}{
		{errors.New("no luck\n"), messages.InvokeResponse_Error{Type: "Failed", Message: "no luck"}},
		{fleet.Errorf(fleet.ErrInvalid, "no configuration"), messages.InvokeResponse_Error{Type: "Invalid", Message: "no configuration"}},
		{errors.Join(errors.New("one"), &fleet.Refusal{Kind: fleet.ErrDenied, Action: "ec2:StopInstances", Code: "UnauthorizedOperation", Message: "no"}),
			messages.InvokeResponse_Error{Type: "Denied", Message: "one\nec2:StopInstances: UnauthorizedOperation: no"}},
		{fmt.Errorf("read: %w", fleet.ErrCredentials), messages.InvokeResponse_Error{Type: "Credentials", Message: "read: credentials"}},
		{fmt.Errorf("read: %w", fleet.ErrThrottled), messages.InvokeResponse_Error{Type: "Throttled", Message: "read: throttled"}},
		{fmt.Errorf("read: %w", fleet.ErrUnavailable), messages.InvokeResponse_Error{Type: "Unavailable", Message: "read: unavailable"}},
		{fmt.Errorf("read: %w", fleet.ErrNotFound), messages.InvokeResponse_Error{Type: "NotFound", Message: "read: not found"}},
		{fleet.Errorf(fleet.ErrNoTime, "too slow"), messages.InvokeResponse_Error{Type: "Timeout", Message: "too slow"}},
		{fmt.Errorf("read: %w", context.DeadlineExceeded), messages.InvokeResponse_Error{Type: "Timeout", Message: "read: context deadline exceeded"}},
		{errors.New(strings.Repeat("x", 300_000)), messages.InvokeResponse_Error{Type: "Failed", Message: strings.Repeat("x", 3999) + "…"}},
	} {
		h := Handler{Schedules: func(context.Context, Request, <-chan struct{}) (power.Summary, error) {
			return power.Summary{}, tt.err
		}}
		got, err := ask(t, h, `{"action":"power"}`)
		if diff := cmp.Diff(error(tt.want), err); diff != "" || got != "" {
			t.Errorf("got %s (-want +got)\n%s", got, diff)
		}
	}
}
