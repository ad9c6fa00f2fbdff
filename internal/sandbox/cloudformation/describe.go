package cloudformation

import (
	"cmp"
	"maps"
	"slices"

	"nightshift/internal/sandbox/state"
	"nightshift/internal/sandbox/wire"
)

// pageOf are the entries of a page, whose token is the place of its first one.
func pageOf[T any](c *formation, list []T, size int) ([]T, string, *wire.Error) {
	at := 0
	if token := c.Params.Text("NextToken"); token != "" {
		mark, ok := wire.ReadBookmark(token)
		if !ok || mark.Request != c.Action || mark.Skip > len(list) {
			return nil, "", wire.ValidationError("The specified NextToken is not valid")
		}
		at = mark.Skip
	}
	if len(list) <= at+size {
		return list[at:], "", nil
	}
	return list[at : at+size], wire.Bookmark{Request: c.Action, Skip: at + size}.Encode(), nil
}

func (c *formation) describeStacks() *wire.Error {
	list := []*stack{}
	if c.Params.Has("StackName") {
		s, err := c.findStack()
		if err != nil {
			return err
		}
		list = append(list, s)
	} else {
		if err := c.Authorize("*", nil, nil); err != nil {
			return err
		}
		for _, s := range c.stacks.list {
			if s.status != "DELETE_COMPLETE" {
				list = append(list, s)
			}
		}
	}
	page, next, err := pageOf(c, list, 50)
	if err != nil {
		return err
	}
	c.Out.Open("Stacks")
	for _, s := range page {
		c.writeStack(s)
	}
	c.Out.End("Stacks")
	c.Out.Optional("NextToken", next)
	return nil
}

func (c *formation) writeStack(s *stack) {
	d := c.Out
	d.Open("member")
	d.Text("StackId", s.id)
	d.Text("StackName", s.name)
	d.Optional("ChangeSetId", s.changeSet)
	if s.template != nil {
		d.Optional("Description", s.template.description)
		writeParameters(d, s.plan)
	}
	d.Time("CreationTime", s.created)
	if !s.updated.IsZero() {
		d.Time("LastUpdatedTime", s.updated)
	}
	if !s.deleted.IsZero() {
		d.Time("DeletionTime", s.deleted)
	}
	d.Text("StackStatus", s.status)
	d.Optional("StackStatusReason", s.reason)
	d.Flag("DisableRollback", s.disableRollback)
	d.Flag("EnableTerminationProtection", s.protected)
	writeTexts(d, "Capabilities", s.capabilities)
	if len(s.outputs) > 0 {
		d.Open("Outputs")
		for _, o := range s.outputs {
			d.Open("member")
			d.Text("OutputKey", o.key)
			d.Text("OutputValue", o.value)
			d.Optional("Description", o.description)
			d.End("member")
		}
		d.End("Outputs")
	}
	d.Optional("RoleARN", s.role)
	writeTags(d, s.tags)
	d.Open("DriftInformation")
	drift := "NOT_CHECKED"
	if s.drifted {
		drift = "DRIFTED"
	}
	d.Text("StackDriftStatus", drift)
	d.End("DriftInformation")
	d.End("member")
}

func writeParameters(d *wire.Doc, p plan) {
	d.Open("Parameters")
	for _, one := range p.template.parameters {
		v := p.parameters[one.name]
		if one.secret {
			v = "****"
		}
		d.Open("member")
		d.Text("ParameterKey", one.name)
		d.Text("ParameterValue", v)
		d.End("member")
	}
	d.End("Parameters")
}

func writeTexts(d *wire.Doc, name string, list []string) {
	d.Open(name)
	for _, one := range list {
		d.Text("member", one)
	}
	d.End(name)
}

func writeTags(d *wire.Doc, tags state.Tags) {
	d.Open("Tags")
	for _, one := range tags {
		d.Open("member")
		d.Text("Key", one.Key)
		d.Text("Value", one.Value)
		d.End("member")
	}
	d.End("Tags")
}

func (c *formation) describeStackEvents() *wire.Error {
	s, err := c.findStack()
	if err != nil {
		return err
	}
	list := slices.Clone(s.events)
	slices.Reverse(list)
	page, next, err := pageOf(c, list, 50)
	if err != nil {
		return err
	}
	d := c.Out
	d.Open("StackEvents")
	for _, e := range page {
		d.Open("member")
		d.Text("StackId", s.id)
		d.Text("EventId", e.id)
		d.Text("StackName", s.name)
		d.Text("LogicalResourceId", e.resource)
		d.Text("PhysicalResourceId", e.physical)
		d.Text("ResourceType", e.kind)
		d.Time("Timestamp", e.at)
		d.Text("ResourceStatus", e.status)
		d.Optional("ResourceStatusReason", e.reason)
		d.Optional("ClientRequestToken", e.token)
		d.End("member")
	}
	d.End("StackEvents")
	d.Optional("NextToken", next)
	return nil
}

// resourcesOf answers ListStackResources and DescribeStackResources, which call
// the same things by other names.
func (c *formation) resourcesOf(list, when string, pages bool) *wire.Error {
	s, err := c.findStack()
	if err != nil {
		return err
	}
	only := c.Params.Text("LogicalResourceId")
	found := slices.DeleteFunc(slices.Clone(s.resources), func(r *record) bool { return r.status == "" || only != "" && r.id != only })
	slices.SortFunc(found, func(a, b *record) int { return cmp.Compare(a.id, b.id) })
	size := 100
	if !pages {
		size = len(found)
	}
	page, next, err := pageOf(c, found, size)
	if err != nil {
		return err
	}
	d := c.Out
	d.Open(list)
	for _, r := range page {
		d.Open("member")
		if !pages {
			d.Text("StackName", s.name)
			d.Text("StackId", s.id)
		}
		d.Text("LogicalResourceId", r.id)
		d.Optional("PhysicalResourceId", r.physical)
		d.Text("ResourceType", r.kind)
		d.Time(when, r.updated)
		d.Text("ResourceStatus", r.status)
		d.Optional("ResourceStatusReason", r.reason)
		d.Open("DriftInformation")
		d.Text("StackResourceDriftStatus", "NOT_CHECKED")
		d.End("DriftInformation")
		d.End("member")
	}
	d.End(list)
	d.Optional("NextToken", next)
	return nil
}

func (c *formation) getTemplate() *wire.Error {
	s := c.stacks.find(c.Params.Text("StackName"))
	var set *changeSet
	if c.Params.Has("ChangeSetName") {
		s, set = c.findChangeSet()
	}
	if err := c.authorizeStack(s); err != nil {
		return err
	}
	switch {
	case c.Params.Has("ChangeSetName") && set == nil:
		return c.noChangeSet(s)
	case set != nil:
		c.Out.Text("TemplateBody", set.template.body)
	case s == nil || s.template == nil:
		return errAbsent(c.Params.Text("StackName"))
	default:
		c.Out.Text("TemplateBody", s.template.body)
	}
	writeTexts(c.Out, "StagesAvailable", []string{"Original", "Processed"})
	return nil
}

// getTemplateSummary says which parameters a template or a stack declares.
func (c *formation) getTemplateSummary() *wire.Error {
	t, err := c.summarized()
	if err != nil {
		return err
	}
	d := c.Out
	d.Open("Parameters")
	for _, p := range t.parameters {
		d.Open("member")
		d.Text("ParameterKey", p.name)
		if p.hasDefault {
			d.Text("DefaultValue", p.standard)
		}
		d.Text("ParameterType", p.kind)
		d.Flag("NoEcho", p.secret)
		d.Open("ParameterConstraints")
		writeTexts(d, "AllowedValues", p.allowed)
		d.End("ParameterConstraints")
		d.End("member")
	}
	d.End("Parameters")
	d.Optional("Description", t.description)
	return nil
}

// summarized is the template that a request for a summary is about.
func (c *formation) summarized() (*template, *wire.Error) {
	if !c.Params.Has("StackName") {
		if err := c.Authorize("*", nil, nil); err != nil {
			return nil, err
		}
		return parseTemplate(c.Params.Text("TemplateBody"))
	}
	s, err := c.findStack()
	if err != nil {
		return nil, err
	}
	if s.template == nil {
		return nil, errAbsent(s.name)
	}
	return s.template, nil
}

func (c *formation) listChangeSets() *wire.Error {
	s, err := c.findStack()
	if err != nil {
		return err
	}
	open := slices.DeleteFunc(slices.Clone(s.changeSets), func(set *changeSet) bool { return set.execution != "" })
	page, next, err := pageOf(c, open, 50)
	if err != nil {
		return err
	}
	c.Out.Open("Summaries")
	for _, set := range page {
		c.Out.Open("member")
		c.writeChangeSet(s, set)
		c.Out.End("member")
	}
	c.Out.End("Summaries")
	c.Out.Optional("NextToken", next)
	return nil
}

// writeChangeSet writes what a change set is in lists and descriptions alike.
func (c *formation) writeChangeSet(s *stack, set *changeSet) {
	d := c.Out
	status, execution := set.status(c.Now)
	d.Text("StackId", s.id)
	d.Text("StackName", s.name)
	d.Text("ChangeSetId", set.id)
	d.Text("ChangeSetName", set.name)
	d.Text("ExecutionStatus", execution)
	d.Text("Status", status)
	if status == "FAILED" {
		d.Text("StatusReason", set.failure)
	}
	d.Time("CreationTime", set.created)
	d.Optional("Description", set.description)
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
	page, next, err := pageOf(c, changes, 20)
	if err != nil {
		return err
	}
	c.writeChangeSet(s, set)
	writeParameters(c.Out, set.plan)
	writeTexts(c.Out, "Capabilities", set.capabilities)
	writeTags(c.Out, set.tags)
	c.Out.Open("Changes")
	values := c.Params.Flag("IncludePropertyValues")
	for _, one := range page {
		c.Out.Open("member")
		c.Out.Text("Type", "Resource")
		one.write(c.Out, values)
		c.Out.End("member")
	}
	c.Out.End("Changes")
	c.Out.Optional("NextToken", next)
	return nil
}

func (o change) write(d *wire.Doc, values bool) {
	d.Open("ResourceChange")
	d.Optional("PolicyAction", o.policy)
	d.Text("Action", o.action)
	d.Text("LogicalResourceId", o.id)
	d.Optional("PhysicalResourceId", o.physical)
	d.Text("ResourceType", o.kind)
	if o.action == "Modify" {
		word := "False"
		if o.replacement {
			word = "True"
		}
		d.Text("Replacement", word)
	}
	writeTexts(d, "Scope", o.scope)
	d.Open("Details")
	for _, one := range o.details {
		d.Open("member")
		d.Open("Target")
		d.Text("Attribute", one.attribute)
		d.Optional("Name", one.name)
		d.Text("RequiresRecreation", one.recreation)
		if values && one.name != "" {
			d.Text("Path", "/Properties/"+one.name)
			d.Optional("BeforeValue", one.before)
			d.Optional("AfterValue", one.after)
			d.Text("AttributeChangeType", one.changeType())
		}
		d.End("Target")
		d.Text("Evaluation", one.evaluation)
		d.Text("ChangeSource", one.source)
		d.Optional("CausingEntity", one.cause)
		d.End("member")
	}
	d.End("Details")
	if values {
		d.Optional("BeforeContext", contextOf(o.before))
		d.Optional("AfterContext", contextOf(o.after))
	}
	d.End("ResourceChange")
}

// changeType says whether a property is added, removed or modified.
func (o detail) changeType() string {
	switch {
	case o.before == "":
		return "Add"
	case o.after == "":
		return "Remove"
	}
	return "Modify"
}

// contextOf is a resource's properties as text.
func contextOf(properties map[string]any) string {
	if properties == nil {
		return ""
	}
	return written(map[string]any{"Properties": maps.Clone(properties)})
}
