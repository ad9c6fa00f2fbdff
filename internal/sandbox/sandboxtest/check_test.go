package sandboxtest

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"nightshift/internal/sandbox"
)

// testModels returns the models, or skips the test where there are none.
func testModels(t *testing.T) map[string]*model {
	t.Helper()
	var o sandbox.Options
	watch(t, &o) // fails the test where models are required
	known, err := models.get(t.Context())
	if err != nil {
		t.Skipf("no service models: %v", err)
	}
	return known
}

const (
	ec2Open   = `<DescribeInstancesResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/"><requestId>r-1</requestId>`
	ec2Close  = `</DescribeInstancesResponse>`
	ec2Denied = `<Response><Errors><Error><Code>UnauthorizedOperation</Code><Message>no</Message></Error></Errors><RequestID>r-1</RequestID></Response>`
	stsOK     = `<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><GetCallerIdentityResult>` +
		`<UserId>AIDA</UserId><Account>123456789012</Account><Arn>arn:aws:iam::123456789012:user/practice</Arn>` +
		`</GetCallerIdentityResult><ResponseMetadata><RequestId>r-1</RequestId></ResponseMetadata></GetCallerIdentityResponse>`
)

func header(contentType, target string) http.Header {
	h := http.Header{"Content-Type": {contentType}}
	if target != "" {
		h.Set("X-Amz-Target", target)
	}
	return h
}

// describe is an exchange with EC2; form goes on after the version.
func describe(form, answer string) sandbox.Exchange {
	return sandbox.Exchange{
		Service: "ec2", Action: "DescribeInstances", Method: "POST", URL: "/",
		RequestHeader: header("application/x-www-form-urlencoded; charset=utf-8", ""),
		RequestBody:   []byte("Action=DescribeInstances&Version=2016-11-15" + form),
		Status:        200, AnswerHeader: header("text/xml;charset=UTF-8", ""), AnswerBody: []byte(answer),
	}
}

// instance wraps what one instance of an answer holds.
func instance(fields string) string {
	return ec2Open + `<reservationSet><item><instancesSet><item>` + fields +
		`</item></instancesSet></item></reservationSet>` + ec2Close
}

func getProducts(request string, status int, answer string) sandbox.Exchange {
	return sandbox.Exchange{
		Service: "pricing", Action: "GetProducts", Method: "POST", URL: "/",
		RequestHeader: header("application/x-amz-json-1.1", "AWSPriceListService.GetProducts"), RequestBody: []byte(request),
		Status: status, AnswerHeader: header("application/x-amz-json-1.1", ""), AnswerBody: []byte(answer),
	}
}

func caller(status int, answer string) sandbox.Exchange {
	return sandbox.Exchange{
		Service: "sts", Action: "GetCallerIdentity", Method: "POST", URL: "/",
		RequestHeader: header("application/x-www-form-urlencoded", ""),
		RequestBody:   []byte("Action=GetCallerIdentity&Version=2011-06-15"),
		Status:        status, AnswerHeader: header("text/xml", ""), AnswerBody: []byte(answer),
	}
}

// with changes an exchange.
func with(e sandbox.Exchange, change func(*sandbox.Exchange)) sandbox.Exchange {
	change(&e)
	return e
}

// TestCheck has exchanges that are right and others that are wrong in one way
// each; the checker must name that way and no other.
func TestCheck(t *testing.T) {
	known := testModels(t)
	for _, tt := range []struct {
		name     string
		exchange sandbox.Exchange
		want     string // the only violation; "" for none
	}{
		{"empty answer", describe("", ec2Open+ec2Close), ""},
		{
			"instance", describe("&Filter.1.Name=tag:Name&Filter.1.Value.1=a&Filter.1.Value.2=b&MaxResults=100&DryRun=false",
				instance(`<instanceId>i-1</instanceId><instanceType>m5.large</instanceType><launchTime>2026-11-22T08:00:00.000Z</launchTime>`+
					`<ebsOptimized>true</ebsOptimized><amiLaunchIndex>0</amiLaunchIndex><reason/><tagSet/>`)), "",
		},
		{"type newer than the model", describe("", instance(`<instanceType>m9zz.48xlarge</instanceType>`)), ""},
		{"lower-case windows", describe("", instance(`<platform>windows</platform>`)), ""},
		{"denied", with(describe("", ec2Denied), func(e *sandbox.Exchange) { e.Status = 403 }), ""},
		{"cut connection", with(describe("", ""), func(e *sandbox.Exchange) { e.Status = 0 }), ""},
		{
			"malformed, but refused as such",
			with(describe("&Colour=blue", strings.Replace(ec2Denied, "UnauthorizedOperation", "UnknownParameter", 1)),
				func(e *sandbox.Exchange) { e.Status = 400 }), "",
		},
		{
			"GET", with(describe("", ec2Open+ec2Close), func(e *sandbox.Exchange) {
				e.Method, e.URL, e.RequestBody, e.RequestHeader = "GET", "/?Action=DescribeInstances&Version=2016-11-15", nil, nil
			}), "",
		},
		{"STS", caller(200, stsOK), ""},
		{"prices", getProducts(`{"ServiceCode":"AmazonEC2","Filters":[{"Type":"ANY_OF","Field":"a","Value":"b"}],"MaxResults":100}`,
			200, `{"FormatVersion":"aws_v1","PriceList":["{}"]}`), ""},
		{"price error", getProducts(`{"ServiceCode":"x"}`, 400, `{"__type":"NotFoundException","Message":"no"}`), ""},
		{
			"another service",
			sandbox.Exchange{Service: "s3", Action: "PutObject", Status: 200},
			"",
		},

		{"unknown parameter", describe("&Colour=blue", ec2Open+ec2Close), `request Colour: unknown parameter of DescribeInstancesRequest`},
		{"parameter in a list", describe("&Filter.1.Nam=x", ec2Open+ec2Close), `request Filter.1.Nam: unknown parameter of Filter`},
		{"number that is none", describe("&MaxResults=many", ec2Open+ec2Close), `request MaxResults: "many" is not an integer`},
		{"boolean that is none", describe("&DryRun=yes", ec2Open+ec2Close), `request DryRun: "yes" is not a boolean`},
		{"list not numbered", describe("&InstanceId=i-1", ec2Open+ec2Close), `request InstanceId: a list is not a value`},
		{"list numbered from 0", describe("&InstanceId.0=i-1", ec2Open+ec2Close), `request InstanceId.0: a list of 1 is numbered from 1`},
		{"list as a value", describe("&Filter.1.Name.1=x", ec2Open+ec2Close), `request Filter.1.Name: has parameters under it, want one string`},
		{"wrong version", with(describe("", ec2Open+ec2Close), func(e *sandbox.Exchange) {
			e.RequestBody = []byte("Action=DescribeInstances&Version=2014-10-01")
		}), `request Version: "2014-10-01", want 2016-11-15`},
		{"wrong content type", with(describe("", ec2Open+ec2Close), func(e *sandbox.Exchange) {
			e.RequestHeader = header("text/plain", "")
		}), `request Content-Type: "text/plain", want [application/x-www-form-urlencoded]`},
		{
			"unknown action", with(describe("", `<Response/>`), func(e *sandbox.Exchange) { e.Action = "DescribeMoons" }),
			`request: the service has no action "DescribeMoons"`,
		},
		{"missing parameter", with(describe("", `<StopInstancesResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/"><requestId>r</requestId></StopInstancesResponse>`),
			func(e *sandbox.Exchange) { e.Action = "StopInstances" }), `request InstanceId: missing, but required`},

		{"unknown element", describe("", instance(`<colour>blue</colour>`)), `answer reservationSet[].instancesSet[].colour: not an element of Instance`},
		{
			"wrong item name", describe("", ec2Open+`<reservationSet><member/></reservationSet>`+ec2Close),
			`answer reservationSet[]: <member> in a list of <item>`,
		},
		{
			"time without zone", describe("", instance(`<launchTime>2026-11-22T08:00:00</launchTime>`)),
			`answer reservationSet[].instancesSet[].launchTime: "2026-11-22T08:00:00" is not an ISO 8601 time with a zone`,
		},
		{
			"value of no enumeration", describe("", instance(`<architecture>sparc</architecture>`)),
			`answer reservationSet[].instancesSet[].architecture: "sparc" is not a value of ArchitectureValues`,
		},
		{
			"empty number", describe("", instance(`<amiLaunchIndex/>`)),
			`answer reservationSet[].instancesSet[].amiLaunchIndex: "" is not an integer`,
		},
		{
			"element twice", describe("", instance(`<instanceId>i-1</instanceId><instanceId>i-2</instanceId>`)),
			`answer reservationSet[].instancesSet[].instanceId: more than once`,
		},
		{
			"structure as text", describe("", instance(`<placement>here</placement>`)),
			`answer reservationSet[].instancesSet[].placement: text "here" between elements`,
		},
		{
			"wrong root", describe("", `<Answer xmlns="http://ec2.amazonaws.com/doc/2016-11-15/"><requestId>r</requestId></Answer>`),
			`answer: <Answer>, want <DescribeInstancesResponse>`,
		},
		{
			"wrong namespace", describe("", `<DescribeInstancesResponse><requestId>r</requestId></DescribeInstancesResponse>`),
			`answer: namespace "", want "http://ec2.amazonaws.com/doc/2016-11-15"`,
		},
		{"no request id", describe("", strings.Replace(ec2Open, "<requestId>r-1</requestId>", "", 1)+ec2Close), `answer requestId: missing`},
		{"not XML", describe("", `<oops`), `answer: HTTP 200 is not XML: XML syntax error on line 1: unexpected EOF`},
		{"page of a load balancer", with(describe("", ""), func(e *sandbox.Exchange) { e.Status = 503 }), `answer: HTTP 503 is not XML: no element`},
		{"error without code", with(describe("", strings.Replace(ec2Denied, "UnauthorizedOperation", "", 1)),
			func(e *sandbox.Exchange) { e.Status = 403 }), `answer: an error without a code`},
		{"error in the shape of another protocol", with(describe("", `<ErrorResponse><Errors><Error><Code>C</Code><Message>m</Message></Error></Errors><RequestID>r</RequestID></ErrorResponse>`),
			func(e *sandbox.Exchange) { e.Status = 400 }), `answer: an error in <ErrorResponse>, want <Response>`},

		{"STS without wrapper", caller(200, strings.ReplaceAll(stsOK, "GetCallerIdentityResult>", "Result>")), `answer GetCallerIdentityResult: missing`},
		{"STS without request id", caller(200, strings.ReplaceAll(stsOK, "RequestId>", "Id>")), `answer ResponseMetadata.RequestId: missing`},
		{
			"STS error without type", caller(403, `<ErrorResponse><Error><Code>ExpiredToken</Code><Message>old</Message></Error><RequestId>r</RequestId></ErrorResponse>`),
			`answer Error.Type: want Sender or Receiver`,
		},

		{"unknown member", getProducts(`{"ServiceCode":"AmazonEC2","Colour":"blue"}`, 200, `{}`), `request Colour: not a member of GetProductsRequest`},
		{"missing member", getProducts(`{}`, 200, `{}`), `request ServiceCode: missing, but required`},
		{"number as text", getProducts(`{"ServiceCode":"a","MaxResults":"10"}`, 200, `{}`), `request MaxResults: a string, want a number`},
		{"number out of range", getProducts(`{"ServiceCode":"a","MaxResults":101}`, 200, `{}`), `request MaxResults: 101 is out of range, want 1…100`},
		{
			"unknown filter type", getProducts(`{"ServiceCode":"a","Filters":[{"Type":"LIKE","Field":"a","Value":"b"}]}`, 200, `{}`),
			`request Filters[].Type: "LIKE" is not a value of FilterType`,
		},
		{"wrong target", with(getProducts(`{"ServiceCode":"a"}`, 200, `{}`), func(e *sandbox.Exchange) {
			e.RequestHeader.Set("X-Amz-Target", "GetProducts")
		}), `request X-Amz-Target: "GetProducts", want "AWSPriceListService.GetProducts"`},
		{"list of objects", getProducts(`{"ServiceCode":"a"}`, 200, `{"PriceList":[{}]}`), `answer PriceList[]: an object, want a string`},
		{"answer member", getProducts(`{"ServiceCode":"a"}`, 200, `{"Products":[]}`), `answer Products: not a member of GetProductsResponse`},
		{"answer as XML", getProducts(`{"ServiceCode":"a"}`, 200, `<a/>`), `answer: HTTP 200 is not JSON: invalid character '<' looking for beginning of value`},
		{"error without type", getProducts(`{"ServiceCode":"a"}`, 400, `{"Message":"no"}`), `answer __type: an error without a type`},
		{
			"error of another service", getProducts(`{"ServiceCode":"a"}`, 400, `{"__type":"NoSuchBucket","Message":"no"}`),
			`answer __type: "NoSuchBucket" is not an error of the action`,
		},
		{
			"error member", getProducts(`{"ServiceCode":"a"}`, 400, `{"__type":"NotFoundException","message":"no"}`),
			`answer message: not a member of NotFoundException`,
		},
		{"answer's content type", with(getProducts(`{"ServiceCode":"a"}`, 200, `{}`), func(e *sandbox.Exchange) {
			e.AnswerHeader = header("application/json", "")
		}), `answer Content-Type: "application/json", want [application/x-amz-json-1.1]`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var got []string
			for _, v := range check(known, tt.exchange) {
				got = append(got, v.String())
			}
			if have := strings.Join(got, "\n"); have != tt.want {
				t.Errorf("violations:\n%s\nwant:\n%s", have, tt.want)
			}
		})
	}
}

// TestLengthsAndPatterns uses an action with both, which clients do not check
// but the service does.
func TestLengthsAndPatterns(t *testing.T) {
	known := testModels(t)
	for role, want := range map[string]string{
		"night-shift": "",
		"n":           `RoleSessionName: "n" has a length of 1, want 2…64`,
		"night shift": `RoleSessionName: "night shift" does not match [\w+=,.@-]*`,
	} {
		c := &checker{service: "sts", part: "request"}
		e := caller(0, "")
		e.Action = "AssumeRole"
		e.RequestBody = []byte("Action=AssumeRole&Version=2011-06-15&RoleArn=arn:aws:iam::123456789012:role/r&RoleSessionName=" + role)
		m := known["sts"]
		c.queryRequest(m, m.Operations["AssumeRole"], e)
		var got []string
		for _, v := range c.found {
			got = append(got, strings.TrimPrefix(v.String(), "request "))
		}
		if have := strings.Join(got, "\n"); have != want {
			t.Errorf("%q:\n%s\nwant:\n%s", role, have, want)
		}
	}
}

// fakeTest records what a test reports.
type fakeTest struct {
	testing.TB

	errors []string
}

func (f *fakeTest) Helper() {}

func (f *fakeTest) Errorf(format string, args ...any) {
	f.errors = append(f.errors, fmt.Sprintf(format, args...))
}

// TestViolationsFailTheTest: an account that is watched reports each kind of
// violation once.
func TestViolationsFailTheTest(t *testing.T) {
	testModels(t)
	tapped := 0
	o := sandbox.Options{Tap: func(sandbox.Exchange) { tapped++ }}
	found := watch(t, &o)
	for range 3 {
		o.Tap(describe("&Colour=blue", ec2Open+ec2Close))
	}
	o.Tap(describe("", ec2Open+ec2Close))
	f := &fakeTest{TB: t}
	found.report(f)
	want := []string{"ec2 DescribeInstances: request Colour: unknown parameter of DescribeInstancesRequest (3 times)"}
	if !slices.Equal(f.errors, want) || tapped != 4 {
		t.Errorf("the test was told %q, want %q; the tap before saw %d exchanges", f.errors, want, tapped)
	}
}

// Attributes of messages are the one map that is sent.
func TestMapsAreChecked(t *testing.T) {
	known := testModels(t)
	publish := func(form string) []violation {
		return check(known, sandbox.Exchange{
			Service: "sns", Action: "Publish", Method: "POST", URL: "/",
			RequestHeader: header("application/x-www-form-urlencoded", ""),
			RequestBody:   []byte("Action=Publish&Version=2010-03-31&Message=x&TopicArn=y" + form),
			Status:        200, AnswerHeader: header("text/xml", ""), AnswerBody: []byte(`<PublishResponse xmlns="http://sns.amazonaws.com/doc/2010-03-31/">` +
				`<PublishResult><MessageId>1</MessageId></PublishResult><ResponseMetadata><RequestId>r-1</RequestId></ResponseMetadata></PublishResponse>`),
		})
	}
	const entry = "&MessageAttributes.entry.1."
	if wrong := publish(entry + "Name=id" + entry + "Value.DataType=String" + entry + "Value.StringValue=1"); len(wrong) > 0 {
		t.Errorf("a right one: %v", wrong)
	}
	for _, form := range []string{
		entry + "Key=id" + entry + "Value.DataType=String",
		entry + "Name=id",
		entry + "Name=id" + entry + "Value.Type=String",
		"&MessageAttributes.entry.2.Name=id&MessageAttributes.entry.2.Value.DataType=String",
		"&MessageAttributes.1.Name=id",
	} {
		if wrong := publish(form); len(wrong) == 0 {
			t.Errorf("%s: nothing is wrong", form)
		}
	}
}
