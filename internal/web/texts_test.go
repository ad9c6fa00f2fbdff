package web_test

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"

	"nightshift/internal/backup"
	"nightshift/internal/power"
)

// catalogue reads the texts as the page does not: a key that comes twice is found.
func catalogue(t *testing.T) map[string]string {
	t.Helper()
	all := map[string]string{}
	for n, line := range strings.Split(read(t, "texts.txt"), "\n") {
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		key, value, ok := strings.Cut(line, " = ")
		if _, twice := all[key]; !ok || twice || strings.TrimSpace(value) != value || value == "" {
			t.Errorf("texts.txt:%d: %q is not \"key = text\" with a key of its own", n+1, line)
		}
		all[key] = value
	}
	return all
}

func read(t *testing.T, name string) string {
	t.Helper()
	content, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

func matching(t *testing.T, pattern string) []string {
	t.Helper()
	names, err := filepath.Glob(pattern)
	if err != nil || len(names) == 0 {
		t.Fatal(pattern, err)
	}
	return names
}

var (
	action    = regexp.MustCompile(`(?s)\{\{.*?\}\}`)
	element   = regexp.MustCompile(`(?s)<[^>]*>`)
	forPeople = regexp.MustCompile(`(?:aria-label|title|placeholder|alt|data-label|data-copy|data-lost|data-pause|content)="([^"]*)"`)
	fixed     = []string{"width=device-width, initial-scale=1", "light dark", "0"}
)

// TestTemplatesHaveNoProse holds that all words come from the catalogue.
func TestTemplatesHaveNoProse(t *testing.T) {
	hasLetters := func(s string) bool { return strings.ContainsFunc(s, unicode.IsLetter) }
	for _, name := range matching(t, "templates/*.html") {
		source := action.ReplaceAllString(read(t, name), "")
		for _, found := range forPeople.FindAllStringSubmatch(source, -1) {
			if hasLetters(found[1]) && !slices.Contains(fixed, found[1]) {
				t.Errorf("%s: the words %q belong in texts.txt", name, found[1])
			}
		}
		for line := range strings.Lines(element.ReplaceAllString(source, "")) {
			if hasLetters(line) {
				t.Errorf("%s: the words %q belong in texts.txt", name, strings.TrimSpace(line))
			}
		}
	}
	if found := regexp.MustCompile(`textContent = "[^"]|say\("`).FindString(read(t, "assets/page.js")); found != "" {
		t.Errorf("page.js: %s: words belong in texts.txt", found)
	}
}

// TestCatalogue holds that each text that is asked for is there, and that each that
// is there is asked for.
func TestCatalogue(t *testing.T) {
	texts := catalogue(t)
	used := map[string]bool{}
	var begun []string
	use := func(source, pattern string, suffixes ...string) {
		for _, found := range regexp.MustCompile(pattern).FindAllStringSubmatch(source, -1) {
			for _, suffix := range append(suffixes, "")[:max(len(suffixes), 1)] {
				used[found[1]+suffix] = true
			}
		}
	}
	for _, name := range matching(t, "templates/*.html") {
		source := read(t, name)
		use(source, `\bt "([^"]+)"`)
		use(source, `\bcount \S+ "([^"]+)"`, ".one", ".many")
	}
	for _, name := range matching(t, "*.go") {
		if source := read(t, name); !strings.HasSuffix(name, "_test.go") {
			use(source, `\.get\("([^"]*[^".])"`)
			use(source, `(?:key: |part\(|return )"([a-z]+\.[^"]*[^".])"[,)}\n]`)
			use(source, `status, key := \S+ "([^"]+)"`)
			use(source, `status, key = \S+ "([^"]+)"`)
			use(source, `\.count\(.*?, "([^"]+)"\)`, ".one", ".many")
			for _, found := range regexp.MustCompile(`get\("([^"]+\.)"\s*\+`).FindAllStringSubmatch(source, -1) {
				begun = append(begun, found[1])
			}
		}
	}
	for key := range used {
		if _, ok := texts[key]; !ok {
			t.Errorf("texts.txt: %q is asked for and missing", key)
		}
	}
	for key := range texts {
		if !used[key] && !slices.ContainsFunc(begun, func(prefix string) bool { return strings.HasPrefix(key, prefix) }) {
			t.Errorf("texts.txt: nobody asks for %q", key)
		}
	}
	families := map[string][]string{
		"ahead.": {"running", "stopped", "unmanaged"}, "soon.": {"running", "stopped"}, "problem.": {"start", "stop"},
		"cause.": {"new", "gone", "type", "size", "price", "hours", "other", ""},
		"nav.":   {"today", "week", "machines", "costs", "recommendations", "backups", "runs"},
		"maker.": {string(backup.ByNightshift), string(backup.ByDLM), string(backup.ByBackup), string(backup.ByImage), string(backup.ByHand)},
		"filter.state.": {
			"running", "stopped", "failed", "out-of-schedule", "manual", "override", "skipped",
		},
	}
	for _, kind := range power.Kinds() {
		families["kind."] = append(families["kind."], string(kind))
	}
	for _, c := range backup.Coverages() {
		families["coverage."] = append(families["coverage."], string(c))
	}
	for _, found := range regexp.MustCompile(`(?m)^\tOrphan\w+\s+OrphanKind = "([a-z-]+)"`).FindAllStringSubmatch(read(t, "../backup/orphans.go"), -1) {
		families["orphan."] = append(families["orphan."], found[1])
	}
	if len(families["orphan."]) < 10 {
		t.Errorf("orphans.go has the verdicts %q", families["orphan."])
	}
	source := read(t, "../cost/recommend/recommend.go")
	for _, found := range regexp.MustCompile(`(?m)^\t[A-Z]\w+\s+= "([a-z0-9-]+)"$`).FindAllStringSubmatch(source, -1) {
		families["code."] = append(families["code."], found[1])
	}
	if len(families["code."]) < 10 {
		t.Errorf("recommend.go has the codes %q", families["code."])
	}
	for prefix, names := range families {
		for _, name := range names {
			if _, ok := texts[prefix+name]; !ok {
				t.Errorf("texts.txt: %q is missing", prefix+name)
			}
		}
	}
}
