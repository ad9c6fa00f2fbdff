package cli

import (
	"regexp"
	"strconv"
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

// TestBackupGuide runs what the document shows, as TestCostGuides does. Two more
// scenes are known:
//
//	<!-- backups at 2026-11-20T18:55:00+09:00 -->   an account with what backups of others leave, without a configuration
//	<!-- nights 5 at 2026-11-13T02:30:00Z -->       `backup apply` runs then, and so on each day
func TestBackupGuide(t *testing.T) { play(t, backups) }

// copyNightly runs the backups of so many nights, the first at a time.
func (g *guide) copyNightly(t *testing.T, nights, first string) {
	t.Helper()
	g.enter(t, "clock", first)
	n, _ := strconv.Atoi(nights)
	for night := range n {
		if night > 0 {
			g.account.Advance(24 * time.Hour)
		}
		if printed := g.run(t, "$ nightshift backup apply\n"); g.code != 0 {
			t.Fatalf("night %d: code %d\n%s", night+1, g.code, printed)
		}
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
