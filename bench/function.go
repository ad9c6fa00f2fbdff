package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"time"

	"nightshift/internal/sandbox"
)

// starts is how many cold starts are measured.
const starts = 20

// coldStart measures the time from the start of the function's process until it
// asks the Lambda Runtime API for its first event.
func (b *bench) coldStart(ctx context.Context) error {
	b.say("%d cold starts of the function", starts)
	var times []time.Duration
	for range starts {
		took, err := b.oneStart(ctx)
		if err != nil {
			return err
		}
		times = append(times, took)
	}
	slices.Sort(times)
	middle := times[len(times)/2]
	b.print("\nCold start of the function, median of %d: %s (from %s to %s)\n",
		starts, millis(middle), millis(times[0]), millis(times[len(times)-1]))
	b.goal("cold start", "at most 60 ms", millis(middle), middle <= 60*time.Millisecond)
	return nil
}

func (b *bench) oneStart(ctx context.Context) (time.Duration, error) {
	polled := make(chan time.Time, 1)
	var once sync.Once
	api := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/2018-06-01/runtime/invocation/next" {
			once.Do(func() { polled <- now() })
		}
		<-r.Context().Done() // there is no event
	}))
	defer api.Close()
	ctx, stop := context.WithTimeout(ctx, 10*time.Second)
	defer stop()
	cmd := exec.CommandContext(ctx, b.binary)
	cmd.Env = []string{
		"AWS_LAMBDA_RUNTIME_API=" + strings.TrimPrefix(api.URL, "http://"), "AWS_REGION=" + sandbox.DefaultRegion,
		"AWS_ACCESS_KEY_ID=" + sandbox.AccessKey, "AWS_SECRET_ACCESS_KEY=" + sandbox.SecretKey, "HOME=" + os.TempDir(),
	}
	begin := now()
	if err := cmd.Start(); err != nil {
		return 0, err
	}
	defer func() {
		stop()
		_ = cmd.Wait() // it was killed
	}()
	select {
	case at := <-polled:
		return at.Sub(begin), nil
	case <-ctx.Done():
		return 0, fmt.Errorf("the function did not ask for an event: %w", ctx.Err())
	}
}

// The fleet that the function switches within the smallest memory of a function.
const (
	functionFleet  = 5000
	functionMemory = 128e6
)

// functionRules stop every machine at any time.
const functionRules = `timezone: UTC
schedules: {never: {never: true}}
power: {allow_untagged: true, rules: [{schedule: never, enforce: true, include_managed: true}]}
`

// memory runs power once on 5,000 instances, as the deployed function does: the
// event comes from the Runtime API, the configuration from S3, and Go's own limit
// is that of the template.
func (b *bench) memory(ctx context.Context) error {
	account, err := b.serve(sandbox.Options{Fleet: functionFleet})
	if err != nil {
		return err
	}
	defer account.Close()
	const key = "nightshift.yaml"
	put := httptest.NewRequest(http.MethodPut, "/"+seedBucket+"/"+key, strings.NewReader(functionRules))
	put.Header.Set("Content-Length", fmt.Sprint(len(functionRules)))
	if err := send(account.Sandbox(), "s3", put); err != nil {
		return err
	}
	b.say("power on %s instances by the function", count(functionFleet))
	var answer struct {
		Data struct{ Stopped, Failed []any }
	}
	var raw []byte
	api := oneEvent(`{"action": "power"}`, &raw)
	defer api.Close()
	u, err := b.usageOf(ctx, account, []int{1}, append(b.limited(), "env",
		"AWS_LAMBDA_RUNTIME_API="+strings.TrimPrefix(api.URL, "http://"), "NIGHTSHIFT_CONFIG=s3://"+seedBucket+"/"+key,
		"NIGHTSHIFT_PREFIX=s3://"+seedBucket, "GOMEMLIMIT=400MiB", fmt.Sprintf("NIGHTSHIFT_SANDBOX_SPEED=%g", bucketSpeed), b.binary)...)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(raw, &answer); err != nil {
		return fmt.Errorf("the function answered %q: %w\n%s", raw, err, u.Stderr)
	}
	stopped, failed := len(answer.Data.Stopped), len(answer.Data.Failed)
	b.print("\nPower on %s instances by the function: %s stopped in one run, peak memory %s\n",
		count(functionFleet), count(stopped), megabytes(u.Peak))
	b.goal("power on 5,000 instances, peak memory", "at most "+megabytes(functionMemory), megabytes(u.Peak), u.Peak <= functionMemory)
	b.goal("power on 5,000 instances, none failed", "0", count(failed), stopped > 0 && failed == 0)
	return nil
}

// limited begins a command that the memory control group holds, if one is named.
// Limits of the shell are of no use here: they count what Go only reserves.
func (b *bench) limited() []string {
	if b.cgroup == "" {
		return nil
	}
	return []string{"sh", "-c", `echo $$ >"$0/cgroup.procs" && exec "$@"`, b.cgroup}
}

// oneEvent is a Runtime API with a single event. Whoever asks for another one is
// refused, which ends the function.
func oneEvent(event string, answer *[]byte) *httptest.Server {
	var once sync.Once
	return httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			*answer, _ = io.ReadAll(r.Body) // what is missing is no JSON
			w.WriteHeader(http.StatusAccepted)
			return
		}
		served := false
		once.Do(func() {
			served = true
			w.Header().Set("Lambda-Runtime-Aws-Request-Id", "1")
			w.Header().Set("Lambda-Runtime-Deadline-Ms", fmt.Sprint(now().Add(15*time.Minute).UnixMilli()))
			_, _ = io.WriteString(w, event) // the function may have ended
		})
		if !served {
			w.WriteHeader(http.StatusGone)
		}
	}))
}

func millis(d time.Duration) string { return fmt.Sprintf("%.1f ms", float64(d.Microseconds())/1000) }
