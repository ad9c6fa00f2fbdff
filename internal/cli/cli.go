// Package cli is the command line: commands, flags, streams and exit codes. It
// parses and prints; package app does the jobs.
//
// Nothing but the main package imports it.
package cli

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/lmittmann/tint"
	"github.com/spf13/cobra"
	"golang.org/x/term"

	"nightshift/internal/app"
	"nightshift/internal/fleet"
	"nightshift/internal/function"
)

// System is what the command needs from the machine it runs on.
type System struct {
	Stdin          io.Reader
	Stdout, Stderr io.Writer
	Env            func(key string) string
	Now            func() time.Time
	// Terminal says whether Stderr is a terminal, on which progress is shown;
	// Color whether colours are welcome there.
	Terminal, Color bool
	// Interactive says whether Stdin is a terminal, at which somebody can be asked.
	Interactive bool
}

// ThisSystem is the machine of this process.
func ThisSystem() System {
	terminal := term.IsTerminal(int(os.Stderr.Fd()))
	return System{
		Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr, Env: os.Getenv, Now: time.Now,
		Terminal: terminal, Color: terminal && os.Getenv("NO_COLOR") == "",
		Interactive: term.IsTerminal(int(os.Stdin.Fd())),
	}
}

// Main runs the command line and returns the exit code of the process. Inside
// AWS Lambda it serves the function instead.
func Main(args []string, sys System) int {
	a := &commandLine{System: sys}
	if sys.Env("AWS_LAMBDA_RUNTIME_API") != "" {
		// Signals keep their default here: SIGTERM ends the process at once.
		// Lambda sends it when no more events will come, and a process that went
		// on could only fail them.
		function.Handler{
			App: app.New(a.options()), Env: sys.Env, Log: a.logger(), Metrics: sys.Stdout, Notices: a.notifier(),
		}.Lambda(context.Background())
		return exitDone
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // a second Ctrl-C ends the process at once
	out := &heard{Writer: sys.Stdout}
	a.Stdout = out
	root := a.root()
	root.SetArgs(args)
	root.SetOut(out)
	root.SetErr(sys.Stderr)
	err := root.ExecuteContext(ctx)
	if out.err != nil && err == nil {
		err = fmt.Errorf("print the answer: %w", out.err)
	}
	if err != nil && ctx.Err() != nil {
		fmt.Fprintln(sys.Stderr, "nightshift: interrupted")
		return exitInterrupted
	}
	a.complain(err)
	return exitCode(err)
}

// heard is an output that remembers that it could not be written: what nobody
// can read is not done.
type heard struct {
	io.Writer
	err error
}

func (h *heard) Write(p []byte) (int, error) {
	n, err := h.Writer.Write(p)
	if err != nil && h.err == nil {
		h.err = err
	}
	return n, err
}

// commandLine is the command line with its global flags.
type commandLine struct {
	System
	regions, accounts    []string
	config               string
	json, quiet, verbose bool
	// app runs the jobs; it is made when the flags are known.
	app       *app.App
	progress  *progress
	announced bool // which configuration is in force
	stdin     *bufio.Reader
}

func (a *commandLine) root() *cobra.Command {
	root := &cobra.Command{
		Use:   "nightshift",
		Short: "The night crew for an AWS account",
		Long: "nightshift stops and starts machines by tag and by schedule, and writes the cost\n" +
			"report of EC2 and EBS as a workbook to S3. It uses the credentials, profile, region and\n" +
			"endpoint of the AWS SDK's default chain, like the AWS CLI.\n\n" +
			"Try it without an AWS account: nightshift demo",
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          cobra.NoArgs,
		RunE:          func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	flags := root.PersistentFlags()
	flags.StringArrayVar(&a.regions, "region", nil, "region to work in; repeat for several, or \"all\" (default: the configured region)")
	flags.StringArrayVar(&a.accounts, "account", nil, "account of the configuration to work in, by id or name; repeat for several (default: all of them)")
	flags.StringVar(&a.config, "config", "", "configuration: a path, s3://bucket/key or ssm:/name (default: $NIGHTSHIFT_CONFIG, else ./nightshift.yaml)")
	flags.BoolVar(&a.json, "json", false, "print the answer as JSON, as the Lambda function gives it")
	flags.BoolVarP(&a.quiet, "quiet", "q", false, "print nothing but errors")
	flags.BoolVarP(&a.verbose, "verbose", "v", false, "log what is done to standard error")
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return fleet.Errorf(fleet.ErrInvalid, "%w; see: %s --help", err, cmd.CommandPath())
	})
	root.AddCommand(
		a.demoCommand(), a.stopCommand(), a.startCommand(), a.reportCommand(), a.costCommand(), a.schedulesCommand(), a.backupCommand(),
		a.serveCommand(), a.sandboxCommand(), a.deployCommand(), a.templateCommand(), a.policyCommand(), a.checkCommand(), a.historyCommand(), a.notifyCommand(), a.versionCommand(),
	)
	complete(root, "region", "all")
	refuseArguments(root)
	return root
}

// refuseArguments makes all commands that take no arguments say so.
func refuseArguments(parent *cobra.Command) {
	for _, c := range parent.Commands() {
		if c.Args == nil {
			c.Args = noArguments
		}
		refuseArguments(c)
	}
}

func noArguments(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	return fleet.Errorf(fleet.ErrInvalid, "unexpected argument %q; see: %s --help", args[0], cmd.CommandPath())
}

func (a *commandLine) logger() *slog.Logger {
	if a.Env("AWS_LAMBDA_RUNTIME_API") != "" {
		return function.NewLog(a.Stderr)
	}
	return a.loggerFrom(slog.LevelWarn)
}

// loggerFrom writes what is at least of a level, unless a flag says otherwise.
func (a *commandLine) loggerFrom(level slog.Level) *slog.Logger {
	switch {
	case a.verbose:
		level = slog.LevelDebug
	case a.quiet:
		level = slog.LevelError
	}
	if a.Terminal {
		return slog.New(tint.NewTextHandler(a.Stderr, &tint.Options{Level: level, NoColor: !a.Color, TimeFormat: time.TimeOnly}))
	}
	return slog.New(slog.NewJSONHandler(a.Stderr, &slog.HandlerOptions{Level: level}))
}
