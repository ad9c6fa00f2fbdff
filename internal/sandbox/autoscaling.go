package sandbox

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"time"
)

const autoScalingNamespace = "http://autoscaling.amazonaws.com/doc/2011-01-01/"

// groupCall is one Auto Scaling request.
type groupCall struct{ queryCall }

// groupAction is an operation of Auto Scaling. What it writes into out stands
// in the operation's result.
type groupAction func(*groupCall) *apiError

func groupActions() map[string]groupAction {
	return map[string]groupAction{
		"CreateAutoScalingGroup":    (*groupCall).createGroup,
		"CreateOrUpdateTags":        func(c *groupCall) *apiError { return c.changeTags(true) },
		"DeleteTags":                func(c *groupCall) *apiError { return c.changeTags(false) },
		"DescribeAutoScalingGroups": (*groupCall).describeGroups,
		"ResumeProcesses":           func(c *groupCall) *apiError { return c.changeProcesses(false) },
		"SuspendProcesses":          func(c *groupCall) *apiError { return c.changeProcesses(true) },
		"UpdateAutoScalingGroup":    (*groupCall).updateGroup,
	}
}

// autoScalingService is Amazon EC2 Auto Scaling.
func autoScalingService() service {
	return service{
		name: "autoscaling", operations: slices.Sorted(maps.Keys(groupActions())),
		read: (*request).readQuery, refusal: refuseQuery(autoScalingNamespace), serve: serveAutoScaling,
		names: func(r *call, hit faultHit) bool { return hit.byID(groupsNamed(r.form)...) },
	}
}

func serveAutoScaling(r *call) answer {
	run := groupActions()[r.action]
	if run == nil {
		return r.refuse(invalid("InvalidAction", "Could not find operation "+r.action+" for version 2011-01-01"))
	}
	answers := r.action == "DescribeAutoScalingGroups" // the others have no result
	return serveQuery(r, autoScalingNamespace, answers, func(c queryCall) *apiError { return run(&groupCall{c}) })
}

// unknown refuses parameters that the operation does not have.
func (c *groupCall) unknown() *apiError {
	if err := c.form.unknownParameter(); err != nil {
		return validation(err.message)
	}
	return nil
}

// named finds the group that the call is for and asks for permission on it.
// Who may not touch a group is not told whether there is one.
func (c *groupCall) named(name string) (*group, *apiError) {
	c.ids = 1
	g := c.region.groupNamed(name)
	arn := fmt.Sprintf("arn:aws:autoscaling:%s:%s:autoScalingGroup:*:autoScalingGroupName/%s", c.region.name, c.region.owner, name)
	ctx := &policyContext{region: c.region.name}
	if g != nil {
		arn, ctx.resourceTags = g.arn(c.region), g.plain()
	}
	if err := c.call.authorize(arn, ctx); err != nil {
		return nil, err
	}
	if g == nil {
		return nil, validation("AutoScalingGroup name not found - no such group: " + name)
	}
	return g, c.refused(g)
}

// groupsNamed are the names of the groups that a request is about.
func groupsNamed(p *params) []string {
	list := p.texts("AutoScalingGroupNames.member")
	if name := p.text("AutoScalingGroupName"); name != "" {
		list = append(list, name)
	}
	for _, n := range p.items("Tags.member") {
		list = append(list, n.text("ResourceId"))
	}
	return list
}

// refused answers a call about a group that a fault refuses.
func (c *groupCall) refused(g *group) *apiError {
	for _, h := range c.faults {
		if h.Kind != Refuse || h.ID != "" && !compile(h.ID).match(g.name) {
			continue
		}
		e := invalid(h.Code, "AutoScalingGroup "+g.name+" was refused: "+h.Code)
		if h.Code == "ResourceContention" {
			e = fail(http.StatusInternalServerError, h.Code, "You already have a pending update to an Auto Scaling resource")
		}
		return h.reworded(e)
	}
	return nil
}

// updateGroup is UpdateAutoScalingGroup for the sizes. Where the new minimum or
// maximum leaves the desired capacity outside and none is given, it follows.
func (c *groupCall) updateGroup() *apiError {
	name := c.form.text("AutoScalingGroupName")
	sizes := map[string]*int{}
	for _, field := range []string{"MinSize", "MaxSize", "DesiredCapacity"} {
		if !c.form.has(field) {
			continue
		}
		n, err := c.form.number(field)
		if err != nil {
			return validation(err.message)
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
	g.react(c.now)
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
func (c *groupCall) changeProcesses(suspend bool) *apiError {
	name := c.form.text("AutoScalingGroupName")
	wanted := c.form.texts("ScalingProcesses.member")
	c.form.accept("ScalingProcesses")
	if err := c.unknown(); err != nil {
		return err
	}
	g, err := c.named(name)
	if err != nil {
		return err
	}
	for _, p := range wanted {
		if !slices.Contains(processes(), p) {
			return validation(p + " is not a valid scaling process")
		}
	}
	if len(wanted) == 0 {
		wanted = processes()
	}
	for _, p := range wanted {
		switch {
		case !suspend:
			delete(g.suspended, p)
		case g.suspended[p] == "":
			g.suspended[p] = suspendedAt(c.now)
		}
	}
	g.react(c.now)
	return nil
}

// changeTags is CreateOrUpdateTags and DeleteTags: all or none.
func (c *groupCall) changeTags(create bool) *apiError {
	type change struct {
		group *group
		tagChange
		propagate bool
	}
	var changes []change
	nodes := c.form.items("Tags.member")
	for _, n := range nodes {
		n.accept("ResourceId", "ResourceType", "Key", "Value", "PropagateAtLaunch")
	}
	if err := c.unknown(); err != nil {
		return err
	}
	if len(nodes) == 0 {
		return validation("At least one tag must be given")
	}
	keys := map[string][]string{} // by group
	for _, n := range nodes {
		keys[n.text("ResourceId")] = append(keys[n.text("ResourceId")], n.text("Key"))
	}
	for _, n := range nodes {
		name := n.text("ResourceId")
		if kind := n.text("ResourceType"); kind != "auto-scaling-group" {
			return validation("The resource type " + kind + " is not supported. It must be auto-scaling-group")
		}
		g := c.region.groupNamed(name)
		if g == nil {
			return validation("AutoScalingGroup name not found - no such group: " + name)
		}
		ctx := &policyContext{resourceTags: g.plain(), tagKeys: keys[name], region: c.region.name}
		if err := c.call.authorize(g.arn(c.region), ctx); err != nil {
			return err
		}
		if err := c.refused(g); err != nil {
			return err
		}
		x := change{group: g, tagChange: tagChange{key: n.text("Key")}, propagate: n.flag("PropagateAtLaunch")}
		if v := n.at("Value"); v.set || create {
			x.value = &v.value
		}
		if create {
			if err := checkTags(tags{{x.key, *x.value}}); err != nil {
				return validation(err.message)
			}
		}
		changes = append(changes, x)
	}
	c.ids = len(keys)
	before := map[*group][]groupTag{}
	for _, x := range changes {
		if _, ok := before[x.group]; !ok {
			before[x.group] = slices.Clone(x.group.tags)
		}
		x.group.setTag(x.tagChange, x.propagate, create)
		if checkCount(x.group.plain()) != nil {
			for g, ts := range before {
				g.tags = ts
			}
			return invalid("LimitExceeded", "You have already reached a limit for your Amazon EC2 Auto Scaling resources: tags of a group")
		}
	}
	return nil
}

func (g *group) setTag(x tagChange, propagate, create bool) {
	n := slices.IndexFunc(g.tags, func(t groupTag) bool { return t.key == x.key })
	switch {
	case create && n >= 0:
		g.tags[n] = groupTag{tag{x.key, *x.value}, propagate}
	case create:
		g.tags = append(g.tags, groupTag{tag{x.key, *x.value}, propagate})
	case n >= 0 && (x.value == nil || *x.value == g.tags[n].value):
		g.tags = slices.Delete(g.tags, n, n+1)
	}
}
