package backup

import (
	"fmt"
	"slices"
	"time"

	"nightshift/internal/fleet"
)

// findLastGood finds, among what the retention would delete, the sets without which a
// volume has no good copy as young any more, or an instance none at all. Only copies of ours count, completed
// and in the standard tier; what other guards keep does not, for it may go tomorrow. A
// volume of which there are only members of broken sets keeps the newest of these.
func (p *planner) findLastGood() {
	p.held.lastGood = map[*Verdict]string{}
	l := lastGood{p: p, resources: map[fleet.ResourceID]bool{}, volumes: map[fleet.VolumeID]time.Time{}}
	var deletes []*Verdict
	for n := range p.chains {
		for m := range p.chains[n].verdicts {
			v := &p.chains[n].verdicts[m]
			if v.Keep && v.Set.Good() {
				l.covers(&v.Set)
			}
		}
	}
	for n := range p.chains {
		for m := range p.chains[n].verdicts {
			if v := &p.chains[n].verdicts[m]; !v.Keep && l.only(v) != "" {
				deletes = append(deletes, v) // of the others all is covered, and stays so
			}
		}
	}
	if len(deletes) == 0 {
		return
	}
	slices.SortFunc(deletes, func(a, b *Verdict) int { return newestFirst(&a.Set, &b.Set) })
	l.keep(deletes, func(s *Set) bool { return s.Good() })
	for n := range p.chains {
		for m := range p.chains[n].verdicts {
			if v := &p.chains[n].verdicts[m]; v.Keep {
				l.covers(&v.Set)
			}
		}
	}
	l.keep(deletes, func(s *Set) bool { return s.whole() })
	l.keep(deletes, func(*Set) bool { return true })
}

type lastGood struct {
	p         *planner
	resources map[fleet.ResourceID]bool    // that have a good set that stays
	volumes   map[fleet.VolumeID]time.Time // the data of the newest copy that stays
}

// restores says whether a volume can be made of a snapshot without waiting for days.
func restores(s *fleet.Snapshot) bool { return s.State == stateCompleted && !s.Archived }

func (l *lastGood) covers(s *Set) {
	all := s.whole()
	for n := range s.Members {
		if restores(&s.Members[n]) {
			if id := s.Members[n].Volume; s.Data.After(l.volumes[id]) {
				l.volumes[id] = s.Data
			}
		} else {
			all = false
		}
	}
	if all {
		l.resources[s.Chain.Resource] = true
	}
}

// keep holds, newest first, each of these sets that covers something which nothing else
// covers.
func (l *lastGood) keep(deletes []*Verdict, these func(*Set) bool) {
	for _, v := range deletes {
		if !these(&v.Set) || l.p.held.lastGood[v] != "" {
			continue
		}
		if why := l.only(v); why != "" {
			l.p.held.lastGood[v] = why
			l.covers(&v.Set)
		}
	}
}

// only says of what the set is the last good copy. What is gone for longer than its
// policy keeps the copies needs none.
func (l *lastGood) only(v *Verdict) string {
	s, all := &v.Set, v.Set.whole()
	for n := range s.Members {
		m := &s.Members[n]
		all = all && restores(m)
		newest, covered := l.volumes[m.Volume]
		last := !covered || s.Good() && newest.Before(s.Data)
		if restores(m) && last && !l.released(v, m.Volume) {
			return fmt.Sprintf("is the last good copy of %s", m.Volume)
		}
	}
	if all && !v.Orphan && !l.resources[s.Chain.Resource] {
		return fmt.Sprintf("is the last good copy of %s", s.Chain.Resource)
	}
	return ""
}

// released says whether a volume is known to be gone, and was copied last so long ago
// that its policy keeps the copy no longer.
func (l *lastGood) released(v *Verdict, id fleet.VolumeID) bool {
	exists, known := l.p.estate.has(fleet.ResourceID(id))
	return known && !exists && l.p.expired(l.p.clocks[v.Set.Chain.Policy].policy, v.Set.Data)
}
