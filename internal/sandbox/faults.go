package sandbox

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Kind is what goes wrong.
type Kind string

// The kinds of faults. The first group strikes calls, the second instances.
const (
	Throttle Kind = "throttle" // RequestLimitExceeded or its like
	Broken   Kind = "broken"   // an internal error, HTTP 500
	Cut      Kind = "cut"      // the connection is cut before anything is done
	Lost     Kind = "lost"     // it is done, but the connection is cut before the answer
	Deny     Kind = "deny"     // UnauthorizedOperation or AccessDenied
	Expired  Kind = "expired"  // expired credentials
	Delay    Kind = "delay"    // the answer comes For later, in real time

	Refuse    Kind = "refuse"    // a batch that names such an instance is refused with Code
	Stale     Kind = "stale"     // Describe calls show the state before a change for For
	Slow      Kind = "slow"      // stopping or starting takes For
	FailStart Kind = "failstart" // the instance starts and falls back to stopped with Code as its StateReason
	Impair    Kind = "impair"    // the instance fails its status checks, as DescribeInstanceStatus tells
)

// Fault is something that goes wrong on purpose. A zero field does not
// restrict.
type Fault struct {
	// Action selects calls by "service:Operation"; * stands for any
	// characters, as in "ec2:Describe*" or "*".
	Action string
	Kind   Kind
	// Share is the share of the calls (or, for faults of instances, of the
	// instances) that are struck, from 0 to 1; zero means all.
	Share float64
	// Nth strikes only the nth matching call, counted from 1.
	Nth int
	// Count ends the fault after so many calls.
	Count int
	// ID, Type and Zone select instances by id, type and Availability Zone,
	// with wildcards. For a fault of calls they select the calls that name such
	// an instance. ID also selects Auto Scaling groups, by name, and ID, Type
	// and Zone databases, and of sts:AssumeRole the role, by its ARN.
	ID, Type, Zone string
	// Account selects the calls with credentials of an account, by its number,
	// with wildcards.
	Account string
	// Code and Message replace the usual error.
	Code, Message string
	// For is how long Delay (real time), Stale and Slow (the account's time)
	// last.
	For time.Duration
}

// ParseFaults reads a fault plan: faults separated by semicolons, each
// ACTION=KIND with fields after commas, for example
//
//	ec2:Describe*=throttle,share=0.2;ec2:StartInstances=refuse,type=m5.large,code=InsufficientInstanceCapacity,count=2
//
// An ACTION that matches no operation of the account is an error.
// The fields are share, nth, count, id, type, zone, account, code, message and
// for (a Go duration). A message may not hold a comma or a semicolon.
func ParseFaults(text string) ([]Fault, error) {
	var list []Fault
	for part := range strings.SplitSeq(text, ";") {
		if part = strings.TrimSpace(part); part == "" {
			continue
		}
		f, err := parseFault(part)
		if err != nil {
			return nil, fmt.Errorf("fault %q: %w", part, err)
		}
		list = append(list, f)
	}
	return list, nil
}

func parseFault(text string) (Fault, error) {
	words := strings.Split(text, ",")
	action, kind, ok := strings.Cut(words[0], "=")
	if !ok {
		return Fault{}, errors.New("write it as ACTION=KIND,field=value, for example ec2:StopInstances=throttle,count=3")
	}
	f := Fault{Action: strings.TrimSpace(action), Kind: Kind(strings.TrimSpace(kind))}
	for _, w := range words[1:] {
		name, v, _ := strings.Cut(w, "=")
		v = strings.TrimSpace(v)
		var err error
		switch strings.TrimSpace(name) {
		case "share":
			f.Share, err = strconv.ParseFloat(v, 64)
		case "nth":
			f.Nth, err = strconv.Atoi(v)
		case "count":
			f.Count, err = strconv.Atoi(v)
		case "id":
			f.ID = v
		case "type":
			f.Type = v
		case "zone":
			f.Zone = v
		case "account":
			f.Account = v
		case "code":
			f.Code = v
		case "message":
			f.Message = v
		case "for":
			f.For, err = time.ParseDuration(v)
		default:
			err = fmt.Errorf("no field %q; there are share, nth, count, id, type, zone, account, code, message and for", name)
		}
		if err != nil {
			return Fault{}, err
		}
	}
	return f, f.check()
}

func (f Fault) check() error {
	switch f.Kind {
	case Throttle, Broken, Cut, Lost, Deny, Expired, FailStart, Impair:
	case Delay, Stale, Slow:
		if f.For <= 0 {
			return fmt.Errorf("kind %s needs for, a duration above zero", f.Kind)
		}
	case Refuse:
		if f.Code == "" {
			return errors.New("kind refuse needs code, such as InsufficientInstanceCapacity")
		}
	default:
		return fmt.Errorf("no kind %q; there are throttle, broken, cut, lost, deny, expired, delay, refuse, stale, slow, failstart and impair", f.Kind)
	}
	switch {
	case f.Action == "":
		return errors.New("name an action, such as ec2:StopInstances, or *")
	case !slices.ContainsFunc(operations(), compile(f.Action).match):
		return unknownAction(f.Action)
	case f.Share < 0 || f.Share > 1:
		return fmt.Errorf("share %v is not between 0 and 1", f.Share)
	case f.Nth < 0 || f.Count < 0:
		return errors.New("nth and count count from 1")
	}
	return nil
}

// unknownAction names an action that matches no operation, and one that was
// perhaps meant.
func unknownAction(action string) error {
	for _, name := range operations() {
		if compile(strings.ToLower(action)).match(strings.ToLower(name)) {
			return fmt.Errorf("action %q matches no operation of the practice account; it is written %s", action, name)
		}
	}
	return fmt.Errorf("action %q matches no operation of the practice account; they are written as in ec2:StopInstances, s3:PutObject, pricing:GetProducts and sts:GetCallerIdentity", action)
}

// operations are all that the account knows, as "service:Operation", sorted by
// service.
func operations() []string {
	var all []string
	for _, name := range sortedKeys(ec2Actions()) {
		all = append(all, "ec2:"+name)
	}
	for _, name := range sortedKeys(pricingActions()) {
		all = append(all, "pricing:"+name)
	}
	for _, name := range sortedKeys(rdsActions()) {
		all = append(all, "rds:"+name)
	}
	for _, name := range metricActions() {
		all = append(all, "monitoring:"+name)
	}
	for _, name := range sortedKeys(costActions()) {
		all = append(all, "ce:"+name)
	}
	for _, name := range s3Operations() {
		all = append(all, "s3:"+name)
	}
	for _, name := range sortedKeys(groupActions()) {
		all = append(all, "autoscaling:"+name)
	}
	for _, name := range sortedKeys(organizationActions()) {
		all = append(all, "organizations:"+name)
	}
	return append(all, "offers:GetFile", "ssm:GetParameter", "sts:AssumeRole", "sts:GetCallerIdentity")
}

// ofInstances says whether a kind strikes instances rather than calls.
func (k Kind) ofInstances() bool {
	return k == Refuse || k == Stale || k == Slow || k == FailStart || k == Impair
}

// faultPlan draws which calls are struck. The draw depends only on the seed
// and on how many matching calls there were.
type faultPlan struct {
	seed    uint64
	faults  []Fault
	matched []int // calls that matched
	struck  []int // calls that were struck
}

func newFaultPlan(seed uint64, faults []Fault) (*faultPlan, error) {
	for n, f := range faults {
		if err := f.check(); err != nil {
			return nil, fmt.Errorf("fault %d (%s): %w", n+1, f.Action, err)
		}
	}
	return &faultPlan{seed, slices.Clone(faults), make([]int, len(faults)), make([]int, len(faults))}, nil
}

// faultHit is a fault that strikes a call.
type faultHit struct {
	Fault
	seed uint64 // of the fault's draw of instances
}

// instanceSeed is the seed by which a fault draws instances.
func (p *faultPlan) instanceSeed(n int) uint64 { return mix(p.seed, uint64(n), 11) }

// drawFaults decides what goes wrong with a call.
func (s *Sandbox) drawFaults(r *request) []faultHit {
	s.mu.Lock()
	p := s.faults
	s.mu.Unlock()
	// What a call names is looked up in its region, under the region's lock.
	// It cannot be done under s.mu, which calls take while they hold a region.
	matching := make([]bool, len(p.faults))
	name := r.scope.service + ":" + r.call.Action
	for n, f := range p.faults {
		matching[n] = compile(f.Action).match(name) && (f.Account == "" || compile(f.Account).match(r.caller.account.id)) &&
			s.names(r, faultHit{f, p.instanceSeed(n)})
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	var hits []faultHit
	for n, f := range p.faults {
		hit := faultHit{f, p.instanceSeed(n)}
		if !matching[n] {
			continue
		}
		p.matched[n]++
		switch {
		case f.Nth > 0 && p.matched[n] != f.Nth,
			f.Count > 0 && p.struck[n] >= f.Count,
			!f.Kind.ofInstances() && f.Share > 0 && share(mix(p.seed, uint64(n), uint64(p.matched[n]))) >= f.Share:
			continue
		}
		p.struck[n]++
		hits = append(hits, hit)
	}
	return hits
}

// selective says whether a fault is for some instances only.
func (h faultHit) selective() bool {
	return h.ID != "" || h.Type != "" || h.Zone != "" || h.Kind.ofInstances() && h.Share > 0
}

// names says whether a call names an instance that a fault selects. A launch
// names a type only; a Describe of everything names all.
func (s *Sandbox) names(r *request, hit faultHit) bool {
	if !hit.selective() {
		return true
	}
	if r.form == nil {
		return false // the other services have no instances
	}
	if r.scope.service == "sts" {
		return hit.Type == "" && hit.Zone == "" && compile(hit.ID).match(r.form.text("RoleArn"))
	}
	if r.scope.service == "autoscaling" {
		return hit.Type == "" && hit.Zone == "" &&
			(hit.ID == "" || slices.ContainsFunc(groupsNamed(r.form), compile(hit.ID).match))
	}
	if r.scope.service == "rds" {
		return s.namesDatabase(r, hit)
	}
	if r.call.Action == "RunInstances" {
		kind, _ := s.types.spec(r.form.text("InstanceType"))
		return hit.strikes(&instance{kind: kind, zone: r.form.text("Placement.AvailabilityZone")})
	}
	ids := r.form.texts("InstanceId")
	if id := r.form.text("InstanceId"); id != "" {
		ids = append(ids, id)
	}
	if len(ids) == 0 {
		return hit.Kind == Stale || hit.Kind == Impair
	}
	reg := r.caller.account.regions[r.scope.region]
	reg.mu.Lock()
	defer reg.mu.Unlock()
	return slices.ContainsFunc(ids, func(id string) bool {
		i := reg.instances[id]
		return i != nil && hit.strikes(i)
	})
}

// strikes says whether an instance is among those that a fault selects.
func (h faultHit) strikes(i *instance) bool {
	return (h.ID == "" || compile(h.ID).match(i.id)) &&
		(h.Type == "" || compile(h.Type).match(i.kind.Name)) &&
		(h.Zone == "" || compile(h.Zone).match(i.zone)) &&
		(h.Share == 0 || !h.Kind.ofInstances() || share(mixText(h.seed, i.id)) < h.Share)
}

// refusal is the error with which a fault of calls answers; nil for kinds that
// work in another way.
func (h faultHit) refusal(r *request) *apiError {
	var e *apiError
	switch h.Kind {
	case Throttle:
		e = throttled(r)
	case Broken:
		e = broken(r.scope.service)
	case Deny:
		e = denied(r, "*")
	case Expired:
		e = r.expiredToken()
	default:
		return nil
	}
	return h.reworded(e)
}

// throttled is the refusal of one call too many, in the words of each service.
func throttled(r *request) *apiError {
	switch r.scope.service {
	case "ec2":
		return limitExceeded()
	case "s3":
		return fail(http.StatusServiceUnavailable, "SlowDown", "Please reduce your request rate.")
	case "ce":
		return invalid("LimitExceededException", "Rate exceeded")
	case "organizations":
		return invalid("TooManyRequestsException", "You have sent too many requests in too short a period of time.")
	}
	if r.query {
		return invalid("Throttling", "Rate exceeded")
	}
	return invalid("ThrottlingException", "Rate exceeded")
}

// broken is the answer of a service that fails.
func broken(service string) *apiError {
	code, message := "InternalFailure", "An internal error has occurred"
	switch service {
	case "ec2":
		code = "InternalError"
	case "s3":
		code, message = "InternalError", "We encountered an internal error. Please try again."
	case "pricing":
		code = "InternalErrorException"
	case "organizations":
		code = "ServiceException"
	}
	return fail(http.StatusInternalServerError, code, message)
}

func (h faultHit) reworded(e *apiError) *apiError {
	if h.Code != "" {
		e.code = h.Code
	}
	if h.Message != "" {
		e.message = h.Message
	}
	return e
}

// refused answers a batch that names an instance which a fault refuses.
func (c *ec2Call) refused(batch []*instance) *apiError {
	for _, h := range c.request.faults {
		for _, i := range batch {
			if h.Kind != Refuse || !h.strikes(i) {
				continue
			}
			e := invalid(h.Code, "The instance '"+i.id+"' was refused: "+h.Code)
			if h.Code == "InsufficientInstanceCapacity" {
				e = fail(http.StatusInternalServerError, h.Code, "Insufficient capacity.")
			}
			return h.reworded(e)
		}
	}
	return nil
}

// slowed is how long a change of an instance takes.
func (c *ec2Call) slowed(i *instance, usual time.Duration) time.Duration {
	for _, h := range c.request.faults {
		if h.Kind == Slow && h.strikes(i) {
			return h.For
		}
	}
	return usual
}

// failure is the reason with which a start will fail, if it will.
func (c *ec2Call) failure(i *instance) string {
	for _, h := range c.request.faults {
		if h.Kind == FailStart && h.strikes(i) {
			if h.Code != "" {
				return h.Code
			}
			return "Server.InternalError"
		}
	}
	return ""
}

// shown is an instance's condition as this call sees it.
func (c *ec2Call) shown(i *instance) condition {
	if c.stale(i) && !i.before.launch.IsZero() {
		return i.before
	}
	return i.condition
}

// hidden says whether this call does not see a new instance yet.
func (c *ec2Call) hidden(i *instance) bool {
	return c.stale(i) && i.before.launch.IsZero()
}

func (c *ec2Call) stale(i *instance) bool {
	for _, h := range c.request.faults {
		if h.Kind == Stale && !i.changed.IsZero() && c.now.Sub(i.changed) < h.For && h.strikes(i) {
			return true
		}
	}
	return false
}
