package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"nightshift/internal/app"
	"nightshift/internal/backup"
	"nightshift/internal/fleet"
	"nightshift/internal/text"
)

func (a *commandLine) backupAdoptCommand() *cobra.Command {
	var (
		in         app.AdoptInput
		tags       []string
		policy     string
		apply, yes bool
	)
	cmd := &cobra.Command{
		Use:   "adopt [SNAPSHOT...]",
		Short: "Have a policy manage snapshots that nightshift has not made",
		Long: `Have a policy manage snapshots that nightshift has not made. Without --apply or
--yes it only says what would become of each, with the reason.

They become copies of the policy of volumes that --policy names, else of the one
that copies their volume. Refused are snapshots of Data Lifecycle Manager and AWS
Backup, those that an image uses, that are shared or locked, and results of a copy,
of which nobody knows the volume and the time. What was adopted is not deleted for
14 days. --undo gives snapshots up again, and leaves them as they are.`,
		Example: `  nightshift backup adopt snap-0123456789abcdef0
  nightshift backup adopt --tag Backup=manual --policy disks --apply
  nightshift backup adopt --undo snap-0123456789abcdef0 --yes`,
		Args: cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			var err error
			if in.Tags, err = fleet.ParseTags(tags); err != nil {
				return err
			}
			in.Snapshots = asSnapshots(args)
			in.Policy, in.DryRun = backup.PolicyID(policy), true
			s, err := a.openConfigured(cmd.Context())
			if err != nil {
				return err
			}
			return a.adopt(cmd.Context(), s, in, apply || yes, yes)
		},
	}
	flags := cmd.Flags()
	flags.StringArrayVar(&tags, "tag", nil, "the snapshots with this tag, as Key=Value or Key; repeat for those that carry all of several")
	flags.StringVar(&policy, "policy", "", "the policy of volumes whose copies they become (default: the one that copies their volume)")
	flags.BoolVar(&in.Undo, "undo", false, "give up what was adopted")
	flags.BoolVar(&apply, "apply", false, "do it, after a question")
	flags.BoolVar(&yes, "yes", false, "do it without a question")
	a.completePolicies(cmd)
	return cmd
}

// adopt shows what would become of snapshots and, where that is wanted and agreed to, does
// it.
func (a *commandLine) adopt(ctx context.Context, s *app.Session, in app.AdoptInput, do, yes bool) error {
	targets, err := s.BackupAdopt(ctx, in)
	if err != nil {
		return errors.Join(a.configErrors(s), err)
	}
	todo := 0
	for _, t := range targets {
		for _, adoption := range t.Plan {
			if !adoption.Refused() {
				todo++
			}
		}
	}
	if do && todo > 0 {
		if !yes {
			t := adoptionTable(s.Names, targets, in.Undo)
			t.reasons(a.terminal(), "REGION", "DATA", "VOLUME")
			t.print(a.Stderr)
		}
		question := "Adopt %s?"
		if in.Undo {
			question = "Give up %s?"
		}
		if err := a.ask(ctx, yes, question, text.Count(todo, "snapshot", "snapshots")); err != nil {
			return err
		}
		in.DryRun = false
		if targets, err = s.BackupAdopt(ctx, in); err != nil {
			return errors.Join(a.configErrors(s), err)
		}
	}
	in.DryRun = !do
	err = a.show("backup adopt", adoptAnswerOf(targets, in), func() {
		t := adoptionTable(s.Names, targets, in.Undo)
		t.reasons(a.terminal(), "REGION", "DATA", "VOLUME")
		t.print(a.Stdout)
		fmt.Fprintln(a.Stdout, adoptionSummary(targets, in))
	})
	if err != nil {
		return err
	}
	status, failed := adoptionStatus(targets)
	return a.endedWith(s, status, failed)
}

// adoptionTable has a row for each snapshot.
func adoptionTable(names app.Names, targets []app.AdoptTarget, undo bool) *accountTable {
	t := tableOf(names, 2, "SNAPSHOT", "VOLUME", "REGION", "DATA", "POLICY", "OUTCOME", "REASON")
	for _, target := range targets {
		for n, adoption := range target.Plan {
			policy := "-"
			if chain, _, _, _, ok := adoption.Set.Read(); ok {
				policy = string(chain.Policy)
			}
			outcome, reason := "would adopt", adoption.Text
			switch {
			case adoption.Refused():
				outcome = "refused"
			case target.Outcomes != nil:
				outcome = string(target.Outcomes[n].Result)
				reason = target.Outcomes[n].Text
			case undo:
				outcome = "would give up"
			}
			t.add(target.Target.Account, string(adoption.Snapshot), string(adoption.Volume), string(target.Target.Region), copyTime(adoption.Data),
				policy, outcome, reason)
		}
	}
	return t
}

// adoptionSummary is the last line.
func adoptionSummary(targets []app.AdoptTarget, in app.AdoptInput) string {
	done, refused, failed := 0, 0, 0
	for _, t := range targets {
		for n, adoption := range t.Plan {
			switch {
			case adoption.Refused():
				refused++
			case t.Outcomes == nil || t.Outcomes[n].Result == fleet.Done:
				done++
			default:
				failed++
			}
		}
	}
	verb := "adopted"
	if in.Undo {
		verb = "given up"
	}
	line := fmt.Sprintf("%s %s, %d refused", text.Count(done, "snapshot", "snapshots"), verb, refused)
	if failed > 0 {
		line += fmt.Sprintf(", %d failed", failed)
	}
	if in.DryRun {
		line = fmt.Sprintf("%s would be %s, %d refused (nothing was done; --apply does it)", text.Count(done, "snapshot", "snapshots"), verb, refused)
	}
	return line
}

// adoptionStatus is how the command went, with what did not work.
func adoptionStatus(targets []app.AdoptTarget) (fleet.Status, error) {
	var failed []backup.Outcome
	done, denied := 0, 0
	for _, t := range targets {
		for n, o := range t.Outcomes {
			switch {
			case t.Plan[n].Refused():
			case o.Result == fleet.Done:
				done++
			default:
				failed = append(failed, o)
				if o.Code == "denied" {
					denied++
				}
			}
		}
	}
	if len(failed) == 0 {
		return fleet.StatusDone, nil
	}
	status := fleet.StatusFailed
	switch {
	case done > 0:
		status = fleet.StatusPartial
	case denied == len(failed):
		status = fleet.StatusDenied
	}
	return status, fmt.Errorf("%s could not be tagged; the first, %s: %s", text.Count(len(failed), "snapshot", "snapshots"), failed[0].Snapshots[0], failed[0].Text)
}

// adoptAnswer is the JSON answer of the command adopt.
type adoptAnswer struct {
	Status  fleet.Status  `json:"status"`
	DryRun  bool          `json:"dry_run"`
	Undo    bool          `json:"undo"`
	Targets []adoptTarget `json:"targets"`
}

type adoptTarget struct {
	Account   fleet.Account    `json:"account"`
	Region    fleet.Region     `json:"region"`
	Snapshots []adoptionAnswer `json:"snapshots"`
}

// adoptionAnswer is what becomes of a snapshot, and what came of it: no result is that
// nothing was tried.
type adoptionAnswer struct {
	Snapshot fleet.SnapshotID `json:"snapshot"`
	Volume   fleet.VolumeID   `json:"volume"`
	Data     time.Time        `json:"data_time"`
	Policy   backup.PolicyID  `json:"policy"`
	Set      backup.SetID     `json:"set"`
	Refused  bool             `json:"refused"`
	Result   fleet.Result     `json:"result"`
	Code     string           `json:"code"`
	Reason   string           `json:"reason"`
	At       *time.Time       `json:"at"`
}

func adoptAnswerOf(targets []app.AdoptTarget, in app.AdoptInput) adoptAnswer {
	status, _ := adoptionStatus(targets)
	answer := adoptAnswer{Status: status, DryRun: in.DryRun, Undo: in.Undo, Targets: []adoptTarget{}}
	for _, t := range targets {
		one := adoptTarget{Account: t.Target.Account, Region: t.Target.Region, Snapshots: []adoptionAnswer{}}
		for n, adoption := range t.Plan {
			chain, _, _, _, _ := adoption.Set.Read()
			item := adoptionAnswer{
				Snapshot: adoption.Snapshot, Volume: adoption.Volume, Data: adoption.Data.UTC(), Policy: chain.Policy, Set: adoption.Set,
				Refused: adoption.Refused(), Code: adoption.Code, Reason: adoption.Text,
			}
			if t.Outcomes != nil {
				o := t.Outcomes[n]
				item.Result, item.Code, item.Reason, item.At = o.Result, o.Code, o.Text, timeOrNull(o.At)
			}
			one.Snapshots = append(one.Snapshots, item)
		}
		answer.Targets = append(answer.Targets, one)
	}
	return answer
}

func (a *commandLine) backupUndeleteCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "undelete SNAPSHOT...",
		Short: "Take deleted snapshots out of the Recycle Bin",
		Long: `Take deleted snapshots out of the Recycle Bin, as long as a rule of it holds them.
Those that are copies of a policy get the tag nightshift:hold, so that retention
does not delete them again; remove the tag to have it decide.`,
		Example: "  nightshift backup undelete snap-0123456789abcdef0",
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return fleet.Errorf(fleet.ErrInvalid, "give the ids of snapshots; see: %s --help", cmd.CommandPath())
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			s, err := a.open(cmd.Context())
			if err != nil {
				return err
			}
			restored, err := s.BackupUndelete(cmd.Context(), asSnapshots(args))
			answer := undeleteAnswer{Restored: orEmpty(restored), Errors: []string{}}
			if err != nil {
				answer.Errors = strings.Split(err.Error(), "\n")
			}
			if len(restored) > 0 || err == nil {
				shown := a.show("backup undelete", answer, func() {
					for _, id := range restored {
						fmt.Fprintln(a.Stdout, id, "is back")
					}
					a.paragraph(fmt.Sprintf("copies of a policy have the tag %s now, so that they are not deleted again; without it they are", backup.TagHold))
				})
				if shown != nil {
					return shown
				}
			}
			if err != nil && len(restored) > 0 {
				return ended(fleet.StatusPartial, err)
			}
			return err
		},
	}
}

// undeleteAnswer is the JSON answer of the command undelete.
type undeleteAnswer struct {
	Restored []fleet.SnapshotID `json:"restored"`
	Errors   []string           `json:"errors"`
}

func asSnapshots(args []string) []fleet.SnapshotID {
	ids := make([]fleet.SnapshotID, len(args))
	for n, id := range args {
		ids[n] = fleet.SnapshotID(id)
	}
	return ids
}

// completePolicies offers the shell the ids of the policies.
func (a *commandLine) completePolicies(cmd *cobra.Command) {
	// The only error is a flag that does not exist.
	_ = cmd.RegisterFlagCompletionFunc("policy", func(cmd *cobra.Command, _ []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
		a.announced = true // nobody reads it between the words of a command
		s, err := a.openConfig(cmd.Context(), true)
		if err != nil || s.Config == nil {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		var ids []cobra.Completion
		for _, p := range s.Config.Backup.Policies {
			ids = append(ids, string(p.ID))
		}
		return ids, cobra.ShellCompDirectiveNoFileComp
	})
}
