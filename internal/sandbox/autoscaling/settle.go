package autoscaling

import (
	"slices"
	"time"

	"nightshift/internal/sandbox/random"
	"nightshift/internal/sandbox/state"
)

// settleGroups brings the region's groups to where they are by now.
func settleGroups(r *state.Region, now time.Time) {
	for _, g := range *state.Slot[groups](r) {
		g.notice(now)
		for !g.due.IsZero() && !now.Before(g.due) {
			at := g.due
			g.due = time.Time{}
			adjust(r, g, at)
			g.notice(now)
		}
	}
}

// notice makes a group look at members that somebody else has stopped or
// terminated.
func (g *group) notice(now time.Time) {
	for _, m := range g.members {
		i := m.instance
		i.Settle(now)
		if m.leaving || !g.replaces(m) {
			continue
		}
		at := i.Changed.Add(groupFindsAbout)
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
	switch m.instance.State {
	case state.ShuttingDown, state.Terminated:
		return true // it is gone whatever the group may do
	case state.Stopping, state.Stopped:
		return g.runs("HealthCheck") && g.runs("ReplaceUnhealthy") && g.runs("Terminate")
	default:
		return false
	}
}

// adjust is what a group does about its members at an instant: it drops those
// that are gone, replaces those that do not run, and launches or terminates
// until it has as many as it wants.
func adjust(r *state.Region, g *group, at time.Time) {
	g.looked = at
	for _, m := range g.members {
		m.instance.Settle(at)
		switch m.instance.State {
		case state.ShuttingDown, state.Terminated:
			m.leaving = true
		case state.Stopping, state.Stopped:
			if !m.leaving && g.runs("HealthCheck") {
				m.healthy = false
			}
			if !m.leaving && g.replaces(m) {
				terminateMember(r, m, at)
			}
		default:
		}
	}
	g.members = slices.DeleteFunc(g.members, func(m *member) bool {
		return m.leaving && (m.instance.State == state.Terminated || m.instance.Gone)
	})
	staying := slices.DeleteFunc(slices.Clone(g.members), func(m *member) bool { return m.leaving })
	if g.runs("Terminate") {
		for n := range max(0, len(staying)-g.desired) { // the oldest go first
			terminateMember(r, staying[n], at)
		}
	}
	if g.runs("Launch") {
		for n := range max(0, g.desired-len(staying)) {
			launchMember(r, g, len(staying)+n, at)
		}
	}
	for _, m := range g.members {
		if i := m.instance; !i.Until.IsZero() && i.State != state.Terminated {
			g.due = at.Add(groupLooks)
			return
		}
	}
}

// terminateMember terminates a member.
func terminateMember(r *state.Region, m *member, at time.Time) {
	m.leaving = true
	m.instance.Terminate(at, random.Between(r.Rand, 20*time.Second, 40*time.Second))
	r.Release(m.instance)
}

// launchMember launches the nth member.
func launchMember(r *state.Region, g *group, n int, at time.Time) {
	zones := r.Zones()
	l := state.Launch{
		Type: g.kind, System: state.SystemOf(g.image), Image: g.image, Zone: zones[n%len(zones)], KeyName: "practice",
		Requester: "940372691376", // the Auto Scaling service
		Tags:      state.Tags{{Key: GroupNameTag, Value: g.name}},
	}
	for _, t := range g.tags {
		if t.propagate {
			l.Tags = append(l.Tags, t.Tag)
		}
	}
	root := state.VolumeSpec{Type: "gp3", SizeGiB: l.System.RootGiB}
	if err := root.Complete(); err == nil {
		l.Disks = []state.Disk{{Device: l.System.RootDevice, Spec: root, DeleteOnTermination: true}}
	}
	i := r.AddReservation(l, 1, at).Instances[0]
	i.State, i.Reason, i.Message = state.Pending, "pending", "pending"
	i.Changed = at
	i.Until = at.Add(i.StartTakes(r.Rand))
	g.members = append(g.members, &member{instance: i, healthy: true})
}

// lifecycle is a member's state as the group sees it.
func (m *member) lifecycle() string {
	switch {
	case m.leaving:
		return "Terminating"
	case m.instance.State == state.Pending:
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
