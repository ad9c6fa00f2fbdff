package sandbox_test

import (
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/google/go-cmp/cmp"

	"nightshift/internal/sandbox"
)

// smallTemplate is a stack with what depends on each other, what has a condition
// and what stays.
const smallTemplate = `
AWSTemplateFormatVersion: "2010-09-09"
Description: A small stack.
Parameters:
  Zone: { Type: String, AllowedPattern: "[A-Za-z/_]+" }
  Days: { Type: Number, Default: 90, AllowedValues: [30, 90] }
  Keys: { Type: CommaDelimitedList, Default: "" }
  Name: { Type: String, Default: "" }
Conditions:
  HasKeys: !Not [!Equals [!Join ["", !Ref Keys], ""]]
  Named: !Not [!Equals [!Ref Name, ""]]
Resources:
  Log:
    Type: AWS::Logs::LogGroup
    Properties:
      LogGroupName: !Sub "/nightshift/${AWS::StackName}"
      RetentionInDays: !Ref Days
  Queue:
    Type: AWS::SQS::Queue
    Properties: { QueueName: !If [Named, !Ref Name, !Ref AWS::NoValue] }
  Topic:
    Type: AWS::SNS::Topic
    DependsOn: Log
  Alarm:
    Type: AWS::CloudWatch::Alarm
    Properties:
      AlarmDescription: !Sub ["${Where} of ${Log}, ${!kept}", { Where: !Select [1, !Split ["/", !Ref Zone]] }]
      AlarmActions: [!Ref Topic]
      ComparisonOperator: LessThanThreshold
      EvaluationPeriods: 1
      Dimensions: [{ Name: QueueName, Value: !GetAtt Queue.QueueName }]
  Keyed:
    Type: AWS::SNS::Topic
    Condition: HasKeys
    Properties: { KmsMasterKeyId: !Select [0, !Ref Keys] }
  Reports:
    Type: AWS::S3::Bucket
    DeletionPolicy: RetainExceptOnCreate
Outputs:
  QueueArn: { Value: !GetAtt Queue.Arn, Description: The queue. }
  Bucket: { Value: !Ref Reports }
  Key: { Condition: HasKeys, Value: !Ref Keyed }
`

// stackTry drives one stack of an account.
type stackTry struct {
	*account
	*cloudformation.Client
	name string
}

func openStack(t *testing.T, o sandbox.Options) *stackTry {
	t.Helper()
	a := open(t, o)
	return &stackTry{a, cloudformation.NewFromConfig(a.config(sandbox.DefaultRegion)), "small"}
}

// propose makes a change set and describes it when it is ready.
func (s *stackTry) propose(kind types.ChangeSetType, body string, parameters map[string]string, tags ...types.Tag) (*cloudformation.DescribeChangeSetOutput, error) {
	s.t.Helper()
	in := &cloudformation.CreateChangeSetInput{
		StackName: &s.name, ChangeSetName: aws.String("try"), ChangeSetType: kind, TemplateBody: &body, Tags: tags,
		Capabilities: []types.Capability{types.CapabilityCapabilityIam},
	}
	for k, v := range parameters {
		in.Parameters = append(in.Parameters, types.Parameter{ParameterKey: &k, ParameterValue: &v})
	}
	made, err := s.CreateChangeSet(s.t.Context(), in)
	if err != nil {
		return nil, err
	}
	s.Advance(5 * time.Second)
	out := &cloudformation.DescribeChangeSetOutput{}
	for p := (&cloudformation.DescribeChangeSetInput{ChangeSetName: made.Id, IncludePropertyValues: aws.Bool(true)}); ; {
		page, err := s.DescribeChangeSet(s.t.Context(), p)
		if err != nil {
			return nil, err
		}
		page.Changes = append(out.Changes, page.Changes...)
		out, p.NextToken = page, page.NextToken
		if page.NextToken == nil {
			return out, nil
		}
	}
}

// apply makes a change set, executes it and waits.
func (s *stackTry) apply(kind types.ChangeSetType, body string, parameters map[string]string, disableRollback bool) types.Stack {
	s.t.Helper()
	set, err := s.propose(kind, body, parameters)
	if err != nil {
		s.t.Fatal(err)
	}
	token := "token-" + string(kind)
	for range 2 { // the second one is the same request again
		_, err = s.ExecuteChangeSet(s.t.Context(), &cloudformation.ExecuteChangeSetInput{
			ChangeSetName: set.ChangeSetId, ClientRequestToken: &token, DisableRollback: &disableRollback,
		})
		if err != nil {
			s.t.Fatal(err)
		}
	}
	s.Advance(10 * time.Minute)
	return s.stack()
}

func (s *stackTry) stack() types.Stack {
	s.t.Helper()
	out, err := s.DescribeStacks(s.t.Context(), &cloudformation.DescribeStacksInput{StackName: &s.name})
	if err != nil {
		s.t.Fatal(err)
	}
	return out.Stacks[0]
}

// events are "resource status: reason" of all events of a status, the oldest
// first; an empty status means all.
func (s *stackTry) events(status string) []string {
	s.t.Helper()
	var list []string
	p := cloudformation.NewDescribeStackEventsPaginator(s.Client, &cloudformation.DescribeStackEventsInput{StackName: &s.name})
	for p.HasMorePages() {
		page, err := p.NextPage(s.t.Context())
		if err != nil {
			s.t.Fatal(err)
		}
		for _, e := range page.StackEvents {
			if strings.HasSuffix(string(e.ResourceStatus), status) {
				list = append(list, strings.TrimSuffix(*e.LogicalResourceId+" "+string(e.ResourceStatus)+": "+aws.ToString(e.ResourceStatusReason), ": "))
			}
		}
	}
	slices.Reverse(list)
	return list
}

func TestStackLives(t *testing.T) {
	t.Parallel()
	s := openStack(t, sandbox.Options{})
	seoul := map[string]string{"Zone": "Asia/Seoul"}
	stack := s.apply(types.ChangeSetTypeCreate, smallTemplate, seoul, false)
	outputs := map[string]string{}
	for _, o := range stack.Outputs {
		outputs[*o.OutputKey] = *o.OutputValue
	}
	if stack.StackStatus != types.StackStatusCreateComplete || len(outputs) != 2 || !slices.Contains(s.Buckets(), outputs["Bucket"]) {
		t.Fatalf("%s %v: %v", stack.StackStatus, outputs, s.events(""))
	}
	if alarm := s.StackResource(sandbox.DefaultRegion, "small", "Alarm"); alarm.Properties["AlarmDescription"] != "Seoul of /nightshift/small, ${kept}" {
		t.Errorf("alarm %v", alarm.Properties)
	}
	all := s.events("")
	if at := func(e string) int { return slices.Index(all, e) }; at("Topic CREATE_IN_PROGRESS") < at("Log CREATE_COMPLETE") || at("Log CREATE_COMPLETE") < 0 {
		t.Errorf("the topic did not wait for the log: %v", all)
	}

	set, err := s.propose(types.ChangeSetTypeUpdate, smallTemplate, seoul)
	if err != nil || set.Status != types.ChangeSetStatusFailed || !strings.HasPrefix(*set.StatusReason, "The submitted information didn't contain changes.") {
		t.Errorf("no changes: %v %v", set, err)
	}
	if _, err := s.DeleteChangeSet(t.Context(), &cloudformation.DeleteChangeSetInput{ChangeSetName: set.ChangeSetId}); err != nil {
		t.Error(err)
	}

	set, err = s.propose(types.ChangeSetTypeUpdate, smallTemplate, map[string]string{"Zone": "Asia/Seoul", "Name": "fresh", "Days": "30", "Keys": "a,b"})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, c := range set.Changes {
		r := c.ResourceChange
		line := string(r.Action) + " " + *r.LogicalResourceId + " " + string(r.Replacement)
		for _, d := range r.Details {
			line += " " + *d.Target.Name + "/" + string(d.Target.RequiresRecreation) + "/" + string(d.Evaluation) + "/" + string(d.ChangeSource) + "/" + aws.ToString(d.CausingEntity)
		}
		got = append(got, line)
	}
	want := []string{
		"Modify Alarm False Dimensions/Never/Dynamic/ResourceAttribute/Queue.QueueName",
		"Add Keyed ",
		"Modify Log False RetentionInDays/Never/Static/ParameterReference/Days",
		"Modify Queue True QueueName/Always/Static/ParameterReference/Name",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("changes (-want +got):\n%s", diff)
	}
	if _, err := s.ExecuteChangeSet(t.Context(), &cloudformation.ExecuteChangeSetInput{ChangeSetName: set.ChangeSetId}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.propose(types.ChangeSetTypeUpdate, smallTemplate, seoul); !strings.Contains(message(err), "is in UPDATE_IN_PROGRESS state and can not be updated.") {
		t.Errorf("during an update: %v", err)
	}
	s.Advance(10 * time.Minute)
	if stack = s.stack(); stack.StackStatus != types.StackStatusUpdateComplete || len(stack.Outputs) != 3 {
		t.Errorf("%s %v", stack.StackStatus, s.events(""))
	}
	if deleted := s.events("DELETE_COMPLETE"); !slices.Equal(deleted, []string{"Queue DELETE_COMPLETE"}) {
		t.Errorf("deleted by the update: %v", deleted)
	}
	s.removed(outputs["Bucket"])
}

// removed deletes the stack, whose bucket stays.
func (s *stackTry) removed(bucket string) {
	s.t.Helper()
	protect := &cloudformation.UpdateTerminationProtectionInput{StackName: &s.name, EnableTerminationProtection: aws.Bool(true)}
	if _, err := s.UpdateTerminationProtection(s.t.Context(), protect); err != nil {
		s.t.Fatal(err)
	}
	in := &cloudformation.DeleteStackInput{StackName: &s.name}
	if _, err := s.DeleteStack(s.t.Context(), in); message(err) != "Stack [small] cannot be deleted while TerminationProtection is enabled" {
		s.t.Errorf("a protected stack: %v", err)
	}
	protect.EnableTerminationProtection = aws.Bool(false)
	if _, err := s.UpdateTerminationProtection(s.t.Context(), protect); err != nil {
		s.t.Fatal(err)
	}
	id := *s.stack().StackId
	if _, err := s.DeleteStack(s.t.Context(), in); err != nil {
		s.t.Fatal(err)
	}
	s.Advance(10 * time.Minute)
	if _, err := s.DescribeStacks(s.t.Context(), &cloudformation.DescribeStacksInput{StackName: &s.name}); message(err) != "Stack with id small does not exist" {
		s.t.Errorf("after it was deleted: %v", err)
	}
	out, err := s.DescribeStacks(s.t.Context(), &cloudformation.DescribeStacksInput{StackName: &id})
	if err != nil || out.Stacks[0].StackStatus != types.StackStatusDeleteComplete {
		s.t.Errorf("by its id: %v %v", out, err)
	}
	s.name = id
	if skipped := s.events("DELETE_SKIPPED"); !slices.Equal(skipped, []string{"Reports DELETE_SKIPPED"}) || !slices.Contains(s.Buckets(), bucket) {
		s.t.Errorf("skipped %v, buckets %v", skipped, s.Buckets())
	}
}

func TestStackFails(t *testing.T) {
	t.Parallel()
	s := openStack(t, sandbox.Options{})
	seoul := map[string]string{"Zone": "Asia/Seoul"}
	s.fault("cloudformation:CreateResource=refuse,id=Log,code=ResourceLimitExceeded,message=too many log groups")
	stack := s.apply(types.ChangeSetTypeCreate, smallTemplate, seoul, false)
	failed := s.events("CREATE_FAILED")
	if stack.StackStatus != types.StackStatusRollbackComplete || len(failed) < 2 || !strings.Contains(failed[0], "Log CREATE_FAILED: Resource handler returned message: \"too many log groups") ||
		failed[1] != "Queue CREATE_FAILED: Resource creation cancelled" {
		t.Errorf("%s %v", stack.StackStatus, failed)
	}
	if _, err := s.propose(types.ChangeSetTypeUpdate, smallTemplate, seoul); !strings.HasSuffix(message(err), "is in ROLLBACK_COMPLETE state and can not be updated.") {
		t.Errorf("after a rollback: %v", err)
	}
	if _, err := s.propose(types.ChangeSetTypeCreate, smallTemplate, seoul); !strings.Contains(message(err), "already exists and cannot be created again") {
		t.Errorf("again after a rollback: %v", err)
	}
	if _, err := s.DeleteStack(t.Context(), &cloudformation.DeleteStackInput{StackName: &s.name}); err != nil {
		t.Fatal(err)
	}
	s.Advance(time.Minute)
	s.fault("")
	if stack = s.apply(types.ChangeSetTypeCreate, smallTemplate, seoul, false); stack.StackStatus != types.StackStatusCreateComplete {
		t.Fatalf("%s %v", stack.StackStatus, s.events(""))
	}

	// The alarm's update fails after those of the log and the queue.
	change := map[string]string{"Zone": "Asia/Tokyo", "Days": "30"}
	s.fault("cloudformation:UpdateResource=refuse,id=Alarm,code=InvalidRequest;cloudformation:UpdateResource=slow,id=Alarm,for=1m")
	stack = s.apply(types.ChangeSetTypeUpdate, smallTemplate, change, false)
	if got := s.StackResource(sandbox.DefaultRegion, "small", "Log").Properties["RetentionInDays"]; stack.StackStatus != types.StackStatusUpdateRollbackComplete || got != "90" {
		t.Errorf("%s with %s days: %v", stack.StackStatus, got, s.events(""))
	}
	s.fault("cloudformation:UpdateResource=refuse,id=Alarm,code=InvalidRequest;cloudformation:UpdateResource=slow,id=Alarm,for=1m;cloudformation:RollbackResource=refuse,id=Log,code=Gone")
	stack = s.apply(types.ChangeSetTypeUpdate, smallTemplate, change, false)
	if stack.StackStatus != types.StackStatusUpdateRollbackFailed || aws.ToString(stack.StackStatusReason) == "" {
		t.Errorf("%s %v", stack.StackStatus, s.events(""))
	}
	if _, err := s.propose(types.ChangeSetTypeUpdate, smallTemplate, change); !strings.HasSuffix(message(err), "is in UPDATE_ROLLBACK_FAILED state and can not be updated.") {
		t.Errorf("in UPDATE_ROLLBACK_FAILED: %v", err)
	}
	s.fault("")
	if _, err := s.ContinueUpdateRollback(t.Context(), &cloudformation.ContinueUpdateRollbackInput{StackName: &s.name, ResourcesToSkip: []string{"Queue"}}); code(err) != "ValidationError" {
		t.Errorf("to skip what did not fail: %v", err)
	}
	if _, err := s.ContinueUpdateRollback(t.Context(), &cloudformation.ContinueUpdateRollbackInput{StackName: &s.name}); err != nil {
		t.Fatal(err)
	}
	s.Advance(10 * time.Minute)
	if stack = s.stack(); stack.StackStatus != types.StackStatusUpdateRollbackComplete {
		t.Errorf("%s %v", stack.StackStatus, s.events(""))
	}
	s.fault("cloudformation:UpdateResource=refuse,id=Alarm,code=InvalidRequest")
	if stack = s.apply(types.ChangeSetTypeUpdate, smallTemplate, change, true); stack.StackStatus != types.StackStatusUpdateFailed {
		t.Errorf("without rollback: %s", stack.StackStatus)
	}
}

func (a *account) fault(text string) {
	a.t.Helper()
	faults, err := sandbox.ParseFaults(text)
	if err == nil {
		err = a.SetFaults(faults)
	}
	if err != nil {
		a.t.Fatal(err)
	}
}

func TestStackRefuses(t *testing.T) {
	t.Parallel()
	s := openStack(t, sandbox.Options{})
	role := "Resources: { R: { Type: AWS::IAM::Role, Properties: { RoleName: r, AssumeRolePolicyDocument: {} } } }"
	queue := func(v string) string {
		return "Resources: { Q: { Type: AWS::SQS::Queue, Properties: { QueueName: " + v + " } } }"
	}
	for _, tt := range []struct {
		body       string
		parameters map[string]string
		kind       types.ChangeSetType
		want       string // the beginning of the message
	}{
		{smallTemplate, nil, types.ChangeSetTypeUpdate, "Stack [small] does not exist"},
		{smallTemplate, nil, types.ChangeSetTypeCreate, "Parameters: [Zone] must have values"},
		{smallTemplate, map[string]string{"Zone": "a b"}, types.ChangeSetTypeCreate, "Parameter 'Zone' must match pattern [A-Za-z/_]+"},
		{smallTemplate, map[string]string{"Zone": "UTC", "Days": "31"}, types.ChangeSetTypeCreate, "Parameter 'Days' must be one of AllowedValues"},
		{smallTemplate, map[string]string{"Zone": "UTC", "Nope": "1"}, types.ChangeSetTypeCreate, "Parameters: [Nope] do not exist in the template"},
		{role, nil, types.ChangeSetTypeCreate, "Requires capabilities : [CAPABILITY_NAMED_IAM]"},
		{queue("!ImportValue x"), nil, types.ChangeSetTypeCreate, "Template error: the sandbox has no function Fn::ImportValue"},
		{queue("!Ref Nope"), nil, types.ChangeSetTypeCreate, "Template format error: Unresolved resource dependencies [Nope] in the Resources block"},
		{queue("!GetAtt Q.Nope"), nil, types.ChangeSetTypeCreate, "Template error: resource Q does not support attribute type Nope"},
		{queue("!Ref AWS::NotificationARNs"), nil, types.ChangeSetTypeCreate, "Template error: the sandbox has no pseudo parameter"},
		{queue("!Ref Q"), nil, types.ChangeSetTypeCreate, "Circular dependency between resources: [Q]"},
		{"Resources: { B: { Type: AWS::EC2::Instance } }", nil, types.ChangeSetTypeCreate, "Template format error: Unrecognized resource types: [AWS::EC2::Instance]"},
		{"Transform: AWS::Serverless-2016-10-31\nResources: {}", nil, types.ChangeSetTypeCreate, "Template format error: the sandbox has no section Transform"},
		{"Resources: [", nil, types.ChangeSetTypeCreate, "Template format error: YAML not well-formed."},
		{"Resources: { B: { Type: AWS::S3::Bucket, UpdatePolicy: {} } }", nil, types.ChangeSetTypeCreate, "Template format error: Invalid template resource property 'UpdatePolicy'"},
		{smallTemplate + strings.Repeat("#", 51_200), nil, types.ChangeSetTypeCreate, "1 validation error detected: Value at 'templateBody'"},
	} {
		if _, err := s.propose(tt.kind, tt.body, tt.parameters); !strings.HasPrefix(message(err), tt.want) {
			t.Errorf("%.70s: %v, want %s", tt.body, err, tt.want)
		}
	}
	if all, err := s.DescribeStacks(t.Context(), nil); err != nil || len(all.Stacks) > 0 {
		t.Errorf("a refused change set leaves a stack: %v %v", all, err)
	}
	set, err := s.propose(types.ChangeSetTypeCreate, "Resources: { Q: { Type: AWS::SQS::Queue, Properties: { Name: x } } }", nil)
	if err != nil || set.Status != types.ChangeSetStatusFailed || !strings.Contains(*set.StatusReason, "extraneous key [Name] is not permitted") {
		t.Errorf("a wrong property: %+v %v", set, err)
	}
	if _, err := s.ExecuteChangeSet(t.Context(), &cloudformation.ExecuteChangeSetInput{ChangeSetName: set.ChangeSetId}); code(err) != "InvalidChangeSetStatus" {
		t.Errorf("a failed change set is executed: %v", err)
	}
	previous := &cloudformation.CreateChangeSetInput{
		StackName: &s.name, ChangeSetName: aws.String("other"), ChangeSetType: types.ChangeSetTypeCreate, TemplateBody: aws.String(smallTemplate),
		Parameters: []types.Parameter{{ParameterKey: aws.String("Zone"), UsePreviousValue: aws.Bool(true)}},
	}
	if _, err := s.CreateChangeSet(t.Context(), previous); !strings.HasPrefix(message(err), "Invalid input for parameter key Zone. Cannot specify usePreviousValue") {
		t.Errorf("UsePreviousValue for a new stack: %v", err)
	}
	if stack := s.stack(); stack.StackStatus != types.StackStatusReviewInProgress {
		t.Errorf("status %s", stack.StackStatus)
	}
	if _, err := s.DescribeChangeSet(t.Context(), &cloudformation.DescribeChangeSetInput{StackName: &s.name, ChangeSetName: aws.String("none")}); code(err) != "ChangeSetNotFound" {
		t.Errorf("a change set that is not there: %v", err)
	}
	if _, err := s.DeleteStack(t.Context(), &cloudformation.DeleteStackInput{StackName: &s.name}); err != nil {
		t.Error(err)
	}
	if all, err := s.DescribeStacks(t.Context(), nil); err != nil || len(all.Stacks) > 0 {
		t.Errorf("the reviewed stack is still there: %v %v", all, err)
	}
}

// TestDocumentedFaults reads the faults of the page on stacks, so that they are
// written as the sandbox takes them.
func TestDocumentedFaults(t *testing.T) {
	page, err := os.ReadFile("../../docs/sandbox.md")
	if err != nil {
		t.Fatal(err)
	}
	found := regexp.MustCompile("`;?(cloudformation:[^`]+)`").FindAllStringSubmatch(string(page), -1)
	if len(found) < 5 {
		t.Errorf("only %d faults", len(found))
	}
	for _, one := range found {
		if _, err := sandbox.ParseFaults(one[1]); err != nil {
			t.Error(err)
		}
	}
}

func TestStackShows(t *testing.T) {
	t.Parallel()
	s := openStack(t, sandbox.Options{})
	seoul := map[string]string{"Zone": "Asia/Seoul"}
	if _, err := s.propose(types.ChangeSetTypeCreate, smallTemplate, seoul); err != nil {
		t.Fatal(err)
	}
	list, err := s.ListChangeSets(t.Context(), &cloudformation.ListChangeSetsInput{StackName: &s.name})
	if err != nil || len(list.Summaries) != 1 || list.Summaries[0].ExecutionStatus != types.ExecutionStatusAvailable {
		t.Errorf("change sets %+v %v", list, err)
	}
	if _, err := s.GetTemplate(t.Context(), &cloudformation.GetTemplateInput{StackName: &s.name}); code(err) != "ValidationError" {
		t.Errorf("the template of a stack that has none yet: %v", err)
	}
	s.fault("cloudformation:CreateResource=refuse,id=Alarm,code=InvalidRequest")
	if _, err := s.DeleteChangeSet(t.Context(), &cloudformation.DeleteChangeSetInput{StackName: &s.name, ChangeSetName: aws.String("try")}); err != nil {
		t.Fatal(err)
	}
	if stack := s.apply(types.ChangeSetTypeCreate, smallTemplate, seoul, true); stack.StackStatus != types.StackStatusCreateFailed {
		t.Errorf("without rollback: %s", stack.StackStatus)
	}
	got, err := s.GetTemplate(t.Context(), &cloudformation.GetTemplateInput{StackName: &s.name})
	if err != nil || *got.TemplateBody != smallTemplate {
		t.Errorf("the template of the stack: %v", err)
	}
	all, err := s.ListStackResources(t.Context(), &cloudformation.ListStackResourcesInput{StackName: &s.name})
	if err != nil {
		t.Fatal(err)
	}
	status, names := map[string]types.ResourceStatus{}, map[string]string{}
	for _, r := range all.StackResourceSummaries {
		status[*r.LogicalResourceId], names[*r.LogicalResourceId] = r.ResourceStatus, aws.ToString(r.PhysicalResourceId)
	}
	if names["Log"] != "/nightshift/small" || status["Alarm"] != types.ResourceStatusCreateFailed || status["Log"] != types.ResourceStatusCreateComplete {
		t.Errorf("resources %v %v", status, names)
	}
	many := "Resources:\n"
	for n := range 30 {
		many += fmt.Sprintf("  Queue%d: { Type: AWS::SQS::Queue }\n", n)
	}
	s.name = "many"
	set, err := s.propose(types.ChangeSetTypeCreate, many, nil)
	if err != nil || len(set.Changes) != 30 {
		t.Errorf("%d changes over several pages, %v", len(set.Changes), err)
	}
	s.fault("")
	if _, err := s.ExecuteChangeSet(t.Context(), &cloudformation.ExecuteChangeSetInput{ChangeSetName: set.ChangeSetId}); err != nil {
		t.Fatal(err)
	}
	s.Advance(10 * time.Minute)
	if done := s.events("CREATE_COMPLETE"); s.stack().StackStatus != types.StackStatusCreateComplete || len(done) != 31 {
		t.Errorf("%d events over several pages: %v", len(done), done)
	}
}
