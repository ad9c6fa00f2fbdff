package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"nightshift/internal/app"
	"nightshift/internal/config"
	"nightshift/internal/fleet"
	"nightshift/internal/power"
	"nightshift/internal/schedule"
	"nightshift/internal/text"
)

// checked is what `check --json` prints.
type checked struct {
	app.ConfigCheck
	Live *app.CheckResult `json:"live,omitempty"`
}

func (a *commandLine) checkCommand() *cobra.Command {
	var live, example bool
	cmd := &cobra.Command{
		Use:   "check",
		Short: "Look over the configuration, and with --live over the account",
		Long: `Look over the configuration: every mistake with its place, what each schedule
wants now, and what each policy of backups copies. Nothing is asked of AWS, unless
the configuration lies there.

With --live also look over the account: whose the credentials are, what they may
do (asked with DryRun, so that nothing is done), whether the journal can be
written, and which tags look as if a rule or a schedule was meant by them. Where
policies of backups delete copies and no rule of the Recycle Bin holds them, one is
recommended. A small object named check is written to the journal's place.

The code is 5 for mistakes in the configuration, 4 where something is not
permitted, and 3 where tags are to be put right.`,
		Example: `  nightshift check --example > nightshift.yaml
  nightshift check
  nightshift check --live --region all`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if example {
				_, err := io.WriteString(a.Stdout, config.Example)
				return err
			}
			if a.configName() == "" {
				return errNoConfig()
			}
			s, err := a.openConfig(cmd.Context(), false)
			if err == nil && len(s.Errors) == 0 {
				err = s.ConfigErr
			}
			if err != nil {
				return err
			}
			c := checked{ConfigCheck: s.CheckConfig()}
			status, causes := fleet.StatusDone, []error(nil)
			if len(s.Errors) > 0 {
				status = fleet.StatusInvalid
				causes = append(causes, fleet.Errorf(fleet.ErrInvalid, "%s has %s", c.Configuration, text.Count(len(s.Errors), "mistake", "mistakes")))
			}
			if live && s.Config != nil {
				var liveErr error
				s, c.Live, liveErr = a.checkLive(cmd.Context(), s)
				causes = append(causes, liveErr)
				if status == fleet.StatusDone {
					status = liveStatus(c.Live, liveErr)
				}
			}
			if a.json {
				if err := a.printJSON(envelope{1, "check", c}); err != nil {
					return err
				}
			} else {
				a.printChecked(s, c)
			}
			return ended(status, errors.Join(causes...))
		},
	}
	flags := cmd.Flags()
	flags.BoolVar(&live, "live", false, "also look over credentials, permissions, journal and tags")
	flags.BoolVar(&example, "example", false, "print a commented configuration that shows every key")
	return cmd
}

// checkLive looks at the accounts of a configuration. What is found comes beside what is
// wrong with it.
func (a *commandLine) checkLive(ctx context.Context, read *app.Session) (*app.Session, *app.CheckResult, error) {
	s, err := a.openSelection(ctx, app.Selection{NeedConfig: true})
	if err != nil {
		return read, nil, err
	}
	a.progress.start("check")
	result, err := s.Check(ctx)
	a.progress.end()
	if err != nil {
		return s, nil, err
	}
	var causes []error
	if n := result.Count(app.CheckDenied); n > 0 {
		return s, &result, fmt.Errorf("%s not permitted; `nightshift policy` prints all that is needed", text.Count(n, "thing is", "things are"))
	}
	if n := result.Count(app.CheckFailed); n > 0 {
		causes = append(causes, fmt.Errorf("%s could not be checked", text.Count(n, "thing", "things")))
	}
	if n := len(result.Tags); n > 0 {
		causes = append(causes, fmt.Errorf("%s to be fixed", text.Count(n, "mistake in tags is", "mistakes in tags are")))
	}
	return s, &result, errors.Join(causes...)
}

// liveStatus is the status of a look at the accounts, which may not have come to a
// result.
func liveStatus(r *app.CheckResult, err error) fleet.Status {
	if r == nil {
		return fleet.StatusOf(err)
	}
	return r.Status()
}

func (a *commandLine) printChecked(s *app.Session, c checked) {
	out := a.Stdout
	if a.quiet {
		out = a.Stderr
	}
	for _, m := range s.Errors {
		fmt.Fprintln(out, text.PrintableLines(m.String()))
	}
	if a.quiet {
		return
	}
	if s.Config != nil {
		for _, w := range s.Config.Warnings {
			fmt.Fprintln(out, "warning:", text.PrintableLines(w.String()))
		}
		if len(s.Errors)+len(s.Config.Warnings) > 0 {
			fmt.Fprintln(out)
		}
		for _, line := range scheduleLines(c.Schedules) {
			fmt.Fprintln(out, line)
		}
		for _, line := range policyLines(c.Policies) {
			fmt.Fprintln(out, line)
		}
		for _, line := range jobLines(c.Jobs) {
			fmt.Fprintln(out, line)
		}
		if len(c.Policies) > 0 && c.Live == nil {
			fmt.Fprintln(out, "`nightshift check --live` says whether the Recycle Bin holds deleted copies")
		}
		policies := ""
		if n := len(c.Policies); n > 0 {
			policies = text.Count(n, "policy", "policies") + " of backups, "
		}
		accounts := ""
		if c.Accounts > 0 {
			accounts = text.Count(c.Accounts, "account", "accounts") + ", "
		}
		fmt.Fprintf(out, "%s: %s, %s, %s%s%s, %s\n", text.Printable(c.Configuration), text.Count(len(c.Schedules), "schedule", "schedules"),
			text.Count(c.Rules, "rule", "rules"), policies, accounts, text.Count(len(s.Errors), "mistake", "mistakes"), text.Count(len(c.Warnings), "warning", "warnings"))
	}
	if c.Live != nil {
		fmt.Fprintln(out)
		printLive(out, s.Names, c.Live)
	}
}

// printLive prints what was found out about the accounts.
func printLive(out io.Writer, names app.Names, l *app.CheckResult) {
	t := tableOf(names, 1, "CHECK", "REGION", "RESULT", "DETAIL")
	for _, p := range l.Permissions {
		t.add(p.Account, p.What, cmp.Or(string(p.Region), "-"), string(p.Result), p.Detail)
	}
	t.print(out)
	for _, part := range []struct {
		title string
		list  []power.Problem
	}{{"Tags to put right", l.Tags}, {"Odd, but possible", l.Notes}} {
		if len(part.list) == 0 {
			continue
		}
		fmt.Fprintf(out, "\n%s:\n", part.title)
		for _, m := range part.list {
			fmt.Fprintf(out, "  %s\n    %s\n", text.Printable(m.Text), machinesInShort(m.Machines))
		}
	}
	printRecommendations(out, names, l.Recommendations)
	fmt.Fprintf(out, "\n%s, %d left alone, %d without a rule\n",
		text.Count(l.Followed, "machine follows a schedule", "machines follow a schedule"), l.LeftAlone, l.WithoutRule)
}

// printRecommendations prints what would make the accounts safer. A command stands on a
// line of its own, to be copied.
func printRecommendations(out io.Writer, names app.Names, list []app.CheckRecommendation) {
	if len(list) == 0 {
		return
	}
	fmt.Fprintln(out, "\nRecommended:")
	for _, r := range list {
		where := string(r.Region)
		if names.Several() {
			where = names.Of(r.Account) + " " + where
		}
		fmt.Fprintf(out, "  %s\n    %s\n", text.Printable(where+": "+r.Text), r.Command)
	}
}

// policyLines says in a line each what the policies of backups copy, when, and what stays.
func policyLines(list []app.PolicyCheck) []string {
	width := 0
	for _, p := range list {
		width = max(width, text.Width(string(p.Policy)))
	}
	var lines []string
	for _, p := range list {
		head := "policy " + text.Pad(string(p.Policy), width) + "  "
		if p.Error != "" {
			lines = append(lines, head+"wrong: "+text.Printable(p.Error))
			continue
		}
		line := fmt.Sprintf("%ss with %s, %s, keeps %s", p.Resource, strings.Join(p.Tags, " and "), p.When, p.Keep)
		if p.Next != nil {
			line += ", next " + p.Next.Format(moment)
		}
		lines = append(lines, head+text.Printable(line))
	}
	return lines
}

// machinesInShort counts machines and names the first of them.
func machinesInShort(ids []fleet.ResourceID) string {
	const shown = 3
	var names []string
	for _, id := range ids[:min(shown, len(ids))] {
		names = append(names, text.Printable(string(id)))
	}
	line := text.Count(len(ids), "machine", "machines") + ": " + strings.Join(names, ", ")
	if len(ids) > shown {
		line += ", …"
	}
	return line
}

// longestText is how much of a schedule's text is shown in a line; one with a
// calendar lists its days.
const longestText = 60

// scheduleLines says in a line each what the schedules are and want.
func scheduleLines(list []app.ScheduleCheck) []string {
	width := 0
	for _, s := range list {
		width = max(width, text.Width(text.Printable(s.Schedule)))
	}
	var lines []string
	for _, s := range list {
		head := text.Pad(text.Printable(s.Schedule), width) + "  "
		if s.Error != "" {
			lines = append(lines, head+"wrong: "+text.Printable(s.Error))
			continue
		}
		windows := text.CutRight(text.Printable(s.Definition), longestText)
		if !strings.HasSuffix(windows, s.Zone) {
			windows += " " + s.Zone
		}
		now := "now " + string(s.State)
		if s.State == schedule.Unmanaged {
			now = "now left to people"
		}
		lines = append(lines, head+windows+", "+now+then(s))
	}
	return lines
}

// jobLines says in a line each when the jobs run where nightshift is deployed.
func jobLines(list []app.JobCheck) []string {
	var lines []string
	for _, j := range list {
		line := "job " + text.Pad(j.Job, len("report")) + "  " + j.When
		if j.Next != nil {
			line += ", next " + j.Next.Format("Mon 2006-01-02 15:04 MST")
		}
		lines = append(lines, line)
	}
	return lines
}

// then says when a schedule wants something else.
func then(s app.ScheduleCheck) string {
	if s.Next == nil {
		return " for good"
	}
	verb := map[schedule.State]string{
		schedule.Running: "running again", schedule.Stopped: "stopped", schedule.Unmanaged: "left to people",
	}[s.Next.State]
	if s.Next.State == s.State {
		verb = "once more"
	}
	return ", " + verb + " " + s.Next.At.Format(moment)
}
