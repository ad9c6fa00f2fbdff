package metrics_test

import (
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"

	"nightshift/internal/metrics/metricstest"
)

const prometheusDir = "../../deploy/prometheus"

// TestRules checks the rules and the example with Prometheus's own program, and runs
// their tests.
func TestRules(t *testing.T) {
	if testing.Short() {
		t.Skip("the tests of the rules take a minute")
	}
	promtool := metricstest.Program(t, "promtool")
	for _, args := range [][]string{
		{"check", "rules", "nightshift-rules.yaml"},
		{"check", "config", "prometheus.yaml"},
		{"test", "rules", "nightshift-rules-test.yaml", "nightshift-rules-days-test.yaml", "nightshift-rules-backups-test.yaml"},
	} {
		command := exec.CommandContext(t.Context(), promtool, args...)
		command.Dir = prometheusDir
		if out, err := command.CombinedOutput(); err != nil {
			t.Errorf("promtool %s: %v\n%s", strings.Join(args, " "), err, out)
		}
	}
}

// TestRulesAreTested: each alert has tests in which it fires and clears, in which it is
// silent beside that, and one without its series.
func TestRulesAreTested(t *testing.T) {
	text := func(file string) string {
		data, err := os.ReadFile(prometheusDir + "/" + file)
		if err != nil {
			t.Fatal(err)
		}
		return string(data)
	}
	tests := text("nightshift-rules-test.yaml") + text("nightshift-rules-days-test.yaml") + text("nightshift-rules-backups-test.yaml")
	for _, alert := range regexp.MustCompile(`(?m)- alert: (\w+)$`).FindAllStringSubmatch(text("nightshift-rules.yaml"), -1) {
		for _, what := range []string{": fires.*clears", ": silent", ": missing"} {
			if !regexp.MustCompile(`name: '` + alert[1] + what).MatchString(tests) {
				t.Errorf("no test with the name %s%s", alert[1], what)
			}
		}
	}
}
