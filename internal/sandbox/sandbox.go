// Package sandbox is an emulated AWS account behind real HTTP: EC2, RDS, Auto
// Scaling, STS, Organizations, the Price List service, CloudWatch, Cost Explorer,
// Parameter Store, S3, CloudFormation, Lambda and SNS on one endpoint, as the AWS
// SDKs, the AWS CLI and boto3 speak to them. Stacks hold what the template that
// installs nightshift has and nothing else; functions run as processes of this
// machine, when they are invoked and never by a schedule.
//
// With Options.Accounts it is an organization of several accounts. Each has its
// own regions, resources, buckets, roles and token buckets; the clock, the price
// list, the faults and the record of calls are common. AccessKey is the one long-term
// key and belongs to the management account, AccountID; the ways into the
// others are the roles that STS AssumeRole opens. AWS Organizations lists the
// management account which accounts there are.
//
// It keeps state and obeys the rules that a caller can see: states change over
// time, batches are all or nothing, filters, pages, error codes, token buckets
// and XML shapes are those of the service. It knows nothing of the program it
// is used to try, so that it can be an honest peer for any client.
package sandbox

import (
	"cmp"
	"fmt"
	"log/slog"
	"math"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"nightshift/internal/sandbox/catalog"
	"nightshift/internal/sandbox/glob"
	"nightshift/internal/sandbox/lambda"
	"nightshift/internal/sandbox/policy"
	"nightshift/internal/sandbox/s3"
	"nightshift/internal/sandbox/service"
	"nightshift/internal/sandbox/state"
)

// What clients need to sign requests. Signatures are read for the key, the region
// and the service but not verified. No key counts but this one and those that
// AssumeRole gives.
const (
	AccessKey     = "AKIAPRACTICEACCOUNT0"
	SecretKey     = "practice/only/this/key/opens/no/account0"
	DefaultBucket = "nightshift-practice"
	callerARN     = "arn:aws:iam::" + state.AccountID + ":user/practice"
)

// Options describe a sandbox. The zero value is the default account,
// without latency, limits or faults.
type Options struct {
	// Seed decides everything random: ids, durations, fleets, faults.
	Seed uint64
	// Fleet is the number of instances to generate, with twice as many
	// volumes, in DefaultRegion. Zero means the hand-made default account.
	Fleet int
	// Types is the number of distinct instance types in a generated fleet;
	// zero means 40.
	Types int
	// Latency is added to every answer, in real time.
	Latency time.Duration
	// Throttle applies EC2's documented token buckets.
	Throttle bool
	// Speed is how many times faster than real time the account's clock runs
	// (states and buckets). Zero means 1; below zero the clock does not move
	// and only Advance moves it.
	Speed float64
	// Start is the account's time at the beginning; zero means the real time.
	Start time.Time
	// Regions are the enabled regions; nil means those that every account has.
	Regions []string
	// Buckets are created empty in addition to DefaultBucket.
	Buckets []string
	// EmptyPages is the share of filtered pages that come back empty with a
	// token, as EC2 does now and then; zero means one in ten, below zero none.
	EmptyPages float64
	// Backups adds to the default account what others' backups leave: snapshots of
	// Data Lifecycle Manager, of AWS Backup, of images and of people, and what holds
	// them.
	Backups bool
	// MostSnapshots is the quota of snapshots in each region of an account; zero
	// means 100,000.
	MostSnapshots int
	// AnyOf says how GetProducts understands ANY_OF and NONE_OF, whose
	// delimiter AWS does not document: "comma" (the default), "literal" or
	// "off".
	AnyOf string
	// Faults go wrong on purpose.
	Faults []service.Fault
	// Policy is the IAM policy of the caller as JSON; nil allows everything.
	Policy []byte
	// Decided sees every decision of that policy, and of one that replaces it. It
	// is called from many goroutines at once.
	Decided func(policy.Decision)
	// Roles are roles of the account itself, the management account.
	Roles []state.Role
	// Accounts are further accounts. With any, there is an organization.
	Accounts []AccountOptions
	// Tap sees every exchange after it ended. It is called from many
	// goroutines at once.
	Tap func(Exchange)
	// Log receives one line a call; nil is silent.
	Log *slog.Logger
}

// Sandbox is a sandbox, or several in an organization. What Account
// does, it does for the management account. It is an http.Handler, safe for
// concurrent use.
type Sandbox struct {
	*home
	opts      Options
	org       *state.Organization
	store     *s3.Store
	functions *lambda.Host
	services  map[string]service.Service    // by the name that signatures have for it
	limits    map[string]*limits            // by account
	accounts  []*Account                    // the management account first
	policy    atomic.Pointer[policy.Policy] // of the management account's user
	journal   callLog
	requests  atomic.Uint64

	mu     sync.Mutex // guards what follows
	faults *faultPlan
}

// New builds the account that o describes. It opens no socket. An error means
// that o is wrong: a number that means nothing, an unknown
// region, a name that S3 does not take, a policy or a fault that cannot be read.
func New(o Options) (*Sandbox, error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	types, err := catalog.LoadTypes()
	if err != nil {
		return nil, fmt.Errorf("load instance types: %w", err)
	}
	prices, err := catalog.Load(types)
	if err != nil {
		return nil, fmt.Errorf("load price list: %w", err)
	}
	if o.AnyOf != "" {
		if err := prices.SetAnyOf(o.AnyOf); err != nil {
			return nil, err
		}
	}
	s := &Sandbox{opts: o, services: map[string]service.Service{}, limits: map[string]*limits{}}
	s.org = &state.Organization{
		Seed: o.Seed, EmptyPages: o.EmptyPages, Clock: state.NewClock(o.Start, o.Speed), Types: types, Catalog: prices,
		Sessions: state.NewSessions(o.Seed), MostSnapshots: cmp.Or(o.MostSnapshots, state.MostSnapshots),
	}
	s.store, s.functions = s3.NewStore(s.org.Clock), lambda.NewHost()
	for _, one := range services(s.store, s.functions) {
		s.services[one.Name] = one
	}
	if err := s.SetPolicy(o.Policy); err != nil {
		return nil, err
	}
	if err := s.addAccounts(); err != nil {
		return nil, err
	}
	if err := s.SetFaults(o.Faults); err != nil {
		return nil, err
	}
	return s, nil
}

// check refuses numbers that mean nothing.
func (o Options) check() error {
	switch {
	case o.Fleet < 0:
		return fmt.Errorf("a fleet of %d instances: it cannot be negative", o.Fleet)
	case o.Types < 0:
		return fmt.Errorf("%d instance types: it cannot be negative", o.Types)
	case o.MostSnapshots < 0:
		return fmt.Errorf("a quota of %d snapshots: it cannot be negative", o.MostSnapshots)
	case o.Latency < 0:
		return fmt.Errorf("latency %v: it cannot be negative", o.Latency)
	case math.IsNaN(o.Speed) || math.IsInf(o.Speed, 0):
		return fmt.Errorf("speed %v: not a number", o.Speed)
	case math.IsNaN(o.EmptyPages) || o.EmptyPages > 1:
		return fmt.Errorf("empty pages %v: the share cannot be above 1", o.EmptyPages)
	}
	return nil
}

// Advance moves the clock of all accounts forward by d.
func (s *Sandbox) Advance(d time.Duration) { s.org.Clock.Advance(d) }

// SetFaults replaces the fault plan; counts start again at zero.
func (s *Sandbox) SetFaults(faults []service.Fault) error {
	for _, f := range faults {
		known := func(a *Account) bool { return glob.Compile(f.Account).Match(a.ID()) }
		if f.Account != "" && !slices.ContainsFunc(s.accounts, known) {
			return fmt.Errorf("fault %s: there is no account %q", f.Action, f.Account)
		}
	}
	plan, err := newFaultPlan(s.opts.Seed, faults)
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = plan
	return nil
}

// SetPolicy replaces the IAM policies of the management account's user; nil
// allows everything.
func (s *Sandbox) SetPolicy(documents ...[]byte) error {
	p, err := policy.Parse(documents...)
	if err != nil {
		return err
	}
	if p != nil {
		p.Decided = s.opts.Decided
	}
	s.policy.Store(p)
	return nil
}

// Calls lists every call so far in the order in which they ended.
func (s *Sandbox) Calls() []Call { return s.journal.all() }

// ResetCalls forgets the calls so far.
func (s *Sandbox) ResetCalls() { s.journal.reset() }
