package cli

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"nightshift/internal/app"
	"nightshift/internal/deploy"
	"nightshift/internal/fleet"
	"nightshift/internal/text"
)

// deployFlags are those of the command deploy.
type deployFlags struct {
	app.DeployInput
	plan, yes, status, destroy bool
	parameters                 []string
	zip                        string // file to write the archive to
}

// deployed is what `deploy --json` prints.
type deployed struct {
	Plan   deploy.Deployment     `json:"plan"`
	Result *deploy.Result        `json:"result,omitempty"`
	Alarms []deploy.Subscription `json:"alarms,omitempty"`
	Tries  []app.Try             `json:"dry_runs,omitempty"`
	// Enabled is true where the schedules of a first deployment were enabled.
	Enabled bool `json:"enabled,omitempty"`
}

func (a *commandLine) deployCommand() *cobra.Command {
	var f deployFlags
	cmd := &cobra.Command{
		Use:   "deploy",
		Short: "Install the function as a CloudFormation stack, change it or remove it",
		Long: `Install the function with its schedules, roles, alarms and bucket as a
CloudFormation stack, or change the stack to what the configuration says now. What
changes is shown first, and a terminal is asked; --yes answers. Then the code and
the configuration are uploaded, the change is made, and the function does a dry run
of each of its jobs.

The schedules of a first deployment are disabled until the dry runs have been
looked at: what the first run will stop and start is shown, and then they are
enabled, after another yes or with --yes.

A configuration without rules stops and starts by tag, in its accounts and at the
times of its jobs. So does a stack without a configuration; give the time zone with
--param TimeZone=ZONE then.

--plan shows what would change and leaves nothing behind. Ctrl-C leaves nothing
behind either, but once the change is under way it goes on in AWS: the same command
follows it again. --destroy removes the stack; the reports stay.

Added IAM rights, and resources whose content would be lost, are asked for on
their own. --yes does not agree to replacing the bucket of the reports.

--zip writes the archive that would be uploaded to a file, for a deployment by hand,
and asks AWS nothing. The same program gives the same bytes.`,
		Example: `  nightshift deploy --plan
  nightshift deploy
  nightshift deploy --yes --binary nightshift-linux-arm64
  nightshift deploy --param TimeZone=Asia/Seoul --param AlarmEmail=ops@example.com
  nightshift deploy --status
  nightshift deploy --destroy
  nightshift deploy --binary nightshift-linux-arm64 --zip bootstrap.zip`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if f.zip != "" {
				return a.writeArchive(f)
			}
			s, err := a.openDeployment(cmd.Context(), &f)
			if err != nil {
				return err
			}
			switch {
			case f.status:
				return a.deployStatus(cmd.Context(), s, f)
			case f.destroy:
				return a.destroy(cmd.Context(), s, f)
			default:
				return a.deploy(cmd.Context(), s, f)
			}
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&f.Stack, "stack", "", "name of the stack (default: deploy.stack of the configuration, else nightshift)")
	flags.BoolVar(&f.plan, "plan", false, "show what would change, and leave nothing behind")
	flags.BoolVar(&f.yes, "yes", false, "answer questions with yes")
	flags.BoolVar(&f.status, "status", false, "show the state of the stack")
	flags.BoolVar(&f.destroy, "destroy", false, "remove the stack; the reports stay")
	flags.StringArrayVar(&f.parameters, "param", nil, "parameter of the template as NAME=VALUE, instead of what the configuration says; repeat for several")
	flags.StringVar(&f.Program, "binary", "", "file of the static Linux program that becomes the function (default: this program)")
	flags.StringVar(&f.zip, "zip", "", "write the archive of the program to this file, and do nothing else")
	flags.BoolVar(&f.AllowDowngrade, "allow-downgrade", false, "let an older version replace a newer one")
	flags.StringVar(&f.Role, "role-arn", "", "ARN of a role that CloudFormation works with (default: deploy.service_role of the configuration)")
	complete(cmd, "param")
	return cmd
}

// openDeployment reads the configuration, if there is one, and completes the flags.
func (a *commandLine) openDeployment(ctx context.Context, f *deployFlags) (s *app.Session, err error) {
	one := 0
	for _, given := range []bool{f.plan, f.status, f.destroy} {
		if given {
			one++
		}
	}
	switch {
	case one > 1 || f.yes && (f.plan || f.status):
		return nil, fleet.Errorf(fleet.ErrInvalid, "--plan, --status, --destroy and --yes do not go together, but for --destroy --yes")
	case len(a.regions) > 1 || len(a.regions) == 1 && a.regions[0] == "all":
		return nil, fleet.Errorf(fleet.ErrInvalid, "a stack is in one region: give one --region")
	case len(a.accounts) > 0:
		return nil, fleet.Errorf(fleet.ErrInvalid, "a stack is made in the account of the credentials: choose them with AWS_PROFILE instead of --account")
	case len(a.regions) == 1:
		f.Region = a.regions[0]
	}
	if f.Parameters, err = deploy.ParseParameters(f.parameters); err != nil {
		return nil, err
	}
	if err = f.findProgram(); err != nil {
		return nil, err
	}
	if s, err = a.openConfig(ctx, a.configName() != ""); err != nil {
		return nil, err
	}
	if s.Config != nil && !a.quiet {
		for _, w := range s.Config.Warnings {
			fmt.Fprintln(a.Stderr, "warning:", text.PrintableLines(w.String()))
		}
		for _, reference := range s.Config.Notify.Local() {
			fmt.Fprintf(a.Stderr, "warning: the function cannot read %s; name a parameter (ssm:) or a secret (secretsmanager:) in notify\n", reference)
		}
	}
	return s, nil
}

// findProgram names the program: this one, unless the command line names another.
func (f *deployFlags) findProgram() (err error) {
	if f.Program != "" {
		return nil
	}
	if f.Program, err = os.Executable(); err != nil {
		return fmt.Errorf("find this program: %w", err)
	}
	return nil
}

// writeArchive packs the program for a deployment by hand.
func (a *commandLine) writeArchive(f deployFlags) error {
	if f.plan || f.yes || f.status || f.destroy {
		return fleet.Errorf(fleet.ErrInvalid, "--zip does not go together with --plan, --yes, --status and --destroy")
	}
	if err := f.findProgram(); err != nil {
		return err
	}
	archive, err := app.PackFunction(f.Program)
	if err != nil {
		return err
	}
	return os.WriteFile(f.zip, archive, 0o644)
}

// deploy plans, asks, deploys and tries.
func (a *commandLine) deploy(ctx context.Context, s *app.Session, f deployFlags) error {
	plan, err := a.planDeployment(ctx, s, f)
	out := deployed{Plan: plan}
	if plan.Step == deploy.StepRecreate { // --plan of a stack that must be deleted first, or nobody agrees to that
		return a.finish(out, a.detached(ctx, err))
	}
	if err != nil {
		return a.detached(ctx, err)
	}
	if !a.json {
		a.printPlan(plan)
	}
	switch {
	case f.plan:
		a.afterPlan(plan)
		return errors.Join(a.finish(out, nil), s.DiscardDeployment(ctx, plan))
	case plan.NoChanges():
		out.Alarms, err = s.DeploymentAlarms(ctx, plan)
		if err != nil || !plan.First {
			return a.finish(out, err)
		}
	default:
		if err := a.agree(ctx, plan, f.yes); err != nil {
			return a.finish(out, errors.Join(err, s.DiscardDeployment(ctx, plan)))
		}
		result, err := a.execute(ctx, s, plan)
		out.Result, out.Alarms = &result.Result, result.Alarms
		if err != nil {
			return a.finish(out, a.detached(ctx, err))
		}
	}
	f.Stack, f.Region = plan.Stack, string(plan.Region)
	err = a.tryDeployment(ctx, s, f, &out)
	if err == nil && plan.First {
		err = a.enable(ctx, s, f, &out)
	}
	if out.Result != nil && out.Result.Unprotected != "" {
		err = errors.Join(err, ended(fleet.StatusPartial, errors.New("termination protection was not changed: "+out.Result.Unprotected)))
	}
	return a.finish(out, err)
}

// planDeployment plans. A stack that can only be made anew is deleted first, if
// somebody agrees. With an error the plan is that of such a stack, or none.
func (a *commandLine) planDeployment(ctx context.Context, s *app.Session, f deployFlags) (deploy.Deployment, error) {
	for {
		a.progress.start("deploy")
		plan, err := s.PlanDeployment(ctx, f.DeployInput)
		a.progress.end()
		switch {
		case err != nil:
			return deploy.Deployment{}, err
		case plan.Step != deploy.StepRecreate:
			return plan, nil
		}
		a.line("the stack %s is in the state %s and cannot be changed any more: it must be deleted and made again", plan.Stack, plan.Status)
		if plan.Reason != "" {
			a.line("AWS says: %s", plan.Reason)
		}
		if f.plan {
			return plan, nil
		}
		if err := a.ask(ctx, f.yes, "Delete the stack %s and create it again?", plan.Stack); err != nil {
			return plan, err
		}
		a.progress.start("delete")
		_, err = s.ClearDeployment(ctx, plan)
		a.progress.end()
		if err != nil {
			return plan, err
		}
	}
}

// execute carries a plan out and prints how it went.
func (a *commandLine) execute(ctx context.Context, s *app.Session, plan deploy.Deployment) (app.DeployResult, error) {
	a.progress.start("deploy")
	if plan.Bytes() > 0 {
		a.progress.doing("uploading " + bytesWords(plan.Bytes()))
	}
	result, err := s.Deploy(ctx, plan)
	a.progress.end()
	if err == nil && !a.json {
		a.printResult(plan, result)
	}
	return result, err
}

// tryDeployment lets the function do a dry run of each job and prints the answers.
func (a *commandLine) tryDeployment(ctx context.Context, s *app.Session, f deployFlags, out *deployed) error {
	a.progress.start("deploy")
	a.progress.doing("a dry run of each job")
	tries, err := s.TryDeployment(ctx, f.DeployInput, out.Plan.First)
	a.progress.end()
	out.Tries = tries
	if !a.json {
		a.printTries(tries)
	}
	if err != nil {
		return err
	}
	var failed int
	for _, t := range tries {
		if t.Error != "" {
			failed++
		}
	}
	switch {
	case failed == 0:
		return nil
	case out.Plan.First:
		return ended(fleet.StatusPartial, fmt.Errorf("%s failed, so that the schedules stay disabled; put it right and deploy again", text.Count(failed, "dry run", "dry runs")))
	default:
		return ended(fleet.StatusPartial, fmt.Errorf("%s failed", text.Count(failed, "dry run", "dry runs")))
	}
}

// enable lets the schedules of a first deployment begin.
func (a *commandLine) enable(ctx context.Context, s *app.Session, f deployFlags, out *deployed) error {
	if !a.json {
		a.printFirstRun(out.Tries)
	}
	switch err := a.ask(ctx, f.yes, "Enable the schedules?"); {
	case errors.Is(err, errDeclined):
		return errors.New("the schedules stay disabled; `nightshift deploy` asks again")
	case err != nil:
		a.line("the schedules are disabled; `nightshift deploy` asks again")
		return err
	}
	f.Enable = true
	plan, err := a.planDeployment(ctx, s, f)
	if err != nil {
		return a.detached(ctx, err)
	}
	if !plan.NoChanges() {
		a.progress.start("deploy")
		_, err := s.Deploy(ctx, plan)
		a.progress.end()
		if err != nil {
			return a.detached(ctx, err)
		}
	}
	out.Enabled = true
	a.line("the schedules are enabled")
	return nil
}

// afterPlan says after a plan what comes next.
func (a *commandLine) afterPlan(plan deploy.Deployment) {
	switch {
	case !plan.NoChanges():
		a.line("\nthe same command without --plan makes these changes, after a question")
	case plan.First:
		a.line("the schedules are disabled; the same command without --plan enables them, after dry runs and a question")
	}
}

// finish prints whether alarms reach anybody, and the answer for programs.
func (a *commandLine) finish(out deployed, err error) error {
	outputs := out.Plan.Outputs
	if out.Result != nil {
		outputs = out.Result.Outputs
	}
	if words := alarmWords(outputs, out.Alarms); words != "" && err == nil && (out.Result != nil || out.Plan.NoChanges()) {
		fmt.Fprintln(a.Stderr, "warning:", text.Printable(words))
	}
	if !a.json {
		return err
	}
	return errors.Join(a.printJSON(envelope{1, "deployment", out}), err)
}

// detached says what goes on in AWS where Ctrl-C ends the command, which then says
// nothing more.
func (a *commandLine) detached(ctx context.Context, err error) error {
	if left, ok := errors.AsType[*deploy.Detached](err); ok && ctx.Err() != nil {
		fmt.Fprintf(a.Stderr, "nightshift: the operation on the stack %s goes on in AWS; `nightshift deploy --stack %s` follows it again\n", left.Stack, left.Stack)
	}
	return err
}

// line prints a line for people, where nothing of it does anything to the terminal.
func (a *commandLine) line(format string, args ...any) {
	if !a.quiet && !a.json {
		fmt.Fprintln(a.Stdout, text.PrintableLines(fmt.Sprintf(format, args...)))
	}
}
