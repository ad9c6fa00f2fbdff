package cli

import (
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"

	"nightshift/internal/amazon"
	"nightshift/internal/fleet"
	"nightshift/internal/stack"
)

func (a *app) templateCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "template",
		Short: "Print the CloudFormation template that installs the function",
		Long: `Print the CloudFormation template that installs the function, its schedules,
roles, bucket and queue. Times, time zone, tag and retention are parameters.

With a configuration the function follows its schedules, too. The permissions
that its rules need are part of the template, and where the configuration is
when the function reads it is a parameter.`,
		Example: `  nightshift template > template.yaml
  nightshift template --config s3://my-settings/nightshift.yaml > template.yaml`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			schedules, costs, err := a.scope(cmd.Context())
			if err != nil {
				return err
			}
			if schedules != nil && len(schedules.Rules) == 0 {
				schedules = nil // there is nothing to follow
			}
			text, err := stack.Template(amazon.Actions(), schedules, costs)
			if err != nil {
				return err
			}
			_, err = a.Stdout.Write(text)
			return err
		},
	}
}

func (a *app) policyCommand() *cobra.Command {
	var (
		tag             string
		scope           stack.Scope
		member          bool
		trust, external string
	)
	cmd := &cobra.Command{
		Use:   "policy",
		Short: "Print the IAM policy that stop, start and report need",
		Long: `Print the IAM policy that stop, start and report need and nothing beyond it.
It is derived from the AWS operations that this binary contains. Stopping and
starting is allowed only for instances that carry the tag.

With a configuration it also has what following its schedules needs: to stop,
start and mark what its rules choose, to read and keep what it names in S3
and Systems Manager, to assume the roles of its accounts, and to ask for what
its cost report may ask.

Accounts of the configuration have a role each, which nightshift assumes. With
--member it is the policy of that role that is printed, and with --trust its
trust policy, which names who may assume it.`,
		Example: `  nightshift policy --bucket my-reports --prefix ec2/
  nightshift policy --tag Environment=dev --bucket my-reports
  nightshift policy --config nightshift.yaml
  nightshift policy --config nightshift.yaml --member
  nightshift policy --trust arn:aws:iam::123456789012:role/nightshift --external-id "$EXTERNAL_ID"`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if trust != "" {
				document, err := stack.Trust(trust, external)
				if err != nil {
					return err
				}
				return a.printPolicy(document)
			}
			if external != "" {
				return fleet.Errorf(fleet.ErrInvalid, "--external-id stands in the trust policy; give --trust, too")
			}
			chosen, err := fleet.ParseTag(tag)
			if err != nil {
				return err
			}
			scope.Tag = chosen
			if scope.Schedules, scope.Costs, err = a.scope(cmd.Context()); err != nil {
				return err
			}
			policy := stack.Policy
			if member {
				policy = stack.MemberPolicy
			}
			document, err := policy(amazon.Actions(), scope)
			if err != nil {
				return err
			}
			return a.printPolicy(document)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&tag, "tag", defaultTag, "the tag of the instances that may be stopped and started")
	flags.StringVar(&scope.Bucket, "bucket", "", "the bucket that reports are written to")
	flags.StringVar(&scope.Prefix, "prefix", "ec2/", "the prefix of the reports in the bucket")
	flags.StringVar(&scope.Account, "account", "", "the account of the instances (default: any)")
	flags.StringVar(&scope.Partition, "partition", "aws", "the partition: aws, aws-cn or aws-us-gov")
	flags.StringArrayVar(&scope.Keys, "key", nil, "ARN of a KMS key that encrypts volumes of the instances; repeat for several")
	flags.BoolVar(&member, "member", false, "print the policy of the role that is assumed in other accounts")
	flags.StringVar(&trust, "trust", "", "print the trust policy of that role instead: for this account, role or user, by id or ARN")
	flags.StringVar(&external, "external-id", "", "the external id that the trust policy asks for")
	complete(cmd, "trust")
	complete(cmd, "external-id")
	return cmd
}

func (a *app) printPolicy(d stack.Document) error {
	text, err := d.JSON()
	if err != nil {
		return err
	}
	_, err = a.Stdout.Write(text)
	return err
}

func (a *app) versionCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "version",
		Short:   "Print the version",
		Example: `  nightshift version`,
		RunE: func(*cobra.Command, []string) error {
			v := thisVersion()
			if a.json {
				return a.printJSON(envelope{Version: 1, Kind: "version", Data: v})
			}
			fmt.Fprintf(a.Stdout, "nightshift %s (%s, %s)\n", v.Version, v.Go, v.Platform)
			return nil
		},
	}
}

type version struct {
	Version  string `json:"version"`
	Go       string `json:"go"`
	Platform string `json:"platform"`
}

// thisVersion is the version that the Go tool wrote into the binary: that of
// the module, or of the commit that it was built from.
func thisVersion() version {
	v := version{Version: "devel", Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH}
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" && info.Main.Version != "(devel)" {
		v.Version = info.Main.Version
	}
	return v
}
