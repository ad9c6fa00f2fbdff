package metrics

import (
	"cmp"
	"slices"
	"time"

	"nightshift/internal/backup"
	"nightshift/internal/watch"
)

// noPolicy is the policy of what belongs to none.
const noPolicy = "none"

// The states of sets of copies.
const (
	copiesComplete = "complete"
	copiesPending  = "pending"
	copiesError    = "error"
)

// The budgets of what is said of backups. Where they do not suffice, the smallest numbers
// become other, so that what is wrong has a series of its own for as long as there is room.
const (
	coverageBudget = 72
	policiesBudget = 30
	setsBudget     = 36
	placesBudget   = 16 // accounts and regions
)

// The labels of the metrics of backups.
const (
	labelPolicy   = "policy"
	labelCoverage = "coverage"
	labelState    = "state"
)

func backupFamilies() []Family {
	byTarget := func(name, help string, join join) Family {
		return Family{Name: name, Help: help, Labels: []string{labelAccount, labelRegion}, Budget: placesBudget, folds: [][]int{{0, 1}}, join: join}
	}
	byPolicy := func(name, help string, budget int, join join, more ...string) Family {
		labels := append([]string{labelAccount, labelRegion, labelPolicy}, more...)
		return Family{Name: name, Help: help, Labels: labels, Budget: budget, folds: [][]int{{0, 1, 2}}, join: join}
	}
	return []Family{
		{
			Name: backupVolumes, Help: "Volumes by whether they have a copy that is young enough, whoever made it.", Budget: coverageBudget, join: sum,
			Labels: []string{labelAccount, labelRegion, labelCoverage}, folds: [][]int{{0, 1}},
		},
		byPolicy(backupMissed, "Volumes of a policy without a good copy that is younger than the RPO.", policiesBudget, sum),
		byPolicy(backupOldest, "Time of the newest good copy of that volume of a policy whose newest is oldest; 0 where one has none.", policiesBudget, oldest),
		byPolicy(backupCopies, "Sets of copies that nightshift made, by state.", setsBudget, sum, labelState),
		byPolicy(backupPending, "Time of the data of the copy that has been pending longest; 0 where none is.", placesBudget, earliest),
		byPolicy(backupWaiting, "Sets of copies that nothing keeps any more and that are not deleted yet.", placesBudget, sum),
		byTarget(backupOrphans, "Snapshots that nobody deletes, or that are no use.", sum),
		byTarget(backupCost, "What all snapshots cost in a month, at most: only the size of each as a whole is known.", sum),
		byTarget(backupPublic, "Snapshots that everybody may make volumes of.", sum),
		byTarget(backupSnapshots, "Snapshots of the account in the region, whoever made them.", sum),
		byTarget(backupQuota, "How many snapshots the account can have in the region.", sum),
		byTarget(backupKeys, "KMS keys of what policies select and have copied that cannot be used.", sum),
		byPolicy(backupUnusual, "Volumes of which the last copy changed more than ten times the median of the earlier ones.", placesBudget, sum),
		byTarget(backupLastRead, "When the copies of the account and region were read last; 0 for never.", oldest),
	}
}

// backups says which volumes have a copy; nothing where there are no backup policies, and
// of what could not be read only when it was read last.
func (s *series) backups(st *watch.State) {
	for n := range st.Backups.Targets {
		t := &st.Backups.Targets[n]
		account, region := string(t.Account), string(t.Region)
		s.add(backupLastRead, seconds(t.At), account, region)
		if t.At.IsZero() {
			continue
		}
		counts := t.Count()
		for _, coverage := range backup.Coverages() {
			s.add(backupVolumes, float64(counts[coverage]), account, region, string(coverage))
		}
		for _, p := range t.Policies {
			if p.Volumes+p.Complete+p.Pending+p.Failed > 0 { // else it has nothing to do there
				s.policy(p, account, region)
			}
		}
		if t.Monthly.Priced {
			s.add(backupCost, t.Monthly.High.Float(), account, region)
		}
		if !slices.Contains(t.Unread, backup.PartPublic) {
			s.add(backupPublic, float64(len(t.Public)), account, region)
		}
		s.limits(&t.Status, account, region)
		orphans := 0
		for _, o := range t.Orphans {
			orphans += len(o.Snapshots)
		}
		s.add(backupOrphans, float64(orphans), account, region)
	}
}

// limits are what keeps copies from being made or restored. Where keys could not be read,
// only that some cannot be used is known, never that none is.
func (s *series) limits(t *backup.Status, account, region string) {
	if t.Quota != nil {
		s.add(backupSnapshots, float64(t.Quota.Used), account, region)
		s.add(backupQuota, float64(t.Quota.Limit), account, region)
	}
	if n := t.UnusableKeys(); n > 0 || !slices.Contains(t.Unread, backup.PartKeys) {
		s.add(backupKeys, float64(n), account, region)
	}
	unusual := map[backup.PolicyID]int{}
	for _, u := range t.Unusual {
		unusual[u.Policy]++
	}
	for _, p := range t.Policies {
		if p.Volumes > 0 {
			s.add(backupUnusual, float64(unusual[p.Policy]), account, region, cmp.Or(string(p.Policy), noPolicy))
		}
	}
}

// policy says how one policy is doing in an account and region.
func (s *series) policy(p backup.PolicyStatus, account, region string) {
	id := cmp.Or(string(p.Policy), noPolicy)
	s.add(backupMissed, float64(p.Missed), account, region, id)
	if p.Oldest != nil {
		s.add(backupOldest, seconds(*p.Oldest), account, region, id)
	}
	s.add(backupCopies, float64(p.Complete), account, region, id, copiesComplete)
	s.add(backupCopies, float64(p.Pending), account, region, id, copiesPending)
	s.add(backupCopies, float64(p.Failed), account, region, id, copiesError)
	var since time.Time
	if p.PendingSince != nil {
		since = *p.PendingSince
	}
	s.add(backupPending, seconds(since), account, region, id)
	if p.Waiting != nil {
		s.add(backupWaiting, float64(*p.Waiting), account, region, id)
	}
}
