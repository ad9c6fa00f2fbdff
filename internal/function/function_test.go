package function

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"testing"
	"time"

	"nightshift/internal/power"
)

// ask hands an event to a function that has 20 seconds for it.
func ask(t *testing.T, h Handler, text string) (string, error) {
	t.Helper()
	h.Log = slog.New(slog.DiscardHandler)
	var event Event
	if err := json.Unmarshal([]byte(text), &event); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	answer, err := h.Handle(ctx, event)
	if err != nil {
		return "", err
	}
	got, err := json.Marshal(answer)
	if err != nil {
		t.Fatal(err)
	}
	return string(got), nil
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
	got, err = ask(t, h, `{"action":"power","tag":"Schedule=night"}`)
	want = `{"status":"invalid tag: the action power follows the rules of the configuration, not a tag"}`
	if got != want || err != nil {
		t.Errorf("got  %s %v\nwant %s", got, err, want)
	}
}

func TestSchedulesMissing(t *testing.T) {
	got, err := ask(t, Handler{}, `{"action":"power"}`)
	if want := `{"status":"invalid action"}`; got != want || err != nil {
		t.Errorf("got %s %v, want %s", got, err, want)
	}
}

// A failure of the whole is one of the invocation: AWS Lambda tries again.
func TestSchedulesFail(t *testing.T) {
	broken := errors.New("no configuration")
	h := Handler{Schedules: func(context.Context, Request, <-chan struct{}) (power.Summary, error) {
		return power.Summary{}, broken
	}}
	if got, err := ask(t, h, `{"action":"power"}`); !errors.Is(err, broken) {
		t.Errorf("got %s %v, want the error", got, err)
	}
}
