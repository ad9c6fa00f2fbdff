package autoscaling

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"nightshift/internal/sandbox/random"
	"nightshift/internal/sandbox/state"
	"nightshift/internal/sandbox/wire"
)

// Sizes of the pages of DescribeAutoScalingGroups.
const (
	usualGroups = 50
	mostGroups  = 100
)

// describeGroups is DescribeAutoScalingGroups: groups in the order of their
// making. Names that no group has are left out.
func (c *groupCall) describeGroups() *wire.Error {
	names := c.Params.Texts("AutoScalingGroupNames.member")
	c.Params.Accept("AutoScalingGroupNames")
	matches, err := c.groupFilters()
	if err != nil {
		return err
	}
	inside := true
	if c.Params.Has("IncludeInstances") {
		inside = c.Params.Flag("IncludeInstances")
	}
	size := int64(usualGroups)
	if c.Params.Has("MaxRecords") {
		if size, err = c.Params.Number("MaxRecords"); err != nil {
			return wire.ValidationError(err.Message)
		}
	}
	if size < 1 || size > mostGroups {
		return wire.ValidationError("The maximum number of records must be from 1 to 100")
	}
	token := c.Params.Text("NextToken")
	if err := c.unknown(); err != nil {
		return err
	}
	if err := c.Call.Authorize("*", nil); err != nil {
		return err
	}
	p := wire.Page{Query: c.Params.Fingerprint(c.Action), Seed: c.Organization.Seed, Size: int(size)}
	p.Seal = random.HashText(p.Seed, c.Region.Name)
	if token != "" && p.Resume(token) != nil {
		return wire.Invalid("InvalidNextToken", "The NextToken value is not valid.")
	}
	var rows []*group
	for _, g := range *state.Slot[groups](c.Region) {
		if p.After(g.seq, 0) && (len(names) == 0 || slices.Contains(names, g.name)) && matches(g) {
			rows = append(rows, g)
		}
	}
	slices.SortFunc(rows, func(a, b *group) int { return cmp.Compare(a.seq, b.seq) })
	rows, next := wire.CutPage(p, rows, func(g *group) (uint64, int) { return g.seq, 0 })
	c.Out.Open("AutoScalingGroups")
	for _, g := range rows {
		c.Out.Open("member")
		writeGroup(c.Out, c.Region, g, inside)
		c.Out.End("member")
	}
	c.Out.End("AutoScalingGroups")
	c.Out.Optional("NextToken", next)
	return nil
}

// groupFilters reads the filters tag-key, tag-value and tag:KEY, whose values
// are compared as they are: the API reference knows no wildcards here.
func (c *groupCall) groupFilters() (func(*group) bool, *wire.Error) {
	var all []func(*group) bool
	for _, n := range c.Params.Items("Filters.member") {
		name := n.Text("Name")
		values := n.Texts("Values.member")
		n.Accept("Values")
		var of func(groupTag) string
		key, exact := strings.CutPrefix(name, "tag:")
		switch {
		case exact:
			of = func(t groupTag) string {
				if t.Key != key {
					return "\x00"
				}
				return t.Value
			}
		case name == "tag-key":
			of = func(t groupTag) string { return t.Key }
		case name == "tag-value":
			of = func(t groupTag) string { return t.Value }
		default:
			return nil, wire.ValidationError("Filter type " + name + " is not correct. Allowed filter types are: tag-key, tag-value, tag:<key>")
		}
		all = append(all, func(g *group) bool {
			return slices.ContainsFunc(g.tags, func(t groupTag) bool { return slices.Contains(values, of(t)) })
		})
	}
	c.Params.Accept("Filters")
	return func(g *group) bool {
		return !slices.ContainsFunc(all, func(f func(*group) bool) bool { return !f(g) })
	}, nil
}

func writeGroup(d *wire.Doc, r *state.Region, g *group, inside bool) {
	d.Text("AutoScalingGroupName", g.name)
	d.Text("AutoScalingGroupARN", g.arn(r))
	d.Text("LaunchConfigurationName", g.launches)
	d.Number("MinSize", int64(g.min))
	d.Number("MaxSize", int64(g.max))
	d.Number("DesiredCapacity", int64(g.desired))
	d.Number("DefaultCooldown", 300)
	d.Open("AvailabilityZones")
	for _, z := range r.Zones() {
		d.Text("member", z)
	}
	d.End("AvailabilityZones")
	d.Text("HealthCheckType", "EC2")
	d.Number("HealthCheckGracePeriod", 0)
	if inside {
		d.Open("Instances")
		for _, m := range g.members {
			d.Open("member")
			d.Text("InstanceId", m.instance.ID)
			d.Text("InstanceType", m.instance.Type.Name)
			d.Text("AvailabilityZone", m.instance.Zone)
			d.Text("LifecycleState", m.lifecycle())
			d.Text("HealthStatus", m.health())
			d.Text("LaunchConfigurationName", g.launches)
			d.Flag("ProtectedFromScaleIn", false)
			d.End("member")
		}
		d.End("Instances")
	}
	d.Time("CreatedTime", g.created)
	d.Open("SuspendedProcesses")
	for _, p := range slices.Sorted(maps.Keys(g.suspended)) {
		d.Open("member")
		d.Text("ProcessName", p)
		d.Text("SuspensionReason", g.suspended[p])
		d.End("member")
	}
	d.End("SuspendedProcesses")
	d.Text("VPCZoneIdentifier", "")
	if g.warmPool {
		d.Open("WarmPoolConfiguration")
		d.Number("MinSize", 0)
		d.Text("PoolState", "Stopped")
		d.End("WarmPoolConfiguration")
		d.Number("WarmPoolSize", 0)
	}
	d.Open("Tags")
	for _, t := range g.tags {
		d.Open("member")
		d.Text("ResourceId", g.name)
		d.Text("ResourceType", "auto-scaling-group")
		d.Text("Key", t.Key)
		d.Text("Value", t.Value)
		d.Flag("PropagateAtLaunch", t.propagate)
		d.End("member")
	}
	d.End("Tags")
	d.Open("TerminationPolicies")
	d.Text("member", "Default")
	d.End("TerminationPolicies")
	d.Flag("NewInstancesProtectedFromScaleIn", false)
}
