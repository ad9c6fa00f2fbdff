package metricstest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
)

// Prometheus is a real one that has the recording of an evening and the rules of a
// file, and scrapes what the daemon of the evening answers now, once a second.
type Prometheus struct {
	url   string
	rules []Rule
}

// Rule is a rule as Prometheus has loaded it.
type Rule struct {
	Name, Query, Type string  // the type is "alerting" or "recording"
	Duration          float64 // for how many seconds an alert must hold
}

// Program is a program of Prometheus; the test is skipped where it is not installed.
func Program(t testing.TB, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		t.Skipf("%s is not installed: apt-get install prometheus", name)
	}
	return path
}

// Serve writes the evening to blocks, and starts a Prometheus with them and with a file
// of rules until the test ends.
func (e *Evening) Serve(t testing.TB, rules string) *Prometheus {
	t.Helper()
	promtool, server := Program(t, "promtool"), Program(t, "prometheus")
	rules, err := filepath.Abs(rules)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	recording, data, file := filepath.Join(dir, "evening.txt"), filepath.Join(dir, "data"), filepath.Join(dir, "prometheus.yaml")
	if err := os.WriteFile(recording, e.openMetrics(t), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.CommandContext(t.Context(), promtool, "tsdb", "create-blocks-from", "openmetrics", recording, data).CombinedOutput(); err != nil {
		t.Fatalf("promtool: %v\n%s", err, out)
	}
	live := httptest.NewServer(e.Handler)
	t.Cleanup(live.Close)
	text := fmt.Sprintf("rule_files: [%q]\nscrape_configs:\n  - job_name: live\n    scrape_interval: 1s\n    scrape_timeout: 1s\n    static_configs: [{ targets: [%q] }]\n",
		rules, strings.TrimPrefix(live.URL, "http://"))
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	address := freeAddress(t)
	command := exec.CommandContext(t.Context(), server, "--config.file="+file, "--storage.tsdb.path="+data,
		"--storage.tsdb.retention.time=100y", "--web.listen-address="+address, "--log.level=warn")
	var log bytes.Buffer
	command.Stderr = &log
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = command.Process.Kill()
		_ = command.Wait() // it was killed
	})
	p := &Prometheus{url: "http://" + address}
	if !p.wait(t, "/-/ready") {
		_ = command.Process.Kill()
		_ = command.Wait()
		t.Fatalf("Prometheus does not get ready:\n%s", log.String())
	}
	p.load(t)
	return p
}

// openMetrics is the evening as a text, each family in one place.
func (e *Evening) openMetrics(t testing.TB) []byte {
	t.Helper()
	var out bytes.Buffer
	for _, name := range slices.Sorted(maps.Keys(e.Families)) {
		f := e.Families[name]
		if f.GetType() == dto.MetricType_UNTYPED || f.GetType() == dto.MetricType_SUMMARY {
			continue // of Go's garbage collection
		}
		if _, err := expfmt.MetricFamilyToOpenMetrics(&out, f); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := expfmt.FinalizeOpenMetrics(&out); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// freeAddress is one on which nobody listens just now.
func freeAddress(t testing.TB) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // it is closed at once
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return listener.Addr().String()
}

// wait asks until the answer is good, for half a minute.
func (p *Prometheus) wait(t testing.TB, path string) bool {
	t.Helper()
	for range 300 {
		if _, err := p.get(t, path, nil); err == nil {
			return true
		}
		time.Sleep(100 * time.Millisecond)
	}
	return false
}

func (p *Prometheus) get(t testing.TB, path string, form url.Values) ([]byte, error) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, p.url+path+"?"+form.Encode(), nil)
	if err != nil {
		return nil, err
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	var body bytes.Buffer
	if _, err := body.ReadFrom(answer.Body); err != nil {
		return nil, err
	}
	if answer.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s: %s", answer.Status, body.String())
	}
	return body.Bytes(), nil
}

// load reads the rules that Prometheus has.
func (p *Prometheus) load(t testing.TB) {
	t.Helper()
	body, err := p.get(t, "/api/v1/rules", nil)
	if err != nil {
		t.Fatal(err)
	}
	var answer struct {
		Data struct{ Groups []struct{ Rules []Rule } }
	}
	if err := json.Unmarshal(body, &answer); err != nil {
		t.Fatal(err)
	}
	for _, g := range answer.Data.Groups {
		p.rules = append(p.rules, g.Rules...)
	}
}

// Rules are those of the file.
func (p *Prometheus) Rules() []Rule { return p.rules }

// Sample is a series with its value.
type Sample struct {
	Labels map[string]string
	Value  float64
}

// Query asks as of a time. Rules that record are not there in the past: their names
// stand for their expressions.
func (p *Prometheus) Query(t testing.TB, expression string, at time.Time) []Sample {
	t.Helper()
	for _, r := range slices.Backward(p.rules) { // one that uses another comes after it
		if r.Type == "recording" {
			expression = strings.ReplaceAll(expression, r.Name, "("+r.Query+")")
		}
	}
	body, err := p.get(t, "/api/v1/query", url.Values{"query": {expression}, "time": {strconv.FormatInt(at.Unix(), 10)}})
	if err != nil {
		t.Fatalf("%s: %v", expression, err)
	}
	var answer struct {
		Data struct {
			Result []struct {
				Metric map[string]string
				Value  [2]any
			}
		}
	}
	if err := json.Unmarshal(body, &answer); err != nil {
		t.Fatalf("%s: %v in %s", expression, err, body)
	}
	var samples []Sample
	for _, r := range answer.Data.Result {
		value, err := strconv.ParseFloat(fmt.Sprint(r.Value[1]), 64)
		if err != nil {
			t.Fatal(err)
		}
		samples = append(samples, Sample{r.Metric, value})
	}
	return samples
}

// Firing are the alerts that are raised at a time: those whose expression has held for
// as long as they say.
func (p *Prometheus) Firing(t testing.TB, at time.Time) []string {
	t.Helper()
	var names []string
	for _, r := range p.rules {
		if r.Type != "alerting" {
			continue
		}
		holds := true
		for back := time.Duration(0); holds && back <= time.Duration(r.Duration)*time.Second; back += time.Minute {
			holds = len(p.Query(t, r.Query, at.Add(-back))) > 0
		}
		if holds {
			names = append(names, r.Name)
		}
	}
	return names
}
