package sandbox_test

import (
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/ssm"

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

// Customer managed keys and license configurations are asked for, too: of objects
// and parameters in the call itself, of volumes when the instance is to run.
func TestPolicyOfKeysAndLicenses(t *testing.T) {
	const key, license = "arn:aws:kms:ap-northeast-2:123456789012:key/a", "arn:aws:license-manager:ap-northeast-2:123456789012:license-configuration:lic-1"
	a := open(t, sandbox.Options{Speed: -1})
	stopped := a.id("야간-리포트")
	if !a.SetVolumeKey(stopped, key) || a.SetLicenses("i-0", license) {
		t.Fatal("a key for an instance that is there, licenses for one that is not")
	}
	for _, err := range []error{
		a.EncryptBucket(sandbox.DefaultBucket, key),
		a.SetParameter(sandbox.DefaultRegion, sandbox.Parameter{Name: "/secret", Value: "x", Secret: true, Key: key}),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	tried := map[string]func() error{
		"kms:GenerateDataKey": func() error { return a.put(sandbox.DefaultBucket, "a", "x") },
		"kms:Decrypt": func() error {
			_, err := a.s3.GetObject(t.Context(), &s3.GetObjectInput{Bucket: aws.String(sandbox.DefaultBucket), Key: aws.String("a")})
			return err
		},
		"kms:Decrypt ": func() error {
			_, err := ssm.NewFromConfig(a.config(sandbox.DefaultRegion)).GetParameter(t.Context(), &ssm.GetParameterInput{Name: aws.String("/secret"), WithDecryption: aws.Bool(true)})
			return err
		},
	}
	for _, action := range []string{"kms:GenerateDataKey", "kms:Decrypt", "kms:Decrypt "} {
		if err := tried[action](); err != nil {
			t.Errorf("with everything allowed: %v", err)
		}
		a.deny(strings.TrimSpace(action))
		if err := tried[action](); !strings.HasPrefix(code(err), "AccessDenied") || !strings.Contains(message(err), strings.TrimSpace(action)+" on resource: "+key) {
			t.Errorf("%s is denied: %v", action, err)
		}
		a.deny("kms:CreateGrant")
	}
	for _, want := range []string{"stopped", "running"} {
		if err := a.start(stopped); err != nil {
			t.Errorf("start, then %s: %v", want, err)
		}
		a.Advance(time.Hour)
		if i, _ := a.Instance(stopped); i.State != want {
			t.Errorf("%s, want %s", i.State, want)
		}
		a.deny("nothing:Else")
	}
	if err := a.stop(stopped); err != nil {
		t.Fatal(err)
	}
	a.Advance(time.Hour)
	if !a.SetLicenses(stopped, license) || len(a.one(stopped).Licenses) != 1 {
		t.Error("the instance does not show its license configuration")
	}
	if err := a.SetPolicy([]byte(`{"Statement": [{"Effect": "Allow", "Action": "*", "Resource": ["arn:aws:ec2:*:*:instance/*"]}]}`)); err != nil {
		t.Fatal(err)
	}
	if err := a.start(stopped); code(err) != "UnauthorizedOperation" || !strings.Contains(message(err), license) {
		t.Errorf("without the license configuration: %v", err)
	}
}

// deny denies an action to the caller and allows everything else.
func (a *account) deny(action string) {
	a.t.Helper()
	if err := a.SetPolicy(sandbox.PolicyDenying(action)); err != nil {
		a.t.Fatal(err)
	}
}
