package metrics_test

import (
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"nightshift/internal/metrics"
)

// TestDocs holds docs/metrics.md to the families: each has one row with its type, its
// labels, its help text and what it means, in the order of the code.
func TestDocs(t *testing.T) {
	text, err := os.ReadFile("../../docs/metrics.md")
	if err != nil {
		t.Fatal(err)
	}
	rows := regexp.MustCompile("(?m)^\\| `(nightshift_[a-z_]+)` \\| ([a-z]+) \\| (.*?) \\| (.*?) \\| (.*?) \\|$").FindAllStringSubmatch(string(text), -1)
	var got, want []string
	for _, row := range rows {
		got = append(got, strings.Join(row[1:5], " | "))
		if strings.TrimSpace(row[5]) == "" {
			t.Errorf("%s: docs/metrics.md does not say what it means", row[1])
		}
	}
	for _, f := range metrics.Families() {
		kind, labels := "gauge", "none"
		if f.Counter {
			kind = "counter"
		}
		if len(f.Labels) > 0 {
			labels = "`" + strings.Join(f.Labels, "` `") + "`"
		}
		want = append(want, strings.Join([]string{f.Name, kind, labels, f.Help}, " | "))
	}
	for n := range max(len(got), len(want)) {
		if n >= len(got) || n >= len(want) || got[n] != want[n] {
			t.Fatalf("docs/metrics.md, row %d:\n got %s\nwant %s", n+1, at(got, n), at(want, n))
		}
	}
}

// TestCloudWatchDocs does the same for the metrics of CloudWatch.
func TestCloudWatchDocs(t *testing.T) {
	text, err := os.ReadFile("../../docs/metrics.md")
	if err != nil {
		t.Fatal(err)
	}
	_, table, _ := strings.Cut(string(text), "| metric | unit | statistic | dimensions | from | meaning |\n| --- | --- | --- | --- | --- | --- |\n")
	table, _, _ = strings.Cut(table, "\n\n")
	want := ""
	for _, m := range metrics.CloudWatchMetrics() {
		want += fmt.Sprintf("| `%s` | %s | %s | `%s` | `%s` | %s |\n", m.Name, m.Unit, m.Statistic, strings.Join(m.Dimensions, "` `"), m.Level, m.Help)
	}
	if diff := cmp.Diff(strings.TrimSuffix(want, "\n"), table); diff != "" {
		t.Errorf("docs/metrics.md (-want +got)\n%s", diff)
	}
}

func at(list []string, n int) string {
	if n < len(list) {
		return list[n]
	}
	return "nothing"
}

// TestAlertsAreDocumented holds the alerts to docs/troubleshooting.md, and the metrics
// that they and the documentation name to the families.
func TestAlertsAreDocumented(t *testing.T) {
	rules, err := os.ReadFile("../../deploy/prometheus/nightshift-rules.yaml")
	if err != nil {
		t.Fatal(err)
	}
	guide, err := os.ReadFile("../../docs/troubleshooting.md")
	if err != nil {
		t.Fatal(err)
	}
	alerts := regexp.MustCompile(`(?m)^ +- alert: (\w+)$`).FindAllStringSubmatch(string(rules), -1)
	if len(alerts) < 10 {
		t.Fatalf("%d alerts", len(alerts))
	}
	var documented []string
	for _, heading := range regexp.MustCompile(`(?m)^### (Nightshift\w+)$`).FindAllStringSubmatch(string(guide), -1) {
		documented = append(documented, heading[1])
	}
	for n, alert := range alerts {
		if at(documented, n) != alert[1] {
			t.Errorf("docs/troubleshooting.md: the section %d is about %s, want %s", n+1, at(documented, n), alert[1])
		}
		link := "/docs/troubleshooting.md#" + strings.ToLower(alert[1]) + "\n"
		if strings.Count(string(rules), link) != 1 {
			t.Errorf("%s: no runbook_url that ends in %s", alert[1], link)
		}
	}
	for _, part := range strings.Split(string(rules), "- alert: ")[1:] {
		name, _, _ := strings.Cut(part, "\n")
		for _, field := range []string{"severity: ", "summary: ", "description: ", "runbook_url: ", "expr: "} {
			if !strings.Contains(part, field) {
				t.Errorf("%s has no %s", name, field)
			}
		}
		if summary := regexp.MustCompile(`summary: .*`).FindString(part); strings.Contains(summary, "{{") {
			t.Errorf("%s: the summary is not the same for all: %s", name, summary)
		}
	}
	for _, found := range regexp.MustCompile(`(^|[^:\w])(nightshift_\w+)`).FindAllStringSubmatch(string(rules)+string(guide), -1) { // after a colon they are recorded
		name := found[2]
		if known := slices.ContainsFunc(metrics.Families(), func(f metrics.Family) bool { return f.Name == name }); !known {
			t.Errorf("%s is not a metric", name)
		}
	}
}

// TestAges: an alert about an age says nothing where its series is missing, so that
// another alert is about that, in each process. Only who has a journal has its age.
func TestAges(t *testing.T) {
	rules, err := os.ReadFile("../../deploy/prometheus/nightshift-rules.yaml")
	if err != nil {
		t.Fatal(err)
	}
	ages := regexp.MustCompile(`time\(\) - (?:max by \(job, instance\) \(\s*)?(nightshift_\w+)`).FindAllStringSubmatch(string(rules), -1)
	if len(ages) < 5 {
		t.Fatalf("%d ages", len(ages))
	}
	for _, age := range ages {
		if !strings.Contains(string(rules), " unless on (job, instance) "+age[1]+", \"metric\"") && !strings.Contains(string(rules), "present_over_time("+age[1]) {
			t.Errorf("no alert is about %s being absent", age[1])
		}
	}
	if !strings.Contains(string(rules), "absent(nightshift_build_info)") {
		t.Error("no alert is about all being absent")
	}
}
