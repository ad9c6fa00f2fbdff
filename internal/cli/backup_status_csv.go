package cli

import (
	"encoding/csv"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"nightshift/internal/backup"
	"nightshift/internal/price"
	"nightshift/internal/text"
)

// statusColumns are those of the CSV. A record is a volume, an orphan, a public snapshot,
// a key or a database; what it does not have is empty.
func statusColumns() []string {
	return []string{
		"record", "account", "region", "id", "name", "volume", "instances", "state", "size_gib", "policy", "verdict", "reason",
		"last_copy", "last_copy_at", "last_copy_by", "copies", "rpo_hours", "gap_hours",
		"worst_gap_hours", "worst_gap_from", "worst_gap_to", "worst_gap_known_since", "worst_gap_at_most",
		"monthly_low_usd", "monthly_high_usd",
	}
}

// writeStatusCSV writes all that there is, as in RFC 4180, for whoever has to prove it.
func writeStatusCSV(w io.Writer, targets []backup.Status) error {
	out := csv.NewWriter(w)
	out.UseCRLF = true
	columns := statusColumns()
	write := func(cells map[string]string) {
		row := make([]string, len(columns))
		for n, name := range columns {
			row[n] = text.Cell(strings.ReplaceAll(cells[name], "\r", ""))
		}
		_ = out.Write(row) // Error says it
	}
	_ = out.Write(columns)
	for _, t := range targets {
		of := func(record, id, name string) map[string]string {
			return map[string]string{"record": record, "account": string(t.Account), "region": string(t.Region), "id": id, "name": name}
		}
		for n := range t.Volumes {
			v := &t.Volumes[n]
			write(volumeCells(of("volume", string(v.Volume), v.Name), v))
		}
		for _, o := range t.Orphans {
			cells := of("orphan", strings.Join(text.Strings(o.Snapshots), " "), o.Name)
			cells["volume"], cells["verdict"], cells["reason"] = string(o.Volume), string(o.Kind), o.Text
			cells["last_copy_at"], cells["copies"] = stamp(o.Newest), strconv.Itoa(len(o.Snapshots))
			write(priced(cells, o.Monthly))
		}
		for _, p := range t.Public {
			cells := of("public", string(p.Snapshot), p.Name)
			cells["volume"], cells["verdict"], cells["last_copy_at"] = string(p.Volume), "public", stamp(p.Started)
			write(cells)
		}
		for _, k := range t.Keys {
			cells := of("key", k.Key, "")
			cells["verdict"], cells["copies"] = string(k.State), strconv.Itoa(k.Copies)
			if k.Deletion != nil {
				cells["reason"] = "is deleted at " + stamp(*k.Deletion)
			}
			write(cells)
		}
		for _, id := range t.Databases {
			cells := of("database", string(id), "")
			cells["verdict"], cells["reason"] = string(backup.Unprotected), "automated backups are off"
			write(cells)
		}
	}
	out.Flush()
	if err := out.Error(); err != nil {
		return fmt.Errorf("print the answer: %w", err)
	}
	return nil
}

func volumeCells(cells map[string]string, v *backup.VolumeStatus) map[string]string {
	cells["volume"], cells["instances"], cells["state"] = string(v.Volume), strings.Join(text.Strings(v.Instances), " "), v.State
	cells["size_gib"], cells["policy"], cells["verdict"] = strconv.FormatInt(v.SizeGiB, 10), string(v.Policy), string(v.Coverage)
	cells["reason"], cells["copies"] = v.Text, strconv.Itoa(v.Copies)
	cells["rpo_hours"], cells["gap_hours"] = decimal(v.RPO), decimal(v.Gap)
	if v.Last != nil {
		cells["last_copy"], cells["last_copy_at"], cells["last_copy_by"] = string(v.Last.Snapshot), stamp(v.Last.Data), string(v.Last.By)
	}
	if w := v.Worst; w != nil {
		cells["worst_gap_hours"], cells["worst_gap_from"], cells["worst_gap_to"] = decimal(w.Hours), stamp(w.From), stamp(w.To)
		cells["worst_gap_known_since"], cells["worst_gap_at_most"] = stamp(w.Since), strconv.FormatBool(w.AtMost)
	}
	return priced(cells, v.Monthly)
}

func priced(cells map[string]string, b price.StorageBound) map[string]string {
	if b.Priced {
		cells["monthly_low_usd"], cells["monthly_high_usd"] = b.Low.String(), b.High.String()
	}
	return cells
}

func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }

func decimal(h backup.Hours) string {
	return strconv.FormatFloat(time.Duration(h).Hours(), 'f', 2, 64)
}
