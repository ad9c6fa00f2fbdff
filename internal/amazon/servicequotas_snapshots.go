package amazon

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/servicequotas"

	"nightshift/internal/fleet"
)

// snapshotsPerRegion is the code of the quota of that name.
const snapshotsPerRegion = "L-309BACF6"

// Quotas are what AWS lets an account have in one region.
type Quotas struct {
	get operation[servicequotas.GetServiceQuotaInput, servicequotas.GetServiceQuotaOutput]
}

// Quotas gives access to the quotas of a region.
func (s *Session) Quotas(region fleet.Region) *Quotas {
	client := servicequotas.NewFromConfig(s.in(region))
	return &Quotas{get: capture(s, "servicequotas:GetServiceQuota", client.GetServiceQuota)}
}

// Snapshots is how many snapshots of EBS the account can have in the region.
func (q *Quotas) Snapshots(ctx context.Context) (int, error) {
	out, err := q.get(ctx, &servicequotas.GetServiceQuotaInput{ServiceCode: aws.String("ebs"), QuotaCode: aws.String(snapshotsPerRegion)})
	if err != nil {
		return 0, err
	}
	if out.Quota == nil || aws.ToFloat64(out.Quota.Value) <= 0 {
		return 0, fleet.Errorf(fleet.ErrUnavailable, "servicequotas:GetServiceQuota: the answer has no value")
	}
	return int(*out.Quota.Value), nil
}
