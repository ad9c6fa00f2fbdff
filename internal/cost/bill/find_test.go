package bill_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"nightshift/internal/blob"
	"nightshift/internal/cost/bill"
)

func TestLayouts(t *testing.T) {
	body := table(t, focus)
	other := strings.ReplaceAll(body, "111122223333", "444455556666")
	for name, c := range map[string]struct {
		store objects
		files []string
		lines int
		note  string
	}{
		"Data Exports, overwriting": {objects{
			"acme/focus/data/BILLING_PERIOD=2026-10/focus-00001.csv":   body,
			"acme/focus/data/BILLING_PERIOD=2026-11/focus-00001.csv":   body,
			"acme/focus/metadata/BILLING_PERIOD=2026-11/Manifest.json": "{}",
			"acme/focus/metadata/BILLING_PERIOD=2026-11/list.csv":      "a,b\n",
		}, []string{"acme/focus/data/BILLING_PERIOD=2026-11/focus-00001.csv"}, 4, ""},
		"Data Exports, executions": {objects{
			"data/BILLING_PERIOD=2026-11/2026-11-20T10:00:00.000Z-aa/focus-00001.csv": body,
			"data/BILLING_PERIOD=2026-11/2026-11-21T10:00:00.000Z-0a/focus-00001.csv": body,
		}, []string{"data/BILLING_PERIOD=2026-11/2026-11-21T10:00:00.000Z-0a/focus-00001.csv"}, 4, "1 others are left out"},
		"legacy, assemblies": {objects{
			"r/20261001-20261101/r-1.csv":               body,
			"r/20261101-20261201/r-Manifest.json":       `{"assemblyId": "0a-1"}`,
			"r/20261101-20261201/0a-1/r-1.csv":          body,
			"r/20261101-20261201/0a-1/r-2.csv":          body,
			"r/20261101-20261201/ff-2/r-1.csv":          body,
			"r/20261101-20261201/ff-2/r-Manifest.json":  `{"assemblyId": "ff-2"}`,
			"r/20261101-20261201/empty/r-Manifest.json": `{"assemblyId": "empty"}`,
		}, []string{"r/20261101-20261201/0a-1/r-1.csv", "r/20261101-20261201/0a-1/r-2.csv"}, 4, "the execution 0a-1 is read; 1 others"},
		"Athena": {objects{
			"r/r/year=2026/month=10/r.csv": body, "r/r/year=2026/month=11/r.csv": body, "r/r/cost_and_usage_data_status/x.txt": "x",
		}, []string{"r/r/year=2026/month=11/r.csv"}, 4, ""},
		"two exports of one account": {objects{
			"cur/data/BILLING_PERIOD=2026-11/a.csv": table(t, legacy), "focus/data/BILLING_PERIOD=2026-11/a.csv": body,
		}, []string{"cur/data/BILLING_PERIOD=2026-11/a.csv", "focus/data/BILLING_PERIOD=2026-11/a.csv"}, 4, "5 lines are left out because another export (cur/data/)"},
		"exports of two accounts": {objects{
			"a/data/BILLING_PERIOD=2026-11/a.csv": other, "b/data/BILLING_PERIOD=2026-11/a.csv": body,
		}, []string{"a/data/BILLING_PERIOD=2026-11/a.csv", "b/data/BILLING_PERIOD=2026-11/a.csv"}, 8, ""},
		"by hand": {objects{"november/a.csv": body, "notes.txt": "x", ".hidden/a.csv": body}, []string{"november/a.csv"}, 4, ""},
	} {
		t.Run(name, func(t *testing.T) {
			b := read(t, c.store)
			if diff := cmp.Diff(c.files, b.Files); diff != "" || len(b.Lines) != c.lines {
				t.Errorf("%d lines %s", len(b.Lines), diff)
			}
			if (c.note == "") != (len(b.Notes) == 0) || c.note != "" && !strings.Contains(b.Notes[0], c.note) {
				t.Errorf("notes %q", b.Notes)
			}
		})
	}
}

func TestFolder(t *testing.T) {
	dir := t.TempDir()
	for name, body := range map[string]string{
		"data/BILLING_PERIOD=2026-11/a.csv.gz": zipped(t, table(t, legacy)), "data/BILLING_PERIOD=2026-11/b.parquet": focusParquet(t), "metadata/a.csv": "x",
	} {
		if err := os.MkdirAll(filepath.Join(dir, filepath.Dir(name)), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(body), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	b := read(t, blob.Folder(dir))
	if len(b.Files) != 2 || len(b.Lines) != 4 || b.Lines[0].Quantity != 4 {
		t.Errorf("%+v", b)
	}
	if _, err := blob.Folder(dir).Open(t.Context(), "../x"); err == nil {
		t.Error("opened a file outside of the folder")
	}
	if _, err := bill.Read(t.Context(), blob.Folder(dir+"/none"), november()); err == nil {
		t.Error("read a folder that is not there")
	}
	if got := slices.IndexFunc(b.Files, func(key string) bool { return strings.Contains(key, "metadata") }); got >= 0 {
		t.Error("read metadata")
	}
}
