package sandbox

import (
	"fmt"
	"slices"
	"time"

	"nightshift/internal/sandbox/autoscaling"
	"nightshift/internal/sandbox/billing"
	"nightshift/internal/sandbox/cloudformation"
	"nightshift/internal/sandbox/kms"
	"nightshift/internal/sandbox/policy"
	"nightshift/internal/sandbox/rds"
	"nightshift/internal/sandbox/secrets"
	"nightshift/internal/sandbox/sns"
	"nightshift/internal/sandbox/ssm"
)

// AddGroup adds an Auto Scaling group to a region. Instances that carry its
// name in the tag aws:autoscaling:groupName become its members; where they are
// fewer than it wants, it launches more, which take time to run. An error means
// that the description is wrong.
func (a *Account) AddGroup(region string, about autoscaling.Group) error {
	return autoscaling.AddGroup(a.Account, region, about)
}

// Group finds an Auto Scaling group; false where there is none.
func (a *Account) Group(region, name string) (autoscaling.GroupState, bool) {
	return autoscaling.FindGroup(a.Account, region, name)
}

// AddDatabase puts a database into a region.
func (a *Account) AddDatabase(region string, d rds.Database) error {
	return rds.AddDatabase(a.Account, region, d)
}

// SetDatabaseStatus gives an instance, or a cluster where there is no instance
// of that name, a status such as "backing-up" for some time of the account,
// after which it is available; zero means that it stays so.
func (a *Account) SetDatabaseStatus(region, id, status string, lasts time.Duration) error {
	return rds.SetDatabaseStatus(a.Account, region, id, status, lasts)
}

// Databases are the databases of a region as they are now, by identifier.
func (a *Account) Databases(region string) []rds.Database { return rds.Databases(a.Account, region) }

// SetParameter creates a parameter in a region, or gives it a new version. An
// error means that the region or the name is wrong.
func (a *Account) SetParameter(region string, p ssm.Parameter) error {
	return ssm.SetParameter(a.Account, region, p)
}

// SetSecret creates a secret of Secrets Manager in a region, or gives it a new value,
// and gives its ARN. An error means that the region is wrong.
func (a *Account) SetSecret(region, name, value string) (arn string, err error) {
	return secrets.Set(a.Account, region, name, value, "")
}

// SetKey says what has become of a key of KMS. Keys of which nothing was said are
// enabled. An error means that the region is wrong.
func (a *Account) SetKey(region, arn string, k Key) error { return kms.Set(a.Account, region, arn, k) }

// AddTopic makes a topic of SNS in a region, and gives its ARN. An error means that
// the region is wrong.
func (a *Account) AddTopic(region, name string) (arn string, err error) {
	return sns.Add(a.Account, region, name)
}

// Published are the messages that were published to a topic, the oldest first.
func (a *Account) Published(region, topic string) []Notification {
	return sns.Published(a.Account, region, topic)
}

// EncryptBucket gives a bucket the customer managed KMS key of its objects. Who
// reads or writes them needs the use of it. An error means that there is no such
// bucket.
func (a *Account) EncryptBucket(bucket, key string) error { return a.store.Encrypt(bucket, key) }

// StackResource finds a resource of a stack by its logical id; its zero value
// where there is none.
func (a *Account) StackResource(region, stack, id string) cloudformation.Resource {
	return cloudformation.FindResource(a.Account, region, stack, id)
}

// DriftStack lets a detection of drift find that resources of a stack were changed
// by hand. An error means that there is no such stack.
func (a *Account) DriftStack(region, stack string) error {
	return cloudformation.Drift(a.Account, region, stack)
}

// ConfirmSubscription confirms the subscription of an endpoint to a topic, as the
// person who got the message does.
func (a *Account) ConfirmSubscription(region, topic, endpoint string) error {
	return sns.Confirm(a.Account, region, topic, endpoint)
}

// Buckets lists the names of the account's buckets.
func (a *Account) Buckets() []string { return a.store.Buckets(a.ID()) }

// Objects lists the keys of a bucket in order; none where there is no bucket.
func (s *Sandbox) Objects(bucket string) []string { return s.store.Objects(bucket) }

// Object is the content of an object; false where there is none.
func (s *Sandbox) Object(bucket, key string) ([]byte, bool) { return s.store.Object(bucket, key) }

// ExportBill writes the account's bill of a month, as far as it is known, into
// one of its buckets: a table of FOCUS 1.0, the FinOps Open Cost and Usage
// Specification, as compressed CSV. The key is
// PREFIX/data/BILLING_PERIOD=2026-10/focus-00001.csv.gz.
//
// Errors are a bucket that the account does not have and a month that has not
// begun.
func (a *Account) ExportBill(bucket, prefix string, month time.Time) (key string, err error) {
	if !slices.Contains(a.Buckets(), bucket) {
		return "", fmt.Errorf("export the bill: account %s has no bucket %q", a.ID(), bucket)
	}
	body, key, err := billing.ExportBill(a.Account, prefix, month)
	if err == nil {
		err = a.store.Put(bucket, key, "application/gzip", a.Now(), body)
	}
	if err != nil {
		return "", fmt.Errorf("export the bill: %w", err)
	}
	return key, nil
}

// PolicyDenying is a policy that allows everything but some actions, which may
// hold wildcards, such as "ec2:StopInstances" or "s3:*".
func PolicyDenying(actions ...string) []byte { return policy.Denying(actions...) }
