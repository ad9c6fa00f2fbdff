package sheet

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"nightshift/internal/backup"
	"nightshift/internal/cost"
	"nightshift/internal/fleet"
	"nightshift/internal/price"
	"nightshift/internal/text"
)

// Backups is which volumes have a copy.
type Backups struct {
	Targets []backup.Status
	// Unread is what could not be read: what it would have said is unknown.
	Unread []cost.Problem
}

const (
	backupSheet = "Backups"
	// idsShown is how many snapshots a row names.
	idsShown = 10
)

// What a row of the backups is about.
const (
	recordUnread   = "unread" // a listing that failed
	recordVolume   = "volume"
	recordOrphan   = "orphan"
	recordPublic   = "public"
	recordDatabase = "database"
)

// backupRow is a volume, or what else there is to say about copies.
type backupRow struct {
	record, verdict, name, reason string
	target                        fleet.Target
	volume                        fleet.VolumeID
	snapshots                     []fleet.SnapshotID
	copies                        any       // int64, nil where there is nothing to count
	last                          time.Time // the data of the newest copy
	monthly                       *price.StorageBound
	status                        *backup.VolumeStatus // nil for all but volumes
}

// rows are what could not be read, the volumes, the worst first, and what nobody deletes.
func (b *Backups) rows() []backupRow {
	var unread, volumes, rest []backupRow
	for _, p := range b.Unread {
		unread = append(unread, backupRow{record: recordUnread, verdict: recordUnread, target: p.Target, reason: p.Err.Error()})
	}
	for _, t := range b.Targets {
		for n := range t.Volumes {
			volumes = append(volumes, rowOfVolume(t.Target, &t.Volumes[n]))
		}
		rest = append(rest, rowsOfSnapshots(t)...)
		for _, id := range t.Databases {
			rest = append(rest, backupRow{
				record: recordDatabase, verdict: string(backup.Unprotected), name: string(id), target: t.Target, reason: "automated backups are off",
			})
		}
	}
	slices.SortStableFunc(volumes, func(x, y backupRow) int { return backup.WorstFirst(x.status, y.status) })
	return slices.Concat(unread, volumes, rest)
}

func rowOfVolume(target fleet.Target, v *backup.VolumeStatus) backupRow {
	row := backupRow{
		record: recordVolume, verdict: string(v.Coverage), name: v.Name, reason: v.Text, target: target, volume: v.Volume,
		monthly: &v.Monthly, status: v,
	}
	if v.Copies > 0 || v.Coverage != backup.Unknown {
		row.copies = int64(v.Copies)
	}
	if v.Last != nil {
		row.last, row.snapshots = v.Last.Data, []fleet.SnapshotID{v.Last.Snapshot}
	}
	return row
}

// rowsOfSnapshots are those that nobody deletes, and those that everybody can read.
func rowsOfSnapshots(t backup.Status) []backupRow {
	var rows []backupRow
	for n := range t.Orphans {
		o := &t.Orphans[n]
		rows = append(rows, backupRow{
			record: recordOrphan, verdict: string(o.Kind), name: o.Name, reason: o.Text, target: t.Target, volume: o.Volume,
			snapshots: o.Snapshots, copies: int64(len(o.Snapshots)), last: o.Newest, monthly: &o.Monthly,
		})
	}
	for _, p := range t.Public {
		rows = append(rows, backupRow{
			record: recordPublic, verdict: recordPublic, name: p.Name, target: t.Target, volume: p.Volume,
			snapshots: []fleet.SnapshotID{p.Snapshot}, last: p.Started, reason: "everybody can make volumes of it",
		})
	}
	return rows
}

// backupsTable is the status of the copies. A column that only volumes have is empty in
// the other rows.
func (w Workbook) backupsTable() Table {
	zone := w.Month.Now.Location()
	of := func(value func(*backup.VolumeStatus) any) func(backupRow) any {
		return func(r backupRow) any {
			if r.status == nil {
				return nil
			}
			return value(r.status)
		}
	}
	worst := func(value func(*backup.Gap) any) func(backupRow) any {
		return of(func(v *backup.VolumeStatus) any {
			if v.Worst == nil {
				return nil
			}
			return value(v.Worst)
		})
	}
	t := table(backupSheet, 3, w.Backups.rows(), []field[backupRow]{
		{"Verdict", Status, func(r backupRow) any { return r.verdict }},
		{"Name", Text, func(r backupRow) any { return r.name }},
		{"VolumeId", Text, func(r backupRow) any { return string(r.volume) }},
		{"Record", Text, func(r backupRow) any { return r.record }},
		{"Policy", Text, of(func(v *backup.VolumeStatus) any { return string(v.Policy) })},
		{"Copies", Count, func(r backupRow) any { return r.copies }},
		{"LastCopy", Moment, func(r backupRow) any { return timeValue(r.last, zone) }},
		{"LastCopyBy", Text, of(maker)},
		{"GapHours", Hours, of(func(v *backup.VolumeStatus) any { return time.Duration(v.Gap) })},
		{"RPOHours", Hours, of(func(v *backup.VolumeStatus) any { return time.Duration(v.RPO) })},
		{"WorstGapHours", Hours, worst(func(g *backup.Gap) any { return time.Duration(g.Hours) })},
		{"Monthly(USD)", Money, func(r backupRow) any { return most(r.monthly) }},
		{"Certain", Text, func(r backupRow) any { return certain(r.monthly) }},
		{"Reason", Text, func(r backupRow) any { return r.reason }},
		{"MonthlyAtLeast(USD)", Money, func(r backupRow) any { return least(r.monthly) }},
		{"WorstGapCertain", Text, worst(func(g *backup.Gap) any { return yesOrAtMost(!g.AtMost) })},
		{"WorstGapFrom", Moment, worst(func(g *backup.Gap) any { return timeValue(g.From, zone) })},
		{"WorstGapTo", Moment, worst(func(g *backup.Gap) any { return timeValue(g.To, zone) })},
		{"WorstGapKnownSince", Moment, worst(func(g *backup.Gap) any { return timeValue(g.Since, zone) })},
		{"Snapshots", Text, func(r backupRow) any { return idsText(r.snapshots) }},
		{"InstanceId", Text, of(func(v *backup.VolumeStatus) any { return strings.Join(text.Strings(v.Instances), " ") })},
		{"State", Text, of(func(v *backup.VolumeStatus) any { return v.State })},
		{"Size(GB)", Count, of(func(v *backup.VolumeStatus) any { return v.SizeGiB })},
		{"Account", Text, func(r backupRow) any { return string(r.target.Account) }},
		{"Region", Text, func(r backupRow) any { return string(r.target.Region) }},
	})
	t.Printed = 14
	return t
}

func maker(v *backup.VolumeStatus) any {
	if v.Last == nil {
		return nil
	}
	return string(v.Last.By)
}

// most is the upper bound of what snapshots cost, nil where it is not known.
func most(b *price.StorageBound) any {
	if b == nil || !b.Priced {
		return nil
	}
	return b.High
}

func least(b *price.StorageBound) any {
	if b == nil || !b.Priced {
		return nil
	}
	return b.Low
}

// certain says whether an amount is what it is, or at most that.
func certain(b *price.StorageBound) string {
	if b == nil || !b.Priced {
		return ""
	}
	return yesOrAtMost(b.Low == b.High)
}

func yesOrAtMost(yes bool) string {
	if yes {
		return "yes"
	}
	return "at most"
}

func idsText(ids []fleet.SnapshotID) string {
	all := strings.Join(text.Strings(ids[:min(len(ids), idsShown)]), " ")
	if more := len(ids) - idsShown; more > 0 {
		all += fmt.Sprintf(" and %s more", text.Number(int64(more)))
	}
	return all
}
