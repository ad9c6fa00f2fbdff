package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"nightshift/internal/amazon"
	"nightshift/internal/blob"
	"nightshift/internal/config"
	"nightshift/internal/fleet"
	"nightshift/internal/journal"
)

func (a *app) historyCommand() *cobra.Command {
	var (
		query        journal.Query
		since, place string
	)
	cmd := &cobra.Command{
		Use:   "history [RUN]",
		Short: "Look back on what runs have done",
		Long: `Look back on what runs have done, the newest first, from the records in the
journal that the configuration names. With the name of a run, show what it did
with each machine.`,
		Example: `  nightshift history
  nightshift history --since 24h --job power
  nightshift history 3f2a90c1 --journal s3://my-bucket/nightshift`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) > 1 {
				return noArguments(cmd, args[1:])
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if query.Last < 0 {
				return fleet.Errorf(fleet.ErrInvalid, "--last %d: give the number of runs, or 0 for all", query.Last)
			}
			zone, store, err := a.journalOf(cmd.Context(), place)
			if err != nil {
				return err
			}
			if len(args) == 1 {
				r, err := journal.Find(cmd.Context(), store, args[0])
				if err != nil {
					return err
				}
				return a.showRun(r, zone)
			}
			if query.Since, err = a.past(since, zone); err != nil {
				return err
			}
			records, errs := journal.Read(cmd.Context(), store, query)
			return a.showHistory(records, errs, zone)
		},
	}
	flags := cmd.Flags()
	flags.IntVar(&query.Last, "last", 20, "at most so many runs; 0 for all")
	flags.StringVar(&query.Job, "job", "", "only runs of this job, such as power")
	flags.StringVar(&since, "since", "", "only runs since then: 24h, 08:00, 2026-11-22, or a time in RFC 3339")
	flags.StringVar(&place, "journal", "", "where the records are: a folder or s3://bucket/prefix (default: the configuration's journal)")
	complete(cmd, "job", "power", "stop", "start", "report")
	return cmd
}

// journalOf is the journal at a place, or that of the configuration, and the
// zone in which to show times.
func (a *app) journalOf(ctx context.Context, place string) (*time.Location, blob.Store, error) {
	zone := time.UTC
	if place == "" || a.configName() != "" {
		cfg, err := a.configuration(ctx, nil)
		mistakes, wrong := errors.AsType[config.Mistakes](err)
		switch {
		case cfg == nil && place == "":
			return nil, nil, err
		case wrong && !a.quiet:
			fmt.Fprintf(a.Stderr, "warning: %s has %s; `nightshift check` tells\n", a.configName(), counted(len(mistakes), "mistake", "mistakes"))
		}
		if cfg != nil {
			zone, place = cmp.Or(cfg.Zone, time.UTC), cmp.Or(place, cfg.Journal)
		}
	}
	if place == "" {
		return nil, nil, fleet.Errorf(fleet.ErrInvalid, "%s names no journal, so that no records are kept; add the line journal: s3://bucket/prefix, or pass --journal", a.configName())
	}
	var session *amazon.Session
	if strings.HasPrefix(place, "s3://") {
		var err error
		if session, err = a.open(ctx, nil); err != nil {
			return nil, nil, err
		}
	}
	store, err := a.journal(place, session)
	return zone, store, err
}

// past reads a time that has been: a duration counts back from now, a time of
// day is the last one, and nothing is the beginning.
func (a *app) past(text string, zone *time.Location) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	now := a.Now()
	if d, err := time.ParseDuration(text); err == nil && d > 0 {
		return now.Add(-d), nil
	}
	if days, ok := strings.CutSuffix(text, "d"); ok {
		if n, err := strconv.Atoi(days); err == nil && n > 0 {
			return now.AddDate(0, 0, -n), nil
		}
	}
	at, err := a.instant(text, zone)
	if err != nil {
		return time.Time{}, fleet.Errorf(fleet.ErrInvalid, "--since %q is not a time; write 24h, 7d, 08:00, 2026-11-22 or 2026-11-22T08:00:00+09:00", text)
	}
	if _, err := time.Parse("15:04", text); err == nil {
		at = at.AddDate(0, 0, -1)
	}
	return at, nil
}

// showHistory prints the runs. Records that cannot be read are told, and the
// rest is shown.
func (a *app) showHistory(records []journal.Record, errs []error, zone *time.Location) error {
	switch {
	case a.json:
		if err := a.printRuns(records, errs); err != nil {
			return err
		}
	case a.quiet:
	case len(records) == 0 && len(errs) == 0:
		fmt.Fprintln(a.Stdout, "no such runs are in the journal")
	default:
		t := table{header: []string{"TIME", "JOB", "SEEN", "DONE", "FAILED", "LEFT", "TOOK", "CALLS", "RUN", ""}}
		for _, r := range records {
			note := ""
			if r.DryRun {
				note = "dry run"
			}
			if len(r.Errors) > 0 {
				note = counted(len(r.Errors), "error", "errors")
			}
			t.add(r.Started.In(zone).Format("Mon 2006-01-02 15:04:05 MST"), r.Job, fmt.Sprint(r.Seen), fmt.Sprint(r.Done), fmt.Sprint(r.Failed),
				fmt.Sprint(r.Deferred), inShort(r.Duration), fmt.Sprint(callsOf(r)), shortRun(r.Run), note)
		}
		t.print(a.Stdout)
	}
	if len(errs) > 0 && len(records) > 0 {
		errs = append(errs, errPartly)
	} else if len(errs) > 0 && !slices.ContainsFunc(errs, func(err error) bool { return !errors.Is(err, fleet.ErrInvalid) }) {
		errs = append(errs, errPartly) // damaged records alone
	}
	return errors.Join(errs...)
}

// printRuns prints records as JSON, as they stand in the journal.
func (a *app) printRuns(records []journal.Record, errs []error) error {
	answer := struct {
		Runs   []journal.Record `json:"runs"`
		Errors []string         `json:"errors,omitempty"`
	}{Runs: records}
	if records == nil {
		answer.Runs = []journal.Record{}
	}
	for _, err := range errs {
		answer.Errors = append(answer.Errors, err.Error())
	}
	return a.printJSON(envelope{1, "history", answer})
}

// shortRun is the part of a run's name that finds it again.
func shortRun(name string) string {
	last := name[strings.LastIndexByte(name, '-')+1:]
	return last[:min(8, len(last))]
}

// inShort writes how long something took.
func inShort(d time.Duration) string {
	switch {
	case d < time.Second:
		return d.Round(time.Millisecond).String()
	case d < 10*time.Second:
		return d.Round(100 * time.Millisecond).String()
	default:
		return d.Round(time.Second).String()
	}
}

func callsOf(r journal.Record) int {
	n := 0
	for _, calls := range r.Calls {
		n += calls
	}
	return n
}

// showRun prints what one run did.
func (a *app) showRun(r journal.Record, zone *time.Location) error {
	if a.json {
		return a.printRuns([]journal.Record{r}, nil)
	}
	if !a.quiet {
		printRun(a.Stdout, r, zone)
	}
	return nil
}

func printRun(out io.Writer, r journal.Record, zone *time.Location) {
	accounts := names{}
	for _, target := range r.Targets {
		accounts[target.Account] = ""
	}
	t := accounts.table(2, "MACHINE", "NAME", "REGION", "SCHEDULE", "ACTION", "RESULT", "REASON")
	for _, o := range r.Outcomes {
		t.add(o.Target.Account, string(o.ID), o.Name, string(o.Target.Region), o.Schedule, o.Action, string(o.Result), o.Text)
	}
	t.print(out)
	if len(r.Outcomes) > 0 {
		fmt.Fprintln(out)
	}
	for _, e := range r.Errors {
		fmt.Fprintln(out, "error:", printable(e))
	}
	dry := ""
	if r.DryRun {
		dry = " (dry run: nothing was done)"
	}
	fmt.Fprintf(out, "%s, %s at %s%s\n", printable(r.Run), printable(r.Job), r.Started.In(zone).Format("Mon 2006-01-02 15:04:05 MST"), dry)
	fmt.Fprintf(out, "seen %d, to act on %d, done %d, failed %d, skipped %d, left %d, took %s\n",
		r.Seen, r.Decided, r.Done, r.Failed, r.Skipped, r.Deferred, inShort(r.Duration))
	var calls []string
	for _, name := range slices.Sorted(maps.Keys(r.Calls)) {
		calls = append(calls, fmt.Sprintf("%s %d", printable(name), r.Calls[name]))
	}
	if len(calls) > 0 {
		fmt.Fprintln(out, "calls:", strings.Join(calls, ", "))
	}
}
