package ec2

import (
	"net/http"
	"slices"
	"strings"
	"time"

	"nightshift/internal/sandbox/service"
	"nightshift/internal/sandbox/state"
	"nightshift/internal/sandbox/wire"
)

// refused answers a batch that names an instance which a fault refuses.
func (c *ec2Call) refused(batch []*state.Instance) *wire.Error {
	for _, h := range c.Faults {
		for _, i := range batch {
			if h.Kind != service.Refuse || !strikes(h, i) {
				continue
			}
			e := wire.Invalid(h.Code, "The instance '"+i.ID+"' was refused: "+h.Code)
			if h.Code == "InsufficientInstanceCapacity" {
				e = wire.Fail(http.StatusInternalServerError, h.Code, "Insufficient capacity.")
			}
			return h.Reworded(e)
		}
	}
	return nil
}

// slowed is how long a change of an instance takes.
func (c *ec2Call) slowed(i *state.Instance, usual time.Duration) time.Duration {
	for _, h := range c.Faults {
		if h.Kind == service.Slow && strikes(h, i) {
			return h.For
		}
	}
	return usual
}

// failure is the reason with which a start will fail, if it will.
func (c *ec2Call) failure(i *state.Instance) string {
	for _, h := range c.Faults {
		if h.Kind == service.FailStart && strikes(h, i) {
			if h.Code != "" {
				return h.Code
			}
			return "Server.InternalError"
		}
	}
	return ""
}

// shown is an instance's condition as this call sees it.
func (c *ec2Call) shown(i *state.Instance) state.Condition {
	if c.stale(i) && !i.Before.LaunchTime.IsZero() {
		return i.Before
	}
	return i.Condition
}

// hidden says whether this call does not see a new instance yet.
func (c *ec2Call) hidden(i *state.Instance) bool {
	return c.stale(i) && i.Before.LaunchTime.IsZero()
}

func (c *ec2Call) stale(i *state.Instance) bool {
	for _, h := range c.Faults {
		if h.Kind == service.Stale && !i.Changed.IsZero() && c.Now.Sub(i.Changed) < h.For && strikes(h, i) {
			return true
		}
	}
	return false
}

// unseen says whether this call does not show a new snapshot yet.
func (c *ec2Call) unseen(s *state.Snapshot) bool {
	return c.Now.Before(s.Visible) || c.staleSnapshot(s, s.Made)
}

// tagsOf are a snapshot's tags as this call shows them.
func (c *ec2Call) tagsOf(s *state.Snapshot) state.Tags {
	if s.Retag != nil && (c.Now.Before(s.Retag.Visible) || c.staleSnapshot(s, s.Retag.At)) {
		return s.Retag.Before
	}
	return s.Tags
}

// staleSnapshot says whether a fault lets this call show a snapshot as it was before a
// change.
func (c *ec2Call) staleSnapshot(s *state.Snapshot, changed time.Time) bool {
	for _, h := range c.Faults {
		if h.Kind == service.Stale && !changed.IsZero() && c.Now.Sub(changed) < h.For && strikesSnapshot(h, s.ID, c.Region.Volumes[s.Volume], s.Volume) {
			return true
		}
	}
	return false
}

// strikesSnapshot says whether a fault selects a snapshot by its id or by its volume,
// which may be gone.
func strikesSnapshot(h service.Hit, id string, of *state.Volume, volume string) bool {
	kind, zone := "", ""
	if of != nil {
		kind, zone = of.Type, of.Zone
	}
	return id != "" && h.Strikes(id, kind, zone) || h.Strikes(volume, kind, zone)
}

// strikes says whether an instance is among those that a fault selects.
func strikes(h service.Hit, i *state.Instance) bool { return h.Strikes(i.ID, i.Type.Name, i.Zone) }

// names says whether a call names an instance, a snapshot or a volume of one that a
// fault selects. A launch names a type only; a Describe of everything names all.
func names(r *service.Call, hit service.Hit) bool {
	if r.Action == "RunInstances" {
		kind, _ := r.Organization.Types.Spec(r.Params.Text("InstanceType"))
		return hit.Strikes("", kind.Name, r.Params.Text("Placement.AvailabilityZone"))
	}
	ids := func(name string) []string {
		list := r.Params.Texts(name)
		if id := r.Params.Text(name); id != "" {
			list = append(list, id)
		}
		return list
	}
	instances := append(ids("InstanceId"), ids("InstanceSpecification.InstanceId")...)
	snapshots := slices.Concat(ids("SnapshotId"), ids("ResourceId"))
	if strings.HasPrefix(r.Action, "Create") {
		snapshots = append(snapshots, ids("VolumeId")...)
	}
	if len(instances)+len(snapshots) == 0 {
		return hit.Kind == service.Stale || hit.Kind == service.Impair
	}
	reg := r.InRegion()
	reg.Mu.Lock()
	defer reg.Mu.Unlock()
	return slices.ContainsFunc(instances, func(id string) bool {
		i := reg.Instances[id]
		return i != nil && strikes(hit, i)
	}) || slices.ContainsFunc(snapshots, func(id string) bool { return namesSnapshot(reg, hit, id) })
}

// namesSnapshot says whether an id is that of a snapshot, or of a volume to make one of,
// that a fault selects.
func namesSnapshot(r *state.Region, hit service.Hit, id string) bool {
	if v := r.Volumes[id]; v != nil {
		return hit.Strikes(id, v.Type, v.Zone)
	}
	s := r.SnapshotNamed(id)
	return s != nil && strikesSnapshot(hit, id, r.Volumes[s.Volume], s.Volume)
}
