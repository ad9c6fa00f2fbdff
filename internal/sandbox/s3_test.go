package sandbox_test

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/google/go-cmp/cmp"

	"nightshift/internal/sandbox"
)

func (a *account) put(bucket, key, body string) error {
	_, err := a.s3.PutObject(a.t.Context(), &s3.PutObjectInput{Bucket: &bucket, Key: &key, Body: strings.NewReader(body)})
	return err
}

func TestObjects(t *testing.T) {
	a := open(t, sandbox.Options{Buckets: []string{"second"}})
	key, bucket := "ec2/보고서 1.xlsx", sandbox.DefaultBucket
	if err := a.put(bucket, key, "content"); err != nil {
		t.Fatal(err)
	}
	if got, ok := a.Object(bucket, key); !ok || string(got) != "content" {
		t.Errorf("stored %q", got)
	}
	out, err := a.s3.GetObject(t.Context(), &s3.GetObjectInput{Bucket: &bucket, Key: &key})
	if err != nil {
		t.Fatal(err)
	}
	got, err := io.ReadAll(out.Body)
	if err != nil || string(got) != "content" {
		t.Errorf("read %q, %v", got, err)
	}
	if diff := cmp.Diff([]string{sandbox.DefaultBucket, "second"}, a.Buckets()); diff != "" {
		t.Errorf("buckets: -want +got\n%s", diff)
	}
	if diff := cmp.Diff([]string{key}, a.Objects(bucket)); diff != "" {
		t.Errorf("objects: -want +got\n%s", diff)
	}
	if err := a.put("no-such-bucket", key, "x"); code(err) != "NoSuchBucket" {
		t.Errorf("wrong bucket: %v", err)
	}
	var names []string
	for _, c := range a.Calls() {
		names = append(names, c.Action+" "+c.Permission+" "+c.Code)
	}
	want := []string{"PutObject s3:PutObject ", "GetObject s3:GetObject ", "PutObject s3:PutObject NoSuchBucket"}
	if diff := cmp.Diff(want, names); diff != "" {
		t.Errorf("calls: -want +got\n%s", diff)
	}
}

func TestVirtualHostStyle(t *testing.T) {
	a := open(t, sandbox.Options{})
	if err := a.put(sandbox.DefaultBucket, "a/b", "x"); err != nil {
		t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, a.url+"/a/b", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Host = sandbox.DefaultBucket + ".localhost"
	req.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential="+sandbox.AccessKey+"/20261122/"+sandbox.DefaultRegion+"/s3/aws4_request, SignedHeaders=host, Signature=0")
	if status, body := do(t, req); body != "x" {
		t.Errorf("%d %q", status, body)
	}
}

func TestCallerIdentity(t *testing.T) {
	a := open(t, sandbox.Options{Policy: sandbox.PolicyDenying("*")})
	out, err := a.sts.GetCallerIdentity(t.Context(), &sts.GetCallerIdentityInput{})
	if err != nil {
		t.Fatal(err) // needs no permission
	}
	if *out.Account != sandbox.AccountID || *out.Arn != "arn:aws:iam::"+sandbox.AccountID+":user/practice" {
		t.Errorf("%s, %s", *out.Account, *out.Arn)
	}
}

func TestUnsignedAndUnknownRequests(t *testing.T) {
	a := openUnchecked(t, sandbox.Options{}) // the requests are wrong on purpose
	for _, tt := range []struct {
		name, service, body string
		status              int
		part                string
	}{
		{"unsigned", "", "Action=DescribeInstances&Version=2016-11-15", 403, "<Code>MissingAuthenticationToken</Code>"},
		{"unknown operation", "ec2", "Action=DescribeDreams&Version=2016-11-15", 400, "<Response><Errors><Error><Code>InvalidAction</Code>"},
		{"no operation", "ec2", "Version=2016-11-15", 400, "<Code>MissingAction</Code>"},
		{"unknown parameter", "ec2", "Action=DescribeInstances&Colour=red", 400, "The parameter Colour is not recognized"},
		{"unknown nested parameter", "ec2", "Action=DescribeInstances&Filter.1.Name=tag-key&Filter.1.Value.1=x&Filter.1.Not=1", 400, "Filter.1.Not"},
		{"no ids", "ec2", "Action=StopInstances", 400, "The request must contain the parameter InstanceId"},
		{"other STS operation", "sts", "Action=AssumeRole", 400, "<ErrorResponse"},
		{"other service of the Query protocol", "elasticloadbalancing", "Action=DescribeLoadBalancers&Version=2015-12-01", 404, "<ErrorResponse><Error><Type>Sender</Type><Code>UnknownService</Code>"},
		{"DryRun that is neither", "ec2", "Action=StopInstances&InstanceId.1=i-0123456789abcdef0&DryRun=maybe", 400, "Value (maybe) for parameter DryRun is invalid"},
		{"unknown attribute", "ec2", "Action=ModifyInstanceAttribute&InstanceId=i-0123456789abcdef0&Attribute=colour&Value=red", 400, "Value (colour) for parameter attribute is invalid. Unknown attribute."},
		{"flag that is neither", "ec2", "Action=RunInstances&ImageId=ami-0123456789abcdef0&MinCount=1&MaxCount=1&Monitoring.Enabled=1", 400, "Value (1) for parameter Monitoring.Enabled is invalid"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, a.url+"/", strings.NewReader(tt.body))
			if err != nil {
				t.Fatal(err)
			}
			req.Header.Set("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")
			if tt.service != "" {
				req.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential="+sandbox.AccessKey+"/20261122/"+sandbox.DefaultRegion+"/"+tt.service+"/aws4_request, SignedHeaders=host, Signature=0")
			}
			if status, body := do(t, req); status != tt.status || !strings.Contains(body, tt.part) {
				t.Errorf("%d %s", status, body)
			}
		})
	}
}

// TestUnknownJSONService answers in the shape that its clients read.
func TestUnknownJSONService(t *testing.T) {
	a := openUnchecked(t, sandbox.Options{})
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, a.url+"/", strings.NewReader("{}"))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-amz-json-1.0")
	req.Header.Set("X-Amz-Target", "DynamoDB_20120810.ListTables")
	req.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential="+sandbox.AccessKey+"/20261122/"+sandbox.DefaultRegion+"/dynamodb/aws4_request, SignedHeaders=host, Signature=0")
	if status, body := do(t, req); status != 404 || !strings.Contains(body, `"__type":"UnknownService"`) {
		t.Errorf("%d %s", status, body)
	}
	if call := a.Calls()[0]; call.Action != "ListTables" || call.Service != "dynamodb" {
		t.Errorf("recorded %+v", call)
	}
}

// do sends a request as it is and reads the whole answer.
func do(t testing.TB, req *http.Request) (status int, body string) {
	t.Helper()
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(res.Body)
	if err := errors.Join(err, res.Body.Close()); err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(b)
}
