package sandbox_test

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ssm"

	"nightshift/internal/sandbox"
)

func TestParameters(t *testing.T) {
	a := open(t, sandbox.Options{})
	for _, p := range []sandbox.Parameter{
		{Name: "/nightshift/config", Value: "timezone: UTC"},
		{Name: "/nightshift/config", Value: "timezone: Asia/Seoul"},
		{Name: "plain", Value: "v"},
		{Name: "/nightshift/secret", Value: "비밀", Secret: true},
	} {
		if err := a.SetParameter(sandbox.DefaultRegion, p); err != nil {
			t.Fatal(err)
		}
	}
	if a.SetParameter("mars-1", sandbox.Parameter{Name: "x"}) == nil || a.SetParameter(sandbox.DefaultRegion, sandbox.Parameter{Name: "a/b"}) == nil {
		t.Error("a wrong region or name is taken")
	}
	if err := a.SetPolicy([]byte(`{"Statement":[{"Effect":"Allow","Action":"ssm:GetParameter","Resource":[
		"arn:aws:ssm:*:*:parameter/nightshift/*","arn:aws:ssm:*:*:parameter/plain","arn:aws:ssm:*:*:parameter/none"]}]}`)); err != nil {
		t.Fatal(err)
	}
	client := ssm.NewFromConfig(a.config(sandbox.DefaultRegion))
	for _, tt := range []struct {
		name    string
		decrypt bool
		want    string // the value, or the error code
	}{
		{"/nightshift/config", true, "timezone: Asia/Seoul"},
		{"/nightshift/config:1", false, "timezone: UTC"},
		{"/nightshift/config:3", false, "ParameterVersionNotFound"},
		{"plain", false, "v"},
		{"/nightshift/secret", true, "비밀"},
		{"none", false, "ParameterNotFound"},
		{"/other", false, "AccessDeniedException"},
		{"plain:", false, "ValidationException"},
	} {
		out, err := client.GetParameter(t.Context(), &ssm.GetParameterInput{Name: &tt.name, WithDecryption: &tt.decrypt})
		got := code(err)
		if err == nil {
			got = *out.Parameter.Value
		}
		if got != tt.want {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
	}
	sealed, err := client.GetParameter(t.Context(), &ssm.GetParameterInput{Name: aws.String("/nightshift/secret")})
	if err != nil || *sealed.Parameter.Value == "비밀" || sealed.Parameter.Type != "SecureString" {
		t.Errorf("without decryption: %+v, %v", sealed, err)
	}
	// A region has its own.
	other := ssm.NewFromConfig(a.config("us-east-1"))
	if _, err := other.GetParameter(t.Context(), &ssm.GetParameterInput{Name: aws.String("plain")}); code(err) != "ParameterNotFound" {
		t.Errorf("elsewhere: %v", err)
	}
}
