package amazon

import (
	"context"
	"encoding/json"
	"maps"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"

	"nightshift/internal/deploy"
)

// CreateChangeSet begins to make a change set and gives the id of its stack. All
// parameters are sent; none keeps its value by itself.
func (c *Stacks) CreateChangeSet(ctx context.Context, n deploy.NewChangeSet) (string, error) {
	in := &cloudformation.CreateChangeSetInput{
		StackName: &n.Stack, ChangeSetName: &n.Name, ClientToken: &n.Name, ChangeSetType: types.ChangeSetTypeUpdate,
		TemplateBody: &n.Template, RoleARN: given(n.Role), Capabilities: []types.Capability{types.CapabilityCapabilityNamedIam},
	}
	if n.Create {
		in.ChangeSetType = types.ChangeSetTypeCreate
	}
	for _, name := range slices.Sorted(maps.Keys(n.Parameters)) {
		in.Parameters = append(in.Parameters, types.Parameter{ParameterKey: &name, ParameterValue: aws.String(n.Parameters[name])})
	}
	for _, key := range slices.Sorted(maps.Keys(n.Tags)) {
		in.Tags = append(in.Tags, types.Tag{Key: &key, Value: aws.String(n.Tags[key])})
	}
	out, err := c.createSet(ctx, in)
	if err != nil {
		return "", stackError(err)
	}
	return aws.ToString(out.StackId), nil
}

// ChangeSet describes a change set with all of its changes.
func (c *Stacks) ChangeSet(ctx context.Context, stack, name string) (deploy.ChangeSet, error) {
	in := &cloudformation.DescribeChangeSetInput{StackName: &stack, ChangeSetName: &name, IncludePropertyValues: aws.Bool(true)}
	next := func(out *cloudformation.DescribeChangeSetOutput) *string { return out.NextToken }
	set := deploy.ChangeSet{Name: name}
	for out, err := range pages(ctx, c.set, in, &in.NextToken, next) {
		if err != nil {
			return set, stackError(err)
		}
		set.Status, set.Reason = string(out.Status), aws.ToString(out.StatusReason)
		for _, change := range out.Changes {
			if change.ResourceChange != nil {
				set.Changes = append(set.Changes, changeOf(change.ResourceChange))
			}
		}
	}
	return set, nil
}

func changeOf(r *types.ResourceChange) deploy.Change {
	change := deploy.Change{
		Logical: aws.ToString(r.LogicalResourceId), Physical: aws.ToString(r.PhysicalResourceId), Type: aws.ToString(r.ResourceType),
		Action: string(r.Action), Replacement: string(r.Replacement), Policy: string(r.PolicyAction),
		Before: properties(r.BeforeContext), After: properties(r.AfterContext),
	}
	for _, d := range r.Details {
		if d.Target == nil {
			continue
		}
		name := aws.ToString(d.Target.Name)
		if name == "" {
			name = string(d.Target.Attribute)
		}
		if !slices.Contains(change.Properties, name) {
			change.Properties = append(change.Properties, name)
		}
	}
	return change
}

// properties takes those of a resource out of the context of its change.
func properties(context *string) json.RawMessage {
	var c struct{ Properties json.RawMessage }
	if json.Unmarshal([]byte(aws.ToString(context)), &c) != nil {
		return nil
	}
	return c.Properties
}

// ChangeSets are the names of the change sets of a stack.
func (c *Stacks) ChangeSets(ctx context.Context, stack string) ([]string, error) {
	in := &cloudformation.ListChangeSetsInput{StackName: &stack}
	next := func(out *cloudformation.ListChangeSetsOutput) *string { return out.NextToken }
	list := func(out *cloudformation.ListChangeSetsOutput) []types.ChangeSetSummary { return out.Summaries }
	names, err := collect(each(pages(ctx, c.sets, in, &in.NextToken, next), list, func(s types.ChangeSetSummary) string {
		return aws.ToString(s.ChangeSetName)
	}))
	return names, stackError(err)
}

// DeleteChangeSet deletes a change set. Its stack stays, also one that has nothing
// else.
func (c *Stacks) DeleteChangeSet(ctx context.Context, stack, name string) error {
	_, err := c.removeSet(ctx, &cloudformation.DeleteChangeSetInput{StackName: &stack, ChangeSetName: &name})
	return stackError(err)
}

// Execute begins to carry a change set out. What fails is rolled back: the default
// of the API for that is not the same in all documents.
func (c *Stacks) Execute(ctx context.Context, stack, name, token string) error {
	_, err := c.executeSet(ctx, &cloudformation.ExecuteChangeSetInput{
		StackName: &stack, ChangeSetName: &name, ClientRequestToken: &token, DisableRollback: aws.Bool(false),
	})
	return stackError(err)
}
