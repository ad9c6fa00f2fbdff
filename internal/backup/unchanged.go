package backup

import (
	"maps"
	"time"

	"nightshift/internal/fleet"
)

// stopTakes is for how long an instance may still write after the request to stop it,
// which is the only time that EC2 reports of a stop.
const stopTakes = 15 * time.Minute

// Unchanged says whether it is proven that a volume has not been written to since a copy
// of it, with data of that moment and of that size: it is attached now, all its
// attachments are older than the data, and so are the last stop, with the time that it
// takes, and the last start of each instance, all of which are stopped with a known stop
// time. Of a detached or resized
// volume it is not known: somebody may have attached it elsewhere in between.
func Unchanged(v *fleet.Volume, instances func(fleet.ResourceID) *fleet.Instance, data time.Time, sizeGiB int64) bool {
	if len(v.Attachments) == 0 || v.SizeGiB != sizeGiB || v.SizeGiB == 0 || data.IsZero() {
		return false
	}
	before := func(t time.Time) bool { return !t.IsZero() && t.Before(data) }
	for _, a := range v.Attachments {
		i := instances(a.Instance)
		if i == nil || a.State != "attached" || !before(a.At) || i.State != fleet.Stopped || i.Stopped.IsZero() || !before(i.Stopped.Add(stopTakes)) || !before(i.LaunchTime) {
			return false
		}
	}
	return true
}

// unchanged says it of all volumes of a Create, since the newest good set of its chain.
func (p *planner) unchanged(c *Create, sets []*Set) bool {
	var newest *Set
	for _, s := range sets {
		if s.Good() {
			newest = s
			break
		}
	}
	if newest == nil {
		return false
	}
	size := map[fleet.VolumeID]int64{}
	for n := range newest.Members {
		size[newest.Members[n].Volume] = newest.Members[n].SizeGiB
	}
	open := map[fleet.VolumeID]time.Time{}
	for _, id := range c.Volumes {
		v := p.estate.volumes[id]
		if Unchanged(v, func(i fleet.ResourceID) *fleet.Instance { return p.estate.instances[i] }, newest.Data, size[id]) {
			continue
		}
		if !attachedSince(v, newest.Data) || v.SizeGiB != size[id] {
			return false
		}
		open[id] = newest.Data
	}
	if len(open) > 0 && p.options.Unwritten == nil {
		c.unproven = open
		return false
	}
	for id, since := range open {
		if !p.options.Unwritten(id, since) {
			return false
		}
	}
	return true
}

// attachedSince says whether a volume has been attached where it is since before a time.
func attachedSince(v *fleet.Volume, data time.Time) bool {
	for _, a := range v.Attachments {
		if a.State != "attached" || a.At.IsZero() || !a.At.Before(data) {
			return false
		}
	}
	return len(v.Attachments) > 0 && !data.IsZero()
}

// Unproven are the volumes whose copies may be skipped where nothing was written to them
// since a time, and of which only the metrics of their writes can prove that. Where these
// were asked, Options.Unwritten has the answers for another plan.
func (p *Plan) Unproven() map[fleet.VolumeID]time.Time {
	all := map[fleet.VolumeID]time.Time{}
	for n := range p.Creates {
		maps.Copy(all, p.Creates[n].unproven)
	}
	return all
}
