package amazon

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/aws/smithy-go"

	"nightshift/internal/fleet"
)

func TestProductOfThePriceList(t *testing.T) {
	if _, err := product(`{"product":`); err == nil {
		t.Error("half a product is read without an error")
	}
	for _, amount := range []string{`{"CNY":"0.5"}`, `{"USD":"a lot"}`, `{"USD":""}`, `{"USD":"9.12E-2"}`, `{}`} {
		p, err := product(`{"product":{"sku":"A","productFamily":"Storage","attributes":{"regionCode":"cn-north-1"}},` +
			`"terms":{"OnDemand":{"A.B":{"priceDimensions":{"A.B.C":{"rateCode":"A.B.C","pricePerUnit":` + amount + `}}}}}}`)
		if err != nil || len(p.Rates) != 0 || p.SKU != "A" {
			t.Errorf("%s: %+v, %v; want the product without a rate", amount, p, err)
		}
	}
}

func TestTranslate(t *testing.T) {
	tests := []struct {
		code string
		kind error
	}{
		{"UnauthorizedOperation", fleet.ErrDenied},
		{"AuthFailure", fleet.ErrCredentials},
		{"RequestLimitExceeded", fleet.ErrThrottled},
		{"IncorrectInstanceState", fleet.ErrConflict},
		{"NeverHeardOf", fleet.ErrInvalid},
	}
	for _, tt := range tests {
		err := translate("ec2:StopInstances", &smithy.GenericAPIError{
			Code: tt.code, Message: "The instance IDs 'i-0123456789abcdef0, i-89abcdef' are bad. Encoded authorization failure message: aaaa",
		})
		refusal, ok := errors.AsType[*fleet.Refusal](err)
		if !ok || !errors.Is(err, tt.kind) || fmt.Sprint(refusal.IDs) != "[i-0123456789abcdef0 i-89abcdef]" || strings.Contains(err.Error(), "aaaa") {
			t.Errorf("%s became %v", tt.code, err)
		}
	}
}

// Every operation that the package uses is captured, so that the policy knows
// it.
func TestActions(t *testing.T) {
	want := "autoscaling:CreateOrUpdateTags autoscaling:DescribeAutoScalingGroups autoscaling:ResumeProcesses autoscaling:SuspendProcesses autoscaling:UpdateAutoScalingGroup " +
		"backup:ListProtectedResources backup:ListRecoveryPointsByResource ce:GetCostAndUsageWithResources " +
		"cloudformation:CreateChangeSet cloudformation:DeleteChangeSet cloudformation:DeleteStack cloudformation:DescribeChangeSet cloudformation:DescribeStackEvents " +
		"cloudformation:DescribeStacks cloudformation:ExecuteChangeSet cloudformation:GetTemplate cloudformation:ListChangeSets cloudformation:ListStackResources " +
		"cloudformation:UpdateTerminationProtection cloudwatch:GetMetricData ebs:ListChangedBlocks ebs:ListSnapshotBlocks " +
		"ec2:CreateSnapshot ec2:CreateSnapshots ec2:CreateTags ec2:DeleteSnapshot ec2:DeleteTags " +
		"ec2:DescribeAddresses ec2:DescribeCapacityReservations ec2:DescribeFastSnapshotRestores ec2:DescribeHosts ec2:DescribeImages ec2:DescribeInstanceCreditSpecifications " +
		"ec2:DescribeInstanceStatus ec2:DescribeInstanceTypes ec2:DescribeInstances ec2:DescribeLaunchTemplateVersions ec2:DescribeLockedSnapshots ec2:DescribeRegions " +
		"ec2:DescribeSnapshotAttribute ec2:DescribeSnapshots ec2:DescribeSpotInstanceRequests ec2:DescribeSpotPriceHistory ec2:DescribeVolumes " +
		"ec2:ListSnapshotsInRecycleBin ec2:ModifyInstanceAttribute ec2:RestoreSnapshotFromRecycleBin ec2:StartInstances ec2:StopInstances " +
		"kms:DescribeKey lambda:InvokeFunction organizations:ListAccounts pricing:GetPriceListFileUrl pricing:GetProducts pricing:ListPriceLists " +
		"rbin:GetRule rbin:ListRules rds:AddTagsToResource rds:DescribeDBClusters rds:DescribeDBInstances rds:DescribeEvents rds:StartDBCluster rds:StartDBInstance rds:StopDBCluster rds:StopDBInstance " +
		"s3:CreateBucket s3:DeleteObject s3:GetBucketTagging s3:GetObject s3:ListAllMyBuckets s3:ListBucket s3:PutObject " +
		"secretsmanager:GetSecretValue servicequotas:GetServiceQuota sns:ListSubscriptionsByTopic sns:Publish ssm:GetParameter sts:AssumeRole sts:GetCallerIdentity"
	if got := strings.Join(Actions(), " "); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}
