package function

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/lambdacontext"
	"github.com/google/go-cmp/cmp"

	"nightshift/internal/app"
	"nightshift/internal/config"
	"nightshift/internal/fleet"
)

// measured runs a job with an environment and reads the lines of its metrics.
func measured(t *testing.T, r Request, env map[string]string, done result, failure error) []map[string]any {
	t.Helper()
	var out bytes.Buffer
	h := Handler{Log: slog.New(slog.DiscardHandler), Env: func(name string) string { return env[name] }, Metrics: &out}
	_, _ = h.run(t.Context(), func(context.Context, Request, <-chan struct{}) (result, error) { return done, failure }, r)
	var lines []map[string]any
	for decoder := json.NewDecoder(&out); decoder.More(); {
		var line map[string]any
		if err := decoder.Decode(&line); err != nil {
			t.Fatal(err)
		}
		lines = append(lines, line)
	}
	return lines
}

// TestMetrics: each run of a stack writes one line, which says also where only a
// part failed.
func TestMetrics(t *testing.T) {
	stack := map[string]string{"NIGHTSHIFT_STACK": "night"}
	for _, tt := range []struct {
		name              string
		done              result
		err               error
		succeeded, failed float64
		age               bool
	}{
		{"all is well", result{newest: time.Now().Add(-time.Hour)}, nil, 1, 0, true},
		{"no report yet", result{}, nil, 1, 0, false},
		{"a part failed", result{partly: true}, nil, 1, 1, false},
		{"the whole failed", result{newest: time.Now().Add(-time.Hour)}, errors.New("no"), 0, 1, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			lines := measured(t, Request{Action: actionPower}, stack, tt.done, tt.err)
			if len(lines) != 1 {
				t.Fatalf("%d lines", len(lines))
			}
			line := lines[0]
			if line["Stack"] != "night" || line["Job"] != "power" || line["level"] != "INFO" || line["Succeeded"] != tt.succeeded || line["Failed"] != tt.failed {
				t.Errorf("%v", line)
			}
			age, has := line["ReportAgeSeconds"].(float64)
			if has != tt.age || has && (age < 3600 || age > 3660) {
				t.Errorf("the age is %v", line["ReportAgeSeconds"])
			}
			directives, err := json.Marshal(line["_aws"].(map[string]any)["CloudWatchMetrics"])
			if err != nil {
				t.Fatal(err)
			}
			want := `[{"Dimensions":[["Stack","Job"]],"Metrics":[{"Name":"Succeeded","Unit":"Count"},{"Name":"Failed","Unit":"Count"}`
			if tt.age {
				want += `,{"Name":"ReportAgeSeconds","Unit":"Seconds"}`
			}
			if diff := cmp.Diff(want+`],"Namespace":"nightshift"}]`, string(directives)); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
			at := time.UnixMilli(int64(line["_aws"].(map[string]any)["Timestamp"].(float64)))
			if late := time.Since(at); late < 0 || late > time.Minute {
				t.Errorf("the time is %s", at)
			}
		})
	}
	if lines := measured(t, Request{Action: actionPower}, nil, result{}, nil); len(lines) != 0 {
		t.Errorf("without a stack: %v", lines)
	}
}

// TestMetricsOfRefusals: a stop that comes too late is answered, and counts as one
// that failed.
func TestMetricsOfRefusals(t *testing.T) {
	var out bytes.Buffer
	h := Handler{Log: slog.New(slog.DiscardHandler), Env: func(name string) string { return map[string]string{"NIGHTSHIFT_STACK": "night"}[name] }, Metrics: &out}
	if _, err := h.Handle(t.Context(), []byte(`{"action":"stop","scheduled_at":"2026-01-01T00:00:00Z"}`)); err != nil {
		t.Fatal(err)
	}
	var line struct {
		Job               string
		Succeeded, Failed int
	}
	if err := json.Unmarshal(out.Bytes(), &line); err != nil || line.Job != "stop" || line.Succeeded != 0 || line.Failed != 1 {
		t.Errorf("%s, %v", out.Bytes(), err)
	}
}

// TestDryRunOfDeployment: NIGHTSHIFT_DRY_RUN counts for each event, and a value that
// is not understood fails it.
func TestDryRunOfDeployment(t *testing.T) {
	for value, want := range map[string]bool{"": false, "false": false, "true": true} {
		h := Handler{Env: func(string) string { return value }}
		if got, err := h.dryRun(); got != want || err != nil {
			t.Errorf("%q: %t, %v", value, got, err)
		}
	}
	h := Handler{Log: slog.New(slog.DiscardHandler), Env: func(name string) string { return map[string]string{"NIGHTSHIFT_DRY_RUN": "yes"}[name] }}
	if _, err := h.Handle(t.Context(), []byte(`{"action":"stop"}`)); !errors.Is(err, fleet.ErrInvalid) {
		t.Errorf("yes: %v", err)
	}
}

// TestLog: lines have Lambda's own keys and the id of the request.
func TestLog(t *testing.T) {
	var out bytes.Buffer
	ctx := lambdacontext.NewContext(t.Context(), &lambdacontext.LambdaContext{AwsRequestID: "3f5f1f5e"})
	NewLog(&out).With("job", "power").WarnContext(ctx, "not all is done", "failed", 2)
	var line map[string]any
	if err := json.Unmarshal(out.Bytes(), &line); err != nil {
		t.Fatal(err)
	}
	if _, err := time.Parse(time.RFC3339, line["timestamp"].(string)); err != nil {
		t.Error(err)
	}
	delete(line, "timestamp")
	if diff := cmp.Diff(map[string]any{"level": "WARN", "message": "not all is done", "job": "power", "failed": 2.0, "requestId": "3f5f1f5e"}, line); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

// TestMetricsLevel: the configuration says how much is written, also where the run
// fails.
func TestMetricsLevel(t *testing.T) {
	stack := map[string]string{"NIGHTSHIFT_STACK": "night"}
	for level, want := range map[config.CloudWatchMetrics]int{config.CloudWatchOff: 0, config.CloudWatchBasic: 1, config.CloudWatchFull: 4} {
		cfg := &config.Config{Metrics: config.Metrics{CloudWatch: level}}
		lines := measured(t, Request{Action: actionPower}, stack, result{config: cfg, power: &app.PowerResult{}}, errors.New("no"))
		if len(lines) != want { // of the run, of the stack, and of the schedules inline and unknown
			t.Errorf("%s: %d lines, want %d: %v", level, len(lines), want, lines)
		}
	}
}
