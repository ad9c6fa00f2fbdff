package cli

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strings"

	"github.com/spf13/cobra"

	"nightshift/internal/amazon"
	"nightshift/internal/fleet"
	"nightshift/internal/stack"
)

func (a *commandLine) templateCommand() *cobra.Command {
	var member bool
	cmd := &cobra.Command{
		Use:   "template",
		Short: "Print the CloudFormation template that installs the function",
		Long: `Print the CloudFormation template that installs the function, its schedules,
roles, bucket, queue and alarms. Times, time zone, tag and retention are parameters.

With a configuration the function reads it, too, and follows its schedules if it
has rules. The permissions that it needs are part of the template, and where the
configuration is when the function reads it is a parameter.

With --member it is the template of the role that nightshift assumes in another
account, for a stack there or a StackSet for many.`,
		Example: `  nightshift template > template.yaml
  nightshift template --config s3://my-settings/nightshift.yaml > template.yaml
  nightshift template --config nightshift.yaml --member > member.yaml`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			schedules, costs, err := a.scope(cmd.Context())
			if err != nil {
				return err
			}
			made := stack.Template
			if member {
				made = stack.MemberTemplate
			}
			text, err := made(amazon.Actions(), schedules, costs)
			if err != nil {
				return err
			}
			_, err = a.Stdout.Write(text)
			return err
		},
	}
	cmd.Flags().BoolVar(&member, "member", false, "print the template of the role that is assumed in other accounts")
	return cmd
}

// policyFlags are those of the command policy.
type policyFlags struct {
	tags            []string
	jobs            []string
	scope           stack.Scope
	outDir          string
	trust, external string
}

func (a *commandLine) policyCommand() *cobra.Command {
	var f policyFlags
	cmd := &cobra.Command{
		Use:   "policy",
		Short: "Print the IAM policy that nightshift's jobs need",
		Long: `Print the IAM policy that nightshift's jobs need and nothing beyond it. It is
derived from the AWS operations that this binary contains. --for limits it to
some jobs. Stopping and starting is allowed only for instances that carry the
tag.

With a configuration it also has what following its schedules needs: to stop,
start and tag what its rules choose, to read and keep what it names in S3
and Systems Manager, to assume the roles of its accounts, and to ask for what
its cost report may ask. Where the configuration has rules nothing is allowed by
the default tag, which only --tag adds then.

IAM takes policies of at most 6,144 characters and, by default, ten of them for
a role. Where one is not enough, --out-dir writes as many files as are needed
into a new or empty directory: policy-1.json, policy-2.json and so on. The role
needs all of them.

--for observe prints what nightshift serve --observe reads; --for
power,report,notify,observe what nightshift serve needs that runs the jobs, with
backup among them where there are backup policies.

--for deploy prints what the person or the pipeline needs that runs
nightshift deploy, for the stack that the configuration names.

Accounts of the configuration have a role each, which nightshift assumes. With
--member it is the policy of that role that is printed, and with --trust its
trust policy, which names who may assume it.`,
		Example: `  nightshift policy --bucket my-reports --prefix ec2/
  nightshift policy --tag Environment=dev --bucket my-reports
  nightshift policy --config nightshift.yaml
  nightshift policy --config nightshift.yaml --for power
  nightshift policy --config nightshift.yaml --for observe
  nightshift policy --for deploy --account 123456789012
  nightshift policy --config nightshift.yaml --out-dir policies
  nightshift policy --config nightshift.yaml --member
  nightshift policy --trust arn:aws:iam::123456789012:role/nightshift --external-id "$EXTERNAL_ID"`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if f.trust != "" {
				return a.printTrust(f)
			}
			if f.external != "" {
				return fleet.Errorf(fleet.ErrInvalid, "--external-id stands in the trust policy; give --trust, too")
			}
			documents, err := a.policies(cmd.Context(), f, cmd.Flags().Changed("tag"))
			if err != nil {
				return err
			}
			return a.printPolicies(documents, f.outDir)
		},
	}
	flags := cmd.Flags()
	flags.StringArrayVar(&f.tags, "tag", []string{defaultTag}, "the tag of the instances that may be stopped and started")
	flags.StringSliceVar(&f.jobs, "for", nil, "the jobs that the policy is for: "+strings.Join(stack.JobNames(), ", ")+"; repeat for several (default: all)")
	flags.StringVar(&f.scope.Bucket, "bucket", "", "the bucket that reports are written to")
	flags.StringVar(&f.scope.Prefix, "prefix", "ec2/", "the prefix of the reports in the bucket")
	flags.StringVar(&f.scope.Account, "account", "", "the account of the instances (default: any)")
	flags.StringVar(&f.scope.Partition, "partition", "aws", "the partition: aws, aws-cn or aws-us-gov")
	flags.StringArrayVar(&f.scope.Keys, "key", nil, "ARN of a KMS key that encrypts volumes of the instances; repeat for several")
	flags.StringArrayVar(&f.scope.DataKeys, "data-key", nil, "ARN of a KMS key that encrypts buckets or parameters; repeat for several")
	flags.BoolVar(&f.scope.Licenses, "license-manager", false, "allow starting instances that have a license configuration of AWS License Manager")
	flags.StringVar(&f.outDir, "out-dir", "", "the directory to write the policies into, a file each, instead of printing one")
	flags.BoolVar(&f.scope.Member, "member", false, "print the policy of the role that is assumed in other accounts")
	flags.StringVar(&f.trust, "trust", "", "print the trust policy of that role instead: for this account, role or user, by id or ARN")
	flags.StringVar(&f.external, "external-id", "", "the external id that the trust policy asks for")
	complete(cmd, "for", stack.JobNames()...)
	complete(cmd, "trust")
	complete(cmd, "external-id")
	return cmd
}

func (a *commandLine) printTrust(f policyFlags) error {
	document, err := stack.Trust(f.trust, f.external)
	if err != nil {
		return err
	}
	return a.printPolicies([]stack.Document{document}, f.outDir)
}

// policies are those that the flags and the configuration ask for. Where there
// are rules, they say what is stopped and started, and the tag only where it was
// given.
func (a *commandLine) policies(ctx context.Context, f policyFlags, tagGiven bool) ([]stack.Document, error) {
	tags, err := fleet.ParseTags(f.tags)
	if err != nil {
		return nil, err
	}
	if len(tags) != 1 {
		return nil, fleet.Errorf(fleet.ErrInvalid, "give one --tag: what it permits includes the machines that carry others besides")
	}
	f.scope.Tag = tags[0]
	if f.scope.Jobs, err = stack.ParseJobs(f.jobs); err != nil {
		return nil, fleet.Errorf(fleet.ErrInvalid, "--for: %w", err)
	}
	if f.scope.Schedules, f.scope.Costs, err = a.scope(ctx); err != nil {
		return nil, err
	}
	if f.scope.Jobs == stack.Deploy {
		if f.scope.Deployer, err = a.deployer(ctx); err != nil {
			return nil, err
		}
	}
	if f.scope.Schedules != nil && len(f.scope.Schedules.Rules) > 0 && !tagGiven {
		f.scope.Tag = fleet.Tag{}
	}
	return stack.Policies(amazon.Actions(), f.scope)
}

// printPolicies prints a policy, or writes several into a directory and prints
// the names of the files.
func (a *commandLine) printPolicies(documents []stack.Document, dir string) error {
	switch {
	case len(documents) == 0:
		return fleet.Errorf(fleet.ErrInvalid, "these jobs need no permission; name others with --for, or the configuration that they follow with --config")
	case dir == "" && len(documents) > 1:
		return fleet.Errorf(fleet.ErrInvalid,
			"%d policies are needed, since IAM takes no larger ones: give --out-dir DIR to write them into a directory, or name fewer jobs with --for", len(documents))
	}
	if dir != "" {
		if err := emptyDir(dir); err != nil {
			return fleet.Errorf(fleet.ErrInvalid, "--out-dir: %w", err)
		}
	}
	for n, d := range documents {
		text, err := d.JSON()
		if err != nil {
			return err
		}
		if dir == "" {
			_, err = a.Stdout.Write(text)
			return err
		}
		name := filepath.Join(dir, fmt.Sprintf("policy-%d.json", n+1))
		if err := os.WriteFile(name, text, 0o644); err != nil {
			return err
		}
		fmt.Fprintln(a.Stdout, name)
	}
	return nil
}

// emptyDir makes a directory. One that is there must be empty: what lies in it
// could be taken for one of the policies.
func emptyDir(dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	entries, err := os.ReadDir(dir)
	if err == nil && len(entries) > 0 {
		err = fmt.Errorf("%s is not empty: name a new or an empty directory", dir)
	}
	return err
}

func (a *commandLine) versionCommand() *cobra.Command {
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
