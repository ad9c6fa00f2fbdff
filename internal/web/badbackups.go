package web

import (
	"net/url"
	"slices"
	"strings"
	"time"

	"nightshift/internal/backup"
	"nightshift/internal/text"
	"nightshift/internal/watch"
)

// backupLate is for how long a copy may be pending before a person should look at it.
const backupLate = 24 * time.Hour

// badBackups is what a person should look at in the backups: signs of an attack first,
// then what is not reached or not read, policies that miss their RPO, and copies that failed.
func (e *estate) badBackups() []problem {
	var all []problem
	for n := range e.Backups.Targets {
		all = append(all, e.signs(&e.Backups.Targets[n])...)
	}
	for n := range e.Backups.Targets {
		if one, ok := e.unreadBackups(&e.Backups.Targets[n]); ok {
			all = append(all, one)
		}
	}
	for n := range e.Backups.Targets {
		t := &e.Backups.Targets[n]
		for k := range t.Policies {
			if one, ok := e.badPolicy(t, &t.Policies[k]); ok {
				all = append(all, one)
			}
		}
	}
	return all
}

// signs are of somebody who encrypts or reads what he should not.
func (e *estate) signs(t *watch.BackupTarget) []problem {
	var all []problem
	where := targetName(t) + " " + string(t.Region)
	list := func(kind, link string, since time.Time, lines []string) {
		if len(lines) == 0 {
			return
		}
		shown := lines[:min(len(lines), 3)]
		all = append(all, problem{Severe: true, Kind: kind, Title: where, Link: link, Since: e.ago(since), Lines: shown, More: len(lines) - len(shown)})
	}
	var public, unusual []string
	var published, changed time.Time
	for _, s := range t.Public {
		public = append(public, e.texts.get("problem.public.text", string(s.Snapshot), nameOr(s.Name, string(s.Volume))))
		if s.Started.After(published) {
			published = s.Started
		}
	}
	for _, u := range t.Unusual {
		unusual = append(unusual, nameOr(u.Name, string(u.Volume))+": "+u.Text())
		if u.Data.After(changed) {
			changed = u.Data
		}
	}
	list(e.texts.get("problem.unusual"), "/backups", changed, unusual)
	list(e.texts.get("problem.public"), "/backups", published, public)
	return all
}

func nameOr(name, id string) string {
	if name = text.Clip(text.Printable(name), longName); strings.TrimSpace(name) != "" && name != id {
		return name + " " + id
	}
	return id
}

// unreadBackups is a target of which the copies could not be read, or not whole. Where the
// account does not answer at all that is said already.
func (e *estate) unreadBackups(t *watch.BackupTarget) (problem, bool) {
	if t.Err == "" || slices.ContainsFunc(e.Targets, func(one watch.Target) bool { return !one.Up && one.Err != "" && one.Target == t.Target }) {
		return problem{}, false
	}
	return problem{
		Severe: !t.Up, Kind: e.texts.get("problem.backups"), Title: targetName(t) + " " + string(t.Region), Link: "/backups",
		Since: e.ago(t.At), Lines: []string{text.Clip(text.PrintableLines(t.Err), longText)},
	}, true
}

// badPolicy is a policy of which volumes have no copy that is young enough, or copies that
// failed or do not end. What belongs to no policy is for the list alone.
func (e *estate) badPolicy(t *watch.BackupTarget, p *backup.PolicyStatus) (problem, bool) {
	if p.Policy == "" {
		return problem{}, false
	}
	one := problem{
		Severe: p.Missed > 0, Kind: e.texts.get("problem.backup"), Title: e.texts.get("problem.backup.title", string(p.Policy), targetName(t)+" "+string(t.Region)),
		Link: "/backups?" + url.Values{"policy": {string(p.Policy)}, "account": {string(t.Account)}}.Encode(),
	}
	if p.Missed > 0 {
		one.Lines = append(one.Lines, e.texts.get("problem.backup.missed", p.Missed, e.texts.count(p.Volumes, "volume")))
		if p.Oldest != nil {
			one.Since = e.ago(*p.Oldest)
		}
	}
	if p.Failed > 0 {
		one.Lines = append(one.Lines, e.texts.get("problem.backup.failed", e.texts.count(p.Failed, "copy")))
	}
	if p.PendingSince != nil && e.now.Sub(*p.PendingSince) > backupLate {
		one.Lines = append(one.Lines, e.texts.get("problem.backup.pending", e.length(backup.Hours(e.now.Sub(*p.PendingSince)))))
	}
	return one, len(one.Lines) > 0
}
