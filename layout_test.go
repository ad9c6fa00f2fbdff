// Package nightshift_test holds the dependency rules: which package may import
// which.
package nightshift_test

import (
	"bytes"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const (
	module   = "nightshift/"
	maxLines = 500
)

// arrows are all packages and what each may import of ours, below internal.
// Test files may import more.
func arrows() map[string][]string {
	return map[string][]string{
		"internal/fleet":                  {},
		"internal/text":                   {},
		"internal/blob":                   {"fleet", "text"},
		"internal/price":                  {"fleet"},
		"internal/schedule":               {"fleet", "text"},
		"internal/schedule/foreign":       {"fleet", "schedule", "text"},
		"internal/retention":              {"fleet", "text"},
		"internal/power":                  {"fleet", "schedule", "price"},
		"internal/backup":                 {"fleet", "text", "blob", "price", "schedule", "retention"},
		"internal/config":                 {"fleet", "schedule", "schedule/foreign", "power", "retention", "backup", "text"},
		"internal/journal":                {"fleet", "blob"},
		"internal/cost":                   {"fleet", "price"},
		"internal/cost/recommend":         {"fleet", "price", "cost"},
		"internal/cost/trend":             {"fleet", "price", "cost"},
		"internal/cost/reconcile":         {"fleet", "price", "cost"},
		"internal/cost/sheet":             {"fleet", "text", "price", "backup", "cost", "cost/recommend", "cost/trend", "cost/reconcile"},
		"internal/cost/xlsx":              {"price", "cost/sheet"},
		"internal/cost/page":              {"text", "price", "cost/sheet"},
		"internal/cost/plain":             {"text", "price", "cost/sheet"},
		"internal/cost/history":           {"fleet", "price", "blob", "cost", "cost/trend"},
		"internal/cost/bill":              {"fleet", "price", "blob"},
		"internal/pricelist":              {"fleet", "price", "blob"},
		"internal/amazon":                 {"fleet", "price", "blob", "deploy"},
		"internal/sandbox/autoscaling":    {"sandbox/random", "sandbox/glob", "sandbox/wire", "sandbox/catalog", "sandbox/policy", "sandbox/state", "sandbox/service"},
		"internal/sandbox/backup":         {"sandbox/random", "sandbox/glob", "sandbox/wire", "sandbox/catalog", "sandbox/policy", "sandbox/state", "sandbox/service"},
		"internal/sandbox/billing":        {"sandbox/random", "sandbox/glob", "sandbox/wire", "sandbox/catalog", "sandbox/policy", "sandbox/state", "sandbox/service"},
		"internal/sandbox/catalog":        {"sandbox/random", "sandbox/glob"},
		"internal/sandbox/cloudformation": {"sandbox/random", "sandbox/lambda", "sandbox/s3", "sandbox/sns", "sandbox/glob", "sandbox/wire", "sandbox/catalog", "sandbox/policy", "sandbox/state", "sandbox/service"},
		"internal/sandbox/cloudwatch":     {"sandbox/random", "sandbox/glob", "sandbox/wire", "sandbox/catalog", "sandbox/policy", "sandbox/state", "sandbox/service"},
		"internal/sandbox/ebs":            {"sandbox/random", "sandbox/glob", "sandbox/wire", "sandbox/catalog", "sandbox/policy", "sandbox/state", "sandbox/service"},
		"internal/sandbox/ec2":            {"sandbox/random", "sandbox/glob", "sandbox/wire", "sandbox/catalog", "sandbox/policy", "sandbox/state", "sandbox/service"},
		"internal/sandbox/fixture":        {"sandbox/random", "sandbox/glob", "sandbox/catalog", "sandbox/policy", "sandbox/state", "sandbox/backup", "sandbox/rds", "sandbox/autoscaling"},
		"internal/sandbox/glob":           {},
		"internal/sandbox/iam":            {"sandbox/random", "sandbox/glob", "sandbox/wire", "sandbox/catalog", "sandbox/policy", "sandbox/state", "sandbox/service"},
		"internal/sandbox/kms":            {"sandbox/random", "sandbox/glob", "sandbox/wire", "sandbox/catalog", "sandbox/policy", "sandbox/state", "sandbox/service"},
		"internal/sandbox/policy":         {"sandbox/glob"},
		"internal/sandbox/lambda":         {"sandbox/random", "sandbox/s3", "sandbox/glob", "sandbox/wire", "sandbox/catalog", "sandbox/policy", "sandbox/state", "sandbox/service"},
		"internal/sandbox/pricing":        {"sandbox/random", "sandbox/glob", "sandbox/wire", "sandbox/catalog", "sandbox/policy", "sandbox/state", "sandbox/service"},
		"internal/sandbox/quotas":         {"sandbox/random", "sandbox/glob", "sandbox/wire", "sandbox/catalog", "sandbox/policy", "sandbox/state", "sandbox/service"},
		"internal/sandbox/random":         {},
		"internal/sandbox/rbin":           {"sandbox/random", "sandbox/glob", "sandbox/wire", "sandbox/catalog", "sandbox/policy", "sandbox/state", "sandbox/service"},
		"internal/sandbox/rds":            {"sandbox/random", "sandbox/glob", "sandbox/wire", "sandbox/catalog", "sandbox/policy", "sandbox/state", "sandbox/service"},
		"internal/sandbox/s3":             {"sandbox/random", "sandbox/glob", "sandbox/wire", "sandbox/catalog", "sandbox/policy", "sandbox/state", "sandbox/service"},
		"internal/sandbox/service":        {"sandbox/random", "sandbox/glob", "sandbox/wire", "sandbox/policy", "sandbox/state"},
		"internal/sandbox/secrets":        {"sandbox/random", "sandbox/glob", "sandbox/wire", "sandbox/catalog", "sandbox/policy", "sandbox/state", "sandbox/service"},
		"internal/sandbox/sns":            {"sandbox/random", "sandbox/glob", "sandbox/wire", "sandbox/catalog", "sandbox/policy", "sandbox/state", "sandbox/service"},
		"internal/sandbox/ssm":            {"sandbox/random", "sandbox/glob", "sandbox/wire", "sandbox/catalog", "sandbox/policy", "sandbox/state", "sandbox/service"},
		"internal/sandbox/state":          {"sandbox/random", "sandbox/glob", "sandbox/catalog", "sandbox/policy"},
		"internal/sandbox/wire":           {"sandbox/random", "sandbox/glob"},
		"internal/sandbox":                {"sandbox/autoscaling", "sandbox/backup", "sandbox/billing", "sandbox/catalog", "sandbox/cloudformation", "sandbox/cloudwatch", "sandbox/ebs", "sandbox/ec2", "sandbox/fixture", "sandbox/glob", "sandbox/iam", "sandbox/kms", "sandbox/lambda", "sandbox/policy", "sandbox/pricing", "sandbox/quotas", "sandbox/random", "sandbox/rbin", "sandbox/rds", "sandbox/s3", "sandbox/secrets", "sandbox/service", "sandbox/sns", "sandbox/ssm", "sandbox/state", "sandbox/wire"},
		"internal/sandbox/sandboxtest":    {"sandbox"},
		"internal/stack":                  {"fleet", "schedule", "power", "backup"},
		"internal/deploy":                 {"fleet", "text"},
		"internal/watch":                  {"fleet", "blob", "price", "schedule", "power", "backup", "config", "journal", "cost", "cost/recommend", "cost/trend", "app"},
		"internal/lease":                  {"fleet", "blob"},
		"internal/web":                    {"fleet", "text", "price", "schedule", "power", "backup", "config", "journal", "cost", "cost/recommend", "cost/trend", "app", "watch"},
		"internal/daemon":                 {"fleet", "blob", "power", "config", "app", "watch", "lease", "notify"},
		"internal/metrics":                {"fleet", "text", "price", "schedule", "power", "backup", "config", "journal", "cost", "amazon", "app", "watch"},
		"internal/notify":                 {"fleet", "text", "blob", "schedule", "power", "backup", "config", "journal", "app", "watch"},
		"internal/metrics/metricstest":    {"amazon", "app", "blob", "daemon", "fleet", "metrics", "power", "schedule", "watch", "sandbox", "sandbox/sandboxtest"},
		"internal/function":               {"fleet", "text", "blob", "power", "config", "app", "metrics", "notify"},
		"internal/app":                    {"fleet", "text", "blob", "price", "schedule", "power", "backup", "lease", "config", "journal", "cost", "cost/recommend", "cost/trend", "cost/reconcile", "cost/sheet", "cost/xlsx", "cost/page", "cost/plain", "cost/history", "cost/bill", "pricelist", "amazon", "deploy", "stack"},
		"internal/cli":                    {"fleet", "text", "blob", "price", "schedule", "retention", "backup", "config", "journal", "power", "cost", "cost/recommend", "cost/trend", "cost/sheet", "pricelist", "amazon", "app", "demo", "sandbox", "stack", "function", "deploy", "watch", "metrics", "notify", "web", "daemon"},
		"internal/demo":                   {"blob", "schedule", "cost", "amazon", "app", "sandbox"},
		"cmd/nightshift":                  {"cli"},
		"bench":                           {"sandbox"},
	}
}

// owners are the modules that one package keeps to itself, or several, or those
// below a directory that ends in a slash.
func owners() map[string]string {
	return map[string]string{
		"github.com/aws/aws-sdk-go-v2":      "internal/amazon",
		"github.com/aws/smithy-go":          "internal/amazon",
		"github.com/xuri/excelize":          "internal/cost/xlsx",
		"github.com/parquet-go/parquet-go":  "internal/cost/",
		"github.com/fxamacker/cbor":         "internal/sandbox/wire",
		"github.com/johannesboyne/gofakes3": "internal/sandbox/s3",
		"github.com/aws/aws-lambda-go":      "internal/function",
		"github.com/prometheus":             "internal/metrics internal/metrics/metricstest",
		"github.com/arran4/golang-ical":     "internal/schedule",
		"github.com/gofrs/flock":            "internal/blob internal/lease",
		"github.com/teambition/rrule-go":    "internal/schedule",
		"go.yaml.in/yaml":                   "internal/config internal/sandbox/cloudformation", // a template is YAML, and the sandbox shares nothing with config
		"github.com/spf13/cobra":            "internal/cli",
		"github.com/chromedp":               "tests",
		"github.com/rogpeppe/go-internal":   "tests",
		"github.com/google/go-cmp":          "tests",
		"pgregory.net/rapid":                "tests",
	}
}

// packages are the program's files, without tests and other modules, by directory.
func packages(t *testing.T) map[string][]string {
	t.Helper()
	found := make(map[string][]string)
	err := filepath.WalkDir(".", func(file string, d fs.DirEntry, err error) error {
		name := d.Name()
		switch {
		case err != nil:
			return err
		case d.IsDir() && name != "." && (strings.HasPrefix(name, ".") || strings.HasPrefix(name, "_") || name == "testdata"):
			return filepath.SkipDir
		case d.IsDir() && name != "." && exists(filepath.Join(file, "go.mod")):
			return filepath.SkipDir
		case strings.HasSuffix(name, ".go") && !strings.HasSuffix(name, "_test.go"):
			file = filepath.ToSlash(file)
			found[path.Dir(file)] = append(found[path.Dir(file)], file)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func TestLayout(t *testing.T) {
	table, found := arrows(), packages(t)
	for _, dir := range slices.Sorted(maps.Keys(table)) {
		if len(found[dir]) == 0 {
			t.Errorf("%s: in the table, but there is no such package", dir)
		}
	}
	for _, dir := range slices.Sorted(maps.Keys(found)) {
		allowed, known := table[dir]
		if !known {
			t.Errorf("%s: not in the table; a new package is a decision: enter it with what it may import", dir)
			continue
		}
		comments := 0
		for _, file := range found[dir] {
			source := read(t, file)
			if n := bytes.Count(source, []byte("\n")); n > maxLines {
				t.Errorf("%s: %d lines; split it, %d are enough", file, n, maxLines)
			}
			parsed, err := parser.ParseFile(token.NewFileSet(), file, source, parser.ImportsOnly|parser.ParseComments)
			if err != nil {
				t.Fatal(err)
			}
			if parsed.Doc != nil {
				comments++
			}
			checkImports(t, dir, file, allowed, parsed.Imports)
		}
		if comments != 1 {
			t.Errorf("%s: %d package comments, want one", dir, comments)
		}
	}
}

func checkImports(t *testing.T, dir, file string, allowed []string, imports []*ast.ImportSpec) {
	t.Helper()
	for _, spec := range imports {
		imported, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			t.Fatal(err)
		}
		if ours, ok := strings.CutPrefix(imported, module); ok {
			if !slices.Contains(allowed, strings.TrimPrefix(ours, "internal/")) {
				t.Errorf("%s: %s may not import %s", file, dir, ours)
			}
			continue
		}
		for mod, owner := range owners() {
			owns := func(one string) bool { return one == dir || strings.HasSuffix(one, "/") && strings.HasPrefix(dir, one) }
			if strings.HasPrefix(imported, mod) && !slices.ContainsFunc(strings.Fields(owner), owns) {
				t.Errorf("%s: %s belongs to %s", file, imported, owner)
			}
		}
	}
}

// TestNoReplace keeps the module installable with go install.
func TestNoReplace(t *testing.T) {
	if found := regexp.MustCompile(`(?m)^replace\b.*`).Find(read(t, "go.mod")); found != nil {
		t.Errorf("go.mod: %s", found)
	}
}

func exists(file string) bool {
	_, err := os.Stat(file)
	return err == nil
}

func read(t *testing.T, file string) []byte {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return text
}
