package stack

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode"

	"nightshift/internal/fleet"
)

// ErrUnscoped is the error for an operation that has no scope in the policy.
var ErrUnscoped = errors.New("no scope is known for the operation")

// Scope says where a policy applies. The zero value, with a tag, applies to
// tagged instances of any account and region in the partition aws.
type Scope struct {
	// Partition is aws, aws-cn or aws-us-gov; empty means aws.
	Partition string
	// Account limits instances to one account; empty means any.
	Account string
	// Tag marks the instances that may be stopped and started; without a value
	// any value does. Its key is required where an operation stops or starts.
	Tag fleet.Tag
	// Bucket and Prefix say where reports are written. Without a bucket the
	// policy names BUCKET, which no bucket can be called.
	Bucket, Prefix string
	// Keys are the ARNs of customer managed KMS keys that encrypt volumes. Who
	// starts an instance with such a volume needs a grant on its key; without
	// one the start is accepted and the instance falls back to stopped.
	Keys []string
	// Schedules, if not nil, widens the scope to what follows schedules. The
	// tag's key may then be missing: nothing is stopped or started by it.
	Schedules *Schedules
	// Costs widens the scope to what a cost report can use beside its bucket.
	Costs Costs
}

// Document is an IAM policy. The format is described in the IAM JSON policy
// reference, https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements.html.
type Document struct {
	Version   string
	Statement []Statement
}

// Statement allows actions on resources under a condition. In the trust policy
// of a role it names who may assume the role instead of resources.
type Statement struct {
	Sid       string
	Effect    string
	Principal map[string]Values `json:",omitempty"`
	Action    []string
	Resource  []string  `json:",omitempty"`
	Condition Condition `json:",omitempty"`
}

// Condition maps an operator to the condition keys and the values they must
// have, of which one is enough.
type Condition map[string]map[string]Values

// Values are one text or several, which IAM writes as a text or as a list.
type Values []string

// MarshalJSON writes a single value without a list around it.
func (v Values) MarshalJSON() ([]byte, error) {
	if len(v) == 1 {
		return plainJSON(v[0])
	}
	return plainJSON([]string(v))
}

// UnmarshalJSON reads a text or a list of texts.
func (v *Values) UnmarshalJSON(text []byte) error {
	if len(text) > 0 && text[0] == '"' {
		*v = Values{""}
		return json.Unmarshal(text, &(*v)[0])
	}
	return json.Unmarshal(text, (*[]string)(v))
}

// plainJSON writes a value with <, > and & as they are.
func plainJSON(v any) ([]byte, error) {
	var text bytes.Buffer
	enc := json.NewEncoder(&text)
	enc.SetEscapeHTML(false)
	err := enc.Encode(v)
	return text.Bytes(), err
}

// JSON is the policy as indented text with a final newline. The same policy is
// always the same text.
func (d Document) JSON() ([]byte, error) {
	var text bytes.Buffer
	enc := json.NewEncoder(&text)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(d); err != nil {
		return nil, fmt.Errorf("policy: %w", err)
	}
	return text.Bytes(), nil
}

// maxManaged is the size that IAM allows a managed policy, in characters that
// are no white space. See "IAM and AWS STS quotas" in the IAM user guide.
const maxManaged = 6144

// fits refuses a policy that IAM would refuse as too large.
func (d Document) fits(most int) error {
	text, err := d.JSON()
	if err != nil {
		return err
	}
	size := 0
	for _, r := range string(text) {
		if !unicode.IsSpace(r) {
			size++
		}
	}
	if size > most {
		return fleet.Errorf(fleet.ErrInvalid,
			"the policy would have %d characters and IAM takes %d: let fewer different tag keys choose machines, or bind them by a key of any value", size, most)
	}
	return nil
}

// An access is a way in which operations are scoped.
type access int

const (
	free  access = iota // needs no permission
	read                // answers about everything, cannot be limited
	power               // stops or starts
	write               // puts the report, or the record of a run, into its bucket

	// What only schedules need.
	look   // answers about everything of some kinds, cannot be limited
	mark   // sets tags
	resize // changes the type of an instance
	load   // reads the configuration from its parameter
	fetch  // reads the configuration, or records of runs, from a bucket
	list   // lists records of runs

	// What only a configured cost report needs.
	bill    // reads the bill by resource, paid by the request
	sample  // reads metrics, paid by the metric
	members // lists the accounts of the organization
	offers  // finds the files of the price list
	assume  // assumes a role in another account
)

// accessOf decides how an operation, written as an IAM action, is scoped, and
// to which kinds of machines it belongs, if to any. An operation that
// nightshift begins to use belongs here.
//
// Which actions know resources and condition keys is listed in the Service
// Authorization Reference; GetCallerIdentity is documented to need no
// permission and to work even where it is denied.
func accessOf(action string) (access, []fleet.Kind, error) {
	instances := []fleet.Kind{fleet.KindInstance}
	databases := []fleet.Kind{fleet.KindDatabase}
	clusters := []fleet.Kind{fleet.KindCluster}
	groups := []fleet.Kind{fleet.KindGroup}
	switch action {
	case "sts:GetCallerIdentity":
		return free, nil, nil
	case "ec2:DescribeInstances",
		"ec2:DescribeInstanceTypes",
		"ec2:DescribeInstanceCreditSpecifications",
		"ec2:DescribeRegions",
		"ec2:DescribeSpotInstanceRequests",
		"ec2:DescribeSpotPriceHistory",
		"ec2:DescribeVolumes",
		"ec2:DescribeSnapshots",
		"ec2:DescribeAddresses",
		"ec2:DescribeHosts",
		"ec2:DescribeCapacityReservations",
		"pricing:GetProducts":
		return read, nil, nil
	case "s3:PutObject":
		return write, nil, nil
	case "s3:GetObject":
		return fetch, nil, nil
	case "s3:ListBucket":
		return list, nil, nil
	case "ssm:GetParameter":
		return load, nil, nil

	case "ce:GetCostAndUsageWithResources":
		return bill, nil, nil
	case "cloudwatch:GetMetricData":
		return sample, nil, nil
	case "organizations:ListAccounts":
		return members, nil, nil
	case "pricing:ListPriceLists", "pricing:GetPriceListFileUrl":
		return offers, nil, nil
	case "sts:AssumeRole":
		return assume, nil, nil

	case "ec2:StartInstances", "ec2:StopInstances":
		return power, instances, nil
	case "ec2:DescribeInstanceStatus":
		return look, instances, nil
	case "ec2:CreateTags":
		return mark, instances, nil
	case "ec2:ModifyInstanceAttribute":
		return resize, instances, nil

	case "rds:StartDBInstance", "rds:StopDBInstance":
		return power, databases, nil
	case "rds:StartDBCluster", "rds:StopDBCluster":
		return power, clusters, nil
	case "rds:DescribeDBInstances":
		return look, databases, nil
	case "rds:DescribeDBClusters":
		return look, clusters, nil
	case "rds:DescribeEvents", "rds:ListTagsForResource":
		return look, slices.Concat(databases, clusters), nil
	case "rds:AddTagsToResource":
		return mark, slices.Concat(databases, clusters), nil

	case "autoscaling:UpdateAutoScalingGroup", "autoscaling:SuspendProcesses", "autoscaling:ResumeProcesses":
		return power, groups, nil
	case "autoscaling:DescribeAutoScalingGroups":
		return look, groups, nil
	case "autoscaling:CreateOrUpdateTags":
		return mark, groups, nil
	}
	return 0, nil, fmt.Errorf("policy: %s: %w", action, ErrUnscoped)
}

// operations are IAM actions by the way in which they are scoped, each list in
// alphabetical order.
type operations map[access][]string

// scoped sorts actions. An error names all that have no scope.
func scoped(actions []string) (operations, error) {
	ops := make(operations)
	var errs []error
	for _, action := range slices.Compact(slices.Sorted(slices.Values(actions))) {
		a, _, err := accessOf(action)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		ops[a] = append(ops[a], action)
	}
	return ops, errors.Join(errs...)
}

// of are the operations with an access that belong to one of the kinds.
func (o operations) of(a access, kinds ...fleet.Kind) []string {
	var some []string
	for _, action := range o[a] {
		_, belongs, _ := accessOf(action) // known, or it would not be here
		if slices.ContainsFunc(kinds, func(k fleet.Kind) bool { return slices.Contains(belongs, k) }) {
			some = append(some, action)
		}
	}
	return some
}

// Policy is the least that the actions need within the scope. Actions are
// written as in IAM ("ec2:StopInstances"); order and repetition do not matter.
// Reads take every resource, since neither descriptions nor prices can be
// limited; stopping and starting take what carries the tag, or what a schedule
// is for; writing takes the objects under the prefix. Actions that nothing in
// the scope needs are left out. An error for an action without a scope matches
// [ErrUnscoped], one for a wrong scope, or for one whose policy is larger than
// IAM takes, [fleet.ErrInvalid].
func Policy(actions []string, s Scope) (Document, error) {
	if err := s.check(); err != nil {
		return Document{}, err
	}
	s.Tag.Value = literal(s.Tag.Value)
	s.Bucket = cmp.Or(s.Bucket, "BUCKET")
	s.Prefix = literal(s.Prefix)
	if s.Schedules != nil {
		s.Schedules = s.Schedules.written(literal, asItIs)
	}
	s.Costs = s.Costs.written(literal)
	d, err := document(actions, s)
	if err != nil {
		return Document{}, err
	}
	return d, d.fits(maxManaged)
}

// check refuses what would make a policy that allows nothing or that IAM
// rejects.
func (s Scope) check() error {
	var errs []error
	if s.Partition != "" && s.Partition != "aws" && !strings.HasPrefix(s.Partition, "aws-") {
		errs = append(errs, fleet.Errorf(fleet.ErrInvalid, "partition %q: use aws, aws-cn or aws-us-gov", s.Partition))
	}
	if s.Account != "" && (len(s.Account) != 12 || strings.Trim(s.Account, "0123456789") != "") {
		errs = append(errs, fleet.Errorf(fleet.ErrInvalid, "account %q: an account id has 12 digits", s.Account))
	}
	if strings.ContainsAny(s.Bucket, "/:*?$ ") {
		errs = append(errs, fleet.Errorf(fleet.ErrInvalid, "bucket %q: give the bucket's name alone", s.Bucket))
	}
	for _, key := range s.Keys {
		if !strings.HasPrefix(key, "arn:") || !strings.Contains(key, ":kms:") {
			errs = append(errs, fleet.Errorf(fleet.ErrInvalid, "key %q: give the ARN of a KMS key", key))
		}
	}
	if s.Schedules != nil {
		errs = append(errs, s.Schedules.check())
	}
	errs = append(errs, s.Costs.check())
	return errors.Join(errs...)
}

// document is Policy for a scope whose texts stand as they are: no defaults,
// and policy variables and wildcards in them keep their meaning.
func document(actions []string, s Scope) (Document, error) {
	ops, err := scoped(actions)
	stops := ops.of(power, fleet.KindInstance)
	if len(stops) > 0 && s.Tag.Key == "" && s.Schedules == nil {
		err = errors.Join(err, fleet.Errorf(fleet.ErrInvalid, "policy: stopping and starting need a tag to be limited by"))
	}
	if err != nil {
		return Document{}, err
	}

	d := Document{Version: "2012-10-17", Statement: []Statement{}}
	d.allow("Read", ops[read], []string{"*"}, nil)
	if s.Tag.Key != "" && !s.Schedules.covers(s.Tag) {
		d.allow("StopAndStartTagged", stops, s.machines(fleet.KindInstance), limit{s.Tag.Key, valuesOf(s.Tag)}.condition())
	}
	d.allow("WriteReport", ops[write],
		[]string{"arn:" + s.partition() + ":s3:::" + s.Bucket + "/" + s.Prefix + "*"}, nil)
	if s.Schedules != nil {
		s.scheduled(&d, ops)
	}
	s.costed(&d, ops)
	if slices.Contains(stops, "ec2:StartInstances") && len(s.Keys) > 0 {
		d.Statement = append(d.Statement, grantForVolumes(s.Keys))
	}
	return d, nil
}

// allow adds a statement, unless there are no actions for it.
func (d *Document) allow(sid string, actions, resources []string, c Condition) {
	if len(actions) > 0 {
		d.Statement = append(d.Statement, Statement{Sid: sid, Effect: "Allow", Action: actions, Resource: resources, Condition: c})
	}
}

func (s Scope) partition() string { return cmp.Or(s.Partition, "aws") }

// machines are the ARNs of all machines of the kinds.
func (s Scope) machines(kinds ...fleet.Kind) []string {
	account := cmp.Or(s.Account, "*")
	var arns []string
	for _, k := range kinds {
		var service, resource string
		switch k {
		case fleet.KindInstance:
			service, resource = "ec2", "instance/*"
		case fleet.KindDatabase:
			service, resource = "rds", "db:*"
		case fleet.KindCluster:
			service, resource = "rds", "cluster:*"
		case fleet.KindGroup:
			service, resource = "autoscaling", "autoScalingGroup:*:autoScalingGroupName/*"
		}
		arns = append(arns, "arn:"+s.partition()+":"+service+":*:"+account+":"+resource)
	}
	return arns
}

// grantForVolumes lets EC2, and nobody else, be granted the use of the keys
// for the volumes of an instance that starts. See "Requirements for Amazon EBS
// encryption" in the Amazon EBS user guide.
func grantForVolumes(keys []string) Statement {
	return Statement{
		Sid:       "StartWithEncryptedVolumes",
		Effect:    "Allow",
		Action:    []string{"kms:CreateGrant"},
		Resource:  slices.Compact(slices.Sorted(slices.Values(keys))),
		Condition: Condition{"Bool": {"kms:GrantIsForAWSResource": {"true"}}},
	}
}

// literal writes a text so that IAM reads no wildcard and no policy variable
// in it.
func literal(s string) string {
	return strings.NewReplacer("$", "${$}", "*", "${*}", "?", "${?}").Replace(s)
}

func asItIs(s string) string { return s }
