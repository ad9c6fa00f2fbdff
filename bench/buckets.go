package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"nightshift/internal/sandbox"
)

// The fleet that is stopped within EC2's token buckets, and how much faster
// than real time the account's clock runs meanwhile.
const (
	bucketFleet = 20_400 // about 10,000 of them carry the tag and can be stopped
	bucketSpeed = 10.0
)

// EC2's documented buckets of StopInstances: 1,000 instances, and 20 more a
// second ("Request throttling for the Amazon EC2 API", EC2 Developer Guide).
const (
	stopIDs     = 1000
	stopsSecond = 20
)

// buckets stops a fleet of 10,000 instances on an account that applies EC2's
// token buckets, by tag and by schedule, next to the script.
func (b *bench) buckets(ctx context.Context) error {
	o := sandbox.Options{Fleet: bucketFleet, Types: b.types, Start: b.start, Throttle: true}
	account, tagged, err := b.throttled(o)
	if err != nil {
		return err
	}
	defer func() { account.Close() }()
	alone := time.Duration(tagged-stopIDs) * time.Second / stopsSecond
	b.print("\nTo stop %s tagged instances, all of which can be, within EC2's token buckets,\nwhich alone take %s (the account's clock runs %g times faster than ours)\n",
		count(tagged), alone, bucketSpeed)
	t := newTable(b.out)
	t.row("", "account's time", "× the buckets", "peak memory", "requests throttled", "stopped")
	if b.seed != nil {
		b.say("stop_start.py, stop of %s", count(tagged))
		u, err := b.usageOf(ctx, account, []int{0, 1}, b.seed.command("stop_start.py", `{"action": "stop"}`)...)
		if err != nil {
			return err
		}
		t.row("stop_start.py", duration(time.Duration(float64(u.Wall)*bucketSpeed)), "", megabytes(u.Peak), count(refusedForTokens(account)), count(stopped(account)))
		defer b.print("stop_start.py ends with: %s\n", short(lastLine(u.Stderr+u.Stdout)))
	}
	config := filepath.Join(b.dir, "never.yaml")
	if err := os.WriteFile(config, []byte("timezone: UTC\nschedules: {never: {never: true}}\npower: {rules: [{tag: AutoStopStart=Yes, schedule: never, enforce: true}]}\n"), 0o600); err != nil {
		return err
	}
	for _, command := range [][]string{{"stop", "--wait=false", "--json"}, {"power", "apply", "--config", config, "--wait=false", "--json"}} {
		if err := account.Close(); err != nil {
			return err
		}
		if account, tagged, err = b.throttled(o); err != nil {
			return err
		}
		b.say("nightshift %s of %s", command[0], count(tagged))
		u, err := b.usageOf(ctx, account, []int{0}, append([]string{"env", fmt.Sprintf("NIGHTSHIFT_SANDBOX_SPEED=%g", bucketSpeed), b.binary}, command...)...)
		if err != nil {
			return err
		}
		took := time.Duration(float64(u.Wall) * bucketSpeed)
		ratio := float64(took) / float64(alone)
		t.row("nightshift "+command[0], duration(took), fmt.Sprintf("%.2f", ratio), megabytes(u.Peak), count(refusedForTokens(account)), count(stopped(account)))
		b.goal("nightshift "+command[0]+" of 10,000, time", "at most 1.15 × the buckets", fmt.Sprintf("%.2f ×", ratio), ratio <= 1.15)
		b.goal("nightshift "+command[0]+" of 10,000, all stopped, none failed", count(tagged), count(stopped(account)), stopped(account) == tagged && failures(u.Stdout) == 0)
	}
	return t.Flush()
}

// throttled serves an account whose tagged instances can all be stopped, with
// full buckets and a clock that runs fast.
func (b *bench) throttled(o sandbox.Options) (*sandbox.Server, int, error) {
	o.Speed, o.Buckets = bucketSpeed, []string{seedBucket}
	account, err := sandbox.New(o)
	if err != nil {
		return nil, 0, err
	}
	tagged, err := easy(account, o)
	if err != nil {
		return nil, 0, err
	}
	server, err := account.Listen("127.0.0.1:0")
	return server, tagged, err
}

// refusedForTokens counts the requests that the account refused for lack of
// tokens.
func refusedForTokens(account *sandbox.Server) int {
	n := 0
	for _, c := range account.Sandbox().Calls() {
		if c.Code == "RequestLimitExceeded" {
			n++
		}
	}
	return n
}

// stopped counts the tagged instances that no longer run.
func stopped(account *sandbox.Server) int {
	n := 0
	for _, i := range account.Sandbox().Instances(sandbox.DefaultRegion) {
		if i.Tags["AutoStopStart"] == "Yes" && (i.State == "stopping" || i.State == "stopped") {
			n++
		}
	}
	return n
}

// failures counts the instances that an answer of nightshift calls failed.
func failures(answer string) int {
	var a struct {
		Failed []any
		Data   struct{ Failed []any }
	}
	if err := json.Unmarshal([]byte(answer), &a); err != nil {
		return 1
	}
	return len(a.Failed) + len(a.Data.Failed)
}

// lastLine is the end of an output, where Python says what went wrong.
func lastLine(text string) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	return lines[len(lines)-1]
}
