package cli_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"nightshift/internal/sandbox"
)

// TestFunctionNotifies: the deployed function tells people what it did, with the
// address from a secret and what was told in the bucket.
func TestFunctionNotifies(t *testing.T) {
	t.Parallel()
	faults, err := sandbox.ParseFaults("ec2:StopInstances=refuse,type=t3.*,code=InternalError")
	if err != nil {
		t.Fatal(err)
	}
	api, server := function(t, sandbox.Options{Speed: 300, Faults: faults}, "NIGHTSHIFT_CONFIG=ssm:/nightshift")
	var mu sync.Mutex
	var told []string
	chat := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		mu.Lock()
		defer mu.Unlock()
		told = append(told, string(body))
	}))
	defer chat.Close()
	account := server.Sandbox()
	if _, err := account.SetSecret(sandbox.DefaultRegion, "chat", chat.URL); err != nil {
		t.Fatal(err)
	}
	if err := account.SetParameter(sandbox.DefaultRegion, sandbox.Parameter{Name: "/nightshift", Value: `
timezone: Asia/Seoul
journal: s3://` + sandbox.DefaultBucket + `/journal
schedules: { off: { never: true } }
power: { rules: [ { tag: AutoStopStart=Yes, schedule: off, enforce: true } ] }
notify: { recipients: { ops: { slack: "secretsmanager:chat" } } }
`}); err != nil {
		t.Fatal(err)
	}
	for n, step := range []struct{ event, want string }{
		{`{"action":"power","dry_run":true}`, ""},
		{`{"action":"power"}`, ""},
		{`{"action":"power"}`, `"power: 10 problems"`},
		{`{"action":"power"}`, ""},
		{`{"action":"power"}`, `"power: 10 resolved, stopped 9 machines"`},
	} {
		if n == 4 {
			if err := account.SetFaults(nil); err != nil {
				t.Fatal(err)
			}
		}
		api.invoke(t, step.event, time.Minute)
		mu.Lock()
		if got := strings.Join(told, "\n"); (got == "") != (step.want == "") || !strings.Contains(got, step.want) || len(told) > 1 {
			t.Errorf("%s: told %q, want %q", step.event, got, step.want)
		}
		told = nil
		mu.Unlock()
		account.Advance(5 * time.Minute)
	}
}
