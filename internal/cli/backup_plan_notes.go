package cli

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"nightshift/internal/app"
	"nightshift/internal/backup"
	"nightshift/internal/text"
)

// mostNamed is how many of several alike things are listed where not all are asked for,
// mostRows how many rows of a table.
const mostNamed, mostRows = 3, 50

// printPlanNotes prints what there is to know about one account and region besides: what
// is held and what is left out, costs of new policies, strangers and listings that are
// missing.
func (a *commandLine) printPlanNotes(s *app.Session, t app.BackupTarget, all bool) {
	where := placeOf(s, t)
	say := func(format string, args ...any) { a.paragraph(where + ": " + fmt.Sprintf(format, args...)) }
	list := func(lines []string) {
		for n, line := range lines {
			if n == mostNamed && !all {
				a.paragraph(fmt.Sprintf("  … and %d more; --all lists them", len(lines)-n))
				break
			}
			a.paragraph("  " + line)
		}
	}
	if held, reasons := heldBy(t.Plan); held > 0 {
		say("%s by guards; --all lists each", text.Count(held, "set is held", "sets are held"))
		for _, line := range reasons { // never more than there are guards
			a.paragraph("  " + line)
		}
	}
	if left := leftOut(t.Plan); left != "" {
		say("not copied: %s; --all says why", left)
	}
	for _, c := range t.Costs {
		say("%s", costOf(c))
	}
	if n := len(t.Plan.Strangers); n > 0 {
		say("%s not made by nightshift: never counted, never deleted", text.Count(n, "snapshot has tags of nightshift and was", "snapshots have tags of nightshift and were"))
		var lines []string
		for _, stranger := range t.Plan.Strangers {
			lines = append(lines, fmt.Sprintf("%s %s", stranger.Snapshot, stranger.Reason.Text))
		}
		list(lines)
	}
	for _, part := range t.Plan.Unread {
		say("the %s could not be read: %v", part, t.Inventory.Unread[part])
	}
	for _, note := range t.Notes {
		say("%s", note)
	}
}

// placeOf names the account, where there are several, and the region of a target.
func placeOf(s *app.Session, t app.BackupTarget) string {
	where := string(t.Plan.Target.Region)
	if s.Names.Several() {
		where = s.Names.Of(t.Plan.Target.Account) + " " + where
	}
	return where
}

// heldBy counts the sets that guards hold, and says of each guard, in the order of their
// names, how many it holds, and why it holds the first.
func heldBy(plan backup.Plan) (held int, reasons []string) {
	count, first := map[backup.Guard]int{}, map[backup.Guard]string{}
	for n := range plan.Deletes {
		if v := &plan.Deletes[n]; v.Keep && v.Guard != "" {
			held++
			if count[v.Guard]++; count[v.Guard] == 1 {
				first[v.Guard] = v.Why
			}
		}
	}
	for _, guard := range slices.Sorted(maps.Keys(count)) {
		such := ""
		if count[guard] > 1 {
			such = "the first: "
		}
		reasons = append(reasons, fmt.Sprintf("%s %d: %s%s", guard, count[guard], such, first[guard]))
	}
	return held, reasons
}

// leftOut counts the resources that policies select and do not copy for a reason that is
// no trouble; empty where there are none.
func leftOut(plan backup.Plan) string {
	says := map[string]string{
		"ephemeral": "that another service replaces", "excluded": "excluded", "shadowed": "that an earlier policy copies", "unchanged": "unchanged",
	}
	count := map[string]int{}
	for n := range plan.Creates {
		if c := &plan.Creates[n]; c.Action == backup.ActionNone && says[c.Reason.Code] != "" {
			count[c.Reason.Code]++
		}
	}
	var parts []string
	for _, code := range slices.Sorted(maps.Keys(count)) {
		parts = append(parts, fmt.Sprintf("%d %s", count[code], says[code]))
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
