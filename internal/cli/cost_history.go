package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"nightshift/internal/app"
	"nightshift/internal/cost"
	"nightshift/internal/cost/trend"
	"nightshift/internal/fleet"
	"nightshift/internal/price"
	"nightshift/internal/text"
)

// pastInput is what the flags of a command about the history say, and the session for
// it: AWS is asked only for what lies in S3.
func (a *commandLine) pastInput(ctx context.Context, f *costFlags, from, to string) (*app.Session, app.PastInput, error) {
	in := app.PastInput{CostInput: f.input(a)}
	if err := f.check(); err != nil {
		return nil, in, err
	}
	var err error
	if in.From, in.To, err = between(from, to); err != nil {
		return nil, in, err
	}
	s, err := a.openConfig(ctx, a.configName() != "")
	return s, in, err
}

// pastFlags defines the flags of the commands about the history.
func pastFlags(cmd *cobra.Command, f *costFlags, from, to *string) {
	flags := cmd.Flags()
	flags.StringVar(&f.history, "history", "", "the history: a directory or s3://bucket/prefix (default: the configuration's)")
	flags.StringVar(from, "from", "", "from this day on, such as 2026-11-01 (default: half a year ago)")
	flags.StringVar(to, "to", "", "to this day (default: today)")
	f.addZone(flags)
	complete(cmd, "from")
	complete(cmd, "to")
}

// showPast shows what the history says, and ends the command: partly where some of it
// could not be read.
func (a *commandLine) showPast(kind string, data any, failed []app.TargetError, print func()) error {
	err := a.show(kind, data, print)
	if err == nil && len(failed) > 0 {
		return ended(fleet.StatusPartial, errors.Join(causes(failed)...))
	}
	return err
}

func (a *commandLine) trendCommand() *cobra.Command {
	var f costFlags
	var from, to string
	var tags []string
	months := false
	cmd := &cobra.Command{
		Use:   "trend",
		Short: "Show what was spent by week and month, from the history",
		Long: `Show what was spent by week and month: from the rows that each report has left
in the history. What lies between two days of it is spread evenly over the days
between. Weeks begin on Monday.`,
		Example: `  nightshift cost trend --history ./history
  nightshift cost trend --months --by-tag Team --json`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			s, in, err := a.pastInput(cmd.Context(), &f, from, to)
			if err != nil {
				return err
			}
			if len(tags) > 0 {
				in.Tags = tags
			}
			result, err := s.Trend(cmd.Context(), in)
			if err != nil || result.Trend == nil {
				return errors.Join(append(causes(result.Errors), err)...)
			}
			return a.showPast("trend", result.Trend, result.Errors, func() { a.printTrend(result.Trend, months, len(tags) > 0) })
		},
	}
	pastFlags(cmd, &f, &from, &to)
	cmd.Flags().BoolVar(&months, "months", false, "by month instead of by week")
	cmd.Flags().StringArrayVar(&tags, "by-tag", nil, "add up by this tag, too; the report must have kept it (cost: tags:)")
	complete(cmd, "by-tag")
	return cmd
}

func (a *commandLine) printTrend(t *trend.Trend, months, byTag bool) {
	periods := t.Weeks
	title := "WEEK OF"
	if months {
		periods, title = t.Months, "MONTH"
	}
	out := table{numbers: true, header: []string{title, "EC2", "EBS", "OTHER", "TOTAL", "", "NOTE"}}
	var most price.USD
	for _, p := range periods {
		if p.Total != nil {
			most = max(most, *p.Total)
		}
	}
	for _, p := range periods {
		name := p.Start.String()
		if months {
			name = name[:len("2006-01")]
		}
		out.add(name, optionalUSD(p.EC2), optionalUSD(p.EBS), optionalUSD(p.Other), optionalUSD(p.Total), bar(p.Total, most), p.Note())
	}
	out.fit(a.terminal(), "")
	out.print(a.Stdout)
	if !byTag {
		return
	}
	groups := table{numbers: true, header: []string{"TAG", "TOTAL"}}
	for _, s := range t.Tags {
		groups.add(clip(s.Key+"="+cmp.Or(s.Item, "(none)")), dollars(s.Total))
	}
	fmt.Fprintln(a.Stdout)
	groups.print(a.Stdout)
}

// clip cuts off a name that would make a table wider than a terminal: tags may
// have 256 characters.
func clip(s string) string {
	const most = 60
	return text.Clip(s, most)
}

// bar draws a share of the most as up to twenty blocks.
func bar(u *price.USD, most price.USD) string {
	if u == nil || most <= 0 || *u <= 0 {
		return strings.Repeat(" ", barWidth)
	}
	n := int(u.Times(barWidth, int64(most)))
	return strings.Repeat("█", n) + strings.Repeat(" ", barWidth-n)
}

const barWidth = 20

func optionalUSD(u *price.USD) string {
	if u == nil {
		return "-"
	}
	return dollars(*u)
}

func (a *commandLine) moversCommand() *cobra.Command {
	var f costFlags
	var from, to string
	top := 20
	cmd := &cobra.Command{
		Use:   "movers",
		Short: "Show what changed between two days of the history, and why",
		Long: `Show what changed between two days of the history, and why: what is new, gone, of
another type or size, what has another price, and what ran for more or fewer
hours. The parts add up to the difference. Costs are a month's at the pace of
the month so far.`,
		Example: `  nightshift cost movers --history ./history
  nightshift cost movers --from 2026-11-01 --to 2026-11-22 --top 50 --json`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if top < 1 {
				return fleet.Errorf(fleet.ErrInvalid, "--top %d: must be at least 1", top)
			}
			s, in, err := a.pastInput(cmd.Context(), &f, from, to)
			if err != nil {
				return err
			}
			in.Limit = top
			result, err := s.Changes(cmd.Context(), in)
			if err != nil || result.Changes == nil {
				return errors.Join(append(causes(result.Errors), err)...)
			}
			movers := result.Changes
			if movers.Top == nil {
				movers.Top = []trend.ResourceChange{} // a list in JSON, too
			}
			return a.showPast("movers", movers, result.Errors, func() { a.printMovers(movers) })
		},
	}
	pastFlags(cmd, &f, &from, &to)
	cmd.Flags().IntVar(&top, "top", top, "list so many")
	complete(cmd, "top")
	return cmd
}

func (a *commandLine) printMovers(m *trend.Changes) {
	fmt.Fprintf(a.Stdout, "%s to %s, a month at the pace of each: %s to %s (%s)\n\n", m.From, m.To,
		dollars(m.Total.Before), dollars(m.Total.After), signed(m.Total.Change.Sum()))
	t := table{numbers: true, header: []string{"RESOURCE", "TYPE", "CHANGE", "NEW", "GONE", "TYPE", "SIZE", "PRICE", "HOURS", "OTHER"}}
	add := func(name, kind string, c trend.Change) {
		cells := []string{name, kind, signed(c.Sum())}
		for _, part := range []price.USD{c.New, c.Gone, c.Type, c.Size, c.Price, c.Hours, c.Other} {
			cells = append(cells, signed(part))
		}
		t.add(cells...)
	}
	for _, mover := range m.Top {
		if unmoved(mover.Change) {
			continue
		}
		add(clip(nameAnd(mover.ID, mover.Name)), mover.Type, mover.Change)
	}
	if m.Others.Count > 0 {
		add(fmt.Sprintf("%d others", m.Others.Count), "", m.Others.Change)
	}
	add("together", "", m.Total.Change)
	t.fit(a.terminal(), t.idle()...)
	t.print(a.Stdout)
}

// unmoved is true where no part of a change is a cent.
func unmoved(c trend.Change) bool {
	for _, part := range []price.USD{c.New, c.Gone, c.Type, c.Size, c.Price, c.Hours, c.Other} {
		if part.Cents() != 0 {
			return false
		}
	}
	return true
}

// signed writes an amount with its sign, and nothing for less than half a cent.
func signed(u price.USD) string {
	switch {
	case u.Cents() == 0:
		return "-"
	case u > 0:
		return "+" + dollars(u)
	}
	return "-" + dollars(-u)
}

func (a *commandLine) savingsCommand() *cobra.Command {
	var costs costFlags
	cmd := &cobra.Command{
		Use:   "savings",
		Short: "Show what was not spent this month because machines were stopped",
		Long: `Show what was not spent this month because nightshift stopped machines: the time
from each stop in the journal to the next start by anyone, at the real price,
without what goes on costing meanwhile, which are volumes and addresses.`,
		Example: `  nightshift cost savings
  nightshift cost savings --json`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			s, report, err := a.makeReport(cmd.Context(), &costs, app.ReportInput{}, "costs")
			switch {
			case err != nil:
				return err
			case report.Savings == nil && s.ConfigErr != nil:
				return s.ConfigErr
			case report.Savings == nil:
				return fleet.Errorf(fleet.ErrInvalid, "there is no journal: name its place as journal: in the configuration")
			}
			return a.showCosts(report, "savings", report.Savings, func() { a.printSavings(report.Savings) })
		},
	}
	costs.add(cmd.Flags())
	return cmd
}

func (a *commandLine) printSavings(s *cost.Savings) {
	fmt.Fprintf(a.Stdout, "%s to %s\n\n", s.From.Format("2 Jan 15:04"), s.To.Format("2 Jan 15:04 MST"))
	t := table{numbers: true, header: []string{"INSTANCE", "SCHEDULE", "OFF", "AN HOUR", "WOULD HAVE COST", "COSTS ON", "SAVED"}}
	for _, i := range s.Instances {
		keeps := "-"
		if i.EBS != nil && i.Addresses != nil {
			keeps = dollars(i.EBS.Add(*i.Addresses))
		}
		hourly := "-"
		if i.Hourly != nil {
			hourly = i.Hourly.String()
		}
		t.add(clip(nameAnd(string(i.ID), i.Name)), i.Schedule, fmt.Sprintf("%.1f h", i.Off.Hours()), hourly, optionalUSD(i.Gross), keeps, optionalUSD(i.Net))
	}
	total := s.Total
	t.add("together", "", fmt.Sprintf("%.1f h", total.Off.Hours()), "", dollars(total.Gross), dollars(total.EBS.Add(total.Addresses)), dollars(total.Net))
	t.fit(a.terminal(), "WOULD HAVE COST", "COSTS ON", "SCHEDULE")
	t.print(a.Stdout)
	if s.Gone > 0 {
		fmt.Fprintf(a.Stdout, "%s stopped that %s not there any more\n", text.Count(s.Gone, "instance was", "instances were"), map[bool]string{true: "is", false: "are"}[s.Gone == 1])
	}
}
