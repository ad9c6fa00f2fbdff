package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"nightshift/internal/app"
	"nightshift/internal/backup"
	"nightshift/internal/fleet"
	"nightshift/internal/text"
)

func (a *commandLine) backupPlanCommand() *cobra.Command {
	var (
		all, exitCode bool
		most          int
	)
	cmd := &cobra.Command{
		Use:   "plan",
		Short: "Show which copies would be made and deleted, and why",
		Long: `Show which copies would be made and deleted, and why. Nothing is changed.

What would be deleted has the reasons of the retention, and how much that frees a
month: what no snapshot that stays refers to, as far as the blocks of the snapshots
may be listed, else an upper bound (≤). What a
guard holds back is counted; --all lists it with everything else that stays.

The plan ends with a hash of its deletions. ` + "`nightshift backup apply --hash HASH`" + `
deletes what this plan lists and what still has the same verdict then, even where
new copies were made in between.`,
		Example: `  nightshift backup plan
  nightshift backup plan --all
  nightshift backup plan --exit-code --quiet || echo "something is to be done"`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			s, err := a.openConfigured(cmd.Context())
			if err != nil {
				return err
			}
			return a.planBackup(cmd.Context(), s, most, all, exitCode)
		},
	}
	flags := cmd.Flags()
	flags.BoolVar(&all, "all", false, "also list the copies that stay, and the resources of which no copy is due")
	flags.BoolVar(&exitCode, "exit-code", false, "end with code 6 when something would be done")
	addMaxDeletions(cmd, &most)
	return cmd
}

// planBackup makes a plan and shows it.
func (a *commandLine) planBackup(ctx context.Context, s *app.Session, most int, all, exitCode bool) error {
	defer a.tuneMemory(backupGCPercent, backupHeapLimit)()
	a.progress.start("backup")
	result, err := s.BackupPlan(ctx, app.BackupInput{MaxDeletions: most, Prices: true})
	a.progress.end()
	if err != nil {
		return errors.Join(a.configErrors(s), err)
	}
	if !result.Unread {
		var answer any
		if a.json { // it is as large as the plan
			answer = backupPlanAnswer(result)
		}
		if err := a.show("backup plan", answer, func() { a.printBackupPlan(s, result, all) }); err != nil {
			return err
		}
	}
	err = a.endedWith(s, result.Status(), result.Err())
	if err == nil && exitCode && plannedActions(result) > 0 {
		return errChanges
	}
	return err
}

// addMaxDeletions adds the flag that plan and apply share: with another value the plans
// differ, and so do their hashes.
func addMaxDeletions(cmd *cobra.Command, most *int) {
	cmd.Flags().IntVar(most, "max-deletions", 0, "how many sets of a policy are deleted at most (default: the larger of 20 and 5 % of its sets)")
}

// plannedActions counts the copies and deletions of the plans.
func plannedActions(r app.BackupResult) int {
	n := 0
	for _, t := range r.Targets {
		n += len(t.Plan.Deletions())
		for _, c := range t.Plan.Creates {
			if c.Action != backup.ActionNone {
				n++
			}
		}
	}
	return n
}

// copyForm is how the times of slots and data are printed in tables, in UTC.
const copyForm = "2006-01-02 15:04"

func copyTime(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return t.UTC().Format(copyForm)
}

// printBackupPlan prints what changes and the sums of each policy; with all everything.
func (a *commandLine) printBackupPlan(s *app.Session, r app.BackupResult, all bool) {
	out := a.Stdout
	width := a.terminal()
	parts := 0
	section := func(title string, t *accountTable, fit func(screen int, names ...string), narrow ...string) {
		if len(t.rows) == 0 {
			return
		}
		if parts++; parts > 1 {
			fmt.Fprintln(out)
		}
		fmt.Fprintln(out, title)
		left := 0
		if !all && len(t.rows) > mostRows {
			left, t.rows = len(t.rows)-mostRows, t.rows[:mostRows]
		}
		fit(width, narrow...)
		t.print(out)
		if left > 0 {
			fmt.Fprintf(out, "… and %d more; --all lists them\n", left)
		}
	}
	title := "Deletions (by the time of the data, UTC):"
	if all {
		title = "Sets (by the time of the data, UTC):"
	}
	creates, verdicts, policies := createsTable(s.Names, r, all), verdictsTable(s.Names, r, all), policiesTable(s.Names, r)
	section("Copies (times are UTC):", creates, creates.reasons, "REGION", "VOLUMES", "NAME", "ACTION")
	section(title, verdicts, verdicts.reasons, "REGION", "VERDICT", "NAME", "FREES")
	section("Policies:", policies, policies.fit, append(policies.idle(), "REGION", "SETS", "RESOURCES")...)
	if parts > 0 {
		fmt.Fprintln(out)
	}
	for _, t := range r.Targets {
		a.printPlanNotes(s, t, all)
	}
	fmt.Fprintln(out, planSummary(r))
	var hashes []string
	for _, t := range r.Targets {
		if t.Plan.Hash != "" {
			hashes = append(hashes, "--hash "+t.Plan.Hash)
		}
	}
	if len(hashes) > 0 {
		fmt.Fprintf(out, "to delete: nightshift backup apply %s\n", strings.Join(hashes, " "))
	}
}

// createsTable has a row for each copy that is due and, with all, for each resource.
func createsTable(names app.Names, r app.BackupResult, all bool) *accountTable {
	t := tableOf(names, 2, "RESOURCE", "NAME", "REGION", "POLICY", "SLOT", "VOLUMES", "ACTION", "REASON")
	for _, target := range r.Targets {
		for _, c := range target.Plan.Creates {
			if c.Action == backup.ActionNone && !all && !blocked(c) {
				continue
			}
			action := string(c.Action)
			if c.Action == backup.ActionNone {
				action = "-"
			}
			t.add(target.Plan.Target.Account, string(c.Resource), ownName(c.Name, string(c.Resource)), string(target.Plan.Target.Region), string(c.Policy), copyTime(c.Slot),
				volumesOf(c), action, createReason(c))
		}
	}
	return t
}

// blocked says whether a resource has no copy for a reason that somebody has to see.
func blocked(c backup.Create) bool {
	return slices.Contains([]string{"invalid-policy", "unread", "no-volumes", "not-ready", "unclear"}, c.Reason.Code)
}

// volumesOf is how many volumes are copied, of how many.
func volumesOf(c backup.Create) string {
	if len(c.Excluded) == 0 {
		return fmt.Sprint(len(c.Volumes))
	}
	return fmt.Sprintf("%d of %d", len(c.Volumes), len(c.Volumes)+len(c.Excluded))
}

// createReason is why a copy is made, with what is special about it.
func createReason(c backup.Create) string {
	parts := []string{c.Reason.Text}
	if n := len(c.Missed); n > 0 {
		parts = append(parts, text.Count(n, "older slot was", "older slots were")+" missed")
	}
	if c.Single {
		parts = append(parts, "volumes are copied one by one, not at one moment")
	}
	return strings.Join(append(parts, c.Warnings...), "; ")
}

// verdictsTable has a row for each set that is deleted and, with all, for each set.
func verdictsTable(names app.Names, r app.BackupResult, all bool) *accountTable {
	t := tableOf(names, 2, "COPY OF", "NAME", "REGION", "POLICY", "DATA", "VERDICT", "FREES", "REASON")
	for _, target := range r.Targets {
		called := namesOf(target)
		for n := range target.Plan.Deletes {
			v := &target.Plan.Deletes[n]
			if v.Keep && !all {
				continue
			}
			frees := "-"
			if !v.Keep {
				frees = v.Frees.String()
			}
			t.add(target.Plan.Target.Account, string(v.Set.Chain.Resource), ownName(called[v.Set.Chain.Resource], string(v.Set.Chain.Resource)), string(target.Plan.Target.Region),
				string(v.Set.Chain.Policy), copyTime(v.Set.Data), verdictOf(v), frees, verdictReason(v))
		}
	}
	return t
}

// namesOf are the names of the instances and volumes of a target.
func namesOf(t app.BackupTarget) map[fleet.ResourceID]string {
	called := map[fleet.ResourceID]string{}
	for n := range t.Inventory.Instances {
		i := &t.Inventory.Instances[n]
		called[i.ID] = i.Name()
	}
	for n := range t.Inventory.Volumes {
		v := &t.Inventory.Volumes[n]
		called[fleet.ResourceID(v.ID)] = v.Name()
	}
	return called
}

// verdictOf is what becomes of a set, in a word.
func verdictOf(v *backup.Verdict) string {
	switch {
	case v.Unmark:
		return "unmark"
	case !v.Keep:
		return "delete"
	case v.Mark():
		return "mark"
	case v.Guard != "":
		return "held"
	default:
		return "keep"
	}
}

// verdictReason is why a set stays or goes: the guard that holds it comes first.
func verdictReason(v *backup.Verdict) string {
	var parts []string
	if v.Guard != "" {
		parts = append(parts, fmt.Sprintf("%s: %s", v.Guard, v.Why))
	}
	if v.Changed && !v.Keep {
		parts = append(parts, "because the policy changed")
	}
	return strings.Join(append(parts, v.Rules...), "; ")
}

// planSummary is the last line of a plan.
func planSummary(r app.BackupResult) string {
	copies, retries, deletions, held := 0, 0, 0, 0
	frees := backup.Freed{Measured: true, Priced: true}
	for _, t := range r.Targets {
		for _, c := range t.Plan.Creates {
			switch c.Action {
			case backup.ActionCopy:
				copies++
			case backup.ActionRetry:
				retries++
			case backup.ActionNone:
			}
		}
		_, sums := sumsOf(t.Plan)
		for _, s := range sums {
			deletions, held = deletions+s.deleted, held+s.held
		}
		frees.Add(t.Plan.Frees)
	}
	line := fmt.Sprintf("would make %s", text.Count(copies+retries, "copy", "copies"))
	if retries > 0 {
		line += fmt.Sprintf(" (%d of them again)", retries)
	}
	line += ", delete " + text.Count(deletions, "set", "sets")
	if deletions > 0 {
		line += fmt.Sprintf(" (%s)", frees.Monthly())
	}
	if held > 0 {
		line += fmt.Sprintf(", %d held", held)
	}
	return line + " (nothing was done)"
}
