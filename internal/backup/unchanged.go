package backup

import (
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
	for _, id := range c.Volumes {
		if !Unchanged(p.estate.volumes[id], func(i fleet.ResourceID) *fleet.Instance { return p.estate.instances[i] }, newest.Data, size[id]) {
			return false
		}
	}
	return true
}
