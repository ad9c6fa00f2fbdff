package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"

	"nightshift/internal/app"
	"nightshift/internal/blob"
	"nightshift/internal/fleet"
	"nightshift/internal/text"
)

// defaultConfig is the configuration that is read where it lies in the working
// directory.
const defaultConfig = "nightshift.yaml"

// configName is the configuration to read: --config, else NIGHTSHIFT_CONFIG, else
// nightshift.yaml in the working directory; empty where there is none.
func (a *commandLine) configName() string {
	if a.configNamed() {
		return cmp.Or(a.config, a.Env("NIGHTSHIFT_CONFIG"))
	}
	if _, err := os.Stat(defaultConfig); err == nil {
		return defaultConfig
	}
	return ""
}

// configNamed is true where somebody has said which configuration to read. One that
// is only found in the working directory may be somebody else's.
func (a *commandLine) configNamed() bool { return a.config != "" || a.Env("NIGHTSHIFT_CONFIG") != "" }

// configRef is the configuration to read. One that is only found is announced.
func (a *commandLine) configRef() (blob.Ref, error) {
	name := a.configName()
	if name != "" && !a.configNamed() && !a.announced {
		a.announced = true
		fmt.Fprintf(a.Stderr, "nightshift: using ./%s, found in the working directory\n", defaultConfig)
	}
	return blob.ParseRef(name)
}

// jobs runs the jobs.
func (a *commandLine) jobs() *app.App {
	if a.app == nil {
		a.app = app.New(a.options())
	}
	return a.app
}

// options are those of an App whose progress is shown.
func (a *commandLine) options() app.Options {
	a.progress = &progress{command: a}
	o := app.Options{Now: a.Now, Getenv: a.Env, Log: a.logger(), Observer: a.progress}
	o.ClockScale, _ = strconv.ParseFloat(a.Env("NIGHTSHIFT_SANDBOX_SPEED"), 64)
	if folder, err := os.UserCacheDir(); err == nil {
		o.CacheDir = folder
	}
	return o
}

// open opens the accounts and regions of the command line, with the configuration if
// there is one, and prints what is wrong in it in short.
func (a *commandLine) open(ctx context.Context) (*app.Session, error) {
	s, err := a.openSelection(ctx, app.Selection{})
	if err == nil && len(s.Errors) > 0 {
		a.logger().WarnContext(ctx, "the configuration has errors; `nightshift check` shows them", "errors", len(s.Errors))
	}
	return s, err
}

// openConfigured opens them for a command that follows the configuration, and prints
// all that is wrong in it.
func (a *commandLine) openConfigured(ctx context.Context) (*app.Session, error) {
	s, err := a.openSelection(ctx, app.Selection{NeedConfig: true})
	if err == nil {
		a.printConfigErrors(s)
	}
	return s, err
}

// openConfig reads the configuration only.
func (a *commandLine) openConfig(ctx context.Context, need bool) (*app.Session, error) {
	return a.openSelection(ctx, app.Selection{NeedConfig: need, NoTargets: true})
}

func (a *commandLine) openSelection(ctx context.Context, sel app.Selection) (*app.Session, error) {
	ref, err := a.configRef()
	if err != nil {
		return nil, err
	}
	if ref.IsZero() && sel.NeedConfig {
		return nil, errNoConfig()
	}
	sel.Config = ref
	return a.jobs().Open(ctx, a.selection(sel))
}

// selection adds the accounts and regions of the command line.
func (a *commandLine) selection(sel app.Selection) app.Selection {
	sel.Accounts, sel.Regions = a.accounts, a.regions
	if list := splitList(a.Env("NIGHTSHIFT_REGIONS")); len(list) > 0 {
		sel.DefaultRegions = list
	}
	return sel
}

func errNoConfig() error {
	return fleet.Errorf(fleet.ErrInvalid, "no configuration: write %s, or name one with --config or NIGHTSHIFT_CONFIG; `nightshift check --example` prints one", defaultConfig)
}

// printConfigErrors prints the errors of a configuration of which the rest is followed
// all the same, and its warnings.
func (a *commandLine) printConfigErrors(s *app.Session) {
	for _, e := range s.Errors {
		fmt.Fprintln(a.Stderr, text.PrintableLines(e.String()))
	}
	if s.Config != nil && !a.quiet {
		for _, w := range s.Config.Warnings {
			fmt.Fprintln(a.Stderr, "warning:", text.PrintableLines(w.String()))
		}
	}
}

// configErrors says how many errors there were, where what they are about was skipped.
func (a *commandLine) configErrors(s *app.Session) error {
	if len(s.Errors) == 0 {
		return nil
	}
	return fleet.Errorf(errMistakes, "%s: %s to fix; what they are about was skipped", a.configName(), text.Count(len(s.Errors), "error", "errors"))
}

// endedWith ends a command that followed the configuration: its errors come before all
// else.
func (a *commandLine) endedWith(s *app.Session, status fleet.Status, err error) error {
	if wrong := a.configErrors(s); wrong != nil {
		return ended(fleet.StatusInvalid, errors.Join(wrong, err))
	}
	return ended(status, err)
}
