package sandbox_test

import (
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

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
	for key, want := range map[string]string{"nightshift:keep": "", "AutoStopStart": "UnauthorizedOperation"} {
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
