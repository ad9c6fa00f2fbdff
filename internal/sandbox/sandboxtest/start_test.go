package sandboxtest

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	ec2types "github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/aws-sdk-go-v2/service/pricing"
	"github.com/aws/aws-sdk-go-v2/service/pricing/types"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"

	"nightshift/internal/sandbox"
)

// clientConfig is an SDK configuration for the account at url.
func clientConfig(url, region string) aws.Config {
	return aws.Config{
		Region: region, BaseEndpoint: aws.String(url),
		Credentials: credentials.NewStaticCredentialsProvider(sandbox.AccessKey, sandbox.SecretKey, ""),
	}
}

// TestStart lets the real SDK use every action of the account: what it sends
// and what it gets must be clean, or Start fails the test.
func TestStart(t *testing.T) {
	var seen atomic.Int64
	server := Start(t, sandbox.Options{Seed: 1, Tap: func(sandbox.Exchange) { seen.Add(1) }})
	ctx := t.Context()
	cfg := clientConfig(server.URL(), sandbox.DefaultRegion)
	client := ec2.NewFromConfig(cfg)

	must := func(what string, err error) {
		t.Helper()
		if err != nil {
			t.Errorf("%s: %v", what, err)
		}
	}
	refused := func(what, code string, err error) {
		t.Helper()
		if api, ok := errors.AsType[smithy.APIError](err); !ok || api.ErrorCode() != code {
			t.Errorf("%s: %v, want %s", what, err, code)
		}
	}

	all, err := client.DescribeInstances(ctx, &ec2.DescribeInstancesInput{})
	must("DescribeInstances", err)
	var ids []string
	for _, r := range all.Reservations {
		for _, i := range r.Instances {
			ids = append(ids, aws.ToString(i.InstanceId))
		}
	}
	if len(ids) < 20 {
		t.Fatalf("%d instances", len(ids))
	}
	pages := ec2.NewDescribeInstancesPaginator(client, &ec2.DescribeInstancesInput{
		MaxResults: aws.Int32(5),
		Filters: []ec2types.Filter{
			{Name: aws.String("tag-key"), Values: []string{"Name"}},
			{Name: aws.String("instance-state-name"), Values: []string{"running", "stopped"}},
		},
	})
	for pages.HasMorePages() {
		_, err := pages.NextPage(ctx)
		must("DescribeInstances in pages", err)
	}
	_, err = client.DescribeInstanceTypes(ctx, &ec2.DescribeInstanceTypesInput{})
	must("DescribeInstanceTypes", err)
	_, err = client.DescribeVolumes(ctx, &ec2.DescribeVolumesInput{})
	must("DescribeVolumes", err)
	_, err = client.DescribeTags(ctx, &ec2.DescribeTagsInput{})
	must("DescribeTags", err)
	_, err = client.DescribeRegions(ctx, &ec2.DescribeRegionsInput{AllRegions: aws.Bool(true)})
	must("DescribeRegions", err)
	_, err = client.DescribeSpotInstanceRequests(ctx, &ec2.DescribeSpotInstanceRequestsInput{})
	must("DescribeSpotInstanceRequests", err)

	launched, err := client.RunInstances(ctx, &ec2.RunInstancesInput{
		ImageId: aws.String("ami-0123456789abcdef0"), InstanceType: ec2types.InstanceTypeM5Large,
		MinCount: aws.Int32(1), MaxCount: aws.Int32(2),
		TagSpecifications: []ec2types.TagSpecification{{
			ResourceType: ec2types.ResourceTypeInstance,
			Tags:         []ec2types.Tag{{Key: aws.String("Name"), Value: aws.String("새 서버")}},
		}},
	})
	must("RunInstances", err)
	if err != nil {
		return
	}
	id := aws.ToString(launched.Instances[0].InstanceId)
	volume, err := client.CreateVolume(ctx, &ec2.CreateVolumeInput{
		AvailabilityZone: launched.Instances[0].Placement.AvailabilityZone,
		Size:             aws.Int32(20), VolumeType: ec2types.VolumeTypeGp3,
	})
	must("CreateVolume", err)
	_, err = client.CreateTags(ctx, &ec2.CreateTagsInput{
		Resources: []string{id}, Tags: []ec2types.Tag{{Key: aws.String("a"), Value: aws.String("b")}},
	})
	must("CreateTags", err)
	_, err = client.DeleteTags(ctx, &ec2.DeleteTagsInput{Resources: []string{id}, Tags: []ec2types.Tag{{Key: aws.String("a")}}})
	must("DeleteTags", err)
	server.Sandbox().Advance(time.Hour)
	if volume != nil {
		_, err = client.AttachVolume(ctx, &ec2.AttachVolumeInput{
			Device: aws.String("/dev/sdf"), InstanceId: aws.String(id), VolumeId: volume.VolumeId,
		})
		must("AttachVolume", err)
	}
	_, err = client.ModifyInstanceAttribute(ctx, &ec2.ModifyInstanceAttributeInput{
		InstanceId: aws.String(id), DisableApiStop: &ec2types.AttributeBooleanValue{Value: aws.Bool(true)},
	})
	must("ModifyInstanceAttribute", err)
	_, err = client.DescribeInstanceAttribute(ctx, &ec2.DescribeInstanceAttributeInput{
		InstanceId: aws.String(id), Attribute: ec2types.InstanceAttributeNameDisableApiStop,
	})
	must("DescribeInstanceAttribute", err)

	stop := func(ids ...string) error {
		_, err := client.StopInstances(ctx, &ec2.StopInstancesInput{InstanceIds: ids})
		return err
	}
	refused("stop a protected instance", "OperationNotPermitted", stop(id))
	second := aws.ToString(launched.Instances[1].InstanceId)
	must("StopInstances", stop(second))
	server.Sandbox().Advance(time.Hour)
	_, err = client.StartInstances(ctx, &ec2.StartInstancesInput{InstanceIds: []string{second}})
	must("StartInstances", err)
	refused("stop what does not exist", "InvalidInstanceID.NotFound", stop("i-0123456789abcdef0"))
	refused("stop what is no id", "InvalidInstanceID.Malformed", stop("nonsense"))
	_, err = client.StopInstances(ctx, &ec2.StopInstancesInput{InstanceIds: []string{second}, DryRun: aws.Bool(true)})
	refused("dry run", "DryRunOperation", err)
	_, err = client.DescribeInstances(ctx, &ec2.DescribeInstancesInput{
		Filters: []ec2types.Filter{{Name: aws.String("colour"), Values: []string{"blue"}}},
	})
	refused("unknown filter", "InvalidParameterValue", err)

	_, err = sts.NewFromConfig(cfg).GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
	must("GetCallerIdentity", err)
	checkPricing(ctx, t, clientConfig(server.URL(), "us-east-1"))
	if seen.Load() < 20 {
		t.Errorf("the test's own tap saw %d exchanges", seen.Load())
	}
}

func checkPricing(ctx context.Context, t *testing.T, cfg aws.Config) {
	t.Helper()
	client := pricing.NewFromConfig(cfg)
	for _, kind := range []types.FilterType{
		types.FilterTypeTermMatch, types.FilterTypeEquals, types.FilterTypeContains, types.FilterTypeAnyOf, types.FilterTypeNoneOf,
	} {
		products, err := client.GetProducts(ctx, &pricing.GetProductsInput{
			ServiceCode: aws.String("AmazonEC2"), MaxResults: aws.Int32(2),
			Filters: []types.Filter{{Type: kind, Field: aws.String("instanceType"), Value: aws.String("m5.large")}},
		})
		if err != nil || len(products.PriceList) != 2 || products.NextToken == nil {
			t.Errorf("GetProducts %s: %v", kind, err)
		}
	}
	if _, err := client.DescribeServices(ctx, &pricing.DescribeServicesInput{}); err != nil {
		t.Error(err)
	}
	if _, err := client.GetAttributeValues(ctx, &pricing.GetAttributeValuesInput{
		ServiceCode: aws.String("AmazonEC2"), AttributeName: aws.String("tenancy"),
	}); err != nil {
		t.Error(err)
	}
	_, err := client.GetProducts(ctx, &pricing.GetProductsInput{ServiceCode: aws.String("AmazonMoon")})
	if _, ok := errors.AsType[*types.NotFoundException](err); !ok {
		t.Errorf("unknown service: %v", err)
	}
	_, err = client.GetProducts(ctx, &pricing.GetProductsInput{ServiceCode: aws.String("AmazonEC2"), NextToken: aws.String("?")})
	if _, ok := errors.AsType[*types.InvalidNextTokenException](err); !ok {
		t.Errorf("broken token: %v", err)
	}
}
