package cli

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"nightshift/internal/app"
	"nightshift/internal/fleet"
)

// errUncovered ends `backup status --exit-code` where a volume has no copy that is young
// enough.
var errUncovered = fmt.Errorf("volumes are not protected: %w", errChanges)

func (a *commandLine) backupStatusCommand(output *string) *cobra.Command {
	var (
		in            app.BackupStatusInput
		costs         costFlags
		tags          []string
		exitCode, all bool
	)
	cmd := &cobra.Command{
		Use:   "status",
		Short: "Show which volumes have a copy, whoever made it, and which have none",
		Long: `Show which volumes have a copy, whoever made it, and which have none. Nothing is
changed, and no configuration is needed.

Copies of nightshift, of Data Lifecycle Manager, of AWS Backup, of images and of
people count alike. A volume is

  protected    its newest good copy is not older than the RPO
  stale        it is older
  unprotected  there is none
  new          there is none yet, and the volume is younger than the RPO
  excluded     it is not copied on purpose
  unknown      what says so could not be read

Protected volumes are counted, the others listed. Snapshots that nobody deletes
follow with a verdict and what they cost. RDS is not looked at, but for database
instances whose automated backups are off.

AWS does not say what a snapshot adds to those before it: what they cost is at
most what is shown. CSV and JSON have all volumes.`,
		Example: `  nightshift backup status
  nightshift backup status --region all --rpo 8h
  nightshift backup status --instance db-1 --all
  nightshift backup status --tag Env=prod --exit-code --quiet || echo "something is not protected"
  nightshift backup status -o csv > copies.csv`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			var err error
			if in.Only.Tags, err = fleet.ParseTags(tags); err != nil {
				return err
			}
			if cmd.Flags().Changed("rpo") && in.RPO <= 0 {
				return fleet.Errorf(fleet.ErrInvalid, "--rpo %s: must be more than zero", in.RPO)
			}
			if err = costs.check(); err != nil {
				return err
			}
			s, err := a.open(cmd.Context())
			if err != nil {
				return err
			}
			defer a.tuneMemory(backupGCPercent, backupHeapLimit)()
			in.CostInput = costs.input(a)
			result, err := s.BackupStatus(cmd.Context(), in)
			if err != nil {
				return err
			}
			if err = a.showBackupStatus(s, result, *output, all, in.Only.Some()); err != nil {
				return err
			}
			if err = ended(result.Status(), result.Err()); err == nil && exitCode && result.Uncovered() {
				return errUncovered
			}
			return err
		},
	}
	flags := cmd.Flags()
	flags.StringArrayVar(&in.Only.Volumes, "volume", nil, "only this volume, by its id or name; repeat for several")
	flags.StringArrayVar(&in.Only.Instances, "instance", nil, "only the volumes of this instance, by its id or name; repeat for several")
	flags.StringArrayVar(&tags, "tag", nil, "only volumes that have this tag, or whose instance has it, as Key=Value or Key; repeat for those that have all of several")
	flags.DurationVar(&in.RPO, "rpo", 0, "how old the newest copy of a volume that no policy selects may be (default: the configuration's, else 26h)")
	flags.BoolVar(&exitCode, "exit-code", false, "end with code 6 when a volume is stale or unprotected")
	flags.BoolVar(&all, "all", false, "also list the volumes that are protected")
	costs.addPrices(flags)
	complete(cmd, "volume")
	complete(cmd, "instance")
	complete(cmd, "rpo", "8h", "26h", "170h")
	return cmd
}

// showBackupStatus prints the answer in the form that was asked for. Of all volumes the
// reasons are cut on a terminal, of some they are whole.
func (a *commandLine) showBackupStatus(s *app.Session, r app.BackupStatusResult, output string, all, some bool) error {
	if r.Unread {
		return nil
	}
	if output == "csv" && !a.quiet {
		return writeStatusCSV(a.Stdout, r.Targets)
	}
	zone := time.UTC
	if s.Config != nil && s.Config.Zone != nil {
		zone = s.Config.Zone
	}
	return a.show("backup status", r, func() {
		for n, t := range r.Targets {
			if n > 0 {
				fmt.Fprintln(a.Stdout)
			}
			p := statusPrinter{a.Stdout, a.terminal(), zone, s.Names, all, some}
			p.print(t)
		}
	})
}
