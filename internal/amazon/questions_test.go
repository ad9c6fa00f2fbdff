package amazon

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/aws/smithy-go"
	"pgregory.net/rapid"

	"nightshift/internal/fleet"
	"nightshift/internal/price"
)

// However many instances there are, the number of questions stays small, no
// filter is longer than the service allows, and every key is asked for.
func TestQuestions(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		nTypes := rapid.IntRange(1, 400).Draw(t, "types")
		nOperations := rapid.IntRange(1, 19).Draw(t, "operations")
		var keys []price.InstanceKey
		for n := range rapid.IntRange(1, 600).Draw(t, "keys") {
			keys = append(keys, price.InstanceKey{
				Region: "ap-northeast-2", Tenancy: "Shared",
				Type:      fleet.InstanceType(fmt.Sprintf("m%d.xlarge", n%nTypes)),
				Operation: fmt.Sprintf("RunInstances:%04d", n%nOperations),
			})
		}
		asked := questions(keys, true)
		for _, k := range keys {
			found := false
			for _, q := range asked {
				types, operations := *q[5].Value, *q[6].Value
				if len(types) > filterValueSize || len(operations) > filterValueSize {
					t.Fatalf("a filter of %d characters", max(len(types), len(operations)))
				}
				found = found || within(types, string(k.Type)) && within(operations, k.Operation)
			}
			if !found {
				t.Fatalf("%+v is not asked for", k)
			}
		}
		if len(questions(keys, false)) != len(keys) {
			t.Fatal("without ANY_OF there is a question for each key")
		}
	})
	var office []price.InstanceKey
	for n := range 40 {
		for operation := range 8 {
			office = append(office, price.InstanceKey{
				Region: "ap-northeast-2", Tenancy: "Shared", Type: fleet.InstanceType(fmt.Sprintf("m%d.xlarge", n)), Operation: fmt.Sprint(operation),
			})
		}
	}
	if n := len(questions(office, true)); n > 8 {
		t.Errorf("%d questions for 40 types and 8 operations", n)
	}
}

func within(list, name string) bool { return strings.Contains(","+list+",", ","+name+",") }

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
		"ec2:CreateTags ec2:DescribeInstanceStatus ec2:DescribeInstanceTypes ec2:DescribeInstances ec2:DescribeRegions ec2:DescribeSpotInstanceRequests ec2:DescribeVolumes " +
		"ec2:ModifyInstanceAttribute ec2:StartInstances ec2:StopInstances pricing:GetProducts " +
		"rds:AddTagsToResource rds:DescribeDBClusters rds:DescribeDBInstances rds:DescribeEvents rds:StartDBCluster rds:StartDBInstance rds:StopDBCluster rds:StopDBInstance " +
		"s3:GetObject s3:ListBucket s3:PutObject ssm:GetParameter sts:GetCallerIdentity"
	if got := strings.Join(Actions(), " "); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}
