package sandbox

import (
	"fmt"
)

// createGroup is CreateAutoScalingGroup for a group like an instance that is
// there. Auto Scaling makes a launch configuration of the group's name from it.
func (c *groupCall) createGroup() *apiError {
	g := &group{name: c.form.text("AutoScalingGroupName"), suspended: map[string]string{}, created: c.now, looked: c.now, due: c.now}
	g.launches = g.name
	id := c.form.text("InstanceId")
	for _, field := range []struct {
		name string
		into *int
	}{{"MinSize", &g.min}, {"MaxSize", &g.max}, {"DesiredCapacity", &g.desired}} {
		n, err := c.form.number(field.name)
		if err != nil {
			return validation(err.message)
		}
		*field.into = int(n)
	}
	if !c.form.has("DesiredCapacity") {
		g.desired = g.min
	}
	for _, n := range c.form.items("Tags.member") {
		n.accept("ResourceId", "ResourceType")
		x := groupTag{tag{n.text("Key"), n.text("Value")}, n.flag("PropagateAtLaunch")}
		if err := checkTags(tags{x.tag}); err != nil {
			return validation(err.message)
		}
		g.tags = append(g.tags, x)
	}
	for _, z := range c.form.texts("AvailabilityZones.member") {
		if !c.region.hasZone(z) {
			return validation("Invalid Availability Zone: " + z)
		}
	}
	c.form.accept("Tags", "AvailabilityZones", "VPCZoneIdentifier")
	if err := c.unknown(); err != nil {
		return err
	}
	if id == "" {
		return validation("The practice account makes groups like an instance: the parameter InstanceId is missing")
	}
	arn := fmt.Sprintf("arn:aws:autoscaling:%s:%s:autoScalingGroup:*:autoScalingGroupName/%s", c.region.name, c.region.owner, g.name)
	if err := c.call.authorize(arn, &policyContext{region: c.region.name, tagKeys: g.plain().keys()}); err != nil {
		return err
	}
	model := c.region.instances[id]
	if model == nil || model.gone || model.state == terminated {
		return validation("Invalid Instance ID: " + id)
	}
	g.kind, g.image = model.kind, model.image
	if err := c.region.addGroup(g); err != nil {
		return err
	}
	c.region.settle(c.now)
	return nil
}
