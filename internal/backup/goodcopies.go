package backup

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"nightshift/internal/fleet"
)

// goodCopies are the copies of each volume that a volume can be made of, newest first,
// whoever made them. A pending one serves its slot but protects nothing yet, one in error
// serves neither, and of an archived one no volume can be made for up to three days.
type goodCopies struct {
	of map[fleet.VolumeID][]GoodCopy
	// doubtful are copies of AWS Backup of which nobody knows the state of the recovery
	// point: for each volume the time of the newest.
	doubtful map[fleet.VolumeID]time.Time
	// all are the snapshots of each volume, in the order in which they were listed.
	all       map[fleet.VolumeID][]*fleet.Snapshot
	strangers map[fleet.SnapshotID]fleet.Reason
	points    map[fleet.SnapshotID]string // the statuses of recovery points
	images    map[fleet.SnapshotID]*fleet.Image
	sets      []Set
}

func findGoodCopies(inv *Inventory) *goodCopies {
	g := &goodCopies{
		of: map[fleet.VolumeID][]GoodCopy{}, doubtful: map[fleet.VolumeID]time.Time{}, all: map[fleet.VolumeID][]*fleet.Snapshot{},
		strangers: map[fleet.SnapshotID]fleet.Reason{}, images: map[fleet.SnapshotID]*fleet.Image{},
	}
	g.findImages(inv)
	g.findPoints(inv)
	sets, strangers := Sets(inv.Snapshots, inv.At)
	g.sets = sets
	for _, s := range strangers {
		g.strangers[s.Snapshot] = s.Reason
	}
	ours := map[fleet.SnapshotID]bool{}
	for n := range sets {
		for m := range sets[n].Members {
			ours[sets[n].Members[m].ID] = true
		}
		if sets[n].Good() && !sets[n].Data.After(inv.At.Add(clocksApart)) {
			g.addSet(&sets[n])
		}
	}
	for n := range inv.Snapshots {
		s := &inv.Snapshots[n]
		if s.Volume == "" {
			continue
		}
		g.all[s.Volume] = append(g.all[s.Volume], s)
		if !ours[s.ID] && restores(s) {
			g.addForeign(inv, s)
		}
	}
	for _, list := range g.of {
		slices.SortFunc(list, func(a, b GoodCopy) int {
			return cmp.Or(b.Data.Compare(a.Data), cmp.Compare(a.Snapshot, b.Snapshot))
		})
	}
	return g
}

// addSet adds the members of a set of ours that is a restore point.
func (g *goodCopies) addSet(s *Set) {
	for n := range s.Members {
		m := &s.Members[n]
		volume := m.Volume
		if one, ok := s.Chain.Volume(); ok {
			volume = one // an adopted result of CopySnapshot names another
		}
		if restores(m) {
			g.of[volume] = append(g.of[volume], GoodCopy{m.ID, s.Data, ByNightshift, m.SizeGiB, m.Tags})
		}
	}
}

// addForeign adds a snapshot that is not ours. One on which tags of ours were planted is
// believed only where AWS itself says who made it.
func (g *goodCopies) addForeign(inv *Inventory, s *fleet.Snapshot) {
	by := g.maker(s)
	switch {
	case g.strangers[s.ID] != fleet.Reason{} && by != ByDLM && by != ByBackup:
		return
	case by == ByBackup:
		switch status, known := g.points[s.ID]; {
		case status == "COMPLETED" || status == "AVAILABLE":
		case !known && recoveryPart(inv) != "":
			if s.Started.After(g.doubtful[s.Volume]) {
				g.doubtful[s.Volume] = s.Started
			}
			return
		default:
			return
		}
	}
	g.of[s.Volume] = append(g.of[s.Volume], GoodCopy{s.ID, s.Started, by, s.SizeGiB, nil})
}

// recoveryPart names a listing without which not all recovery points are known: those of
// images are matched through the images, and AWS Backup is asked about what exists.
func recoveryPart(inv *Inventory) Part {
	for _, part := range []Part{PartRecovery, PartImages, PartInstances} {
		if inv.Unread[part] != nil {
			return part
		}
	}
	return ""
}

// maker is who made a snapshot that is not ours.
func (g *goodCopies) maker(s *fleet.Snapshot) Maker {
	_, point := g.points[s.ID]
	owner := Owner(s.Tags)
	switch {
	case point || owner == ownerBackup:
		return ByBackup
	case owner != "":
		return ByDLM
	case g.images[s.ID] != nil || imageOf(s) != "":
		return ByImage
	}
	return ByHand
}

func (g *goodCopies) findImages(inv *Inventory) {
	for n := range inv.Images {
		image := &inv.Images[n]
		if image.State == "deregistered" {
			continue
		}
		for _, id := range image.Snapshots {
			if other := g.images[id]; other == nil || other.State == imageDisabled || image.ID < other.ID && image.State != imageDisabled {
				g.images[id] = image
			}
		}
	}
}

// findPoints finds the snapshots of recovery points: those that are named, and those of
// the images that are.
func (g *goodCopies) findPoints(inv *Inventory) {
	snapshots := map[string][]fleet.SnapshotID{} // of images
	for n := range inv.Images {
		snapshots[inv.Images[n].ID] = inv.Images[n].Snapshots
	}
	g.points = map[fleet.SnapshotID]string{}
	for _, r := range inv.Recovery {
		if _, id, ok := strings.Cut(r.ARN, "snapshot/"); ok {
			g.points[fleet.SnapshotID(id)] = r.Status
		}
		if _, id, ok := strings.Cut(r.ARN, "image/"); ok {
			for _, of := range snapshots[id] {
				g.points[of] = r.Status
			}
		}
	}
}

// imageOf is the id of the image that EC2 made a snapshot for, empty where it was made
// for none: CreateImage says so in the description.
func imageOf(s *fleet.Snapshot) string {
	rest, ok := strings.CutPrefix(s.Description, "Created by CreateImage(")
	if !ok {
		return ""
	}
	_, rest, _ = strings.Cut(rest, ") for ")
	id, _, _ := strings.Cut(rest, " ")
	if strings.HasPrefix(id, "ami-") {
		return id
	}
	return ""
}

const imageDisabled = "disabled"
