package cli

import (
	"bytes"
	"regexp"
	"strings"
	"testing"
	"time"

	"nightshift/internal/config"
)

const backups = "docs/backup.md"

// TestBackupKeys finds every key of the section in the document.
func TestBackupKeys(t *testing.T) {
	text := document(t, backups)
	for _, key := range config.BackupKeys() {
		if !regexp.MustCompile("`[^`\n]*\\b" + key + "\\b[^`\n]*`").MatchString(text) {
			t.Errorf("%s does not explain the key %s", backups, key)
		}
	}
}

// TestBackupGuards compares the table of guards with the code.
func TestBackupGuards(t *testing.T) {
	_, section, _ := strings.Cut(document(t, backups), "\n## Guards\n")
	section, _, _ = strings.Cut(section, "\n## ")
	sameSet(t, "guards", inSource(t, "../backup", `Guard\w+\s+Guard = "([a-z-]+)"`), firstCells(section, "`([a-z-]+)`"))
}

// TestBackupDiffers finds each row that differs from restic in the document.
func TestBackupDiffers(t *testing.T) {
	text := document(t, backups)
	for _, row := range regexp.MustCompile(`"(restic-[a-z0-9-]+)": `).FindAllStringSubmatch(document(t, "internal/retention/retention_test.go"), -1) {
		if !strings.Contains(text, "`"+row[1]+"`") {
			t.Errorf("%s does not name %s", backups, row[1])
		}
	}
}

// TestBackupCalendar runs the simulation that the document shows.
func TestBackupCalendar(t *testing.T) {
	text := document(t, backups)
	shown := 0
	for _, block := range fences(text) {
		said, ok := strings.CutPrefix(strings.TrimSuffix(block, "```"), "```console\n$ nightshift ")
		if !ok {
			continue
		}
		shown++
		line, said, _ := strings.Cut(said, "\n")
		var stdout, stderr bytes.Buffer
		if code := Main(strings.Fields(line), System{
			Stdout: &stdout, Stderr: &stderr, Env: func(string) string { return "" }, Now: time.Now,
		}); code != 0 || stdout.String() != said {
			t.Errorf("%s: code %d, %s\n%s", line, code, stderr.String(), stdout.String())
		}
	}
	if shown == 0 {
		t.Errorf("%s shows no calendar", backups)
	}
}

// TestBackupTroubles finds what the guide says that backups print in the code.
func TestBackupTroubles(t *testing.T) {
	_, section, _ := strings.Cut(document(t, "docs/troubleshooting.md"), "\n## Backups\n")
	section, _, _ = strings.Cut(section, "\n## ")
	printed := ""
	for _, folder := range []string{"../backup", "../app", "../config", "../lease", "."} {
		printed += strings.Join(inSource(t, folder, "\"((?:[^\"\\\\\n]|\\\\.)*)\""), "\n")
	}
	said := firstCells(section, "`([^`]+)`[^|]*")
	if len(said) < 20 {
		t.Fatalf("the guide has %d messages", len(said))
	}
	for _, words := range said {
		if !strings.Contains(printed, words) {
			t.Errorf("nothing prints %q", words)
		}
	}
}
