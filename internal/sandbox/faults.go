package sandbox

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"nightshift/internal/sandbox/glob"
	"nightshift/internal/sandbox/random"
	"nightshift/internal/sandbox/wire"
)

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
	case !slices.ContainsFunc(operations(), glob.Compile(f.Action).Match):
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
		if glob.Compile(strings.ToLower(action)).Match(strings.ToLower(name)) {
			return fmt.Errorf("action %q matches no operation of the practice account; it is written %s", action, name)
		}
	}
	return fmt.Errorf("action %q matches no operation of the practice account; they are written as in ec2:StopInstances, s3:PutObject, pricing:GetProducts and sts:GetCallerIdentity", action)
}

// operations are all that the account knows, as "service:Operation", sorted by
// service.
func operations() []string {
	var all []string
	for _, one := range services(nil) {
		for _, name := range one.Operations {
			all = append(all, one.Name+":"+name)
		}
	}
	return append(all, "offers:GetFile")
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

// instanceSeed is the seed by which a fault draws instances.
func (p *faultPlan) instanceSeed(n int) uint64 { return random.Hash(p.seed, uint64(n), 11) }

// drawFaults decides what goes wrong with a call.
func (s *Sandbox) drawFaults(r *call, of Service) []Hit {
	s.mu.Lock()
	p := s.faults
	s.mu.Unlock()
	// What a call names is looked up in its region, under the region's lock.
	// It cannot be done under s.mu, which calls take while they hold a region.
	matching := make([]bool, len(p.faults))
	name := of.Name + ":" + r.Action
	for n, f := range p.faults {
		matching[n] = glob.Compile(f.Action).Match(name) && (f.Account == "" || glob.Compile(f.Account).Match(r.Caller.Account.ID())) &&
			names(of, r, Hit{f, p.instanceSeed(n)})
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	var hits []Hit
	for n, f := range p.faults {
		hit := Hit{f, p.instanceSeed(n)}
		if !matching[n] {
			continue
		}
		p.matched[n]++
		switch {
		case f.Nth > 0 && p.matched[n] != f.Nth,
			f.Count > 0 && p.struck[n] >= f.Count,
			!f.Kind.OfInstances() && f.Share > 0 && random.Fraction(random.Hash(p.seed, uint64(n), uint64(p.matched[n]))) >= f.Share:
			continue
		}
		p.struck[n]++
		hits = append(hits, hit)
	}
	return hits
}

// refusalBy is the error with which a fault of calls answers; nil for kinds that
// work in another way.
func refusalBy(h Hit, r *wire.Request, caller string) *wire.Error {
	var e *wire.Error
	switch h.Kind {
	case Throttle:
		e = wire.Throttled(r)
	case Broken:
		e = wire.InternalFailure(r)
	case Deny:
		e = wire.Denied(r, caller, "*")
	case Expired:
		e = r.ExpiredToken()
	default:
		return nil
	}
	return h.Reworded(e)
}

// names says whether a call names a resource that a fault selects.
func names(of Service, r *call, hit Hit) bool {
	return !hit.Selective() || of.Names != nil && r.Params != nil && of.Names(r, hit)
}
