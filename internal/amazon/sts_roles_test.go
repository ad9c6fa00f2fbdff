package amazon_test

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/organizations"

	"nightshift/internal/amazon"
	"nightshift/internal/fleet"
	"nightshift/internal/sandbox"
	"nightshift/internal/sandbox/sandboxtest"
)

// memberRole is the role of a member account of the sandbox.
func memberRole(account, external string) amazon.Role {
	return amazon.Role{ARN: "arn:aws:iam::" + account + ":role/" + sandbox.MemberRole, ExternalID: external}
}

const member = "200000000001"

// A session with a role works in the other account, and its calls count with
// those of the session that it came from.
func TestAssume(t *testing.T) {
	server := sandboxtest.Start(t, sandbox.Options{Accounts: sandbox.Members(2)})
	s := newPeer(server.URL()).session(t)
	away, err := s.Assume(t.Context(), memberRole(member, sandbox.MemberExternalID))
	if err != nil {
		t.Fatal(err)
	}
	account, err := away.Account(t.Context())
	if err != nil || account != member {
		t.Errorf("account %q, %v", account, err)
	}
	n := 0
	for i, err := range away.Fleet(region).Instances(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		if i.Target.Account != member {
			t.Errorf("%s is in %s", i.ID, i.Target.Account)
		}
		n++
	}
	if n == 0 {
		t.Error("the member account has no instances")
	}
	if !away.CustomEndpoint() {
		t.Error("the sandbox is taken for AWS")
	}
	if calls(s, "STS", "AssumeRole") != 1 || calls(s, "EC2", "DescribeInstances") == 0 || len(s.Calls()) != len(away.Calls()) {
		t.Errorf("calls %v", s.Calls())
	}
	for _, c := range server.Sandbox().Calls() {
		if c.Action == "AssumeRole" && c.Account != sandbox.AccountID {
			t.Errorf("AssumeRole came from %s", c.Account)
		}
	}
}

// A refusal names the role and says what to check, and never what the external
// id is, not even where AWS repeats it.
func TestAssumeRefused(t *testing.T) {
	server := sandboxtest.Start(t, sandbox.Options{Accounts: sandbox.Members(1)})
	var log bytes.Buffer
	s, err := amazon.Open(t.Context(), amazon.Options{
		Region: region, Log: slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug})),
		Endpoint: &amazon.Endpoint{URL: server.URL(), AccessKey: sandbox.AccessKey, SecretKey: sandbox.SecretKey},
	})
	if err != nil {
		t.Fatal(err)
	}
	const secret = "so-secret-42"
	named := memberRole(member, sandbox.MemberExternalID)
	named.Name = "개발 계정"
	for name, tt := range map[string]struct {
		role amazon.Role
		kind error
		says string
	}{
		"a wrong external id":    {memberRole(member, secret), fleet.ErrDenied, "asks for the external id that is configured"},
		"no external id":         {memberRole(member, ""), fleet.ErrDenied, "asks for no external id"},
		"no such role":           {amazon.Role{ARN: "arn:aws:iam::" + member + ":role/nobody"}, fleet.ErrDenied, "check that it exists"},
		"no such account":        {memberRole("299999999999", secret), fleet.ErrDenied, "trust policy"},
		"an external id with \"": {memberRole(member, secret+`"`), fleet.ErrInvalid, "cannot be assumed"},
		"no role":                {amazon.Role{ARN: "nightshift", ExternalID: secret}, fleet.ErrInvalid, "is not the ARN of a role"},
		"a session name":         {named, fleet.ErrInvalid, "session name"},
	} {
		_, err := s.Assume(t.Context(), tt.role)
		if !errors.Is(err, tt.kind) || !strings.Contains(err.Error(), tt.says) || !strings.Contains(err.Error(), tt.role.ARN) && name != "a session name" {
			t.Errorf("%s: %v, want a %v that says %q", name, err, tt.kind, tt.says)
		}
		if strings.Contains(err.Error()+log.String(), secret) {
			t.Errorf("%s: the external id is told:\n%v\n%s", name, err, log.String())
		}
	}
}

// Trouble of the service itself is not a refusal of the role, and is ridden out
// where it passes.
func TestAssumeInTrouble(t *testing.T) {
	for fault, want := range map[string]error{
		"sts:AssumeRole=broken,count=2":  nil,
		"sts:AssumeRole=expired,count=1": nil,
		"sts:AssumeRole=expired":         fleet.ErrCredentials,
		"sts:AssumeRole=deny":            fleet.ErrDenied,
		"sts:AssumeRole=broken":          fleet.ErrUnavailable,
	} {
		t.Run(fault, func(t *testing.T) {
			t.Parallel()
			faults, err := sandbox.ParseFaults(fault)
			if err != nil {
				t.Fatal(err)
			}
			server := sandboxtest.Start(t, sandbox.Options{Accounts: sandbox.Members(1), Faults: faults})
			role := memberRole(member, sandbox.MemberExternalID)
			s, err := amazon.Open(t.Context(), amazon.Options{Region: region, Endpoint: &amazon.Endpoint{
				URL: server.URL(), AccessKey: sandbox.AccessKey, SecretKey: sandbox.SecretKey, ClockScale: 20, // shortens the pauses
			}})
			if err != nil {
				t.Fatal(err)
			}
			_, err = s.Assume(t.Context(), role)
			if !errors.Is(err, want) || err != nil && !strings.Contains(err.Error(), role.ARN) {
				t.Errorf("%v, want %v", err, want)
			}
		})
	}
}

// Credentials are fetched once for many requests, and again when AWS says that
// they have expired; what refuses that is reported at the request that needed
// them.
func TestAssumeAgain(t *testing.T) {
	server := sandboxtest.Start(t, sandbox.Options{Accounts: sandbox.Members(1)})
	s := newPeer(server.URL()).session(t)
	away, err := s.Assume(t.Context(), memberRole(member, sandbox.MemberExternalID))
	if err != nil {
		t.Fatal(err)
	}
	var group sync.WaitGroup
	for range 20 {
		group.Go(func() {
			if _, err := away.Account(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	if n := calls(s, "STS", "AssumeRole"); n != 1 {
		t.Errorf("%d calls of AssumeRole", n)
	}
	server.Sandbox().Advance(2 * time.Hour)
	if account, err := away.Account(t.Context()); err != nil || account != member {
		t.Errorf("after two hours: %s, %v", account, err)
	}
	if n := calls(s, "STS", "AssumeRole"); n != 2 {
		t.Errorf("%d calls of AssumeRole, want another one", n)
	}
	server.Sandbox().Advance(2 * time.Hour)
	faults, err := sandbox.ParseFaults("sts:AssumeRole=deny")
	if err != nil {
		t.Fatal(err)
	}
	if err := server.Sandbox().SetFaults(faults); err != nil {
		t.Fatal(err)
	}
	_, err = away.Regions(t.Context(), region)
	if !errors.Is(err, fleet.ErrDenied) || errors.Is(err, fleet.ErrCredentials) || !strings.Contains(err.Error(), "may not be assumed") ||
		!strings.Contains(err.Error(), "ec2:DescribeRegions") {
		t.Errorf("a role that is refused later: %v", err)
	}
}

// The clock of a sandbox may be another and run faster than ours: its
// credentials are good for as long as it says, by our clock.
func TestAssumeByAnotherClock(t *testing.T) {
	start := time.Date(2021, 3, 4, 5, 6, 7, 0, time.UTC)
	const speed = 300
	server := sandboxtest.Start(t, sandbox.Options{Accounts: sandbox.Members(1), Start: start, Speed: speed})
	s, err := amazon.Open(t.Context(), amazon.Options{Region: region, Endpoint: &amazon.Endpoint{
		URL: server.URL(), AccessKey: sandbox.AccessKey, SecretKey: sandbox.SecretKey, ClockScale: speed,
	}})
	if err != nil {
		t.Fatal(err)
	}
	away, err := s.Assume(t.Context(), memberRole(member, sandbox.MemberExternalID))
	if err != nil {
		t.Fatal(err)
	}
	for range 10 {
		if _, err := away.Account(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if n := calls(s, "STS", "AssumeRole"); n > 2 { // an hour is twelve seconds
		t.Errorf("%d calls of AssumeRole for ten requests", n)
	}
}

// The same role is assumed once, by however many runs at a time; another name or
// external id is another role.
func TestAssumeOnce(t *testing.T) {
	server := sandboxtest.Start(t, sandbox.Options{Accounts: sandbox.Members(1)})
	s := newPeer(server.URL()).session(t)
	var runs sync.WaitGroup
	for range 8 {
		runs.Go(func() {
			away, err := s.Assume(t.Context(), memberRole(member, sandbox.MemberExternalID))
			if err != nil {
				t.Error(err)
				return
			}
			if _, err := away.Regions(t.Context(), region); err != nil {
				t.Error(err)
			}
		})
	}
	runs.Wait()
	if n := calls(s, "STS", "AssumeRole"); n != 1 {
		t.Errorf("%d calls of AssumeRole for eight runs", n)
	}
	if _, err := s.Assume(t.Context(), memberRole(member, "wrong")); !errors.Is(err, fleet.ErrDenied) {
		t.Errorf("another external id: %v", err)
	}
	named := memberRole(member, sandbox.MemberExternalID)
	named.Name = "backup"
	if _, err := s.Assume(t.Context(), named); err != nil {
		t.Error(err)
	}
	if n := calls(s, "STS", "AssumeRole"); n != 3 {
		t.Errorf("%d calls of AssumeRole for three roles", n)
	}
	again, err := s.Assume(t.Context(), memberRole(member, sandbox.MemberExternalID))
	if err != nil {
		t.Fatal(err)
	}
	if left, full := amazon.RegionRequestsLeft(again, region), amazon.RegionRequestsLeft(s, region); left >= full {
		t.Errorf("the role's bucket has %v of %v tokens: it is not the one of the runs before", left, full)
	}
}

// Quotas are those of an account: one does not slow another down.
func TestAssumeHasItsOwnQuotas(t *testing.T) {
	server := sandboxtest.Start(t, sandbox.Options{Accounts: sandbox.Members(1)})
	s := newPeer(server.URL()).session(t)
	away, err := s.Assume(t.Context(), memberRole(member, sandbox.MemberExternalID))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := away.Regions(t.Context(), region); err != nil {
		t.Fatal(err)
	}
	if full := amazon.RegionRequestsLeft(s, region); amazon.RegionRequestsLeft(away, region) >= full {
		t.Errorf("a request of the other account took none of its own %v tokens", full)
	}
}

func TestOrganization(t *testing.T) {
	members := sandbox.Members(45)
	members[3].Suspended = true
	server := sandboxtest.Start(t, sandbox.Options{Accounts: members})
	s := newPeer(server.URL()).session(t)
	all, err := s.Organization(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	seen := map[fleet.Account]amazon.Member{}
	for _, m := range all {
		seen[m.ID] = m
	}
	if len(all) != 46 || len(seen) != 46 || calls(s, "Organizations", "ListAccounts") != 3 {
		t.Errorf("%d accounts, %d different, calls %v", len(all), len(seen), s.Calls())
	}
	if m := seen["200000000004"]; m.Status != "SUSPENDED" {
		t.Errorf("a suspended account is %+v", m)
	}
	if m := seen["200000000045"]; m.Status != "ACTIVE" || m.Name != "member 45" {
		t.Errorf("an account is %+v", m)
	}
	away, err := s.Assume(t.Context(), memberRole(member, sandbox.MemberExternalID))
	if err != nil {
		t.Fatal(err)
	}
	_, err = away.Organization(t.Context())
	if !errors.Is(err, fleet.ErrDenied) || !strings.Contains(err.Error(), "management account") {
		t.Errorf("from a member account: %v", err)
	}
}

func TestNoOrganization(t *testing.T) {
	_, err := newPeer(sandboxtest.Start(t, sandbox.Options{}).URL()).session(t).Organization(t.Context())
	if !errors.Is(err, fleet.ErrInvalid) || !strings.Contains(err.Error(), "in no organization") {
		t.Error(err)
	}
}

// An independent emulator has the same organization, and other accounts behind
// its roles, which it refuses to nobody.
func TestAccountsAgainstMoto(t *testing.T) {
	t.Parallel()
	endpoint := moto(t, "accounts and roles are")
	client := organizations.NewFromConfig(aws.Config{
		Region: "us-east-1", BaseEndpoint: &endpoint, HTTPClient: awshttp.NewBuildableClient(),
		Credentials: credentials.NewStaticCredentialsProvider(sandbox.AccessKey, sandbox.SecretKey, ""),
	})
	s := newPeer(endpoint).session(t)
	if _, err := client.CreateOrganization(t.Context(), &organizations.CreateOrganizationInput{}); err != nil {
		t.Fatal(err)
	}
	want := map[string]bool{}
	for n := range 23 {
		name := fmt.Sprint("team ", n)
		want[name] = true
		if _, err := client.CreateAccount(t.Context(), &organizations.CreateAccountInput{AccountName: &name, Email: aws.String(fmt.Sprintf("%d@example.com", n))}); err != nil {
			t.Fatal(err)
		}
	}
	members, err := s.Organization(t.Context())
	if err != nil || len(members) != 24 {
		t.Fatalf("%d accounts, %v", len(members), err)
	}
	for _, m := range members {
		delete(want, m.Name)
		if m.Status != "ACTIVE" {
			t.Errorf("%+v", m)
		}
	}
	if len(want) > 0 {
		t.Errorf("missing: %v", want)
	}
	other := members[len(members)-1].ID
	away, err := s.Assume(t.Context(), amazon.Role{ARN: "arn:aws:iam::" + string(other) + ":role/nightshift", ExternalID: "practice"})
	if err != nil {
		t.Fatal(err)
	}
	if account, err := away.Account(t.Context()); err != nil || account != other {
		t.Errorf("in account %s, %v; want %s", account, err, other)
	}
	if n := calls(s, "STS", "AssumeRole"); n != 1 {
		t.Errorf("%d calls of AssumeRole", n)
	}
}
