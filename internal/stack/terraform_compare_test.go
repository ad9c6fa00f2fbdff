package stack_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// compareModule compares what the module made with what the template would make with
// the same settings: types, schedules, alarms, the function and policies.
func compareModule(t *testing.T, text string, parameters map[string]string, made shown) {
	t.Helper()
	value := func(address, name string) string { return fmt.Sprint(made.one(t, address)[name]) }
	const function, queue, group, log = "aws_lambda_function.nightshift", "aws_sqs_queue.undelivered", "aws_scheduler_schedule_group.schedules", "aws_cloudwatch_log_group.log"
	const bucket, topic = "aws_s3_bucket.reports[0]", "aws_sns_topic.alarms[0]"
	r := newResolver(t, text, parameters, map[string]string{
		"AWS::Region": "us-east-1", "AWS::AccountId": "123456789012", "AWS::Partition": "aws", "AWS::URLSuffix": "amazonaws.com",
		"AWS::StackName": "nightshift", "AWS::StackId": "arn:aws:cloudformation:us-east-1:123456789012:stack/nightshift/id",
		"Function": value(function, "function_name"), "Function.Arn": value(function, "arn"), "FunctionRole": "role",
		"SchedulerRole.Arn": value("aws_iam_role.scheduler", "arn"), "FunctionRole.Arn": value("aws_iam_role.function", "arn"),
		"Undelivered.Arn": value(queue, "arn"), "Undelivered.QueueName": value(queue, "name"), "Log": value(log, "name"), "Log.Arn": value(log, "arn") + ":*",
		"Schedules": value(group, "name"), "Schedules.Arn": value(group, "arn"), "Reports": value(bucket, "bucket"), "Reports.Arn": value(bucket, "arn"),
		"AlarmTopic": value(topic, "arn"),
	})
	compareTypes(t, r, made)
	compareSchedules(t, r, made)
	compareAlarms(t, r, made)
	environment := made.one(t, function)["environment"].([]any)[0].(map[string]any)["variables"]
	same(t, "the environment", r.property("Function", "Environment", "Variables"), environment)
	for property, attribute := range map[string]string{"Handler": "handler", "Runtime": "runtime", "MemorySize": "memory_size", "Timeout": "timeout", "Role": "role"} {
		same(t, property, r.property("Function", property), value(function, attribute))
	}
	for _, role := range []string{"Function", "Scheduler"} {
		address := "aws_iam_role." + strings.ToLower(role)
		same(t, address, r.property(role+"Role", "AssumeRolePolicyDocument"), document(t, value(address, "assume_role_policy")))
		same(t, address+" path", r.property(role+"Role", "Path"), value(address, "path"))
		same(t, address+" boundary", r.property(role+"Role", "PermissionsBoundary"), value(address, "permissions_boundary"))
	}
	for address, want := range map[string]any{
		"aws_iam_role_policy.runtime":                 r.property("FunctionRole", "Policies", "0", "PolicyDocument"),
		"aws_iam_role_policy.call":                    r.property("SchedulerRole", "Policies", "0", "PolicyDocument"),
		"aws_iam_role_policy.volume_keys[0]":          r.property("FunctionKeys", "PolicyDocument"),
		`aws_iam_role_policy.data_keys["data-keys"]`:  r.property("FunctionDataKeys", "PolicyDocument"),
		`aws_iam_role_policy.data_keys["report-key"]`: r.property("FunctionReportKey", "PolicyDocument"),
		"aws_iam_role_policy.licenses[0]":             r.property("FunctionLicenses", "PolicyDocument"),
		"aws_s3_bucket_policy.reports[0]":             r.property("ReportsOverTls", "PolicyDocument"),
		"aws_sns_topic_policy.alarms[0]":              r.property("AlarmTopicAccess", "PolicyDocument"),
	} {
		same(t, address, want, document(t, value(address, "policy")))
	}
}

// compareTypes counts the resources. The module has settings of the bucket and
// attachments of policies as resources of their own, and takes what the configuration
// and the tag permit from the policies that it is given.
func compareTypes(t *testing.T, r resolver, made shown) {
	t.Helper()
	got := made.types()
	for _, part := range []string{
		"aws_iam_role_policy_attachment", "aws_s3_bucket_lifecycle_configuration", "aws_s3_bucket_ownership_controls", "aws_s3_bucket_public_access_block",
		"aws_s3_bucket_server_side_encryption_configuration", "aws_s3_bucket_versioning",
	} {
		if got[part] == 0 {
			t.Errorf("the module made no %s", part)
		}
		delete(got, part)
	}
	names := map[string]string{
		"AWS::CloudWatch::Alarm": "aws_cloudwatch_metric_alarm", "AWS::IAM::ManagedPolicy": "aws_iam_policy", "AWS::IAM::Policy": "aws_iam_role_policy",
		"AWS::IAM::Role": "aws_iam_role", "AWS::Lambda::EventInvokeConfig": "aws_lambda_function_event_invoke_config", "AWS::Lambda::Function": "aws_lambda_function",
		"AWS::Logs::LogGroup": "aws_cloudwatch_log_group", "AWS::S3::Bucket": "aws_s3_bucket", "AWS::S3::BucketPolicy": "aws_s3_bucket_policy",
		"AWS::SNS::Subscription": "aws_sns_topic_subscription", "AWS::SNS::Topic": "aws_sns_topic", "AWS::SNS::TopicPolicy": "aws_sns_topic_policy",
		"AWS::SQS::Queue": "aws_sqs_queue", "AWS::Scheduler::Schedule": "aws_scheduler_schedule", "AWS::Scheduler::ScheduleGroup": "aws_scheduler_schedule_group",
	}
	want := map[string]int{}
	for kind, ids := range r.present() {
		name := names[kind]
		if name == "" {
			t.Errorf("the module knows nothing of %s", kind)
		}
		for _, id := range ids {
			if id != "FunctionConfigInBucket" && id != "FunctionTagged" {
				want[name]++
			}
		}
	}
	want["aws_iam_role_policy"] += 2 // runtime and call
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("types (-template +module)\n%s", diff)
	}
}

func compareSchedules(t *testing.T, r resolver, made shown) {
	t.Helper()
	ids := r.present()["AWS::Scheduler::Schedule"]
	if len(ids) != 4 {
		t.Errorf("schedules: %s", ids)
	}
	for _, id := range ids {
		job := strings.ToLower(strings.TrimSuffix(id, "OnTime"))
		got := made.one(t, fmt.Sprintf("aws_scheduler_schedule.job[%q]", job))
		target := got["target"].([]any)[0].(map[string]any)
		retry, dead := target["retry_policy"].([]any)[0].(map[string]any), target["dead_letter_config"].([]any)[0].(map[string]any)
		for _, pair := range []struct {
			path []string
			got  any
		}{
			{[]string{"Description"}, got["description"]},
			{[]string{"State"}, got["state"]},
			{[]string{"GroupName"}, got["group_name"]},
			{[]string{"ScheduleExpression"}, got["schedule_expression"]},
			{[]string{"ScheduleExpressionTimezone"}, got["schedule_expression_timezone"]},
			{[]string{"Target", "Arn"}, target["arn"]},
			{[]string{"Target", "RoleArn"}, target["role_arn"]},
			{[]string{"Target", "Input"}, target["input"]},
			{[]string{"Target", "RetryPolicy", "MaximumEventAgeInSeconds"}, retry["maximum_event_age_in_seconds"]},
			{[]string{"Target", "RetryPolicy", "MaximumRetryAttempts"}, retry["maximum_retry_attempts"]},
			{[]string{"Target", "DeadLetterConfig", "Arn"}, dead["arn"]},
		} {
			same(t, fmt.Sprint(job, " ", pair.path), r.property(id, pair.path...), fmt.Sprint(pair.got))
		}
	}
}

func compareAlarms(t *testing.T, r resolver, made shown) {
	t.Helper()
	for _, id := range r.present()["AWS::CloudWatch::Alarm"] {
		address := fmt.Sprintf("aws_cloudwatch_metric_alarm.alarm[%q]", strings.TrimSuffix(id, "Alarm"))
		attributes := map[string]string{
			"AlarmDescription": "alarm_description", "ActionsEnabled": "actions_enabled", "EvaluationPeriods": "evaluation_periods",
			"ComparisonOperator": "comparison_operator", "Threshold": "threshold", "TreatMissingData": "treat_missing_data",
		}
		dimensions := map[string]any{}
		awaited := id == "PowerAlarm" || id == "BackupAlarm"
		if awaited {
			address = fmt.Sprintf("aws_cloudwatch_metric_alarm.awaited[%q]", strings.TrimSuffix(id, "Alarm"))
		} else {
			maps.Copy(attributes, map[string]string{"Namespace": "namespace", "MetricName": "metric_name", "Statistic": "statistic", "Period": "period"})
			for _, d := range r.property(id, "Dimensions").([]any) {
				dimensions[d.(map[string]any)["Name"].(string)] = d.(map[string]any)["Value"]
			}
		}
		got := made.one(t, address)
		for property, attribute := range attributes {
			same(t, address+" "+property, r.property(id, property), fmt.Sprint(got[attribute]))
		}
		for property, attribute := range map[string]string{"AlarmActions": "alarm_actions", "OKActions": "ok_actions"} {
			same(t, address+" "+property, r.property(id, property), got[attribute])
		}
		if !awaited {
			same(t, address+" dimensions", dimensions, got["dimensions"])
			continue
		}
		for n, query := range got["metric_query"].([]any) { // a set, in the order of its ids
			q := query.(map[string]any)
			at := map[any]string{"filled": "0", "succeeded": "1"}[q["id"]]
			if q["id"] == "filled" {
				same(t, address+" expression", r.property(id, "Metrics", at, "Expression"), q["expression"])
				continue
			}
			metric := q["metric"].([]any)[0].(map[string]any)
			same(t, fmt.Sprint(address, n), r.property(id, "Metrics", at, "MetricStat", "Period"), fmt.Sprint(metric["period"]))
			same(t, fmt.Sprint(address, n), r.property(id, "Metrics", at, "MetricStat", "Stat"), metric["stat"])
			same(t, fmt.Sprint(address, n), r.property(id, "Metrics", at, "MetricStat", "Metric", "MetricName"), metric["metric_name"])
		}
	}
}

// document is a policy as a value.
func document(t *testing.T, text string) any {
	t.Helper()
	var value any
	if err := json.Unmarshal([]byte(text), &value); err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	return value
}

func same(t *testing.T, what string, want, got any) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s (-template +module)\n%s", what, diff)
	}
}
