package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"nightshift/internal/app"
	"nightshift/internal/backup"
	"nightshift/internal/fleet"
	"nightshift/internal/text"
)

func (a *commandLine) backupApplyCommand() *cobra.Command {
	var (
		in          app.BackupInput
		yes, dryRun bool
	)
	cmd := &cobra.Command{
		Use:   "apply",
		Short: "Make the copies that are due, and delete what was approved",
		Long: `Make the copies that are due, and delete what was approved. Copies are made
without a question. Deletions need the hash of a plan, or --yes for those of a plan
that is made now; on a terminal they are shown, and you are asked. Without either,
the copies are made and the deletions wait.

Where the configuration says backup: delete: unattended, a run without --hash and
--yes works as scheduled runs do: it marks what is to go, and deletes it a day later.

Everything is read again just before it is deleted: what has another verdict by
then stays. The run does not wait until copies are complete. One that is ended with
Ctrl-C, or killed, is finished by the next one.`,
		Example: `  nightshift backup apply
  nightshift backup apply --hash 20261201T020500Z-0f3a5b7c9d1e2f4a6b8c0d1e
  nightshift backup apply --yes --max-deletions 100`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			switch {
			case yes && len(in.Hashes) > 0:
				return fleet.Errorf(fleet.ErrInvalid, "--hash approves a plan that you have seen, --yes one that is made now; give one of them")
			case dryRun && (yes || len(in.Hashes) > 0):
				return fleet.Errorf(fleet.ErrInvalid, "--dry-run deletes nothing; leave out --hash and --yes")
			}
			s, err := a.openConfigured(cmd.Context())
			if err != nil {
				return err
			}
			defer a.tuneMemory(backupGCPercent, backupHeapLimit)()
			if dryRun {
				return a.planBackup(cmd.Context(), s, in.MaxDeletions, false, false)
			}
			in.Approved, in.Prices = yes, true
			if err := a.approve(cmd.Context(), s, &in); err != nil {
				return errors.Join(a.configErrors(s), err)
			}
			a.progress.start("backup")
			result, err := s.Backup(cmd.Context(), in)
			a.progress.end()
			if err != nil {
				return errors.Join(a.configErrors(s), err)
			}
			if !result.Unread {
				if err := a.show("backup apply", backupApplyAnswer(result), func() { a.printBackup(s, result) }); err != nil {
					return err
				}
			}
			return a.endedWith(s, result.Status(), result.Err())
		},
	}
	flags := cmd.Flags()
	flags.StringArrayVar(&in.Hashes, "hash", nil, "delete what the plan with this hash lists; repeat for those of several accounts and regions")
	flags.BoolVar(&yes, "yes", false, "delete what a plan of this moment lists, without a question")
	flags.BoolVar(&dryRun, "dry-run", false, "show what would be done and why, as plan does, and do nothing")
	addMaxDeletions(cmd, &in.MaxDeletions)
	return cmd
}

// approve shows on a terminal what would be deleted, and asks. No is an answer, too: the
// copies are made, and the deletions wait.
func (a *commandLine) approve(ctx context.Context, s *app.Session, in *app.BackupInput) error {
	if in.Approved || len(in.Hashes) > 0 || !a.Interactive || a.json || a.quiet || s.Config.Backup.Unattended {
		return nil
	}
	a.progress.start("backup")
	plan, err := s.BackupPlan(ctx, *in)
	a.progress.end()
	if err != nil {
		return err
	}
	var hashes []string
	deletions := 0
	frees := backup.Freed{Measured: true, Priced: true}
	for _, t := range plan.Targets {
		if t.Plan.Hash != "" {
			hashes = append(hashes, t.Plan.Hash)
			deletions += t.Waiting
			frees.Add(t.WaitingFrees)
		}
	}
	if deletions == 0 {
		return nil
	}
	t := verdictsTable(s.Names, plan, false)
	t.reasons(a.terminal(), "REGION", "VERDICT", "NAME", "FREES")
	t.print(a.Stderr)
	err = a.askPerson(ctx, "", "Delete %s (%s)?", text.Count(deletions, "set", "sets"), frees.Monthly())
	if errors.Is(err, errDeclined) {
		return nil
	}
	if err == nil {
		in.Hashes = hashes
	}
	return err
}

// printBackup prints the outcomes of a run.
func (a *commandLine) printBackup(s *app.Session, r app.BackupResult) {
	t := backupTable(s.Names, r)
	t.reasons(a.terminal(), "REGION", "NAME", "SNAPSHOTS", "SLOT")
	t.print(a.Stdout)
	said := map[string]bool{}
	for _, target := range r.Targets {
		for _, note := range target.Notes {
			if !said[note] { // what the whole run lacks is said once
				a.paragraph(note)
			}
			said[note] = true
		}
	}
	fmt.Fprintln(a.Stdout, backupSummary(r))
	if line := waitingLine(r); line != "" {
		fmt.Fprintln(a.Stdout, line)
	}
}

// backupTable has a row for each outcome.
func backupTable(names app.Names, r app.BackupResult) *accountTable {
	t := tableOf(names, 2, "RESOURCE", "NAME", "REGION", "POLICY", "SLOT", "ACTION", "OUTCOME", "SNAPSHOTS", "REASON")
	for _, target := range r.Targets {
		called := namesOf(target)
		slots := slotsOf(target.Plan)
		for _, o := range target.Outcomes {
			slot := slots[o.Chain]
			if _, of, _, _, ok := o.Set.Read(); ok {
				slot = copyTime(of)
			}
			t.add(target.Plan.Target.Account, string(o.Chain.Resource), ownName(called[o.Chain.Resource], string(o.Chain.Resource)), string(target.Plan.Target.Region),
				string(o.Chain.Policy), slot, string(o.Action), string(o.Result), snapshotsInShort(o.Snapshots), o.Text)
		}
	}
	return t
}

// slotsOf are the slots that a plan makes copies for.
func slotsOf(plan backup.Plan) map[backup.Chain]string {
	slots := map[backup.Chain]string{}
	for _, c := range plan.Creates {
		slots[backup.Chain{Policy: c.Policy, Resource: c.Resource}] = copyTime(c.Slot)
	}
	return slots
}

// snapshotsInShort names one snapshot and counts several.
func snapshotsInShort(ids []fleet.SnapshotID) string {
	switch len(ids) {
	case 0:
		return "-"
	case 1:
		return string(ids[0])
	default:
		return fmt.Sprintf("%s +%d", ids[0], len(ids)-1)
	}
}

// backupSummary is the last line of a run.
func backupSummary(r app.BackupResult) string {
	done := map[backup.Action]int{}
	left := map[fleet.Result]int{}
	for _, t := range r.Targets {
		for _, o := range t.Outcomes {
			if o.Result == fleet.Done {
				done[o.Action]++
			} else {
				left[o.Result]++
			}
		}
	}
	parts := []string{"made " + text.Count(done[backup.DidCopy], "copy", "copies"), "deleted " + text.Count(done[backup.DidDelete], "set", "sets")}
	if n := done[backup.DidMark]; n > 0 {
		parts = append(parts, fmt.Sprintf("marked %d to be deleted in a day", n))
	}
	if n := done[backup.DidUnmark]; n > 0 {
		parts = append(parts, fmt.Sprintf("took back %s", text.Count(n, "mark", "marks")))
	}
	for _, result := range []fleet.Result{fleet.Skipped, fleet.Failed, fleet.Deferred} {
		if n := left[result]; n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, result))
		}
	}
	return strings.Join(parts, ", ")
}

// waitingLine says how many deletions wait for a person; empty where none does.
func waitingLine(r app.BackupResult) string {
	waiting := 0
	frees := backup.Freed{Measured: true, Priced: true}
	for _, t := range r.Targets {
		if t.Waiting > 0 {
			waiting += t.Waiting
			frees.Add(t.WaitingFrees)
		}
	}
	if waiting == 0 {
		return ""
	}
	return fmt.Sprintf("%s (%s); look at `nightshift backup plan`, then run `nightshift backup apply --hash HASH`",
		text.Count(waiting, "deletion waits", "deletions wait"), frees.Monthly())
}
