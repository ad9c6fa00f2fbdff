// Package recommend looks through a cost report for what could cost less, and
// says with which command. It is pure and changes nothing. Which tag would put an
// instance on a schedule, and what keeps it from being stopped, are in the
// report's rows.
//
// It may import cost, fleet and price.
package recommend

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"nightshift/internal/cost"
	"nightshift/internal/fleet"
	"nightshift/internal/price"
)

// The codes of recommendations.
const (
	UnattachedVolume   = "unattached-volume"
	StoppedInstance    = "stopped-instance"
	GP2ToGP3           = "gp2-to-gp3"
	IO1ToGP3           = "io1-to-gp3"
	IO1ToIO2           = "io1-to-io2"
	UnusableIOPS       = "unusable-iops"
	OrphanedSnapshots  = "orphaned-snapshots"
	OldSnapshots       = "old-snapshots"
	IdleAddress        = "idle-address"
	UnusedCapacity     = "unused-capacity"
	PreviousGeneration = "previous-generation"
	RunsAllNight       = "runs-all-night"
)

// From when on something counts as forgotten.
const (
	longStopped = 30 * 24 * time.Hour
	oldSnapshot = 90 * 24 * time.Hour
)

// For looks through a report, the largest saving first. What would save
// less than a cent is not worth a line.
func For(r cost.Report) []Recommendation {
	var all []Recommendation
	for _, find := range []func(cost.Report) []Recommendation{
		forVolumes, forStopped, forSnapshots, forLines, forOlderTypes, forNights,
	} {
		all = append(all, find(r)...)
	}
	all = slices.DeleteFunc(all, func(f Recommendation) bool { return f.Saving.Cents() <= 0 })
	slices.SortFunc(all, func(a, b Recommendation) int {
		return cmp.Or(-cmp.Compare(a.Saving, b.Saving), strings.Compare(a.Code, b.Code), strings.Compare(a.Resource, b.Resource))
	})
	return all
}

// forLines are idle addresses and capacity that is reserved for nothing. The
// address of an instance that is off for the night is waited for.
func forLines(r cost.Report) []Recommendation {
	var all []Recommendation
	old := map[instanceKey]bool{}
	for _, i := range r.Instances {
		if forgotten(i, r.Month.Now) {
			old[instanceKey{i.Target.Account, i.ID}] = true
		}
	}
	for _, l := range r.Lines {
		f := Recommendation{Target: l.Target, Resource: l.ID, Name: l.Name, Saving: l.Monthly.USD, Certain: true}
		switch {
		case l.Idle() && l.ParentID == "":
			f.Code, f.Template = IdleAddress, releaseAddress
			f.Reason = "nothing uses this public IPv4 address, which costs the same as one in use"
		case l.Idle() && old[instanceKey{l.Target.Account, fleet.ResourceID(l.ParentID)}]:
			f.Code, f.Template = IdleAddress, releaseHeld
			f.Advice = "the instance has no address until it is given another; a name server or an allow list may hold this one"
			f.Reason = "the instance of this public IPv4 address has been stopped for long; the address costs the same as one in use"
		case l.Kind == cost.ReservationLine:
			f.Code = UnusedCapacity
			f.Reason = fmt.Sprintf("%.0f of the instances that this capacity reservation is for do not run, and cost as though they did", l.Quantity)
			f.Template = giveBack(l.Used)
			f.Advice = "instances that are off for the night have no capacity reserved any more, and EC2 may have none when they start"
		default:
			continue
		}
		all = append(all, f)
	}
	return all
}

// instanceKey names an instance of any target.
type instanceKey struct {
	account fleet.Account
	id      fleet.ResourceID
}

// forgotten is true for an instance that was stopped long ago.
func forgotten(i *cost.Instance, now time.Time) bool {
	return i.State == fleet.Stopped && !i.Stopped.IsZero() && now.Sub(i.Stopped) >= longStopped
}

// forStopped are instances that have been stopped for long: their volumes
// are paid for. A snapshot of each keeps the data; it is calculated at the full
// size, so that the saving is what is left at least.
func forStopped(r cost.Report) []Recommendation {
	volumes := map[instanceKey][]*cost.Volume{}
	for _, v := range r.Volumes {
		if v.BilledTo != "" && len(v.AttachedTo) == 1 {
			who := instanceKey{v.Target.Account, v.BilledTo}
			volumes[who] = append(volumes[who], v)
		}
	}
	var all []Recommendation
	for _, i := range r.Instances {
		if !forgotten(i, r.Month.Now) {
			continue
		}
		var stored, chosen price.USD
		var gib int64
		listed := r.Evidence.Rates[i.Target.Region].Quote(price.SnapshotStorage)
		for _, v := range volumes[instanceKey{i.Target.Account, i.ID}] {
			stored = stored.Add(v.Monthly.USD)
			gib += v.SizeGiB
		}
		f := Recommendation{
			Target: i.Target, Code: StoppedInstance, Resource: string(i.ID), Name: i.Name, Certain: listed.Status.Usable(),
			Reason:   fmt.Sprintf("stopped for %d days; its volumes of %d GiB are paid for all the same", int(r.Month.Now.Sub(i.Stopped).Hours()/24), gib),
			Template: runAndEnd,
			Advice:   "volumes that are not deleted with the instance remain; " + adviceWait,
		}
		if listed.Status.Usable() {
			chosen = listed.Rate.USD.Times(gib, 1)
			f.Reason += fmt.Sprintf("; %s a month for snapshots of them is taken off the saving", chosen.Cents())
		}
		f.Saving = stored.Add(-chosen)
		all = append(all, f)
	}
	return all
}
