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
	"nightshift/internal/sandbox/service"
	"nightshift/internal/sandbox/wire"
)

// ParseFaults reads a fault plan: faults separated by semicolons, each
// ACTION=KIND with fields after commas, for example
//
//	ec2:Describe*=throttle,share=0.2;ec2:StartInstances=refuse,type=m5.large,code=InsufficientInstanceCapacity,count=2
//
// An ACTION that matches no operation of the account is an error.
// The fields are share, nth, every, count, id, type, zone, account, code, message and
// for (a Go duration). A message cannot hold a comma or a semicolon.
func ParseFaults(text string) ([]service.Fault, error) {
	var list []service.Fault
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

func parseFault(text string) (service.Fault, error) {
	words := strings.Split(text, ",")
	action, kind, ok := strings.Cut(words[0], "=")
	if !ok {
		return service.Fault{}, errors.New("write it as ACTION=KIND,field=value, for example ec2:StopInstances=throttle,count=3")
	}
	f := service.Fault{Action: strings.TrimSpace(action), Kind: service.Kind(strings.TrimSpace(kind))}
	for _, w := range words[1:] {
		name, v, _ := strings.Cut(w, "=")
		v = strings.TrimSpace(v)
		var err error
		switch strings.TrimSpace(name) {
		case "share":
			f.Share, err = strconv.ParseFloat(v, 64)
		case "nth":
			f.Nth, err = strconv.Atoi(v)
		case "every":
			f.Every, err = strconv.Atoi(v)
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
			err = fmt.Errorf("no field %q; there are share, nth, every, count, id, type, zone, account, code, message and for", name)
		}
		if err != nil {
			return service.Fault{}, err
		}
	}
	return f, check(f)
}

func check(f service.Fault) error {
	switch f.Kind {
	case service.Throttle, service.Broken, service.Cut, service.NoAnswer, service.Deny, service.Expired, service.FailStart, service.Impair, service.Fail:
	case service.Delay, service.Stale, service.Slow:
		if f.For <= 0 {
			return fmt.Errorf("kind %s needs for, a duration above zero", f.Kind)
		}
	case service.Refuse:
		if f.Code == "" {
			return errors.New("kind refuse needs code, such as InsufficientInstanceCapacity")
		}
	default:
		return fmt.Errorf("no kind %q; there are throttle, broken, cut, lost, deny, expired, delay, refuse, stale, slow, failstart, impair and fail", f.Kind)
	}
	switch {
	case f.Action == "":
		return errors.New("name an action, such as ec2:StopInstances, or *")
	case !slices.ContainsFunc(operations(), glob.Compile(f.Action).Match):
		return unknownAction(f.Action)
	case f.Share < 0 || f.Share > 1:
		return fmt.Errorf("share %v is not between 0 and 1", f.Share)
	case f.Nth < 0 || f.Every < 0 || f.Count < 0:
		return errors.New("nth, every and count count from 1")
	}
	return nil
}

// unknownAction names an action that matches no operation, and one that was
// perhaps meant.
func unknownAction(action string) error {
	for _, name := range operations() {
		if glob.Compile(strings.ToLower(action)).Match(strings.ToLower(name)) {
			return fmt.Errorf("action %q matches no operation of the sandbox; it is written %s", action, name)
		}
	}
	return fmt.Errorf("action %q matches no operation of the sandbox; they are written as in ec2:StopInstances, s3:PutObject, pricing:GetProducts and sts:GetCallerIdentity", action)
}

// operations are all that the account knows, as "service:Operation", sorted by
// service.
func operations() []string {
	var all []string
	for _, one := range services(nil, nil) {
		for _, name := range slices.Concat(one.Operations, one.Steps) {
			all = append(all, one.Name+":"+name)
		}
	}
	return append(all, "offers:GetFile")
}

// faultPlan draws which calls are struck. The draw depends only on the seed
// and on how many matching calls there were.
type faultPlan struct {
	seed    uint64
	faults  []service.Fault
	matched []int // calls that matched
	struck  []int // calls that were struck
}

func newFaultPlan(seed uint64, faults []service.Fault) (*faultPlan, error) {
	for n, f := range faults {
		if err := check(f); err != nil {
			return nil, fmt.Errorf("fault %d (%s): %w", n+1, f.Action, err)
		}
	}
	return &faultPlan{seed, slices.Clone(faults), make([]int, len(faults)), make([]int, len(faults))}, nil
}

// instanceSeed is the seed by which a fault draws instances.
func (p *faultPlan) instanceSeed(n int) uint64 { return random.Hash(p.seed, uint64(n), 11) }

// drawFaults decides what goes wrong with a call.
func (s *Sandbox) drawFaults(r *service.Call, of service.Service) []service.Hit {
	return s.draw(r.Caller.Account.ID(), of.Name+":"+r.Action, func(hit service.Hit) bool { return names(of, r, hit) })
}

// draw decides what goes wrong with an operation in an account, or a step of
// one; named says whether it is for a resource that a fault selects.
func (s *Sandbox) draw(account, name string, named func(service.Hit) bool) []service.Hit {
	s.mu.Lock()
	p := s.faults
	s.mu.Unlock()
	// What a call names is looked up in its region, under the region's lock.
	// It cannot be done under s.mu, which calls take while they hold a region.
	matching := make([]bool, len(p.faults))
	for n, f := range p.faults {
		matching[n] = glob.Compile(f.Action).Match(name) && (f.Account == "" || glob.Compile(f.Account).Match(account)) &&
			named(service.Hit{Fault: f, Seed: p.instanceSeed(n)})
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	var hits []service.Hit
	for n, f := range p.faults {
		hit := service.Hit{Fault: f, Seed: p.instanceSeed(n)}
		if !matching[n] {
			continue
		}
		p.matched[n]++
		switch {
		case f.Nth > 0 && p.matched[n] != f.Nth,
			f.Every > 0 && p.matched[n]%f.Every != 0,
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
func refusalBy(h service.Hit, r *wire.Request, caller string) *wire.Error {
	var e *wire.Error
	switch h.Kind {
	case service.Throttle:
		e = wire.Throttled(r)
	case service.Broken:
		e = wire.InternalFailure(r)
	case service.Deny:
		e = wire.Denied(r, caller, "*")
	case service.Expired:
		e = r.ExpiredToken()
	default:
		return nil
	}
	return h.Reworded(e)
}

// names says whether a call names a resource that a fault selects.
func names(of service.Service, r *service.Call, hit service.Hit) bool {
	return !hit.Selective() || of.Names != nil && r.Params != nil && of.Names(r, hit)
}
