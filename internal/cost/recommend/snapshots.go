package recommend

import (
	"fmt"
	"slices"

	"nightshift/internal/cost"
	"nightshift/internal/fleet"
	"nightshift/internal/price"
)

// copied stands for the volume of snapshots that were copied, which EC2 does not
// report.
const copied = ""

// chain are the snapshots of one volume in the standard tier.
type chain struct {
	target fleet.Target
	volume string
	lines  []*cost.Line
}

// resource is the volume, or the snapshot where that is not known.
func (c *chain) resource() string {
	if c.volume == copied {
		return c.lines[0].ID
	}
	return c.volume
}

// forSnapshots are the snapshots of volumes that are gone, and those of
// which even the newest is old. Only whole chains are listed: what a single
// snapshot saves the others keep, as far as they share its blocks. A chain with copies that
// a backup policy keeps is left alone: these are deleted by the policy, with its guards.
func forSnapshots(r cost.Report) []Recommendation {
	type origin struct {
		account fleet.Account
		volume  string
	}
	there := map[origin]bool{}
	for _, v := range r.Volumes {
		there[origin{v.Target.Account, string(v.ID)}] = true
	}
	unread := map[fleet.Target]bool{}
	for _, p := range r.Problems {
		if p.What == "volumes" {
			unread[p.Target] = true
		}
	}
	var all []Recommendation
	for _, c := range chains(r.Lines) {
		if slices.ContainsFunc(c.lines, func(l *cost.Line) bool { return l.Kept }) {
			continue
		}
		newest := c.lines[0]
		var saving price.USD
		certain, imaged := true, false
		var ids []string
		for _, l := range c.lines {
			saving = saving.Add(l.Monthly.USD)
			certain = certain && l.Status.Usable() && !l.UpperBound && !l.FromImage
			imaged = imaged || l.FromImage
			ids = append(ids, l.ID)
			if l.Since.After(newest.Since) {
				newest = l
			}
		}
		f := Recommendation{Target: c.target, Resource: c.resource(), Name: newest.Name, Saving: saving, Certain: certain}
		old := r.Month.Now.Sub(newest.Since) >= oldSnapshot && !newest.Since.IsZero()
		switch {
		case !there[origin{c.target.Account, c.volume}] && !unread[c.target] && c.volume != copied:
			f.Code = OrphanedSnapshots
			f.Reason = fmt.Sprintf("the volume is gone; %s, the newest from %s", snapshotCount(len(ids)), newest.Since.Format("2006-01-02"))
		case old:
			f.Code = OldSnapshots
			f.Reason = fmt.Sprintf("%s, the newest %d days old", snapshotCount(len(ids)), int(r.Month.Now.Sub(newest.Since).Hours()/24))
		default:
			continue
		}
		switch {
		case imaged:
			f.Reason += "; an image was made of them, which has to go first"
			f.Advice = "deregister the image, then delete its snapshots: EC2 refuses to delete a snapshot that an image uses"
		case len(ids) > mostSnapshots:
			f.Advice = fmt.Sprintf("%d snapshots are too many for one line; aws ec2 describe-snapshots --owner-ids self --filters Name=volume-id,Values=%s --region %s lists them",
				len(ids), f.Resource, f.Target.Region)
		default:
			f.Template = deleteSnapshots(ids)
		}
		all = append(all, f)
	}
	return all
}

// chains groups the lines of snapshots by their volume, in the order in which
// the volumes appear. Copies are a chain each: their volume is not known.
func chains(lines []*cost.Line) []*chain {
	type key struct {
		target fleet.Target
		volume string
	}
	var all []*chain
	index := map[key]*chain{}
	for _, l := range lines {
		if l.Kind != cost.SnapshotLine {
			continue
		}
		k := key{l.Target, l.ParentID}
		if l.ParentID == copied {
			k.volume = l.ID
		}
		if index[k] == nil {
			index[k] = &chain{target: l.Target, volume: l.ParentID}
			all = append(all, index[k])
		}
		index[k].lines = append(index[k].lines, l)
	}
	return all
}

func snapshotCount(n int) string {
	if n == 1 {
		return "1 snapshot is kept"
	}
	return fmt.Sprintf("%d snapshots are kept", n)
}
