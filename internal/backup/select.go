package backup

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"nightshift/internal/fleet"
)

// mostExcluded is how many data volumes CreateSnapshots leaves out at most.
const mostExcluded = 40

// estate is an Inventory, with what is looked up in it.
type estate struct {
	Inventory
	volumes   map[fleet.VolumeID]*fleet.Volume
	instances map[fleet.ResourceID]*fleet.Instance
	disks     map[fleet.ResourceID][]fleet.VolumeID // the volumes of an instance, in the order of their ids
	// volumeIDs and instanceIDs are those of resources that exist, in order.
	volumeIDs   []fleet.VolumeID
	instanceIDs []fleet.ResourceID
}

func newEstate(inv Inventory) *estate {
	e := &estate{
		Inventory: inv,
		volumes:   make(map[fleet.VolumeID]*fleet.Volume, len(inv.Volumes)),
		instances: make(map[fleet.ResourceID]*fleet.Instance, len(inv.Instances)),
		disks:     make(map[fleet.ResourceID][]fleet.VolumeID, len(inv.Instances)),
	}
	for n := range inv.Instances {
		if i := &inv.Instances[n]; i.State != fleet.Terminated && i.State != fleet.ShuttingDown {
			e.instances[i.ID] = i
		}
	}
	for n := range inv.Volumes {
		v := &inv.Volumes[n]
		if v.State != "deleting" && v.State != "deleted" {
			e.volumes[v.ID] = v
		}
	}
	e.instanceIDs, e.volumeIDs = slices.Sorted(maps.Keys(e.instances)), slices.Sorted(maps.Keys(e.volumes))
	for _, id := range e.volumeIDs {
		for _, on := range attachedTo(e.volumes[id]) {
			e.disks[on] = append(e.disks[on], id)
		}
	}
	return e
}

// attachedTo are the instances that a volume is attached to.
func attachedTo(v *fleet.Volume) []fleet.ResourceID {
	if len(v.Attachments) == 0 {
		return v.AttachedTo
	}
	var ids []fleet.ResourceID
	for _, a := range v.Attachments {
		if a.State != "detached" {
			ids = append(ids, a.Instance)
		}
	}
	return ids
}

// has says whether the resource of a chain exists; known is false where the listing that
// would have it is not whole and it is not in it: it may exist.
func (e *estate) has(id fleet.ResourceID) (exists, known bool) {
	part := PartInstances
	if v, ok := (Chain{Resource: id}).Volume(); ok {
		part, exists = PartVolumes, e.volumes[v] != nil
	} else {
		exists = e.instances[id] != nil
	}
	return exists, exists || e.Unread[part] == nil
}

// isRoot says whether a volume is the root volume of an instance.
func isRoot(v *fleet.Volume, i *fleet.Instance) bool {
	return i.RootDevice != "" && slices.ContainsFunc(v.Attachments, func(a fleet.Attachment) bool {
		return a.Instance == i.ID && a.Device == i.RootDevice
	})
}

// choice is what a plan has chosen so far: the first policy that selects a resource has
// it, and a volume is copied once.
type choice struct {
	estate   *estate
	policies []Policy
	creates  []Create
	owner    map[fleet.ResourceID]PolicyID // of a resource, the policy that has it
	claimed  map[fleet.VolumeID]Chain      // by which chain a volume is copied
}

// choose makes a Create for each resource that a policy selects, with its volumes, but
// without what is due.
func choose(e *estate, policies []Policy) *choice {
	c := &choice{estate: e, policies: policies, owner: map[fleet.ResourceID]PolicyID{}, claimed: map[fleet.VolumeID]Chain{}}
	for n := range policies {
		p := &policies[n]
		if len(p.Tags) == 0 {
			continue // it would select everything
		}
		if p.Resource == Instances {
			for _, id := range e.instanceIDs {
				if i := e.instances[id]; fleet.AllOn(p.Tags, i.Tags) {
					c.creates = append(c.creates, c.instance(p, i))
				}
			}
			continue
		}
		for _, id := range e.volumeIDs {
			if v := e.volumes[id]; fleet.AllOn(p.Tags, v.Tags) {
				c.creates = append(c.creates, c.volume(p, v))
			}
		}
	}
	return c
}

// take gives a resource to a policy; where an earlier one has it, it says so.
func (c *choice) take(p *Policy, id fleet.ResourceID) fleet.Reason {
	if first, ok := c.owner[id]; ok {
		return reason("shadowed", "policy %s comes first and has it", first)
	}
	c.owner[id] = p.ID
	return fleet.Reason{}
}

func (c *choice) instance(p *Policy, i *fleet.Instance) Create {
	out := Create{Policy: p.ID, Resource: i.ID, Name: i.Name(), Action: ActionNone}
	if out.Reason = c.take(p, i.ID); out.Reason != (fleet.Reason{}) {
		return out
	}
	if why := ephemeral(i); why != "" && !p.IncludeManaged {
		out.Reason = reason("ephemeral", "%s; include_managed copies it all the same", why)
		return out
	}
	disks := c.estate.disks[i.ID]
	if len(disks) == 0 {
		out.Reason = reason("no-volumes", "has no EBS volumes; those of an instance store cannot be copied")
		return out
	}
	chain, data := Chain{p.ID, i.ID}, 0
	for _, id := range disks {
		v := c.estate.volumes[id]
		root := isRoot(v, i)
		why := c.excluded(p, chain, v)
		if why == (fleet.Reason{}) && root && i.Lifecycle == fleet.Spot && !p.IncludeManaged {
			why = reason("ephemeral", "is the root volume of a Spot Instance")
		}
		switch {
		case why == (fleet.Reason{}):
			out.Volumes = append(out.Volumes, id)
			c.claimed[id] = chain
			continue
		case root:
			out.NoRoot = true
		default:
			data++
		}
		out.Excluded = append(out.Excluded, Exclusion{id, why})
	}
	out.Single = data > mostExcluded || len(out.Volumes) > mostMembers
	if len(out.Volumes) == 0 {
		out.Reason = reason("excluded", "all its volumes are excluded")
	}
	return out
}

// excluded says why a volume of an instance is not in its set.
func (c *choice) excluded(p *Policy, chain Chain, v *fleet.Volume) fleet.Reason {
	for _, t := range p.Exclude {
		if t.On(v.Tags) {
			return reason("excluded", "has the tag %s", t)
		}
	}
	if by, ok := c.claimed[v.ID]; ok && by != chain {
		if by.Policy == chain.Policy || v.MultiAttach {
			return reason("multi-attach", "is copied with %s, to which it is attached, too", by.Resource)
		}
		return reason("shadowed", "policy %s comes first and has it", by.Policy)
	}
	return fleet.Reason{}
}

func (c *choice) volume(p *Policy, v *fleet.Volume) Create {
	id := fleet.ResourceID(v.ID)
	out := Create{Policy: p.ID, Resource: id, Name: v.Name(), Action: ActionNone}
	if by, ok := c.claimed[v.ID]; ok && by.Resource != id {
		out.Reason = reason("shadowed", "policy %s comes first and copies it with %s", by.Policy, by.Resource)
		return out
	}
	if out.Reason = c.take(p, id); out.Reason != (fleet.Reason{}) {
		return out
	}
	if out.Reason = c.excluded(p, Chain{p.ID, id}, v); out.Reason != (fleet.Reason{}) {
		out.Excluded = []Exclusion{{v.ID, out.Reason}}
		return out
	}
	if why := c.estate.ephemeralVolume(v); why != "" && !p.IncludeManaged {
		out.Reason = reason("ephemeral", "%s; include_managed copies it all the same", why)
		out.Excluded = []Exclusion{{v.ID, out.Reason}}
		return out
	}
	if v.State != "available" && v.State != "in-use" {
		out.Reason = reason("not-ready", "is %s", cmp.Or(v.State, "in no known state"))
		return out
	}
	out.Volumes = []fleet.VolumeID{v.ID}
	c.claimed[v.ID] = Chain{p.ID, id}
	return out
}

// ephemeral says why an instance is not worth a copy: another service replaces it.
func ephemeral(i *fleet.Instance) string {
	if managed := fleet.EphemeralBy(i.Tags); managed != (fleet.Reason{}) {
		return managed.Text
	}
	return ""
}

// ephemeralVolume says the same of a volume, which goes with its instance. A persistent
// volume of Kubernetes outlives the nodes that it is attached to.
func (e *estate) ephemeralVolume(v *fleet.Volume) string {
	if persistent(v.Tags) {
		return ""
	}
	for _, a := range v.Attachments {
		i := e.instances[a.Instance]
		if i == nil || !a.DeleteOnTermination {
			continue
		}
		if why := ephemeral(i); why != "" {
			return fmt.Sprintf("goes with %s, which %s", i.ID, why)
		}
		if i.Lifecycle == fleet.Spot && isRoot(v, i) {
			return fmt.Sprintf("is the root volume of the Spot Instance %s", i.ID)
		}
	}
	return ""
}

// persistent says whether a volume was made for a PersistentVolume of Kubernetes: by the
// EBS CSI driver, or by what was in Kubernetes before it.
func persistent(tags fleet.Tags) bool {
	for key := range tags {
		if key == "CSIVolumeName" || key == "ebs.csi.aws.com/cluster" || strings.HasPrefix(key, "kubernetes.io/created-for/pv") {
			return true
		}
	}
	return false
}

func reason(code, format string, args ...any) fleet.Reason {
	return fleet.Reason{Code: code, Text: fmt.Sprintf(format, args...)}
}
