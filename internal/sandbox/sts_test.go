package sandbox_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/rds"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	ststypes "github.com/aws/aws-sdk-go-v2/service/sts/types"

	"nightshift/internal/sandbox"
)

// assumption is a call of AssumeRole that differs from the right one.
type assumption struct {
	account, role, external, session string
	seconds                          int32
	from                             *sts.Client
}

func (a *account) assumeRole(ask assumption) error {
	in := &sts.AssumeRoleInput{
		RoleArn:         aws.String("arn:aws:iam::" + textOr(ask.account, memberOne) + ":role/" + textOr(ask.role, sandbox.MemberRole)),
		RoleSessionName: aws.String(textOr(ask.session, "night")), ExternalId: aws.String(textOr(ask.external, sandbox.MemberExternalID)),
	}
	if ask.external == "none" {
		in.ExternalId = nil
	}
	if ask.seconds != 0 {
		in.DurationSeconds = &ask.seconds
	}
	if ask.from == nil {
		ask.from = a.sts
	}
	_, err := ask.from.AssumeRole(a.t.Context(), in)
	return err
}

func textOr(text, otherwise string) string {
	if text == "" {
		return otherwise
	}
	return text
}

func TestAssumeRole(t *testing.T) {
	a := organization(t, sandbox.Options{})
	in := &sts.AssumeRoleInput{
		RoleArn: aws.String("arn:aws:iam::" + memberOne + ":role/nightshift"), RoleSessionName: aws.String("night-shift@1"),
		ExternalId: aws.String("practice"), DurationSeconds: aws.Int32(900),
	}
	out, err := a.sts.AssumeRole(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	const arn = "arn:aws:sts::" + memberOne + ":assumed-role/nightshift/night-shift@1"
	c := out.Credentials
	if *out.AssumedRoleUser.Arn != arn || !strings.HasPrefix(*c.AccessKeyId, "ASIA") || len(*c.AccessKeyId) != 20 || len(*c.SecretAccessKey) != 40 {
		t.Errorf("%+v, %+v", *out.AssumedRoleUser, *c)
	}
	if want := testStart.Add(15 * time.Minute); !c.Expiration.Equal(want) {
		t.Errorf("it expires at %v, want %v", c.Expiration, want)
	}
	cfg := a.config(sandbox.DefaultRegion)
	cfg.Credentials = credentials.NewStaticCredentialsProvider(*c.AccessKeyId, *c.SecretAccessKey, *c.SessionToken)
	who, err := sts.NewFromConfig(cfg).GetCallerIdentity(t.Context(), &sts.GetCallerIdentityInput{})
	if err != nil || *who.Account != memberOne || *who.Arn != arn || *who.UserId != *out.AssumedRoleUser.AssumedRoleId {
		t.Errorf("who it is: %+v, %v", who, err)
	}
	again, err := a.sts.AssumeRole(t.Context(), in)
	if err != nil || *again.Credentials.AccessKeyId == *c.AccessKeyId || *again.AssumedRoleUser.AssumedRoleId != *out.AssumedRoleUser.AssumedRoleId {
		t.Errorf("a second session: %+v, %v", again, err)
	}
}

// TestRefusedAssumptions holds that a caller never learns which of the
// conditions it misses, as in AWS.
func TestRefusedAssumptions(t *testing.T) {
	a := organization(t, sandbox.Options{
		Roles: []sandbox.Role{{Name: "own"}},
		Accounts: []sandbox.AccountOptions{
			{ID: "300000000003", Suspended: true, Roles: sandbox.Members(1)[0].Roles},
			{ID: "400000000004", Roles: []sandbox.Role{
				{Name: sandbox.MemberRole, Trusts: []string{memberOne}},
				{Name: "open"},
			}},
		},
		Policy: []byte(`{"Statement": [
			{"Effect": "Allow", "Action": "*", "Resource": "*"},
			{"Effect": "Deny", "Action": "sts:AssumeRole", "Resource": "arn:aws:iam::` + memberTwo + `:role/*"}
		]}`),
	})
	for name, tt := range map[string]struct {
		ask  assumption
		code string
		text string
	}{
		"right":               {assumption{}, "", ""},
		"of its own account":  {assumption{account: sandbox.AccountID, role: "own"}, "", ""},
		"no id where none is": {assumption{account: "400000000004", role: "open", external: "none"}, "", ""},
		"an id where none is": {assumption{account: "400000000004", role: "open", external: "anything"}, "", ""},
		"wrong external id":   {assumption{external: "guess"}, "AccessDenied", "not authorized to perform: sts:AssumeRole on resource: arn:aws:iam::" + memberOne + ":role/nightshift"},
		"no external id":      {assumption{external: "none"}, "AccessDenied", "User: arn:aws:iam::" + sandbox.AccountID + ":user/practice is not authorized"},
		"unknown role":        {assumption{role: "admin"}, "AccessDenied", ":role/admin"},
		"unknown account":     {assumption{account: "999999999999"}, "AccessDenied", "arn:aws:iam::999999999999:role/"},
		"suspended account":   {assumption{account: "300000000003"}, "AccessDenied", "not authorized"},
		"not trusted":         {assumption{account: "400000000004"}, "AccessDenied", "not authorized"},
		"denied by policy":    {assumption{account: memberTwo}, "AccessDenied", "no identity-based policy allows the sts:AssumeRole action"},
		"longer than it may":  {assumption{seconds: 3601}, "ValidationError", "exceeds the MaxSessionDuration set for this role"},
		"too short":           {assumption{seconds: 899}, "ValidationError", "Value '899' at 'durationSeconds' failed to satisfy constraint: Member must have value greater than or equal to 900"},
		"too long":            {assumption{seconds: 43201}, "ValidationError", "Member must have value less than or equal to 43200"},
		"short name":          {assumption{session: "x"}, "ValidationError", "1 validation error detected: Value 'x' at 'roleSessionName' failed to satisfy constraint: Member must have length greater than or equal to 2"},
		"wrong name":          {assumption{session: "a b", seconds: 1}, "ValidationError", "2 validation errors detected: "},
		"short external id":   {assumption{external: "x"}, "ValidationError", "'externalId'"},
		"not a role":          {assumption{role: "a b"}, "ValidationError", ":role/a b is invalid"},
	} {
		t.Run(name, func(t *testing.T) {
			if err := a.assumeRole(tt.ask); code(err) != tt.code || !strings.Contains(message(err), tt.text) {
				t.Errorf("%v; want %s …%s…", err, tt.code, tt.text)
			}
		})
	}
	if _, err := a.sts.AssumeRole(t.Context(), &sts.AssumeRoleInput{
		RoleArn: aws.String("arn:aws:iam::" + memberOne + ":role/nightshift"), RoleSessionName: aws.String("night"),
		Tags: []ststypes.Tag{{Key: aws.String("team"), Value: aws.String("x")}},
	}); code(err) != "NotImplemented" || !strings.Contains(message(err), "Tags") {
		t.Errorf("session tags: %v", err)
	}
}

func TestRoleChaining(t *testing.T) {
	a := open(t, sandbox.Options{Accounts: []sandbox.AccountOptions{
		{ID: memberOne, Roles: []sandbox.Role{{Name: sandbox.MemberRole, MaxSession: 12 * time.Hour}}},
		{ID: memberTwo, Roles: []sandbox.Role{{Name: sandbox.MemberRole, MaxSession: 12 * time.Hour, Trusts: []string{memberOne}}}},
	}})
	if err := a.assumeRole(assumption{seconds: 43200}); err != nil {
		t.Errorf("twelve hours: %v", err)
	}
	first := sts.NewFromConfig(a.assume(memberOne))
	if err := a.assumeRole(assumption{account: memberTwo, from: first}); err != nil {
		t.Errorf("from the account that is trusted: %v", err)
	}
	if err := a.assumeRole(assumption{account: memberTwo, from: first, seconds: 3601}); code(err) != "ValidationError" || !strings.Contains(message(err), "role chaining") {
		t.Errorf("a chain of more than an hour: %v", err)
	}
	if err := a.assumeRole(assumption{account: memberTwo}); code(err) != "AccessDenied" {
		t.Errorf("from the management account: %v", err)
	}
}

// TestRolePolicy narrows what a session may do, also one that is under way.
func TestRolePolicy(t *testing.T) {
	a := organization(t, sandbox.Options{})
	member := a.Account(memberOne)
	client := ec2.NewFromConfig(a.assume(memberOne))
	stop := func() error {
		_, err := client.StopInstances(t.Context(), &ec2.StopInstancesInput{InstanceIds: []string{member.Instances(sandbox.DefaultRegion)[0].ID}})
		return err
	}
	own := `{"Statement": [{"Effect": "Allow", "Action": "ec2:StopInstances", "Resource": "arn:aws:ec2:*:` + memberOne + `:instance/*"}]}`
	others := strings.ReplaceAll(own, memberOne, memberTwo)
	for _, tt := range []struct {
		policy []byte
		code   string
	}{
		{nil, ""},
		{[]byte(own), ""},
		{[]byte(others), "UnauthorizedOperation"},
		{sandbox.PolicyDenying("ec2:*"), "UnauthorizedOperation"},
	} {
		if err := member.SetRolePolicy(sandbox.MemberRole, tt.policy); err != nil {
			t.Fatal(err)
		}
		err := stop()
		if code(err) != tt.code {
			t.Errorf("policy %s: %v; want %q", tt.policy, err, tt.code)
		}
		if err != nil && !strings.Contains(message(err), "User: arn:aws:sts::"+memberOne+":assumed-role/nightshift/night is not") {
			t.Errorf("the refusal: %s", message(err))
		}
	}
	if err := member.SetRolePolicy("nobody", nil); err == nil {
		t.Error("a policy of a role that is not there is taken")
	}
}

// TestCredentialsThatDoNotHold asks every kind of service with an unknown key,
// with a token of somebody else, and with a session that is over.
func TestCredentialsThatDoNotHold(t *testing.T) {
	a := organization(t, sandbox.Options{})
	cfg := a.assume(memberOne)
	good, err := cfg.Credentials.Retrieve(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	bucket := sandbox.DefaultBucket
	calls := map[string]func(aws.Config) error{
		"ec2": func(c aws.Config) error {
			_, err := ec2.NewFromConfig(c).DescribeVolumes(t.Context(), &ec2.DescribeVolumesInput{})
			return err
		},
		"sts": func(c aws.Config) error {
			_, err := sts.NewFromConfig(c).GetCallerIdentity(t.Context(), &sts.GetCallerIdentityInput{})
			return err
		},
		"rds": func(c aws.Config) error {
			_, err := rds.NewFromConfig(c).DescribeDBInstances(t.Context(), &rds.DescribeDBInstancesInput{})
			return err
		},
		"ssm": func(c aws.Config) error {
			_, err := ssm.NewFromConfig(c).GetParameter(t.Context(), &ssm.GetParameterInput{Name: aws.String("/x")})
			return err
		},
		"s3": func(c aws.Config) error {
			_, err := s3.NewFromConfig(c, func(o *s3.Options) { o.UsePathStyle = true }).
				ListObjectsV2(t.Context(), &s3.ListObjectsV2Input{Bucket: &bucket})
			return err
		},
	}
	with := func(key, token string) aws.Config {
		c := cfg
		c.Credentials = credentials.NewStaticCredentialsProvider(key, good.SecretAccessKey, token)
		return c
	}
	try := func(what string, c aws.Config, want map[string]string) {
		t.Helper()
		for service, call := range calls {
			if err := call(c); code(err) != want[service] {
				t.Errorf("%s: %s: %v; want %s", what, service, err, want[service])
			}
		}
	}
	unknown := map[string]string{
		"ec2": "AuthFailure", "sts": "InvalidClientTokenId", "rds": "InvalidClientTokenId",
		"ssm": "UnrecognizedClientException", "s3": "InvalidAccessKeyId",
	}
	try("unknown session", with("ASIAUNKNOWN000000000", good.SessionToken), unknown)
	try("unknown key", with("AKIAIOSFODNN7EXAMPLE", ""), unknown)
	wrongToken := map[string]string{
		"ec2": "AuthFailure", "sts": "InvalidClientTokenId", "rds": "InvalidClientTokenId",
		"ssm": "UnrecognizedClientException", "s3": "InvalidToken",
	}
	try("another token", with(good.AccessKeyID, "another"), wrongToken)
	try("no token", with(good.AccessKeyID, ""), wrongToken)
	a.Advance(time.Hour - time.Second)
	if err := calls["ec2"](cfg); err != nil {
		t.Errorf("a second before the end: %v", err)
	}
	a.Advance(time.Second)
	try("expired", cfg, map[string]string{
		"ec2": "RequestExpired", "sts": "ExpiredToken", "rds": "ExpiredToken", "ssm": "ExpiredTokenException", "s3": "ExpiredToken",
	})
	for _, c := range a.Calls() {
		if c.Code == "AuthFailure" && c.Account != "" || c.Code == "RequestExpired" && c.Account != memberOne {
			t.Errorf("recorded %+v", c)
		}
	}
}

// TestPresignedSession sends the token of a session in the query.
func TestPresignedSession(t *testing.T) {
	a := organization(t, sandbox.Options{})
	cfg := a.assume(memberOne)
	who, err := sts.NewPresignClient(sts.NewFromConfig(cfg)).PresignGetCallerIdentity(t.Context(), &sts.GetCallerIdentityInput{})
	if err != nil {
		t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(t.Context(), who.Method, who.URL, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	if status, body := do(t, req); status != 200 || !strings.Contains(body, "<Account>"+memberOne+"</Account>") {
		t.Errorf("%d %s", status, body)
	}
}
