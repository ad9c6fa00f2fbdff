package history_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"nightshift/internal/cost/history"
	"nightshift/internal/journal"
)

// facts of the sample that other readers must see. Sums of decimals are exact.
type facts struct {
	Rows     int     `json:"rows"`
	ToDate   string  `json:"to_date"`
	Known    int     `json:"known"`
	Team     string  `json:"team"`
	Name     string  `json:"name"`
	Parts    int     `json:"parts"`
	IOPS     float64 `json:"iops"`
	RateUSD  string  `json:"rate"`
	Date     string  `json:"dt"`
	UnixTime float64 `json:"unix"`
}

// The programs read the whole folder, as people do, and print the facts.
func otherReaders() map[string]string {
	return map[string]string{
		"pyarrow": `
import sys, json, pyarrow.dataset as ds
rows = ds.dataset(sys.argv[1], format="parquet", partitioning="hive").to_table().to_pylist()
first = [r for r in rows if r["kind"] == "instance"][0]
volume = [r for r in rows if r["id"] == "vol-1"][0]
known = [r["to_date_usd"] for r in rows if r["to_date_usd"] is not None]
print(json.dumps(dict(rows=len(rows), to_date=str(sum(known)), known=len(known), team=dict(first["tags"])["Team"],
  name=first["name"], parts=len(volume["parts"]), iops=volume["parts"][1]["quantity"],
  rate=str(volume["parts"][2]["rate_usd"]), dt=str(first["dt"]), unix=first["generated"].timestamp())))`,
		"duckdb": `
import sys, json, duckdb
files = sys.argv[1] + "/dt=*/*.parquet"
rows, total, known = duckdb.sql(f"select count(*), sum(to_date_usd)::varchar, count(to_date_usd) from read_parquet('{files}', hive_partitioning=true)").fetchone()
team, name, dt, unix = duckdb.sql(f"select tags['Team'], name, dt::varchar, epoch_ms(generated) / 1000 from read_parquet('{files}', hive_partitioning=true) where kind = 'instance'").fetchone()
parts, iops, rate = duckdb.sql(f"select len(parts), parts[2].quantity, parts[3].rate_usd::varchar from read_parquet('{files}') where id = 'vol-1'").fetchone()
team = team[0] if isinstance(team, list) else team
print(json.dumps(dict(rows=rows, to_date=total, known=known, team=team, name=name, parts=parts, iops=iops, rate=rate, dt=dt, unix=unix)))`,
	}
}

// TestOthersReadTheFiles reads a history with other programs, where they are
// installed.
func TestOthersReadTheFiles(t *testing.T) {
	folder := t.TempDir()
	if _, err := history.Write(t.Context(), journal.Folder(folder), day(t, "2026-11-22"), slices.Values(sample())); err != nil {
		t.Fatal(err)
	}
	want := facts{4, "122.0710000001", 2, "core", "=web, \"Seoul\" 서울", 3, 13000, "46.6944000000", "2026-11-22", 1795343400.123}
	for module, program := range otherReaders() {
		t.Run(module, func(t *testing.T) {
			if err := exec.CommandContext(t.Context(), "python3", "-c", "import "+module).Run(); err != nil {
				t.Skipf("python3 with %s is not installed", module)
			}
			command := exec.CommandContext(t.Context(), "python3", "-c", program, filepath.Join(folder, "history"))
			command.Stderr = os.Stderr
			out, err := command.Output()
			if err != nil {
				t.Fatal(err)
			}
			var got facts
			if err := json.Unmarshal(out, &got); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}
