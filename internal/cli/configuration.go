package cli

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"nightshift/internal/amazon"
	"nightshift/internal/blob"
	"nightshift/internal/config"
	"nightshift/internal/fleet"
)

// defaultConfig is the configuration that is read where it lies in the working
// directory.
const defaultConfig = "nightshift.yaml"

// configName is the configuration to read: --config, else NIGHTSHIFT_CONFIG,
// else nightshift.yaml in the working directory; empty where there is none.
func (a *app) configName() string {
	if a.named() {
		return cmp.Or(a.config, a.Env("NIGHTSHIFT_CONFIG"))
	}
	if _, err := os.Stat(defaultConfig); err == nil {
		return defaultConfig
	}
	return ""
}

// named is true where somebody has said which configuration to read. One that is
// only found in the working directory may be somebody else's.
func (a *app) named() bool { return a.config != "" || a.Env("NIGHTSHIFT_CONFIG") != "" }

// announce says once that the configuration was found and not named.
func (a *app) announce() {
	if a.named() || a.announced {
		return
	}
	a.announced = true
	if a.Env("AWS_LAMBDA_RUNTIME_API") != "" { // only log lines are read there
		a.logger().Warn("the configuration was found in the working directory, and not named", "configuration", defaultConfig)
		return
	}
	fmt.Fprintf(a.Stderr, "nightshift: using ./%s, found in the working directory\n", defaultConfig)
}

// configuration reads the configuration from a path, from S3 ("s3://bucket/key")
// or from a parameter of Systems Manager ("ssm:/name"). Mistakes in it come back
// as config.Mistakes beside what works without them.
func (a *app) configuration(ctx context.Context, endpoint *amazon.Endpoint) (*config.Config, error) {
	name := a.configName()
	if name == "" {
		return nil, fleet.Errorf(fleet.ErrInvalid, "no configuration: write %s, or name one with --config or NIGHTSHIFT_CONFIG; `nightshift check --example` prints one", defaultConfig)
	}
	a.announce()
	var session *amazon.Session
	return config.Load(name, func(name string) (io.ReadCloser, error) {
		bucket, key, inS3 := cutS3(name)
		parameter, inSSM := strings.CutPrefix(name, "ssm:")
		if !inS3 && !inSSM {
			file, err := os.Open(name)
			if errors.Is(err, fs.ErrNotExist) {
				err = fleet.Errorf(fleet.ErrInvalid, "there is no file %s", name)
			}
			return file, err
		}
		if session == nil {
			var err error
			if session, err = a.open(ctx, endpoint); err != nil {
				return nil, err
			}
		}
		if inS3 && (bucket == "" || key == "") || inSSM && parameter == "" {
			return nil, fleet.Errorf(fleet.ErrInvalid, "%q names no object or parameter; write s3://bucket/key or ssm:/name", name)
		}
		var text []byte
		var err error
		if inS3 {
			text, err = session.Objects(bucket, "").Get(ctx, key)
		} else {
			var value string
			value, err = session.Parameter(ctx, parameter)
			text = []byte(value)
		}
		if errors.Is(err, fleet.ErrNotFound) {
			err = fleet.Errorf(fleet.ErrInvalid, "it is not there: %w", err)
		}
		return io.NopCloser(bytes.NewReader(text)), err
	})
}

// completeSchedules offers the shell the names of the schedules.
func (a *app) completeSchedules(cmd *cobra.Command) {
	// The only error is a flag that does not exist.
	_ = cmd.RegisterFlagCompletionFunc("schedule", func(cmd *cobra.Command, _ []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
		a.announced = true                            // nobody reads it between the words of a command
		cfg, _ := a.configuration(cmd.Context(), nil) // without one there is nothing to offer
		if cfg == nil {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		return cfg.Names(), cobra.ShellCompDirectiveNoFileComp
	})
}

// open opens a session for what is not of one region.
func (a *app) open(ctx context.Context, endpoint *amazon.Endpoint) (*amazon.Session, error) {
	o := amazon.Options{Endpoint: endpoint, Agent: "nightshift", Fallback: home, Log: a.logger()}
	session, err := amazon.Open(ctx, o)
	if err != nil {
		return nil, err
	}
	return session, session.Authenticate(ctx)
}

// cutS3 takes "s3://bucket/key" apart.
func cutS3(name string) (bucket, key string, ok bool) {
	rest, ok := strings.CutPrefix(name, "s3://")
	bucket, key, _ = strings.Cut(rest, "/")
	return bucket, key, ok
}

// journal is the place of the records of runs, or nil where none is configured.
// A place in S3 needs a session.
func (a *app) journal(place string, session *amazon.Session) (blob.Store, error) {
	if place == "" {
		return nil, nil
	}
	bucket, prefix, inS3 := cutS3(place)
	switch {
	case !inS3:
		return blob.Folder(place), nil
	case bucket == "":
		return nil, fleet.Errorf(fleet.ErrInvalid, "%q names no bucket: give it as s3://bucket/prefix", place)
	}
	if prefix != "" && !strings.HasSuffix(prefix, "/") {
		prefix += "/"
	}
	return session.Objects(bucket, prefix), nil
}

// tellMistakes prints the mistakes of a configuration of which the rest is
// followed all the same, and its warnings.
func (a *app) tellMistakes(c *config.Config, err error) {
	if a.Env("AWS_LAMBDA_RUNTIME_API") != "" {
		a.logMistakes(c, err)
		return
	}
	if mistakes, ok := errors.AsType[config.Mistakes](err); ok {
		for _, m := range mistakes {
			fmt.Fprintln(a.Stderr, printableLines(m.String()))
		}
	}
	if c != nil && !a.quiet {
		for _, w := range c.Warnings {
			fmt.Fprintln(a.Stderr, "warning:", printableLines(w.String()))
		}
	}
}

// logMistakes tells them where only log lines are read.
func (a *app) logMistakes(c *config.Config, err error) {
	log := a.logger()
	if mistakes, ok := errors.AsType[config.Mistakes](err); ok {
		for _, m := range mistakes {
			log.Error("mistake in the configuration", "at", fmt.Sprintf("%s:%d:%d", m.File, m.Line, m.Col), "mistake", m.Message)
		}
	}
	if c != nil {
		for _, w := range c.Warnings {
			log.Warn("odd in the configuration", "at", fmt.Sprintf("%s:%d:%d", w.File, w.Line, w.Col), "warning", w.Message)
		}
	}
}

// printableLines makes every line of a text safe for a terminal.
func printableLines(s string) string {
	lines := strings.Split(s, "\n")
	for n := range lines {
		lines[n] = printable(strings.ReplaceAll(lines[n], "\t", "    "))
	}
	return strings.Join(lines, "\n")
}
