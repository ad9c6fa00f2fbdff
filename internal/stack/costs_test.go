package stack_test

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"nightshift/internal/fleet"
	"nightshift/internal/power"
	"nightshift/internal/stack"
)

// costed are the actions of a cost report that uses all it can.
func costed() []string {
	return append(scheduled(),
		"ec2:DescribeSnapshots", "ec2:DescribeAddresses", "ec2:DescribeHosts", "ec2:DescribeCapacityReservations",
		"ec2:DescribeSpotPriceHistory", "ec2:DescribeInstanceCreditSpecifications",
		"pricing:ListPriceLists", "pricing:GetPriceListFileUrl", "ce:GetCostAndUsageWithResources",
		"cloudwatch:GetMetricData", "organizations:ListAccounts", "sts:AssumeRole",
	)
}

func everything() stack.Costs {
	return stack.Costs{
		CostExplorer: true, CloudWatch: true, Organization: true, Offers: true,
		Roles: []fleet.RoleARN{
			{Partition: "aws", Account: "210987654321", Name: "ops/nightshift"},
			{Partition: "aws", Account: fleet.AnyAccount, Name: "nightshift"},
		},
		History: "s3://records/history", PriceCache: "s3://prices", Bill: "s3://bills/focus/*",
	}
}

func TestPolicyOfCosts(t *testing.T) {
	golden(t, "costs", only(t, costed(), stack.Scope{
		Account: "123456789012", Tag: tag("AutoStopStart=Yes"), Bucket: "reports", Prefix: "ec2/", Costs: everything(),
	}))
}

// TestPolicyOfSomeCosts gives each setting its own actions and no others.
func TestPolicyOfSomeCosts(t *testing.T) {
	all := []string{
		"ce:GetCostAndUsageWithResources", "cloudwatch:GetMetricData", "organizations:ListAccounts",
		"pricing:ListPriceLists", "sts:AssumeRole", "s3:GetObject",
	}
	for want, costs := range map[string]stack.Costs{
		"":                                {},
		"ce:GetCostAndUsageWithResources": {CostExplorer: true},
		"cloudwatch:GetMetricData":        {CloudWatch: true},
		"organizations:ListAccounts":      {Organization: true},
		"pricing:ListPriceLists":          {Offers: true},
		"sts:AssumeRole":                  {Roles: everything().Roles},
		"s3:GetObject":                    {Bill: "s3://bills"},
	} {
		policy := only(t, costed(), stack.Scope{Tag: tag("AutoStopStart=Yes"), Bucket: "reports", Costs: costs})
		var allowed []string
		for _, s := range policy.Statement {
			allowed = append(allowed, s.Action...)
		}
		for _, action := range all {
			if slices.Contains(allowed, action) != (action == want) {
				t.Errorf("with %+v the policy allows %v", costs, allowed)
			}
		}
	}
}

func TestPolicyRefusesCosts(t *testing.T) {
	for want, costs := range map[string]stack.Costs{
		`role: "arn::iam::123456789012:role/x"`:    {Roles: []fleet.RoleARN{{Account: "123456789012", Name: "x"}}},
		`role: "arn:aws:iam::123456789012:role/*"`: {Roles: []fleet.RoleARN{{Partition: "aws", Account: fleet.AnyAccount, Name: "*"}}},
		`role: "arn:aws:iam::1:role/x"`:            {Roles: []fleet.RoleARN{{Partition: "aws", Account: "1", Name: "x"}}},
		`history "records"`:                        {History: "records"},
		`price cache "s3://"`:                      {PriceCache: "s3://"},
		"bill \"b\": use s3://bucket/prefix\nhist": {Bill: "b", History: "h"},
	} {
		_, err := stack.Policies(costed(), stack.Scope{Tag: tag("k=v"), Costs: costs})
		if !errors.Is(err, fleet.ErrInvalid) || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: got %v, want %q", costs, err, want)
		}
		if _, err := stack.Template(costed(), nil, costs); !errors.Is(err, fleet.ErrInvalid) {
			t.Errorf("template of %+v: %v", costs, err)
		}
	}
}

// TestTemplateOfCosts has the policy's statements, with texts that
// CloudFormation leaves as they are.
func TestTemplateOfCosts(t *testing.T) {
	text, err := stack.Template(costed(), nil, everything())
	if err != nil {
		t.Fatal(err)
	}
	want := only(t, costed(), stack.Scope{Account: "123456789012", Tag: tag("k=v"), Bucket: "bbb", Prefix: "p/", Costs: everything()})
	if diff := cmp.Diff([]stack.Document{want}, rolePolicies(t, string(text))); diff != "" {
		t.Errorf("(-policy +template)\n%s", diff)
	}
}

// TestMemberPolicy reads and acts in the other account, and keeps nothing there.
func TestMemberPolicy(t *testing.T) {
	scope := stack.Scope{
		Member: true, Tag: tag("AutoStopStart=Yes"), Bucket: "reports", Costs: everything(),
		Schedules: &stack.Schedules{
			Rules: []stack.Bound{{Tag: tag("Schedule"), Kinds: power.Kinds()}}, Config: "s3://settings/n.yaml", Journal: "s3://records",
		},
	}
	text, err := only(t, costed(), scope).JSON()
	if err != nil {
		t.Fatal(err)
	}
	for _, absent := range []string{"s3:", "ssm:", "organizations:", "sts:", "pricing:ListPriceLists"} {
		if strings.Contains(string(text), `"`+absent) {
			t.Errorf("the policy of the other account has %s:\n%s", absent, text)
		}
	}
	for _, there := range []string{"ec2:StopInstances", "rds:StopDBCluster", "cloudwatch:GetMetricData", "ce:GetCostAndUsageWithResources"} {
		if !strings.Contains(string(text), `"`+there) {
			t.Errorf("the policy of the other account lacks %s", there)
		}
	}
	if _, err := stack.Policies([]string{"iam:PassRole"}, scope); !errors.Is(err, stack.ErrUnscoped) {
		t.Errorf("an unknown action: %v", err)
	}
}

func TestTrust(t *testing.T) {
	const role = "arn:aws:iam::123456789012:role/nightshift"
	for name, tt := range map[string]struct{ caller, external, principal, condition string }{
		"a role and an external id": {role, "Blue-42", role, `{"StringEquals":{"sts:ExternalId":"Blue-42"}}`},
		"an account":                {"123456789012", "", "arn:aws:iam::123456789012:root", ""},
		"in China":                  {"arn:aws-cn:iam::123456789012:user/a/b", "", "arn:aws-cn:iam::123456789012:user/a/b", ""},
	} {
		document, err := stack.Trust(tt.caller, tt.external)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		text, err := document.JSON()
		if err != nil {
			t.Fatal(err)
		}
		var got struct {
			Statement []struct {
				Effect, Action any
				Principal      map[string]string
				Resource       []string
				Condition      json.RawMessage
			}
		}
		if err := json.Unmarshal(text, &got); err != nil || len(got.Statement) != 1 {
			t.Fatalf("%s: %v in\n%s", name, err, text)
		}
		s := got.Statement[0]
		condition := strings.Join(strings.Fields(string(s.Condition)), "")
		if s.Principal["AWS"] != tt.principal || s.Resource != nil || condition != tt.condition || s.Effect != "Allow" {
			t.Errorf("%s:\n%s", name, text)
		}
	}
	for _, caller := range []string{"", "*", "arn:aws:iam::*:root", "arn:aws:sts::123456789012:assumed-role/a/b", "12345678901"} {
		if _, err := stack.Trust(caller, ""); !errors.Is(err, fleet.ErrInvalid) {
			t.Errorf("caller %q: %v", caller, err)
		}
	}
	if _, err := stack.Trust(role, "so secret ${x}"); !errors.Is(err, fleet.ErrInvalid) || strings.Contains(err.Error(), "secret") {
		t.Errorf("a wrong external id: %v", err)
	}
}
