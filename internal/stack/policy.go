package stack

import (
	"cmp"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"nightshift/internal/fleet"
)

// Scope says where a policy applies, and for what. The zero value, with a tag,
// is for all jobs, on tagged instances of any account and region in the
// partition aws.
type Scope struct {
	// Jobs are those that the policy is for.
	Jobs Jobs
	// Member means the role that nightshift assumes in another account, not the
	// one that it runs as: what is done there, without what it does at home,
	// which is to read its configuration, to keep reports, records and history,
	// to list the organization and to assume roles.
	Member bool
	// Partition is aws, aws-cn or aws-us-gov; empty means aws.
	Partition string
	// Account limits instances to one account; empty means any.
	Account string
	// Tag marks the instances that may be stopped and started; without a value
	// any value does. Its key is required where an operation stops or starts
	// and there are no schedules.
	Tag fleet.Tag
	// Bucket and Prefix say where reports are written. Without a bucket the
	// policy names BUCKET, which no bucket can be called.
	Bucket, Prefix string
	// Keys are the ARNs of customer managed KMS keys that encrypt volumes. Who
	// starts an instance with such a volume needs a grant on its key; without
	// one the start is accepted and the instance falls back to stopped.
	Keys []string
	// DataKeys are the ARNs of customer managed KMS keys that encrypt buckets and
	// parameters that are read or written.
	DataKeys []string
	// Licenses permits starts of instances that have a license configuration of
	// AWS License Manager. Such a start is authorized on that configuration, too,
	// which does not carry the instance's tags.
	Licenses bool
	// Schedules, if not nil, widens the scope to what follows schedules.
	Schedules *Schedules
	// Costs widens the scope to what a cost report can use in addition to its
	// bucket.
	Costs Costs
	// Deployer says what is deployed, where the policy is for the job Deploy.
	Deployer Deployer
}

// Policies are the least that the actions need within the scope, cut into
// managed policies of a size that IAM takes; the role needs all of them.
// There is none where nothing is needed. Actions are written as in IAM
// ("ec2:StopInstances"); order and repetition do not matter. Reads take every
// resource, since neither descriptions nor prices can be limited; stopping and
// starting take what carries the tag, or what a schedule is for; writing takes
// the objects under the prefix. Actions that nothing in the scope needs are left
// out. An error for an action that the table does not have matches
// [ErrUnscoped], one for a wrong scope, or for one that takes more policies than
// a role can have, [fleet.ErrInvalid].
func Policies(actions []string, s Scope) ([]Document, error) {
	if err := s.check(); err != nil {
		return nil, err
	}
	s.Tag.Value = literal(s.Tag.Value)
	s.Bucket = cmp.Or(s.Bucket, "BUCKET")
	s.Prefix = literal(s.Prefix)
	if s.Schedules != nil {
		s.Schedules = s.Schedules.written(literal, asItIs)
	}
	s.Costs = s.Costs.written(literal)
	list, err := s.statements(actions)
	if err != nil {
		return nil, err
	}
	return pack(list, asItIs)
}

func (s Scope) does(jobs Jobs) bool { return s.Jobs == 0 || s.Jobs&jobs != 0 }

func (s Scope) audience() audience {
	if s.Jobs == Deploy {
		return audienceDeployer
	}
	if s.Member {
		return audienceMember
	}
	return audienceHome
}

// has says whether the scope has what an action needs.
func (s Scope) has(needs setting) bool {
	switch needs {
	case needsCostExplorer:
		return s.Costs.CostExplorer
	case needsMetrics:
		return s.does(Report) && s.Costs.CloudWatch || s.does(Backup) && s.Schedules != nil && s.Schedules.Backups.Metrics
	case needsOrganization:
		return s.Costs.Organization
	case needsPriceFiles:
		return s.Costs.Offers
	case needsBackups:
		return s.Jobs&Backup != 0 || s.Schedules != nil && len(s.Schedules.Backups.Policies) > 0
	case needsSecrets:
		return s.Schedules != nil && len(s.Schedules.Notices.Secrets) > 0
	case needsTopics:
		return s.Schedules != nil && len(s.Schedules.Notices.Topics) > 0
	default:
		return true
	}
}

// What has a form. A partition is one that AWS has or may come to have, a
// bucket's name also one from before 2018. The template's parameters have the
// same patterns.
const (
	partitionForm = `aws(-[a-z]+)*`
	bucketForm    = `[A-Za-z0-9][A-Za-z0-9._-]{1,253}[A-Za-z0-9]`
	keyForm       = `arn:` + partitionForm + `:kms:[a-z0-9-]+:[0-9]{12}:key/[A-Za-z0-9-]+`
)

func matches(form, s string) bool { return regexp.MustCompile(`^(` + form + `)$`).MatchString(s) }

// check refuses what would make a policy that allows nothing, that allows more
// than is said, or that IAM rejects.
func (s Scope) check() error {
	var errs []error
	if s.Partition != "" && !matches(partitionForm, s.Partition) {
		errs = append(errs, fleet.Errorf(fleet.ErrInvalid, "partition %q: use aws, aws-cn or aws-us-gov", s.Partition))
	}
	if s.Account != "" {
		_, err := fleet.ParseAccount(s.Account)
		errs = append(errs, err)
	}
	if s.Bucket != "" && !matches(bucketForm, s.Bucket) {
		errs = append(errs, fleet.Errorf(fleet.ErrInvalid, "bucket %q: give the bucket's name alone", s.Bucket))
	}
	for _, key := range slices.Concat(s.Keys, s.DataKeys) {
		if !matches(keyForm, key) {
			errs = append(errs, fleet.Errorf(fleet.ErrInvalid,
				"key %q: give the ARN of a KMS key, such as arn:aws:kms:us-east-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab", key))
		}
	}
	if s.Schedules != nil {
		errs = append(errs, s.Schedules.check())
	}
	errs = append(errs, s.Costs.check(), s.checkDeployer())
	return errors.Join(errs...)
}

// statements are those of Policies for a scope whose texts are used as they are:
// no defaults, and policy variables and wildcards in them keep their meaning.
func (s Scope) statements(actions []string) ([]Statement, error) {
	ops, err := chosen(actions, s)
	stops := ops.of(accessPower, fleet.KindInstance)
	if len(stops) > 0 && s.Tag.Key == "" && s.Schedules == nil {
		err = errors.Join(err, fleet.Errorf(fleet.ErrInvalid, "policy: stopping and starting need a tag to be limited by"))
	}
	if err != nil {
		return nil, err
	}
	if s.audience() == audienceDeployer {
		return s.deploying(), nil
	}

	var list statements
	list.allow("Read", ops.where(func(a action) bool { return a.access == accessAny && len(a.kinds) == 0 && a.needs == needsNothing }), []string{"*"}, nil)
	list = append(list, s.tagged(ops)...)
	if s.does(Report) {
		list.allow("WriteReport", ops.with(accessWrite), []string{s.arn("s3", "", "", s.Bucket+"/"+s.Prefix+"*")}, nil)
	}
	if s.Schedules != nil {
		s.scheduled(&list, ops)
	}
	s.copying(&list, ops)
	s.costed(&list, ops)
	if slices.Contains(stops, startInstances) {
		list = append(list, s.starting()...)
	}
	return append(list, s.decrypting(list)...), nil
}

// tagged are the statements for what is stopped and started by its tag alone.
func (s Scope) tagged(ops operations) []Statement {
	var list statements
	if s.Tag.Key != "" && !s.Schedules.covers(s.Tag) {
		list.allow("StopAndStartTagged", ops.of(accessPower, fleet.KindInstance), s.machines(fleet.KindInstance),
			limit{s.Tag.Key, valuesOf(s.Tag)}.condition())
	}
	return list
}

// statements are those of one role.
type statements []Statement

// allow adds a statement, unless there are no actions for it: several where it
// would list more resources than fit into one.
func (l *statements) allow(sid string, actions, resources []string, c Condition) {
	if len(actions) == 0 {
		return
	}
	for n, some := range portions(resources) {
		name := sid
		if n > 0 {
			name += fmt.Sprint("Part", n+1)
		}
		*l = append(*l, Statement{Sid: name, Effect: "Allow", Action: actions, Resource: some, Condition: c})
	}
}

// arn is a name of AWS in the scope's partition.
func (s Scope) arn(service, region, account, resource string) string {
	return strings.Join([]string{"arn", cmp.Or(s.Partition, "aws"), service, region, account, resource}, ":")
}

// machines are the ARNs of all machines of the kinds.
func (s Scope) machines(kinds ...fleet.Kind) []string {
	account := cmp.Or(s.Account, "*")
	var arns []string
	for _, k := range kinds {
		switch k {
		case fleet.KindInstance:
			arns = append(arns, s.arn("ec2", "*", account, "instance/*"))
		case fleet.KindDatabase:
			arns = append(arns, s.arn("rds", "*", account, "db:*"))
		case fleet.KindCluster:
			arns = append(arns, s.arn("rds", "*", account, "cluster:*"))
		case fleet.KindGroup:
			arns = append(arns, s.arn("autoscaling", "*", account, "autoScalingGroup:*:autoScalingGroupName/*"))
		case fleet.KindVolume: // no machine
		}
	}
	return arns
}

// literal writes a text so that IAM reads no wildcard and no policy variable
// in it.
func literal(s string) string {
	return strings.NewReplacer("$", "${$}", "*", "${*}", "?", "${?}").Replace(s)
}

func asItIs(s string) string { return s }
