package cli

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"nightshift/internal/app"
	"nightshift/internal/backup"
	"nightshift/internal/text"
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
				frees = freesOf(s.frees)
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

// mostNamed is how many of several alike things are listed where not all are asked for,
// mostRows how many rows of a table.
const mostNamed, mostRows = 3, 50

// printPlanNotes prints what there is to know about one account and region besides: guards,
// costs of new policies, strangers and listings that are missing.
func printPlanNotes(out io.Writer, s *app.Session, t app.BackupTarget, all bool) {
	where := string(t.Plan.Target.Region)
	if s.Names.Several() {
		where = s.Names.Of(t.Plan.Target.Account) + " " + where
	}
	say := func(format string, args ...any) {
		fmt.Fprintln(out, text.Printable(where+": "+fmt.Sprintf(format, args...)))
	}
	if held := heldBy(t.Plan); held != "" {
		say("held by guards: %s", held)
	}
	for _, c := range t.Costs {
		say("%s", costOf(c))
	}
	if n := len(t.Plan.Strangers); n > 0 {
		say("%s not made by nightshift: never counted, never deleted", text.Count(n, "snapshot has tags of nightshift and was", "snapshots have tags of nightshift and were"))
		for k, stranger := range t.Plan.Strangers {
			if k == mostNamed && !all {
				say("  … and %d more; --all lists them", n-k)
				break
			}
			say("  %s %s", stranger.Snapshot, stranger.Reason.Text)
		}
	}
	for _, part := range t.Plan.Unread {
		say("the %s could not be read: %v", part, t.Inventory.Unread[part])
	}
	for _, note := range t.Notes {
		say("%s", note)
	}
}

// heldBy counts the sets that each guard holds, in the order of their names.
func heldBy(plan backup.Plan) string {
	held := map[backup.Guard]int{}
	for n := range plan.Deletes {
		if v := &plan.Deletes[n]; v.Keep && v.Guard != "" {
			held[v.Guard]++
		}
	}
	var parts []string
	for _, guard := range slices.Sorted(maps.Keys(held)) {
		parts = append(parts, fmt.Sprintf("%s %d", guard, held[guard]))
	}
	return strings.Join(parts, ", ")
}

// costOf is what a policy without copies costs, in words.
func costOf(c app.PolicyCost) string {
	copies := text.Count(c.Steady.Copies, "copy", "copies")
	once := fmt.Sprintf("once it has all its %s", copies)
	if c.Steady.Unlimited {
		once = fmt.Sprintf("after a year, with %s, and more after that", copies)
	}
	head := fmt.Sprintf("policy %s has no copies yet (%s)", c.Policy, text.Count(c.Volumes, "volume", "volumes"))
	if !c.First.Priced || !c.Steady.Priced {
		return head + ": what it costs is not known without a price"
	}
	return fmt.Sprintf("%s: %s to %s in the first month, %s to %s a month %s", head,
		dollars(c.First.Low), dollars(c.First.High), dollars(c.Steady.Low), dollars(c.Steady.High), once)
}
