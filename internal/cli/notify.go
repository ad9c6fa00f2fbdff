package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strconv"

	"github.com/spf13/cobra"

	"nightshift/internal/app"
	"nightshift/internal/fleet"
	"nightshift/internal/notify"
)

// notifier reports to people what the runs of this process did.
func (a *commandLine) notifier() *notify.Notifier {
	return notify.New(notify.Options{Now: a.Now, Getenv: a.Env, Log: a.logger(), Named: a.configNamed()})
}

func (a *commandLine) notifyCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "notify",
		Short: "Try and list the notices to people",
		Long: `Try and list the notices to people, which the configuration's section notify is
about. They are sent by nightshift serve and by the deployed function, after each run
in which something happened or failed.

Nothing is sent for a configuration that was only found in the working directory: name
it with --config or NIGHTSHIFT_CONFIG.`,
		Example: `  nightshift notify test --config nightshift.yaml
  nightshift notify list --config nightshift.yaml`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(
		&cobra.Command{
			Use:   "test [RECIPIENT]",
			Short: "Send one message to each recipient, or to one of them",
			Long: `Send one message to each recipient of the configuration, or to one of them, and say
what came of it. PagerDuty gets an event of the severity info, which is to be resolved
there.

The code is 3 where some could not be reached, and 1 where none could.`,
			Example: `  nightshift notify test --config nightshift.yaml
  nightshift notify test ops --config nightshift.yaml`,
			Args: cobra.MaximumNArgs(1),
			RunE: func(cmd *cobra.Command, args []string) error {
				return a.notices(cmd.Context(), outcome{"RESULT", "sent"}, func(n *notify.Notifier, s *app.Session) ([]notify.Status, error) {
					return n.Test(cmd.Context(), s, cmp.Or(append(args, "")...))
				})
			},
		},
		&cobra.Command{
			Use:   "list",
			Short: "List the recipients, with their open problems and what waits to be sent",
			Example: `  nightshift notify list --config nightshift.yaml
  nightshift notify list --json`,
			Args: noArguments,
			RunE: func(cmd *cobra.Command, _ []string) error {
				return a.notices(cmd.Context(), outcome{"PROBLEM", "none"}, func(n *notify.Notifier, s *app.Session) ([]notify.Status, error) {
					return n.List(cmd.Context(), s)
				})
			},
		},
	)
	return cmd
}

// outcome is the last column: its header, and what stands in it where nothing is wrong.
type outcome struct{ header, good string }

// notices does something with the recipients of the configuration, and prints what
// came of each.
func (a *commandLine) notices(ctx context.Context, last outcome, do func(*notify.Notifier, *app.Session) ([]notify.Status, error)) error {
	s, err := a.openConfig(ctx, true)
	if err != nil {
		return err
	}
	a.printConfigErrors(s)
	list, err := do(a.notifier(), s)
	if err != nil {
		return errors.Join(a.configErrors(s), err)
	}
	if err := a.show("notices", list, func() { a.printNotices(list, last) }); err != nil {
		return err
	}
	var errs []error
	for _, one := range list {
		if one.Problem != "" {
			errs = append(errs, fmt.Errorf("%s: %s", one.Recipient, one.Problem))
		}
	}
	status := fleet.StatusDone
	switch {
	case len(errs) == len(list):
		status = fleet.StatusFailed
	case len(errs) > 0:
		status = fleet.StatusPartial
	}
	return a.endedWith(s, status, errors.Join(errs...))
}

func (a *commandLine) printNotices(list []notify.Status, last outcome) {
	t := table{header: []string{"RECIPIENT", "CHANNEL", "ADDRESS", "OPEN", "WAITING", last.header}}
	for _, one := range list {
		t.add(one.Recipient, one.Channel, one.Address, strconv.Itoa(one.Open), strconv.Itoa(one.Pending), cmp.Or(one.Problem, last.good))
	}
	t.print(a.Stdout)
}
