package cost

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"
	"sync"
	"time"

	"nightshift/internal/fleet"
	"nightshift/internal/price"
)

// otherResources are what one target pays for besides instances and volumes.
type otherResources struct {
	snapshots    []fleet.Snapshot
	addresses    []fleet.Address
	hosts        []fleet.Host
	reservations []fleet.Reservation

	snapshotsErr, addressesErr, hostsErr, reservationsErr error
}

// read reads all kinds but the reservations at once; each may fail on its own.
func (h *otherResources) read(ctx context.Context, source Source, tags []string) {
	if source.OtherResources == nil {
		return
	}
	keys := slices.Concat(tags, []string{"Name", fleet.TagPolicy}) // the caller's tags are those of all targets
	var group sync.WaitGroup
	group.Go(func() {
		for s, err := range source.OtherResources.Snapshots(ctx) {
			if err != nil {
				h.snapshotsErr = err
				return
			}
			s.Target, s.Tags = source.Target, kept(s.Tags, keys)
			h.snapshots = append(h.snapshots, s)
		}
	})
	group.Go(func() { h.addresses, h.addressesErr = source.OtherResources.Addresses(ctx) })
	group.Go(func() { h.hosts, h.hostsErr = source.OtherResources.Hosts(ctx) })
	group.Wait()
}

// any is true where something was read.
func (h *otherResources) any() bool { return len(h.snapshots)+len(h.addresses)+len(h.hosts) > 0 }

// readReservations reads those on their own: their prices are asked for together
// with those of the instances.
func (h *otherResources) readReservations(ctx context.Context, source Source) {
	if source.OtherResources != nil {
		h.reservations, h.reservationsErr = source.OtherResources.Reservations(ctx)
	}
}

// kept are the tags with one of the keys, nil where there are none: all tags
// would be half of the memory.
func kept(tags fleet.Tags, keys []string) fleet.Tags {
	var some fleet.Tags
	for _, key := range keys {
		if value, ok := tags[key]; ok {
			if some == nil {
				some = fleet.Tags{}
			}
			some[key] = value
		}
	}
	return some
}

// reservationKey is the key of what a reservation costs while it is not used.
func reservationKey(r fleet.Reservation, region fleet.Region) price.InstanceKey {
	key, _, _ := price.KeyFor(fleet.Instance{
		Target: fleet.Target{Region: region}, Type: r.Type, Tenancy: r.Tenancy, PlatformDetails: r.Platform,
	}, fleet.TypeInfo{})
	key.Unused = true
	return key
}

// unused is true for a reservation that pays for instances that are not there.
func unused(r fleet.Reservation) bool { return r.State == "active" && r.Available > 0 }

// lines makes the lines of a target, in a stable order.
func (b *builder) lines(s *targetData, target fleet.Target) []*Line {
	var lines []*Line
	lines = append(lines, b.snapshotLines(s.others.snapshots, target)...)
	lines = append(lines, b.addressLines(s, target)...)
	for _, h := range s.others.hosts {
		if !strings.HasPrefix(h.State, "released") {
			lines = append(lines, b.hostLine(h, target))
		}
	}
	for _, r := range s.others.reservations {
		if unused(r) && (r.Target.Account == "" || target.Account == "" || r.Target.Account == target.Account) { // who lends it pays for what is not used
			lines = append(lines, b.reservationLine(r, target))
		}
	}
	for n, i := range s.instances {
		if credits := s.spot.surplus[i.ID]; credits > 0 {
			lines = append(lines, b.creditsLine(i, s.found[n], credits))
		}
		if s.found[n].Detailed && i.Hours+i.Planned > 0 {
			lines = append(lines, b.monitoringLine(i))
		}
	}
	return lines
}

// snapshotLines prices the snapshots. What a snapshot adds to those before it
// only the bill knows. All snapshots of one volume cost at any time at least as
// much as the largest of them has blocks: the line of the largest carries that,
// the others nothing.
func (b *builder) snapshotLines(snapshots []fleet.Snapshot, target fleet.Target) []*Line {
	all := make([]*fleet.Snapshot, len(snapshots))
	for n := range snapshots {
		all[n] = &snapshots[n]
	}
	chains := price.SnapshotChains(all)
	var lines []*Line
	for _, s := range all {
		l := &Line{
			Target: target, Kind: SnapshotLine, ID: string(s.ID), Name: s.Name(), ParentID: string(s.Volume), State: s.State,
			Since: s.Started, Quantity: float64(price.SnapshotBytes(s)) / gib, Unit: "GiB", Tags: kept(s.Tags, b.options.Tags),
			FromImage: strings.HasPrefix(s.Description, "Created by CreateImage("), Kept: s.Tags[fleet.TagPolicy] != "",
		}
		dimension := price.SnapshotStorage
		if s.Archived {
			l.Kind, dimension = ArchiveLine, price.SnapshotArchive
		}
		l.Price = b.rate(string(l.Kind), target.Region, dimension)
		l.Status, l.Note = l.Price.Status, l.Price.Note
		lines = append(lines, l)
		if !l.Status.Usable() {
			continue
		}
		chain := chains[s.Volume]
		if chain.Largest != nil && chain.Largest.ID != s.ID && !s.Archived {
			l.Monthly, l.ToDate, l.Forecast = Known(0), Known(0), Known(0)
			l.doubt(fmt.Sprintf("only what it adds to other snapshots of %s is billed, which EC2 does not tell: between 0 and %s a month; %s carries the cost that all have at least",
				s.Volume, l.Price.Rate.USD.Times(price.SnapshotBytes(s), gib).Cents(), chain.Largest.ID))
			continue
		}
		l.storage(b, l.Price.Rate.USD.Times(price.SnapshotBytes(s), gib))
		switch {
		case s.FullBytes == 0:
			l.UpperBound = true
			l.doubt("EC2 does not tell how much is stored; this is the size of the volume, which is the upper bound")
		case len(chain.Snapshots) > 1 && !s.Archived:
			l.ToDate = Known(b.chainToDate(chain.Snapshots, l.Price.Rate.USD))
			l.Forecast = b.toTheEnd(l.ToDate, l.Monthly)
			l.doubt("the least that the snapshots of this volume cost together")
		}
	}
	return lines
}

// chainToDate is what the snapshots of one volume have cost at least this month
// so far: at any time as much as the largest of those that were there.
func (b *builder) chainToDate(chain []*fleet.Snapshot, rate price.USD) price.USD {
	slices.SortStableFunc(chain, func(a, b *fleet.Snapshot) int { return a.Started.Compare(b.Started) })
	var sum price.USD
	var largest int64
	before, month := int64(0), Seconds(b.month.End.Sub(b.month.Start))
	for n, s := range chain {
		left, _ := b.month.Share(s.Started) // from its start to now
		if n > 0 {
			sum = sum.Add(rate.Times(largest, gib).Times(before-left, month))
		}
		largest, before = max(largest, s.FullBytes), left
	}
	return sum.Add(rate.Times(largest, gib).Times(before, month))
}

const gib = 1 << 30

// storage sets the amounts of what costs the same all month.
func (l *Line) storage(b *builder, monthly price.USD) {
	num, den := b.month.Share(l.Since)
	l.Monthly = Known(monthly)
	l.ToDate = Known(monthly.Times(num, den))
	l.Forecast = b.toTheEnd(l.ToDate, l.Monthly)
}

// hourly sets the amounts of what costs by the hour: so far for some time, and
// from now on all the time or, where planned is shorter, for that.
func (l *Line) hourly(rate price.USD, soFar, planned time.Duration) {
	l.Monthly = Known(rate.Times(Seconds(RunRateMonth), 3600))
	l.ToDate = Known(rate.Times(Seconds(soFar), 3600))
	l.Forecast = l.ToDate.Plus(Known(rate.Times(Seconds(planned), 3600)))
}

// doubt makes a usable price one that something was assumed for.
func (l *Line) doubt(why string) {
	l.Status = price.Worst(l.Status, price.Fallback)
	l.Note = join(why, l.Note)
}

// addressLines prices public IPv4 addresses: those of the instances, and
// Elastic IP addresses whether anything uses them or not. EC2 does not say
// since when an Elastic IP address is there: all of the month is taken.
func (b *builder) addressLines(s *targetData, target fleet.Target) []*Line {
	elastic := map[string]bool{}
	var lines []*Line
	rows := make(map[fleet.ResourceID]*Instance, len(s.instances))
	if len(s.others.addresses) > 0 {
		for _, i := range s.instances {
			rows[i.ID] = i
		}
	}
	elapsed, left := b.month.Now.Sub(b.month.Start), b.month.End.Sub(b.month.Now)
	for _, a := range s.others.addresses {
		elastic[a.IP] = true
		if a.BYOIP {
			continue
		}
		l := &Line{
			Target: target, Kind: AddressLine, ID: a.ID, Name: a.Name(), ParentID: string(a.Instance), State: "in-use",
			Quantity: 1, Unit: "address", Tags: kept(a.Tags, b.options.Tags),
		}
		dimension := price.AddressInUse
		holder := rows[a.Instance]
		if a.Instance == "" && a.Interface == "" || holder != nil && holder.State != fleet.Running && holder.State != fleet.Pending {
			l.State, dimension = "idle", price.AddressIdle
		}
		b.price(l, dimension)
		if l.Status.Usable() {
			l.hourly(l.Price.Rate.USD, elapsed, left)
			l.doubt("Elastic IP addresses have no date: taken to be there since the month began")
		}
		lines = append(lines, l)
	}
	for n, i := range s.instances {
		key := string(i.ID) // each start gives another address
		for _, ip := range s.found[n].PublicIPs {
			if elastic[ip] {
				continue
			}
			l := &Line{
				Target: target, Kind: AddressLine, ID: ip, HistoryID: key, Name: i.Name, ParentID: string(i.ID), Zone: i.Zone, State: "in-use",
				Since: i.LaunchTime, Quantity: 1, Unit: "address", Tags: i.Tags,
			}
			b.price(l, price.AddressInUse)
			if l.Status.Usable() {
				l.hourly(l.Price.Rate.USD, i.Hours, i.Planned)
			}
			lines = append(lines, l)
			key += "+" // of an instance with several of them
		}
	}
	return lines
}

func (b *builder) hostLine(h fleet.Host, target fleet.Target) *Line {
	var guests []string
	for _, id := range h.Instances {
		guests = append(guests, string(id))
	}
	l := &Line{
		Target: target, Kind: HostLine, ID: h.ID, Name: h.Name(), ParentID: strings.Join(guests, " "), Type: h.Family, Zone: h.Zone, State: h.State,
		Since: h.Allocated, Quantity: 1, Unit: "host", Tags: kept(h.Tags, b.options.Tags),
	}
	b.price(l, price.HostDimension(h.Family))
	if l.Status.Usable() {
		l.hourly(l.Price.Rate.USD, b.month.since(h.Allocated), b.month.End.Sub(b.month.Now))
	}
	return l
}

func (b *builder) reservationLine(r fleet.Reservation, target fleet.Target) *Line {
	l := &Line{
		Target: target, Kind: ReservationLine, ID: r.ID, Name: r.Name(), Type: string(r.Type), Zone: r.Zone, State: r.State,
		Since: r.Created, Quantity: float64(r.Available), Unit: "instances", Tags: kept(r.Tags, b.options.Tags),
		Used: r.Total - r.Available,
	}
	l.Price = b.quoted[reservationKey(r, target.Region)]
	l.Price.Uses++
	l.Status, l.Note = l.Price.Status, l.Price.Note
	if l.Status.Usable() {
		l.hourly(l.Price.Rate.USD.Times(r.Available, 1), b.month.since(r.Created), b.month.End.Sub(b.month.Now))
		l.doubt("taken to have been unused all month as it is now")
	}
	return l
}

// creditsPerHour is how many CPU credits are an hour of a vCPU (EC2 User Guide,
// "CPU credits").
const creditsPerHour = 60

func (b *builder) creditsLine(i *Instance, found *fleet.Instance, credits float64) *Line {
	family, _ := burstableFamily(i.Type)
	l := &Line{
		Target: i.Target, Kind: CreditsLine, ID: string(i.ID), Name: i.Name, ParentID: string(i.ID), Type: string(i.Type), Zone: i.Zone, State: string(i.State),
		Quantity: credits / creditsPerHour, Unit: "vCPU-hours", Tags: i.Tags,
	}
	b.price(l, price.CreditsDimension(family, found.Windows))
	if l.Status.Usable() {
		spent := l.Price.Rate.USD.Times(int64(math.Round(credits*1000)), creditsPerHour*1000)
		elapsed := max(Seconds(b.month.Now.Sub(b.month.Start)), 1)
		l.ToDate = Known(spent)
		l.Monthly = Known(spent.Times(Seconds(RunRateMonth), elapsed))
		l.Forecast = Known(spent.Times(Seconds(b.month.End.Sub(b.month.Start)), elapsed))
		l.Note = join("a month and the forecast go on at the pace of this month", l.Note)
	}
	return l
}

// monitored is how many metrics of an instance detailed monitoring is billed
// for (Amazon CloudWatch pricing, EC2 detailed monitoring).
const monitored = 7

func (b *builder) monitoringLine(i *Instance) *Line {
	l := &Line{
		Target: i.Target, Kind: MonitoringLine, ID: string(i.ID), Name: i.Name, ParentID: string(i.ID), Type: string(i.Type), Zone: i.Zone, State: string(i.State),
		Quantity: monitored, Unit: "metrics", Tags: i.Tags,
	}
	b.price(l, price.Metric)
	if l.Status.Usable() {
		// By the metric and month, prorated by the hours in which it sends samples.
		full := l.Price.Rate.USD.Times(monitored, 1)
		month := Seconds(b.month.End.Sub(b.month.Start))
		l.Monthly = Known(0)
		if i.State == fleet.Running || i.State == fleet.Pending {
			l.Monthly = Known(full)
		}
		l.ToDate = Known(full.Times(Seconds(i.Hours), month))
		l.Forecast = l.ToDate.Plus(Known(full.Times(Seconds(i.Planned), month)))
	}
	return l
}

// price gives a line the rate of a dimension.
func (b *builder) price(l *Line, dimension string) {
	l.Price = b.rate(string(l.Kind), l.Target.Region, dimension)
	l.Status, l.Note = l.Price.Status, l.Price.Note
}

// rate is the price of a dimension in a region, used once more.
func (b *builder) rate(kind string, region fleet.Region, dimension string) *Price {
	key := partKey{region, dimension}
	if b.parts[key] == nil {
		listed := b.rates[region]
		b.parts[key] = &Price{Kind: kind, Region: region, Item: dimension, Quote: unread(listed.Quote(dimension), listed.err)}
	}
	b.parts[key].Uses++
	return b.parts[key]
}

// problems are what of the other resources, spot prices and credits could not be
// read.
func (s *targetData) problems(target fleet.Target) []Problem {
	all := []Problem{
		{target, "snapshots", s.others.snapshotsErr},
		{target, "addresses", s.others.addressesErr},
		{target, "dedicated hosts", s.others.hostsErr},
		{target, "capacity reservations", s.others.reservationsErr},
		{target, "spot prices", s.spot.spotErr},
		{target, "surplus credits", s.spot.surplusErr},
	}
	return slices.DeleteFunc(all, func(p Problem) bool { return p.Err == nil })
}
