// Package cloudformation is AWS CloudFormation: stacks that change sets make,
// with the intrinsic functions and the types of resources of the template that
// installs nightshift. Buckets, roles, functions and subscriptions of a stack are
// those of the sandbox's own services; what is of other types is a record.
package cloudformation

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"nightshift/internal/sandbox/lambda"
	"nightshift/internal/sandbox/policy"
	"nightshift/internal/sandbox/s3"
	"nightshift/internal/sandbox/service"
	"nightshift/internal/sandbox/state"
	"nightshift/internal/sandbox/wire"
)

const namespace = "http://cloudformation.amazonaws.com/doc/2010-05-15/"

// formation is one request to CloudFormation.
type formation struct {
	service.Query
	stacks *stacks
}

// action is an operation with the parameters that the sandbox knows of it.
type action struct {
	run        func(*formation) *wire.Error
	parameters string
}

func actions() map[string]action {
	return map[string]action{
		"ContinueUpdateRollback": {(*formation).continueUpdateRollback, "StackName RoleARN ResourcesToSkip ClientRequestToken"},
		"CreateChangeSet": {(*formation).createChangeSet, "StackName ChangeSetName ChangeSetType TemplateBody TemplateURL UsePreviousTemplate Parameters " +
			"Capabilities RoleARN Tags Description ClientToken NotificationARNs IncludeNestedStacks"},
		"DeleteChangeSet":             {(*formation).deleteChangeSet, "ChangeSetName StackName"},
		"DeleteStack":                 {(*formation).deleteStack, "StackName RetainResources RoleARN ClientRequestToken"},
		"DescribeChangeSet":           {(*formation).describeChangeSet, "ChangeSetName StackName NextToken IncludePropertyValues"},
		"DescribeStackEvents":         {(*formation).describeStackEvents, "StackName NextToken"},
		"DescribeStacks":              {(*formation).describeStacks, "StackName NextToken"},
		"ExecuteChangeSet":            {(*formation).executeChangeSet, "ChangeSetName StackName ClientRequestToken DisableRollback RetainExceptOnCreate"},
		"GetTemplate":                 {(*formation).getTemplate, "StackName TemplateStage"},
		"ListChangeSets":              {(*formation).listChangeSets, "StackName NextToken"},
		"ListStackResources":          {(*formation).listStackResources, "StackName NextToken"},
		"UpdateTerminationProtection": {(*formation).updateTerminationProtection, "StackName EnableTerminationProtection"},
	}
}

// Service is AWS CloudFormation, whose buckets are in a store and whose functions
// run on a host; without them it only names its operations.
func Service(store *s3.Store, functions *lambda.Host) service.Service {
	return service.Service{
		Name: "cloudformation", Operations: slices.Sorted(maps.Keys(actions())),
		Steps: []string{"CreateResource", "DeleteResource", "RollbackResource", "UpdateResource"},
		Read:  (*wire.Request).ReadQuery, Refusal: wire.RefuseQuery(namespace), Serve: func(r *service.Call) wire.Answer { return serve(r, store, functions) },
		Names: func(r *service.Call, hit service.Hit) bool { return hit.ByID(r.Params.Text("StackName")) },
	}
}

func serve(r *service.Call, store *s3.Store, functions *lambda.Host) wire.Answer {
	asked, known := actions()[r.Action]
	if !known {
		return r.Refuse(wire.Invalid("InvalidAction", "Could not find operation "+r.Action+" for version 2010-05-15"))
	}
	parameters := strings.Fields(asked.parameters)
	for _, name := range r.Params.Names() {
		if name != "Action" && name != "Version" && !strings.HasPrefix(name, "X-Amz-") && !slices.Contains(parameters, name) {
			return r.Refuse(wire.ValidationError("the sandbox has no " + name + " for " + r.Action))
		}
	}
	reg := r.InRegion()
	settle(reg, r.Caller.Account, store, functions)
	return service.ServeQuery(r, namespace, r.Action != "DeleteStack", func(c service.Query) *wire.Error {
		return asked.run(&formation{c, state.Slot[stacks](reg)})
	})
}

// settle has the stacks of a region brought up to the time of each call.
func settle(r *state.Region, a *state.Account, store *s3.Store, functions *lambda.Host) {
	r.Mu.Lock()
	defer r.Mu.Unlock()
	all := state.Slot[stacks](r)
	if all.account != nil {
		return
	}
	all.account, all.store, all.functions = a, store, functions
	r.OnSettle(func(now time.Time) {
		for _, s := range all.list {
			s.settle(now)
		}
	})
}

func (c *formation) arn(rest string) string {
	return "arn:aws:cloudformation:" + c.Region.Name + ":" + c.Region.Owner + ":" + rest
}

// authorizeStack asks the caller's policy for the call on a stack; for the one
// that the request names where there is none.
func (c *formation) authorizeStack(s *stack) *wire.Error {
	id := c.arn("stack/" + c.Params.Text("StackName") + "/*")
	if s != nil {
		id = s.id
	}
	return c.Authorize(id, nil, nil)
}

// actor is who makes the changes of an operation: the caller, or the role that
// CloudFormation is handed, which the caller must be allowed to pass.
func (c *formation) actor(arn string) (state.Principal, *wire.Error) {
	if arn == "" {
		return c.Caller, nil
	}
	ctx := &policy.Context{Region: c.Region.Name, Keys: map[string]string{"iam:PassedToService": "cloudformation.amazonaws.com"}}
	if !c.Caller.Policy.Load().Allows("iam:PassRole", arn, ctx) {
		return state.Principal{}, wire.Fail(http.StatusForbidden, "AccessDenied", "User: "+c.Caller.ARN+" is not authorized to perform: iam:PassRole on resource: "+
			arn+" because no identity-based policy allows the iam:PassRole action")
	}
	role := c.Caller.Account.RoleByARN(arn)
	if role == nil || !slices.Contains(role.Services, "cloudformation.amazonaws.com") {
		return state.Principal{}, wire.ValidationError("Role " + arn + " is invalid or cannot be assumed")
	}
	return state.Principal{
		Account: c.Caller.Account, Policy: role.Policy, Role: true,
		ARN: "arn:aws:sts::" + c.Region.Owner + ":assumed-role/" + role.Name + "/AWSCloudFormation",
	}, nil
}

// Resource is one of a stack, as it is.
type Resource struct {
	LogicalID, Type, PhysicalID, Status string
	Properties                          map[string]any // with functions evaluated; numbers are texts
}

// FindResource finds a resource of a stack; its zero value where there is none.
func FindResource(a *state.Account, region, stack, id string) Resource {
	r := a.Regions[region]
	if r == nil {
		return Resource{}
	}
	r.Mu.Lock()
	defer r.Mu.Unlock()
	r.Settle(a.Now())
	s := state.Slot[stacks](r).find(stack)
	if s == nil || s.record(id) == nil {
		return Resource{}
	}
	found := s.record(id)
	return Resource{found.id, found.kind, found.physical, found.status, maps.Clone(found.properties)}
}

// Drift lets a detection of drift find that resources of a stack were changed by
// hand.
func Drift(a *state.Account, region, name string) error {
	r := a.Regions[region]
	if r == nil {
		return fmt.Errorf("drift of %s: the account has no region %q", name, region)
	}
	r.Mu.Lock()
	defer r.Mu.Unlock()
	s := state.Slot[stacks](r).find(name)
	if s == nil {
		return fmt.Errorf("drift of %s: there is no such stack", name)
	}
	s.drifted = true
	return nil
}
