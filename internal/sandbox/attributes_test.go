package sandbox_test

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"nightshift/internal/sandbox"
)

func TestAttributes(t *testing.T) {
	a := open(t, sandbox.Options{})
	in := runInput()
	in.UserData, in.InstanceInitiatedShutdownBehavior = aws.String("IyEvYmluL3No"), "terminate"
	run, err := a.ec2.RunInstances(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	id := run.Instances[0].InstanceId
	all := map[types.InstanceAttributeName]*ec2.DescribeInstanceAttributeOutput{}
	for _, name := range types.InstanceAttributeName("").Values() {
		out, err := a.ec2.DescribeInstanceAttribute(t.Context(), &ec2.DescribeInstanceAttributeInput{InstanceId: id, Attribute: name})
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		all[name] = out
	}
	if len(all) < 16 {
		t.Fatalf("%d attributes", len(all))
	}
	if got := *all["userData"].UserData.Value; got != "IyEvYmluL3No" {
		t.Errorf("user data: %q", got)
	}
	if got := *all["instanceInitiatedShutdownBehavior"].InstanceInitiatedShutdownBehavior.Value; got != "terminate" {
		t.Errorf("at a shutdown from inside: %s", got)
	}
	if len(all["blockDeviceMapping"].BlockDeviceMappings) != 1 || len(all["groupSet"].Groups) != 1 || len(all["productCodes"].ProductCodes) != 0 {
		t.Error("block devices, groups or product codes are wrong")
	}
	if *all["enclaveOptions"].EnclaveOptions.Enabled || all["kernel"].KernelId.Value != nil {
		t.Error("an enclave or a kernel")
	}
	for _, change := range []*ec2.ModifyInstanceAttributeInput{
		{InstanceId: id, EbsOptimized: &types.AttributeBooleanValue{Value: aws.Bool(true)}},
		{InstanceId: id, Groups: []string{"sg-0123456789abcdef0"}},
		{InstanceId: id, Attribute: "sourceDestCheck", Value: aws.String("false")},
	} {
		if _, err := a.ec2.ModifyInstanceAttribute(t.Context(), change); code(err) != "UnsupportedOperation" {
			t.Errorf("got %v", err)
		}
	}
}

func TestTagsThatAreRefused(t *testing.T) {
	a := open(t, sandbox.Options{})
	id := a.id("개발-WAS-1")
	create := func(id, key, value string) error {
		_, err := a.ec2.CreateTags(t.Context(), &ec2.CreateTagsInput{Resources: []string{id}, Tags: []types.Tag{{Key: &key, Value: &value}}})
		return err
	}
	for _, tt := range []struct{ id, key, value, code string }{
		{id, "bell", "a\x07", "InvalidParameterValue"},
		{id, "nul\x00", "a", "InvalidParameterValue"},
		{id, "not a character", "\uFFFF", "InvalidParameterValue"},
		{id, "lines", "a\r\n\tb", ""},
		{id, "next line", "a\u0085b\u2028", ""},
		{"i-mine", "k", "v", "InvalidID"},
		{"vol-0123", "k", "v", "InvalidID"},
		{"mine", "k", "v", "InvalidID"},
		{"i-0123456789abcdef0", "k", "v", "InvalidInstanceID.NotFound"},
		{"vol-0123456789abcdef0", "k", "v", "InvalidVolume.NotFound"},
		{"sir-01234567", "k", "v", "InvalidSpotInstanceRequestID.NotFound"},
	} {
		if err := create(tt.id, tt.key, tt.value); code(err) != tt.code {
			t.Errorf("%s %q=%q: %v, want %q", tt.id, tt.key, tt.value, err, tt.code)
		}
	}
	got := map[string]string{}
	for _, x := range a.one(id).Tags {
		got[*x.Key] = *x.Value
	}
	if got["lines"] != "a\r\n\tb" || got["next line"] != "a\u0085b\u2028" {
		t.Errorf("tags came back as %q", got)
	}
	_, err := a.ec2.DescribeSpotInstanceRequests(t.Context(), &ec2.DescribeSpotInstanceRequestsInput{SpotInstanceRequestIds: []string{"mine"}})
	if code(err) != "InvalidSpotInstanceRequestID.Malformed" {
		t.Errorf("a malformed Spot request: %v", err)
	}
}

func TestTokensBelongToARegion(t *testing.T) {
	a := open(t, sandbox.Options{})
	first, err := a.ec2.DescribeInstanceTypes(t.Context(), &ec2.DescribeInstanceTypesInput{})
	if err != nil {
		t.Fatal(err)
	}
	next := &ec2.DescribeInstanceTypesInput{NextToken: first.NextToken}
	if _, err := a.region("us-east-1").DescribeInstanceTypes(t.Context(), next); code(err) != "InvalidPaginationToken" {
		t.Errorf("in another region: %v", err)
	}
	if _, err := a.ec2.DescribeInstanceTypes(t.Context(), next); err != nil {
		t.Error(err)
	}
}
