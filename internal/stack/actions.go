package stack

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"nightshift/internal/fleet"
)

// ErrUnscoped is the error for an operation that the table of actions does not
// have.
var ErrUnscoped = errors.New("no scope is known for the operation")

// Jobs is a set of jobs for which permissions are asked for. The zero value
// means all of them.
type Jobs uint16

// What nightshift does, as far as it needs different permissions.
const (
	Power    Jobs = 1 << iota // stop and start, by a tag or by the rules
	Report                    // the cost report
	Forecast                  // what the schedules will save
	History                   // the records of runs
	Check                     // what `check --live` reads and tests, but for stopping and starting
	Deploy                    // making, changing and removing the stack
	Notify                    // messages to people, which deployed jobs send after their runs
	Observe                   // what `serve --observe` reads; nothing is changed and nothing paid
	Backup                    // copies of volumes: what there are, and new ones

	allJobs = Power | Report | Forecast | History | Check | Notify | Observe | Backup
	// machineJobs are those that look at machines.
	machineJobs = Power | Forecast | Check | Observe
)

// JobNames are the names that [ParseJobs] knows, in the order of the constants.
func JobNames() []string {
	return []string{"power", "report", "forecast", "history", "check", "deploy", "notify", "observe", "backup"}
}

// ParseJobs reads names of jobs; none means all.
func ParseJobs(names []string) (Jobs, error) {
	var jobs Jobs
	for _, name := range names {
		n := slices.Index(JobNames(), name)
		if n < 0 {
			return 0, fleet.Errorf(fleet.ErrInvalid, "there is no job %q: use %s", name, strings.Join(JobNames(), ", "))
		}
		jobs |= 1 << n
	}
	return jobs, nil
}

// An access is the way in which an action is limited.
type access int

const (
	accessFree      access = iota // needs no permission
	accessAny                     // answers about everything; AWS knows no limit for it
	accessPower                   // stops or starts machines: those with a tag
	accessTag                     // sets our own tags on machines with a tag
	accessType                    // changes the type of instances with a tag
	accessRead                    // reads objects of the configured places
	accessWrite                   // writes objects of the configured places
	accessList                    // lists objects of the configured places
	accessParameter               // reads the configuration, and what it refers to, from parameters
	accessSecret                  // reads the secrets that the configuration refers to
	accessCopy                    // makes, reads and deletes snapshots, as [Scope.copying] says
	accessTopic                   // publishes to the topics of the configuration
	accessRole                    // assumes the roles of other accounts
	accessDeploy                  // works on the stack, as [Scope.deploying] says
)

// A setting of the configuration without which an action is not needed.
type setting int

const (
	needsNothing setting = iota
	needsCostExplorer
	needsMetrics
	needsOrganization
	needsPriceFiles
	needsSecrets
	needsTopics
	needsBackups
)

// An audience is whose policy an action belongs to.
type audience uint8

const (
	audienceHome     audience = 1 << iota // the role that nightshift runs as
	audienceMember                        // the role that it assumes in another account
	audienceDeployer                      // who installs it

	audienceBoth = audienceHome | audienceMember

	// audiencePeople is for what a person does with permissions of their own: it is in
	// no policy.
	audiencePeople audience = 0
)

// action is a line of the table: an operation, written as an IAM action, with
// what limits it, the kinds of machines that it is for (it is needed where a
// rule is for one of them; none means always), the jobs that need it, whose
// policy it belongs to and what must be configured for it.
type action struct {
	name   string
	access access
	kinds  []fleet.Kind
	jobs   Jobs
	whose  audience
	needs  setting
}

// actions is the table of all operations that nightshift uses. One that it
// begins to use belongs here. What a machine's ARN looks like is in
// [Scope.machines].
//
// Which actions know resources and condition keys is listed in the Service
// Authorization Reference; GetCallerIdentity is documented to need no
// permission and to work even where it is denied.
func actions() []action {
	instances, databases := []fleet.Kind{fleet.KindInstance}, []fleet.Kind{fleet.KindDatabase}
	clusters, groups := []fleet.Kind{fleet.KindCluster}, []fleet.Kind{fleet.KindGroup}
	rds := slices.Concat(databases, clusters)
	const (
		machines = machineJobs
		targets  = machines | Report | Backup // the jobs that work in accounts and regions
		costs    = Report | Observe           // the jobs that read what costs money
		status   = Report | Backup | Observe  // the jobs that read which volumes have a copy
	)
	return []action{
		{"sts:GetCallerIdentity", accessFree, nil, allJobs, audienceBoth, needsNothing},
		{"sts:AssumeRole", accessRole, nil, targets, audienceHome, needsNothing},
		{"organizations:ListAccounts", accessAny, nil, targets, audienceHome, needsOrganization},

		{"ec2:DescribeRegions", accessAny, nil, targets, audienceBoth, needsNothing},
		{"ec2:DescribeInstances", accessAny, nil, targets, audienceBoth, needsNothing},
		{"ec2:DescribeSpotInstanceRequests", accessAny, nil, targets, audienceBoth, needsNothing},
		{"ec2:DescribeInstanceStatus", accessAny, instances, machines, audienceBoth, needsNothing},
		{"ec2:StartInstances", accessPower, instances, Power, audienceBoth, needsNothing},
		{"ec2:StopInstances", accessPower, instances, Power, audienceBoth, needsNothing},
		{"ec2:CreateTags", accessTag, instances, Power, audienceBoth, needsNothing},
		{"ec2:ModifyInstanceAttribute", accessType, instances, Power, audienceBoth, needsNothing},

		{describeDatabases, accessAny, databases, machines | status, audienceBoth, needsNothing},
		{"rds:DescribeDBClusters", accessAny, clusters, machines, audienceBoth, needsNothing},
		{"rds:DescribeEvents", accessAny, rds, machines, audienceBoth, needsNothing},
		{"rds:StartDBInstance", accessPower, databases, Power, audienceBoth, needsNothing},
		{"rds:StopDBInstance", accessPower, databases, Power, audienceBoth, needsNothing},
		{"rds:StartDBCluster", accessPower, clusters, Power, audienceBoth, needsNothing},
		{"rds:StopDBCluster", accessPower, clusters, Power, audienceBoth, needsNothing},
		{"rds:AddTagsToResource", accessTag, rds, Power, audienceBoth, needsNothing},

		{"autoscaling:DescribeAutoScalingGroups", accessAny, groups, machines, audienceBoth, needsNothing},
		{"autoscaling:UpdateAutoScalingGroup", accessPower, groups, Power, audienceBoth, needsNothing},
		{"autoscaling:SuspendProcesses", accessPower, groups, Power, audienceBoth, needsNothing},
		{"autoscaling:ResumeProcesses", accessPower, groups, Power, audienceBoth, needsNothing},
		{"autoscaling:CreateOrUpdateTags", accessTag, groups, Power, audienceBoth, needsNothing},

		{"ec2:DescribeInstanceTypes", accessAny, nil, costs, audienceBoth, needsNothing},
		{"ec2:DescribeVolumes", accessAny, nil, costs | Backup, audienceBoth, needsNothing},
		{"ec2:DescribeSnapshots", accessAny, nil, costs | Backup, audienceBoth, needsNothing},
		{"ec2:DescribeAddresses", accessAny, nil, costs, audienceBoth, needsNothing},
		{"ec2:DescribeHosts", accessAny, nil, costs, audienceBoth, needsNothing},
		{"ec2:DescribeCapacityReservations", accessAny, nil, costs, audienceBoth, needsNothing},
		{"ec2:DescribeSpotPriceHistory", accessAny, nil, costs, audienceBoth, needsNothing},
		{"ec2:DescribeInstanceCreditSpecifications", accessAny, nil, Report, audienceBoth, needsNothing},
		{"pricing:GetProducts", accessAny, nil, costs | Forecast | Backup, audienceHome, needsNothing},
		{"pricing:ListPriceLists", accessAny, nil, Report, audienceHome, needsPriceFiles},
		{"pricing:GetPriceListFileUrl", accessAny, nil, Report, audienceHome, needsPriceFiles},
		{"ce:GetCostAndUsageWithResources", accessAny, nil, Report, audienceBoth, needsCostExplorer},
		{"cloudwatch:GetMetricData", accessAny, nil, Report | Backup, audienceBoth, needsMetrics},

		{"ec2:DescribeImages", accessAny, nil, status, audienceBoth, needsBackups},
		{"ec2:DescribeLockedSnapshots", accessAny, nil, status, audienceBoth, needsBackups},
		{"ec2:DescribeFastSnapshotRestores", accessAny, nil, status, audienceBoth, needsBackups},
		{"ec2:DescribeLaunchTemplateVersions", accessAny, nil, status, audienceBoth, needsBackups},
		{"rbin:ListRules", accessAny, nil, status | Check, audienceBoth, needsBackups},
		{"rbin:GetRule", accessAny, nil, status | Check, audienceBoth, needsBackups},
		{"backup:ListProtectedResources", accessAny, nil, status, audienceBoth, needsBackups},
		{"backup:ListRecoveryPointsByResource", accessAny, nil, status, audienceBoth, needsBackups},
		{"kms:DescribeKey", accessAny, nil, status, audienceBoth, needsBackups},
		{"servicequotas:GetServiceQuota", accessAny, nil, status, audienceBoth, needsBackups},
		{"ebs:ListChangedBlocks", accessCopy, nil, Backup, audienceBoth, needsBackups},
		{"ebs:ListSnapshotBlocks", accessCopy, nil, Backup, audienceBoth, needsBackups},
		{"ec2:DescribeSnapshotAttribute", accessCopy, nil, Backup, audienceBoth, needsBackups},
		{"ec2:CreateSnapshot", accessCopy, nil, Backup, audienceBoth, needsBackups},
		{"ec2:CreateSnapshots", accessCopy, nil, Backup, audienceBoth, needsBackups},
		{"ec2:DeleteSnapshot", accessCopy, nil, Backup, audienceBoth, needsBackups},
		{"ec2:DeleteTags", accessCopy, nil, Backup, audienceBoth, needsBackups},
		{"ec2:ListSnapshotsInRecycleBin", accessCopy, nil, Backup, audiencePeople, needsBackups},
		{"ec2:RestoreSnapshotFromRecycleBin", accessCopy, nil, Backup, audiencePeople, needsBackups},

		{"s3:GetObject", accessRead, nil, allJobs, audienceHome, needsNothing},
		{"s3:PutObject", accessWrite, nil, allJobs &^ Observe, audienceHome, needsNothing},
		{"s3:ListBucket", accessList, nil, allJobs &^ Notify, audienceHome, needsNothing},
		{"ssm:GetParameter", accessParameter, nil, allJobs, audienceHome, needsNothing},
		{"secretsmanager:GetSecretValue", accessSecret, nil, Notify, audienceHome, needsSecrets},
		{"sns:Publish", accessTopic, nil, Notify, audienceHome, needsTopics},

		{"cloudformation:CreateChangeSet", accessDeploy, nil, Deploy, audienceDeployer, needsNothing},
		{"cloudformation:DeleteChangeSet", accessDeploy, nil, Deploy, audienceDeployer, needsNothing},
		{"cloudformation:DeleteStack", accessDeploy, nil, Deploy, audienceDeployer, needsNothing},
		{"cloudformation:DescribeChangeSet", accessDeploy, nil, Deploy, audienceDeployer, needsNothing},
		{"cloudformation:DescribeStackEvents", accessDeploy, nil, Deploy, audienceDeployer, needsNothing},
		{"cloudformation:DescribeStacks", accessDeploy, nil, Deploy, audienceDeployer, needsNothing},
		{"cloudformation:ExecuteChangeSet", accessDeploy, nil, Deploy, audienceDeployer, needsNothing},
		{"cloudformation:GetTemplate", accessDeploy, nil, Deploy, audienceDeployer, needsNothing},
		{"cloudformation:ListChangeSets", accessDeploy, nil, Deploy, audienceDeployer, needsNothing},
		{"cloudformation:ListStackResources", accessDeploy, nil, Deploy, audienceDeployer, needsNothing},
		{"cloudformation:UpdateTerminationProtection", accessDeploy, nil, Deploy, audienceDeployer, needsNothing},
		{"lambda:InvokeFunction", accessDeploy, nil, Deploy, audienceDeployer, needsNothing},
		{"sns:ListSubscriptionsByTopic", accessDeploy, nil, Deploy, audienceDeployer, needsNothing},
		{"s3:CreateBucket", accessDeploy, nil, Deploy, audienceDeployer, needsNothing},
		{"s3:DeleteObject", accessDeploy, nil, Deploy, audienceDeployer, needsNothing},
		{"s3:GetBucketTagging", accessDeploy, nil, Deploy, audienceDeployer, needsNothing},
		{"s3:ListAllMyBuckets", accessDeploy, nil, Deploy, audienceDeployer, needsNothing},
	}
}

// operations are those lines of the table that apply.
type operations []action

// chosen are the lines of the actions that a scope has a use for, in
// alphabetical order. An error names all that the table does not have.
func chosen(names []string, s Scope) (operations, error) {
	var ops operations
	var errs []error
	table := actions()
	for _, name := range slices.Compact(slices.Sorted(slices.Values(names))) {
		n := slices.IndexFunc(table, func(a action) bool { return a.name == name })
		if n < 0 {
			errs = append(errs, fmt.Errorf("policy: %s: %w", name, ErrUnscoped))
			continue
		}
		if a := table[n]; s.does(a.jobs) && a.whose&s.audience() != 0 && s.has(a.needs) {
			ops = append(ops, a)
		}
	}
	return ops, errors.Join(errs...)
}

// with are the names of the actions with one of the accesses.
func (o operations) with(some ...access) []string {
	return o.where(func(a action) bool { return slices.Contains(some, a.access) })
}

// of are the names of the actions with an access that are for one of the kinds.
func (o operations) of(access access, kinds ...fleet.Kind) []string {
	return o.where(func(a action) bool {
		return a.access == access && slices.ContainsFunc(kinds, func(k fleet.Kind) bool { return slices.Contains(a.kinds, k) })
	})
}

func (o operations) where(chosen func(action) bool) []string {
	var names []string
	for _, a := range o {
		if chosen(a) {
			names = append(names, a.name)
		}
	}
	return names
}
