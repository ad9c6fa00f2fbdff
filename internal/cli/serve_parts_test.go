package cli

import (
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"nightshift/internal/app"
	"nightshift/internal/blob"
	"nightshift/internal/metrics"
	"nightshift/internal/notify"
	"nightshift/internal/watch"
)

// What waits for somebody who is no recipient any more is not counted: it is never sent.
func TestPendingOfARemovedRecipient(t *testing.T) {
	refusing := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusServiceUnavailable) }))
	defer refusing.Close()
	at := time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC)
	now := func() time.Time { return at }
	jobs := app.New(app.Options{Now: now})
	m := metrics.New(metrics.Options{State: func() *watch.State { return &watch.State{} }, Now: now})
	n := notify.New(notify.Options{Now: now, Getenv: os.Getenv, Log: slog.New(slog.DiscardHandler), Named: true})
	report := reporting(n, m)
	for _, tt := range []struct{ recipients, want string }{
		{"one: { webhook: 'URL' }, two: { webhook: 'URL' }", "0"}, // one run that fails is not reported yet
		{"one: { webhook: 'URL' }, two: { webhook: 'URL' }", "2"},
		{"two: { webhook: 'URL' }", "1"},
		{"", "0"},
	} {
		at = at.Add(10 * time.Minute)
		file := filepath.Join(t.TempDir(), "nightshift.yaml")
		var to []string
		for _, name := range []string{"one", "two"} {
			if strings.Contains(tt.recipients, name) {
				to = append(to, name)
			}
		}
		text := "regions: [ap-northeast-2]\n"
		if len(to) > 0 {
			text += "notify: { recipients: { " + strings.ReplaceAll(tt.recipients, "URL", refusing.URL) + " }, routes: [{ to: [" + strings.Join(to, ", ") + "] }] }\n"
		}
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		s, err := jobs.Open(t.Context(), app.Selection{Config: blob.Ref{Scheme: blob.File, Path: file}, NeedConfig: true, NoTargets: true})
		if err != nil {
			t.Fatal(err)
		}
		report(t.Context(), s, notify.Result{Job: "power", Err: errors.New("no")})
		scraped := httptest.NewRecorder()
		m.Handler().ServeHTTP(scraped, httptest.NewRequest(http.MethodGet, "/metrics", nil))
		_, line, _ := strings.Cut(scraped.Body.String(), "\nnightshift_notices_pending ")
		if got, _, _ := strings.Cut(line, "\n"); got != tt.want {
			t.Errorf("recipients %q: %s messages wait, want %s", tt.recipients, got, tt.want)
		}
	}
}
