package sheet_test

import (
	"bytes"
	"encoding/csv"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"nightshift/internal/backup"
	"nightshift/internal/cost"
	"nightshift/internal/cost/page"
	"nightshift/internal/cost/plain"
	"nightshift/internal/cost/sheet"
	"nightshift/internal/fleet"
	"nightshift/internal/price"
)

var (
	now   = time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)
	seoul = fleet.Target{Account: "123456789012", Region: "ap-northeast-2"}
)

func dollars(low, high int64) price.StorageBound {
	return price.StorageBound{Low: price.Dollar.Times(low, 1), High: price.Dollar.Times(high, 1), Priced: true}
}

// copied is a report of a region with a volume of each kind that there is something to
// say about.
func copied() sheet.Workbook {
	const hour = backup.Hours(time.Hour)
	last := &backup.GoodCopy{Snapshot: "snap-1", Data: now.Add(-30 * time.Hour), By: backup.ByNightshift}
	return sheet.Workbook{Report: cost.Report{Month: cost.MonthOf(now)}, Backups: &sheet.Backups{Targets: []backup.Status{{
		Target: seoul,
		Volumes: []backup.VolumeStatus{
			{Volume: "vol-1", Name: "safe", Coverage: backup.Protected, Policy: "nightly", Last: last, Copies: 7, Gap: 2 * hour, RPO: 26 * hour, Monthly: dollars(3, 3)},
			{
				Volume: "vol-2", Name: "late", Coverage: backup.Stale, Policy: "nightly", Last: last, Copies: 6, Gap: 30 * hour, RPO: 26 * hour, Monthly: dollars(1, 5),
				Worst: &backup.Gap{Hours: 49 * hour, AtMost: true}, Reason: fleet.Reason{Text: "no newer copy by nightly"},
			},
			{Volume: "vol-3", Name: "=HYPERLINK(\"http://evil\")", Coverage: backup.Unprotected, Gap: 90 * hour, RPO: 26 * hour, Monthly: dollars(0, 0), Reason: fleet.Reason{Text: "no policy copies it"}},
			{Volume: "vol-4", Name: "dr", Coverage: backup.NotCopied, Monthly: dollars(0, 0)},
		},
		Orphans: []backup.Orphan{{
			Kind: backup.OrphanVolume, Text: "its volume is not there any more", Volume: "vol-9", Name: "old",
			Snapshots: slices.Repeat([]fleet.SnapshotID{"snap-9"}, 12), Newest: now.AddDate(-1, 0, 0), Monthly: dollars(2, 20),
		}},
		Public:    []backup.PublicSnapshot{{Snapshot: "snap-8", Name: "poc", Volume: "vol-1", Started: now}},
		Databases: []fleet.ResourceID{"orders"},
		Monthly:   dollars(6, 28),
	}}}}
}

func rows(t *testing.T, w sheet.Workbook) []map[string]string {
	t.Helper()
	var b bytes.Buffer
	if err := plain.WriteCSV(&b, w, "backups"); err != nil {
		t.Fatal(err)
	}
	lines, err := csv.NewReader(&b).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	var all []map[string]string
	for _, line := range lines[1:] {
		row := map[string]string{}
		for n, header := range lines[0] {
			row[header] = line[n]
		}
		all = append(all, row)
	}
	return all
}

func figures(w sheet.Workbook) map[string]sheet.Figure {
	all := map[string]sheet.Figure{}
	for _, b := range w.Summary().Blocks {
		if b.Title == "Backups" {
			for _, f := range b.Figures {
				all[f.Label] = f
			}
		}
	}
	return all
}

// Volumes come first, the worst before the others, then what nobody deletes, what
// everybody can read, and databases without backups. No name becomes a formula.
func TestBackups(t *testing.T) {
	got := rows(t, copied())
	for n, want := range []map[string]string{
		{"Verdict": "unprotected", "Name": "'=HYPERLINK(\"http://evil\")", "Record": "volume", "Copies": "0", "LastCopy": "", "GapHours": "90", "WorstGapHours": "", "Reason": "no policy copies it"},
		{
			"Verdict": "stale", "VolumeId": "vol-2", "Policy": "nightly", "Copies": "6", "LastCopy": "2026-11-21T03:00:00Z", "LastCopyBy": "nightshift", "GapHours": "30", "RPOHours": "26",
			"WorstGapHours": "49", "WorstGapCertain": "at most", "Monthly(USD)": "5.00", "MonthlyAtLeast(USD)": "1.00", "Certain": "at most", "Account": "123456789012", "Region": "ap-northeast-2",
		},
		{"Verdict": "excluded", "Name": "dr"},
		{"Verdict": "protected", "Name": "safe", "Copies": "7", "Monthly(USD)": "3.00", "Certain": "yes", "Snapshots": "snap-1"},
		{
			"Verdict": "volume-gone", "Record": "orphan", "VolumeId": "vol-9", "Copies": "12", "Monthly(USD)": "20.00", "Certain": "at most", "GapHours": "", "Policy": "",
			"Snapshots": strings.Repeat("snap-9 ", 10) + "and 2 more",
		},
		{"Verdict": "public", "Record": "public", "Name": "poc", "Snapshots": "snap-8", "Copies": "", "Monthly(USD)": "", "Certain": ""},
		{"Verdict": "unprotected", "Record": "database", "Name": "orders"},
	} {
		for header, value := range want {
			if got[n][header] != value {
				t.Errorf("row %d: %s is %q, want %q", n+1, header, got[n][header], value)
			}
		}
	}
	if len(got) != 7 {
		t.Errorf("%d rows", len(got))
	}
}

func TestBackupsInSummary(t *testing.T) {
	all := figures(copied())
	for label, want := range map[string]struct {
		value any
		note  string
	}{
		"Protected":        {"1 of 4", "1 unprotected, 1 stale, 1 excluded"},
		"Cost of copies":   {price.Dollar.Times(28, 1), "at most; at least 6.00; all snapshots, which are in Other_Costs, too"},
		"Not protected":    {int64(2), "=HYPERLINK(\"http://evil\"), late"},
		"Orphans":          {price.Dollar.Times(20, 1), "at most; at least 2.00; 12 snapshots that nobody deletes, or that cannot be used"},
		"Public snapshots": {int64(1), "snap-8"},
	} {
		if got := all[label]; got.Value != want.value || got.Note != want.note || got.Sheet != "Backups" {
			t.Errorf("%s: %+v, want %+v", label, got, want)
		}
	}
	if len(all) != 5 {
		t.Errorf("%d figures: %v", len(all), all)
	}
	w := copied()
	if got, want := w.Backups.Line(), "Protected volumes: 1 of 4 (1 unprotected, 1 stale, 1 excluded); cost of copies: ≤ $28.00 a month"; got != want {
		t.Errorf("the line is %q, want %q", got, want)
	}
	w.Backups.Targets[0].Monthly = dollars(28, 28)
	if got := w.Backups.Line(); !strings.HasSuffix(got, "; cost of copies: $28.00 a month") {
		t.Errorf("a cost that is certain: %q", got)
	}
	w.Backups = nil
	if len(figures(w)) > 0 || slices.ContainsFunc(w.Tables(), func(t sheet.Table) bool { return t.Name == "Backups" }) {
		t.Error("a report without backups has some")
	}
}

// What could not be read is in the sheet and in the summary, and nothing that depends on
// it is a zero.
func TestBackupsUnread(t *testing.T) {
	denied := errors.New("not permitted: ec2:DescribeSnapshots")
	snapshots := copied()
	of := &snapshots.Backups.Targets[0]
	of.Unread, of.Monthly, of.Orphans = []backup.Part{backup.PartSnapshots}, price.StorageBound{}, nil
	for n := range of.Volumes {
		v := &of.Volumes[n]
		v.Coverage, v.Last, v.Copies, v.Monthly = backup.Unknown, nil, 0, price.StorageBound{}
	}
	snapshots.Backups.Unread = []cost.Problem{{Target: seoul, What: "backups", Err: denied}}
	lost, half := copied(), copied()
	lost.Backups = &sheet.Backups{Unread: snapshots.Backups.Unread}
	half.Backups.Unread = []cost.Problem{{Target: fleet.Target{Account: "210987654321", Region: "eu-west-1"}, What: "left out", Err: denied}}
	for name, tt := range map[string]struct {
		w               sheet.Workbook
		protected, line string
	}{
		"snapshots":       {snapshots, "not known", "not known (4 unknown)"},
		"all":             {lost, "not known", "not known"},
		"another account": {half, "at least 1", "at least 1 (1 unprotected, 1 stale, 1 excluded)"},
	} {
		if got, want := tt.w.Backups.Line(), "Protected volumes: "+tt.line+"; cost of copies: not known"; got != want {
			t.Errorf("%s: the line is %q, want %q", name, got, want)
		}
		all := figures(tt.w)
		if all["Protected"].Value != tt.protected || all["Cost of copies"].Value != "not known" || all["Not read"].Value != int64(1) || !strings.Contains(all["Not read"].Note, denied.Error()) {
			t.Errorf("%s: %+v", name, all)
		}
		if row := rows(t, tt.w)[0]; row["Verdict"] != "unread" || row["Reason"] != denied.Error() || row["Region"] == "" {
			t.Errorf("%s: %v", name, row)
		}
	}
	if row := rows(t, snapshots)[1]; row["Verdict"] != "unknown" || row["Monthly(USD)"] != "" || row["Certain"] != "" || row["Copies"] != "" {
		t.Errorf("a volume of which the snapshots could not be read: %v", row)
	}
}

// All formats colour a verdict alike.
func TestGrades(t *testing.T) {
	for status, want := range map[string]sheet.Grade{
		"": sheet.Good, "exact": sheet.Good, "fallback": sheet.Doubtful, "ambiguous": sheet.Bad, "missing": sheet.Bad, "protected": sheet.Good, "excluded": sheet.Good,
		"new": sheet.Good, "stale": sheet.Doubtful, "unknown": sheet.Doubtful, "volume-gone": sheet.Doubtful, "unprotected": sheet.Bad, "public": sheet.Bad, "unread": sheet.Bad,
	} {
		if got := sheet.GradeOf(status); got != want {
			t.Errorf("%s: %v, want %v", status, got, want)
		}
	}
	var b bytes.Buffer
	if err := page.Write(&b, copied()); err != nil {
		t.Fatal(err)
	}
	for _, cell := range []string{`<td class="text bad"><bdi>unprotected</bdi>`, `<td class="text doubtful"><bdi>stale</bdi>`, `<td class="text"><bdi>protected</bdi>`} {
		if !strings.Contains(b.String(), cell) {
			t.Errorf("the page has no %s", cell)
		}
	}
}
