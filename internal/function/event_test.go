package function

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestRequest(t *testing.T) {
	now := time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)
	tests := []struct {
		name, event, action string
		want                Request
		refusal             string
	}{
		{"nothing", `{}`, "", Request{Action: "stop"}, ""},
		{"the deployment's action", `{}`, "report", Request{Action: "report"}, ""},
		{"a wrong action of the deployment", `{}`, "Stop", Request{Action: "Stop"}, "invalid action"},
		{"all of it", `{"action":"start","region":"us-east-1","tag":"a=b","dry_run":true}`, "", Request{"start", "us-east-1", "a=b", true}, ""},
		{"keys count exactly", `{"action":"stop","ACTION":"start","Tag":"a=b"}`, "", Request{Action: "stop"}, ""},
		{"null action", `{"action":null}`, "", Request{Action: "stop"}, ""},
		{"empty action", `{"action":""}`, "", Request{}, "invalid action"},
		{"another case", `{"action":"STOP"}`, "", Request{Action: "STOP"}, "invalid action"},
		{"a list", `{"action":["stop"]}`, "", Request{Action: "stop"}, "invalid action"},
		{"envelope's region", `{"detail-type":"Scheduled Event","region":"us-east-1"}`, "", Request{Action: "stop"}, ""},
		{"just in time", `{"scheduled_at":"2026-11-22T09:50:00Z"}`, "", Request{Action: "stop"}, ""},
		{"a second too late", `{"scheduled_at":"2026-11-22T09:49:59Z"}`, "", Request{Action: "stop"}, "refused: "},
		{"too late in another zone", `{"scheduled_at":"2026-11-22T18:49:59+09:00"}`, "", Request{Action: "stop"}, "refused: "},
		{"early", `{"scheduled_at":"2026-11-22T11:00:00Z"}`, "", Request{Action: "stop"}, ""},
		{"a late report", `{"action":"report","scheduled_at":"2026-11-01T00:00:00Z"}`, "", Request{Action: "report"}, ""},
		{"a late tick", `{"action":"power","dry_run":true,"scheduled_at":"2026-11-01T00:00:00Z"}`, "", Request{Action: "power", DryRun: true}, ""},
		{"a tick with a time that is none", `{"action":"power","time":5}`, "", Request{Action: "power"}, ""},
		{"a tick by default", `{"region":"us-east-1"}`, "power", Request{Action: "power", Region: "us-east-1"}, ""},
		{"a tick by tag", `{"action":"power","tag":"a=b"}`, "", Request{Action: "power", Tag: "a=b"}, "invalid tag"},
		{"a tick by no tag", `{"action":"power","tag":null}`, "", Request{Action: "power"}, ""},
		{"the schedule's own time counts", `{"scheduled_at":"2026-11-22T09:59:00Z","time":"2026-11-01T00:00:00Z"}`, "", Request{Action: "stop"}, ""},
		{"numbers", `{"region":5}`, "", Request{Action: "stop"}, "invalid region"},
		{"numbers", `{"tag":5}`, "", Request{Action: "stop"}, "invalid tag"},
		{"numbers", `{"dry_run":"yes"}`, "", Request{Action: "stop"}, "invalid dry_run"},
		{"numbers", `{"time":5}`, "", Request{Action: "stop"}, "invalid time"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var event Event
			if err := json.Unmarshal([]byte(tt.event), &event); err != nil {
				t.Fatal(err)
			}
			got, refusal := event.request(tt.action, now)
			if !strings.HasPrefix(refusal, tt.refusal) || tt.refusal == "" && refusal != "" {
				t.Errorf("refusal %q, want %q", refusal, tt.refusal)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" && tt.refusal != "invalid action" {
				t.Error(diff)
			}
		})
	}
}
