package cli

import (
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"nightshift/internal/config"
	"nightshift/internal/fleet"
	"nightshift/internal/text"
)

func (a *commandLine) importCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "import FILE",
		Short: "Turn definitions of Instance Scheduler on AWS into a configuration",
		Long: `Turn definitions of Instance Scheduler on AWS into a configuration, which is
printed. FILE holds items of its DynamoDB table as JSON (the answer of
` + "`aws dynamodb scan`" + `) or a CloudFormation template with resources of the type
Custom::ServiceInstanceSchedule; "-" reads standard input. Schedules keep their
names, so that the tags on the machines stay as they are. What cannot be kept
is told on standard error.`,
		Example: `  aws dynamodb scan --table-name ConfigTable | nightshift power import - > nightshift.yaml
  nightshift power import schedules.template.yaml > nightshift.yaml`,
		Args: one("a file, or - for standard input"),
		RunE: func(_ *cobra.Command, args []string) error {
			data, err := a.input(args[0])
			if err != nil {
				return err
			}
			converted, warnings, err := config.Import(data)
			for _, w := range warnings {
				fmt.Fprintln(a.Stderr, "warning:", text.Printable(w))
			}
			if err != nil {
				return err
			}
			_, err = a.Stdout.Write(converted)
			return err
		},
	}
}

// importLimit is the largest file that is imported: a DynamoDB table of a
// hundred thousand schedules.
const importLimit = 64 << 20

func (a *commandLine) input(name string) ([]byte, error) {
	from := a.Stdin
	if name != "-" {
		file, err := os.Open(name)
		if err != nil {
			return nil, fleet.Errorf(fleet.ErrInvalid, "the file cannot be read: %w", err)
		}
		defer file.Close()
		from = file
	}
	data, err := io.ReadAll(io.LimitReader(from, importLimit+1))
	if err == nil && len(data) > importLimit {
		err = fleet.Errorf(fleet.ErrInvalid, "%s is larger than %d MiB", name, importLimit>>20)
	}
	return data, err
}
