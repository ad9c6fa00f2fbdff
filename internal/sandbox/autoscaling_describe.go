package sandbox

import (
	"cmp"
	"maps"
	"slices"
	"strings"
)

// Sizes of the pages of DescribeAutoScalingGroups.
const (
	usualGroups = 50
	mostGroups  = 100
)

// describeGroups is DescribeAutoScalingGroups: groups in the order of their
// making. Names that no group has are left out.
func (c *groupCall) describeGroups() *apiError {
	names := c.form.texts("AutoScalingGroupNames.member")
	c.form.accept("AutoScalingGroupNames")
	keep, err := c.groupFilters()
	if err != nil {
		return err
	}
	inside := true
	if c.form.has("IncludeInstances") {
		inside = c.form.flag("IncludeInstances")
	}
	size := int64(usualGroups)
	if c.form.has("MaxRecords") {
		if size, err = c.form.number("MaxRecords"); err != nil {
			return validation(err.message)
		}
	}
	if size < 1 || size > mostGroups {
		return validation("The maximum number of records must be from 1 to 100")
	}
	token := c.form.text("NextToken")
	if err := c.unknown(); err != nil {
		return err
	}
	if err := c.call.authorize("*", nil); err != nil {
		return err
	}
	p := page{query: c.form.fingerprint(c.action), seed: c.org.seed, size: int(size)}
	p.seal = mixText(p.seed, c.region.name)
	if token != "" && p.resume(token) != nil {
		return invalid("InvalidNextToken", "The NextToken value is not valid.")
	}
	var rows []*group
	for _, g := range *slot[groups](c.region) {
		if p.after(g.seq, 0) && (len(names) == 0 || slices.Contains(names, g.name)) && keep(g) {
			rows = append(rows, g)
		}
	}
	slices.SortFunc(rows, func(a, b *group) int { return cmp.Compare(a.seq, b.seq) })
	rows, next := cutPage(p, rows, func(g *group) (uint64, int) { return g.seq, 0 })
	c.out.open("AutoScalingGroups")
	for _, g := range rows {
		c.out.open("member")
		c.out.group(c.region, g, inside)
		c.out.end("member")
	}
	c.out.end("AutoScalingGroups")
	c.out.some("NextToken", next)
	return nil
}

// groupFilters reads the filters tag-key, tag-value and tag:KEY, whose values
// are compared as they are: the API reference knows no wildcards here.
func (c *groupCall) groupFilters() (func(*group) bool, *apiError) {
	var all []func(*group) bool
	for _, n := range c.form.items("Filters.member") {
		name := n.text("Name")
		values := n.texts("Values.member")
		n.accept("Values")
		var of func(groupTag) string
		key, exact := strings.CutPrefix(name, "tag:")
		switch {
		case exact:
			of = func(t groupTag) string {
				if t.key != key {
					return "\x00"
				}
				return t.value
			}
		case name == "tag-key":
			of = func(t groupTag) string { return t.key }
		case name == "tag-value":
			of = func(t groupTag) string { return t.value }
		default:
			return nil, validation("Filter type " + name + " is not correct. Allowed filter types are: tag-key, tag-value, tag:<key>")
		}
		all = append(all, func(g *group) bool {
			return slices.ContainsFunc(g.tags, func(t groupTag) bool { return slices.Contains(values, of(t)) })
		})
	}
	c.form.accept("Filters")
	return func(g *group) bool {
		return !slices.ContainsFunc(all, func(f func(*group) bool) bool { return !f(g) })
	}, nil
}

func (d *doc) group(r *region, g *group, inside bool) {
	d.text("AutoScalingGroupName", g.name)
	d.text("AutoScalingGroupARN", g.arn(r))
	d.text("LaunchConfigurationName", g.launches)
	d.number("MinSize", int64(g.min))
	d.number("MaxSize", int64(g.max))
	d.number("DesiredCapacity", int64(g.desired))
	d.number("DefaultCooldown", 300)
	d.open("AvailabilityZones")
	for _, z := range r.zones() {
		d.text("member", z)
	}
	d.end("AvailabilityZones")
	d.text("HealthCheckType", "EC2")
	d.number("HealthCheckGracePeriod", 0)
	if inside {
		d.open("Instances")
		for _, m := range g.members {
			d.open("member")
			d.text("InstanceId", m.instance.id)
			d.text("InstanceType", m.instance.kind.Name)
			d.text("AvailabilityZone", m.instance.zone)
			d.text("LifecycleState", m.lifecycle())
			d.text("HealthStatus", m.health())
			d.text("LaunchConfigurationName", g.launches)
			d.flag("ProtectedFromScaleIn", false)
			d.end("member")
		}
		d.end("Instances")
	}
	d.time("CreatedTime", g.created)
	d.open("SuspendedProcesses")
	for _, p := range slices.Sorted(maps.Keys(g.suspended)) {
		d.open("member")
		d.text("ProcessName", p)
		d.text("SuspensionReason", g.suspended[p])
		d.end("member")
	}
	d.end("SuspendedProcesses")
	d.text("VPCZoneIdentifier", "")
	if g.warmPool {
		d.open("WarmPoolConfiguration")
		d.number("MinSize", 0)
		d.text("PoolState", "Stopped")
		d.end("WarmPoolConfiguration")
		d.number("WarmPoolSize", 0)
	}
	d.open("Tags")
	for _, t := range g.tags {
		d.open("member")
		d.text("ResourceId", g.name)
		d.text("ResourceType", "auto-scaling-group")
		d.text("Key", t.key)
		d.text("Value", t.value)
		d.flag("PropagateAtLaunch", t.propagate)
		d.end("member")
	}
	d.end("Tags")
	d.open("TerminationPolicies")
	d.text("member", "Default")
	d.end("TerminationPolicies")
	d.flag("NewInstancesProtectedFromScaleIn", false)
}
