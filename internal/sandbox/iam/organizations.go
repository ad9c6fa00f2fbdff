package iam

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"nightshift/internal/sandbox/policy"
	"nightshift/internal/sandbox/random"
	"nightshift/internal/sandbox/service"
	"nightshift/internal/sandbox/state"
	"nightshift/internal/sandbox/wire"
)

// organizationAction is an operation of AWS Organizations.
type organizationAction func(*service.Call) (any, *inputError)

func organizationActions() map[string]organizationAction {
	return map[string]organizationAction{
		"DescribeOrganization": describeOrganization,
		"ListAccounts":         listAccounts,
	}
}

// inputError is a refusal by Organizations, with the reason that an
// InvalidInputException carries.
type inputError struct {
	wire.Error
	reason string
}

// OrganizationsService is AWS Organizations.
func OrganizationsService() service.Service {
	return service.Service{
		Name: "organizations", Operations: slices.Sorted(maps.Keys(organizationActions())),
		Read: (*wire.Request).ReadTarget, Refusal: wire.RefuseJSON("Message"), Serve: serveOrganizations,
	}
}

// serveOrganizations answers for AWS Organizations. There is an organization
// where the sandbox has several accounts.
func serveOrganizations(r *service.Call) wire.Answer {
	run := organizationActions()[r.Action]
	if run == nil {
		return r.Refuse(wire.Invalid("UnknownOperationException", "The sandbox has no "+r.Action))
	}
	if err := r.Authorize("*", &policy.Context{Region: r.Scope.Region}); err != nil {
		return r.Refuse(err)
	}
	if len(r.Organization.Accounts) == 1 {
		return r.Refuse(wire.Invalid("AWSOrganizationsNotInUseException", "Your account is not a member of an organization."))
	}
	out, refused := run(r)
	if refused != nil {
		a := r.Refuse(&refused.Error)
		if refused.reason != "" {
			out = map[string]string{"__type": refused.Code, "Message": refused.Message, "Reason": refused.reason}
			a.Body, _ = json.Marshal(out) // cannot fail: strings
		}
		return a
	}
	body, err := json.Marshal(out)
	if err != nil {
		return r.Refuse(wire.Fail(http.StatusInternalServerError, "ServiceException", err.Error()))
	}
	return r.AnswerJSON(body)
}

// organizationID is derived from the seed: "o-" and ten letters and digits.
func organizationID(o *state.Organization) string {
	return "o-" + strings.ToLower(random.UniqueID("", "organization"+strconv.FormatUint(o.Seed, 10))[:10])
}

// inOrganization is the ARN of an account in the organization.
func inOrganization(o *state.Organization, a *state.Account) string {
	return fmt.Sprintf("arn:aws:organizations::%s:account/%s/%s", o.Accounts[0].ID(), organizationID(o), a.ID())
}

func email(a *state.Account) string { return "aws+" + a.ID() + "@example.com" }

// describeOrganization may be called from any account of the organization.
func describeOrganization(r *service.Call) (any, *inputError) {
	type described struct {
		ID                 string `json:"Id"`
		ARN                string `json:"Arn"`
		FeatureSet         string
		MasterAccountARN   string `json:"MasterAccountArn"`
		MasterAccountID    string `json:"MasterAccountId"`
		MasterAccountEmail string
	}
	o := r.Organization
	management := o.Accounts[0]
	return struct{ Organization described }{described{
		ID: organizationID(o), ARN: fmt.Sprintf("arn:aws:organizations::%s:organization/%s", management.ID(), organizationID(o)), FeatureSet: "ALL",
		MasterAccountARN: inOrganization(o, management), MasterAccountID: management.ID(), MasterAccountEmail: email(management),
	}}, nil
}

// mostAccounts is the largest page of ListAccounts, and the usual one.
const mostAccounts = 20

// listedAccount is an account as ListAccounts reports it. Status is what State
// replaces.
type listedAccount struct {
	ID              string `json:"Id"`
	ARN             string `json:"Arn"`
	Email           string
	Name            string
	State           string
	Status          string
	JoinedMethod    string
	JoinedTimestamp float64 // seconds since 1970
}

// listAccounts lists the organization page by page, for the management account
// alone.
func listAccounts(r *service.Call) (any, *inputError) {
	o := r.Organization
	if r.Caller.Account != o.Accounts[0] {
		return nil, &inputError{Error: *wire.Invalid("AccessDeniedException", "You don't have permissions to access this resource.")}
	}
	var in struct {
		MaxResults *int
		NextToken  *string
	}
	if err := json.Unmarshal(r.Payload, &in); err != nil {
		return nil, &inputError{Error: *wire.Invalid("SerializationException", "The request is not what ListAccounts takes")}
	}
	size, from := mostAccounts, 0
	if in.MaxResults != nil {
		size = *in.MaxResults
	}
	if in.NextToken != nil {
		from = tokenIndex(o, *in.NextToken)
	}
	switch {
	case size < 1:
		return nil, wrongInput("MIN_VALUE_EXCEEDED", "MaxResults is below 1.")
	case size > mostAccounts:
		return nil, wrongInput("MAX_VALUE_EXCEEDED", "MaxResults is above 20.")
	case in.NextToken != nil && from == 0:
		return nil, wrongInput("INVALID_NEXT_TOKEN", "NextToken is not one of ListAccounts.")
	}
	to := min(from+size, len(o.Accounts))
	var out struct {
		Accounts  []listedAccount
		NextToken string `json:",omitempty"`
	}
	for n, a := range o.Accounts[from:to] {
		one := listedAccount{
			ID: a.ID(), ARN: inOrganization(o, a), Email: email(a), Name: a.Name(), State: "ACTIVE", Status: "ACTIVE", JoinedMethod: "CREATED",
			JoinedTimestamp: float64(o.Clock.Start.Add(-time.Duration(1000-from-n) * 24 * time.Hour).Unix()),
		}
		if a == o.Accounts[0] {
			one.JoinedMethod = "INVITED"
		}
		if a.Suspended {
			one.State, one.Status = "SUSPENDED", "SUSPENDED"
		}
		out.Accounts = append(out.Accounts, one)
	}
	if to < len(o.Accounts) {
		out.NextToken = accountsToken(o, to)
	}
	return out, nil
}

func wrongInput(reason, message string) *inputError {
	return &inputError{Error: *wire.Invalid("InvalidInputException", message), reason: reason}
}

// accountsToken is the token of the page that begins at a place of the list.
func accountsToken(o *state.Organization, index int) string {
	text := fmt.Sprintf("%s accounts from %d", organizationID(o), index)
	return base64.URLEncoding.EncodeToString([]byte(text))
}

// tokenIndex is the place at which the page of a token begins; 0 for what is not
// a token.
func tokenIndex(o *state.Organization, token string) int {
	for index := 1; index < len(o.Accounts); index++ {
		if accountsToken(o, index) == token {
			return index
		}
	}
	return 0
}
