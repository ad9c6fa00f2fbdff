package history_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"nightshift/internal/blob"
	"nightshift/internal/cost/history"
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

// reader is another program: how it is started, what only works where it is
// installed, and what reads the whole folder, as people do, and prints the facts.
type reader struct {
	command     []string
	there, read string
}

func otherReaders() map[string]reader {
	python, node := []string{"python3", "-c"}, []string{"node", "-e"}
	return map[string]reader{
		"pyarrow": {python, "import pyarrow", `
import sys, json, pyarrow.dataset as ds
rows = ds.dataset(sys.argv[1], format="parquet", partitioning="hive").to_table().to_pylist()
first = [r for r in rows if r["kind"] == "instance"][0]
volume = [r for r in rows if r["id"] == "vol-1"][0]
known = [r["to_date_usd"] for r in rows if r["to_date_usd"] is not None]
print(json.dumps(dict(rows=len(rows), to_date=str(sum(known)), known=len(known), team=dict(first["tags"])["Team"],
  name=first["name"], parts=len(volume["parts"]), iops=volume["parts"][1]["quantity"],
  rate=str(volume["parts"][2]["rate_usd"]), dt=str(first["dt"]), unix=first["generated"].timestamp())))`},
		"duckdb for python": {python, "import duckdb", `
import sys, json, duckdb
files = sys.argv[1] + "/dt=*/*.parquet"
rows, total, known = duckdb.sql(f"select count(*), sum(to_date_usd)::varchar, count(to_date_usd) from read_parquet('{files}', hive_partitioning=true)").fetchone()
team, name, dt, unix = duckdb.sql(f"select tags['Team'], name, dt::varchar, epoch_ms(generated) / 1000 from read_parquet('{files}', hive_partitioning=true) where kind = 'instance'").fetchone()
parts, iops, rate = duckdb.sql(f"select len(parts), parts[2].quantity, parts[3].rate_usd::varchar from read_parquet('{files}') where id = 'vol-1'").fetchone()
team = team[0] if isinstance(team, list) else team
print(json.dumps(dict(rows=rows, to_date=total, known=known, team=team, name=name, parts=parts, iops=iops, rate=rate, dt=dt, unix=unix)))`},
		"duckdb for node": {node, "require('@duckdb/node-api')", `
const { DuckDBInstance } = require('@duckdb/node-api');
(async () => {
  const db = await (await DuckDBInstance.create(':memory:')).connect();
  const from = "from read_parquet('" + process.argv[1] + "/dt=*/*.parquet', hive_partitioning=true)";
  const one = async (sql) => (await db.runAndReadAll(sql)).getRowsJson()[0];
  const [rows, total, known] = await one("select count(*)::int, sum(to_date_usd)::varchar, count(to_date_usd)::int " + from);
  const [team, name, dt, unix] = await one("select tags['Team'], name, dt::varchar, epoch_ms(generated) / 1000 " + from + " where kind = 'instance'");
  const [parts, iops, rate] = await one("select len(parts)::int, parts[2].quantity, parts[3].rate_usd::varchar " + from + " where id = 'vol-1'");
  console.log(JSON.stringify({ rows, to_date: total, known, team, name, parts, iops, rate, dt, unix }));
})();`},
	}
}

// TestOthersReadTheFiles reads a history with other programs, where they are
// installed.
func TestOthersReadTheFiles(t *testing.T) {
	folder := t.TempDir()
	if _, err := history.Write(t.Context(), blob.Folder(folder), day(t, "2026-11-22"), slices.Values(sample())); err != nil {
		t.Fatal(err)
	}
	want := facts{4, "122.0710000001", 2, "core", "=web, \"Seoul\" 서울", 3, 13000, "46.6944000000", "2026-11-22", 1795343400.123}
	for name, other := range otherReaders() {
		t.Run(name, func(t *testing.T) {
			run := func(program string, args ...string) *exec.Cmd {
				return exec.CommandContext(t.Context(), other.command[0], slices.Concat(other.command[1:], []string{program}, args)...)
			}
			if err := run(other.there).Run(); err != nil {
				t.Skipf("%s is not installed", name)
			}
			command := run(other.read, filepath.Join(folder, "history"))
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
