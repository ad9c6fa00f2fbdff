package cli

import (
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"nightshift/internal/app"
)

// backupAnswers are the answers of the commands of backups in JSON, by their kinds.
func backupAnswers() map[string]any {
	return map[string]any{
		"backup plan": backupAnswer[planTarget]{}, "backup apply": backupAnswer[applyTarget]{}, "backup status": app.BackupStatusResult{},
		"backup adopt": adoptAnswer{}, "backup undelete": undeleteAnswer{},
	}
}

// keysOf are the paths of the keys that a value of a type has in JSON, with what is below
// lists and behind pointers.
func keysOf(t reflect.Type, path string) []string {
	for t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice {
		t = t.Elem()
	}
	if _, text := t.MethodByName("MarshalText"); text || t.Kind() != reflect.Struct {
		return []string{path}
	}
	if _, own := reflect.PointerTo(t).MethodByName("MarshalJSON"); own {
		return []string{path}
	}
	var keys []string
	for field := range t.Fields() {
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		switch {
		case name == "-" || !field.IsExported():
		case field.Anonymous && name == "":
			keys = append(keys, keysOf(field.Type, path)...)
		default:
			keys = append(keys, keysOf(field.Type, strings.TrimPrefix(path+"."+name, "."))...)
		}
	}
	return keys
}

// TestBackupAnswerKeys holds the keys of the answers against a recording: all that were
// there are there still, for programs read them, and the document explains each. One that
// is new is recorded with -update; who removes one changes the version of the envelope.
func TestBackupAnswerKeys(t *testing.T) {
	file := filepath.Join("testdata", "backup-answers.txt")
	keys := map[string][]string{}
	for kind, answer := range backupAnswers() {
		keys[kind] = keysOf(reflect.TypeOf(answer), "")
	}
	if flag.Lookup("update").Value.String() == "true" {
		var all strings.Builder
		for _, kind := range slices.Sorted(maps.Keys(keys)) {
			fmt.Fprintf(&all, "%s\n  %s\n", kind, strings.Join(keys[kind], "\n  "))
		}
		if err := os.WriteFile(file, []byte(all.String()), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	recorded, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	_, text, _ := strings.Cut(document(t, backups), "\n## For programs\n")
	text, _, _ = strings.Cut(text, "\n## ")
	kind := ""
	for line := range strings.SplitSeq(strings.TrimSpace(string(recorded)), "\n") {
		key, below := strings.CutPrefix(line, "  ")
		if !below {
			if kind = line; !strings.Contains(text, "`"+kind+"`") {
				t.Errorf("%s does not name the kind %s", backups, kind)
			}
			continue
		}
		if !slices.Contains(keys[kind], key) {
			t.Errorf("the answer %s has lost its key %s", kind, key)
		}
		for part := range strings.SplitSeq(key, ".") {
			if !strings.Contains(text, "`"+part+"`") {
				t.Errorf("%s does not explain %s of %s", backups, key, kind)
			}
		}
	}
}
