package cli

import (
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"nightshift/internal/fleet"
)

func (a *commandLine) backupCommand() *cobra.Command {
	var output string
	cmd := &cobra.Command{
		Use:   "backup",
		Short: "Copy volumes on schedule, and keep the copies that a policy says",
		Long: `Copy volumes on schedule, and keep the copies that a policy says: one for each of
so many hours, days, weeks, months and years, with a reason for each that stays
and each that goes.`,
		Example: `  nightshift backup status
  nightshift backup simulate --keep daily=7,weekly=4,monthly=6`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
		PersistentPreRunE: func(cmd *cobra.Command, _ []string) error {
			known := []string{"table", "json"}
			if cmd.Name() == "status" {
				known = append(known, "csv")
			}
			if !slices.Contains(known, output) {
				return fleet.Errorf(fleet.ErrInvalid, "--output %s: write %s", output, strings.Join(known, " or "))
			}
			a.json = a.json || output == "json"
			return nil
		},
	}
	cmd.PersistentFlags().StringVarP(&output, "output", "o", "table", "how the answer is printed: table or json, of status also csv")
	complete(cmd, "output", "table", "json", "csv")
	cmd.AddCommand(a.backupStatusCommand(&output), a.simulateCommand(), a.backupPlanCommand(), a.backupApplyCommand(), a.backupAdoptCommand(), a.backupUndeleteCommand())
	return cmd
}

// Backups keep the heap below a limit for as long as what is alive leaves room, which the
// half a million snapshots of a large account do. GOGC and GOMEMLIMIT come before both.
const (
	backupGCPercent = 100
	backupHeapLimit = 550 << 20
)
