package cli

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"nightshift/internal/app"
	"nightshift/internal/fleet"
	"nightshift/internal/power"
	"nightshift/internal/schedule"
	"nightshift/internal/text"
)

func (a *commandLine) explainCommand() *cobra.Command {
	var at string
	cmd := &cobra.Command{
		Use:   "explain ID",
		Short: "Tell why a machine is, or is not, stopped or started",
		Long: `Tell why a machine is, or is not, stopped or started: which rule, tag and
schedule it follows, which window decides, when that changes, and what is known
of its past. The machine is named by its id or by its Name tag.`,
		Example: `  nightshift power explain i-0123456789abcdef0
  nightshift power explain web-1 --at 2026-12-24T20:00`,
		Args: one("the id or the name of a machine"),
		RunE: func(cmd *cobra.Command, args []string) error {
			s, err := a.openConfigured(cmd.Context())
			if err != nil {
				return err
			}
			var now time.Time
			if at != "" {
				if now, err = schedule.ParseInstant(at, a.Now(), s.Config.Zone); err != nil {
					return err
				}
			}
			list, err := s.Explain(cmd.Context(), args[0], now)
			if len(list) == 0 {
				return errors.Join(a.configErrors(s), err)
			}
			printed := a.show("explanation", list, func() {
				for n, e := range list {
					if n > 0 {
						fmt.Fprintln(a.Stdout)
					}
					a.printExplanation(s, e)
				}
			})
			switch {
			case printed != nil:
				return printed
			case err != nil:
				return a.endedWith(s, fleet.StatusPartial, err)
			}
			return a.endedWith(s, fleet.StatusDone, nil)
		},
	}
	cmd.Flags().StringVar(&at, "at", "", "the time to explain, as 2026-12-24T20:00 or in RFC 3339 (default: now)")
	return cmd
}

func (a *commandLine) printExplanation(s *app.Session, e app.Explanation) {
	zone := s.Config.Zone
	if named, err := schedule.LoadZone(e.Zone); err == nil {
		zone = named
	}
	when := func(t time.Time) string { return t.In(zone).Format(moment) }
	row := func(name, format string, args ...any) {
		fmt.Fprintf(a.Stdout, "  %-9s %s\n", name, text.Printable(fmt.Sprintf(format, args...)))
	}
	where := string(e.Region)
	if s.Names.Several() {
		where += ", account " + text.Printable(s.Names.Of(e.Account))
	}
	fmt.Fprintf(a.Stdout, "%s (%s), %s in %s\n", e.ID, text.Printable(e.Name), strings.ReplaceAll(string(e.Kind), "-", " "), where)
	state := string(e.State)
	if e.Started != nil {
		state += ", last started " + when(*e.Started)
	}
	if e.Stopped != nil {
		state += ", stopped " + when(*e.Stopped)
	}
	row("state", "%s", state)
	switch {
	case e.Rule == 0:
		row("rule", "none")
	case e.Tag == "":
		row("rule", "%d, for every machine", e.Rule)
	default:
		row("rule", "%d, for the tag %s", e.Rule, e.Tag)
	}
	if e.Windows != "" {
		windows := text.CutRight(e.Windows, longestText)
		if e.Schedule != e.Windows {
			windows = e.Schedule + ": " + e.Windows
		}
		if !strings.Contains(windows, e.Zone) {
			windows += ", " + e.Zone
		}
		row("schedule", "%s", windows)
	}
	if e.Window != "" {
		since := ""
		if e.Last != nil {
			since = " since " + when(*e.Last)
		}
		row("now", "%s: wanted %s%s", e.Window, e.Desired, since)
		if e.Next != nil {
			row("next", "changes its mind at %s", when(*e.Next))
		}
	}
	if e.Override != "" {
		over := ""
		if e.OverrideEnded {
			over = " (over)"
		}
		row("override", "%s%s", e.Override, over)
	}
	if e.LastAct != "" {
		row("last act", "%s", e.LastAct)
	}
	for _, w := range e.Warnings {
		row("warning", "%s", w)
	}
	decision := "leave"
	if e.Action != power.None {
		decision = string(e.Action)
	}
	row("decision", "%s: %s", decision, e.Text)
}

// one accepts exactly one argument.
func one(what string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) != 1 || args[0] == "" { // nothing would name all that have no name
			return fleet.Errorf(fleet.ErrInvalid, "give %s; see: %s --help", what, cmd.CommandPath())
		}
		return nil
	}
}
