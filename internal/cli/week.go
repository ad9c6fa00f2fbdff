package cli

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"os"
	"strconv"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"nightshift/internal/fleet"
	"nightshift/internal/schedule"
	"nightshift/internal/text"
)

func (a *commandLine) weekCommand() *cobra.Command {
	var (
		names []string
		at    string
	)
	cmd := &cobra.Command{
		Use:   "week",
		Short: "Draw a week of the schedules",
		Long: `Draw a week of the schedules, a row for each: from Monday to Sunday, or with --at
the seven days from that one on. Days and hours are local to the schedule.

The height of a block is the part of it in which machines run. It needs neither
credentials nor network and, for a schedule that is written out, no
configuration. It fits 80 columns and uses a wider terminal.`,
		Example: `  nightshift power week
  nightshift power week --schedule office-hours --at 2026-12-21
  nightshift power week --schedule "Mon-Fri 08:00-19:00 Asia/Seoul"`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, mistakes, err := a.schedulesOf(cmd.Context(), len(names) == 0)
			if err != nil {
				return err
			}
			firstDay, err := a.firstDay(at, cfg.Zone)
			if err != nil {
				return err
			}
			chosen, err := cfg.Choose(names, nil)
			if len(chosen) == 0 {
				return errors.Join(asError(mistakes), err)
			}
			wrong := err // schedules that the file defines wrongly are among its mistakes
			if len(mistakes) > 0 {
				for _, m := range mistakes {
					fmt.Fprintln(a.Stderr, text.PrintableLines(m.String()))
				}
				wrong = fleet.Errorf(fleet.ErrInvalid, "%s has %s", a.configName(), text.Count(len(mistakes), "mistake", "mistakes"))
			}
			var weeks []schedule.Week
			for _, named := range chosen {
				weeks = append(weeks, named.Schedule.Week(named.Name, firstDay(named.Schedule.Zone())))
			}
			err = a.show("week", map[string]any{"schedules": weeks}, func() {
				width, color := a.screen()
				picture := weekPicture{weeks: weeks, now: a.Now(), width: width, color: color}
				picture.print(a.Stdout)
			})
			return cmp.Or(err, wrong)
		},
	}
	flags := cmd.Flags()
	flags.StringArrayVar(&names, "schedule", nil, "a schedule's name, or a schedule written out; repeat for several")
	flags.StringVar(&at, "at", "", "the first day, as 2026-12-21 or any time on it (default: this week's Monday)")
	a.completeSchedules(cmd)
	return cmd
}

// screen is how wide standard output is, and whether it takes colours: a
// terminal's width, else that of COLUMNS, else 80.
func (a *commandLine) screen() (width int, color bool) {
	if columns := a.terminal(); columns > 0 {
		return columns, a.Env("NO_COLOR") == ""
	}
	if columns, err := strconv.Atoi(a.Env("COLUMNS")); err == nil && columns > 0 {
		return columns, false
	}
	return 80, false
}

// terminal is the width of the terminal that is printed to, or 0 where it is none.
func (a *commandLine) terminal() int {
	out := a.Stdout
	if h, ok := out.(*heard); ok {
		out = h.Writer
	}
	if file, ok := out.(*os.File); ok {
		if columns, _, err := term.GetSize(int(file.Fd())); err == nil {
			return columns
		}
	}
	return 0
}

// firstDay gives a time on the first day of a week in a zone: on Monday where no
// day is named.
func (a *commandLine) firstDay(at string, zone *time.Location) (func(*time.Location) time.Time, error) {
	if date, err := time.Parse(time.DateOnly, at); err == nil {
		return func(*time.Location) time.Time { return date }, nil
	}
	moment, err := schedule.ParseInstant(at, a.Now(), zone)
	return func(zone *time.Location) time.Time {
		if at == "" {
			return schedule.Monday(moment.In(zone))
		}
		return moment.In(zone)
	}, err
}

// inHours writes hours for people: "55h", "61.5h".
func inHours(h float64) string { return fmt.Sprint(math.Round(h*10)/10) + "h" }
