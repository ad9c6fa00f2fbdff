package stack

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

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
	// Tag marks what may be stopped and started; without a value any value
	// does. Its key is required where an operation stops or starts.
	Tag fleet.Tag
	// Bucket and Prefix say where reports are written. Without a bucket the
	// policy names BUCKET, which no bucket can be called.
	Bucket, Prefix string
	// Keys are the ARNs of customer managed KMS keys that encrypt volumes. Who
	// starts an instance with such a volume needs a grant on its key; without
	// one the start is accepted and the instance falls back to stopped.
	Keys []string
}

// Document is an IAM policy. The format is described in the IAM JSON policy
// reference, https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements.html.
type Document struct {
	Version   string
	Statement []Statement
}

// Statement allows actions on resources under a condition.
type Statement struct {
	Sid       string
	Effect    string
	Action    []string
	Resource  []string
	Condition Condition `json:",omitempty"`
}

// Condition maps an operator to the condition keys and the values they must
// have.
type Condition map[string]map[string]string

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

// An access is a way in which operations are scoped: one statement each.
type access int

const (
	free      access = iota // needs no permission
	read                    // answers about everything, cannot be limited
	power                   // stops or starts instances
	databases               // stops, starts or marks databases and clusters
	write                   // puts the report into its bucket
)

// accessOf decides how an operation, written as an IAM action, is scoped. An
// operation that nightshift begins to use belongs here.
//
// Which actions know resources and condition keys is listed in the Service
// Authorization Reference; GetCallerIdentity is documented to need no
// permission and to work even where it is denied.
func accessOf(action string) (access, error) {
	switch action {
	case "sts:GetCallerIdentity":
		return free, nil
	case "ec2:DescribeInstances",
		"ec2:DescribeInstanceTypes",
		"ec2:DescribeRegions",
		"ec2:DescribeSpotInstanceRequests",
		"ec2:DescribeVolumes",
		"pricing:GetProducts",
		"rds:DescribeDBClusters",
		"rds:DescribeDBInstances",
		"rds:DescribeEvents":
		return read, nil
	case "ec2:StartInstances", "ec2:StopInstances":
		return power, nil
	case "rds:AddTagsToResource",
		"rds:StartDBCluster",
		"rds:StartDBInstance",
		"rds:StopDBCluster",
		"rds:StopDBInstance":
		return databases, nil
	case "s3:PutObject":
		return write, nil
	}
	return 0, fmt.Errorf("policy: %s: %w", action, ErrUnscoped)
}

// Policy is the least that the actions need within the scope. Actions are
// written as in IAM ("ec2:StopInstances"); order and repetition do not matter.
// Reads take every resource, since neither descriptions nor prices can be
// limited; stopping and starting take instances that carry the tag; writing
// takes the objects under the prefix. An error for an action without a scope
// matches [ErrUnscoped], one for a wrong scope [fleet.ErrInvalid].
func Policy(actions []string, s Scope) (Document, error) {
	if err := s.check(); err != nil {
		return Document{}, err
	}
	s.Tag.Value = literal(s.Tag.Value)
	s.Bucket = cmp.Or(s.Bucket, "BUCKET")
	s.Prefix = literal(s.Prefix)
	return document(actions, s)
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
	return errors.Join(errs...)
}

// document is Policy for a scope whose texts stand as they are: no defaults,
// and policy variables and wildcards in them keep their meaning.
func document(actions []string, s Scope) (Document, error) {
	byAccess := make(map[access][]string)
	var errs []error
	for _, action := range slices.Compact(slices.Sorted(slices.Values(actions))) {
		a, err := accessOf(action)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		byAccess[a] = append(byAccess[a], action)
	}
	if len(byAccess[power])+len(byAccess[databases]) > 0 && s.Tag.Key == "" {
		errs = append(errs, fleet.Errorf(fleet.ErrInvalid, "policy: stopping and starting need a tag to be limited by"))
	}
	if len(errs) > 0 {
		return Document{}, errors.Join(errs...)
	}

	partition := cmp.Or(s.Partition, "aws")
	d := Document{Version: "2012-10-17", Statement: []Statement{}}
	allow := func(sid string, actions, resources []string, c Condition) {
		if len(actions) > 0 {
			d.Statement = append(d.Statement, Statement{sid, "Allow", actions, resources, c})
		}
	}
	allow("Read", byAccess[read], []string{"*"}, nil)
	allow("StopAndStartTagged", byAccess[power],
		[]string{"arn:" + partition + ":ec2:*:" + cmp.Or(s.Account, "*") + ":instance/*"},
		carries(s.Tag))
	rds := "arn:" + partition + ":rds:*:" + cmp.Or(s.Account, "*")
	allow("StopAndStartTaggedDatabases", byAccess[databases], []string{rds + ":cluster:*", rds + ":db:*"}, carries(s.Tag))
	allow("WriteReport", byAccess[write],
		[]string{"arn:" + partition + ":s3:::" + s.Bucket + "/" + s.Prefix + "*"}, nil)
	if slices.Contains(byAccess[power], "ec2:StartInstances") && len(s.Keys) > 0 {
		d.Statement = append(d.Statement, grantForVolumes(s.Keys))
	}
	return d, nil
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
		Condition: Condition{"Bool": {"kms:GrantIsForAWSResource": "true"}},
	}
}

// carries is the condition that a resource has the tag. Only StringLike knows
// that "*" is any value.
func carries(tag fleet.Tag) Condition {
	key := "aws:ResourceTag/" + tag.Key
	if tag.Value == "" {
		return Condition{"StringLike": {key: "*"}}
	}
	return Condition{"StringEquals": {key: tag.Value}}
}

// literal writes a text so that IAM reads no wildcard and no policy variable
// in it.
func literal(s string) string {
	return strings.NewReplacer("$", "${$}", "*", "${*}", "?", "${?}").Replace(s)
}
