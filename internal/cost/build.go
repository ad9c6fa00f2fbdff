package cost

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"nightshift/internal/fleet"
	"nightshift/internal/price"
)

// targetsAtOnce bounds how many targets are read at the same time.
const targetsAtOnce = 8

// Build reads the sources and the price list and makes the report. Targets do
// not affect each other: what cannot be read becomes a Problem and the rest is
// reported. The error is not nil where the context ends or where no target's
// instances could be read at all.
//
// Distinct keys are looked up once, in one call for all targets.
func Build(ctx context.Context, sources []Source, prices PriceList, o Options) (Report, error) {
	b := builder{
		options: o, targets: make([]targetData, len(sources)),
		rates: map[fleet.Region]rates{}, parts: map[partKey]*Price{}, spots: map[spotName]*Price{},
	}
	// In whole seconds, so that what has been and what is to come add up to the
	// month.
	b.options.Now = o.Now.UTC().Truncate(time.Second)
	if o.Zone != nil {
		b.options.Now = b.options.Now.In(o.Zone)
	}
	b.month = MonthOf(b.options.Now)
	if err := b.read(ctx, sources, prices); err != nil {
		return Report{}, err
	}
	if err := ctx.Err(); err != nil {
		return Report{}, fmt.Errorf("cost report not finished: %w", err)
	}
	return b.report(sources), nil
}

// read reads everything. Volumes take longest: what depends on the instances is
// asked for meanwhile.
func (b *builder) read(ctx context.Context, sources []Source, prices PriceList) error {
	rated, allRated := b.rateReader(ctx, prices)
	var rest sync.WaitGroup
	rest.Go(func() {
		each(sources, func(n int) {
			b.targets[n].readStorage(ctx, sources[n], b.options, func() { rated(sources[n].Target.Region) })
		})
	})
	each(sources, func(n int) {
		b.targets[n].readMachines(ctx, sources[n], b.options)
		if len(b.targets[n].found) > 0 {
			rated(sources[n].Target.Region)
		}
	})
	err := b.nothing()
	if err == nil && ctx.Err() == nil {
		b.readMore(ctx, sources, prices)
	}
	rest.Wait()
	allRated()
	if ctx.Err() != nil {
		return fmt.Errorf("cost report not finished: %w", ctx.Err())
	}
	return err
}

// each does something for each of the sources, some at the same time.
func each(sources []Source, do func(n int)) {
	var group errgroup.Group
	group.SetLimit(targetsAtOnce)
	for n := range sources {
		group.Go(func() error {
			do(n)
			return nil
		})
	}
	_ = group.Wait() // errors stay with what they belong to
}

// readMore reads what depends on the instances.
func (b *builder) readMore(ctx context.Context, sources []Source, prices PriceList) {
	var group sync.WaitGroup
	group.Go(func() { b.describeTypes(ctx, sources) })
	group.Go(func() { b.instancePrices(ctx, prices) })
	group.Go(func() { b.readSpotAndCredits(ctx, sources) })
	group.Go(func() {
		b.readPast(ctx, sources)
		b.readMetrics(ctx, sources)
	})
	group.Wait()
}

// targetData is what was read of one target.
type targetData struct {
	// instances are the rows, found what they are made of. The latter has no
	// tags but where the price needs them.
	instances []*Instance
	found     []*fleet.Instance
	excluded  int
	volumes   []*Volume
	others    otherResources
	spot      spotAndCredits
	types     map[fleet.InstanceType]fleet.TypeInfo

	instancesErr, volumesErr, typesErr error
}

// rates are the EBS rates of a region, or as many as came before the error.
type rates struct {
	price.Rates
	err error
}

type builder struct {
	options Options
	month   Month
	targets []targetData
	rates   map[fleet.Region]rates
	quoted  map[price.InstanceKey]*Price
	parts   map[partKey]*Price
	spots   map[spotName]*Price
	past    past
	// billLines are the lines of Cost Explorer, and failed the problems that are
	// not of one target.
	billLines []price.BillLine
	mu        sync.Mutex // guards failed
	failed    []Problem
}

// fail notes a problem.
func (b *builder) fail(p Problem) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.failed = append(b.failed, p)
}

// rateReader gives a function that reads the rates of a region, the first time
// that something is found there, and one that waits until all are read. Most
// regions of an account are empty, and their prices are of no use.
func (b *builder) rateReader(ctx context.Context, prices PriceList) (read func(fleet.Region), wait func()) {
	var group sync.WaitGroup
	var mu sync.Mutex
	asked := map[fleet.Region]bool{}
	read = func(region fleet.Region) {
		mu.Lock()
		defer mu.Unlock()
		if asked[region] {
			return
		}
		asked[region] = true
		group.Go(func() {
			products, err := prices.Rates(ctx, region)
			found := rates{price.PickRates(products, region), err}
			mu.Lock()
			defer mu.Unlock()
			b.rates[region] = found
		})
	}
	return read, group.Wait
}

// readStorage reads the volumes and what else is paid for beside instances. EC2
// does not say whose a volume is: it is the target's.
// It calls there when the first of it is there.
func (s *targetData) readStorage(ctx context.Context, source Source, o Options, there func()) {
	var group sync.WaitGroup
	group.Go(func() {
		s.others.read(ctx, source, o.Tags)
		if s.others.any() {
			there()
		}
	})
	for v, err := range source.Inventory.Volumes(ctx) {
		if err != nil {
			s.volumesErr = err
			break
		}
		if len(s.volumes) == 0 {
			there()
		}
		v.Target = source.Target
		name := v.Name()
		v.Tags = kept(v.Tags, o.Tags)
		s.volumes = append(s.volumes, &Volume{Volume: v, Name: name})
	}
	group.Wait()
}

// readMachines reads the instances, and the capacity that is reserved for them.
func (s *targetData) readMachines(ctx context.Context, source Source, o Options) {
	var group sync.WaitGroup
	group.Go(func() { s.others.readReservations(ctx, source) })
	end := MonthOf(o.Now).End
	var planned []func()
	for i, err := range source.Inventory.Instances(ctx) {
		if err != nil {
			s.instancesErr = err
			break
		}
		i.Target = source.Target
		platform := platformTag(i)
		if o.ExcludePlatform != "" && strings.EqualFold(platform, o.ExcludePlatform) {
			s.excluded++
			continue
		}
		s.instances = append(s.instances, &Instance{
			Target: i.Target, ID: i.ID, Type: i.Type, State: i.State, Zone: i.Zone,
			Lifecycle: i.Lifecycle, LaunchTime: i.LaunchTime, Name: i.Name(), Platform: platform,
			Stopped: i.Stopped, FirstLaunch: i.FirstLaunch, Tags: kept(i.Tags, o.Tags), MustRun: mustRun(i.Tags) || o.blocked(i),
			Bound: bound(i),
		})
		if p := s.plan(o, i, end); p != nil {
			planned = append(planned, p)
		}
		if i.UsageOperation != "" {
			i.Tags = nil // many tags would be half of the memory
		}
		s.found = append(s.found, &i)
	}
	for _, plan := range planned {
		plan()
	}
	group.Wait()
}

// blocked reports whether no schedule would stop the instance.
func (o Options) blocked(i fleet.Instance) bool {
	if o.Blocked != nil {
		return o.Blocked(i) != fleet.Reason{}
	}
	return i.Ineligible != fleet.Ineligible{}
}

// plan says for how long the instance that was just read will run to the end of
// the month. For one with a schedule that is left to what it returns.
func (s *targetData) plan(o Options, i fleet.Instance, end time.Time) func() {
	row := s.instances[len(s.instances)-1]
	if o.Planned != nil {
		if running := o.Planned(i); running != nil {
			return func() { row.Planned, row.Schedule = running(end) }
		}
	}
	if i.State == fleet.Running || i.State == fleet.Pending {
		row.Planned = end.Sub(o.Now)
	}
	if o.Schedulable != nil && i.State == fleet.Running {
		row.ScheduleTag, _ = o.Schedulable(i) // the zero tag says the same
	}
	return nil
}

// describeTypes asks each target once for the types of its instances.
func (b *builder) describeTypes(ctx context.Context, sources []Source) {
	each(sources, func(n int) {
		s := &b.targets[n]
		seen := map[fleet.InstanceType]bool{}
		var types []fleet.InstanceType
		for _, i := range s.found {
			if !seen[i.Type] {
				seen[i.Type] = true
				types = append(types, i.Type)
			}
		}
		if len(types) > 0 {
			s.types, s.typesErr = sources[n].Inventory.Types(ctx, types)
		}
	})
}

// nothing is the reason where no target's instances could be read.
func (b *builder) nothing() error {
	var errs []error
	for n := range b.targets { // by index: volumes are being read meanwhile
		s := &b.targets[n]
		if s.instancesErr == nil || len(s.instances) > 0 {
			return nil
		}
		errs = append(errs, s.instancesErr)
	}
	return errors.Join(errs...)
}

// report joins everything. Problems come in the order of the targets.
func (b *builder) report(sources []Source) Report {
	r := Report{
		Month: b.month, Hours: cmp.Or(b.options.Hours, BestHours),
		Evidence: Evidence{Billed: b.billLines, Covered: b.past.complete, Quotes: b.quoted, Rates: map[fleet.Region]price.Rates{}},
	}
	for region, listed := range b.rates {
		r.Evidence.Rates[region] = listed.Rates
	}
	faulty := map[fleet.Region]bool{}
	for n := range b.targets {
		s, target := &b.targets[n], sources[n].Target
		r.Targets = append(r.Targets, target)
		r.Excluded += s.excluded
		for _, p := range []Problem{
			{target, "instances", s.instancesErr},
			{target, "volumes", s.volumesErr},
			{target, "instance types", s.typesErr},
			{fleet.Target{Region: target.Region}, "volume prices", b.rates[target.Region].err},
		} {
			if p.Err == nil || p.What == "volume prices" && faulty[target.Region] {
				continue
			}
			faulty[target.Region] = faulty[target.Region] || p.What == "volume prices"
			r.Problems = append(r.Problems, p)
		}
		r.Problems = append(r.Problems, s.problems(target)...)
		b.priceInstances(s)
		for _, v := range s.volumes {
			b.priceVolume(v)
		}
		s.attach()
		r.Instances = append(r.Instances, s.instances...)
		r.Volumes = append(r.Volumes, s.volumes...)
		r.Lines = append(r.Lines, b.lines(s, target)...)
		*s = targetData{}
	}
	r.Problems = append(r.Problems, b.failed...)
	r.Prices = b.prices()
	r.Types = summarize(r)
	r.Totals = totals(r)
	return r
}
