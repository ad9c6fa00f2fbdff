package amazon

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"

	"nightshift/internal/deploy"
	"nightshift/internal/fleet"
)

// Stacks is CloudFormation in one region: the port of deploy.
type Stacks struct {
	region     fleet.Region
	clockScale float64

	describe   operation[cloudformation.DescribeStacksInput, cloudformation.DescribeStacksOutput]
	template   operation[cloudformation.GetTemplateInput, cloudformation.GetTemplateOutput]
	resources  operation[cloudformation.ListStackResourcesInput, cloudformation.ListStackResourcesOutput]
	events     operation[cloudformation.DescribeStackEventsInput, cloudformation.DescribeStackEventsOutput]
	remove     operation[cloudformation.DeleteStackInput, cloudformation.DeleteStackOutput]
	protect    operation[cloudformation.UpdateTerminationProtectionInput, cloudformation.UpdateTerminationProtectionOutput]
	createSet  operation[cloudformation.CreateChangeSetInput, cloudformation.CreateChangeSetOutput]
	set        operation[cloudformation.DescribeChangeSetInput, cloudformation.DescribeChangeSetOutput]
	sets       operation[cloudformation.ListChangeSetsInput, cloudformation.ListChangeSetsOutput]
	removeSet  operation[cloudformation.DeleteChangeSetInput, cloudformation.DeleteChangeSetOutput]
	executeSet operation[cloudformation.ExecuteChangeSetInput, cloudformation.ExecuteChangeSetOutput]
}

// Stacks gives access to the stacks of a region.
func (s *Session) Stacks(region fleet.Region) *Stacks {
	client := cloudformation.NewFromConfig(s.in(region))
	return &Stacks{
		region: region, clockScale: s.clockScale,
		describe:   capture(s, "cloudformation:DescribeStacks", client.DescribeStacks),
		template:   capture(s, "cloudformation:GetTemplate", client.GetTemplate),
		resources:  capture(s, "cloudformation:ListStackResources", client.ListStackResources),
		events:     capture(s, "cloudformation:DescribeStackEvents", client.DescribeStackEvents),
		remove:     capture(s, "cloudformation:DeleteStack", client.DeleteStack),
		protect:    capture(s, "cloudformation:UpdateTerminationProtection", client.UpdateTerminationProtection),
		createSet:  capture(s, "cloudformation:CreateChangeSet", client.CreateChangeSet),
		set:        capture(s, "cloudformation:DescribeChangeSet", client.DescribeChangeSet),
		sets:       capture(s, "cloudformation:ListChangeSets", client.ListChangeSets),
		removeSet:  capture(s, "cloudformation:DeleteChangeSet", client.DeleteChangeSet),
		executeSet: capture(s, "cloudformation:ExecuteChangeSet", client.ExecuteChangeSet),
	}
}

// Pause waits on the clock of the account, which may run faster than ours.
func (c *Stacks) Pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(time.Duration(float64(d) / c.clockScale))
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}

// stackError gives the kinds of two errors that CloudFormation calls a
// ValidationError like any other: that there is no such stack, and that it is in
// a state in which this cannot be done.
func stackError(err error) error {
	refusal, ok := errors.AsType[*fleet.Refusal](err)
	switch {
	case !ok || refusal.Code != "ValidationError":
		return err
	case strings.Contains(refusal.Message, "does not exist"):
		return fleet.Errorf(fleet.ErrNotFound, "%w", err)
	case strings.Contains(refusal.Message, "state and can not be"):
		return fleet.Errorf(fleet.ErrConflict, "%w", err)
	default:
		return err
	}
}

// Stack describes a stack by its name or its id. By its name one that was deleted
// is not there.
func (c *Stacks) Stack(ctx context.Context, name string) (deploy.Stack, error) {
	out, err := c.describe(ctx, &cloudformation.DescribeStacksInput{StackName: &name})
	switch {
	case err != nil:
		return deploy.Stack{}, stackError(err)
	case len(out.Stacks) != 1:
		return deploy.Stack{}, fleet.Errorf(fleet.ErrUnavailable, "cloudformation:DescribeStacks: the answer is not one of this AWS service; check AWS_ENDPOINT_URL")
	}
	one := out.Stacks[0]
	s := deploy.Stack{
		ID: aws.ToString(one.StackId), Name: aws.ToString(one.StackName), Status: deploy.Status(one.StackStatus),
		StatusReason: aws.ToString(one.StackStatusReason), Description: aws.ToString(one.Description),
		Parameters: map[string]string{}, Outputs: map[string]string{}, Tags: map[string]string{},
		Protected: aws.ToBool(one.EnableTerminationProtection), Updated: aws.ToTime(one.CreationTime),
	}
	if one.LastUpdatedTime != nil {
		s.Updated = *one.LastUpdatedTime
	}
	if one.DriftInformation != nil {
		s.Drift = string(one.DriftInformation.StackDriftStatus)
	}
	for _, p := range one.Parameters {
		s.Parameters[aws.ToString(p.ParameterKey)] = aws.ToString(p.ParameterValue)
	}
	for _, o := range one.Outputs {
		s.Outputs[aws.ToString(o.OutputKey)] = aws.ToString(o.OutputValue)
	}
	for _, t := range one.Tags {
		s.Tags[aws.ToString(t.Key)] = aws.ToString(t.Value)
	}
	return s, nil
}

// Template is the template of a stack as it was given.
func (c *Stacks) Template(ctx context.Context, name string) (string, error) {
	out, err := c.template(ctx, &cloudformation.GetTemplateInput{StackName: &name, TemplateStage: types.TemplateStageOriginal})
	if err != nil {
		return "", stackError(err)
	}
	return aws.ToString(out.TemplateBody), nil
}

// Resources are those of a stack.
func (c *Stacks) Resources(ctx context.Context, name string) ([]deploy.Resource, error) {
	in := &cloudformation.ListStackResourcesInput{StackName: &name}
	next := func(out *cloudformation.ListStackResourcesOutput) *string { return out.NextToken }
	list := func(out *cloudformation.ListStackResourcesOutput) []types.StackResourceSummary {
		return out.StackResourceSummaries
	}
	all, err := collect(each(pages(ctx, c.resources, in, &in.NextToken, next), list, func(r types.StackResourceSummary) deploy.Resource {
		return deploy.Resource{
			Logical: aws.ToString(r.LogicalResourceId), Physical: aws.ToString(r.PhysicalResourceId),
			Type: aws.ToString(r.ResourceType), Status: deploy.Status(r.ResourceStatus),
		}
	}))
	return all, stackError(err)
}

// Events are those of a stack, the newest first, until stop is true for one, which
// is the last.
func (c *Stacks) Events(ctx context.Context, name string, stop func(deploy.Event) bool) ([]deploy.Event, error) {
	in := &cloudformation.DescribeStackEventsInput{StackName: &name}
	next := func(out *cloudformation.DescribeStackEventsOutput) *string { return out.NextToken }
	list := func(out *cloudformation.DescribeStackEventsOutput) []types.StackEvent { return out.StackEvents }
	var all []deploy.Event
	for e, err := range each(pages(ctx, c.events, in, &in.NextToken, next), list, eventOf) {
		if err != nil {
			return all, stackError(err)
		}
		all = append(all, e)
		if stop(e) {
			break
		}
	}
	return all, nil
}

func eventOf(e types.StackEvent) deploy.Event {
	return deploy.Event{
		ID: aws.ToString(e.EventId), At: aws.ToTime(e.Timestamp), Logical: aws.ToString(e.LogicalResourceId),
		Physical: aws.ToString(e.PhysicalResourceId), Type: aws.ToString(e.ResourceType), Status: deploy.Status(e.ResourceStatus),
		Reason: aws.ToString(e.ResourceStatusReason), Token: aws.ToString(e.ClientRequestToken),
	}
}

// Delete begins to delete a stack. A role, where there is one, is what CloudFormation
// works with.
func (c *Stacks) Delete(ctx context.Context, name, role, token string) error {
	_, err := c.remove(ctx, &cloudformation.DeleteStackInput{StackName: &name, ClientRequestToken: &token, RoleARN: given(role)})
	return err
}

// Protect turns the termination protection of a stack on or off.
func (c *Stacks) Protect(ctx context.Context, name string, on bool) error {
	_, err := c.protect(ctx, &cloudformation.UpdateTerminationProtectionInput{StackName: &name, EnableTerminationProtection: &on})
	return stackError(err)
}

// given is a text of a request that may be left out.
func given(text string) *string {
	if text == "" {
		return nil
	}
	return &text
}
