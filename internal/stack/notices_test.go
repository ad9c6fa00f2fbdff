package stack_test

import (
	"errors"
	"testing"

	"nightshift/internal/fleet"
	"nightshift/internal/stack"
)

func noticing() *stack.Schedules {
	return &stack.Schedules{
		Rules: []stack.Bound{{Tag: tag("AutoStopStart=Yes")}}, Journal: "s3://example/journal/",
		Notices: stack.Notices{
			Recipients: true,
			Topics:     []string{"arn:aws:sns:eu-west-1:123456789012:nightshift"},
			Parameters: []string{"/nightshift/teams", "/nightshift/teams", "arn:aws:ssm:eu-west-1:123456789012:parameter/slack"},
			Secrets:    []string{"nightshift/pagerduty", "arn:aws:secretsmanager:eu-west-1:123456789012:secret:audit-AbCdEf"},
		},
	}
}

// Only what the configuration names may be published to and read.
func TestNoticesNameWhatTheyNeed(t *testing.T) {
	actions := append(scheduled(), "secretsmanager:GetSecretValue", "sns:Publish", "s3:GetObject", "s3:PutObject", "ssm:GetParameter")
	key := "arn:aws:kms:us-east-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"
	golden(t, "notices", only(t, actions, stack.Scope{
		Jobs: stack.Notify, Account: "123456789012", Schedules: noticing(), DataKeys: []string{key},
	}))
	silent := noticing()
	silent.Notices = stack.Notices{}
	for _, s := range only(t, actions, stack.Scope{Schedules: silent}).Statement {
		for _, action := range s.Action {
			if action == "sns:Publish" || action == "secretsmanager:GetSecretValue" || action == "ssm:GetParameter" {
				t.Errorf("nobody is told, and %s is permitted", action)
			}
		}
	}
	for _, wrong := range []stack.Notices{
		{Topics: []string{"arn:aws:sns:*:123456789012:nightshift"}}, {Parameters: []string{"/night*"}}, {Secrets: []string{"night?"}},
	} {
		silent.Notices = wrong
		if _, err := stack.Policies(actions, stack.Scope{Schedules: silent}); !errors.Is(err, fleet.ErrInvalid) {
			t.Errorf("%+v: %v", wrong, err)
		}
	}
}
