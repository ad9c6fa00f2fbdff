package sheet

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"nightshift/internal/backup"
	"nightshift/internal/cost"
	"nightshift/internal/price"
	"nightshift/internal/text"
)

// unprotectedShown is how many volumes without a young copy the summary names.
const unprotectedShown = 5

const notKnown = "not known"

// backups says how many volumes have a copy, what copies cost and what has none.
func (w Workbook) backups() Block {
	if w.Backups == nil {
		return Block{}
	}
	figures := []Figure{w.Backups.protected(), w.Backups.cost()}
	add := func(label string, value any, format Format, unit, note string) {
		figures = append(figures, Figure{Label: label, Value: value, Format: format, Unit: unit, Note: note, Sheet: backupSheet})
	}
	if n, names := w.Backups.uncovered(); n > 0 {
		add("Not protected", int64(n), Count, "", names)
	}
	orphans, snapshots, public := price.StorageBound{Priced: true}, 0, []string(nil)
	for _, t := range w.Backups.Targets {
		for n := range t.Orphans {
			orphans, snapshots = orphans.Add(t.Orphans[n].Monthly), snapshots+len(t.Orphans[n].Snapshots)
		}
		for _, p := range t.Public {
			public = append(public, string(p.Snapshot))
		}
	}
	if snapshots > 0 {
		note := text.Count(snapshots, "snapshot", "snapshots") + " that nobody deletes, or that cannot be used"
		if orphans.Priced {
			add("Orphans", orphans.High, Money, usdAMonth, atMost(orphans)+note)
		} else {
			add("Orphans", notKnown, Text, "", note)
		}
	}
	if len(public) > 0 {
		add("Public snapshots", int64(len(public)), Count, "", firstOf(public, unprotectedShown))
	}
	if n := len(w.Backups.Unread); n > 0 {
		add("Not read", int64(n), Count, "", w.Backups.Unread[0].Error())
	}
	return Block{backupSheet, figures}
}

// protected is how many volumes have a copy that is young enough, with how many there are
// of each other coverage. What could not be read may have more of them.
func (b *Backups) protected() Figure {
	counts, all, whole := map[backup.Coverage]int{}, 0, true
	for _, t := range b.Targets {
		for c, n := range t.Count() {
			counts[c] += n
		}
		all += len(t.Volumes)
		whole = whole && !slices.Contains(t.Unread, backup.PartVolumes)
	}
	whole = whole && !b.lost()
	protected := counts[backup.Protected]
	f := Figure{Label: "Protected", Format: Text, Unit: "volumes", Sheet: backupSheet}
	switch {
	case whole && counts[backup.Unknown] == 0:
		f.Value = fmt.Sprintf("%s of %s", text.Number(int64(protected)), text.Number(int64(all)))
	case protected > 0:
		f.Value = "at least " + text.Number(int64(protected))
	default:
		f.Value, f.Unit = notKnown, ""
	}
	var rest []string
	for _, c := range backup.Coverages() {
		if c != backup.Protected && counts[c] > 0 {
			rest = append(rest, text.Number(int64(counts[c]))+" "+string(c))
		}
	}
	f.Note = strings.Join(rest, ", ")
	return f
}

// Line says in a line how many volumes have a copy that is young enough, and what copies
// cost.
func (b *Backups) Line() string {
	protected, monthly := b.protected(), b.monthly()
	line := fmt.Sprintf("Protected volumes: %v", protected.Value)
	if protected.Note != "" {
		line += " (" + protected.Note + ")"
	}
	switch {
	case !monthly.Priced:
		return line + "; cost of copies: " + notKnown
	case monthly.Low == monthly.High:
		return line + "; cost of copies: $" + dollars(monthly.High) + " a month"
	default:
		return line + "; cost of copies: ≤ $" + dollars(monthly.High) + " a month"
	}
}

// lost is true where of an account or a region nothing is known.
func (b *Backups) lost() bool {
	return slices.ContainsFunc(b.Unread, func(p cost.Problem) bool {
		return !slices.ContainsFunc(b.Targets, func(t backup.Status) bool { return t.Target == p.Target })
	})
}

// monthly is what all snapshots of the accounts cost, whoever made them.
func (b *Backups) monthly() price.StorageBound {
	sum := price.StorageBound{Priced: !b.lost()}
	for _, t := range b.Targets {
		sum = sum.Add(t.Monthly)
	}
	return sum
}

// cost is the figure of it.
func (b *Backups) cost() Figure {
	sum := b.monthly()
	f := Figure{Label: "Cost of copies", Format: Money, Unit: usdAMonth, Sheet: backupSheet}
	if !sum.Priced {
		f.Value, f.Format, f.Unit = notKnown, Text, ""
		return f
	}
	f.Value, f.Note = sum.High, atMost(sum)+"all snapshots, which are in Other_Costs, too"
	return f
}

// atMost begins a note on an amount that is a bound.
func atMost(b price.StorageBound) string {
	if b.Low == b.High {
		return ""
	}
	return fmt.Sprintf("at most; at least %s; ", dollars(b.Low))
}

// uncovered counts the volumes without a copy that is young enough, and names the worst.
func (b *Backups) uncovered() (int, string) {
	var names []string
	for _, r := range b.rows() {
		if r.status != nil && (r.status.Coverage == backup.Unprotected || r.status.Coverage == backup.Stale) {
			names = append(names, cmp.Or(r.name, string(r.volume)))
		}
	}
	return len(names), firstOf(names, unprotectedShown)
}

// firstOf are the first texts of a list, and how many more there are.
func firstOf(list []string, n int) string {
	all := strings.Join(list[:min(len(list), n)], ", ")
	if more := len(list) - n; more > 0 {
		all += fmt.Sprintf(" and %s more", text.Number(int64(more)))
	}
	return all
}
