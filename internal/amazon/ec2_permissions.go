package amazon

import (
	"context"
	"errors"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"nightshift/internal/fleet"
)

// Permission is whether one action is permitted on one instance.
type Permission struct {
	Action string // such as "ec2:StopInstances"
	// Err is nil where it is permitted and fleet.ErrDenied where it is not;
	// another error leaves that open.
	Err error
}

// Permissions asks EC2 whether these credentials may stop and start an
// instance, set these tags on it and, with resize, change its type. Nothing is
// done: the requests carry DryRun, which EC2 answers with the error
// DryRunOperation where it would have carried them out (EC2 API Reference,
// "DryRun").
func (f instances) Permissions(ctx context.Context, id fleet.ResourceID, set fleet.Tags, resize bool) []Permission {
	dry, ids := aws.Bool(true), []string{string(id)}
	var list []Permission
	note := func(action string, err error) {
		if refusal, ok := errors.AsType[*fleet.Refusal](err); ok && refusal.Code == "DryRunOperation" {
			err = nil
		}
		list = append(list, Permission{action, err})
	}
	_, err := f.stopInstances(ctx, &ec2.StopInstancesInput{InstanceIds: ids, DryRun: dry})
	note("ec2:StopInstances", err)
	_, err = f.startInstances(ctx, &ec2.StartInstancesInput{InstanceIds: ids, DryRun: dry})
	note("ec2:StartInstances", err)
	_, err = f.createTags(ctx, &ec2.CreateTagsInput{Resources: ids, DryRun: dry, Tags: toTags(set)})
	note("ec2:CreateTags", err)
	if resize {
		_, err = f.modifyAttribute(ctx, &ec2.ModifyInstanceAttributeInput{
			InstanceId: &ids[0], DryRun: dry, InstanceType: &types.AttributeValue{Value: aws.String("t3.micro")},
		})
		note("ec2:ModifyInstanceAttribute", err)
	}
	return list
}
