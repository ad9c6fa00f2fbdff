package fleet_test

import (
	"errors"
	"strings"
	"testing"

	"nightshift/internal/fleet"
)

func TestParseRegion(t *testing.T) {
	for code, partition := range map[string]string{
		"us-east-1": "aws", "ap-northeast-2": "aws", "mx-central-1": "aws", "cn-north-1": "aws-cn",
		"us-gov-west-1": "aws-us-gov", "eusc-de-east-1": "aws-eusc",
	} {
		region, err := fleet.ParseRegion(code)
		if err != nil || region.Partition() != partition {
			t.Errorf("%s is in %s, want %s; %v", code, region.Partition(), partition, err)
		}
	}
	for _, code := range []string{"", "all", "Seoul", "us-east", "us-east-1a", "us-east-100", "us_east_1", "us-east-1 "} {
		if _, err := fleet.ParseRegion(code); !errors.Is(err, fleet.ErrInvalid) {
			t.Errorf("%q: %v", code, err)
		}
	}
}

func TestParseRoleARN(t *testing.T) {
	for arn, want := range map[string]fleet.RoleARN{
		"arn:aws:iam::123456789012:role/nightshift":        {Partition: "aws", Account: "123456789012", Name: "nightshift"},
		"arn:aws-cn:iam::123456789012:role/ops/night-1":    {Partition: "aws-cn", Account: "123456789012", Name: "ops/night-1"},
		"arn:aws-us-gov:iam::123456789012:role/a/b!/x@y.z": {Partition: "aws-us-gov", Account: "123456789012", Name: "a/b!/x@y.z"},
	} {
		got, err := fleet.ParseRoleARN(arn)
		if err != nil || got != want || got.String() != arn {
			t.Errorf("%s: %+v, %v", arn, got, err)
		}
	}
	for _, arn := range []string{
		"", "nightshift", "arn:aws:iam::*:role/nightshift", "arn:aws:iam::12345678901:role/nightshift", "arn:aws:iam::123456789012:role/",
		"arn:aws:iam::123456789012:user/nightshift", "arn:aws:iam::123456789012:role/a b", "arn:aws:iam::123456789012:role/*",
		"arn:aws-:iam::123456789012:role/x", "arn:aws:iam::123456789012:role/" + strings.Repeat("x", 65),
	} {
		if _, err := fleet.ParseRoleARN(arn); !errors.Is(err, fleet.ErrInvalid) {
			t.Errorf("%q: %v", arn, err)
		}
	}
}

func TestParseAccount(t *testing.T) {
	if account, err := fleet.ParseAccount("012345678901"); account != "012345678901" || err != nil {
		t.Errorf("%s, %v", account, err)
	}
	for _, id := range []string{"", "12345678901", "1234567890123", "12345678901x", "１２３４５６７８９０１２"} {
		if _, err := fleet.ParseAccount(id); !errors.Is(err, fleet.ErrInvalid) {
			t.Errorf("%q: %v", id, err)
		}
	}
}
