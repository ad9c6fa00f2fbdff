package function

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"nightshift/internal/fleet"
)

func noon() time.Time { return time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC) }

func TestReadEvent(t *testing.T) {
	tests := []struct {
		name, event, action string
		want                Request
		status              string
	}{
		{"nothing", `{}`, "", Request{Action: "stop"}, ""},
		{"not even an object", " \n", "", Request{Action: "stop"}, ""},
		{"the deployment's action", `{}`, "report", Request{Action: "report"}, ""},
		{"all of it", `{"action":"start","region":"us-east-1","tag":"a=b","dry_run":true}`, "", Request{"start", "us-east-1", "a=b", true}, ""},
		{"in earnest", `{"action":"start","dry_run":false}`, "", Request{Action: "start"}, ""},
		{"null action", `{"action":null}`, "", Request{}, "invalid action"},
		{"empty action", `{"action":""}`, "", Request{}, "invalid action"},
		{"another case", `{"action":"STOP"}`, "", Request{}, "invalid action"},
		{"a list", `{"action":["stop"]}`, "", Request{}, "invalid action"},
		{"just in time", `{"scheduled_at":"2026-11-22T09:50:00Z"}`, "", Request{Action: "stop"}, ""},
		{"a second too late", `{"scheduled_at":"2026-11-22T09:49:59Z"}`, "", Request{Action: "stop"}, "refused: this stop was scheduled for "},
		{"too late in another zone", `{"action":"start","scheduled_at":"2026-11-22T18:49:59+09:00"}`, "", Request{Action: "start"}, "refused: this start "},
		{"early", `{"scheduled_at":"2026-11-22T11:00:00Z"}`, "", Request{Action: "stop"}, ""},
		{"a late report", `{"action":"report","scheduled_at":"2026-11-01T00:00:00Z"}`, "", Request{Action: "report"}, ""},
		{"a late tick", `{"action":"power","dry_run":true,"scheduled_at":"2026-11-01T00:00:00Z"}`, "", Request{Action: "power", DryRun: true}, ""},
		{"late backups", `{"action":"backup","dry_run":true,"scheduled_at":"2026-11-01T00:00:00Z"}`, "", Request{Action: "backup", DryRun: true}, ""},
		{"a tick by default", `{"region":"us-east-1"}`, "power", Request{Action: "power", Region: "us-east-1"}, ""},

		{"a rule's schedule", `{"version":"0","id":"53dc4d37","detail-type":"Scheduled Event","source":"aws.events","account":"123456789012","time":"2026-11-22T09:59:00Z","region":"us-east-1","resources":["arn:aws:events:us-east-1:123456789012:rule/r"],"detail":{}}`, "", Request{Action: "stop"}, ""},
		{"a schedule's own", `{"detail-type":"Scheduled Event","source":"aws.scheduler","time":"2026-11-22T09:59:00Z","region":"us-east-1","detail":"{}"}`, "start", Request{Action: "start"}, ""},
		{"no detail at all", `{"source":"aws.scheduler"}`, "", Request{Action: "stop"}, ""},
		{"a schedule's own, late", `{"source":"aws.events","time":"2026-11-22T09:00:00Z","detail":{}}`, "", Request{Action: "stop"}, "refused: "},
		{"with an action beside it", `{"source":"aws.events","detail":{},"action":"start","tag":"a=b"}`, "", Request{Action: "start", Tag: "a=b"}, ""},
		{"with a detail", `{"source":"aws.events","detail":{"dry_run":true,"region":"eu-west-1"},"region":"us-east-1"}`, "", Request{Action: "stop", Region: "eu-west-1", DryRun: true}, ""},
		{"of an application", `{"detail-type":"power","source":"my.app","time":"2026-11-22T09:59:00Z","detail":{"action":"start"}}`, "", Request{Action: "start"}, ""},
		{"of an application, late", `{"source":"my.app","time":"2026-11-22T09:00:00Z","detail":{"action":"start"}}`, "", Request{Action: "start"}, "refused: "},
		{"the event's own time counts", `{"source":"aws.events","time":"2026-11-01T00:00:00Z","detail":{"scheduled_at":"2026-11-22T09:59:00Z"}}`, "", Request{Action: "stop"}, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, status, err := readEvent([]byte(tt.event), tt.action, noon())
			if err != nil {
				t.Fatal(err)
			}
			if !strings.HasPrefix(status, tt.status) || tt.status == "" && status != "" {
				t.Errorf("status %q, want %q", status, tt.status)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// What is not understood is refused: nobody knows whether it would have
// prevented the stop.
func TestReadEventRefuses(t *testing.T) {
	tests := []struct{ name, event, want string }{
		{"test event of the console", `{"key1":"value1","key2":"value2","key3":"value3"}`, `unknown key "key1"; known are action, dry_run, region, scheduled_at, tag`},
		{"camel case", `{"action":"stop","dryRun":true}`, `unknown key "dryRun"; did you mean "dry_run"?`},
		{"capitals", `{"Action":"start"}`, `unknown key "Action"; did you mean "action"?`},
		{"all capitals", `{"action":"stop","Dry_Run":true}`, `unknown key "Dry_Run"; did you mean "dry_run"?`},
		{"letters swapped", `{"actoin":"start"}`, `unknown key "actoin"; did you mean "action"?`},
		{"a plural", `{"action":"stop","tags":"Env=dev"}`, `unknown key "tags"; did you mean "tag"?`},
		{"another plural", `{"action":"stop","regions":"eu-west-1"}`, `unknown key "regions"; did you mean "region"?`},
		{"an envelope's key alone", `{"action":"stop","time":"2026-11-22T09:59:00Z"}`, `unknown key "time"; known are `},
		{"a long key", `{"` + strings.Repeat("k", 300_000) + `":1}`, `unknown key "kkkkkkkk`},
		{"null", `null`, `it is not an object`},
		{"a list", `[]`, `it is not an object`},
		{"a text", `"stop"`, `it is not an object`},
		{"a number", `7`, `it is not an object`},
		{"not JSON", `{"action":`, `it is not JSON: `},
		{"two objects", `{} {}`, `it is not JSON: `},

		{"region that is none", `{"region":5}`, `region: not a text`},
		{"region that is null", `{"region":null}`, `region: not a text`},
		{"region that is empty", `{"region":""}`, `region: not a text`},
		{"tag that is none", `{"tag":["a=b"]}`, `tag: not a text`},
		{"tag that is null", `{"tag":null}`, `tag: not a text`},
		{"tag without a key", `{"tag":"="}`, `tag: tag "=": the key is missing`},
		{"tag of 300 kB", `{"tag":"` + strings.Repeat("t", 300_000) + `"}`, `tag: not a text`},
		{"tag and schedules", `{"action":"power","tag":"a=b"}`, `tag: the action power follows the rules of the configuration`},
		{"tag and policies", `{"action":"backup","tag":"a=b"}`, `tag: the action backup follows the policies of the configuration`},
		{"an approval", `{"action":"backup","hash":"x"}`, `unknown key "hash"; known are `},
		{"tag and report", `{"action":"report","tag":"a=b"}`, `tag: the report is of everything`},
		{"dry run as a text", `{"dry_run":"yes"}`, `dry_run: neither true nor false`},
		{"dry run as null", `{"dry_run":null}`, `dry_run: neither true nor false`},
		{"a placeholder for the time", `{"scheduled_at":"<aws.scheduler.scheduled-time>"}`, `scheduled_at: not a time such as`},
		{"a number for the time", `{"action":"power","scheduled_at":5}`, `scheduled_at: not a time`},
		{"no time at all", `{"scheduled_at":null}`, `scheduled_at: not a time`},

		{"another service", `{"version":"0","id":"7bf73129","detail-type":"EC2 Instance State-change Notification","source":"aws.ec2","account":"123456789012","time":"2026-11-22T09:59:00Z","region":"us-east-1","resources":[],"detail":{"instance-id":"i-1","state":"stopped"}}`, `it comes from "aws.ec2"`},
		{"another service with our key", `{"source":"aws.codepipeline","detail":{"action":"stop"}}`, `it comes from "aws.codepipeline"`},
		{"another service, action beside it", `{"source":"aws.s3","detail":{},"action":"stop"}`, `it comes from "aws.s3"`},
		{"no source", `{"detail-type":"Scheduled Event","region":"us-east-1"}`, `it comes from ""`},
		{"an application without detail", `{"source":"my.app","detail":{}}`, `it comes from "my.app"`},
		{"an application without action", `{"source":"my.app","detail":{"region":"us-east-1"}}`, `it comes from "my.app", and its detail has no action`},
		{"an application's own keys", `{"source":"my.app","detail":{"action":"stop","order":5}}`, `unknown key "order" in detail`},
		{"a kind of event that is no schedule", `{"source":"aws.events","detail-type":"Scheduled Maintenance","detail":{}}`, `it comes from "aws.events"`},
		{"detail that is none", `{"source":"aws.events","detail":[1]}`, `detail is not an object`},
		{"detail as a text", `{"source":"aws.events","detail":"stop"}`, `detail is not an object`},
		{"a misspelt key in detail", `{"source":"aws.events","detail":{"dryrun":true}}`, `unknown key "dryrun" in detail; did you mean "dry_run"?`},
		{"a misspelt key beside it", `{"source":"aws.events","detail":{},"actoin":"start"}`, `unknown key "actoin"; did you mean "action"?`},
		{"our keys in both places", `{"source":"aws.events","detail":{"action":"stop"},"dry_run":true}`, `unknown key "dry_run"; known are account,`},
		{"an envelope's time", `{"source":"aws.events","time":5,"detail":{}}`, `time: not a time`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, status, err := readEvent([]byte(tt.event), "", noon())
			if !errors.Is(err, errEvent) || status != "" {
				t.Fatalf("status %q, error %v: want an invalid event", status, err)
			}
			if got := err.Error(); !strings.HasPrefix(got, "invalid event: "+tt.want) || len(got) > 400 {
				t.Errorf("got  %.500s\nwant invalid event: %s", got, tt.want)
			}
		})
	}
}

// A default that is not an action is an error of the deployment, and no event
// without an action can be followed.
func TestReadEventDefaultIsWrong(t *testing.T) {
	_, _, err := readEvent([]byte(`{}`), "Stop", noon())
	if want := `NIGHTSHIFT_ACTION is "Stop", not one of stop, start, report, power, check, backup`; !errors.Is(err, fleet.ErrInvalid) || fmt.Sprint(err) != want {
		t.Errorf("got %v, want %s", err, want)
	}
	if r, _, err := readEvent([]byte(`{"action":"start"}`), "Stop", noon()); err != nil || r.Action != "start" {
		t.Errorf("got %v %v, want the event's own action", r, err)
	}
}
