package cli

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"nightshift/internal/app"
	"nightshift/internal/config"
	"nightshift/internal/cost"
	"nightshift/internal/cost/history"
	"nightshift/internal/cost/reconcile"
	"nightshift/internal/cost/sheet"
	"nightshift/internal/cost/trend"
	"nightshift/internal/price"
	"nightshift/internal/sandbox"
	"nightshift/internal/sandbox/sandboxtest"
)

const (
	costing      = "docs/cost.md"
	manyAccounts = "docs/accounts.md"
	deployment   = "docs/deploy.md"
)

// TestCostGuides runs what the guides to costs and to several accounts show, as
// TestScheduling does. One more scene is known:
//
//	<!-- accounts 2 at 2026-11-20T18:55:00+09:00 -->   an organization with so many members
func TestCostGuides(t *testing.T) {
	for _, name := range []string{costing, manyAccounts} {
		t.Run(filepath.Base(name), func(t *testing.T) { play(t, name) })
	}
}

// practise sets up the environment of a practice account, and a folder to work
// in.
func practise(t *testing.T) {
	t.Helper()
	t.Chdir(t.TempDir())
	for key, value := range map[string]string{
		"AWS_REGION": sandbox.DefaultRegion, "AWS_ACCESS_KEY_ID": sandbox.AccessKey, "AWS_SECRET_ACCESS_KEY": sandbox.SecretKey,
		"AWS_CONFIG_FILE": os.DevNull, "AWS_SHARED_CREDENTIALS_FILE": os.DevNull,
	} {
		t.Setenv(key, value) // the SDK reads the process's environment
	}
}

// located is where a document is, wherever the test goes then.
func located(t *testing.T, name string) string {
	t.Helper()
	file, err := filepath.Abs(filepath.Join("..", "..", filepath.FromSlash(name)))
	if err != nil {
		t.Fatal(err)
	}
	return file
}

// play runs the examples of a document, from the top to the bottom.
func play(t *testing.T, name string) {
	t.Helper()
	text := document(t, name)
	file := located(t, name)
	practise(t)
	var g guide
	ran := 0
	scene := regexp.MustCompile("(?ms)^<!-- (account|backups|clock|accounts (\\d+)|nights (\\d+)) at (\\S+) -->$|^```(\\w*)\n(.*?)^```$")
	written := scene.ReplaceAllStringFunc(text, func(whole string) string {
		m := scene.FindStringSubmatch(whole)
		switch what, members, nights, when, language, block := m[1], m[2], m[3], m[4], m[5], m[6]; {
		case members != "":
			g.organize(t, members, when)
		case nights != "":
			g.copyNightly(t, nights, when)
		case what != "":
			g.enter(t, what, when)
		case language == "yaml":
			g.configure(t, block)
		case language == "json":
			if !json.Valid([]byte(block)) {
				t.Errorf("not JSON:\n%s", block)
			}
		case language == "sh":
			for _, args := range invocations(block) {
				understood(t, args)
			}
		case language == "console":
			ran++
			printed := g.run(t, block)
			if diff := gocmp.Diff(printed, block); diff != "" && !*update {
				t.Errorf("an example of %s (-printed +document)\n%s", name, diff)
			}
			return "```console\n" + printed + "```"
		}
		return whole
	})
	if g.mistakes != nil {
		t.Error(g.mistakes)
	}
	if ran == 0 {
		t.Errorf("%s shows no command", name)
	}
	if *update {
		if err := os.WriteFile(file, []byte(written), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// organize opens a practice account with member accounts at a time.
func (g *guide) organize(t *testing.T, members, when string) {
	t.Helper()
	at, err := time.Parse(time.RFC3339, when)
	if err != nil {
		t.Fatal(err)
	}
	n, _ := strconv.Atoi(members)
	server := sandboxtest.Start(t, sandbox.Options{Speed: -1, Start: at, Accounts: sandbox.Members(n)})
	t.Setenv("AWS_ENDPOINT_URL", server.URL())
	g.account = server.Sandbox()
}

// section is a part of a document, from a heading to the next of its level or
// above.
func section(t *testing.T, text, heading string) string {
	t.Helper()
	_, rest, ok := strings.Cut(text, "\n"+heading+"\n")
	if !ok {
		t.Fatalf("there is no heading %q", heading)
	}
	level := strings.IndexByte(heading, ' ')
	if next := regexp.MustCompile(`(?m)^#{1,` + strconv.Itoa(level) + `} `).FindStringIndex(rest); next != nil {
		rest = rest[:next[0]]
	}
	return rest
}

// TestCostColumns finds each sheet, in its order, with each of its columns in
// theirs. Dates in headers stand for any.
func TestCostColumns(t *testing.T) {
	text := document(t, costing)
	whole := sheet.Workbook{
		Report: cost.Report{Month: cost.MonthOf(time.Now())},
		Trend:  &trend.Trend{Weeks: make([]trend.Period, 1)}, Changes: &trend.Changes{}, Savings: &cost.Savings{}, Reconciliation: &reconcile.Reconciliation{},
		Backups: &sheet.Backups{},
	}
	day := regexp.MustCompile(`\d{4}-\d\d-\d\d`)
	sheets := []string{"Summary"}
	for _, table := range whole.Tables() {
		sheets = append(sheets, table.Name)
		var want []string
		for _, c := range table.Columns {
			want = append(want, day.ReplaceAllString(c.Header, "DATE"))
		}
		got := firstCells(section(t, text, "### `"+table.Name+"`"), "`([^`]+)`")
		if diff := gocmp.Diff(want, got); diff != "" {
			t.Errorf("the sheet %s (-code +document)\n%s", table.Name, diff)
		}
	}
	var got []string
	for _, m := range regexp.MustCompile("(?m)^### `(\\w+)`$").FindAllStringSubmatch(section(t, text, "## The sheets"), -1) {
		got = append(got, m[1])
	}
	if diff := gocmp.Diff(sheets, got); diff != "" {
		t.Errorf("sheets (-code +document)\n%s", diff)
	}
}

// TestCostWords finds every word of the report that stands for something, and
// no others.
func TestCostWords(t *testing.T) {
	text := document(t, costing)
	folder := filepath.Join("..", "cost")
	for heading, in := range map[string]struct{ folder, pattern string }{
		"### Other costs":             {folder, `LineKind = "([a-z0-9-]+)"`},
		"## Hours":                    {folder, `HoursSource = "([a-z-]+)"`},
		"## Findings":                 {filepath.Join(folder, "recommend"), `(?m)^\t\w+ += "([a-z0-9]+(?:-[a-z0-9]+)+)"$`},
		"## The bill beside the list": {filepath.Join(folder, "reconcile"), `Label = "([a-z-]+)"`},
	} {
		want := inSource(t, in.folder, in.pattern)
		if heading == "### Other costs" {
			want = append(want, "detailed-monitoring")
		}
		slices.Sort(want)
		sameSet(t, heading, slices.Compact(want), firstCells(section(t, text, heading), "`([a-z0-9-]+)`"))
	}
	var statuses, names []string
	for _, s := range []price.Status{price.Exact, price.Fallback, price.Ambiguous, price.Missing} {
		statuses = append(statuses, string(s))
	}
	sameSet(t, "statuses", statuses, firstCells(section(t, text, "### Statuses"), "`([a-z]+)`"))
	for _, f := range app.Formats() {
		names = append(names, f.Name)
	}
	sameSet(t, "formats", names, firstCells(section(t, text, "## Formats"), "`([a-z]+)`"))
}

// TestCostNotes finds each note that the document explains in the program.
func TestCostNotes(t *testing.T) {
	var source strings.Builder
	for _, folder := range []string{"price", "cost"} {
		for _, text := range inSource(t, filepath.Join("..", folder), `"((?:[^"\\\n]|\\.)*)"`) {
			source.WriteString(strings.ReplaceAll(text, `\"`, `"`) + "\n")
		}
	}
	notes := firstCells(section(t, document(t, costing), "### Notes"), "`([^`]+)`")
	if len(notes) < 20 {
		t.Errorf("%d notes", len(notes))
	}
	for _, note := range notes {
		if constant, _, _ := strings.Cut(note, "…"); !strings.Contains(source.String(), constant) {
			t.Errorf("no note begins %q", constant)
		}
	}
}

// TestCostGuideKeys finds every key of the sections of the configuration that have
// pages of their own.
func TestCostGuideKeys(t *testing.T) {
	for name, keys := range map[string][]string{costing: config.CostKeys(), manyAccounts: config.AccountKeys(), deployment: config.DeployKeys(), "docs/notices.md": config.NotifyKeys()} {
		text := document(t, name)
		for _, key := range keys {
			if !regexp.MustCompile("`[^`\n]*\\b" + key + "\\b[^`\n]*`").MatchString(text) {
				t.Errorf("%s does not explain the key %s", name, key)
			}
		}
	}
}

// TestCostQuotes asks for the table of quotations.
func TestCostQuotes(t *testing.T) {
	_, listed, _ := strings.Cut(section(t, document(t, costing), "### What something would cost"), "| `nightshift cost quote` with")
	practise(t)
	t.Setenv("AWS_ENDPOINT_URL", sandboxtest.Start(t, sandbox.Options{}).URL())
	rows := regexp.MustCompile("(?m)^\\| `([^`]+)` \\| ([^|]+) \\| ([^|]+) \\|$").FindAllStringSubmatch(listed, -1)
	if len(rows) < 18 {
		t.Errorf("%d quotations", len(rows))
	}
	for _, row := range rows {
		var stdout, stderr bytes.Buffer
		code := Main(append([]string{"cost", "quote", "--json"}, strings.Fields(row[1])...), System{
			Stdout: &stdout, Stderr: &stderr, Env: func(string) string { return "" }, Now: time.Now,
		})
		var answer struct {
			Data []struct {
				Monthly json.Number `json:"monthly_usd"`
				Parts   []struct {
					Monthly json.Number `json:"monthly_usd"`
				} `json:"parts"`
			} `json:"data"`
		}
		if err := json.Unmarshal(stdout.Bytes(), &answer); err != nil || code != 0 || len(answer.Data) != 1 {
			t.Errorf("%s: %d %v %s", row[1], code, err, stderr.Bytes())
			continue
		}
		got := []json.Number{answer.Data[0].Monthly}
		for _, part := range answer.Data[0].Parts {
			got = append(got, part.Monthly)
		}
		want := append([]string{row[3]}, strings.Split(row[2], " + ")...)
		for n := range want {
			if len(got) != len(want) || dollarsOf(t, string(got[n])) != dollarsOf(t, want[n]) {
				t.Errorf("%s: %s, want %s", row[1], got, want)
				break
			}
		}
	}
}

func dollarsOf(t *testing.T, text string) price.USD {
	t.Helper()
	amount, err := price.ParseUSD(text)
	if err != nil {
		t.Errorf("%q: %v", text, err)
	}
	return amount
}

// exampleRows makes a report in the configuration and at the moment of the worked
// examples and gives the rows of a table as JSON has them.
func exampleRows(t *testing.T, table string, flags ...string) []map[string]any {
	t.Helper()
	text := document(t, costing)
	practise(t)
	var g guide
	g.enter(t, "account", "2026-11-20T18:55:00+09:00")
	g.configure(t, regexp.MustCompile("(?s)```yaml\n(.*?)```").FindStringSubmatch(text)[1])
	if _, err := g.account.ExportBill(sandbox.DefaultBucket, "exports", g.account.Now()); err != nil {
		t.Fatal(err)
	}
	if printed := g.run(t, "$ nightshift report --out costs.json "+strings.Join(flags, " ")+"\n"); g.code != 0 {
		t.Fatal(printed)
	}
	file, err := os.Open("costs.json")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	var report struct {
		Data struct{ Tables map[string][]map[string]any }
	}
	decoder := json.NewDecoder(file)
	decoder.UseNumber()
	if err := decoder.Decode(&report); err != nil {
		t.Fatal(err)
	}
	return report.Data.Tables[table]
}

// sameRow compares a table of columns and values with the row of a name. With
// -update it writes the values anew.
func sameRow(t *testing.T, file, shown string, rows []map[string]any, name string) {
	t.Helper()
	mine := slices.IndexFunc(rows, func(row map[string]any) bool { return row["name"] == name })
	example := regexp.MustCompile("(?m)^\\| `([^`]+)` \\| ([^|]+) \\|$").FindAllStringSubmatch(shown, -1)
	if mine < 0 || len(example) < 7 {
		t.Fatalf("row %d of %d, %d values", mine, len(rows), len(example))
	}
	letters := regexp.MustCompile(`[^a-z0-9]`) // a header and its key have the same
	values := map[string]any{}
	for key, value := range rows[mine] {
		values[letters.ReplaceAllString(key, "")] = value
	}
	now := shown
	for _, value := range example {
		got := fmt.Sprint(values[letters.ReplaceAllString(strings.ToLower(value[1]), "")])
		if got != value[2] && !*update {
			t.Errorf("%s is %s in the document; the report has %s", value[1], value[2], got)
		}
		now = strings.Replace(now, value[0], "| `"+value[1]+"` | "+got+" |", 1)
	}
	if *update {
		rewriteIn(t, file, shown, now)
	}
}

// TestCostRow compares the row of the worked example.
func TestCostRow(t *testing.T) {
	shown := section(t, document(t, costing), "## One instance by hand")
	file := located(t, costing)
	sameRow(t, file, shown, exampleRows(t, "ec2_detail_costs"), "개발-WAS-1")
}

// TestCostBill compares the example of a bill beside the list.
func TestCostBill(t *testing.T) {
	_, shown, _ := strings.Cut(section(t, document(t, costing), "## The bill beside the list"), "\nAn example: ")
	file := located(t, costing)
	sameRow(t, file, shown, exampleRows(t, "reconciliation", "--bill", "s3://"+sandbox.DefaultBucket+"/exports"), "운영-웹-2")
}

// TestCostSchema compares the definition for Athena, and the schema.
func TestCostSchema(t *testing.T) {
	first, err := trend.ParseDate("2026-11-01")
	if err != nil {
		t.Fatal(err)
	}
	shown := fences(section(t, document(t, costing), "### Other readers"))
	for _, want := range []string{
		"```sql\n" + history.Athena("costs", "s3://example-nightshift/reports/", first) + "```",
		"```text\n" + history.Schema() + "```",
	} {
		if !slices.Contains(shown, want) {
			t.Errorf("%s does not show\n%s", costing, want)
		}
	}
}

// TestCostPermissions compares the actions that the document lists with those of
// the policy of the report for its configuration.
func TestCostPermissions(t *testing.T) {
	text := document(t, costing)
	practise(t)
	block := regexp.MustCompile("(?s)```yaml\n(.*?)```").FindStringSubmatch(section(t, text, "## Configuration"))[1]
	block += "backup: { policies: [{ id: nightly, tag: Backup, schedule: { at: '02:00' }, keep: { daily: 7 } }] }\n"
	if err := os.WriteFile(defaultConfig, []byte(block), 0o600); err != nil {
		t.Fatal(err)
	}
	var stdout, stderr bytes.Buffer
	code := Main([]string{"policy", "--for", "report", "--bucket", "my-reports"}, System{
		Stdout: &stdout, Stderr: &stderr, Env: func(string) string { return "" }, Now: time.Now,
	})
	if code != 0 {
		t.Fatalf("policy: %d %s", code, stderr.Bytes())
	}
	actions := regexp.MustCompile(`[a-z0-9]+:[A-Z][A-Za-z]+`)
	shown := actions.FindAllString(section(t, text, "## Permissions"), -1)
	printed := regexp.MustCompile(`"([a-z0-9]+:[A-Z][A-Za-z]+)"`).FindAllString(stdout.String(), -1)
	for n, quoted := range printed {
		printed[n] = strings.Trim(quoted, `"`)
	}
	slices.Sort(shown)
	slices.Sort(printed)
	sameSet(t, "actions", slices.Compact(printed), slices.Compact(shown))
}
