package cli

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"nightshift/internal/app"
	"nightshift/internal/blob"
	"nightshift/internal/fleet"
	"nightshift/internal/journal"
	"nightshift/internal/schedule"
	"nightshift/internal/text"
)

func (a *commandLine) historyCommand() *cobra.Command {
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
			s, err := a.openConfig(cmd.Context(), place == "")
			if err != nil {
				return err
			}
			if n := len(s.Errors); n > 0 && !a.quiet {
				fmt.Fprintf(a.Stderr, "warning: %s has %s; `nightshift check` shows them\n", a.configName(), text.Count(n, "error", "errors"))
			}
			zone := time.UTC
			if s.Config != nil {
				zone = s.Config.Zone
			}
			in := app.HistoryInput{Query: query}
			if in.Journal, err = blob.ParseRef(place); err != nil {
				return err
			}
			if len(args) == 1 {
				in.Name = args[0]
			} else if in.Query.Since, err = schedule.ParsePast(since, a.Now(), zone); err != nil {
				return fleet.Errorf(fleet.ErrInvalid, "--since %w", err)
			}
			result, err := s.History(cmd.Context(), in)
			if err != nil {
				return err
			}
			return a.showHistory(result, in.Name != "", zone)
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

// showHistory prints the runs, and ends the command. Records that cannot be read are
// errors beside the rest.
func (a *commandLine) showHistory(r app.HistoryResult, one bool, zone *time.Location) error {
	records, errs := r.Runs, causes(r.Errors)
	data := struct {
		Runs   []journal.Record `json:"runs"`
		Errors []string         `json:"errors,omitempty"`
	}{Runs: append([]journal.Record{}, records...)} // a list in JSON, too
	for _, err := range errs {
		data.Errors = append(data.Errors, err.Error())
	}
	err := a.show("history", data, func() {
		switch {
		case one:
			printRun(a.Stdout, records[0], zone)
		case len(records) > 0 || len(errs) == 0:
			a.printHistory(records, zone)
		}
	})
	if err != nil {
		return err
	}
	if len(errs) > 0 && len(records) > 0 {
		return ended(fleet.StatusPartial, errors.Join(errs...))
	}
	if len(errs) > 0 && !slices.ContainsFunc(errs, func(err error) bool { return !errors.Is(err, fleet.ErrInvalid) }) {
		return ended(fleet.StatusPartial, errors.Join(errs...)) // damaged records alone
	}
	return errors.Join(errs...)
}

func (a *commandLine) printHistory(records []journal.Record, zone *time.Location) {
	if len(records) == 0 {
		fmt.Fprintln(a.Stdout, "no such runs are in the journal")
	}
	t := table{header: []string{"TIME", "JOB", "SEEN", "DONE", "FAILED", "LEFT", "TOOK", "CALLS", "RUN", ""}}
	for _, r := range records {
		var notes []string
		if r.Narrowed != "" {
			notes = append(notes, "narrowed")
		}
		if n := len(r.Errors); n > 0 {
			notes = append(notes, text.Count(n, "error", "errors"))
		} else if r.DryRun {
			notes = append(notes, "dry run")
		}
		t.add(r.Started.In(zone).Format("Mon 2006-01-02 15:04:05 MST"), r.Job, fmt.Sprint(r.Seen), fmt.Sprint(r.Done), fmt.Sprint(r.Failed),
			fmt.Sprint(r.Deferred), inShort(r.Duration), fmt.Sprint(callsOf(r)), shortRun(r.Run), strings.Join(notes, ", "))
	}
	t.print(a.Stdout)
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

// printRun prints what one run did.
func printRun(out io.Writer, r journal.Record, zone *time.Location) {
	accounts := app.Names{}
	for _, target := range r.Targets {
		accounts[target.Account] = ""
	}
	t := tableOf(accounts, 2, "MACHINE", "NAME", "REGION", "SCHEDULE", "ACTION", "RESULT", "REASON")
	for _, o := range r.Outcomes {
		t.add(o.Target.Account, string(o.ID), o.Name, string(o.Target.Region), o.Schedule, o.Action, string(o.Result), o.Text)
	}
	t.print(out)
	if len(r.Outcomes) > 0 {
		fmt.Fprintln(out)
	}
	for _, e := range r.Errors {
		fmt.Fprintln(out, "error:", text.Printable(e))
	}
	if r.Narrowed != "" {
		fmt.Fprintln(out, "narrowed to", text.Printable(r.Narrowed))
	}
	dry := ""
	if r.DryRun {
		dry = " (dry run: nothing was done)"
	}
	fmt.Fprintf(out, "%s, %s at %s%s\n", text.Printable(r.Run), text.Printable(r.Job), r.Started.In(zone).Format("Mon 2006-01-02 15:04:05 MST"), dry)
	fmt.Fprintf(out, "seen %d, to act on %d, done %d, failed %d, skipped %d, left %d, took %s\n",
		r.Seen, r.Decided, r.Done, r.Failed, r.Skipped, r.Deferred, inShort(r.Duration))
	var calls []string
	for _, name := range slices.Sorted(maps.Keys(r.Calls)) {
		calls = append(calls, fmt.Sprintf("%s %d", text.Printable(name), r.Calls[name]))
	}
	if len(calls) > 0 {
		fmt.Fprintln(out, "calls:", strings.Join(calls, ", "))
	}
}
