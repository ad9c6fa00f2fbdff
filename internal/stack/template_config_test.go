package stack_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestTemplateReadsConfiguration: with rules and without, the function is told where
// the configuration is, and its role may read that and the calendars beside it. What
// else lies in the same bucket, such as those of other stacks, it may not.
func TestTemplateReadsConfiguration(t *testing.T) {
	for name, schedules := range variants() {
		text := template(t, schedules)
		for config, want := range map[string]map[string]any{
			"s3://artifacts/team/config/0123/nightshift.yaml": {
				"FunctionConfigInBucket": []any{"arn:aws:s3:::artifacts/team/config/0123/nightshift.yaml", "arn:aws:s3:::artifacts/team/config/0123/*.ics"},
			},
			"s3://settings/nightshift.yaml": {
				"FunctionConfigInBucket": []any{"arn:aws:s3:::settings/nightshift.yaml", "arn:aws:s3:::settings/*.ics"},
			},
			// Of another name the folder is not known.
			"s3://settings/teams/web.yaml": {
				"FunctionConfigInBucket": []any{"arn:aws:s3:::settings/teams/web.yaml", "arn:aws:s3:::settings/teams/web.yaml*.ics"},
			},
			"ssm:/nightshift/config:3": {"FunctionConfigInParameter": "arn:aws:ssm:us-east-1:123456789012:parameter/nightshift/config"},
			"":                         {},
		} {
			if config == "" && follows(schedules) {
				continue
			}
			r := newResolver(t, text, map[string]string{"Config": config}, map[string]string{
				"AWS::Region": "us-east-1", "AWS::AccountId": "123456789012", "AWS::Partition": "aws", "AWS::StackName": "nightshift", "Reports": "reports",
			})
			got := map[string]any{}
			for _, id := range r.present()["AWS::IAM::Policy"] {
				if id == "FunctionConfigInBucket" || id == "FunctionConfigInParameter" {
					got[id] = r.property(id, "PolicyDocument", "Statement", "0", "Resource")
				}
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s, %q: what can be read (-want +got)\n%s", name, config, diff)
			}
			said, _ := r.property("Function", "Environment", "Variables").(map[string]any)["NIGHTSHIFT_CONFIG"].(string)
			if said != config {
				t.Errorf("%s: the function is told %q, want %q", name, said, config)
			}
		}
	}
}
