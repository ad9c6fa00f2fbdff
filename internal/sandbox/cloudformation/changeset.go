package cloudformation

import (
	"regexp"
	"slices"
	"strings"
	"time"

	"nightshift/internal/sandbox/service"
	"nightshift/internal/sandbox/state"
	"nightshift/internal/sandbox/wire"
)

// changeSet is a change set of a stack.
type changeSet struct {
	plan
	id, name, description string
	kind                  string // CREATE or UPDATE
	created               time.Time
	ready                 time.Time // when CloudFormation has made it
	failure               string    // why it cannot be executed
	changes               []change
	execution             string // EXECUTE_…; empty before
	token                 string // with which it was executed
}

// making is how long CloudFormation needs for a change set.
const making = 3 * time.Second

// maxTemplate is the longest TemplateBody.
const maxTemplate = 51_200

// givenName is what the names of stacks and of change sets look like.
var givenName = regexp.MustCompile(`^[a-zA-Z][-a-zA-Z0-9]{0,127}$`)

func (c *changeSet) status(now time.Time) (status, execution string) {
	switch {
	case now.Before(c.ready):
		return "CREATE_IN_PROGRESS", "UNAVAILABLE"
	case c.failure != "":
		return "FAILED", "UNAVAILABLE"
	case c.execution != "":
		return "CREATE_COMPLETE", c.execution
	}
	return "CREATE_COMPLETE", "AVAILABLE"
}

func (c *formation) createChangeSet() *wire.Error {
	p := c.Params
	name, set := p.Text("StackName"), p.Text("ChangeSetName")
	kind := p.Text("ChangeSetType")
	if kind == "" {
		kind = "UPDATE"
	}
	s := c.stacks.find(name)
	stackID := c.arn("stack/" + name + "/" + c.stacks.uuid(c.Region))
	if s != nil {
		stackID = s.id
	}
	if err := c.Authorize(stackID, nil, nil); err != nil {
		return err
	}
	switch {
	case s == nil && !givenName.MatchString(name):
		return wire.ValidationError("1 validation error detected: Value '" + name + "' at 'stackName' failed to satisfy constraint: " +
			"Member must satisfy regular expression pattern: [a-zA-Z][-a-zA-Z0-9]*")
	case !givenName.MatchString(set):
		return wire.ValidationError("1 validation error detected: Value '" + set + "' at 'changeSetName' failed to satisfy constraint: " +
			"Member must satisfy regular expression pattern: [a-zA-Z][-a-zA-Z0-9]*")
	case s == nil && kind == "UPDATE":
		return wire.ValidationError("Stack [" + name + "] does not exist")
	case kind != "CREATE" && kind != "UPDATE":
		return wire.ValidationError("the sandbox has no ChangeSetType " + kind)
	case s != nil && kind == "CREATE" && s.status != "REVIEW_IN_PROGRESS":
		return wire.ValidationError("Stack [" + s.name + "] already exists and cannot be created again with the changeSet [" + set + "].")
	case s != nil && kind == "UPDATE" && !s.updatable():
		return s.notUpdatable()
	case s != nil && s.changeSetNamed(set) != nil && s.changeSetNamed(set).execution == "":
		return wire.Invalid("AlreadyExistsException", "ChangeSet ["+set+"] already exists")
	}
	fresh := s == nil
	if fresh {
		s = &stack{region: c.Region, id: stackID, name: name, created: c.Now}
	}
	asked, err := c.readPlan(s)
	if err != nil {
		return err
	}
	made := &changeSet{
		plan: asked, id: c.arn("changeSet/" + set + "/" + c.stacks.uuid(c.Region)), name: set, description: p.Text("Description"),
		kind: kind, created: c.Now, ready: c.Now.Add(making),
	}
	if made.changes, made.failure, err = s.compare(made.plan); err != nil {
		return err
	}
	if fresh {
		c.stacks.list = append(c.stacks.list, s)
		s.happened(nil, c.Now, "REVIEW_IN_PROGRESS", "User Initiated")
	}
	s.changeSets = append(s.changeSets, made)
	c.Out.Text("Id", made.id)
	c.Out.Text("StackId", s.id)
	return nil
}

// readPlan reads what a request wants a stack to be made of.
func (c *formation) readPlan(s *stack) (asked plan, err *wire.Error) {
	p := c.Params
	body := p.Text("TemplateBody")
	switch {
	case p.Flag("UsePreviousTemplate") && s.template != nil && body == "":
		body = s.template.body
	case p.Has("TemplateURL"):
		return asked, wire.ValidationError("the sandbox has no TemplateURL")
	case body == "" || p.Flag("UsePreviousTemplate"):
		return asked, wire.ValidationError("Either Template URL or Template Body must be specified.")
	case len(body) > maxTemplate:
		return asked, wire.ValidationError("1 validation error detected: Value at 'templateBody' failed to satisfy constraint: " +
			"Member must have length less than or equal to 51200")
	}
	if asked.template, err = parseTemplate(body); err != nil {
		return asked, err
	}
	asked.parameters, err = readParameters(asked.template, p.Items("Parameters.member"), s.parameters)
	if err != nil {
		return asked, err
	}
	asked.tags = s.tags
	if p.Has("Tags") {
		asked.tags = nil
		for _, one := range p.Items("Tags.member") {
			asked.tags = append(asked.tags, state.Tag{Key: one.Text("Key"), Value: one.Text("Value")})
		}
		if err := service.CheckTags(asked.tags); err != nil {
			return asked, wire.ValidationError(err.Message)
		}
	}
	asked.capabilities = p.Texts("Capabilities.member")
	if asked.role = p.Text("RoleARN"); asked.role == "" {
		asked.role = s.role
	}
	if _, err := c.actor(asked.role); err != nil {
		return asked, err
	}
	return asked, asked.checkCapabilities()
}

// checkCapabilities refuses a template that makes roles and policies without
// the caller's word for it.
func (p plan) checkCapabilities() *wire.Error {
	needs := ""
	for _, r := range p.template.resources {
		if !strings.HasPrefix(r.kind, "AWS::IAM::") {
			continue
		}
		if needs == "" {
			needs = "CAPABILITY_IAM"
		}
		if name := kinds()[r.kind].name; name != "" && r.properties[name] != nil {
			needs = "CAPABILITY_NAMED_IAM"
		}
	}
	if needs == "" || slices.Contains(p.capabilities, "CAPABILITY_NAMED_IAM") || slices.Contains(p.capabilities, needs) {
		return nil
	}
	return wire.Invalid("InsufficientCapabilitiesException", "Requires capabilities : ["+needs+"]")
}

func (s *stack) changeSetNamed(name string) *changeSet {
	for _, c := range slices.Backward(s.changeSets) {
		if c.name == name || c.id == name {
			return c
		}
	}
	return nil
}

// findChangeSet finds the change set that a request names; nil where there is
// none.
func (c *formation) findChangeSet() (*stack, *changeSet) {
	name, within := c.Params.Text("ChangeSetName"), c.Params.Text("StackName")
	for _, s := range slices.Backward(c.stacks.list) {
		if within != "" && c.stacks.find(within) != s {
			continue
		}
		if found := s.changeSetNamed(name); found != nil && (within != "" || found.id == name) {
			return s, found
		}
	}
	return c.stacks.find(within), nil
}

// noChangeSet is the refusal of a call for a change set that does not exist.
func (c *formation) noChangeSet(s *stack) *wire.Error {
	if within := c.Params.Text("StackName"); s == nil && within != "" {
		return wire.ValidationError("Stack [" + within + "] does not exist")
	}
	return wire.Fail(404, "ChangeSetNotFound", "ChangeSet ["+c.Params.Text("ChangeSetName")+"] does not exist")
}

func (c *formation) deleteChangeSet() *wire.Error {
	s, set := c.findChangeSet()
	if err := c.authorizeStack(s); err != nil {
		return err
	}
	if set == nil {
		if s == nil {
			return c.noChangeSet(s)
		}
		return nil
	}
	if set.execution == "EXECUTE_IN_PROGRESS" {
		return wire.Invalid("InvalidChangeSetStatus", "ChangeSet ["+set.id+"] cannot be deleted in its current execution status of [EXECUTE_IN_PROGRESS]")
	}
	s.changeSets = slices.DeleteFunc(s.changeSets, func(one *changeSet) bool { return one == set })
	return nil
}

func (c *formation) executeChangeSet() *wire.Error {
	p := c.Params
	s, set := c.findChangeSet()
	if err := c.authorizeStack(s); err != nil {
		return err
	}
	if set == nil {
		return c.noChangeSet(s)
	}
	token := p.Text("ClientRequestToken")
	if set.execution != "" && token != "" && set.token == token {
		return nil // the same request again
	}
	status, execution := set.status(c.Now)
	switch {
	case status != "CREATE_COMPLETE" || execution != "AVAILABLE":
		return wire.Invalid("InvalidChangeSetStatus", "ChangeSet ["+set.id+"] cannot be executed in its current status of ["+status+"]")
	case s.status != "REVIEW_IN_PROGRESS" && !s.updatable():
		return s.notUpdatable()
	}
	who, err := c.actor(set.role)
	if err != nil {
		return err
	}
	set.execution, set.token = "EXECUTE_IN_PROGRESS", token
	s.changeSets, s.changeSet = []*changeSet{set}, set.id
	s.disableRollback = p.Flag("DisableRollback")
	s.operation = &operation{token: token, who: who, retainExcept: p.Flag("RetainExceptOnCreate"), set: set, draw: c.Draw}
	s.begin(set, c.Now)
	return nil
}
