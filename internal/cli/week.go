package cli

import (
	"errors"
	"fmt"
	"math"
	"os"
	"strconv"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"nightshift/internal/app"
	"nightshift/internal/fleet"
	"nightshift/internal/power"
	"nightshift/internal/schedule"
	"nightshift/internal/text"
)

// week is what a schedule makes of seven local days. Times are in its zone.
type week struct {
	Schedule string    `json:"schedule"`
	Zone     string    `json:"timezone"`
	From     time.Time `json:"from"`
	To       time.Time `json:"to"`
	// Running is how long it runs for certain, Unmanaged how long people
	// decide. Of a schedule that only starts or only stops that is all the
	// time, and Edges are when it acts.
	Running   float64          `json:"running_hours"`
	Unmanaged float64          `json:"unmanaged_hours"`
	Share     float64          `json:"running_share"`
	OneSided  bool             `json:"one_sided,omitempty"`
	Days      []weekDay        `json:"days"`
	Spans     []span           `json:"spans"`
	Edges     []app.Transition `json:"edges,omitempty"`
}

// weekDay is one local day: clock changes give it 23 or 25 hours.
type weekDay struct {
	Date    string  `json:"date"`
	Hours   float64 `json:"hours"`
	Running float64 `json:"running_hours"`

	date time.Time // at midnight in UTC
}

// span is a time in which the wanted state stays.
type span struct {
	From  time.Time      `json:"from"`
	To    time.Time      `json:"to"`
	State schedule.State `json:"state"`
}

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
			chosen, err := chooseSchedules(cfg, names, nil)
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
			var weeks []week
			for _, named := range chosen {
				weeks = append(weeks, weekOf(named, firstDay(named.Schedule.Zone())))
			}
			switch {
			case a.json:
				if err := a.printJSON(envelope{1, "week", struct {
					Schedules []week `json:"schedules"`
				}{weeks}}); err != nil {
					return err
				}
			case !a.quiet:
				width, color := a.screen()
				picture := weekPicture{weeks: weeks, now: a.Now(), width: width, color: color}
				picture.print(a.Stdout)
			}
			return wrong
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

// firstDay gives the first day of a week in a zone, as midnight in UTC: Monday
// where no day is named.
func (a *commandLine) firstDay(at string, zone *time.Location) (func(*time.Location) time.Time, error) {
	if date, err := time.Parse(time.DateOnly, at); err == nil {
		return func(*time.Location) time.Time { return date }, nil
	}
	moment, err := a.instant(at, zone)
	return func(zone *time.Location) time.Time {
		date := dateOf(moment.In(zone))
		if at == "" {
			date = date.AddDate(0, 0, -(int(date.Weekday())+6)%7)
		}
		return date
	}, err
}

// weekOf looks at the seven days from the first on.
func weekOf(n power.Named, first time.Time) week {
	s := n.Schedule
	bounds := make([]time.Time, 8)
	for i := range bounds {
		bounds[i] = firstInstant(first.AddDate(0, 0, i), s.Zone())
	}
	w := week{
		Schedule: n.Name, Zone: s.Zone().String(), From: bounds[0], To: bounds[7],
		OneSided: s.OneSided(), Spans: spansOf(s, bounds[0], bounds[7]),
	}
	if w.OneSided {
		for at := w.From.Add(-time.Second); ; {
			next, ok := s.Next(at)
			if !ok || !next.At.Before(w.To) {
				break
			}
			w.Edges = append(w.Edges, app.Transition{At: next.At, State: next.State})
			at = next.At
		}
	}
	for i := range 7 {
		date := first.AddDate(0, 0, i)
		w.Days = append(w.Days, weekDay{
			date: date, Date: date.Format(time.DateOnly), Hours: hours(bounds[i+1].Sub(bounds[i])),
			Running: hours(within(w.Spans, schedule.Running, bounds[i], bounds[i+1])),
		})
	}
	w.Running = hours(within(w.Spans, schedule.Running, w.From, w.To))
	w.Unmanaged = hours(within(w.Spans, schedule.Unmanaged, w.From, w.To))
	w.Share = math.Round(w.Running/hours(w.To.Sub(w.From))*1000) / 1000
	return w
}

// firstInstant is when a local day begins, whatever the clocks do there: the
// first quarter of an hour that has its date or a later one. (No zone has
// changed its clocks at other times since 1972.)
func firstInstant(date time.Time, zone *time.Location) time.Time {
	t := date.Add(-16 * time.Hour) // no zone is further ahead
	for date.After(dateOf(t.In(zone))) {
		t = t.Add(15 * time.Minute)
	}
	return t.In(zone)
}

// dateOf is the date of a local time, as midnight in UTC.
func dateOf(local time.Time) time.Time {
	year, month, day := local.Date()
	return time.Date(year, month, day, 0, 0, 0, 0, time.UTC)
}

// spansOf cuts a time where the wanted state changes. What a schedule that
// only starts or only stops wants is done once; it then leaves the machines to
// people.
func spansOf(s *schedule.Schedule, from, to time.Time) []span {
	if s.OneSided() {
		return []span{{from, to, schedule.Unmanaged}}
	}
	spans := []span{}
	for from.Before(to) {
		state, end := s.At(from), to
		if next, ok := s.Next(from); ok && next.At.Before(to) {
			end = next.At
		}
		if last := len(spans) - 1; last >= 0 && spans[last].State == state {
			spans[last].To = end
		} else {
			spans = append(spans, span{from, end, state})
		}
		from = end
	}
	return spans
}

// within adds up the time of a state in [from, to).
func within(spans []span, state schedule.State, from, to time.Time) time.Duration {
	var total time.Duration
	for _, s := range spans {
		if s.State != state {
			continue
		}
		begin, end := s.From, s.To
		if begin.Before(from) {
			begin = from
		}
		if end.After(to) {
			end = to
		}
		total += max(0, end.Sub(begin))
	}
	return total
}

// hours is a duration in hours with two decimals.
func hours(d time.Duration) float64 { return math.Round(d.Hours()*100) / 100 }

// inHours writes hours for people: "55h", "61.5h".
func inHours(h float64) string { return fmt.Sprint(math.Round(h*10)/10) + "h" }
