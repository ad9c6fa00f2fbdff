package sandbox_test

import (
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"nightshift/internal/sandbox"
)

func TestPolicy(t *testing.T) {
	a := open(t, sandbox.Options{Policy: []byte(`{
		"Version": "2012-10-17",
		"Statement": [
			{"Effect": "Allow", "Action": ["ec2:Describe*"], "Resource": "*"},
			{"Effect": "Allow", "Action": ["ec2:StopInstances", "ec2:StartInstances"], "Resource": "arn:aws:ec2:*:*:instance/*",
			 "Condition": {"StringEquals": {"aws:ResourceTag/AutoStopStart": "Yes"}}},
			{"Effect": "Allow", "Action": "ec2:CreateTags", "Resource": "*",
			 "Condition": {"ForAllValues:StringLike": {"aws:TagKeys": "nightshift:*"}, "Null": {"aws:TagKeys": "false"}}},
			{"Effect": "Allow", "Action": "s3:PutObject", "Resource": "arn:aws:s3:::` + sandbox.DefaultBucket + `/reports/*"}
		]}`)})
	tagged, other := a.id("개발-WAS-1"), a.id("운영-웹-1")
	if _, err := a.ec2.DescribeInstances(t.Context(), &ec2.DescribeInstancesInput{}); err != nil {
		t.Error(err)
	}
	if err := a.stop(tagged); err != nil {
		t.Error(err)
	}
	if err := a.stop(tagged, other); code(err) != "UnauthorizedOperation" || !strings.Contains(message(err), "instance/"+other) {
		t.Errorf("an instance without the tag: %v", err)
	}
	for key, want := range map[string]string{"nightshift:override": "", "AutoStopStart": "UnauthorizedOperation"} {
		_, err := a.ec2.CreateTags(t.Context(), &ec2.CreateTagsInput{Resources: []string{other}, Tags: []types.Tag{{Key: &key, Value: &key}}})
		if code(err) != want {
			t.Errorf("tag %s: %v", key, err)
		}
	}
	for key, want := range map[string]string{"reports/a": "", "other/a": "AccessDenied"} {
		if err := a.put(sandbox.DefaultBucket, key, "x"); code(err) != want {
			t.Errorf("put %s: %v", key, err)
		}
	}
	if err := a.SetPolicy([]byte(`{"Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*", "Condition": {"DateLessThan": {}}}]}`)); err == nil {
		t.Error("an operator that is not understood is taken")
	}
}

// The keys by which a change of a type and a listing of a folder are limited.
func TestPolicyOfAttributesAndPrefixes(t *testing.T) {
	a := open(t, sandbox.Options{Policy: []byte(`{"Statement": [
		{"Effect": "Allow", "Action": "ec2:ModifyInstanceAttribute", "Resource": "arn:aws:ec2:*:*:instance/*",
		 "Condition": {"StringEqualsIgnoreCase": {"ec2:Attribute": "instancetype"}, "Null": {"aws:ResourceTag/AutoStopStart": "false"}}},
		{"Effect": "Allow", "Action": "kms:CreateGrant", "Resource": "*", "Condition": {"Bool": {"kms:GrantIsForAWSResource": "true"}}},
		{"Effect": "Allow", "Action": "s3:ListBucket", "Resource": "arn:aws:s3:::` + sandbox.DefaultBucket + `",
		 "Condition": {"StringLike": {"s3:prefix": "runs/*"}}}]}`)})
	stopped, other, running := a.id("야간-리포트"), a.id("forgotten-poc"), a.id("개발-WAS-1")
	modify := func(in ec2.ModifyInstanceAttributeInput) error {
		_, err := a.ec2.ModifyInstanceAttribute(t.Context(), &in)
		return err
	}
	list := func(prefix *string) error {
		_, err := a.s3.ListObjectsV2(t.Context(), &s3.ListObjectsV2Input{Bucket: aws.String(sandbox.DefaultBucket), Prefix: prefix})
		return err
	}
	for name, tt := range map[string]struct {
		err  error
		code string
	}{
		"a type":                    {modify(ec2.ModifyInstanceAttributeInput{InstanceId: &stopped, InstanceType: attributeOf("m5.xlarge")}), ""},
		"a type, said otherwise":    {modify(ec2.ModifyInstanceAttributeInput{InstanceId: &stopped, Attribute: "instanceType", Value: aws.String("m5.large")}), ""},
		"a type of a running one":   {modify(ec2.ModifyInstanceAttributeInput{InstanceId: &running, InstanceType: attributeOf("m5.xlarge")}), "IncorrectInstanceState"},
		"a type without the tag":    {modify(ec2.ModifyInstanceAttributeInput{InstanceId: &other, InstanceType: attributeOf("m5.large")}), "UnauthorizedOperation"},
		"stop protection":           {modify(ec2.ModifyInstanceAttributeInput{InstanceId: &stopped, DisableApiStop: &types.AttributeBooleanValue{Value: aws.Bool(true)}}), "UnauthorizedOperation"},
		"a folder":                  {list(aws.String("runs/2026/")), ""},
		"another folder":            {list(aws.String("reports/")), "AccessDenied"},
		"no folder":                 {list(nil), "AccessDenied"},
		"the folder's name, no bar": {list(aws.String("runs")), "AccessDenied"},
	} {
		if got := code(tt.err); got != tt.code {
			t.Errorf("%s: %v, want %q", name, tt.err, tt.code)
		}
	}
}
