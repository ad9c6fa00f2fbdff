// Package deploy installs nightshift as a CloudFormation stack: it decides from
// the state of the stack what to do, shows a change set as a readable diff, and
// carries it out over small ports, which amazon has. Its values hold everything
// that the next step needs, so that they can be printed, kept and sent.
//
// It may import fleet and text.
package deploy

import (
	"context"
	"encoding/json"
	"time"
)

// Stack is a CloudFormation stack as AWS describes it.
type Stack struct {
	ID           string            `json:"id"`
	Name         string            `json:"name"`
	Status       Status            `json:"status"`
	StatusReason string            `json:"status_reason,omitempty"`
	Description  string            `json:"description,omitempty"`
	Parameters   map[string]string `json:"parameters,omitempty"`
	Outputs      map[string]string `json:"outputs,omitempty"`
	Tags         map[string]string `json:"tags,omitempty"`
	// Drift is what the last detection found: IN_SYNC, DRIFTED, NOT_CHECKED.
	Drift     string    `json:"drift,omitempty"`
	Protected bool      `json:"protected"` // termination protection
	Updated   time.Time `json:"updated,omitzero"`
}

// The tags of a stack that say what was deployed.
const (
	TagStack    = "nightshift:stack"
	TagTemplate = "nightshift:template"
	TagVersion  = "nightshift:version"
)

// Outputs of the template that are read.
const (
	OutputFunction  = "FunctionName"
	OutputReports   = "ReportBucket"
	OutputAlarms    = "AlarmTopicArn"
	ResourceReports = "Reports" // the logical id of the stack's report bucket
)

// Resource is a resource of a stack.
type Resource struct {
	Logical  string `json:"logical"`
	Physical string `json:"physical,omitempty"`
	Type     string `json:"type"`
	Status   Status `json:"status,omitempty"`
}

// Change is what a change set does to one resource.
type Change struct {
	Logical     string `json:"logical"`
	Physical    string `json:"physical,omitempty"`
	Type        string `json:"type"`
	Action      string `json:"action"`                // Add, Modify, Remove, Import, Dynamic
	Replacement string `json:"replacement,omitempty"` // True, False, Conditional
	// Policy is what AWS does with a resource that goes: Delete, Retain and others.
	Policy string `json:"policy,omitempty"`
	// Properties are the names of those that change.
	Properties []string `json:"properties,omitempty"`
	// Before and After are the resource's properties, where AWS gives them.
	Before json.RawMessage `json:"before,omitempty"`
	After  json.RawMessage `json:"after,omitempty"`
}

// ChangeSet is a change set with all of its changes.
type ChangeSet struct {
	Name    string
	Status  string // CREATE_PENDING, CREATE_IN_PROGRESS, CREATE_COMPLETE, FAILED and others
	Reason  string
	Changes []Change
}

// NewChangeSet is a change set to be made.
type NewChangeSet struct {
	Stack, Name string
	Create      bool // the stack is new, or under review
	Template    string
	Parameters  map[string]string
	Tags        map[string]string
	Role        string // that CloudFormation works with; empty: the caller's rights
}

// Event is one event of a stack.
type Event struct {
	ID       string    `json:"id"`
	At       time.Time `json:"at"`
	Logical  string    `json:"logical"`
	Physical string    `json:"physical,omitempty"`
	Type     string    `json:"type"`
	Status   Status    `json:"status"`
	Reason   string    `json:"reason,omitempty"`
	Token    string    `json:"token,omitempty"` // of the operation that it belongs to
}

// Object is an object of the artifact bucket.
type Object struct {
	Key   string
	Bytes int64
	At    time.Time
}

// Invocation is the answer of a function.
type Invocation struct {
	Payload []byte
	Failed  bool // the function itself ended with an error
}

// Subscription is one of a topic.
type Subscription struct {
	Protocol  string `json:"protocol"`
	Endpoint  string `json:"endpoint"`
	Confirmed bool   `json:"confirmed"`
}

// Stacks is CloudFormation in one region. What is not there is an error of the
// kind fleet.ErrNotFound.
type Stacks interface { //nolint:interfacebloat // each is one operation of the service
	Stack(ctx context.Context, name string) (Stack, error)
	Template(ctx context.Context, name string) (string, error)
	Resources(ctx context.Context, name string) ([]Resource, error)
	// Events gives those of a stack, the newest first, until stop says that the
	// rest is known.
	Events(ctx context.Context, name string, stop func(Event) bool) ([]Event, error)
	// CreateChangeSet gives the id of the stack, which it makes where there is none.
	CreateChangeSet(ctx context.Context, n NewChangeSet) (stackID string, err error)
	ChangeSet(ctx context.Context, stack, name string) (ChangeSet, error)
	ChangeSets(ctx context.Context, stack string) ([]string, error)
	DeleteChangeSet(ctx context.Context, stack, name string) error
	Execute(ctx context.Context, stack, name, token string) error
	Delete(ctx context.Context, name, role, token string) error
	Protect(ctx context.Context, name string, on bool) error
	// Pause waits on the clock of the account.
	Pause(ctx context.Context, d time.Duration) error
}

// Artifacts are the bucket of code and configurations, and what is known of
// other buckets. Every call names the account that the bucket must belong to.
type Artifacts interface { //nolint:interfacebloat // a method for each operation of S3
	// List gives the objects below a prefix; fleet.ErrNotFound without a bucket.
	List(ctx context.Context, bucket, prefix string) ([]Object, error)
	Get(ctx context.Context, bucket, key string) ([]byte, error)
	Create(ctx context.Context, bucket string) error
	Put(ctx context.Context, bucket, key, contentType string, body []byte) error
	Remove(ctx context.Context, bucket, key string) error
	// Tagged gives the buckets whose name begins with a prefix, with their tags.
	Tagged(ctx context.Context, prefix string) (map[string]map[string]string, error)
}

// Functions is AWS Lambda in one region.
type Functions interface {
	Invoke(ctx context.Context, name string, payload []byte) (Invocation, error)
}

// Topics is Amazon SNS in one region.
type Topics interface {
	Subscriptions(ctx context.Context, topic string) ([]Subscription, error)
}
