package autoscaling

import (
	"fmt"

	"nightshift/internal/sandbox/policy"
	"nightshift/internal/sandbox/service"
	"nightshift/internal/sandbox/state"
	"nightshift/internal/sandbox/wire"
)

// createGroup is CreateAutoScalingGroup for a group like an instance that is
// there. Auto Scaling makes a launch configuration of the group's name from it.
func (c *groupCall) createGroup() *wire.Error {
	g := &group{name: c.Params.Text("AutoScalingGroupName"), suspended: map[string]string{}, created: c.Now, looked: c.Now, due: c.Now}
	g.launches = g.name
	id := c.Params.Text("InstanceId")
	for _, field := range []struct {
		name string
		into *int
	}{{"MinSize", &g.min}, {"MaxSize", &g.max}, {"DesiredCapacity", &g.desired}} {
		n, err := c.Params.Number(field.name)
		if err != nil {
			return wire.ValidationError(err.Message)
		}
		*field.into = int(n)
	}
	if !c.Params.Has("DesiredCapacity") {
		g.desired = g.min
	}
	for _, n := range c.Params.Items("Tags.member") {
		n.Accept("ResourceId", "ResourceType")
		x := groupTag{state.Tag{Key: n.Text("Key"), Value: n.Text("Value")}, n.Flag("PropagateAtLaunch")}
		if err := service.CheckTags(state.Tags{x.Tag}); err != nil {
			return wire.ValidationError(err.Message)
		}
		g.tags = append(g.tags, x)
	}
	for _, z := range c.Params.Texts("AvailabilityZones.member") {
		if !c.Region.HasZone(z) {
			return wire.ValidationError("Invalid Availability Zone: " + z)
		}
	}
	c.Params.Accept("Tags", "AvailabilityZones", "VPCZoneIdentifier")
	if err := c.unknown(); err != nil {
		return err
	}
	if id == "" {
		return wire.ValidationError("The sandbox makes groups like an instance: the parameter InstanceId is missing")
	}
	arn := fmt.Sprintf("arn:aws:autoscaling:%s:%s:autoScalingGroup:*:autoScalingGroupName/%s", c.Region.Name, c.Region.Owner, g.name)
	if err := c.Call.Authorize(arn, &policy.Context{Region: c.Region.Name, TagKeys: g.plain().Keys()}); err != nil {
		return err
	}
	model := c.Region.Instances[id]
	if model == nil || model.Gone || model.State == state.Terminated {
		return wire.ValidationError("Invalid Instance ID: " + id)
	}
	g.kind, g.image = model.Type, model.Image
	if err := addGroup(c.Region, g); err != nil {
		return err
	}
	c.Region.Settle(c.Now)
	return nil
}
