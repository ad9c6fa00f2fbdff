package sandbox_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/organizations"
	"github.com/aws/aws-sdk-go-v2/service/organizations/types"
	"github.com/google/go-cmp/cmp"

	"nightshift/internal/sandbox"
)

func (a *account) organizations(cfg aws.Config) *organizations.Client {
	cfg.Region = "us-east-1" // the service has one endpoint
	return organizations.NewFromConfig(cfg)
}

func TestListAccounts(t *testing.T) {
	a := open(t, sandbox.Options{Accounts: append(sandbox.Members(24), sandbox.AccountOptions{
		ID: "300000000003", Name: "closed", Suspended: true,
	})})
	client := a.organizations(a.config(sandbox.DefaultRegion))
	for _, tt := range []struct {
		most  *int32
		pages int
	}{{nil, 2}, {aws.Int32(20), 2}, {aws.Int32(13), 2}, {aws.Int32(1), 26}, {aws.Int32(7), 4}} {
		var ids []string
		pages := 0
		p := organizations.NewListAccountsPaginator(client, &organizations.ListAccountsInput{MaxResults: tt.most})
		for p.HasMorePages() {
			out, err := p.NextPage(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			pages++
			for _, one := range out.Accounts {
				ids = append(ids, *one.Id)
				checkListed(t, one)
			}
		}
		want := []string{}
		for _, one := range a.Accounts() {
			want = append(want, one.ID())
		}
		if diff := cmp.Diff(want, ids); diff != "" || pages != tt.pages {
			t.Errorf("%v a page: %d pages, -want +got\n%s", tt.most, pages, diff)
		}
	}
}

func checkListed(t *testing.T, one types.Account) {
	t.Helper()
	state, status := types.AccountStateActive, types.AccountStatusActive
	if *one.Name == "closed" {
		state, status = types.AccountStateSuspended, types.AccountStatusSuspended
	}
	if one.State != state || one.Status != status {
		t.Errorf("%s is %s, %s", *one.Name, one.State, one.Status)
	}
	if !strings.HasPrefix(*one.Arn, "arn:aws:organizations::"+sandbox.AccountID+":account/o-") || !strings.HasSuffix(*one.Arn, "/"+*one.Id) {
		t.Errorf("ARN %s", *one.Arn)
	}
	if !one.JoinedTimestamp.Before(testStart) || !strings.Contains(*one.Email, "@") {
		t.Errorf("%s joined %v with %s", *one.Id, one.JoinedTimestamp, *one.Email)
	}
}

func TestDescribeOrganization(t *testing.T) {
	a := organization(t, sandbox.Options{})
	for _, cfg := range []aws.Config{a.config(sandbox.DefaultRegion), a.assume(memberOne)} {
		out, err := a.organizations(cfg).DescribeOrganization(t.Context(), &organizations.DescribeOrganizationInput{})
		if err != nil {
			t.Fatal(err)
		}
		o := out.Organization
		if *o.MasterAccountId != sandbox.AccountID || !strings.HasSuffix(*o.Arn, ":organization/"+*o.Id) || o.FeatureSet != types.OrganizationFeatureSetAll {
			t.Errorf("%+v", *o)
		}
	}
}

func TestRefusedByOrganizations(t *testing.T) {
	a := organization(t, sandbox.Options{})
	list := func(a *account, cfg aws.Config, in organizations.ListAccountsInput) error {
		_, err := a.organizations(cfg).ListAccounts(a.t.Context(), &in)
		return err
	}
	own := a.config(sandbox.DefaultRegion)
	if err := list(a, a.assume(memberOne), organizations.ListAccountsInput{}); code(err) != "AccessDeniedException" || message(err) != "You don't have permissions to access this resource." {
		t.Errorf("from a member: %v", err)
	}
	alone := open(t, sandbox.Options{})
	if err := list(alone, alone.config(sandbox.DefaultRegion), organizations.ListAccountsInput{}); code(err) != "AWSOrganizationsNotInUseException" {
		t.Errorf("without an organization: %v", err)
	}
	for _, tt := range []struct {
		in     organizations.ListAccountsInput
		reason types.InvalidInputExceptionReason
	}{
		{organizations.ListAccountsInput{MaxResults: aws.Int32(0)}, types.InvalidInputExceptionReasonMinValueExceeded},
		{organizations.ListAccountsInput{NextToken: aws.String("AQ==")}, types.InvalidInputExceptionReasonInvalidPaginationToken},
	} {
		unchecked := openUnchecked(t, sandbox.Options{Accounts: sandbox.Members(2)})
		err := list(unchecked, unchecked.config(sandbox.DefaultRegion), tt.in)
		if wrong, ok := errors.AsType[*types.InvalidInputException](err); !ok || wrong.Reason != tt.reason {
			t.Errorf("%+v: %v", tt.in, err)
		}
	}
	if err := a.SetPolicy(sandbox.PolicyDenying("organizations:*")); err != nil {
		t.Fatal(err)
	}
	if err := list(a, own, organizations.ListAccountsInput{}); code(err) != "AccessDeniedException" || !strings.Contains(message(err), "organizations:ListAccounts") {
		t.Errorf("denied by policy: %v", err)
	}
	if err := a.SetPolicy(nil); err != nil {
		t.Fatal(err)
	}
	if err := a.SetFaults([]sandbox.Fault{{Action: "organizations:ListAccounts", Kind: sandbox.Throttle}}); err != nil {
		t.Fatal(err)
	}
	if err := list(a, own, organizations.ListAccountsInput{}); code(err) != "TooManyRequestsException" {
		t.Errorf("throttled: %v", err)
	}
}
