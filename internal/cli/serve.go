package cli

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"nightshift/internal/app"
	"nightshift/internal/blob"
	"nightshift/internal/daemon"
	"nightshift/internal/fleet"
	"nightshift/internal/watch"
)

// defaultListen is where the daemon answers. The port is outside the range that
// Prometheus allots to exporters, which is full.
const defaultListen = "127.0.0.1:19847"

// serveFlags are the flags of the command serve.
type serveFlags struct {
	listen, bucket, prefix string
	observe                bool
	sweep                  time.Duration
}

func (a *commandLine) serveCommand() *cobra.Command {
	var f serveFlags
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Run the jobs of the configuration at their times, and show how the account is doing",
		Long: `Run the jobs of the configuration's section jobs at their times until the process is
ended, and answer over HTTP: /metrics for Prometheus, /healthz and /readyz.

The configuration is read anew twice a minute. One with errors is not used: the one
before stays in force. A run that was missed is made up for once; a stop or start by
tag only within 10 minutes. On SIGTERM nothing new begins, and what has begun has
40 seconds to end.

With --observe no job is run, and no permission to change anything is needed: it
shows the work of a deployed function, whose runs it reads from the journal.`,
		Example: `  nightshift serve --config nightshift.yaml --bucket my-reports
  nightshift serve --observe --config s3://my-bucket/nightshift.yaml
  nightshift serve --listen 127.0.0.1:8080`,
		RunE: func(cmd *cobra.Command, _ []string) error { return a.serve(cmd.Context(), f) },
	}
	flags := cmd.Flags()
	flags.StringVar(&f.listen, "listen", defaultListen, "address and port to answer at")
	flags.BoolVar(&f.observe, "observe", false, "run no job; only read and show")
	flags.DurationVar(&f.sweep, "sweep", 0, "how often the machines are read (default: as often as the job power runs, at most 5m)")
	flags.StringVar(&f.bucket, "bucket", "", "upload reports to this S3 bucket (default: $NIGHTSHIFT_BUCKET)")
	flags.StringVar(&f.prefix, "prefix", cmp.Or(a.Env("NIGHTSHIFT_PREFIX"), "ec2/"), "prefix of the reports' keys in the bucket")
	for _, flag := range []string{"listen", "sweep", "bucket", "prefix"} {
		complete(cmd, flag)
	}
	return cmd
}

// serve runs the daemon until the context ends.
func (a *commandLine) serve(ctx context.Context, f serveFlags) error {
	ref, err := a.configRef()
	if err != nil {
		return err
	}
	if ref.IsZero() {
		return errNoConfig()
	}
	if f.sweep != 0 && f.sweep < time.Minute {
		return fleet.Errorf(fleet.ErrInvalid, "--sweep %s: must be 1m or longer", f.sweep)
	}
	options, err := a.daemonOptions(ctx, f)
	if err != nil {
		return err
	}
	listener, err := daemon.Listen(f.listen)
	if err != nil {
		return err
	}
	d := daemon.New(options)
	if !a.quiet {
		fmt.Fprintf(a.Stderr, "nightshift listens at http://%s; stop it with Ctrl-C\n", listener.Addr())
	}
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return daemon.Serve(ctx, listener, d.Handler(), options.Log) })
	group.Go(func() error { return d.Run(ctx) })
	return group.Wait()
}

// daemonOptions are the parts that the daemon works with.
func (a *commandLine) daemonOptions(ctx context.Context, f serveFlags) (daemon.Options, error) {
	o := daemon.Options{Now: a.Now, Log: a.daemonLog(), Observe: f.observe, Sweep: f.sweep}
	o.CostInput.DefaultTimezone = a.Env("NIGHTSHIFT_TIMEZONE")
	var err error
	if o.Tag, err = fleet.ParseTag(cmp.Or(a.Env("NIGHTSHIFT_TAG"), defaultTag)); err != nil {
		return o, err
	}
	if bucket := cmp.Or(f.bucket, a.Env("NIGHTSHIFT_BUCKET")); bucket != "" {
		if !blob.IsBucket(bucket) {
			return o, fleet.Errorf(fleet.ErrInvalid, "--bucket %q: not the name of a bucket", bucket)
		}
		o.Reports = blob.Ref{Scheme: blob.S3, Bucket: bucket, Path: f.prefix}
	}
	sel := a.selection(app.Selection{})
	if sel.Config, err = a.configRef(); err != nil {
		return o, err
	}
	if speed, _ := strconv.ParseFloat(a.Env("NIGHTSHIFT_SANDBOX_SPEED"), 64); speed > 0 {
		if o.Now, err = a.sandboxClock(ctx, sel, speed); err != nil {
			return o, err
		}
		o.Speed = speed
	}
	options := a.options()
	options.Now, options.Log, options.Observer = o.Now, o.Log, nil
	o.App = app.New(options)
	o.Locks = filepath.Join(cmp.Or(options.CacheDir, os.TempDir()), "nightshift")
	o.Watcher = watch.New(watch.Options{App: o.App, Selection: sel, Now: o.Now, Log: o.Log, Timezone: o.CostInput.DefaultTimezone})
	return o, nil
}

// sandboxClock is the clock of a sandbox that runs faster than ours. Schedules follow
// the clock of AWS anyway; the times of jobs would otherwise be those of another day.
func (a *commandLine) sandboxClock(ctx context.Context, sel app.Selection, speed float64) (func() time.Time, error) {
	sel.Reading = nil
	s, err := a.jobs().Open(ctx, sel)
	if err != nil {
		return nil, err
	}
	theirs, err := s.AskTime(ctx)
	if err != nil {
		return nil, err
	}
	asked := a.Now()
	return func() time.Time {
		return theirs.Add(time.Duration(float64(a.Now().Sub(asked)) * speed))
	}, nil
}

// daemonLog is the log of a process that lives long: what its jobs did is worth a line.
func (a *commandLine) daemonLog() *slog.Logger {
	return a.loggerFrom(slog.LevelInfo)
}
