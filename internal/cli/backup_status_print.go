package cli

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"nightshift/internal/app"
	"nightshift/internal/backup"
	"nightshift/internal/fleet"
	"nightshift/internal/price"
	"nightshift/internal/text"
)

// statusPrinter prints the status of a target for people.
type statusPrinter struct {
	out    io.Writer
	screen int // its columns; 0 where there is none
	zone   *time.Location
	names  app.Names
	all    bool
	whole  bool // reasons are not cut
}

func (p statusPrinter) print(s backup.Status) {
	fmt.Fprintf(p.out, "%s: %s\n", p.where(s), countsInWords(s))
	switch {
	case !s.Monthly.Priced:
		fmt.Fprintln(p.out, "what the snapshots cost is not known")
	case s.Monthly.High > 0:
		fmt.Fprintf(p.out, "snapshots cost %s a month\n", bound(s.Monthly))
	}
	if s.Quota != nil {
		fmt.Fprintln(p.out, quotaInWords(*s.Quota))
	}
	p.volumes(s)
	p.protected(s)
	p.orphans(s.Orphans)
	for _, u := range s.Unusual {
		fmt.Fprintf(p.out, "\nunusual: %s (%s): %s\n", u.Volume, text.Printable(clip(u.Name)), u.Text())
	}
	for _, o := range s.Public {
		fmt.Fprintf(p.out, "\npublic: everybody can make volumes of %s (%s, of %s, %s)\n",
			o.Snapshot, text.Printable(clip(o.Name)), cmp.Or(string(o.Volume), "no known volume"), p.at(o.Started))
	}
	p.keys(s.Keys)
	if s.Quota != nil && s.Quota.High() {
		fmt.Fprintln(p.out, "\nsnapshot quota: when it is reached no copy can be made; ask for a higher one in Service\nQuotas, or delete what nobody needs")
	}
	if len(s.Databases) > 0 {
		fmt.Fprintf(p.out, "\nRDS is not looked at, but for this: automated backups are off for %s\n", strings.Join(text.Strings(s.Databases), ", "))
	}
	if len(s.Unread) > 0 {
		fmt.Fprintf(p.out, "\nnot known, because it could not be read: %s\n", strings.Join(text.Strings(s.Unread), ", "))
	}
}

// keys lists those that cannot be used, or of which that is not known.
func (p statusPrinter) keys(list []backup.KeyStatus) {
	for _, k := range list {
		of := fmt.Sprintf("of %s and %s", text.Count(k.Volumes, "volume", "volumes"), text.Count(k.Copies, "copy", "copies"))
		switch {
		case k.State == fleet.KeyUnknown:
			fmt.Fprintf(p.out, "\nkey unknown: whether %s can be used, %s, could not be read\n", k.Key, of)
		case k.Unusable() && k.Deletion != nil:
			fmt.Fprintf(p.out, "\nkey %s: %s, %s; after %s they are lost for ever\n", k.State, k.Key, of, p.at(*k.Deletion))
		case k.Unusable():
			fmt.Fprintf(p.out, "\nkey %s: %s, %s, which cannot be copied or restored\n", k.State, k.Key, of)
		}
	}
}

// quotaInWords is such as "1,204 of at most 100,000 snapshots".
func quotaInWords(q backup.SnapshotQuota) string {
	line := fmt.Sprintf("%s of at most %s snapshots", text.Number(int64(q.Used)), text.Number(int64(q.Limit)))
	if q.Assumed {
		line += " (AWS's default: servicequotas:GetServiceQuota is denied, or failed)"
	}
	return line
}

func (p statusPrinter) where(s backup.Status) string {
	if p.names.Several() {
		return p.names.Of(s.Account) + " " + string(s.Region)
	}
	return string(s.Region)
}

// countsInWords is such as "9 volumes: 2 unprotected, 7 protected".
func countsInWords(s backup.Status) string {
	counts := s.Count()
	var parts []string
	for _, c := range backup.Coverages() {
		if counts[c] > 0 {
			parts = append(parts, fmt.Sprintf("%s %s", text.Number(int64(counts[c])), c))
		}
	}
	all := text.Count(len(s.Volumes), "volume", "volumes")
	if len(parts) == 0 {
		return all
	}
	return all + ": " + strings.Join(parts, ", ")
}

// volumes lists those that are not protected, the worst first.
func (p statusPrinter) volumes(s backup.Status) {
	var rows []*backup.VolumeStatus
	for n := range s.Volumes {
		if p.all || s.Volumes[n].Coverage != backup.Protected {
			rows = append(rows, &s.Volumes[n])
		}
	}
	if len(rows) == 0 {
		return
	}
	slices.SortStableFunc(rows, backup.WorstFirst)
	t := table{header: []string{"COVERAGE", "VOLUME", "NAME", "STATE", "LAST COPY", "BY", "GAP", "RPO", "WORST GAP", "A MONTH", "WHY"}}
	var since time.Time
	atMost := false
	for _, v := range rows {
		last, by, worst := "-", "-", "-"
		if v.Last != nil {
			last, by = p.at(v.Last.Data), string(v.Last.By)
		}
		if v.Worst != nil {
			worst = age(v.Worst.Hours)
			if v.Worst.AtMost {
				worst, atMost = "≤ "+worst, true
			} else {
				since = v.Worst.Since
			}
		}
		t.add(string(v.Coverage), string(v.Volume), text.CutRight(ownName(v.Name, string(v.Volume)), nameColumns(p.screen)), cmp.Or(v.State, "-"), last, by, age(v.Gap), age(v.RPO), worst, bound(v.Monthly), v.Text)
	}
	p.fit(&t, "STATE", "LAST COPY", "RPO", "A MONTH", "WORST GAP", "BY")
	fmt.Fprintln(p.out)
	t.print(p.out)
	switch {
	case !slices.Contains(t.header, "WORST GAP"):
	case atMost:
		fmt.Fprintln(p.out, "\nWORST GAP is at most that, as far back as the oldest copy that is kept: without a\njournal, copies in between that were deleted are not known.")
	case !since.IsZero():
		fmt.Fprintf(p.out, "\nWORST GAP is as far back as the journal has runs of the last 90 days (%s).\n", p.at(since))
	}
}

// ownName is the name of a resource in a table, where it has one besides its id.
func ownName(name, id string) string {
	if name == "" || name == id {
		return "-"
	}
	return name
}

// protected counts what is protected: by which policy, or without one by whom.
func (p statusPrinter) protected(s backup.Status) {
	type group struct {
		volumes, unchanged int
		worst              backup.Hours
		monthly            price.StorageBound
	}
	groups := map[string]*group{}
	for n := range s.Volumes {
		v := &s.Volumes[n]
		if v.Coverage != backup.Protected {
			continue
		}
		name := "policy " + string(v.Policy)
		if v.Policy == "" {
			name = "no policy, by " + string(v.Last.By)
		}
		g := groups[name]
		if g == nil {
			g = &group{monthly: price.StorageBound{Priced: true}}
			groups[name] = g
		}
		g.volumes++
		g.monthly = g.monthly.Add(v.Monthly)
		if v.Code == "unchanged" {
			g.unchanged++
		}
		if v.Worst != nil {
			g.worst = max(g.worst, v.Worst.Hours)
		}
	}
	if len(groups) == 0 {
		return
	}
	t := table{header: []string{"PROTECTED", "VOLUMES", "UNCHANGED", "WORST GAP", "A MONTH"}, numbers: true}
	for _, name := range slices.Sorted(maps.Keys(groups)) {
		g := groups[name]
		t.add(name, text.Number(int64(g.volumes)), text.Number(int64(g.unchanged)), age(g.worst), bound(g.monthly))
	}
	fmt.Fprintln(p.out)
	t.print(p.out)
}

func (p statusPrinter) orphans(list []backup.Orphan) {
	if len(list) == 0 {
		return
	}
	t := table{header: []string{"ORPHANS", "VOLUME", "NAME", "SNAPSHOTS", "NEWEST", "A MONTH", "WHY"}}
	for _, o := range list {
		which := string(o.Snapshots[0])
		if len(o.Snapshots) > 1 {
			which = text.Number(int64(len(o.Snapshots)))
		}
		t.add(string(o.Kind), cmp.Or(string(o.Volume), "-"), text.CutRight(cmp.Or(o.Name, "-"), nameColumns(p.screen)), which, o.Newest.In(p.zone).Format(time.DateOnly), bound(o.Monthly), o.Text)
	}
	p.fit(&t, "NEWEST", "NAME", "VOLUME")
	fmt.Fprintln(p.out)
	t.print(p.out)
}

// fit leaves out columns, one after the other, until there is room for the last one, which
// is cut or folded where it has to be.
func (p statusPrinter) fit(t *table, names ...string) {
	const least = 24 // of the last column
	room := t.narrow(p.screen, least, names...)
	if p.whole {
		t.fold(room)
		return
	}
	t.cut(len(t.header)-1, room)
}

func (p statusPrinter) at(t time.Time) string { return t.In(p.zone).Format("2006-01-02 15:04") }

// age writes a length of time in at most two units.
func age(h backup.Hours) string {
	const day = 24 * time.Hour
	d := time.Duration(h)
	days, hours := d/day, d%day/time.Hour
	switch {
	case d == 0:
		return "-"
	case d < time.Hour:
		return fmt.Sprintf("%dm", d/time.Minute)
	case d < 2*day:
		return fmt.Sprintf("%dh", d/time.Hour)
	case hours == 0 || days >= 100:
		return fmt.Sprintf("%dd", days)
	default:
		return fmt.Sprintf("%dd %dh", days, hours)
	}
}

// bound writes what something costs, or costs at most.
func bound(b price.StorageBound) string {
	switch {
	case !b.Priced:
		return "unknown"
	case b.High == 0:
		return "-"
	case b.Low == b.High:
		return dollars(b.High)
	default:
		return "≤ " + dollars(b.High)
	}
}
