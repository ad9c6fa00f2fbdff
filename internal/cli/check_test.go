package cli_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/google/go-cmp/cmp"

	"nightshift/internal/cli"
	"nightshift/internal/sandbox"
	"nightshift/internal/sandbox/sandboxtest"
)

// runOn runs nightshift on the account at an endpoint.
func runOn(t *testing.T, endpoint string, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	env := map[string]string{
		"AWS_ENDPOINT_URL": endpoint, "AWS_ACCESS_KEY_ID": sandbox.AccessKey, "AWS_SECRET_ACCESS_KEY": sandbox.SecretKey, "AWS_REGION": sandbox.DefaultRegion,
	}
	for key, value := range env {
		t.Setenv(key, value)
	}
	var out, errs bytes.Buffer
	code = cli.Main(args, cli.System{
		Stdout: &out, Stderr: &errs, Env: func(key string) string { return env[key] }, Now: time.Now,
	})
	return code, out.String(), errs.String()
}

// An instance that cannot be stopped just now leaves open what is permitted.
func TestCheckOfWhatCannotBeAsked(t *testing.T) {
	server := sandboxtest.Start(t, sandbox.Options{})
	account, err := url.Parse(server.URL())
	if err != nil {
		t.Fatal(err)
	}
	pass := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(account); r.Out.Host = r.In.Host }}
	front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		if bytes.Contains(body, []byte("Action=StopInstances&")) {
			w.WriteHeader(http.StatusBadRequest)
			fmt.Fprint(w, `<Response><Errors><Error><Code>OperationNotPermitted</Code><Message>It may not be stopped.</Message></Error></Errors></Response>`)
			return
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		pass.ServeHTTP(w, r)
	}))
	defer front.Close()
	file := filepath.Join(t.TempDir(), "nightshift.yaml")
	if err := os.WriteFile(file, []byte(`
timezone: Asia/Seoul
schedules: { office-hours: Mon-Fri 08:00-19:00 }
power: { rules: [{ tag: AutoStopStart=Yes, schedule: office-hours }] }
`), 0o600); err != nil {
		t.Fatal(err)
	}
	code, stdout, stderr := runOn(t, front.URL, "check", "--live", "--config", file)
	for _, want := range []string{
		`ec2:StopInstances +ap-northeast-2 +not checked +rule 1 \(i-\w+\): .*OperationNotPermitted`, `ec2:StartInstances +ap-northeast-2 +allowed`,
	} {
		if code != 0 || !regexp.MustCompile(want).MatchString(stdout) {
			t.Errorf("code %d, not told: %s\n%s%s", code, want, stdout, stderr)
		}
	}
}

// What is wrong with tags is told once for each mistake, with all machines.
func TestCheckTellsOfTags(t *testing.T) {
	server := sandboxtest.Start(t, sandbox.Options{Fleet: 24})
	endpoint := server.URL()
	client := ec2.New(ec2.Options{
		Region: sandbox.DefaultRegion, BaseEndpoint: &endpoint,
		Credentials: credentials.NewStaticCredentialsProvider(sandbox.AccessKey, sandbox.SecretKey, ""),
	})
	found, err := client.DescribeInstances(t.Context(), &ec2.DescribeInstancesInput{})
	if err != nil {
		t.Fatal(err)
	}
	var ids []string
	for _, r := range found.Reservations {
		for _, i := range r.Instances {
			ids = append(ids, *i.InstanceId)
		}
	}
	tag := func(n int, pairs ...string) {
		t.Helper()
		in := &ec2.CreateTagsInput{Resources: []string{ids[n]}}
		for k := 0; k < len(pairs); k += 2 {
			in.Tags = append(in.Tags, types.Tag{Key: aws.String(pairs[k]), Value: aws.String(pairs[k+1])})
		}
		if _, err := client.CreateTags(t.Context(), in); err != nil {
			t.Fatal(err)
		}
	}
	tag(0, "Schedule", "office-hours", "nightshift:types", "m5.large,m5.xlarge")
	tag(1, "Schedule", "offce-hours")
	tag(2, "Schedule", "offce-hours")
	tag(3, "Schedule", "Mno-Fri 08:00-19:00")
	tag(4, "Schedule", "office-hours", "nightshift:override", "for ever")
	tag(5, "nightshift:override", "on until tomorrow")
	tag(6, "nightshift:override", "on until 2026-12-24T20:00:00Z")
	tag(7, "nightshift:overide", "on until 2026-12-24T20:00:00Z", "Schedule", "office-hours")
	tag(8, "Shedule", "office-hours")

	folder := t.TempDir()
	file := filepath.Join(folder, "nightshift.yaml")
	if err := os.WriteFile(file, []byte(`
timezone: Asia/Seoul
schedules: { office-hours: Mon-Fri 08:00-19:00 }
journal: `+filepath.Join(folder, "journal")+`
power: { rules: [{ tag: Schedule }] }
`), 0o600); err != nil {
		t.Fatal(err)
	}
	code, stdout, stderr := runOn(t, endpoint, "check", "--live", "--config", file, "--json")
	var answer struct {
		Data struct {
			Live struct {
				Tags, Notes []struct {
					Code, Reason string
					Machines     []string
				}
				Followed int
			}
		}
	}
	if err := json.Unmarshal([]byte(stdout), &answer); err != nil || code != 3 {
		t.Fatalf("code %d, %v: %s%s", code, err, stdout, stderr)
	}
	want := map[string]int{
		`there is no schedule "offce-hours": did you mean "office-hours"?`:                                                                                                 2,
		`there is no schedule "Mno-Fri 08:00-19:00", and as an inline schedule it is wrong: unknown day "Mno-Fri": did you mean "Mon"?`:                                    1,
		`tag nightshift:override="for ever": it has not the form of an override; write it as "on until 2026-11-22T22:00:00Z", or use ` + "`nightshift power override set`": 1,
		"the tag nightshift:overide is none of nightshift's; did you mean nightshift:override?":                                                                            1,
		"no rule is for the tag Shedule=office-hours; did you mean Schedule=office-hours?":                                                                                 1,
	}
	live := answer.Data.Live
	for _, told := range live.Tags {
		if told.Code == "bad-override" && len(told.Machines) == 1 && told.Machines[0] == ids[5] {
			continue // its sentence ends in the time parser's own words
		}
		if n, ok := want[told.Reason]; !ok || n != len(told.Machines) {
			t.Errorf("%s (%v): not expected of so many", told.Reason, told.Machines)
		}
		delete(want, told.Reason)
	}
	if len(want) > 0 || len(live.Tags) != 6 {
		t.Errorf("not told: %v", want)
	}
	noted := map[string]string{}
	for _, told := range live.Notes {
		noted[told.Code] = strings.Join(told.Machines, " ")
	}
	if diff := cmp.Diff(map[string]string{"idle-override": ids[6], "idle-types": ids[0]}, noted); diff != "" || live.Followed != 2 {
		t.Errorf("%d followed, notes (-want +got)\n%s", live.Followed, diff)
	}
	if _, err := os.Stat(filepath.Join(folder, "journal", "check")); err != nil {
		t.Error(err)
	}
}
