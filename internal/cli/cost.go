package cli

import (
	"cmp"
	"errors"
	"fmt"
	"slices"

	"github.com/spf13/cobra"

	"nightshift/internal/app"
	"nightshift/internal/cost"
	"nightshift/internal/cost/recommend"
	"nightshift/internal/cost/sheet"
	"nightshift/internal/fleet"
	"nightshift/internal/text"
)

func (a *commandLine) costCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "cost",
		Short: "Explain costs and follow them over time",
		Long: `Explain costs and follow them over time: by which price and for how long
something costs what it does, what something would cost, what the price list
says, what the last weeks cost and why that changed, and what could cost less.`,
		Example: `  nightshift cost explain i-0123456789abcdef0
  nightshift cost quote --instance m5.xlarge
  nightshift cost findings`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(
		a.costExplainCommand(), a.quoteCommand(), a.pricesCommand(),
		a.trendCommand(), a.moversCommand(), a.savingsCommand(), a.findingsCommand(),
	)
	return cmd
}

// told ends a command whose answer is printed: partly where the report behind it is not
// complete.
func told(r app.ReportResult) error {
	if len(r.Problems) == 0 {
		return nil
	}
	var errs []error
	for _, p := range r.Problems {
		errs = append(errs, p)
	}
	return ended(fleet.StatusPartial, errors.Join(errs...))
}

// showCosts shows what a report says of costs, and ends the command.
func (a *commandLine) showCosts(r app.ReportResult, kind string, data any, print func()) error {
	return cmp.Or(a.show(kind, data, print), told(r))
}

// amount writes an amount for people.
func amount(a cost.Amount) string {
	if !a.Known {
		return "unknown"
	}
	return dollars(a.USD)
}

func (a *commandLine) findingsCommand() *cobra.Command {
	var costs costFlags
	least := 0.0
	cmd := &cobra.Command{
		Use:   "findings",
		Short: "List what could cost less, and the command that would do it",
		Long: `List what could cost less, with the net saving in a full month at list prices,
the largest first, and the command that would do it: one line for a shell, after
a dollar sign. Where no one command would do it, advice says what would. Nothing
is changed: read the command, judge it, and run it yourself.`,
		Example: `  nightshift cost findings
  nightshift cost findings --region all --least 10 --json`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if !(least >= 0) { // NaN is not
				return fleet.Errorf(fleet.ErrInvalid, "--least %v: must be a number of dollars from 0 on", least)
			}
			_, report, err := a.makeReport(cmd.Context(), &costs, app.ReportInput{}, "costs")
			if err != nil {
				return err
			}
			return cmp.Or(a.showFindings(report.Workbook, least), told(report))
		},
	}
	cmd.Flags().Float64Var(&least, "least", 0, "leave out what saves less than so many dollars a month")
	costs.add(cmd.Flags())
	return cmd
}

// showFindings prints what could cost less by at least so many dollars a month.
func (a *commandLine) showFindings(r sheet.Workbook, least float64) error {
	chosen, sum := recommend.AtLeast(r.Recommendations, least)
	return a.show("findings", recommend.List(chosen), func() {
		if len(chosen) == 0 {
			fmt.Fprintln(a.Stdout, "nothing was found that would cost less")
			return
		}
		several := slices.ContainsFunc(r.Targets, func(t fleet.Target) bool { return t.Account != r.Targets[0].Account })
		for _, f := range chosen {
			a.printFinding(f, several)
		}
		fmt.Fprintf(a.Stdout, "%s, up to %s a month; some exclude each other\n", text.Count(len(chosen), "finding", "findings"), dollars(sum))
	})
}

func (a *commandLine) printFinding(f recommend.Recommendation, several bool) {
	bound, where := "", ""
	if !f.Certain {
		bound = "up to "
	}
	if several {
		where = ", account " + string(f.Target.Account)
	}
	fmt.Fprintf(a.Stdout, "%s%s a month  %s  %s%s\n    %s\n", bound, dollars(f.Saving), f.Code, text.Printable(nameAnd(f.Resource, f.Name)), where, text.Printable(f.Reason))
	if f.Advice != "" {
		fmt.Fprintf(a.Stdout, "    %s\n", text.Printable(f.Advice))
	}
	if fix := f.Fix(); fix != "" {
		fmt.Fprintf(a.Stdout, "    $ %s\n", fix)
	}
}

// nameAnd is an id with the name that people gave it.
func nameAnd(id, name string) string {
	if name == "" || name == id {
		return id
	}
	return id + " (" + name + ")"
}
