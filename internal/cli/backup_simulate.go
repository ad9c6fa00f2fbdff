package cli

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"nightshift/internal/fleet"
	"nightshift/internal/retention"
	"nightshift/internal/schedule"
	"nightshift/internal/text"
)

// mostSimulated bounds how many copies are simulated: more than an account may have.
const mostSimulated = 200_000

func (a *commandLine) simulateCommand() *cobra.Command {
	var (
		keep, file, zone, span, at string
		every                      time.Duration
		all                        bool
	)
	cmd := &cobra.Command{
		Use:   "simulate",
		Short: "Show which copies a policy would keep, and why",
		Long: `Show which copies a policy would keep, and why: as a calendar, and as a list with
the reasons. It needs neither credentials nor network nor a configuration.

The copies are taken in an interval up to now, or their times are read from a
file, one RFC 3339 time a line. The rules are those of a policy:

  last=N                  the newest N
  hourly=N … yearly=N     the newest of each of N hours, days, weeks, months, years
  within=2y5m7d3h         all within this time of the newest (m is a month)
  within-daily=1y2m       the newest of each day within this time; also
                          within-hourly, within-weekly, within-monthly, within-yearly

N may be unlimited. What one rule keeps stays, whatever the others say.`,
		Example: `  nightshift backup simulate --keep daily=7,weekly=4,monthly=6
  nightshift backup simulate --keep within-hourly=2d,within-daily=1m --every 1h --for 60d
  nightshift backup simulate --keep last=3 --times copies.txt -o json`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			from := cmd.Flags().Changed("times")
			switch {
			case keep == "":
				return fleet.Errorf(fleet.ErrInvalid, "--keep is missing: it says what stays, as daily=7,weekly=4,monthly=6")
			case from && (cmd.Flags().Changed("every") || cmd.Flags().Changed("for")):
				return fleet.Errorf(fleet.ErrInvalid, "--times has the times of the copies; leave out --every and --for")
			}
			rules, err := retention.ParseKeep(keep)
			if err != nil {
				return fleet.Errorf(fleet.ErrInvalid, "--keep: %w", err)
			}
			if rules.Empty() {
				return fleet.Errorf(fleet.ErrInvalid, "--keep %s has no rule, so that everything stays", keep)
			}
			local, err := schedule.LoadZone(zone)
			if err != nil {
				return fleet.Errorf(fleet.ErrInvalid, "--timezone: %w", err)
			}
			now, err := schedule.ParseInstant(at, a.Now(), local)
			if err != nil {
				return fleet.Errorf(fleet.ErrInvalid, "--at: %w", err)
			}
			var times []time.Time
			if from {
				times, err = a.readTimes(file)
			} else {
				times, err = copyTimes(every, span, now.In(local))
			}
			if err != nil {
				return err
			}
			verdicts := retention.Apply(times, func(t time.Time) time.Time { return t }, rules, local, now)
			return a.show("backup simulate", simulation(rules, local, now, verdicts), func() {
				width, color := a.screen()
				printSimulation(a.Stdout, rules, verdicts, all, keepCalendar{width: width, color: color})
			})
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&keep, "keep", "", "what stays, as daily=7,weekly=4,monthly=6")
	flags.StringVar(&file, "times", "", "file with the times of the copies, one RFC 3339 time a line; - is standard input")
	flags.DurationVar(&every, "every", 24*time.Hour, "a copy in each interval of this length")
	flags.StringVar(&span, "for", "365d", "for how long copies have been taken, as 365d or 1y6m")
	flags.StringVar(&zone, "timezone", "UTC", "the zone in which days, weeks, months and years begin")
	flags.StringVar(&at, "at", "", "now (default: this moment)")
	flags.BoolVar(&all, "all", false, "list the copies that would be deleted, too")
	complete(cmd, "keep", "daily=7,weekly=4,monthly=6", "within-daily=7d,within-weekly=1m,within-monthly=1y")
	complete(cmd, "timezone", schedule.ZoneNames()...)
	complete(cmd, "for", "90d", "365d", "3y")
	complete(cmd, "every", "1h", "6h", "24h")
	return cmd
}

// copyTimes are those of copies that are taken in an interval up to now, oldest first.
// An interval of whole days keeps its time of day when the clock changes.
func copyTimes(every time.Duration, span string, now time.Time) ([]time.Time, error) {
	length, err := retention.ParseDuration(span)
	switch {
	case err != nil:
		return nil, fleet.Errorf(fleet.ErrInvalid, "--for: %w", err)
	case every < time.Minute:
		return nil, fleet.Errorf(fleet.ErrInvalid, "--every %s: a minute is the shortest interval", every)
	}
	first := length.Before(now)
	if n := now.Sub(first) / every; n > mostSimulated {
		return nil, fleet.Errorf(fleet.ErrInvalid, "that would be %s copies; at most %s are simulated", text.Number(int64(n)), text.Number(mostSimulated))
	}
	const day = 24 * time.Hour
	var times []time.Time
	for n := 0; ; n++ {
		t := now.Add(-time.Duration(n) * every)
		if every%day == 0 {
			t = now.AddDate(0, 0, -n*int(every/day))
		}
		if !t.After(first) {
			break
		}
		times = append(times, t)
	}
	return times, nil
}

// readTimes reads a time from each line of a file that is not empty.
func (a *commandLine) readTimes(file string) ([]time.Time, error) {
	from := a.Stdin
	if file != "-" {
		f, err := os.Open(file)
		if err != nil {
			return nil, fleet.Errorf(fleet.ErrInvalid, "--times: %w", err)
		}
		defer func() { _ = f.Close() }() // it was only read
		from = f
	}
	return scanTimes(from, file)
}

func scanTimes(from io.Reader, name string) ([]time.Time, error) {
	var times []time.Time
	lines := bufio.NewScanner(from)
	for n := 1; lines.Scan(); n++ {
		line := strings.TrimSpace(lines.Text())
		if line == "" {
			continue
		}
		t, err := time.Parse(time.RFC3339, line)
		if err != nil {
			return nil, fleet.Errorf(fleet.ErrInvalid, "%s:%d: %q is no RFC 3339 time, such as 2026-05-03T02:00:00Z", name, n, text.Clip(text.Printable(line), 60))
		}
		if times = append(times, t); len(times) > mostSimulated {
			return nil, fleet.Errorf(fleet.ErrInvalid, "%s has more than %s times", name, text.Number(mostSimulated))
		}
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	if len(times) == 0 {
		return nil, fleet.Errorf(fleet.ErrInvalid, "%s has no times", name)
	}
	return times, nil
}

// simulationItem is a copy in the JSON answer.
type simulationItem struct {
	Time    time.Time          `json:"time"`
	Keep    bool               `json:"keep"`
	Reasons []retention.Reason `json:"reasons"`
}

// simulation is the JSON answer.
func simulation(rules retention.Keep, zone *time.Location, now time.Time, verdicts []retention.Verdict[time.Time]) any {
	items := make([]simulationItem, len(verdicts))
	for n, v := range verdicts {
		items[n] = simulationItem{v.Time, v.Keep, v.Reasons}
	}
	return map[string]any{"keep": rules, "timezone": zone.String(), "at": now.UTC(), "items": items}
}

func printSimulation(w io.Writer, rules retention.Keep, verdicts []retention.Verdict[time.Time], all bool, calendar keepCalendar) {
	if len(verdicts) == 0 {
		fmt.Fprintln(w, "no copies")
		return
	}
	calendar.print(w, verdicts)
	fmt.Fprintln(w)
	list := &table{header: []string{"COPY", "VERDICT", "REASON"}}
	kept, oldest := 0, time.Time{}
	for _, v := range verdicts {
		verdict := "delete"
		if v.Keep {
			verdict, oldest = "keep", v.Time
			kept++
		}
		if v.Keep || all {
			list.add(v.Time.Format("Mon 2006-01-02 15:04"), verdict, reasonsInWords(v.Reasons))
		}
	}
	list.print(w)
	fmt.Fprintf(w, "\n%s keeps %d of %s; the oldest is from %s (%s)\n",
		rules, kept, text.Count(len(verdicts), "copy", "copies"), oldest.Format(time.DateOnly), oldest.Location())
}

func reasonsInWords(reasons []retention.Reason) string {
	words := make([]string, len(reasons))
	for n, r := range reasons {
		words[n] = r.String()
	}
	return strings.Join(words, "; ")
}
