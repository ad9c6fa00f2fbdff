package amazon

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/organizations"

	"nightshift/internal/fleet"
)

// Member is an account of an organization.
type Member struct {
	ID   fleet.Account
	Name string
	// Status is ACTIVE where the account can be used; else PENDING_ACTIVATION,
	// SUSPENDED, PENDING_CLOSURE or CLOSED.
	Status string
}

// Organization lists the accounts of the organization, in the API's order. Only
// its management account and delegated administrators may ask. An account that
// is in no organization is [fleet.ErrInvalid].
func (s *Session) Organization(ctx context.Context) ([]Member, error) {
	var members []Member
	in := &organizations.ListAccountsInput{}
	next := func(out *organizations.ListAccountsOutput) *string { return out.NextToken }
	for out, err := range pages(ctx, s.members(), in, &in.NextToken, next) {
		refusal, _ := errors.AsType[*fleet.Refusal](err)
		switch {
		case refusal != nil && refusal.Code == "AWSOrganizationsNotInUseException":
			return nil, fmt.Errorf("this account is in no organization; name the accounts one by one: %w", err)
		case errors.Is(err, fleet.ErrDenied):
			return nil, fmt.Errorf("may not list the organization's accounts: run in its management account or a delegated administrator's, with organizations:ListAccounts: %w", err)
		case err != nil:
			return nil, fmt.Errorf("list the organization's accounts: %w", err)
		}
		for _, a := range out.Accounts {
			members = append(members, Member{
				ID: fleet.Account(aws.ToString(a.Id)), Name: aws.ToString(a.Name),
				Status: cmp.Or(string(a.State), string(a.Status)), // State takes the place of Status
			})
		}
	}
	return members, nil
}

func (s *Session) members() operation[organizations.ListAccountsInput, organizations.ListAccountsOutput] {
	return capture(s, "organizations:ListAccounts", organizations.NewFromConfig(s.in(s.global())).ListAccounts)
}
