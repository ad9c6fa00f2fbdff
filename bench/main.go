// Command bench measures nightshift side by side with the first scripts of this
// project, stop_start.py and cost_report.py, against the same sandbox:
// wall time, peak memory and API calls. It also measures a stop of 10,000
// instances within EC2's token buckets, schedules, how the number of price list
// calls grows with a fleet, a report of 100,000 instances, a workbook of
// 100,000 rows, the cold start of the function and its memory, a plan of backups
// over 500,000 snapshots, and says which goals are met. It fails only where
// something breaks.
//
//	go run ./bench
//
// A day of the daemon with 10,000 machines takes 24 minutes, and is measured
// only where it is asked for:
//
//	go run ./bench -only day
//
// The scripts are looked for in $NIGHTSHIFT_SEED, else in ../shared/seed next to
// the module. Without them, or without a python3 with boto3 and openpyxl,
// nightshift is measured alone.
//
// It may import sandbox only.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"strings"
	"time"
)

// measureFlag makes bench the process that runs and measures one command.
const measureFlag = "-measure"

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt) //nolint:forbidigo // the process's own context
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1) //nolint:forbidigo // the process's own end
	}
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	if len(args) > 1 && args[0] == measureFlag {
		return measure(ctx, args[1:], stdout)
	}
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	flags.SetOutput(stderr)
	b := bench{out: stdout, progress: stderr, start: now()}
	flags.IntVar(&b.fleet, "fleet", 2000, "instances of the fleet; there are twice as many volumes")
	flags.IntVar(&b.types, "types", 40, "distinct instance types of the fleet")
	flags.StringVar(&b.only, "only", "", "measure one part: report, power, buckets, schedules, pricing, estate, workbook, start, memory, backup or, only so, day")
	flags.DurationVar(&b.latency, "latency", 20*time.Millisecond, "delay of every answer of the account")
	flags.StringVar(&b.cgroup, "cgroup", "", "memory control group to run the function in, such as /sys/fs/cgroup/small")
	if err := flags.Parse(args); errors.Is(err, flag.ErrHelp) {
		return nil
	} else if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "nightshift-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir) //nolint:errcheck // the system clears it in time
	b.dir = dir
	return b.all(ctx)
}

// bench is one run.
type bench struct {
	out, progress io.Writer
	fleet, types  int
	only          string // the part to measure; empty means all
	cgroup        string // of the function's process; empty means none
	latency       time.Duration

	start  time.Time // of the sandboxes
	dir    string    // temporary
	root   string    // of the module
	binary string    // nightshift as it is released
	self   string
	seed   *seed // nil where it cannot be run
	goals  []goal
}

// goal is a number that nightshift aims at.
type goal struct {
	what, aim, measured string
	met                 bool
}

func (b *bench) all(ctx context.Context) error {
	if err := b.prepare(ctx); err != nil {
		return err
	}
	b.print("%s, %s/%s, %d CPUs, which the sandbox shares with its clients\n",
		runtime.Version(), runtime.GOOS, runtime.GOARCH, runtime.NumCPU())
	for _, part := range []struct {
		name string
		run  func(context.Context) error
	}{
		{"report", b.report},
		{"power", b.power},
		{"buckets", b.buckets},
		{"schedules", b.schedules},
		{"pricing", b.pricing},
		{"estate", b.estate},
		{"workbook", b.workbook},
		{"start", b.coldStart},
		{"memory", b.memory},
		{"backup", b.backup},
		{dayPart, b.day},
	} {
		if b.only != part.name && (b.only != "" || part.name == dayPart) {
			continue
		}
		if err := part.run(ctx); err != nil {
			return err
		}
	}
	b.print("\nGoals\n")
	t := newTable(b.out)
	for _, g := range b.goals {
		verdict := "met"
		if !g.met {
			verdict = "NOT met"
		}
		t.row(g.what, g.aim, g.measured, verdict)
	}
	return t.Flush()
}

// prepare finds the module and the scripts and builds nightshift.
func (b *bench) prepare(ctx context.Context) error {
	mod, err := exec.CommandContext(ctx, "go", "env", "GOMOD").Output()
	if err != nil {
		return fmt.Errorf("go env GOMOD: %w", err)
	}
	b.root = filepath.Dir(strings.TrimSpace(string(mod)))
	if b.self, err = os.Executable(); err != nil {
		return err
	}
	b.say("building nightshift as it is released")
	b.binary = filepath.Join(b.dir, "nightshift")
	build := exec.CommandContext(ctx, "go", "build", "-tags", "lambda.norpc,nethttpomithttp2", "-trimpath", "-ldflags=-s -w", "-o", b.binary, "./cmd/nightshift")
	build.Dir, build.Env = b.root, append(os.Environ(), "CGO_ENABLED=0") //nolint:forbidigo // the tool's environment
	if out, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("build nightshift: %w\n%s", err, out)
	}
	var why string
	if b.seed, why = findSeed(ctx, b.root); b.seed == nil {
		b.print("The first scripts are not measured: %s.\n", why)
	}
	return nil
}

// print writes a part of the result; say reports on the way what is being done.
func (b *bench) print(format string, args ...any) { _, _ = fmt.Fprintf(b.out, format, args...) }

func (b *bench) say(format string, args ...any) {
	_, _ = fmt.Fprintf(b.progress, format+" …\n", args...)
}

func (b *bench) goal(what, aim, measured string, met bool) {
	b.goals = append(b.goals, goal{what, aim, measured, met})
}
