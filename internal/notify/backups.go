package notify

import (
	"fmt"
	"time"

	"nightshift/internal/app"
	"nightshift/internal/backup"
	"nightshift/internal/fleet"
	"nightshift/internal/text"
)

// backups are the problems of a run of backups: copies that failed or are late, deletions
// that failed or wait for a person.
func (f *findings) backups(r app.BackupResult, settings backup.Settings) {
	for _, t := range r.Targets {
		target := t.Plan.Target
		if t.Plan.At.After(f.clock) || f.clock.Equal(f.at) {
			f.clock = t.Plan.At.UTC()
		}
		if t.Failure != nil {
			f.target(*t.Failure)
			continue // what is missing may only not have been read
		}
		f.read[target], f.opened[target.Account] = true, true
		names := namesOf(t.Inventory)
		for _, o := range t.Outcomes {
			f.backupOutcome(target, names, o)
		}
		status := backup.MakeStatus(t.Inventory, settings, backup.StatusOptions{})
		f.lateCopies(t, status)
		f.unusualChanges(t, status)
		f.waiting(t)
	}
	for _, u := range r.Unreachable {
		f.target(u)
		delete(f.opened, u.Account)
	}
	if r.Invalid > 0 {
		f.problem(Problem{
			Key: keyOf(f.job, fleet.Target{}, "configuration"), Code: "configuration",
			Text: fmt.Sprintf("%s an error, and nothing is copied or deleted for it; `nightshift check` shows it", text.Count(r.Invalid, "policy has", "policies have")),
		})
	}
}

// named is what people know of a resource.
type named struct {
	name string
	tags fleet.Tags
}

func namesOf(inv backup.Inventory) map[fleet.ResourceID]named {
	names := make(map[fleet.ResourceID]named, len(inv.Volumes)+len(inv.Instances))
	for n := range inv.Volumes {
		v := &inv.Volumes[n]
		names[fleet.ResourceID(v.ID)] = named{v.Name(), v.Tags}
	}
	for n := range inv.Instances {
		i := &inv.Instances[n]
		names[i.ID] = named{i.Name(), i.Tags}
	}
	return names
}

func (f *findings) backupOutcome(target fleet.Target, names map[fleet.ResourceID]named, o backup.Outcome) {
	known := names[o.Chain.Resource]
	p := Problem{
		Key:    keyOf(f.job, target, fmt.Sprintf("%s/%s/%s", o.Action, o.Chain.Policy, o.Chain.Resource)),
		Target: target, ID: o.Chain.Resource, Name: known.name, Code: o.Code, tags: known.tags, machine: true, what: [2]string{"copy", "copies"},
	}
	switch o.Result {
	case fleet.Failed:
		p.Text = fmt.Sprintf("policy %s could not %s: %s", o.Chain.Policy, o.Action, o.Text)
		f.problem(p)
	case fleet.Deferred:
		f.unknown[p.Key] = true
	case fleet.Done, fleet.Skipped:
	}
}

// lateCopies are volumes of policies whose newest good copy is older than the RPO. One that
// is copied for the first time is not late before its copy is complete.
func (f *findings) lateCopies(t app.BackupTarget, status backup.Status) {
	begun := map[fleet.VolumeID]bool{}
	for n := range t.Inventory.Snapshots {
		if s := &t.Inventory.Snapshots[n]; s.State == "pending" {
			begun[s.Volume] = true
		}
	}
	for n := range t.Plan.Creates {
		if c := &t.Plan.Creates[n]; c.Action == backup.ActionCopy {
			for _, id := range c.Volumes {
				begun[id] = true
			}
		}
	}
	for n := range status.Volumes {
		v := &status.Volumes[n]
		key := keyOf(f.job, t.Plan.Target, "late/"+string(v.Volume))
		switch {
		case v.Policy == "" || v.Coverage == backup.Unprotected && begun[v.Volume]:
			continue
		case v.Coverage == backup.Unknown:
			f.unknown[key] = true
			continue
		case v.Coverage != backup.Stale && v.Coverage != backup.Unprotected:
			continue
		}
		f.problem(Problem{
			Key: key, Target: t.Plan.Target, ID: fleet.ResourceID(v.Volume), Name: v.Name, Code: string(v.Coverage), tags: v.Tags, machine: true,
			what: [2]string{"volume", "volumes"},
			Text: fmt.Sprintf("has no copy younger than its RPO of %s: %s", hours(v.RPO), v.Text),
		})
	}
}

// unusualChanges are volumes of which the last copy changed far more than the earlier ones.
func (f *findings) unusualChanges(t app.BackupTarget, status backup.Status) {
	tags := map[fleet.VolumeID]fleet.Tags{}
	for n := range status.Volumes {
		tags[status.Volumes[n].Volume] = status.Volumes[n].Tags
	}
	for _, u := range status.Unusual {
		f.problem(Problem{
			Key: keyOf(f.job, t.Plan.Target, "unusual/"+string(u.Volume)), Target: t.Plan.Target, ID: fleet.ResourceID(u.Volume), Name: u.Name,
			Code: "unusual-change", tags: tags[u.Volume], machine: true, what: [2]string{"volume", "volumes"}, Text: u.Text(),
		})
	}
}

func hours(h backup.Hours) string {
	return fmt.Sprintf("%gh", time.Duration(h).Round(time.Minute).Hours())
}

// waiting are deletions that a person has to approve. They are told of once.
func (f *findings) waiting(t app.BackupTarget) {
	if t.Waiting == 0 {
		return
	}
	f.problem(Problem{
		Key: keyOf(f.job, t.Plan.Target, "approval"), Target: t.Plan.Target, Code: "approval", Once: true,
		Text: fmt.Sprintf("%s for approval (%s); `nightshift backup plan` shows them",
			text.Count(t.Waiting, "deletion of a copy waits", "deletions of copies wait"), t.WaitingFrees.Monthly()),
	})
}
