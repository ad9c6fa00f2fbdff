package cli

import (
	"fmt"
	"log/slog"
	"os"
	"time"

	"github.com/spf13/cobra"

	"nightshift/internal/fleet"
	"nightshift/internal/sandbox"
	"nightshift/internal/schedule"
)

func (a *commandLine) sandboxCommand() *cobra.Command {
	var (
		listen, faults, at string
		accounts           int
		policies           []string
		o                  sandbox.Options
	)
	cmd := &cobra.Command{
		Use:   "sandbox",
		Short: "Serve an emulated AWS account for nightshift, the AWS CLI or boto3",
		Long: `Serve an emulated AWS account until it is interrupted, and print the environment
variables with which nightshift, the AWS CLI and boto3 reach it. Everything in it
is in memory and gone at the end. Other keys than those printed and those that
AssumeRole gives are refused, as by AWS.

With --accounts it is the management account of an organization that has so many
member accounts, each with a small fleet of its own. The keys are the management
account's; each member has a role nightshift, which AssumeRole opens with the
external id practice. Their ARNs are printed beside the environment.

With --policy the keys may do what IAM policies allow, such as those that
nightshift policy prints, and nothing else.`,
		Example: `  nightshift sandbox
  nightshift sandbox --listen 127.0.0.1:4566 --fleet 1000 --latency 20ms --throttle
  nightshift sandbox --accounts 2
  nightshift sandbox --at 2026-12-24T20:00
  nightshift sandbox --policy policy.json
  nightshift sandbox --faults "` + faultExample + `"`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			var err error
			if o.Fleet < 0 || o.Types < 0 || o.Latency < 0 {
				return fleet.Errorf(fleet.ErrInvalid, "--fleet, --types and --latency cannot be negative")
			}
			if accounts < 0 || accounts > mostSandboxAccounts {
				return fleet.Errorf(fleet.ErrInvalid, "--accounts %d: it must be from 0 to %d", accounts, mostSandboxAccounts)
			}
			if at != "" {
				if o.Start, err = schedule.ParseInstant(at, a.Now(), time.UTC); err != nil {
					return err
				}
			}
			o.Accounts = sandbox.Members(accounts)
			if o.Faults, err = sandbox.ParseFaults(faults); err != nil {
				return fleet.Errorf(fleet.ErrInvalid, "--faults: %w", err)
			}
			if a.verbose {
				o.Log = a.logger()
			} else {
				o.Log = slog.New(slog.DiscardHandler)
			}
			account, err := sandbox.New(o)
			if err != nil {
				return fleet.Errorf(fleet.ErrInvalid, "%w", err)
			}
			if err := setPolicies(account, policies); err != nil {
				return err
			}
			server, err := account.Listen(listen)
			if err != nil {
				return err
			}
			defer server.Close()
			fmt.Fprintf(a.Stdout, "export AWS_ENDPOINT_URL=%s\nexport AWS_ACCESS_KEY_ID=%s\nexport AWS_SECRET_ACCESS_KEY=%s\nexport AWS_REGION=%s\nexport AWS_DEFAULT_REGION=%s\n",
				server.URL(), sandbox.AccessKey, sandbox.SecretKey, sandbox.DefaultRegion, sandbox.DefaultRegion)
			if o.Speed > 0 && o.Speed != 1 {
				fmt.Fprintf(a.Stdout, "export NIGHTSHIFT_SANDBOX_SPEED=%g\n", o.Speed)
			}
			for _, one := range o.Accounts {
				fmt.Fprintf(a.Stdout, "# account %s: role %s, external id %s\n",
					one.ID, account.Account(one.ID).RoleARN(sandbox.MemberRole), sandbox.MemberExternalID)
			}
			fmt.Fprintf(a.Stderr, "a sandbox listens at %s with the bucket %s; stop it with Ctrl-C\n", server.URL(), sandbox.DefaultBucket)
			<-cmd.Context().Done()
			return nil
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&listen, "listen", "127.0.0.1:4566", "address and port")
	flags.IntVar(&o.Fleet, "fleet", 0, "generate this many instances instead of the default account")
	flags.BoolVar(&o.Backups, "backups", false, "add to the default account what others' backups leave: snapshots of Data Lifecycle Manager, AWS Backup, images and people")
	flags.IntVar(&accounts, "accounts", 0, "add this many member accounts")
	flags.IntVar(&o.Types, "types", 40, "distinct instance types of a generated fleet")
	flags.Uint64Var(&o.Seed, "seed", 0, "seed of everything random")
	flags.DurationVar(&o.Latency, "latency", 0, "delay of every answer, such as 20ms")
	flags.BoolVar(&o.Throttle, "throttle", false, "apply EC2's documented token buckets")
	flags.StringVar(&at, "at", "", "the time at which the account's clock starts, as 2026-12-24T20:00 (UTC) or in RFC 3339 (default: now)")
	flags.Float64Var(&o.Speed, "speed", 1, "how many times faster than real time the account's clock runs")
	flags.StringVar(&faults, "faults", "", "what goes wrong on purpose")
	flags.StringArrayVar(&policies, "policy", nil, "`file` with an IAM policy that limits what the printed keys may do; repeat for several (default: everything)")
	flags.StringSliceVar(&o.Buckets, "bucket", nil, "create this S3 bucket too")
	return cmd
}

// setPolicies limits the account's user to what the policies in some files allow.
func setPolicies(account *sandbox.Sandbox, files []string) error {
	var documents [][]byte
	for _, name := range files {
		document, err := os.ReadFile(name)
		if err != nil {
			return fleet.Errorf(fleet.ErrInvalid, "--policy: %w", err)
		}
		if len(document) == 0 {
			return fleet.Errorf(fleet.ErrInvalid, "--policy: %s is empty", name)
		}
		documents = append(documents, document)
		// Each on its own, so that an error names its file.
		if err := account.SetPolicy(document); err != nil {
			return fleet.Errorf(fleet.ErrInvalid, "--policy %s: %w", name, err)
		}
	}
	return account.SetPolicy(documents...)
}

// mostSandboxAccounts is about as many as one machine serves in comfort.
const mostSandboxAccounts = 1000

// faultExample is an example of the syntax of --faults.
const faultExample = "ec2:Describe*=throttle,share=0.2"
