package cli

import (
	"context"
	"strings"

	"github.com/spf13/cobra"

	"nightshift/internal/app"
	"nightshift/internal/fleet"
	"nightshift/internal/text"
)

func (a *commandLine) costExplainCommand() *cobra.Command {
	var costs costFlags
	cmd := &cobra.Command{
		Use:   "explain ID",
		Short: "Tell why an instance or a volume costs what it does",
		Long: `Tell why an instance or a volume costs what it does: what the price list is
asked for, the rows that answered, the one that was taken, for how long it ran
and from what that is known, and the arithmetic. It is named by its id or by its
Name tag.`,
		Example: `  nightshift cost explain i-0123456789abcdef0
  nightshift cost explain vol-0123456789abcdef0 --json`,
		Args: one("the id or the name of an instance or a volume"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.costExplain(cmd.Context(), args[0], &costs)
		},
	}
	costs.add(cmd.Flags())
	return cmd
}

// costExplain makes a report of nothing but what is asked for, with all that belongs to
// it, and prints how it was calculated.
func (a *commandLine) costExplain(ctx context.Context, id string, costs *costFlags) error {
	s, report, err := a.makeReport(ctx, costs, app.ReportInput{Only: id}, "costs")
	if err != nil {
		return err
	}
	e, ok := report.Explain(id, report.Candidates)
	if !ok {
		if err := told(report); err != nil {
			return err
		}
		return fleet.Errorf(fleet.ErrNotFound, "there is no instance and no volume %q in %s", id, strings.Join(text.Strings(s.Regions), ", "))
	}
	return a.showCosts(report, "cost explanation", e, func() { a.printCostExplanation(report.Report, e) })
}
