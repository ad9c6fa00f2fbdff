package sandbox

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// organizationAction is an operation of AWS Organizations.
type organizationAction func(*Sandbox, *request) (any, *inputError)

func organizationActions() map[string]organizationAction {
	return map[string]organizationAction{
		"DescribeOrganization": (*Sandbox).describeOrganization,
		"ListAccounts":         (*Sandbox).listAccounts,
	}
}

// inputError is a refusal by Organizations, with the reason that an
// InvalidInputException carries.
type inputError struct {
	apiError
	reason string
}

// serveOrganizations answers for AWS Organizations. There is an organization
// where the sandbox has several accounts.
func (s *Sandbox) serveOrganizations(r *request) answer {
	run := organizationActions()[r.call.Action]
	if run == nil {
		return r.refuse(invalid("UnknownOperationException", "The practice account has no "+r.call.Action))
	}
	if err := s.authorize(r, "*", &policyContext{region: r.scope.region}); err != nil {
		return r.refuse(err)
	}
	if len(s.accounts) == 1 {
		return r.refuse(invalid("AWSOrganizationsNotInUseException", "Your account is not a member of an organization."))
	}
	out, refused := run(s, r)
	if refused != nil {
		a := r.refuse(&refused.apiError)
		if refused.reason != "" {
			out = map[string]string{"__type": refused.code, "Message": refused.message, "Reason": refused.reason}
			a.body, _ = json.Marshal(out) // cannot fail: strings
		}
		return a
	}
	body, err := json.Marshal(out)
	if err != nil {
		return r.refuse(fail(http.StatusInternalServerError, "ServiceException", err.Error()))
	}
	return answer{status: http.StatusOK, body: body, header: r.header("application/x-amz-json-1.1")}
}

// organizationID is derived from the seed: "o-" and ten letters and digits.
func (s *Sandbox) organizationID() string {
	return "o-" + strings.ToLower(uniqueID("", "organization"+strconv.FormatUint(s.opts.Seed, 10))[:10])
}

// inOrganization is the ARN of an account in the organization.
func (s *Sandbox) inOrganization(a *Account) string {
	return fmt.Sprintf("arn:aws:organizations::%s:account/%s/%s", s.id, s.organizationID(), a.id)
}

func (a *Account) email() string { return "aws+" + a.id + "@example.com" }

// describeOrganization may be called from any account of the organization.
func (s *Sandbox) describeOrganization(*request) (any, *inputError) {
	type organization struct {
		ID                 string `json:"Id"`
		ARN                string `json:"Arn"`
		FeatureSet         string
		MasterAccountARN   string `json:"MasterAccountArn"`
		MasterAccountID    string `json:"MasterAccountId"`
		MasterAccountEmail string
	}
	return struct{ Organization organization }{organization{
		ID: s.organizationID(), ARN: fmt.Sprintf("arn:aws:organizations::%s:organization/%s", s.id, s.organizationID()), FeatureSet: "ALL",
		MasterAccountARN: s.inOrganization(s.home), MasterAccountID: s.id, MasterAccountEmail: s.email(),
	}}, nil
}

// mostAccounts is the largest page of ListAccounts, and the usual one.
const mostAccounts = 20

// listedAccount is an account as ListAccounts tells it. Status is what State
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
func (s *Sandbox) listAccounts(r *request) (any, *inputError) {
	if r.caller.account != s.home {
		return nil, &inputError{apiError: *invalid("AccessDeniedException", "You don't have permissions to access this resource.")}
	}
	var in struct {
		MaxResults *int
		NextToken  *string
	}
	if err := json.Unmarshal(r.body, &in); err != nil {
		return nil, &inputError{apiError: *invalid("SerializationException", "The request is not what ListAccounts takes")}
	}
	size, from := mostAccounts, 0
	if in.MaxResults != nil {
		size = *in.MaxResults
	}
	if in.NextToken != nil {
		from = s.tokenPlace(*in.NextToken)
	}
	switch {
	case size < 1:
		return nil, wrongInput("MIN_VALUE_EXCEEDED", "MaxResults is below 1.")
	case size > mostAccounts:
		return nil, wrongInput("MAX_VALUE_EXCEEDED", "MaxResults is above 20.")
	case in.NextToken != nil && from == 0:
		return nil, wrongInput("INVALID_NEXT_TOKEN", "NextToken is not one of ListAccounts.")
	}
	to := min(from+size, len(s.accounts))
	var out struct {
		Accounts  []listedAccount
		NextToken string `json:",omitempty"`
	}
	for n, a := range s.accounts[from:to] {
		one := listedAccount{
			ID: a.id, ARN: s.inOrganization(a), Email: a.email(), Name: a.name, State: "ACTIVE", Status: "ACTIVE", JoinedMethod: "CREATED",
			JoinedTimestamp: float64(s.clock.start.Add(-time.Duration(1000-from-n) * 24 * time.Hour).Unix()),
		}
		if a == s.home {
			one.JoinedMethod = "INVITED"
		}
		if a.suspended {
			one.State, one.Status = "SUSPENDED", "SUSPENDED"
		}
		out.Accounts = append(out.Accounts, one)
	}
	if to < len(s.accounts) {
		out.NextToken = s.accountsToken(to)
	}
	return out, nil
}

func wrongInput(reason, message string) *inputError {
	return &inputError{apiError: *invalid("InvalidInputException", message), reason: reason}
}

// accountsToken is the token of the page that begins at a place of the list.
func (s *Sandbox) accountsToken(place int) string {
	text := fmt.Sprintf("%s accounts from %d", s.organizationID(), place)
	return base64.URLEncoding.EncodeToString([]byte(text))
}

// tokenPlace is the place at which the page of a token begins; 0 for what is no
// token.
func (s *Sandbox) tokenPlace(token string) int {
	for place := 1; place < len(s.accounts); place++ {
		if s.accountsToken(place) == token {
			return place
		}
	}
	return 0
}
