package cli

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"nightshift/internal/sandbox"
	"nightshift/internal/sandbox/sandboxtest"
)

// written is an output that several goroutines write.
type written struct {
	mu sync.Mutex
	bytes.Buffer
}

func (w *written) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.Buffer.Write(p)
}

func (w *written) String() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.Buffer.String()
}

// served is a daemon on a sandbox in the evening.
type served struct {
	*sandbox.Sandbox
	url    string
	stderr *written
	stop   func() error
}

// serveArgs is a command line for a daemon on a sandbox, and its environment.
func serveArgs(t *testing.T) (*sandbox.Sandbox, []string, func(string) string) {
	t.Helper()
	server := sandboxtest.Start(t, sandbox.Options{Start: time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC), Speed: -1, Accounts: sandbox.Members(2)})
	for name, value := range map[string]string{
		"AWS_ENDPOINT_URL": server.URL(), "AWS_ACCESS_KEY_ID": sandbox.AccessKey, "AWS_SECRET_ACCESS_KEY": sandbox.SecretKey,
		"AWS_REGION": sandbox.DefaultRegion, "AWS_CONFIG_FILE": os.DevNull, "AWS_SHARED_CREDENTIALS_FILE": os.DevNull,
		"NIGHTSHIFT_TEST_TOKEN": "a-token-for-the-test",
	} {
		t.Setenv(name, value) // the SDK reads the process's environment
	}
	file := filepath.Join(t.TempDir(), "nightshift.yaml")
	text := "timezone: Asia/Seoul\nregions: [ap-northeast-2]\njournal: s3://" + sandbox.DefaultBucket + "/journal\n" +
		"schedules: { office-hours: Mon-Fri 08:00-19:00 }\npower: { rules: [{ tag: AutoStopStart=Yes, schedule: office-hours }] }\n"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return server.Sandbox(), []string{"serve", "--config", file, "--listen", "127.0.0.1:0"}, os.Getenv
}

func startServe(t *testing.T, more ...string) *served {
	t.Helper()
	account, args, env := serveArgs(t)
	return startServeOn(t, account, args, env, more...)
}

// startServeOn is startServe for a sandbox that is there.
func startServeOn(t *testing.T, account *sandbox.Sandbox, args []string, env func(string) string, more ...string) *served {
	t.Helper()
	s := &served{Sandbox: account, stderr: &written{}}
	a := &commandLine{System: System{Stdout: io.Discard, Stderr: s.stderr, Env: env, Now: time.Now}}
	root := a.root()
	root.SetArgs(append(args, more...))
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- root.ExecuteContext(ctx) }()
	s.stop = sync.OnceValue(func() error {
		cancel()
		return <-ended
	})
	t.Cleanup(func() { _ = s.stop() })
	s.until(t, "it listens", func() bool {
		s.url = regexp.MustCompile(`https?://[0-9.:]+`).FindString(s.stderr.String())
		return s.url != ""
	})
	return s
}

// until waits until something is so.
func (s *served) until(t *testing.T, what string, so func() bool) {
	t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for !so() {
		select {
		case <-t.Context().Done():
			t.Fatalf("waited for: %s\n%s", what, s.stderr)
		case <-tick.C:
		}
		if strings.Contains(s.stderr.String(), "panic") {
			t.Fatal(s.stderr)
		}
	}
}

func (s *served) get(t *testing.T, path, token string) (int, string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.url+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	if token != "" {
		request.Header.Set("Authorization", "Bearer "+token)
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer.StatusCode, string(body)
}

// metric is the value of a metric without labels or with all of them, empty where it is
// not there.
func (s *served) metric(t *testing.T, name string) string {
	t.Helper()
	_, text := s.get(t, "/metrics", "")
	m := regexp.MustCompile(`(?m)^` + regexp.QuoteMeta(name) + ` (\S+)$`).FindStringSubmatch(text)
	if m == nil {
		return ""
	}
	return m[1]
}

func TestServe(t *testing.T) {
	s := startServe(t)
	if code, body := s.get(t, "/healthz", ""); code != http.StatusOK || body != "ok\n" {
		t.Errorf("healthz: %d %q", code, body)
	}
	s.until(t, "it is ready", func() bool { code, _ := s.get(t, "/readyz", ""); return code == http.StatusOK })
	s.until(t, "it has run power", func() bool { return s.metric(t, `nightshift_job_runs_total{job_name="power"}`) == "1" })
	s.until(t, "it knows the costs", func() bool {
		value := s.metric(t, "nightshift_cost_last_success_timestamp_seconds")
		return value != "" && value != "0"
	})
	// No scrape and no page asks AWS anything. What the daemon does by itself ends soon.
	s.until(t, "scrapes and pages without a call", func() bool {
		before := len(s.Calls())
		for range 10 {
			for _, path := range []string{"/metrics", "/", "/machines", "/costs", "/runs", "/healthz", "/readyz"} {
				if code, _ := s.get(t, path, ""); code != http.StatusOK {
					t.Fatalf("%s: %d", path, code)
				}
			}
		}
		return len(s.Calls()) == before
	})
	if got := s.metric(t, `nightshift_transitions_total{action="stop"}`); got == "" || got == "0" {
		t.Errorf("%q machines were stopped", got)
	}
	if err := s.stop(); err != nil {
		t.Errorf("it ended with %v", err)
	}
	if log := s.stderr.String(); !strings.Contains(log, `"msg":"job ended"`) || strings.Contains(log, "null") {
		t.Errorf("the log is\n%s", log)
	}
}

func TestServeAsksForTokens(t *testing.T) {
	s := startServe(t, "--observe", "--scrape-token", "env:NIGHTSHIFT_TEST_TOKEN")
	for _, tt := range []struct {
		path, token string
		want        int
	}{
		{"/healthz", "", 200}, {"/metrics", "", 401}, {"/metrics", "another-token-than-that", 401}, {"/metrics", "a-token-for-the-test", 200},
	} {
		if code, _ := s.get(t, tt.path, tt.token); code != tt.want {
			t.Errorf("%s with the token %q: %d, want %d", tt.path, tt.token, code, tt.want)
		}
	}
}

// What cannot be served is refused in a sentence, with the code for a wrong use.
func TestServeRefuses(t *testing.T) {
	_, args, env := serveArgs(t)
	taken := startServe(t, "--observe")
	address := strings.TrimPrefix(taken.url, "http://")
	for _, tt := range []struct {
		more []string
		says string
	}{
		{[]string{"--listen", address}, address + " is in use"},
		{[]string{"--listen", "0.0.0.0:0"}, "--scrape-token"},
		{[]string{"--listen", "19847"}, "127.0.0.1:19847"},
		{[]string{"--sweep", "10s"}, "1m or longer"},
		{[]string{"--tls-cert", "cert.pem"}, "belong together"},
		{[]string{"--tls-cert", "/nowhere/cert.pem", "--tls-key", "/nowhere/key.pem"}, "--tls-cert /nowhere/cert.pem"},
		{[]string{"--trusted-proxy", "proxy"}, `--trusted-proxy "proxy"`},
		{[]string{"--scrape-token", "secret"}, "by reference"},
		{[]string{"--bucket", "My_Bucket"}, "not the name of a bucket"},
		{[]string{"--config", filepath.Join(t.TempDir(), "none.yaml")}, "there is no file"},
	} {
		var stderr bytes.Buffer
		code := Main(append(args, tt.more...), System{Stdin: strings.NewReader(""), Stdout: io.Discard, Stderr: &stderr, Env: env, Now: time.Now})
		if code != exitUsage || !strings.Contains(stderr.String(), tt.says) {
			t.Errorf("%v: code %d\n%s", tt.more, code, &stderr)
		}
	}
}
