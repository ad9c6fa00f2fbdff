package cli_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"nightshift/internal/sandbox"
	"nightshift/internal/sandbox/sandboxtest"
)

// In the first second of a month nothing has run yet, and a clock that is
// behind the account's sees machines that start in the future. There is a whole
// report all the same, and every number in it is one.
func TestReportAtTheMonthsBeginning(t *testing.T) {
	midnight := time.Date(2026, time.October, 31, 15, 0, 0, 0, time.UTC) // in Seoul
	for name, ahead := range map[string]time.Duration{
		"first second": 0, "first minute": time.Minute, "a clock that is behind": -400 * 24 * time.Hour,
	} {
		t.Run(name, func(t *testing.T) {
			account := sandboxtest.Start(t, sandbox.Options{Start: midnight, Speed: -1})
			folder := t.TempDir()
			o := &organization{Server: account, t: t, folder: folder, env: reach(account)}
			o.configure("cost: { history: " + filepath.Join(folder, "history") + " }\n")
			now := func() time.Time { return midnight.Add(ahead) }
			for _, ending := range []string{"xlsx", "html", "json"} {
				file := filepath.Join(folder, "report."+ending)
				if code, _, stderr := o.runAt(now, "report", "--out", file); code != 0 && ahead >= 0 || code != 0 && code != 3 {
					t.Fatalf("%s: exit code %d\n%s", ending, code, stderr)
				}
				body, err := os.ReadFile(file)
				if err != nil {
					t.Fatal(err)
				}
				if text := string(body); ending != "xlsx" && (strings.Contains(text, "NaN") || strings.Contains(text, "Inf")) {
					t.Errorf("%s: a number that is none", ending)
				}
				if ending == "json" && !json.Valid(body) {
					t.Error("not JSON")
				}
			}
			for _, args := range [][]string{{"cost", "trend"}, {"cost", "explain", "qa-windows-01"}, {"cost", "findings"}, {"cost", "savings"}} {
				if code, stdout, stderr := o.runAt(now, args...); code != 0 && code != 3 || strings.Contains(stdout, "NaN") {
					t.Errorf("%v: exit code %d\n%s%s", args, code, stdout, stderr)
				}
			}
		})
	}
}
