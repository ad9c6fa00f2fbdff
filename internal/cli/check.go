package cli

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"nightshift/internal/config"
	"nightshift/internal/fleet"
	"nightshift/internal/schedule"
)

// checked is what `check --json` prints.
type checked struct {
	Configuration string            `json:"configuration"`
	Mistakes      []checkedMistake  `json:"mistakes"`
	Warnings      []checkedMistake  `json:"warnings"`
	Schedules     []checkedSchedule `json:"schedules"`
	Rules         int               `json:"rules"`
	Accounts      int               `json:"accounts,omitempty"`
	Live          *checkedLive      `json:"live,omitempty"`
}

type checkedMistake struct {
	File    string `json:"file"`
	Line    int    `json:"line"`
	Column  int    `json:"column"`
	Message string `json:"message"`
}

// checkedSchedule is a schedule with what it wants now and from when on
// something else.
type checkedSchedule struct {
	Schedule   string         `json:"schedule"`
	Definition string         `json:"definition,omitempty"`
	Zone       string         `json:"timezone,omitempty"`
	State      schedule.State `json:"state,omitempty"`
	Next       *transition    `json:"next"`
	Error      string         `json:"error,omitempty"`
}

func (a *app) checkCommand() *cobra.Command {
	var live, example bool
	cmd := &cobra.Command{
		Use:   "check",
		Short: "Look over the configuration, and with --live over the account",
		Long: `Look over the configuration: every mistake with its place, and what each schedule
wants now. Nothing is asked of AWS, unless the configuration lies there.

With --live also look over the account: whose the credentials are, what they may
do (asked with DryRun, so that nothing is done), whether the journal can be
written, and which tags look as if a rule or a schedule was meant by them. A
small object named check is written to the journal's place.

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
			cfg, err := a.configuration(cmd.Context(), nil)
			mistakes, ok := errors.AsType[config.Mistakes](err)
			if err != nil && !ok {
				return err
			}
			c := a.checkConfiguration(cfg, mistakes)
			var outcome []error
			if len(mistakes) > 0 {
				outcome = append(outcome, fleet.Errorf(fleet.ErrInvalid, "%s has %s", c.Configuration, counted(len(mistakes), "mistake", "mistakes")))
			}
			if live && cfg != nil {
				progress := a.progress("check")
				c.Live, err = a.checkLive(cmd.Context(), cfg)
				progress.end()
				if err != nil {
					outcome = append(outcome, err)
				} else {
					outcome = append(outcome, c.Live.err())
				}
			}
			if a.json {
				if err := a.printJSON(envelope{1, "check", c}); err != nil {
					return err
				}
			} else {
				a.printChecked(c, cfg, mistakes)
			}
			return errors.Join(outcome...)
		},
	}
	flags := cmd.Flags()
	flags.BoolVar(&live, "live", false, "also look over credentials, permissions, journal and tags")
	flags.BoolVar(&example, "example", false, "print a commented configuration that shows every key")
	return cmd
}

// checkConfiguration sums up what was read; cfg is nil where nothing could be.
func (a *app) checkConfiguration(cfg *config.Config, mistakes config.Mistakes) checked {
	list := func(all []config.Mistake) []checkedMistake {
		out := []checkedMistake{}
		for _, m := range all {
			out = append(out, checkedMistake{m.File, m.Line, m.Col, m.Message})
		}
		return out
	}
	c := checked{Configuration: a.configName(), Mistakes: list(mistakes), Warnings: []checkedMistake{}, Schedules: []checkedSchedule{}}
	if cfg == nil {
		return c
	}
	c.Warnings, c.Rules, c.Accounts = list(cfg.Warnings), len(cfg.Rules().Rules), len(cfg.Accounts)
	now := a.Now()
	for _, s := range cfg.Schedules {
		one := checkedSchedule{Schedule: s.Name}
		if s.Err != nil {
			one.Error = s.Err.Error()
		} else {
			one.Definition, one.Zone, one.State = s.Schedule.Definition().String(), s.Schedule.Zone().String(), s.Schedule.At(now)
			if next, ok := s.Schedule.Next(now); ok {
				one.Next = &transition{next.At, next.State}
			}
		}
		c.Schedules = append(c.Schedules, one)
	}
	return c
}

func (a *app) printChecked(c checked, cfg *config.Config, mistakes config.Mistakes) {
	out := a.Stdout
	if a.quiet {
		out = a.Stderr
	}
	for _, m := range mistakes {
		fmt.Fprintln(out, printableLines(m.String()))
	}
	if a.quiet {
		return
	}
	if cfg != nil {
		for _, w := range cfg.Warnings {
			fmt.Fprintln(out, "warning:", printableLines(w.String()))
		}
		if len(mistakes)+len(cfg.Warnings) > 0 {
			fmt.Fprintln(out)
		}
		for _, line := range scheduleLines(c.Schedules) {
			fmt.Fprintln(out, line)
		}
		accounts := ""
		if c.Accounts > 0 {
			accounts = counted(c.Accounts, "account", "accounts") + ", "
		}
		fmt.Fprintf(out, "%s: %s, %s, %s%s, %s\n", printable(c.Configuration), counted(len(c.Schedules), "schedule", "schedules"),
			counted(c.Rules, "rule", "rules"), accounts, counted(len(mistakes), "mistake", "mistakes"), counted(len(c.Warnings), "warning", "warnings"))
	}
	if c.Live != nil {
		fmt.Fprintln(out)
		c.Live.print(out)
	}
}

// longestText is how much of a schedule's text is shown in a line; one with a
// calendar lists its days.
const longestText = 60

// scheduleLines says in a line each what the schedules are and want.
func scheduleLines(list []checkedSchedule) []string {
	width := 0
	for _, s := range list {
		width = max(width, columns(printable(s.Schedule)))
	}
	var lines []string
	for _, s := range list {
		head := padded(printable(s.Schedule), width) + "  "
		if s.Error != "" {
			lines = append(lines, head+"wrong: "+printable(s.Error))
			continue
		}
		text := cutRight(printable(s.Definition), longestText)
		if !strings.HasSuffix(text, s.Zone) {
			text += " " + s.Zone
		}
		now := "now " + string(s.State)
		if s.State == schedule.Unmanaged {
			now = "now left to people"
		}
		lines = append(lines, head+text+", "+now+then(s))
	}
	return lines
}

// then says when a schedule wants something else.
func then(s checkedSchedule) string {
	if s.Next == nil {
		return " for good"
	}
	verb := map[schedule.State]string{
		schedule.Running: "running again", schedule.Stopped: "stopped", schedule.Unmanaged: "left to people",
	}[s.Next.State]
	if s.Next.State == s.State {
		verb = "once more"
	}
	return ", " + verb + " " + s.Next.At.Format("Mon 2006-01-02 15:04 MST")
}

// counted writes a number with its noun.
func counted(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprint(n) + " " + many
}
