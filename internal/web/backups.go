package web

import (
	"cmp"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"nightshift/internal/backup"
	"nightshift/internal/fleet"
	"nightshift/internal/price"
	"nightshift/internal/text"
	"nightshift/internal/watch"
)

const (
	// orphansShown is how many rows of orphaned copies are shown.
	orphansShown = 20
	// staleBackups is the age from which on the status of backups is called old.
	staleBackups = 3 * watch.BackupsEvery
)

// backupsView is which volumes have a copy, and how the policies are doing.
type backupsView struct {
	// Configured is true where there are backup policies; without them nothing is read.
	Configured bool
	Read       source
	Tiles      []tile
	Attention  []problem
	Policies   []policyRow
	Filter     volumeFilter
	Rows       []volumeRow
	Count      string
	Pages      paging
	// Any is true where some filter is set.
	Any     bool
	Orphans []orphanRow
	// MoreOrphans is how many there are besides.
	MoreOrphans int
	// Databases are those without automated backups.
	Databases []string
}

// volume is a volume with what lists show of it.
type volume struct {
	*backup.VolumeStatus
	target *watch.BackupTarget
	// words are what a search looks through.
	words string
}

// policyRow is how a policy does in an account and region.
type policyRow struct {
	Policy, Account, Region   string
	Link                      string
	Volumes, Missed           int
	Complete, Pending, Failed int
	Oldest                    moment
	// Nothing is true where one of the volumes has no good copy.
	Nothing bool
	// Waiting is empty where it is not known.
	Waiting string
}

// volumeRow is a volume in the list.
type volumeRow struct {
	Name, ID, Size, Policy, Account, Region string
	Coverage                                backup.Coverage
	Last                                    moment
	By, RPO, Gap, Worst, Monthly, Reason    string
	// AtMost is true where copies between may have been deleted since.
	AtMost bool
}

// orphanRow are copies of one volume that nobody deletes.
type orphanRow struct {
	Verdict, Reason, Volume, Name, Snapshots, Monthly, Where string
	Newest                                                   moment
}

// volumeFilter is what the list of volumes is narrowed to.
type volumeFilter struct {
	Query, Tag, Account, Policy, Coverage string
	// TagError says why the tag cannot be looked for.
	TagError                      string
	Accounts, Policies, Coverages []choice
	tag                           fleet.Tag
}

// noPolicy is the value of the filter for volumes that no policy copies. No policy is
// called that.
const noPolicy = "-"

// workOutVolumes puts the volumes of all targets in the order of the list: by coverage, and
// the one that has been without a copy longest first.
func (e *estate) workOutVolumes() {
	rank := map[backup.Coverage]int{}
	for n, c := range backup.Coverages() {
		rank[c] = n
	}
	for n := range e.Backups.Targets {
		t := &e.Backups.Targets[n]
		for k := range t.Volumes {
			v := &t.Volumes[k]
			words := []string{v.Name, string(v.Volume), v.InstanceName, string(v.Policy), t.AccountName, string(t.Account), string(t.Region)}
			for _, id := range v.Instances {
				words = append(words, string(id))
			}
			e.volumes = append(e.volumes, &volume{v, t, strings.ToLower(strings.Join(words, "\n"))})
		}
	}
	slices.SortStableFunc(e.volumes, func(a, b *volume) int {
		return cmp.Or(cmp.Compare(rank[a.Coverage], rank[b.Coverage]), cmp.Compare(b.Gap, a.Gap))
	})
}

func (p *pages) backups(e *estate, r *http.Request) (view, error) {
	query := r.URL.Query()
	v := backupsView{Configured: e.Config.HasBackups(), Attention: e.badBackups()}
	shown := view{template: "backups", title: p.texts.get("nav.backups")}
	if !v.Configured {
		shown.data = v
		return shown, nil
	}
	v.Read = e.backupSource()
	if e.Backups.At.IsZero() {
		shown.data = v
		return shown, nil
	}
	v.Tiles, v.Policies = e.backupTiles(), e.policyRows()
	v.Filter = e.volumeFilter(query)
	v.Any = v.Filter.Query+v.Filter.Tag+v.Filter.Account+v.Filter.Policy+v.Filter.Coverage != ""
	found := e.findVolumes(v.Filter)
	v.Count = e.texts.count(len(found), "volume")
	if v.Any {
		v.Count = e.texts.get("machines.of", text.Number(int64(len(found))), e.texts.count(len(e.volumes), "volume"))
	}
	list, pages := page(found, query, "/backups")
	v.Pages = pages
	for _, one := range list {
		v.Rows = append(v.Rows, e.volumeRow(one))
	}
	v.Orphans, v.MoreOrphans = e.orphanRows()
	for n := range e.Backups.Targets {
		for _, id := range e.Backups.Targets[n].Databases {
			v.Databases = append(v.Databases, text.Printable(string(id)))
		}
	}
	shown.data = v
	return shown, nil
}

// backupSource is how old the status of the backups is.
func (e *estate) backupSource() source {
	b := e.Backups.Part
	return source{e.texts.get("source.backups"), b.Err, e.ago(b.At), e.old(b, max(staleBackups, e.stale()))}
}

func (e *estate) backupTiles() []tile {
	by := map[backup.Coverage]int{}
	waiting, orphans, known := 0, 0, false
	monthly := price.StorageBound{Priced: true}
	for n := range e.Backups.Targets {
		t := &e.Backups.Targets[n]
		for coverage, count := range t.Count() {
			by[coverage] += count
		}
		for _, p := range t.Policies {
			if p.Waiting != nil {
				waiting, known = waiting+*p.Waiting, true
			}
		}
		for _, o := range t.Orphans {
			orphans += len(o.Snapshots)
		}
		monthly = monthly.Add(t.Monthly)
	}
	number := func(n int) string { return text.Number(int64(n)) }
	open := by[backup.Unprotected] + by[backup.Stale]
	tiles := []tile{
		{e.texts.get("backups.protected"), number(by[backup.Protected]), e.texts.get("backups.protected.note", e.texts.count(len(e.volumes)-by[backup.NotCopied], "volume")), "/backups?coverage=protected", false},
		{e.texts.get("backups.stale"), number(by[backup.Stale]), e.texts.get("backups.stale.note"), "/backups?coverage=stale", by[backup.Stale] > 0},
		{e.texts.get("backups.unprotected"), number(by[backup.Unprotected]), e.texts.get("backups.unprotected.note"), "/backups?coverage=unprotected", open > by[backup.Stale]},
	}
	if n := by[backup.Unknown]; n > 0 {
		tiles = append(tiles, tile{e.texts.get("backups.unknown"), number(n), e.texts.get("backups.unknown.note"), "/backups?coverage=unknown", true})
	}
	tiles = append(tiles, tile{e.texts.get("backups.cost"), e.bound(monthly), e.texts.get("backups.cost.note"), "", false})
	if known {
		tiles = append(tiles, tile{e.texts.get("backups.waiting"), number(waiting), e.texts.get("backups.waiting.note"), "", false})
	}
	return append(tiles, tile{e.texts.get("backups.orphans"), number(orphans), e.texts.get("backups.orphans.note"), "", false})
}

// backupTile is how many volumes have a copy that is young enough, of those that are to
// have one by their policy.
func (e *estate) backupTile() tile {
	volumes, missed := 0, 0
	for n := range e.Backups.Targets {
		for _, p := range e.Backups.Targets[n].Policies {
			if p.Policy != "" {
				volumes, missed = volumes+p.Volumes, missed+p.Missed
			}
		}
	}
	note := e.texts.get("tile.backups.note", e.texts.count(volumes, "volume"))
	return tile{e.texts.get("tile.backups"), text.Number(int64(volumes - missed)), note, "/backups", missed > 0}
}

func (e *estate) policyRows() []policyRow {
	var rows []policyRow
	for n := range e.Backups.Targets {
		t := &e.Backups.Targets[n]
		for _, p := range t.Policies {
			if p.Policy == "" && p.Volumes+p.Complete+p.Pending+p.Failed == 0 {
				continue
			}
			row := policyRow{
				Policy: cmp.Or(string(p.Policy), e.texts.get("backups.nopolicy")), Account: targetName(t), Region: string(t.Region),
				Link:    "/backups?" + url.Values{"policy": {cmp.Or(string(p.Policy), noPolicy)}, "account": {string(t.Account)}}.Encode(),
				Volumes: p.Volumes, Missed: p.Missed, Complete: p.Complete, Pending: p.Pending, Failed: p.Failed,
			}
			if p.Oldest != nil {
				row.Oldest, row.Nothing = e.ago(*p.Oldest), p.Oldest.IsZero()
			}
			if p.Waiting != nil {
				row.Waiting = text.Number(int64(*p.Waiting))
			}
			rows = append(rows, row)
		}
	}
	return rows
}

func (e *estate) volumeRow(v *volume) volumeRow {
	row := volumeRow{
		Name: text.Clip(text.Printable(cmp.Or(v.Name, v.InstanceName)), longName), ID: string(v.Volume), Size: e.texts.get("backups.size", text.Number(v.SizeGiB)),
		Policy: string(v.Policy), Account: targetName(v.target), Region: string(v.target.Region), Coverage: v.Coverage,
		RPO: e.length(v.RPO), Monthly: e.bound(v.Monthly), Reason: text.Clip(text.Printable(v.Text), longReason),
	}
	if strings.TrimSpace(row.Name) == "" {
		row.Name = row.ID
	}
	if v.Last != nil {
		row.Last, row.By = e.ago(v.Last.Data), e.texts.get("maker."+string(v.Last.By))
	} else {
		row.Gap = e.length(v.Gap)
	}
	if v.Coverage == backup.NotCopied {
		row.RPO = ""
	}
	if v.Worst != nil {
		row.Worst, row.AtMost = e.length(v.Worst.Hours), v.Worst.AtMost
	}
	return row
}

// length is a number of hours, from two days on of days.
func (e *estate) length(h backup.Hours) string {
	const day = 24 * time.Hour
	d := time.Duration(h)
	if d < 2*day {
		return e.span(d.Truncate(time.Minute))
	}
	return e.texts.get("span.days", int(d/day))
}

// bound is what something costs, or costs at most.
func (e *estate) bound(b price.StorageBound) string {
	switch {
	case !b.Priced:
		return e.texts.get("backups.noprice")
	case b.Low == b.High:
		return roughUSD(b.High)
	}
	return e.texts.get("recommendations.upto", roughUSD(b.High))
}

// orphanRows are the most expensive orphans, and how many there are besides.
func (e *estate) orphanRows() (rows []orphanRow, more int) {
	type found struct {
		backup.Orphan
		target *watch.BackupTarget
	}
	var all []found
	for n := range e.Backups.Targets {
		for _, o := range e.Backups.Targets[n].Orphans {
			all = append(all, found{o, &e.Backups.Targets[n]})
		}
	}
	slices.SortStableFunc(all, func(a, b found) int { return cmp.Compare(b.Monthly.High, a.Monthly.High) })
	for _, o := range all[:min(len(all), orphansShown)] {
		row := orphanRow{
			Verdict: e.texts.get("orphan." + string(o.Kind)), Reason: text.Clip(text.Printable(o.Text), longReason), Volume: string(o.Volume),
			Name: text.Clip(text.Printable(o.Name), longName), Snapshots: string(o.Snapshots[0]), Newest: e.when(o.Newest), Monthly: e.bound(o.Monthly),
			Where: targetName(o.target) + " " + string(o.target.Region),
		}
		if len(o.Snapshots) > 1 {
			row.Snapshots = e.texts.count(len(o.Snapshots), "snapshot")
		}
		rows = append(rows, row)
	}
	return rows, len(all) - len(rows)
}

// targetName is what people call the account of a target.
func targetName(t *watch.BackupTarget) string {
	return text.Printable(cmp.Or(t.AccountName, string(t.Account)))
}

// volumeFilter reads what the list of volumes is to be narrowed to.
func (e *estate) volumeFilter(query url.Values) volumeFilter {
	f := volumeFilter{
		Query: cut(query.Get("q"), maxQuery), Tag: cut(query.Get("tag"), maxTag), Account: query.Get("account"), Policy: query.Get("policy"), Coverage: query.Get("coverage"),
	}
	if f.Tag != "" {
		tag, err := fleet.ParseTag(strings.TrimSpace(f.Tag))
		if err != nil {
			f.TagError = err.Error()
		}
		f.tag = tag
	}
	for n := range e.Backups.Targets {
		t := &e.Backups.Targets[n]
		if id := string(t.Account); !slices.ContainsFunc(f.Accounts, func(c choice) bool { return c.Value == id }) {
			f.Accounts = append(f.Accounts, choice{id, targetName(t), id == f.Account})
		}
	}
	for _, p := range e.Config.Value.Backup.Policies {
		f.Policies = append(f.Policies, choice{string(p.ID), string(p.ID), string(p.ID) == f.Policy})
	}
	f.Policies = append(f.Policies, choice{noPolicy, e.texts.get("backups.nopolicy"), f.Policy == noPolicy})
	for _, c := range backup.Coverages() {
		f.Coverages = append(f.Coverages, choice{string(c), e.texts.get("coverage." + string(c)), string(c) == f.Coverage})
	}
	return f
}

// findVolumes is the volumes that a filter leaves, in order.
func (e *estate) findVolumes(f volumeFilter) []*volume {
	words := strings.Fields(strings.ToLower(f.Query))
	words = words[:min(len(words), maxWords)]
	var found []*volume
	for _, v := range e.volumes {
		if f.fits(v) && !slices.ContainsFunc(words, func(word string) bool { return !strings.Contains(v.words, word) }) {
			found = append(found, v)
		}
	}
	return found
}

func (f volumeFilter) fits(v *volume) bool {
	switch {
	case f.TagError != "",
		f.Account != "" && f.Account != string(v.target.Account),
		f.Policy != "" && f.Policy != cmp.Or(string(v.Policy), noPolicy),
		f.Coverage != "" && f.Coverage != string(v.Coverage),
		f.tag.Key != "" && !f.tag.On(v.Tags) && !f.tag.On(v.InstanceTags):
		return false
	}
	return true
}
