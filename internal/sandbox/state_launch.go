package sandbox

import (
	"cmp"
	"fmt"
	"time"
)

// launch is what new instances are to be.
type launch struct {
	kind         typeSpec
	system       system
	image        string
	zone         string
	tenancy      string
	key          string
	profile      string
	clientToken  string
	spot         bool
	persistent   bool
	price        string
	stopGuard    bool
	endGuard     bool
	hibernation  bool
	monitored    bool
	ebsOptimized bool
	store        bool
	cores        int64
	threads      int64
	products     []string
	tags         tags
	spotTags     tags
	userData     string
	atShutdown   string
	requester    string
	disks        []disk
	public       bool
	host         *dedicatedHost
	credits      string
}

// disk is a volume that an instance is launched with.
type disk struct {
	device    string
	spec      volumeSpec
	deleteToo bool
	tags      tags
}

// addReservation launches n instances at once; they have been running since
// launched.
func (r *region) addReservation(l launch, n int, launched time.Time) *reservation {
	res := &reservation{seq: r.next(), id: longID(r.rng, "r"), requester: l.requester}
	image := imageSnapshot(cmp.Or(l.image, l.system.image))
	for index := range n {
		i := &instance{
			condition:    condition{state: running, launch: launched.Truncate(time.Second), past: past{nightly: l.nightlyStop()}},
			id:           longID(r.rng, "i"),
			reservation:  res,
			index:        index,
			kind:         l.kind,
			system:       l.system,
			image:        l.image,
			zone:         l.zone,
			tenancy:      l.tenancy,
			key:          l.key,
			first:        launched.Truncate(time.Second),
			store:        l.store,
			stopGuard:    l.stopGuard,
			endGuard:     l.endGuard,
			hibernation:  l.hibernation,
			monitored:    l.monitored,
			ebsOptimized: l.ebsOptimized,
			cores:        l.cores,
			threads:      l.threads,
			products:     l.products,
			profile:      l.profile,
			clientToken:  l.clientToken,
			tags:         l.tags,
			userData:     l.userData,
			atShutdown:   l.atShutdown,
			public:       l.public,
			credits:      l.credits,
		}
		if i.atShutdown == "" {
			i.atShutdown = "stop"
		}
		if i.cores == 0 {
			i.cores, i.threads = int64(l.kind.Cores), int64(l.kind.ThreadsPerCore)
		}
		if i.image == "" {
			i.image = l.system.image
		}
		if i.tenancy == "" {
			i.tenancy = "default"
		}
		a := r.rng.Uint32()
		i.ip = fmt.Sprintf("10.%d.%d.%d", a>>16&0x7f, a>>8&0xff, 4+a&0x7f)
		i.mac = fmt.Sprintf("06:%02x:%02x:%02x:%02x:%02x", a>>24&0xff, a>>16&0xff, a>>8&0xff, a&0xff, index&0xff)
		if l.spot {
			i.spot = &spotRequest{
				seq: r.next(), id: "sir-" + longID(r.rng, "x")[3:11], persistent: l.persistent,
				price: l.price, created: i.first, instance: i, tags: l.spotTags,
			}
			i.spot.started(i.first)
			r.spots = append(r.spots, i.spot)
		}
		if l.host != nil {
			l.host.put(i)
		}
		for _, k := range l.disks {
			if k.device == i.system.rootDevice && k.spec.snapshot == "" {
				k.spec.snapshot = image
			}
			v := r.add(k.spec, l.zone, i.first, k.tags)
			r.attach(v, i, k.device, i.first, i.first, k.deleteToo)
		}
		res.instances = append(res.instances, i)
		r.instances[i.id] = i
	}
	r.reservations = append(r.reservations, res)
	return res
}

// nightlyStop says whether a launch is of a machine that somebody, or a first
// script, used to stop in the evening: one that wants it and can be stopped.
func (l launch) nightlyStop() bool {
	wants, _ := l.tags.get("AutoStopStart")
	_, member := l.tags.get("aws:autoscaling:groupName")
	return wants == "Yes" && !member && !l.store && !l.stopGuard && (!l.spot || l.persistent)
}
