package amazon_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/sns"

	"nightshift/internal/amazon"
	"nightshift/internal/fleet"
	"nightshift/internal/sandbox"
	"nightshift/internal/sandbox/sandboxtest"
)

// elsewhere is a region that is not the session's.
const elsewhere = "eu-west-1"

// testNotices holds what both peers must agree on, where each has a topic elsewhere
// and the secret nightshift/pagerduty in both regions.
func testNotices(t *testing.T, s *amazon.Session, topic, secret string) {
	if err := s.Publish(t.Context(), topic, "power: 1 failed", "web-1 did not start", map[string]string{"id": "1"}); err != nil {
		t.Errorf("publish: %v", err)
	}
	for what, err := range map[string]error{
		"no topic":      s.Publish(t.Context(), topic+"-none", "x", "y", nil),
		"too long":      s.Publish(t.Context(), topic, "x", strings.Repeat("y", 256<<10+1), nil),
		"long subject":  s.Publish(t.Context(), topic, strings.Repeat("x", 101), "y", nil),
		"no secret":     second(s.Secret(t.Context(), "nightshift/none")),
		"no such topic": s.Publish(t.Context(), "nightshift", "x", "y", nil),
	} {
		want := fleet.ErrInvalid
		if what == "no topic" || what == "no secret" {
			want = fleet.ErrNotFound
		}
		if !errors.Is(err, want) {
			t.Errorf("%s: %v", what, err)
		}
	}
	for name, want := range map[string]string{"nightshift/pagerduty": "here", secret: "elsewhere"} {
		if got, err := s.Secret(t.Context(), name); got != want || err != nil {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
}

func second(_ string, err error) error { return err }

func TestNoticesAgainstSandbox(t *testing.T) {
	server := sandboxtest.Start(t, sandbox.Options{})
	account := server.Sandbox()
	topic, err := account.AddTopic(elsewhere, "nightshift")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := account.SetSecret(sandbox.DefaultRegion, "nightshift/pagerduty", "here"); err != nil {
		t.Fatal(err)
	}
	secret, err := account.SetSecret(elsewhere, "nightshift/pagerduty", "elsewhere")
	if err != nil {
		t.Fatal(err)
	}
	s := newPeer(server.URL()).session(t)
	testNotices(t, s, topic, secret)
	if got := account.Published(elsewhere, topic); len(got) != 1 || got[0].Message != "web-1 did not start" || got[0].Attributes["id"] != "1" {
		t.Errorf("published: %+v", got)
	}
	if err := account.SetPolicy([]byte(`{"Statement":[{"Effect":"Allow","Action":"ec2:*","Resource":"*"}]}`)); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Secret(t.Context(), secret); !errors.Is(err, fleet.ErrDenied) || !strings.Contains(err.Error(), "secretsmanager:GetSecretValue") {
		t.Errorf("a secret that is denied: %v", err)
	}
	if err := s.Publish(t.Context(), topic, "x", "y", nil); !errors.Is(err, fleet.ErrDenied) || !strings.Contains(err.Error(), "sns:Publish") {
		t.Errorf("a topic that is denied: %v", err)
	}
}

func TestNoticesAgainstMoto(t *testing.T) {
	endpoint := moto(t, "publishing and secrets were")
	config := func(region string) aws.Config {
		return aws.Config{Region: region, BaseEndpoint: &endpoint, Credentials: credentials.NewStaticCredentialsProvider("a", "b", "")}
	}
	topic, err := sns.NewFromConfig(config(elsewhere)).CreateTopic(t.Context(), &sns.CreateTopicInput{Name: aws.String("nightshift")})
	if err != nil {
		t.Fatal(err)
	}
	var arn *string
	for region, value := range map[string]string{sandbox.DefaultRegion: "here", elsewhere: "elsewhere"} {
		out, err := secretsmanager.NewFromConfig(config(region)).CreateSecret(t.Context(), &secretsmanager.CreateSecretInput{
			Name: aws.String("nightshift/pagerduty"), SecretString: &value,
		})
		if err != nil {
			t.Fatal(err)
		}
		if region == elsewhere {
			arn = out.ARN
		}
	}
	testNotices(t, newPeer(endpoint).session(t), *topic.TopicArn, *arn)
}
