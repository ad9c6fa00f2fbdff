package cli

import (
	"cmp"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"nightshift/internal/app"
	"nightshift/internal/fleet"
	"nightshift/internal/power"
	"nightshift/internal/price"
	"nightshift/internal/schedule"
	"nightshift/internal/text"
)

func (a *commandLine) forecastCommand() *cobra.Command {
	var (
		weeks int
		at    string
	)
	cmd := &cobra.Command{
		Use:   "forecast",
		Short: "Say what the schedules will save in the next weeks",
		Long: `Say how long machines will run in the next weeks under their schedules, and
what that costs and saves at list prices.

It is about the EC2 instances, databases and groups that are there now. Money is
that of EC2 instances alone; their volumes cost the same whether they run or
not. Overrides and what people start and stop by hand are not foreseen; where a
schedule leaves machines to people they are assumed to run.`,
		Example: `  nightshift power forecast
  nightshift power forecast --weeks 8 --at 2026-12-14 --region all`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if weeks < 1 || weeks > 520 {
				return fleet.Errorf(fleet.ErrInvalid, "--weeks %d: give a number from 1 to 520", weeks)
			}
			s, err := a.openConfigured(cmd.Context())
			if err != nil {
				return err
			}
			in := app.ForecastInput{Days: 7 * weeks}
			if in.From, err = schedule.ParseInstant(at, a.Now(), s.Config.Zone); err != nil {
				return err
			}
			a.progress.start("forecast")
			f, err := s.Forecast(cmd.Context(), in)
			a.progress.end()
			if err != nil {
				return errors.Join(a.configErrors(s), err)
			}
			if !f.Unread {
				if err := a.show("forecast", f, func() { a.printForecast(f) }); err != nil {
					return err
				}
			}
			return a.endedWith(s, f.Status(), f.Err())
		},
	}
	flags := cmd.Flags()
	flags.IntVar(&weeks, "weeks", 4, "how many weeks to look ahead")
	flags.StringVar(&at, "at", "", "the time to look ahead from, as 2026-12-24T20:00 or in RFC 3339 (default: now)")
	return cmd
}

func (a *commandLine) printForecast(f app.ForecastResult) {
	fmt.Fprintf(a.Stdout, "%s to %s\n\n", f.From.Format(moment), f.To.Format(moment))
	t := table{numbers: true, header: []string{"SCHEDULE", "MACHINES", "ALWAYS ON", "WANTED", "SAVED", "", "ALWAYS ON", "WANTED", "SAVED"}}
	add := func(l power.ForecastLine) {
		share := "-"
		if l.AlwaysOn > 0 {
			share = fmt.Sprintf("%.0f%%", 100*float64(l.Saved)/float64(l.AlwaysOn))
		}
		money := func(u price.USD) string {
			if l.Unpriced == l.Machines {
				return "no price"
			}
			return dollars(u)
		}
		t.add(cmp.Or(l.Schedule, "all"), fmt.Sprint(l.Machines), machineHours(l.AlwaysOn), machineHours(l.Desired), machineHours(l.Saved), share,
			money(l.AlwaysOnUSD), money(l.DesiredUSD), money(l.SavedUSD))
	}
	for _, l := range f.Lines {
		add(l)
	}
	if len(f.Lines) > 1 {
		add(f.Total)
	}
	if len(f.Lines) == 0 {
		fmt.Fprintln(a.Stdout, "no machine follows a schedule")
	}
	t.print(a.Stdout)
	fmt.Fprintln(a.Stdout)
	for _, n := range f.Notes {
		fmt.Fprintln(a.Stdout, "·", n)
	}
}

// machineHours writes the hours of many machines: "1,234 h".
func machineHours(t power.MachineTime) string {
	return text.Commas(fmt.Sprintf("%.0f", t.Hours())) + " h"
}
