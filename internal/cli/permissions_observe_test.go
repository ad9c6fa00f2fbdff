package cli_test

import (
	"context"
	"fmt"
	"html"
	"io"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"nightshift/internal/cli"
	"nightshift/internal/sandbox"
)

// heard is an output that one goroutine writes and another reads.
type heard struct {
	mu   sync.Mutex
	text strings.Builder
}

func (s *heard) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.Write(p)
}

func (s *heard) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.String()
}

// daemon is one that runs in this process.
type daemon struct {
	stderr heard
	cancel context.CancelFunc
	ended  chan error
}

// serve runs the daemon until something is so, and says what it ended with where it
// ended before by itself.
func (y *trial) serve(args []string, until func(*daemon) bool) (*daemon, error) {
	y.t.Helper()
	y.Sandbox().ResetCalls()
	ctx, cancel := context.WithCancel(y.t.Context())
	d := &daemon{cancel: cancel, ended: make(chan error, 1)}
	y.t.Cleanup(cancel)
	go func() {
		d.ended <- cli.RunUntil(ctx, append(args, "--listen", "127.0.0.1:0"), cli.System{
			Stdin: strings.NewReader(""), Stdout: io.Discard, Stderr: &d.stderr, Env: func(key string) string { return y.env[key] }, Now: y.Sandbox().Now,
		})
	}()
	for !until(d) {
		select {
		case err := <-d.ended:
			return d, err
		case <-time.After(20 * time.Millisecond):
		}
	}
	return d, nil
}

// observes runs the daemon that observes until it has read machines and costs once, and
// gives what it printed and what its page says. The code is 3 where AWS denied it
// something, and 4 where it ended by itself.
func (y *trial) observes(args []string) (code int, output string) {
	y.t.Helper()
	d, err := y.serve(args, func(d *daemon) bool {
		return strings.Contains(d.stderr.String(), "the costs cannot be calculated") || d.counts(y.t, "nightshift_cost_last_success_timestamp_seconds")
	})
	if err != nil {
		return 4, d.stderr.String() + err.Error()
	}
	page := strings.Join([]string{d.page(y.t, "/"), d.page(y.t, "/costs"), d.page(y.t, "/runs")}, "\n")
	d.cancel()
	y.must(<-d.ended)
	if len(y.denied()) > 0 {
		code = 3
	}
	return code, d.stderr.String() + page
}

// denied are the permissions that were asked for and not given.
func (y *trial) denied() []string {
	var denied []string
	for _, c := range y.Sandbox().Calls() {
		if c.Status == http.StatusForbidden || strings.HasPrefix(c.Code, "AccessDenied") {
			denied = append(denied, c.Permission)
		}
	}
	return denied
}

// counts says whether a metric without labels, or with all of them, is more than 0.
func (d *daemon) counts(t *testing.T, metric string) bool {
	t.Helper()
	return regexp.MustCompile(`(?m)^` + regexp.QuoteMeta(metric) + ` [1-9]`).MatchString(d.page(t, "/metrics"))
}

// page is the text of a page, each element on a line, and empty where nobody answers.
func (d *daemon) page(t *testing.T, path string) string {
	t.Helper()
	url := regexp.MustCompile(`http://[0-9.:]+`).FindString(d.stderr.String())
	if url == "" {
		return ""
	}
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return ""
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return html.UnescapeString(regexp.MustCompile(`\s*(<[^>]*>\s*)+`).ReplaceAllString(string(body), "\n"))
}

// A daemon does its jobs, with leases and notices, under what docs/daemon.md names for
// it. Without what observing needs it could not take its lease.
func TestServeUnderItsPolicy(t *testing.T) {
	for jobs, lacks := range map[string]bool{"power,report,notify,observe": false, "power,notify": true} {
		t.Run(jobs, func(t *testing.T) {
			y := newTrial(t)
			printed := y.policy("--for", jobs, "--config", trialNotices)
			y.must(y.Sandbox().SetPolicy(printed))
			d, err := y.serve([]string{"serve", "--config", trialNotices, "--bucket", sandbox.DefaultBucket}, func(d *daemon) bool {
				return d.counts(t, `nightshift_job_runs_total{job_name="power"}`)
			})
			y.must(err)
			if !lacks {
				y.Sandbox().Advance(15 * time.Minute) // by the daemon's clock days, a Monday among them
				y.until(d, `nightshift_job_runs_total{job_name="report"}`)
				y.until(d, `nightshift_notices_total{recipient="mail"}`)
			}
			d.cancel()
			y.must(<-d.ended)
			if denied := y.denied(); len(denied) > 0 != lacks {
				t.Errorf("denied: %v\n%s", denied, &d.stderr)
			}
			for _, kept := range []string{"runs/lease/power-" + sandbox.AccountID + ".json", "runs/notify/open/mail.json"} {
				if _, ok := y.Sandbox().Object(sandbox.DefaultBucket, kept); !ok && !lacks {
					t.Errorf("there is no %s: %v", kept, y.Sandbox().Objects(sandbox.DefaultBucket))
				}
			}
		})
	}
}

// The same with backup policies: the daemon makes the copies and reads which volumes have
// one, and so does one that only observes, which is permitted to change nothing. Without
// the statement for backups it is denied what it reads.
func TestServeWithBackupsUnderItsPolicy(t *testing.T) {
	args := []string{"serve", "--config", trialApproved}
	for name, tt := range map[string]struct {
		jobs, runs string
		args       []string
		without    string // a statement
	}{
		"all jobs":                {"power,backup,notify,observe", `nightshift_job_runs_total{job_name="backup"}`, args, ""},
		"observing":               {"observe", "", append(args, "--observe"), ""},
		"observing less than all": {"observe", "", append(args, "--observe"), "ReadBackups"},
	} {
		t.Run(name, func(t *testing.T) {
			y := newTrial(t)
			printed := mutated(t, y.policy("--for", tt.jobs, "--config", trialApproved), func(s map[string]any) bool { return s["Sid"] != tt.without })
			y.must(y.Sandbox().SetPolicy(printed))
			read := fmt.Sprintf(`nightshift_backup_last_read_timestamp_seconds{aws_account_id="%s",aws_region="%s"}`, sandbox.AccountID, sandbox.DefaultRegion)
			d, err := y.serve(tt.args, func(d *daemon) bool {
				return d.counts(t, read) && (tt.runs == "" || d.counts(t, tt.runs))
			})
			y.must(err)
			d.cancel()
			y.must(<-d.ended)
			if denied := y.denied(); tt.without == "" && len(denied) > 0 || tt.without != "" && !slices.Contains(denied, "ec2:DescribeImages") {
				t.Errorf("denied: %v\n%s", denied, &d.stderr)
			}
		})
	}
}

// until waits until a daemon has a metric.
func (y *trial) until(d *daemon, metric string) {
	y.t.Helper()
	for !d.counts(y.t, metric) {
		select {
		case err := <-d.ended:
			y.t.Fatal(err, &d.stderr)
		case <-time.After(20 * time.Millisecond):
		}
	}
}
