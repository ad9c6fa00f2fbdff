package cloudformation

import (
	"cmp"
	"slices"
	"time"

	"nightshift/internal/sandbox/state"
	"nightshift/internal/sandbox/wire"
)

// fields writes elements, names and values by turns. Those without a value are
// left out.
func fields(d *wire.Doc, pairs ...string) {
	for i := 0; i+1 < len(pairs); i += 2 {
		d.Optional(pairs[i], pairs[i+1])
	}
}

// moment writes a time that has come.
func moment(d *wire.Doc, name string, t time.Time) {
	if !t.IsZero() {
		d.Time(name, t)
	}
}

// members writes a list.
func members[T any](d *wire.Doc, name string, list []T, write func(T)) {
	d.Open(name)
	for _, one := range list {
		d.Open("member")
		write(one)
		d.End("member")
	}
	d.End(name)
}

// pageOf writes a page of a list, with a token for the next one, which is the
// place of its first entry.
func pageOf[T any](c *formation, name string, list []T, size int, write func(T)) *wire.Error {
	at := 0
	if token := c.Params.Text("NextToken"); token != "" {
		mark, ok := wire.ReadBookmark(token)
		if !ok || mark.Request != c.Action || mark.Skip > len(list) {
			return wire.ValidationError("The specified NextToken is not valid")
		}
		at = mark.Skip
	}
	end := min(at+size, len(list))
	members(c.Out, name, list[at:end], write)
	if end < len(list) {
		c.Out.Text("NextToken", wire.Bookmark{Request: c.Action, Skip: end}.Encode())
	}
	return nil
}

func (c *formation) describeStacks() *wire.Error {
	list := slices.DeleteFunc(slices.Clone(c.stacks.list), func(s *stack) bool { return s.status == "DELETE_COMPLETE" })
	if c.Params.Has("StackName") {
		s, err := c.findStack()
		if err != nil {
			return err
		}
		list = []*stack{s}
	} else if err := c.Authorize("*", nil, nil); err != nil {
		return err
	}
	return pageOf(c, "Stacks", list, 50, func(s *stack) { s.write(c.Out) })
}

func (s *stack) write(d *wire.Doc) {
	fields(d, "StackId", s.id, "StackName", s.name, "ChangeSetId", s.changeSet)
	if s.template != nil {
		d.Optional("Description", s.template.description)
	}
	s.plan.write(d)
	moment(d, "CreationTime", s.created)
	moment(d, "LastUpdatedTime", s.updated)
	moment(d, "DeletionTime", s.deleted)
	fields(d, "StackStatus", s.status, "StackStatusReason", s.reason, "RoleARN", s.role)
	d.Flag("DisableRollback", s.disableRollback)
	d.Flag("EnableTerminationProtection", s.protected)
	if len(s.outputs) > 0 {
		members(d, "Outputs", s.outputs, func(o outputValue) {
			fields(d, "OutputKey", o.key, "Description", o.description)
			d.Text("OutputValue", o.value)
		})
	}
	drift := "NOT_CHECKED"
	if s.drifted {
		drift = "DRIFTED"
	}
	d.Open("DriftInformation")
	d.Text("StackDriftStatus", drift)
	d.End("DriftInformation")
}

// write writes the parameters, capabilities and tags of a plan.
func (p plan) write(d *wire.Doc) {
	if p.template != nil {
		members(d, "Parameters", p.template.parameters, func(one parameter) {
			v := p.parameters[one.name]
			if one.secret {
				v = "****"
			}
			d.Text("ParameterKey", one.name)
			d.Text("ParameterValue", v)
		})
	}
	members(d, "Capabilities", p.capabilities, d.Content)
	members(d, "Tags", p.tags, func(t state.Tag) {
		d.Text("Key", t.Key)
		d.Text("Value", t.Value)
	})
}

func (c *formation) describeStackEvents() *wire.Error {
	s, err := c.findStack()
	if err != nil {
		return err
	}
	list := slices.Clone(s.events)
	slices.Reverse(list)
	return pageOf(c, "StackEvents", list, 50, func(e event) {
		fields(c.Out, "StackId", s.id, "EventId", e.id, "StackName", s.name, "LogicalResourceId", e.resource, "PhysicalResourceId", e.physical,
			"ResourceType", e.kind, "ResourceStatus", e.status, "ResourceStatusReason", e.reason, "ClientRequestToken", e.token)
		c.Out.Time("Timestamp", e.at)
	})
}

func (c *formation) listStackResources() *wire.Error {
	s, err := c.findStack()
	if err != nil {
		return err
	}
	list := slices.DeleteFunc(slices.Clone(s.resources), func(r *record) bool { return r.status == "" })
	slices.SortFunc(list, func(a, b *record) int { return cmp.Compare(a.id, b.id) })
	return pageOf(c, "StackResourceSummaries", list, 100, func(r *record) {
		fields(c.Out, "LogicalResourceId", r.id, "PhysicalResourceId", r.physical, "ResourceType", r.kind, "ResourceStatus", r.status, "ResourceStatusReason", r.reason)
		c.Out.Time("LastUpdatedTimestamp", r.updated)
	})
}

func (c *formation) getTemplate() *wire.Error {
	s, err := c.findStack()
	if err != nil {
		return err
	}
	if s.template == nil {
		return errAbsent(s.name)
	}
	c.Out.Text("TemplateBody", s.template.body)
	members(c.Out, "StagesAvailable", []string{"Original", "Processed"}, c.Out.Content)
	return nil
}

func (c *formation) listChangeSets() *wire.Error {
	s, err := c.findStack()
	if err != nil {
		return err
	}
	open := slices.DeleteFunc(slices.Clone(s.changeSets), func(set *changeSet) bool { return set.execution != "" })
	return pageOf(c, "Summaries", open, 50, func(set *changeSet) { c.writeChangeSet(s, set) })
}

// writeChangeSet writes what a change set is in lists and descriptions alike.
func (c *formation) writeChangeSet(s *stack, set *changeSet) {
	status, execution := set.status(c.Now)
	fields(c.Out, "StackId", s.id, "StackName", s.name, "ChangeSetId", set.id, "ChangeSetName", set.name,
		"ExecutionStatus", execution, "Status", status, "Description", set.description)
	if status == "FAILED" {
		c.Out.Text("StatusReason", set.failure)
	}
	c.Out.Time("CreationTime", set.created)
}

func (c *formation) describeChangeSet() *wire.Error {
	s, set := c.findChangeSet()
	if err := c.authorizeStack(s); err != nil {
		return err
	}
	if set == nil {
		return c.noChangeSet(s)
	}
	changes := set.changes
	if c.Now.Before(set.ready) {
		changes = nil
	}
	c.writeChangeSet(s, set)
	set.write(c.Out)
	values := c.Params.Flag("IncludePropertyValues")
	return pageOf(c, "Changes", changes, 20, func(one change) {
		c.Out.Text("Type", "Resource")
		one.write(c.Out, values)
	})
}

func (o change) write(d *wire.Doc, values bool) {
	replacement := ""
	if o.action == "Modify" {
		replacement = "False"
	}
	if o.replacement {
		replacement = "True"
	}
	d.Open("ResourceChange")
	fields(d, "PolicyAction", o.policy, "Action", o.action, "LogicalResourceId", o.id, "PhysicalResourceId", o.physical,
		"ResourceType", o.kind, "Replacement", replacement)
	members(d, "Scope", o.scope, d.Content)
	members(d, "Details", o.details, func(one detail) {
		d.Open("Target")
		fields(d, "Attribute", one.attribute, "Name", one.name, "RequiresRecreation", one.recreation)
		d.End("Target")
		fields(d, "Evaluation", one.evaluation, "ChangeSource", one.source, "CausingEntity", one.cause)
	})
	if values {
		fields(d, "BeforeContext", contextOf(o.before), "AfterContext", contextOf(o.after))
	}
	d.End("ResourceChange")
}

// contextOf is a resource's properties as text.
func contextOf(properties map[string]any) string {
	if properties == nil {
		return ""
	}
	return written(map[string]any{"Properties": properties})
}
