// Package autoscaling is Amazon EC2 Auto Scaling.
package autoscaling

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"time"

	"nightshift/internal/sandbox/glob"
	"nightshift/internal/sandbox/policy"
	"nightshift/internal/sandbox/service"
	"nightshift/internal/sandbox/state"
	"nightshift/internal/sandbox/wire"
)

const autoScalingNamespace = "http://autoscaling.amazonaws.com/doc/2011-01-01/"

// groupCall is one Auto Scaling request.
type groupCall struct{ service.Query }

// groupAction is an operation of Auto Scaling. What it writes into out is
// in the operation's result.
type groupAction func(*groupCall) *wire.Error

func groupActions() map[string]groupAction {
	return map[string]groupAction{
		"CreateAutoScalingGroup":    (*groupCall).createGroup,
		"CreateOrUpdateTags":        func(c *groupCall) *wire.Error { return c.changeTags(true) },
		"DeleteTags":                func(c *groupCall) *wire.Error { return c.changeTags(false) },
		"DescribeAutoScalingGroups": (*groupCall).describeGroups,
		"ResumeProcesses":           func(c *groupCall) *wire.Error { return c.changeProcesses(false) },
		"SuspendProcesses":          func(c *groupCall) *wire.Error { return c.changeProcesses(true) },
		"UpdateAutoScalingGroup":    (*groupCall).updateGroup,
	}
}

// Service is Amazon EC2 Auto Scaling.
func Service() service.Service {
	return service.Service{
		Name: "autoscaling", Operations: slices.Sorted(maps.Keys(groupActions())),
		Read: (*wire.Request).ReadQuery, Refusal: wire.RefuseQuery(autoScalingNamespace), Serve: serveAutoScaling,
		Names: func(r *service.Call, hit service.Hit) bool { return hit.ByID(groupsNamed(r.Params)...) },
	}
}

func serveAutoScaling(r *service.Call) wire.Answer {
	run := groupActions()[r.Action]
	if run == nil {
		return r.Refuse(wire.Invalid("InvalidAction", "Could not find operation "+r.Action+" for version 2011-01-01"))
	}
	answers := r.Action == "DescribeAutoScalingGroups" // the others have no result
	return service.ServeQuery(r, autoScalingNamespace, answers, func(c service.Query) *wire.Error { return run(&groupCall{c}) })
}

// unknown refuses parameters that the operation does not have.
func (c *groupCall) unknown() *wire.Error {
	if err := c.Params.UnknownParameter(); err != nil {
		return wire.ValidationError(err.Message)
	}
	return nil
}

// named finds the group that the call is for and asks for permission on it.
// A caller that may not touch a group does not learn whether there is one.
func (c *groupCall) named(name string) (*group, *wire.Error) {
	c.IDs = 1
	g := findGroup(c.Region, name)
	arn := fmt.Sprintf("arn:aws:autoscaling:%s:%s:autoScalingGroup:*:autoScalingGroupName/%s", c.Region.Name, c.Region.Owner, name)
	ctx := &policy.Context{Region: c.Region.Name}
	if g != nil {
		arn, ctx.ResourceTags = g.arn(c.Region), g.plain()
	}
	if err := c.Call.Authorize(arn, ctx); err != nil {
		return nil, err
	}
	if g == nil {
		return nil, wire.ValidationError("AutoScalingGroup name not found - no such group: " + name)
	}
	return g, c.refused(g)
}

// groupsNamed are the names of the groups that a request is about.
func groupsNamed(p *wire.Params) []string {
	list := p.Texts("AutoScalingGroupNames.member")
	if name := p.Text("AutoScalingGroupName"); name != "" {
		list = append(list, name)
	}
	for _, n := range p.Items("Tags.member") {
		list = append(list, n.Text("ResourceId"))
	}
	return list
}

// refused answers a call about a group that a fault refuses.
func (c *groupCall) refused(g *group) *wire.Error {
	for _, h := range c.Faults {
		if h.Kind != service.Refuse || h.ID != "" && !glob.Compile(h.ID).Match(g.name) {
			continue
		}
		e := wire.Invalid(h.Code, "AutoScalingGroup "+g.name+" was refused: "+h.Code)
		if h.Code == "ResourceContention" {
			e = wire.Fail(http.StatusInternalServerError, h.Code, "You already have a pending update to an Auto Scaling resource")
		}
		return h.Reworded(e)
	}
	return nil
}

// updateGroup is UpdateAutoScalingGroup for the sizes. Where the new minimum or
// maximum leaves the desired capacity outside and none is given, it follows.
func (c *groupCall) updateGroup() *wire.Error {
	name := c.Params.Text("AutoScalingGroupName")
	sizes := map[string]*int{}
	for _, field := range []string{"MinSize", "MaxSize", "DesiredCapacity"} {
		if !c.Params.Has(field) {
			continue
		}
		n, err := c.Params.Number(field)
		if err != nil {
			return wire.ValidationError(err.Message)
		}
		v := int(n)
		sizes[field] = &v
	}
	if err := c.unknown(); err != nil {
		return err
	}
	g, err := c.named(name)
	if err != nil {
		return err
	}
	least, desired, most := g.min, g.desired, g.max
	if v := sizes["MinSize"]; v != nil {
		least = *v
	}
	if v := sizes["MaxSize"]; v != nil {
		most = *v
	}
	if v := sizes["DesiredCapacity"]; v != nil {
		desired = *v
	} else {
		desired = max(least, min(desired, most))
	}
	if err := checkSizes(least, desired, most); err != nil {
		return err
	}
	g.min, g.desired, g.max = least, desired, most
	g.react(c.Now)
	return nil
}

// react makes the group look at its members shortly.
func (g *group) react(now time.Time) {
	if at := now.Add(groupReacts); g.due.IsZero() || at.Before(g.due) {
		g.due = at
	}
}

// changeProcesses is SuspendProcesses and ResumeProcesses. No process named
// means all.
func (c *groupCall) changeProcesses(suspend bool) *wire.Error {
	name := c.Params.Text("AutoScalingGroupName")
	requested := c.Params.Texts("ScalingProcesses.member")
	c.Params.Accept("ScalingProcesses")
	if err := c.unknown(); err != nil {
		return err
	}
	g, err := c.named(name)
	if err != nil {
		return err
	}
	for _, p := range requested {
		if !slices.Contains(processes(), p) {
			return wire.ValidationError(p + " is not a valid scaling process")
		}
	}
	if len(requested) == 0 {
		requested = processes()
	}
	for _, p := range requested {
		switch {
		case !suspend:
			delete(g.suspended, p)
		case g.suspended[p] == "":
			g.suspended[p] = suspendedAt(c.Now)
		}
	}
	g.react(c.Now)
	return nil
}

// changeTags is CreateOrUpdateTags and DeleteTags: all or none.
func (c *groupCall) changeTags(create bool) *wire.Error {
	type change struct {
		group *group
		service.TagChange
		propagate bool
	}
	var changes []change
	nodes := c.Params.Items("Tags.member")
	for _, n := range nodes {
		n.Accept("ResourceId", "ResourceType", "Key", "Value", "PropagateAtLaunch")
	}
	if err := c.unknown(); err != nil {
		return err
	}
	if len(nodes) == 0 {
		return wire.ValidationError("At least one tag must be given")
	}
	keys := map[string][]string{} // by group
	for _, n := range nodes {
		keys[n.Text("ResourceId")] = append(keys[n.Text("ResourceId")], n.Text("Key"))
	}
	for _, n := range nodes {
		name := n.Text("ResourceId")
		if kind := n.Text("ResourceType"); kind != "auto-scaling-group" {
			return wire.ValidationError("The resource type " + kind + " is not supported. It must be auto-scaling-group")
		}
		g := findGroup(c.Region, name)
		if g == nil {
			return wire.ValidationError("AutoScalingGroup name not found - no such group: " + name)
		}
		ctx := &policy.Context{ResourceTags: g.plain(), TagKeys: keys[name], Region: c.Region.Name}
		if err := c.Call.Authorize(g.arn(c.Region), ctx); err != nil {
			return err
		}
		if err := c.refused(g); err != nil {
			return err
		}
		x := change{group: g, TagChange: service.TagChange{Key: n.Text("Key")}, propagate: n.Flag("PropagateAtLaunch")}
		if v := n.At("Value"); v.Set || create {
			x.Value = &v.Value
		}
		if create {
			if err := service.CheckTags(state.Tags{{Key: x.Key, Value: *x.Value}}); err != nil {
				return wire.ValidationError(err.Message)
			}
		}
		changes = append(changes, x)
	}
	c.IDs = len(keys)
	before := map[*group][]groupTag{}
	for _, x := range changes {
		if _, ok := before[x.group]; !ok {
			before[x.group] = slices.Clone(x.group.tags)
		}
		x.group.setTag(x.TagChange, x.propagate, create)
		if service.CheckCount(x.group.plain()) != nil {
			for g, ts := range before {
				g.tags = ts
			}
			return wire.Invalid("LimitExceeded", "You have already reached a limit for your Amazon EC2 Auto Scaling resources: tags of a group")
		}
	}
	return nil
}

func (g *group) setTag(x service.TagChange, propagate, create bool) {
	n := slices.IndexFunc(g.tags, func(t groupTag) bool { return t.Key == x.Key })
	switch {
	case create && n >= 0:
		g.tags[n] = groupTag{state.Tag{Key: x.Key, Value: *x.Value}, propagate}
	case create:
		g.tags = append(g.tags, groupTag{state.Tag{Key: x.Key, Value: *x.Value}, propagate})
	case n >= 0 && (x.Value == nil || *x.Value == g.tags[n].Value):
		g.tags = slices.Delete(g.tags, n, n+1)
	}
}
