package sandbox

import (
	"slices"
	"time"
)

// settleGroups brings the region's groups to where they are by now.
func (r *region) settleGroups(now time.Time) {
	for _, g := range *slot[groups](r) {
		g.notice(now)
		for !g.due.IsZero() && !now.Before(g.due) {
			at := g.due
			g.due = time.Time{}
			r.look(g, at)
			g.notice(now)
		}
	}
}

// notice makes a group look at members that somebody else has stopped or
// terminated.
func (g *group) notice(now time.Time) {
	for _, m := range g.members {
		i := m.instance
		i.settle(now)
		if m.leaving || !g.replaces(m) {
			continue
		}
		at := i.changed.Add(groupFindsAbout)
		if at.Before(g.looked) { // stopped before it became a member, or allowed only now
			at = g.looked
		}
		if g.due.IsZero() || at.Before(g.due) {
			g.due = at
		}
	}
}

// replaces says whether a group would replace a member as it is now.
func (g *group) replaces(m *member) bool {
	switch m.instance.state {
	case shuttingDown, terminated:
		return true // it is gone whatever the group may do
	case stopping, stopped:
		return g.runs("HealthCheck") && g.runs("ReplaceUnhealthy") && g.runs("Terminate")
	default:
		return false
	}
}

// look is what a group does about its members at an instant: it drops those
// that are gone, replaces those that do not run, and launches or terminates
// until it has as many as it wants.
func (r *region) look(g *group, at time.Time) {
	g.looked = at
	for _, m := range g.members {
		m.instance.settle(at)
		switch m.instance.state {
		case shuttingDown, terminated:
			m.leaving = true
		case stopping, stopped:
			if !m.leaving && g.runs("HealthCheck") {
				m.healthy = false
			}
			if !m.leaving && g.replaces(m) {
				r.dismiss(m, at)
			}
		default:
		}
	}
	g.members = slices.DeleteFunc(g.members, func(m *member) bool {
		return m.leaving && (m.instance.state == terminated || m.instance.gone)
	})
	staying := slices.DeleteFunc(slices.Clone(g.members), func(m *member) bool { return m.leaving })
	if g.runs("Terminate") {
		for n := range max(0, len(staying)-g.desired) { // the oldest go first
			r.dismiss(staying[n], at)
		}
	}
	if g.runs("Launch") {
		for n := range max(0, g.desired-len(staying)) {
			r.hire(g, len(staying)+n, at)
		}
	}
	for _, m := range g.members {
		if i := m.instance; !i.until.IsZero() && i.state != terminated {
			g.due = at.Add(groupLooks)
			return
		}
	}
}

// dismiss terminates a member.
func (r *region) dismiss(m *member, at time.Time) {
	m.leaving = true
	m.instance.terminate(at, between(r.rng, 20*time.Second, 40*time.Second))
	r.release(m.instance)
}

// hire launches the nth member.
func (r *region) hire(g *group, n int, at time.Time) {
	zones := r.zones()
	l := launch{
		kind: g.kind, system: systemOf(g.image), image: g.image, zone: zones[n%len(zones)], key: "practice",
		requester: "940372691376", // the Auto Scaling service
		tags:      tags{{groupNameTag, g.name}},
	}
	for _, t := range g.tags {
		if t.propagate {
			l.tags = append(l.tags, t.tag)
		}
	}
	root := volumeSpec{kind: "gp3", gib: l.system.rootGiB}
	if err := root.complete(); err == nil {
		l.disks = []disk{{device: l.system.rootDevice, spec: root, deleteToo: true}}
	}
	i := r.addReservation(l, 1, at).instances[0]
	i.state, i.reason, i.message = pending, "pending", "pending"
	i.changed = at
	i.until = at.Add(i.startTakes(r.rng))
	g.members = append(g.members, &member{instance: i, healthy: true})
}

// lifecycle is a member's state as the group sees it.
func (m *member) lifecycle() string {
	switch {
	case m.leaving:
		return "Terminating"
	case m.instance.state == pending:
		return "Pending"
	}
	return "InService"
}

func (m *member) health() string {
	if m.healthy {
		return "Healthy"
	}
	return "Unhealthy"
}
