package function

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"nightshift/internal/amazon"
	"nightshift/internal/app"
	"nightshift/internal/notify"
	"nightshift/internal/sandbox"
	"nightshift/internal/sandbox/sandboxtest"
)

// TestNothingCanBeOpened: people are told, too, of a run that could not begin.
func TestNothingCanBeOpened(t *testing.T) {
	server := sandboxtest.Start(t, sandbox.Options{Faults: []sandbox.Fault{{Action: "sts:*", Kind: sandbox.Expired}, {Action: "ec2:*", Kind: sandbox.Expired}}})
	var mu sync.Mutex
	var told []string
	chat := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		mu.Lock()
		defer mu.Unlock()
		told = append(told, string(body))
	}))
	defer chat.Close()
	folder := t.TempDir()
	file := filepath.Join(folder, "nightshift.yaml")
	text := fmt.Sprintf(`
timezone: Asia/Seoul
journal: %s
schedules: { off: { never: true } }
power: { rules: [ { tag: AutoStopStart=Yes, schedule: off } ] }
notify: { recipients: { ops: { webhook: %q } } }
`, filepath.Join(folder, "journal"), chat.URL)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	now := time.Date(2026, 11, 27, 9, 0, 0, 0, time.UTC)
	log, clock := slog.New(slog.DiscardHandler), func() time.Time { return now }
	env := map[string]string{"NIGHTSHIFT_CONFIG": file, "NIGHTSHIFT_BUCKET": sandbox.DefaultBucket, "NIGHTSHIFT_REGIONS": "all"}
	h := Handler{
		App: app.New(app.Options{Now: clock, Endpoint: &amazon.Endpoint{URL: server.URL(), AccessKey: sandbox.AccessKey, SecretKey: sandbox.SecretKey}}),
		Env: func(name string) string { return env[name] }, Log: log, Metrics: io.Discard,
		Notices: notify.New(notify.Options{Now: clock, Getenv: func(string) string { return "" }, Log: log, Named: true}),
	}
	for _, tt := range []struct{ event, want string }{
		{`{"action":"power","dry_run":true}`, ""},
		{`{"action":"power"}`, ""},
		{`{"action":"power"}`, "power: 1 problem"},
		{`{"action":"stop"}`, "stop: 1 problem"},
		{`{"action":"report"}`, "report: 1 problem"},
		{`{"action":"check"}`, ""},
	} {
		now = now.Add(5 * time.Minute)
		if _, err := h.Handle(context.Background(), []byte(tt.event)); err == nil {
			t.Errorf("%s: no error", tt.event)
		}
		mu.Lock()
		if got := strings.Join(told, "\n"); (got == "") != (tt.want == "") || !strings.Contains(got, tt.want) {
			t.Errorf("%s: told %q, want %q", tt.event, got, tt.want)
		}
		told = nil
		mu.Unlock()
	}
}
