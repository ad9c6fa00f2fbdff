package cli

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"strings"

	"nightshift/internal/deploy"
	"nightshift/internal/fleet"
	"nightshift/internal/text"
)

// errDeclined ends a command to which somebody has said no.
var errDeclined = errors.New("nothing was changed")

// ask asks a question on a terminal. Elsewhere only --yes goes on.
func (a *commandLine) ask(ctx context.Context, yes bool, format string, args ...any) error {
	if yes {
		return nil
	}
	return a.askPerson(ctx, "say --yes, or run it on a terminal", format, args...)
}

// askPerson asks what no flag answers.
func (a *commandLine) askPerson(ctx context.Context, otherwise, format string, args ...any) error {
	question := text.Printable(fmt.Sprintf(format, args...))
	if !a.Interactive || a.json {
		return fleet.Errorf(fleet.ErrInvalid, "%s Nobody can be asked here: %s", question, otherwise)
	}
	fmt.Fprintf(a.Stderr, "%s [y/N] ", question)
	if a.stdin == nil {
		a.stdin = bufio.NewReader(a.Stdin) // one for all questions: it reads ahead
	}
	answer := make(chan string, 1)
	go func() {
		line, _ := a.stdin.ReadString('\n') // what cannot be read is no yes
		answer <- line
	}()
	select {
	case <-ctx.Done():
		fmt.Fprintln(a.Stderr)
		return ctx.Err()
	case line := <-answer:
		switch strings.ToLower(strings.TrimSpace(line)) {
		case "y", "yes":
			return nil
		}
		return errDeclined
	}
}

// agree asks for what a plan does: for added rights and for content that is lost
// on their own.
func (a *commandLine) agree(ctx context.Context, plan deploy.Deployment, yes bool) error {
	if plan.Diff.ReplacesReports() {
		err := a.askPerson(ctx, "keep the bucket, or name it with deploy.report_bucket", "The bucket of the reports would be replaced by an empty one. Replace it?")
		if err != nil {
			return err
		}
	}
	if n := len(plan.Diff.Replaced); n > 0 {
		if err := a.ask(ctx, yes, "What %s is lost. Go on?", text.Count(n, "resource holds", "resources hold")); err != nil {
			return err
		}
	}
	if n := len(plan.Diff.Rights); n > 0 && plan.Step == deploy.StepUpdate {
		if err := a.ask(ctx, yes, "Add %s?", text.Count(n, "right", "rights")); err != nil {
			return err
		}
	}
	if plan.Step == deploy.StepUpdate {
		return a.ask(ctx, yes, "Change the stack %s?", plan.Stack)
	}
	return a.ask(ctx, yes, "Create the stack %s with these rights?", plan.Stack)
}
