package stack_test

import (
	"archive/zip"
	"bytes"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"nightshift/internal/sandbox"
	"nightshift/internal/sandbox/sandboxtest"
	"nightshift/internal/stack"
)

// deployed are settings with which the template is deployed, by name. The
// first is the least, the second the most that can be set.
func deployed() map[string]map[string]string {
	key := "arn:aws:kms:ap-northeast-2:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"
	return map[string]map[string]string{
		"default": {},
		"everything": {
			"KeyArns": key, "DataKeyArns": key, "ReportKeyArn": key, "LicenseManager": "true", "DryRun": "true", "Regions": "all",
			"AlarmEmail": "ops@example.com", "PermissionsBoundary": "arn:aws:iam::123456789012:policy/edge", "ScheduleState": "DISABLED",
			"TagStopSchedule": "cron(0 19 ? * MON-FRI *)", "TagStartSchedule": "",
		},
		"others": {
			"ReportBucket": sandbox.DefaultBucket, "AlarmTopicArn": "arn:aws:sns:ap-northeast-2:123456789012:alarms",
		},
	}
}

// stackNamed is the name of the stack that is deployed with some settings.
func stackNamed(settings string) string {
	switch settings {
	case "everything":
		return strings.Repeat("a", 128)
	case "others":
		return "Team-Nightshift"
	default:
		return "nightshift"
	}
}

// deployer makes changes in a sandbox under the policy that is printed for who
// deploys.
type deployer struct {
	*cloudformation.Client
	t       *testing.T
	sandbox *sandbox.Sandbox
	stack   string
}

func openDeployer(t *testing.T, name, boundary string) *deployer {
	t.Helper()
	srv := sandboxtest.Start(t, sandbox.Options{Speed: -1, Start: time.Date(2026, 11, 30, 9, 0, 0, 0, time.UTC), Buckets: []string{"nightshift-artifacts-123456789012-ap-northeast-2"}})
	cfg := aws.Config{
		Region: sandbox.DefaultRegion, BaseEndpoint: aws.String(srv.URL()),
		Credentials: credentials.NewStaticCredentialsProvider(sandbox.AccessKey, sandbox.SecretKey, ""),
	}
	var code bytes.Buffer
	z := zip.NewWriter(&code)
	if _, err := z.Create("bootstrap"); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	_, err := s3.NewFromConfig(cfg).PutObject(t.Context(), &s3.PutObjectInput{
		Bucket: aws.String("nightshift-artifacts-123456789012-ap-northeast-2"), Key: aws.String(name + "/code.zip"), Body: bytes.NewReader(code.Bytes()),
	})
	if err != nil {
		t.Fatal(err)
	}
	d := &deployer{cloudformation.NewFromConfig(cfg), t, srv.Sandbox(), name}
	documents, err := stack.Policies([]string{"cloudformation:CreateChangeSet"}, stack.Scope{
		Jobs: stack.Deploy, Account: sandbox.AccountID, Deployer: stack.Deployer{Stack: name, Boundary: boundary},
	})
	if err != nil {
		t.Fatal(err)
	}
	policy, err := stack.Document{Version: documents[0].Version, Statement: statements(documents)}.JSON()
	if err == nil {
		err = d.sandbox.SetPolicy(policy)
	}
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// change deploys a template and gives the status of the stack and what failed.
func (d *deployer) change(kind types.ChangeSetType, body string, settings map[string]string) (types.StackStatus, []string) {
	d.t.Helper()
	in := &cloudformation.CreateChangeSetInput{
		StackName: &d.stack, ChangeSetName: aws.String("try"), ChangeSetType: kind, TemplateBody: &body,
		Capabilities: []types.Capability{types.CapabilityCapabilityIam}, Tags: []types.Tag{{Key: aws.String("team"), Value: aws.String("a")}},
	}
	all := map[string]string{
		"TimeZone": "Asia/Seoul", "Architecture": "x86_64", "CodeBucket": "nightshift-artifacts-123456789012-ap-northeast-2", "CodeKey": d.stack + "/code.zip",
	}
	maps.Copy(all, settings)
	for k, v := range all {
		in.Parameters = append(in.Parameters, types.Parameter{ParameterKey: &k, ParameterValue: &v})
	}
	set, err := d.CreateChangeSet(d.t.Context(), in)
	if err != nil {
		d.t.Fatal(err)
	}
	d.sandbox.Advance(10 * time.Second)
	_, err = d.ExecuteChangeSet(d.t.Context(), &cloudformation.ExecuteChangeSetInput{ChangeSetName: set.Id, RetainExceptOnCreate: aws.Bool(true)})
	if err != nil {
		d.t.Fatal(err)
	}
	d.sandbox.Advance(time.Hour)
	return d.outcome(*set.StackId)
}

// outcome is the status of a stack and what failed in it.
func (d *deployer) outcome(id string) (types.StackStatus, []string) {
	d.t.Helper()
	stacks, err := d.DescribeStacks(d.t.Context(), &cloudformation.DescribeStacksInput{StackName: &id})
	if err != nil {
		d.t.Fatal(err)
	}
	var failed []string
	p := cloudformation.NewDescribeStackEventsPaginator(d.Client, &cloudformation.DescribeStackEventsInput{StackName: &id})
	for p.HasMorePages() {
		page, err := p.NextPage(d.t.Context())
		if err != nil {
			d.t.Fatal(err)
		}
		for _, e := range page.StackEvents {
			if strings.HasSuffix(string(e.ResourceStatus), "_FAILED") {
				failed = append(failed, *e.LogicalResourceId+": "+aws.ToString(e.ResourceStatusReason))
			}
		}
	}
	return stacks.Stacks[0].StackStatus, failed
}

// TestTemplateDeploys makes a stack of each template with each setting in the
// sandbox, changes it and deletes it, all with no more than the policy for
// deploying allows.
func TestTemplateDeploys(t *testing.T) {
	t.Parallel()
	for name, schedules := range variants() {
		for settings, values := range deployed() {
			t.Run(name+"/"+settings, func(t *testing.T) {
				t.Parallel()
				d := openDeployer(t, stackNamed(settings), values["PermissionsBoundary"])
				body := template(t, schedules)
				values := maps.Clone(values)
				if schedules != nil && schedules.Config == "" {
					values["Config"] = "s3://settings/nightshift.yaml"
				}
				if status, failed := d.change(types.ChangeSetTypeCreate, body, values); status != types.StackStatusCreateComplete {
					t.Fatalf("create: %s %v", status, failed)
				}
				other := maps.Clone(values)
				maps.Copy(other, map[string]string{"LogRetentionDays": "30", "ReportSchedule": "cron(0 8 ? * TUE *)", "TagValue": "Other"})
				if status, failed := d.change(types.ChangeSetTypeUpdate, body, other); status != types.StackStatusUpdateComplete {
					t.Fatalf("update: %s %v", status, failed)
				}
				stacks, err := d.DescribeStacks(t.Context(), &cloudformation.DescribeStacksInput{StackName: &d.stack})
				if err == nil {
					_, err = d.DeleteStack(t.Context(), &cloudformation.DeleteStackInput{StackName: &d.stack})
				}
				if err != nil {
					t.Fatal(err)
				}
				d.sandbox.Advance(time.Hour)
				if status, failed := d.outcome(*stacks.Stacks[0].StackId); status != types.StackStatusDeleteComplete {
					t.Errorf("delete: %s %v", status, failed)
				}
			})
		}
	}
}
