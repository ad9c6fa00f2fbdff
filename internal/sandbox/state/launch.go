package state

import (
	"cmp"
	"fmt"
	"time"

	"nightshift/internal/sandbox/catalog"
	"nightshift/internal/sandbox/random"
)

// Launch is what new instances are to be.
type Launch struct {
	Type                  catalog.Type
	System                System
	Image                 string
	Zone                  string
	Tenancy               string
	KeyName               string
	Profile               string
	ClientToken           string
	Spot                  bool
	Persistent            bool
	Price                 string
	StopProtection        bool
	TerminationProtection bool
	Hibernation           bool
	Monitored             bool
	EBSOptimized          bool
	InstanceStore         bool
	Cores                 int64
	Threads               int64
	products              []string
	Tags                  Tags
	SpotTags              Tags
	UserData              string
	ShutdownBehavior      string
	Requester             string
	Disks                 []Disk
	Public                bool
	Host                  *DedicatedHost
	Credits               string
}

// Disk is a volume that an instance is launched with.
type Disk struct {
	Device              string
	Spec                VolumeSpec
	DeleteOnTermination bool
	Tags                Tags
}

// AddReservation launches n instances at once; they have been running since
// launched.
func (r *Region) AddReservation(l Launch, n int, launched time.Time) *Reservation {
	res := &Reservation{Seq: r.NextSeq(), ID: random.ID(r.Rand, "r"), Requester: l.Requester}
	image := imageSnapshot(cmp.Or(l.Image, l.System.image))
	for index := range n {
		i := &Instance{
			Condition:             Condition{State: Running, LaunchTime: launched.Truncate(time.Second), past: past{nightly: l.nightlyStop()}},
			ID:                    random.ID(r.Rand, "i"),
			Reservation:           res,
			Index:                 index,
			Type:                  l.Type,
			System:                l.System,
			Image:                 l.Image,
			Zone:                  l.Zone,
			Tenancy:               l.Tenancy,
			KeyName:               l.KeyName,
			FirstLaunch:           launched.Truncate(time.Second),
			InstanceStore:         l.InstanceStore,
			StopProtection:        l.StopProtection,
			TerminationProtection: l.TerminationProtection,
			Hibernation:           l.Hibernation,
			Monitored:             l.Monitored,
			EBSOptimized:          l.EBSOptimized,
			Cores:                 l.Cores,
			Threads:               l.Threads,
			Products:              l.products,
			Profile:               l.Profile,
			ClientToken:           l.ClientToken,
			Tags:                  l.Tags,
			UserData:              l.UserData,
			ShutdownBehavior:      l.ShutdownBehavior,
			Public:                l.Public,
			Credits:               l.Credits,
		}
		if i.ShutdownBehavior == "" {
			i.ShutdownBehavior = "stop"
		}
		if i.Cores == 0 {
			i.Cores, i.Threads = int64(l.Type.Cores), int64(l.Type.ThreadsPerCore)
		}
		if i.Image == "" {
			i.Image = l.System.image
		}
		if i.Tenancy == "" {
			i.Tenancy = "default"
		}
		a := r.Rand.Uint32()
		i.IP = fmt.Sprintf("10.%d.%d.%d", a>>16&0x7f, a>>8&0xff, 4+a&0x7f)
		i.MAC = fmt.Sprintf("06:%02x:%02x:%02x:%02x:%02x", a>>24&0xff, a>>16&0xff, a>>8&0xff, a&0xff, index&0xff)
		if l.Spot {
			i.Spot = &SpotRequest{
				Seq: r.NextSeq(), ID: "sir-" + random.ID(r.Rand, "x")[3:11], Persistent: l.Persistent,
				Price: l.Price, Created: i.FirstLaunch, Instance: i, Tags: l.SpotTags,
			}
			i.Spot.started(i.FirstLaunch)
			r.SpotRequests = append(r.SpotRequests, i.Spot)
		}
		if l.Host != nil {
			l.Host.Put(i)
		}
		for _, k := range l.Disks {
			if k.Device == i.System.RootDevice && k.Spec.Snapshot == "" {
				k.Spec.Snapshot = image
			}
			v := r.AddVolume(k.Spec, l.Zone, i.FirstLaunch, k.Tags)
			r.AttachVolume(v, i, k.Device, i.FirstLaunch, i.FirstLaunch, k.DeleteOnTermination)
		}
		res.Instances = append(res.Instances, i)
		r.Instances[i.ID] = i
	}
	r.Reservations = append(r.Reservations, res)
	return res
}

// nightlyStop says whether a launch is of a machine that somebody, or a first
// script, used to stop in the evening: one that wants it and can be stopped.
func (l Launch) nightlyStop() bool {
	wants, _ := l.Tags.Get("AutoStopStart")
	_, member := l.Tags.Get("aws:autoscaling:groupName")
	return wants == "Yes" && !member && !l.InstanceStore && !l.StopProtection && (!l.Spot || l.Persistent)
}
