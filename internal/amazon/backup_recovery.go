package amazon

import (
	"context"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/backup"
	"github.com/aws/aws-sdk-go-v2/service/backup/types"
	"golang.org/x/sync/errgroup"

	"nightshift/internal/fleet"
)

const (
	recoveryPerPage = 1000 // the largest page that AWS Backup allows
	recoveryAtOnce  = 8    // resources that are asked about at the same time
)

// Recovery is what AWS Backup keeps in one account and region.
type Recovery struct {
	listProtected operation[backup.ListProtectedResourcesInput, backup.ListProtectedResourcesOutput]
	listPoints    operation[backup.ListRecoveryPointsByResourceInput, backup.ListRecoveryPointsByResourceOutput]
}

// Recovery gives access to AWS Backup in a region.
func (s *Session) Recovery(region fleet.Region) *Recovery {
	client := backup.NewFromConfig(s.in(region))
	return &Recovery{
		listProtected: capture(s, "backup:ListProtectedResources", client.ListProtectedResources),
		listPoints:    capture(s, "backup:ListRecoveryPointsByResource", client.ListRecoveryPointsByResource),
	}
}

// Points lists the recovery points of volumes and instances, of those that exist says so:
// AWS Backup is asked about each of them, and remembers what is long gone. They are in
// the order of the resources' ARNs and then as AWS Backup lists them. After an error the
// answer holds what was read.
func (r *Recovery) Points(ctx context.Context, exists func(fleet.ResourceID) bool) ([]fleet.RecoveryPoint, error) {
	arns, err := r.protected(ctx, exists)
	points := make([][]fleet.RecoveryPoint, len(arns))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(recoveryAtOnce)
	for n, arn := range arns {
		group.Go(func() error {
			some, err := r.of(ctx, arn)
			points[n] = some
			return err
		})
	}
	if failed := group.Wait(); err == nil {
		err = failed
	}
	return slices.Concat(points...), err
}

// protected are the ARNs of the volumes and instances that have recovery points, in order.
func (r *Recovery) protected(ctx context.Context, exists func(fleet.ResourceID) bool) ([]string, error) {
	in := &backup.ListProtectedResourcesInput{MaxResults: aws.Int32(recoveryPerPage)}
	next := func(out *backup.ListProtectedResourcesOutput) *string { return out.NextToken }
	var arns []string
	for out, err := range pages(ctx, r.listProtected, in, &in.NextToken, next) {
		if err != nil {
			return arns, err
		}
		for _, p := range out.Results {
			arn := aws.ToString(p.ResourceArn)
			kind := aws.ToString(p.ResourceType)
			if id := arn[strings.LastIndexByte(arn, '/')+1:]; (kind == "EBS" || kind == "EC2") && exists(fleet.ResourceID(id)) {
				arns = append(arns, arn)
			}
		}
	}
	slices.Sort(arns)
	return arns, nil
}

// of lists the recovery points of one resource.
func (r *Recovery) of(ctx context.Context, arn string) ([]fleet.RecoveryPoint, error) {
	in := &backup.ListRecoveryPointsByResourceInput{ResourceArn: aws.String(arn), ManagedByAWSBackupOnly: true, MaxResults: aws.Int32(recoveryPerPage)}
	next := func(out *backup.ListRecoveryPointsByResourceOutput) *string { return out.NextToken }
	list := func(out *backup.ListRecoveryPointsByResourceOutput) []types.RecoveryPointByResource {
		return out.RecoveryPoints
	}
	convert := func(p types.RecoveryPointByResource) fleet.RecoveryPoint {
		return fleet.RecoveryPoint{
			ARN: aws.ToString(p.RecoveryPointArn), Resource: arn, Vault: intern(aws.ToString(p.BackupVaultName)),
			Status: intern(string(p.Status)), Created: timeOf(p.CreationDate),
		}
	}
	return collect(each(pages(ctx, r.listPoints, in, &in.NextToken, next), list, convert))
}
