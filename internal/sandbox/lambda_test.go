package sandbox_test

import (
	"archive/zip"
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	cfn "github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sns"

	"nightshift/internal/sandbox"
)

const functionTemplate = `
Parameters:
  Key: { Type: String }
  Architecture: { Type: String }
  Word: { Type: String, Default: first }
Resources:
  Role:
    Type: AWS::IAM::Role
    Properties:
      Path: /nightshift/
      AssumeRolePolicyDocument:
        Statement: { Effect: Allow, Action: "sts:AssumeRole", Principal: { Service: lambda.amazonaws.com } }
      Policies:
        - PolicyName: work
          PolicyDocument: !Sub |
            {"Statement": [{"Effect": "Allow", "Action": "sts:GetCallerIdentity", "Resource": "*"}]}
  Function:
    Type: AWS::Lambda::Function
    Properties:
      Code: { S3Bucket: nightshift-practice, S3Key: !Ref Key }
      Handler: bootstrap
      Runtime: provided.al2023
      Architectures: [!Ref Architecture]
      Timeout: 2
      Role: !GetAtt Role.Arn
      Environment: { Variables: { WORD: !Ref Word } }
  Topic: { Type: AWS::SNS::Topic }
  Mail:
    Type: AWS::SNS::Subscription
    Properties: { TopicArn: !Ref Topic, Protocol: email, Endpoint: ops@example.com }
Outputs:
  Function: { Value: !Ref Function }
  Role: { Value: !GetAtt Role.Arn }
  Topic: { Value: !Ref Topic }
`

// functionZip builds the function of testdata for this machine.
func functionZip(t *testing.T) []byte {
	t.Helper()
	file := filepath.Join(t.TempDir(), "bootstrap")
	out, err := exec.CommandContext(t.Context(), "go", "build", "-o", file, "./testdata/function").CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	code, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return zipOf(t, "bootstrap", 0o755, code)
}

func zipOf(t *testing.T, name string, mode os.FileMode, content []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	header := &zip.FileHeader{Name: name, Method: zip.Store}
	header.SetMode(mode)
	w, err := z.CreateHeader(header)
	if err == nil {
		_, err = w.Write(content)
	}
	if err == nil {
		err = z.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func architecture() string {
	if runtime.GOARCH == "arm64" {
		return "arm64"
	}
	return "x86_64"
}

// functionTry drives the function of a stack.
type functionTry struct {
	*stackTry
	client     *lambda.Client
	name       *string
	role       string
	topic      *string
	parameters map[string]string
}

func openFunction(t *testing.T) *functionTry {
	t.Helper()
	if runtime.GOOS != "linux" {
		t.Skip("functions are Linux binaries")
	}
	f := &functionTry{stackTry: openStack(t, sandbox.Options{}), parameters: map[string]string{"Architecture": architecture(), "Key": "code.zip"}}
	f.client = lambda.NewFromConfig(f.config(sandbox.DefaultRegion))
	f.upload("code.zip", functionZip(t))
	stack := f.apply(cfn.ChangeSetTypeCreate, functionTemplate, f.parameters, false)
	if stack.StackStatus != cfn.StackStatusCreateComplete {
		t.Fatalf("%s %v", stack.StackStatus, f.events("FAILED"))
	}
	for _, o := range stack.Outputs {
		switch *o.OutputKey {
		case "Function":
			f.name = o.OutputValue
		case "Role":
			f.role = *o.OutputValue
		case "Topic":
			f.topic = o.OutputValue
		}
	}
	return f
}

func (f *functionTry) upload(key string, body []byte) {
	f.t.Helper()
	_, err := f.s3.PutObject(f.t.Context(), &s3.PutObjectInput{Bucket: aws.String(sandbox.DefaultBucket), Key: &key, Body: bytes.NewReader(body)})
	if err != nil {
		f.t.Fatal(err)
	}
}

// invoke gives the answer and the error of the function, as it is written.
func (f *functionTry) invoke(event string) (answer, failure, log string) {
	f.t.Helper()
	out, err := f.client.Invoke(f.t.Context(), &lambda.InvokeInput{FunctionName: f.name, Payload: []byte(event), LogType: types.LogTypeTail})
	if err != nil {
		f.t.Fatal(err)
	}
	tail, err := base64.StdEncoding.DecodeString(aws.ToString(out.LogResult))
	if err != nil {
		f.t.Fatal(err)
	}
	return string(out.Payload), aws.ToString(out.FunctionError), string(tail)
}

func TestFunctionRuns(t *testing.T) {
	t.Parallel()
	f := openFunction(t)
	got, err := f.client.GetFunction(t.Context(), &lambda.GetFunctionInput{FunctionName: f.name})
	if err != nil || *got.Configuration.Role != f.role || !strings.Contains(f.role, ":role/nightshift/small-Role-") || *got.Configuration.Timeout != 2 || got.Configuration.State != types.StateActive {
		t.Errorf("%+v %v", got, err)
	}
	began := time.Now()
	answer, _, log := f.invoke(`{}`)
	var first struct {
		N        int
		Deadline string
	}
	if err := json.Unmarshal([]byte(answer), &first); err != nil || first.N != 1 || !strings.Contains(log, "invocation 1\n") || !strings.Contains(log, "REPORT RequestId: ") {
		t.Errorf("%s, log %q, %v", answer, log, err)
	}
	if ms, err := strconv.ParseInt(first.Deadline, 10, 64); err != nil || time.UnixMilli(ms).Before(began.Add(time.Second)) || time.UnixMilli(ms).After(time.Now().Add(2*time.Second)) {
		t.Errorf("deadline %s: %v", first.Deadline, err)
	}
	for _, tt := range []struct{ event, answer, failure string }{
		{`{"do": "env", "name": "WORD"}`, `"first"`, ""},
		{`{"do": "env", "name": "AWS_REGION"}`, `"` + sandbox.DefaultRegion + `"`, ""},
		{`{"do": "env", "name": "HOME"}`, `""`, ""},
		{`{"do": "fail"}`, `{"errorMessage":"as told","errorType":"Oops"}`, "Unhandled"},
		{`{"do": "who"}`, `"arn:aws:sts::123456789012:assumed-role/` + f.role[strings.LastIndex(f.role, "/")+1:] + "/" + *f.name + `"`, ""},
	} {
		if answer, failure, _ := f.invoke(tt.event); answer != tt.answer || failure != tt.failure {
			t.Errorf("%s: %s %s, want %s %s", tt.event, answer, failure, tt.answer, tt.failure)
		}
	}
	if answer, _, log := f.invoke(`{}`); !strings.Contains(answer, `"n":7`) || strings.Contains(log, "invocation 6") {
		t.Errorf("the process did not stay, or the log is another invocation's: %s %q", answer, log)
	}
	for _, tt := range []struct{ event, answer string }{
		{`{"do": "exit"}`, "Runtime exited with error: exit status 3"},
		{`{"do": "hang"}`, "Task timed out after 2.00 seconds"},
	} {
		if answer, failure, _ := f.invoke(tt.event); failure != "Unhandled" || !strings.Contains(answer, tt.answer) {
			t.Errorf("%s: %s %s, want %s", tt.event, answer, failure, tt.answer)
		}
		if answer, _, _ := f.invoke(`{}`); !strings.Contains(answer, `"n":1,`) && !strings.Contains(answer, `"n":1}`) {
			t.Errorf("after %s: %s", tt.event, answer)
		}
	}
	f.parameters["Word"] = "second"
	if stack := f.apply(cfn.ChangeSetTypeUpdate, functionTemplate, f.parameters, false); stack.StackStatus != cfn.StackStatusUpdateComplete {
		t.Fatal(stack.StackStatus)
	}
	if answer, _, _ := f.invoke(`{"do": "env", "name": "WORD"}`); answer != `"second"` {
		t.Errorf("after an update: %s", answer)
	}
	answer, _, _ = f.invoke(`{"do": "pid"}`)
	pid, err := strconv.Atoi(answer)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.DeleteStack(t.Context(), &cloudformation.DeleteStackInput{StackName: f.stackTry.stack().StackId}); err != nil {
		t.Fatal(err)
	}
	f.Advance(time.Minute)
	if all, err := f.DescribeStacks(t.Context(), nil); err != nil || len(all.Stacks) > 0 {
		t.Errorf("stacks %+v %v", all, err)
	}
	process, err := os.FindProcess(pid)
	if err == nil {
		err = process.Signal(syscall.Signal(0))
	}
	if !errors.Is(err, os.ErrProcessDone) {
		t.Errorf("the process is still there: %v", err)
	}
}

func TestFunctionRefuses(t *testing.T) {
	t.Parallel()
	f := openFunction(t)
	if out, err := f.client.Invoke(t.Context(), &lambda.InvokeInput{FunctionName: f.name, InvocationType: types.InvocationTypeDryRun}); err != nil || out.StatusCode != 204 {
		t.Errorf("dry run: %+v %v", out, err)
	}
	for _, tt := range []struct {
		in   lambda.InvokeInput
		want string
	}{
		{lambda.InvokeInput{FunctionName: aws.String("none")}, "ResourceNotFoundException"},
		{lambda.InvokeInput{FunctionName: f.name, Payload: []byte("{")}, "InvalidRequestContentException"},
		{lambda.InvokeInput{FunctionName: f.name, InvocationType: types.InvocationTypeEvent}, "InvalidParameterValueException"},
	} {
		if _, err := f.client.Invoke(t.Context(), &tt.in); code(err) != tt.want {
			t.Errorf("%+v: %v, want %s", tt.in, err, tt.want)
		}
	}
	if err := f.SetPolicy(sandbox.PolicyDenying("lambda:InvokeFunction")); err != nil {
		t.Fatal(err)
	}
	if _, err := f.client.Invoke(t.Context(), &lambda.InvokeInput{FunctionName: f.name}); code(err) != "AccessDeniedException" {
		t.Errorf("without permission: %v", err)
	}
	if err := f.SetPolicy(nil); err != nil {
		t.Fatal(err)
	}

	// What is wrong with the code shows when it is set, or when it runs.
	f.upload("text.zip", []byte("not a zip"))
	f.upload("other.zip", zipOf(t, "main", 0o755, nil))
	f.upload("mode.zip", zipOf(t, "bootstrap", 0o644, []byte("#!/bin/sh\n")))
	for _, tt := range []struct{ key, architecture, reason, failure string }{
		{"none.zip", architecture(), "S3 Error Code: NoSuchKey", ""},
		{"text.zip", architecture(), "Could not unzip uploaded file", ""},
		{"other.zip", architecture(), "", "Couldn't find valid bootstrap(s)"},
		{"mode.zip", architecture(), "", "permission denied"},
		{"code.zip", map[string]string{"arm64": "x86_64", "x86_64": "arm64"}[architecture()], "", "exec format error"},
	} {
		stack := f.apply(cfn.ChangeSetTypeUpdate, functionTemplate, map[string]string{"Key": tt.key, "Architecture": tt.architecture}, false)
		if tt.reason != "" {
			if failed := strings.Join(f.events("UPDATE_FAILED"), "\n"); stack.StackStatus != cfn.StackStatusUpdateRollbackComplete || !strings.Contains(failed, tt.reason) {
				t.Errorf("%s: %s %s", tt.key, stack.StackStatus, failed)
			}
			continue
		}
		if answer, failure, _ := f.invoke(`{}`); failure != "Unhandled" || !strings.Contains(answer, tt.failure) {
			t.Errorf("%s: %s %s", tt.key, answer, failure)
		}
	}
}

func TestSubscriptionWaits(t *testing.T) {
	t.Parallel()
	f := openFunction(t)
	client := sns.NewFromConfig(f.config(sandbox.DefaultRegion))
	first := func() string {
		out, err := client.ListSubscriptionsByTopic(t.Context(), &sns.ListSubscriptionsByTopicInput{TopicArn: f.topic})
		if err != nil {
			t.Fatal(err)
		}
		return *out.Subscriptions[0].SubscriptionArn
	}
	if got := first(); got != "PendingConfirmation" {
		t.Errorf("before it is confirmed: %s", got)
	}
	if err := f.ConfirmSubscription(sandbox.DefaultRegion, *f.topic, "ops@example.com"); err != nil {
		t.Fatal(err)
	}
	if got := first(); !strings.HasPrefix(got, *f.topic+":") {
		t.Errorf("afterwards: %s", got)
	}
	if f.ConfirmSubscription(sandbox.DefaultRegion, *f.topic, "other@example.com") == nil {
		t.Error("a subscription that is not there is confirmed")
	}
	_, err := client.ListSubscriptionsByTopic(t.Context(), &sns.ListSubscriptionsByTopicInput{TopicArn: aws.String("arn:aws:sns:x:1:none")})
	if code(err) != "NotFound" {
		t.Errorf("a topic that is not there: %v", err)
	}
}
