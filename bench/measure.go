package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"slices"
	"strings"
	"time"

	"nightshift/internal/sandbox"
)

// seedBucket is the bucket that cost_report.py writes to.
const seedBucket = "s3-skons-cost-01"

// usage is what one process took.
type usage struct {
	Wall   time.Duration
	CPU    time.Duration // in the process and in the system for it
	Peak   int64         // bytes of the highest resident set; 0 where the system does not report it
	Code   int           // exit code
	Stdout string
	Stderr string

	calls map[string]int // by "service:Action"
}

// total and pricing count calls.
func (u usage) total() int {
	n := 0
	for _, count := range u.calls {
		n += count
	}
	return n
}

func (u usage) pricing() int { return u.calls["pricing:GetProducts"] }

// measure runs a command and writes its usage as JSON. It does so in a small
// process of its own: Linux lets a process begin with the peak of the one that
// started it, and bench, which holds the sandbox, is large.
func measure(ctx context.Context, args []string, out io.Writer) error {
	cmd := exec.CommandContext(ctx, args[0], args[1:]...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	begin := now()
	err := cmd.Run()
	wall := now().Sub(begin)
	if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) {
		return err
	}
	return json.NewEncoder(out).Encode(usage{
		Wall: wall, CPU: cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime(), Peak: peak(cmd.ProcessState), Code: cmd.ProcessState.ExitCode(),
		Stdout: stdout.String(), Stderr: stderr.String(),
	})
}

// now is the time that bench measures with.
func now() time.Time { return time.Now() } //nolint:forbidigo // a stopwatch

// usageOf measures a command that uses the account. An exit code that is not
// among the allowed ones is an error.
func (b *bench) usageOf(ctx context.Context, account *sandbox.Server, allowed []int, args ...string) (usage, error) {
	if account != nil {
		account.Sandbox().ResetCalls()
	}
	cmd := exec.CommandContext(ctx, b.self, append([]string{measureFlag}, args...)...)
	cmd.Dir = b.dir
	cmd.Env = append(os.Environ(), "PYTHONDONTWRITEBYTECODE=1") //nolint:forbidigo // the child's environment
	if account != nil {
		cmd.Env = append(cmd.Env, reach(account)...)
	}
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return usage{}, fmt.Errorf("%v: %w\n%s", args, err, stderr.Bytes())
	}
	var u usage
	if err := json.Unmarshal(out, &u); err != nil {
		return usage{}, fmt.Errorf("%v: %w", args, err)
	}
	if !slices.Contains(allowed, u.Code) {
		return usage{}, fmt.Errorf("%v: exit code %d\n%s%s", args, u.Code, u.Stdout, u.Stderr)
	}
	u.calls = map[string]int{}
	if account != nil {
		for _, c := range account.Sandbox().Calls() {
			u.calls[c.Service+":"+c.Action]++
		}
	}
	return u, nil
}

// reach is the environment with which a process uses the account and nothing
// else of the machine's AWS configuration.
func reach(account *sandbox.Server) []string {
	return []string{
		"AWS_ENDPOINT_URL=" + account.URL(),
		"AWS_ACCESS_KEY_ID=" + sandbox.AccessKey, "AWS_SECRET_ACCESS_KEY=" + sandbox.SecretKey, "AWS_SESSION_TOKEN=",
		"AWS_REGION=" + sandbox.DefaultRegion, "AWS_DEFAULT_REGION=" + sandbox.DefaultRegion,
		"AWS_CONFIG_FILE=" + os.DevNull, "AWS_SHARED_CREDENTIALS_FILE=" + os.DevNull,
		"NIGHTSHIFT_TAG=", "NIGHTSHIFT_REGIONS=", "NIGHTSHIFT_PREFIX=", "NIGHTSHIFT_TIMEZONE=",
	}
}

// serve starts a sandbox whose clock does not move.
func (b *bench) serve(o sandbox.Options) (*sandbox.Server, error) {
	o.Start, o.Speed, o.Buckets, o.Types = b.start, -1, []string{seedBucket}, b.types
	if o.Latency == 0 {
		o.Latency = b.latency
	}
	account, err := sandbox.New(o)
	if err != nil {
		return nil, err
	}
	return account.Listen("127.0.0.1:0")
}

// median is the usage with the median wall time.
func median(runs []usage) usage {
	runs = slices.SortedFunc(slices.Values(runs), func(a, b usage) int { return int(a.Wall - b.Wall) })
	return runs[len(runs)/2]
}

// callList writes the calls of a process, most frequent first.
func (u usage) callList() string {
	names := slices.SortedFunc(maps.Keys(u.calls), func(a, b string) int { return u.calls[b] - u.calls[a] })
	var list strings.Builder
	for _, name := range names {
		_, _ = fmt.Fprintf(&list, " %s %d", name, u.calls[name])
	}
	return list.String()
}
