package cli

import (
	"bytes"
	"cmp"
	"flag"
	"fmt"
	"maps"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/spf13/cobra"

	"nightshift/internal/amazon"
	"nightshift/internal/cost"
	"nightshift/internal/cost/reconcile"
	"nightshift/internal/cost/sheet"
	"nightshift/internal/cost/trend"
	"nightshift/internal/fleet"
	"nightshift/internal/price"
	"nightshift/internal/stack"
)

// The documents are held against the code, so that they cannot rot.

var update = flag.Bool("update", false, "write docs/reference.md and the printed outputs in the documents anew")

const (
	english   = "README.md"
	korean    = "README.ko.md"
	reference = "docs/reference.md"
)

// document reads a file by its path from the root of the module.
func document(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", filepath.FromSlash(name)))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// bothReadmes runs a test on each language.
func bothReadmes(t *testing.T, test func(t *testing.T, text string)) {
	for _, name := range []string{english, korean} {
		t.Run(name, func(t *testing.T) { test(t, document(t, name)) })
	}
}

// testRoot is the command line in an empty environment.
func testRoot() *cobra.Command {
	a := &commandLine{System: System{
		Stdout: &bytes.Buffer{}, Stderr: &bytes.Buffer{}, Env: func(string) string { return "" }, Now: time.Now,
	}}
	return a.root()
}

// commandsBelow are the commands below one, and those below them, except what
// cobra adds itself.
func commandsBelow(c *cobra.Command) []*cobra.Command {
	var all []*cobra.Command
	for _, sub := range c.Commands() {
		if sub.Name() != "completion" && sub.Name() != "help" {
			all = append(append(all, sub), commandsBelow(sub)...)
		}
	}
	return all
}

// fences are the fenced code blocks of a document.
func fences(text string) []string {
	return regexp.MustCompile("(?ms)^```.*?^```$").FindAllString(text, -1)
}

// firstCells are the first cells of all table rows that match the pattern,
// which has one group.
func firstCells(text, pattern string) []string {
	var cells []string
	for _, m := range regexp.MustCompile(`(?m)^\| `+pattern+` \|`).FindAllStringSubmatch(text, -1) {
		cells = append(cells, m[1])
	}
	return cells
}

// sameSet compares without regard to order.
func sameSet(t *testing.T, what string, code, documented []string) {
	t.Helper()
	if diff := gocmp.Diff(slices.Sorted(slices.Values(code)), slices.Sorted(slices.Values(documented))); diff != "" {
		t.Errorf("%s (-in the code +in the document)\n%s", what, diff)
	}
}

// inSource finds what a pattern with one group matches in the program's files
// of a folder.
func inSource(t *testing.T, folder, pattern string) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(folder, "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]bool{}
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		source, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range regexp.MustCompile(pattern).FindAllStringSubmatch(string(source), -1) {
			found[m[1]] = true
		}
	}
	if len(found) == 0 {
		t.Fatalf("nothing in %s matches %s", folder, pattern)
	}
	return slices.Collect(maps.Keys(found))
}

// TestReadmesAreAlike compares sections and code blocks; how they are worded is
// up to each language.
func TestReadmesAreAlike(t *testing.T) {
	en, ko := document(t, english), document(t, korean)
	levels := func(text string) (out []string) {
		for _, block := range fences(text) {
			text = strings.Replace(text, block, "", 1)
		}
		return regexp.MustCompile(`(?m)^#+ `).FindAllString(text, -1)
	}
	if diff := gocmp.Diff(levels(en), levels(ko)); diff != "" {
		t.Errorf("sections (-%s +%s)\n%s", english, korean, diff)
	}
	if diff := gocmp.Diff(fences(en), fences(ko)); diff != "" {
		t.Errorf("code blocks (-%s +%s)\n%s", english, korean, diff)
	}
}

func TestReadmeExitCodes(t *testing.T) {
	var codes []string
	for _, row := range exitCodes() {
		codes = append(codes, row[0])
	}
	bothReadmes(t, func(t *testing.T, text string) {
		if diff := gocmp.Diff(codes, firstCells(text, `(\d+)`)); diff != "" {
			t.Errorf("exit codes (-code +document)\n%s", diff)
		}
	})
}

func TestReadmeEnvironment(t *testing.T) {
	pattern := `\b(?:Env|Getenv)\("(\w+)"\)`
	read := slices.Concat(inSource(t, ".", pattern), inSource(t, filepath.Join("..", "function"), pattern))
	slices.Sort(read)
	read = slices.Compact(read)
	bothReadmes(t, func(t *testing.T, text string) {
		sameSet(t, "environment variables", read, firstCells(text, "`([A-Z_]+)`"))
	})
}

func TestReadmePermissions(t *testing.T) {
	actions := slices.DeleteFunc(amazon.Actions(), func(a string) bool { return strings.HasPrefix(a, "sts:") })
	actions = append(actions, "kms:CreateGrant", "kms:Decrypt", "kms:GenerateDataKey")
	bothReadmes(t, func(t *testing.T, text string) {
		sameSet(t, "actions", actions, firstCells(text, "`([a-z0-9]+:[A-Za-z]+)`"))
	})
}

func TestReadmeParameters(t *testing.T) {
	var parameters string
	for _, schedules := range []*stack.Schedules{nil, {Rules: []stack.Bound{{Tag: fleet.Tag{Key: "Schedule"}}}}} {
		template, err := stack.Template(amazon.Actions(), schedules, stack.Costs{})
		if err != nil {
			t.Fatal(err)
		}
		_, some, _ := strings.Cut(string(template), "\nParameters:\n")
		some, _, _ = strings.Cut(some, "\nConditions:\n")
		parameters += some
	}
	var names []string
	for _, m := range regexp.MustCompile(`(?m)^  (\w+):$`).FindAllStringSubmatch(parameters, -1) {
		names = append(names, m[1])
	}
	slices.Sort(names)
	names = slices.Compact(names)
	bothReadmes(t, func(t *testing.T, text string) {
		_, install, _ := strings.Cut(text, "`--parameter-overrides`")
		install, _, _ = strings.Cut(install, "\n## ")
		sameSet(t, "parameters", names, firstCells(install, "`([A-Z]\\w+)`"))
		for _, schedule := range regexp.MustCompile(`(?m)Default: (cron\(.*\))$`).FindAllStringSubmatch(parameters, -1) {
			if !strings.Contains(install, "`"+schedule[1]+"`") {
				t.Errorf("%s is not in the table", schedule[1])
			}
		}
	})
}

// noneBut finds nothing in the document that is not in the code. The document
// is free to leave out what others list in full.
func noneBut(t *testing.T, what string, code, documented []string) {
	t.Helper()
	if len(documented) == 0 {
		t.Errorf("%s: the document names none", what)
	}
	for _, name := range documented {
		if !slices.Contains(code, name) {
			t.Errorf("%s: the document has %q, and the code does not", what, name)
		}
	}
}

// TestReadmeColumns finds every sheet and column that the README names;
// docs/cost.md has all of them.
func TestReadmeColumns(t *testing.T) {
	var sheets, columns []string
	whole := sheet.Workbook{
		Report: cost.Report{Month: cost.MonthOf(time.Now())},
		Trend:  &trend.Trend{Weeks: make([]trend.Period, 1)}, Changes: &trend.Changes{}, Savings: &cost.Savings{}, Reconciliation: &reconcile.Reconciliation{},
		Backups: &sheet.Backups{},
	}
	day := regexp.MustCompile(`\d{4}-\d\d-\d\d`)
	for _, table := range whole.Tables() {
		sheets = append(sheets, table.Name)
		for _, c := range table.Columns {
			columns = append(columns, day.ReplaceAllString(c.Header, "DATE"))
		}
	}
	row := regexp.MustCompile("(?m)^\\| (?:`(\\w+)` )?\\| (`[^|]+`) \\| [^|]+ \\|$")
	bothReadmes(t, func(t *testing.T, text string) {
		_, text, _ = strings.Cut(text, "docs/workbook.png")
		text, _, _ = strings.Cut(text, "`exact`")
		var named, shown []string
		for _, m := range row.FindAllStringSubmatch(text, -1) {
			if m[1] != "" {
				named = append(named, m[1])
			}
			shown = append(shown, strings.Split(strings.Trim(m[2], "`"), "` `")...)
		}
		noneBut(t, "sheets", sheets, named)
		noneBut(t, "columns", columns, shown)
	})
}

func TestReadmeStatuses(t *testing.T) {
	var words []string
	for _, s := range []price.Status{price.Exact, price.Fallback, price.Ambiguous, price.Missing} {
		words = append(words, string(s))
	}
	words = append(words, inSource(t, filepath.Join("..", "cost"), `HoursSource = "([a-z-]+)"`)...)
	bothReadmes(t, func(t *testing.T, text string) {
		_, text, _ = strings.Cut(text, "docs/workbook.png")
		text, _, _ = strings.Cut(text, "\n## ")
		noneBut(t, "statuses and sources", words, firstCells(text, "`([a-z-]+)`"))
	})
}

// invocations are the uses of nightshift in a text, without what follows a
// redirection, a pipe or a comment. A use may itself follow a pipe.
func invocations(text string) [][]string {
	var found [][]string
	for _, m := range regexp.MustCompile(`(?m)(?:^|&& |[^|]\| )(?:\$ | +)?(?:go run \./cmd/)?nightshift( [^\n>|#&]*)?`).FindAllStringSubmatch(text, -1) {
		var args []string
		for _, word := range regexp.MustCompile(`"[^"]*"|\S+`).FindAllString(m[1], -1) {
			args = append(args, strings.Trim(word, `"`))
		}
		found = append(found, args)
	}
	return found
}

// understood checks that a command and its flags exist and can be read.
func understood(t *testing.T, args []string) *cobra.Command {
	t.Helper()
	cmd, rest, err := testRoot().Find(args)
	if err == nil {
		err = cmd.ParseFlags(rest)
	}
	if err == nil && cmd.Args != nil {
		err = cmd.ValidateArgs(cmd.Flags().Args())
	}
	if err != nil {
		t.Errorf("nightshift %s: %v", strings.Join(args, " "), err)
	}
	return cmd
}

// TestReadmeCommands reads every command that the code blocks show. All of
// nightshift's own commands are among them.
func TestReadmeCommands(t *testing.T) {
	text := document(t, english)
	for _, line := range []string{"go run ./cmd/nightshift demo", "go test ./..."} {
		if !strings.Contains(text, "\n"+line+"\n") {
			t.Errorf("the line %q is missing", line)
		}
	}
	shown := map[string]bool{}
	for _, block := range fences(text) {
		if strings.HasPrefix(block, "```sh") || strings.HasPrefix(block, "```console") {
			for _, args := range invocations(strings.TrimPrefix(block, "```")) {
				shown[understood(t, args).CommandPath()] = true
			}
		}
	}
	for _, c := range commandsBelow(testRoot()) {
		if !shown[c.CommandPath()] && !c.HasSubCommands() && c.Name() != "version" {
			t.Errorf("no code block shows %s", c.CommandPath())
		}
	}
}

// TestArchitectureTable compares the table of packages with the one that the
// layout test holds.
func TestArchitectureTable(t *testing.T) {
	want := map[string]string{}
	for _, m := range regexp.MustCompile(`(?m)^\t\t"([\w/]+)": +\{(.*)\},$`).FindAllStringSubmatch(document(t, "layout_test.go"), -1) {
		want[m[1]] = cmp.Or(strings.NewReplacer(`"`, "", ",", "").Replace(m[2]), "none")
	}
	got := map[string]string{}
	for _, m := range regexp.MustCompile("(?m)^\\| `([\\w/]+)` \\| [^|]+ \\| ([^|]+) \\|$").FindAllStringSubmatch(document(t, "ARCHITECTURE.md"), -1) {
		got[m[1]] = strings.ReplaceAll(m[2], "`", "")
	}
	if diff := gocmp.Diff(want, got); diff != "" {
		t.Errorf("packages (-layout_test.go +ARCHITECTURE.md)\n%s", diff)
	}
}

// TestLinks follows every link of the documents to a file of the project, and
// to a heading in it.
func TestLinks(t *testing.T) {
	link := regexp.MustCompile(`\]\(([^)#:\s]*)(?:#([^)\s]+))?\)`)
	for _, name := range []string{english, korean, "ARCHITECTURE.md", "CONTRIBUTING.md", scheduling, "docs/compatibility.md", "docs/cost.md", "docs/accounts.md", "docs/notices.md"} {
		for _, m := range link.FindAllStringSubmatch(document(t, name), -1) {
			file := name
			if m[1] != "" {
				file = path.Join(path.Dir(name), m[1])
			}
			if _, err := os.Stat(filepath.Join("..", "..", filepath.FromSlash(file))); err != nil {
				t.Errorf("%s: %v", name, err)
			} else if m[2] != "" && !slices.Contains(anchors(document(t, file)), m[2]) {
				t.Errorf("%s: %s has no heading #%s", name, file, m[2])
			}
		}
	}
}

// anchors are what links call the headings of a document.
func anchors(text string) []string {
	var names []string
	for _, m := range regexp.MustCompile(`(?m)^#+ (.+)$`).FindAllStringSubmatch(text, -1) {
		plain := regexp.MustCompile(`[^\p{L}\p{N} _-]`).ReplaceAllString(strings.ToLower(m[1]), "")
		names = append(names, strings.ReplaceAll(plain, " ", "-"))
	}
	return names
}

// TestHelpStyle holds all commands to one form: a short description that
// begins with a capital and has no full stop, and examples that work. A command
// that only has others below it shows theirs.
func TestHelpStyle(t *testing.T) {
	for _, c := range commandsBelow(testRoot()) {
		first, _ := utf8.DecodeRuneInString(c.Short)
		if !unicode.IsUpper(first) || strings.HasSuffix(c.Short, ".") {
			t.Errorf("%s: short description %q: begin with a capital, end without a full stop", c.CommandPath(), c.Short)
		}
		examples := invocations(c.Example)
		if len(examples) == 0 || len(examples) != len(strings.Split(c.Example, "\n")) {
			t.Errorf("%s: each line of the examples is a use of nightshift: %q", c.CommandPath(), c.Example)
		}
		for _, args := range examples {
			got := understood(t, args)
			if c.HasSubCommands() {
				got = got.Parent()
			}
			if got.CommandPath() != c.CommandPath() {
				t.Errorf("an example of %s is one of %s", c.CommandPath(), got.CommandPath())
			}
		}
	}
}

// TestReference compares the command reference with the commands. With -update
// it writes it.
func TestReference(t *testing.T) {
	want := referenceText()
	file := filepath.Join("..", "..", filepath.FromSlash(reference))
	if *update {
		if err := os.WriteFile(file, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if diff := gocmp.Diff(want, document(t, reference)); diff != "" {
		t.Errorf("%s is not up to date; run: go test ./internal/cli -run TestReference -update (-commands +file)\n%s", reference, diff)
	}
}

// referenceText is the command reference in Markdown.
func referenceText() string {
	root := testRoot()
	root.InitDefaultCompletionCmd()
	var b strings.Builder
	fmt.Fprintf(&b, "# Command reference\n\n%s\n\n", root.Long)
	b.WriteString("This page is written by `go test ./internal/cli -run TestReference -update`.\n\n")
	b.WriteString("## Flags of all commands\n\n")
	fmt.Fprintf(&b, "```text\n%s```\n", root.PersistentFlags().FlagUsages())
	for _, c := range root.Commands() {
		if c.Name() == "completion" { // cobra's own
			var shells []string
			for _, shell := range c.Commands() {
				shells = append(shells, "`"+shell.CommandPath()+"`")
			}
			fmt.Fprintf(&b, "\n## %s\n\n%s: %s. The help of each says how to use it.\n", c.CommandPath(), c.Short, strings.Join(shells, ", "))
			continue
		}
		for _, c := range append([]*cobra.Command{c}, commandsBelow(c)...) {
			fmt.Fprintf(&b, "\n## %s\n\n%s\n\n```sh\n%s\n```\n", c.CommandPath(), cmp.Or(c.Long, c.Short+"."), unindent(c.Example))
			if flags := c.LocalNonPersistentFlags(); flags.HasFlags() {
				fmt.Fprintf(&b, "\n```text\n%s```\n", flags.FlagUsages())
			}
		}
	}
	b.WriteString("\n## Exit codes\n\n| code | meaning |\n| --- | --- |\n")
	for _, row := range exitCodes() {
		fmt.Fprintf(&b, "| %s | %s |\n", row[0], row[1])
	}
	return b.String()
}

// unindent takes the two spaces of an example's lines away.
func unindent(example string) string {
	return strings.TrimPrefix(strings.ReplaceAll(example, "\n  ", "\n"), "  ")
}

// exitCodes is the table of the documents: every code and its meaning.
func exitCodes() [][2]string {
	return [][2]string{
		{fmt.Sprint(exitDone), "done"},
		{fmt.Sprint(exitFailed), "failed"},
		{fmt.Sprint(exitPartly), "partly failed: some machines or copies failed or were left, a region could not be read, or a price is missing"},
		{fmt.Sprint(exitDenied), "no credentials, or not permitted"},
		{fmt.Sprint(exitUsage), "wrong usage or configuration"},
		{fmt.Sprint(exitChanges), "`power plan` or `backup plan` with `--exit-code` found something to do, or `backup status --exit-code` a volume that is not protected"},
		{fmt.Sprint(exitInterrupted), "interrupted"},
	}
}
