package cli

import (
	"fmt"
	"slices"
	"time"

	"nightshift/internal/app"
	"nightshift/internal/backup"
)

// policySum is what a plan does to the copies of one policy.
type policySum struct {
	resources, due, sets, deleted, held int
	frees                               backup.Freed
	oldest, youngest                    time.Time // of the oldest restore points of its chains
	empty                               int       // chains without one
}

// sumsOf adds a plan up by policy, in the order of the ids.
func sumsOf(plan backup.Plan) (ids []backup.PolicyID, sums map[backup.PolicyID]*policySum) {
	sums = map[backup.PolicyID]*policySum{}
	of := func(id backup.PolicyID) *policySum {
		if sums[id] == nil {
			ids = append(ids, id)
			sums[id] = &policySum{frees: backup.Freed{Measured: true, Priced: true}}
		}
		return sums[id]
	}
	for _, c := range plan.Creates {
		s := of(c.Policy)
		if len(c.Volumes) > 0 {
			s.resources++
		}
		if c.Action != backup.ActionNone {
			s.due++
		}
	}
	for n := range plan.Deletes {
		v := &plan.Deletes[n]
		s := of(v.Set.Chain.Policy)
		s.sets++
		switch {
		case !v.Keep:
			s.deleted++
			s.frees.Add(v.Frees)
		case v.Guard != "":
			s.held++
		}
	}
	for _, o := range plan.Oldest {
		s := of(o.Chain.Policy)
		if o.Data.IsZero() {
			s.empty++
			continue
		}
		if s.oldest.IsZero() || o.Data.Before(s.oldest) {
			s.oldest = o.Data
		}
		if o.Data.After(s.youngest) {
			s.youngest = o.Data
		}
	}
	slices.Sort(ids)
	return ids, sums
}

// policiesTable has the sums of each policy. The oldest restore points are those after
// the plan, of the resource that reaches back farthest and of that which does least.
func policiesTable(names app.Names, r app.BackupResult) *accountTable {
	t := tableOf(names, 1, "POLICY", "REGION", "RESOURCES", "DUE", "SETS", "STAY", "DELETED", "HELD", "FREES", "OLDEST COPY AFTERWARDS")
	for _, target := range r.Targets {
		ids, sums := sumsOf(target.Plan)
		for _, id := range ids {
			s := sums[id]
			frees := "-"
			if s.deleted > 0 {
				frees = s.frees.String()
			}
			t.add(target.Plan.Target.Account, string(id), string(target.Plan.Target.Region), fmt.Sprint(s.resources), fmt.Sprint(s.due), fmt.Sprint(s.sets),
				fmt.Sprint(s.sets-s.deleted), fmt.Sprint(s.deleted), fmt.Sprint(s.held), frees, s.reach())
		}
	}
	return t
}

// reach is how far back the copies of a policy go.
func (s *policySum) reach() string {
	switch from, to := s.oldest.Format(time.DateOnly), s.youngest.Format(time.DateOnly); {
	case s.oldest.IsZero():
		return "none"
	case from == to:
		return from
	default:
		return from + " to " + to
	}
}
