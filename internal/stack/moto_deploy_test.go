package stack_test

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v4"

	"nightshift/internal/fleet"
	"nightshift/internal/stack"
)

// forMoto rewrites what moto cannot read of a template. The resolver knows references
// to resources as their names in braces.
//
// AWS takes every policy as an object or as its text, and only in a text the key of a
// tag can be a parameter. moto writes a managed policy given as a text as JSON once
// more, refuses the result as malformed, and keeps an embedded policy given as an
// object in the notation of Python: managed ones become objects, embedded ones texts.
//
// It does not know groups of schedules, so that GetAtt of one fails: the ARN is joined
// from the name. Of conditions that name another one it reads the long form only.
func forMoto(t *testing.T, text string, r resolver) string {
	t.Helper()
	var document yaml.Node
	if err := yaml.Unmarshal([]byte(text), &document); err != nil {
		t.Fatal(err)
	}
	resources := field(document.Content[0], "Resources")
	for i := 1; i < len(resources.Content); i += 2 {
		kind, properties := field(resources.Content[i], "Type").Value, field(resources.Content[i], "Properties")
		switch policies := field(properties, "Policies"); {
		case kind == "AWS::IAM::ManagedPolicy":
			rewritePolicy(t, field(properties, "PolicyDocument"), r, true)
		case kind == "AWS::IAM::Policy":
			rewritePolicy(t, field(properties, "PolicyDocument"), r, false)
		case policies != nil:
			for _, one := range policies.Content {
				rewritePolicy(t, field(one, "PolicyDocument"), r, false)
			}
		}
	}
	name := field(field(field(resources, "Schedules"), "Properties"), "Name")
	each(resources, func(n *yaml.Node) {
		if n.Tag == "!GetAtt" && n.Value == "Schedules.Arn" {
			parts := &yaml.Node{Kind: yaml.SequenceNode, Content: []*yaml.Node{scalar("!!str", "arn:aws:scheduler:us-east-1:123456789012:schedule-group/"), name}}
			*n = yaml.Node{Kind: yaml.SequenceNode, Tag: "!Join", Content: []*yaml.Node{scalar("!!str", ""), parts}}
		}
	})
	each(field(document.Content[0], "Conditions"), func(n *yaml.Node) {
		if n.Tag == "!Condition" {
			*n = yaml.Node{Kind: yaml.MappingNode, Content: []*yaml.Node{scalar("!!str", "Condition"), scalar("!!str", n.Value)}}
		}
	})
	out, err := yaml.Marshal(&document)
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

func scalar(tag, value string) *yaml.Node {
	return &yaml.Node{Kind: yaml.ScalarNode, Tag: tag, Value: value}
}

// rewritePolicy makes an object of a policy that is a text, or the other way round.
func rewritePolicy(t *testing.T, policy *yaml.Node, r resolver, object bool) {
	t.Helper()
	if object == (policy.Kind == yaml.MappingNode) {
		return
	}
	text, err := json.Marshal(r.value(policy))
	if err != nil {
		t.Fatal(err)
	}
	var references []string
	for name := range r.names {
		references = append(references, "{"+name+"}", "${"+name+"}")
	}
	substituted := strings.NewReplacer(references...).Replace(string(text))
	if !object {
		*policy = *scalar("!Sub", substituted)
		return
	}
	var node yaml.Node
	if err := yaml.Unmarshal([]byte(substituted), &node); err != nil {
		t.Fatal(err)
	}
	*policy = *node.Content[0]
	each(policy, func(n *yaml.Node) {
		if strings.Contains(n.Value, "${") {
			n.Tag = "!Sub"
		}
	})
}

// each visits a node and all below it.
func each(n *yaml.Node, visit func(*yaml.Node)) {
	for _, one := range n.Content {
		each(one, visit)
	}
	visit(n)
}

// unmade are the types that moto's CloudFormation accepts in a template without a word,
// and of which it makes nothing. The test makes these with the API of their service
// from the properties that the template gives them, as CloudFormation does.
func unmade() []string {
	return []string{
		"AWS::Lambda::EventInvokeConfig", "AWS::Scheduler::ScheduleGroup", "AWS::Scheduler::Schedule", "AWS::SNS::TopicPolicy",
		"AWS::SNS::Subscription", "AWS::CloudWatch::Alarm", "AWS::S3::BucketPolicy",
	}
}

// dropped are the properties of each type of which nothing is to be seen in moto,
// with the reason.
func dropped() map[string]map[string]string {
	const unread = "its CloudFormation does not hand it on to the service"
	return map[string]map[string]string{
		"AWS::IAM::Role":                 {"ManagedPolicyArns": unread},
		"AWS::Lambda::EventInvokeConfig": {"Qualifier": "the ARN that Lambda shows there has none"},
		"AWS::Lambda::Function":          {"Architectures": unread, "LoggingConfig": unread, "Code": "Lambda shows where its own copy of the archive lies"},
		"AWS::Logs::LogGroup":            {"RetentionInDays": unread},
		"AWS::S3::Bucket": {
			"LifecycleConfiguration": unread, "OwnershipControls": unread, "PublicAccessBlockConfiguration": unread, "VersioningConfiguration": unread,
			"BucketEncryption.ServerSideEncryptionConfiguration.0.BucketKeyEnabled": unread,
		},
	}
}

// leaveOut deletes a property by its path; one that is not there is left out of the
// template, too.
func leaveOut(value any, path []string) {
	switch v := value.(type) {
	case map[string]any:
		if len(path) == 1 {
			delete(v, path[0])
			return
		}
		leaveOut(v[path[0]], path[1:])
	case []any:
		if n, err := strconv.Atoi(path[0]); err == nil && n < len(v) {
			leaveOut(v[n], path[1:])
		}
	}
}

// TestTemplateDeploysToMoto makes a stack with everything that can be set in an
// emulator that other people have written, and asks each service for what was made.
func TestTemplateDeploysToMoto(t *testing.T) {
	t.Parallel()
	m := moto{t, emulator(t, "the template is not deployed to it")}
	schedules := stack.Schedules{Rules: []stack.Bound{{Tag: fleet.Tag{Key: "Schedule"}}}}
	text := template(t, &schedules)
	const key = "arn:aws:kms:us-east-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"
	parameters := map[string]string{
		"CodeBucket": "artifacts", "CodeKey": "code.zip", "TimeZone": "Asia/Seoul", "Config": "s3://settings/nightshift.yaml", "AlarmEmail": "ops@example.com",
		"LicenseManager": "true", "KeyArns": key, "DataKeyArns": key, "ReportKeyArn": key, "TagStopSchedule": "cron(0 19 ? * MON-FRI *)",
		"TagStopTimeZone": "Asia/Tokyo", "PermissionsBoundary": "arn:aws:iam::123456789012:policy/boundary",
	}
	names := map[string]string{
		"AWS::Region": "us-east-1", "AWS::AccountId": "123456789012", "AWS::Partition": "aws", "AWS::URLSuffix": "amazonaws.com",
		"AWS::StackName": "nightshift",
	}
	for _, reference := range []string{"Reports", "Function.Arn", "Log.Arn", "Undelivered.Arn"} {
		names[reference] = "{" + reference + "}"
	}
	var given []any
	for name, value := range parameters {
		given = append(given, map[string]any{"ParameterKey": name, "ParameterValue": value})
	}
	const version = "2010-05-15"
	m.query("cloudformation", version, "CreateStack", map[string]any{
		"StackName": "nightshift", "TemplateBody": forMoto(t, text, newResolver(t, text, parameters, names)), "Parameters": given,
		"Capabilities": []any{"CAPABILITY_IAM"},
	})
	of := map[string]any{"StackName": "nightshift"}
	description := m.query("cloudformation", version, "DescribeStacks", of)["Stacks"].([]any)[0].(map[string]any)
	if description["StackStatus"] != "CREATE_COMPLETE" {
		t.Fatalf("the stack: %v", description)
	}
	names["AWS::StackId"] = description["StackId"].(string)
	for _, one := range m.query("cloudformation", version, "DescribeStackResources", of)["StackResources"].([]any) {
		if made := one.(map[string]any); made["LogicalResourceId"] != nil { // nothing was made of the others
			names[made["LogicalResourceId"].(string)] = made["PhysicalResourceId"].(string)
		}
	}
	for _, o := range description["Outputs"].([]any) {
		if output := o.(map[string]any); strings.HasSuffix(output["OutputKey"].(string), "Arn") {
			names[strings.TrimSuffix(output["OutputKey"].(string), "Arn")+".Arn"] = output["OutputValue"].(string)
		}
	}
	compareMoto(t, m, newResolver(t, text, parameters, names))
}

// compareMoto makes what moto's CloudFormation has not made, and compares each
// resource with what its service shows.
func compareMoto(t *testing.T, m moto, r resolver) {
	t.Helper()
	m.complete(r.names)
	all := r.present()
	for _, kind := range unmade() {
		for _, id := range all[kind] {
			m.put(kind, id, r)
		}
	}
	for kind, ids := range all {
		for _, id := range ids {
			properties, got := r.property(id).(map[string]any), m.get(kind, id, r)
			for path := range dropped()[kind] {
				leaveOut(properties, strings.Split(path, "."))
			}
			for property, want := range properties {
				if diff := cmp.Diff(want, like(want, got[property])); diff != "" {
					t.Errorf("%s %s (-template +moto)\n%s", id, property, diff)
				}
			}
		}
	}
}

// like is what a service shows as a template writes it: scalars as texts, and of
// objects only the members that the template has.
func like(want, got any) any {
	switch got := got.(type) {
	case nil:
		return nil
	case map[string]any:
		object, _ := want.(map[string]any)
		part := map[string]any{}
		for name, one := range got {
			if of, there := object[name]; there {
				part[name] = like(of, one)
			}
		}
		return part
	case []any:
		list, _ := want.([]any)
		var all []any
		for n, one := range got {
			var of any
			if n < len(list) {
				of = list[n]
			}
			all = append(all, like(of, one))
		}
		return all
	}
	return fmt.Sprint(got)
}
