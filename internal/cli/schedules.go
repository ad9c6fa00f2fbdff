package cli

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"nightshift/internal/amazon"
	"nightshift/internal/blob"
	"nightshift/internal/config"
	"nightshift/internal/fleet"
	"nightshift/internal/journal"
	"nightshift/internal/power"
)

// scheduleJob is one run that follows schedules, at the posts of a crew.
type scheduleJob struct {
	rules power.Rules
	now   func() time.Time
	running
	// journal, if not nil, gets a record of the run.
	journal blob.Store
}

// followed is what came of it; outcomes is nil after a dry run.
type followed struct {
	posted
	power.Summary
}

// follow plans and, unless it is a dry run, applies what the schedules want.
func (c *crew) follow(ctx context.Context, job scheduleJob) followed {
	watch := c.begin(job.now())
	calls, cancel := outlive(ctx)
	defer cancel()
	f := followed{posted: c.atPosts(ctx, calls, job.running, job.now, func(at post) (power.Clients, power.Evaluator) {
		return at.clients(job.rules), power.NewRuleSet(job.rules)
	})}
	if job.dryRun {
		f.outcomes = nil
	}
	f.Summary = power.Summarize(f.plans, f.outcomes, f.errs)
	if !job.dryRun {
		c.note(calls, job.journal, watch, job.now(), f.record())
	}
	return f
}

// clients is the post with the kinds of machines that the rules are for.
func (p post) clients(rules power.Rules) power.Clients {
	region := p.target.Region
	instances := p.session.Fleet(region)
	clients := power.Clients{Target: p.target, Machines: map[fleet.Kind]power.Machines{}, Resizer: instances}
	for _, kind := range rules.Kinds() {
		switch kind {
		case fleet.KindInstance:
			clients.Machines[kind] = instances
		case fleet.KindDatabase:
			clients.Machines[kind] = p.session.Databases(region)
		case fleet.KindCluster:
			clients.Machines[kind] = p.session.Clusters(region)
		case fleet.KindGroup:
			clients.Machines[kind] = p.session.Groups(region)
		}
	}
	return clients
}

// callsSince counts the API calls of the session since an earlier count.
func (c *crew) callsSince(before []amazon.CallCount) map[string]int {
	counts := map[string]int{}
	for _, call := range c.session.Calls() {
		counts[call.Service+":"+call.Action] = call.Count
	}
	for _, call := range before {
		counts[call.Service+":"+call.Action] -= call.Count
	}
	maps.DeleteFunc(counts, func(_ string, n int) bool { return n == 0 })
	return counts
}

// record is the run as the journal keeps it. Machines of which nothing was
// wanted are counted, not listed.
func (f followed) record() journal.Record {
	r := journal.Record{Job: "power", Errors: f.Errors}
	for n, p := range f.plans {
		r.Targets = append(r.Targets, p.Target)
		r.Seen += len(p.Steps)
		r.Decided += p.Actionable()
		for k, o := range f.outcomes[n] {
			if o.Result == fleet.Skipped && power.Quiet(o.Reason.Code) {
				r.Skipped++
				continue
			}
			r.Add(journal.OutcomeOf(o, p.Steps[k].Desired.Schedule))
		}
	}
	return r
}

// err says how the run went as a whole, as for stop and start: errPartly joined
// with the causes when a part of what was wanted is done, else the causes
// alone.
func (f followed) err() error {
	causes := slices.Clone(f.errs)
	for _, items := range [][]power.Act{f.Failed, f.Deferred} {
		if len(items) > 0 {
			first := items[0]
			causes = append(causes, fmt.Errorf("%s not as wanted; the first, %s (%s): %s", counted(len(items), "machine is", "machines are"), first.ID, first.Name, first.Text))
		}
	}
	for _, m := range f.Mistakes {
		causes = append(causes, fmt.Errorf("%s (%s left alone, the first is %s)", m.Text, counted(len(m.Machines), "machine", "machines"), m.Machines[0]))
	}
	switch {
	case len(causes) == 0:
		return nil
	case f.unread() && f.seen() == 0:
		return together(causes)
	case f.Changes() == 0 && len(f.errs)+len(f.Deferred)+len(f.Mistakes) == 0 && f.allDenied():
		return fleet.Errorf(fleet.ErrDenied, "not permitted to act on any of the machines; `nightshift policy` prints the permissions that are needed")
	case f.Changes() == 0 && len(f.Failed) > 0 && len(f.Mistakes) == 0:
		return errors.Join(causes...)
	default:
		return errors.Join(append(causes, errPartly)...)
	}
}

func (f followed) seen() int {
	n := 0
	for _, p := range f.plans {
		n += len(p.Steps)
	}
	return n
}

func (f followed) allDenied() bool {
	return !slices.ContainsFunc(f.Failed, func(a power.Act) bool { return a.Code != "denied" })
}

// schedules is all that a command about schedules works with.
type schedules struct {
	*crew
	job scheduleJob
	// mistakes is what the configuration's mistakes come to, once they have
	// been told; what they are about is left alone, and all else is followed.
	mistakes error
	// wrong is how many there are.
	wrong int
}

// schedules reads the configuration and opens a crew for its accounts and, where
// none is named, its regions.
func (a *app) schedules(ctx context.Context, named []string, endpoint *amazon.Endpoint) (*schedules, error) {
	cfg, err := a.configuration(ctx, endpoint)
	if cfg == nil {
		return nil, err
	}
	s := &schedules{job: scheduleJob{rules: cfg.Rules()}}
	a.tellMistakes(cfg, err)
	if mistakes, ok := errors.AsType[config.Mistakes](err); ok {
		s.wrong = len(mistakes)
		s.mistakes = fleet.Errorf(errMistakes, "%s: %d to put right; what they are about was left alone", a.configName(), len(mistakes))
	}
	if len(s.job.rules.Rules) == 0 {
		return nil, errors.Join(s.mistakes, fleet.Errorf(fleet.ErrInvalid, "%s has no rules (power: rules:), so that no machine follows a schedule", a.configName()))
	}
	if s.crew, err = a.crewFor(ctx, cfg, named, endpoint); err != nil {
		return nil, err
	}
	// What AWS remembers is in its time; ours is put right by what it answers.
	s.job.now = a.awsTime(s.crew)
	s.job.Now, s.job.Mark = s.job.now, true
	s.job.journal, err = a.journal(cfg.Journal, s.session)
	return s, err
}
