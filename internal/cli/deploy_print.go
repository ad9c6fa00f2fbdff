package cli

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"

	"nightshift/internal/app"
	"nightshift/internal/deploy"
	"nightshift/internal/power"
	"nightshift/internal/text"
)

// printPlan prints what a deployment changes, the most important first.
func (a *commandLine) printPlan(plan deploy.Deployment) {
	if a.quiet {
		return
	}
	d := plan.Diff
	a.line("stack %s in %s, account %s, version %s for %s", plan.Stack, plan.Region, plan.Account, plan.Binary.Version, plan.Binary.Architecture)
	for _, note := range d.Notes {
		a.line("note: %s", note)
	}
	if plan.NoChanges() {
		a.line("no changes")
		return
	}
	if plan.ChangesProtection() {
		a.line("termination protection: %s", map[bool]string{true: "on", false: "off"}[*plan.Protect])
	}
	if plan.ChangeSet == "" {
		return
	}
	a.printRights(d.Rights)
	if len(d.Replaced) > 0 {
		a.line("\nlost with their content:")
		for _, c := range d.Replaced {
			a.line("  %s  %s  %s", c.Logical, c.Type, c.Physical)
		}
	}
	a.line("\nresources, %s:", countChanges(d.Resources))
	t := table{}
	for _, c := range d.Resources {
		t.add(changeSign(c), c.Logical, c.Type, changeWords(c))
	}
	a.printIndented(&t)
	if len(d.Parameters) > 0 {
		a.line("\nparameters:")
		t := table{}
		for _, p := range d.Parameters {
			t.add(p.Name, parameterWords(p, plan.First))
		}
		a.printIndented(&t)
	}
	if len(d.Files) > 0 {
		a.line("\nconfiguration:")
		for _, f := range d.Files {
			a.line("  %s %s", map[string]string{"add": "+", "remove": "-", "change": "~"}[f.Action], f.Name)
			for _, line := range f.Lines {
				a.line("      %s", line)
			}
		}
	}
	packed, made := "", ""
	if plan.NewCode() {
		packed = " before compression"
	}
	if plan.NewBucket {
		made = ", a new bucket"
	}
	a.line("\nupload: %s%s to s3://%s%s", bytesWords(plan.Bytes()), packed, plan.Bucket, made)
}

// printRights prints the rights that are added: the actions together that have the
// same resource and condition.
func (a *commandLine) printRights(rights []deploy.Right) {
	if len(rights) == 0 {
		return
	}
	a.line("\nadded IAM rights:")
	type group struct{ of, resource, condition string }
	actions := map[group][]string{}
	for _, r := range rights {
		g := group{r.Of, r.Resource, r.Condition}
		actions[g] = append(actions[g], r.Action)
	}
	of := ""
	for _, g := range slices.SortedFunc(maps.Keys(actions), func(x, y group) int {
		return cmp.Or(cmp.Compare(x.of, y.of), cmp.Compare(x.resource, y.resource), cmp.Compare(x.condition, y.condition))
	}) {
		if g.of != of {
			of = g.of
			a.line("  %s", of)
		}
		a.line("    %s", strings.Join(wrapped(actions[g], 74), "\n    "))
		a.line("      on %s", shortHashes(g.resource))
		for n, c := range conditionWords(g.condition) {
			a.line("      %s %s", map[bool]string{true: "if", false: "and"}[n == 0], c)
		}
	}
}

// wrapped are the words with commas between them in lines of so many columns.
func wrapped(words []string, columns int) []string {
	lines := []string{""}
	for n, word := range words {
		if n < len(words)-1 {
			word += ","
		}
		last := &lines[len(lines)-1]
		switch {
		case *last == "":
			*last = word
		case text.Width(*last)+1+text.Width(word) <= columns:
			*last += " " + word
		default:
			lines = append(lines, word)
		}
	}
	return lines
}

// conditionWords are the parts of a condition of IAM, all of which must hold: key,
// operator and values.
func conditionWords(condition string) []string {
	if condition == "" {
		return nil
	}
	var operators map[string]map[string]any
	if json.Unmarshal([]byte(condition), &operators) != nil {
		return []string{condition}
	}
	var list []string
	for _, operator := range slices.Sorted(maps.Keys(operators)) {
		for _, key := range slices.Sorted(maps.Keys(operators[operator])) {
			value := fmt.Sprint(operators[operator][key])
			if several, ok := operators[operator][key].([]any); ok {
				var values []string
				for _, one := range several {
					values = append(values, fmt.Sprint(one))
				}
				value = strings.Join(values, " or ")
			}
			list = append(list, key+" "+operator+" "+value)
		}
	}
	return list
}

// hashes are those of code and configurations.
var hashes = regexp.MustCompile(`\b[0-9a-f]{64}\b`)

// shortHashes shortens hashes to what people compare.
func shortHashes(s string) string {
	return hashes.ReplaceAllStringFunc(s, func(hash string) string { return hash[:12] + "…" })
}

// printIndented prints a table below a title.
func (a *commandLine) printIndented(t *table) {
	widths := map[int]int{}
	for _, row := range t.rows {
		for n, cell := range row {
			widths[n] = max(widths[n], text.Width(cell))
		}
	}
	for _, row := range t.rows {
		var line strings.Builder
		for n, cell := range row {
			line.WriteString("  " + cell + strings.Repeat(" ", widths[n]-text.Width(cell)))
		}
		a.line("%s", strings.TrimRight(line.String(), " "))
	}
}

// countChanges says how many resources are added, changed and removed.
func countChanges(changes []deploy.Change) string {
	count := map[string]int{}
	for _, c := range changes {
		count[changeSign(c)]++
	}
	var words []string
	for _, sign := range [][2]string{{"+", "added"}, {"~", "changed"}, {"-/+", "replaced"}, {"-", "removed"}} {
		if n := count[sign[0]]; n > 0 {
			words = append(words, fmt.Sprintf("%d %s", n, sign[1]))
		}
	}
	return strings.Join(words, ", ")
}

func changeSign(c deploy.Change) string {
	switch {
	case c.Action == "Add" || c.Action == "Import":
		return "+"
	case c.Action == "Remove":
		return "-"
	case c.Replacement == "True":
		return "-/+"
	default:
		return "~"
	}
}

func changeWords(c deploy.Change) string {
	var words []string
	switch {
	case c.Action == "Remove" && strings.HasPrefix(c.Policy, "Retain"):
		words = append(words, "stays, outside of the stack")
	case c.Replacement == "True":
		words = append(words, "is replaced")
	case c.Replacement == "Conditional":
		words = append(words, "may be replaced")
	}
	if len(c.Properties) > 0 {
		words = append(words, strings.Join(c.Properties, " "))
	}
	return strings.Join(words, ": ")
}

func parameterWords(p deploy.ParameterChange, first bool) string {
	value := func(v string) string {
		if v == "" {
			return `""`
		}
		return shortHashes(v)
	}
	line := value(p.Old) + " → " + value(p.New)
	switch {
	case p.Removed:
		line = value(p.Old) + " → (no longer a parameter)"
	case p.Added:
		line = value(p.New)
	}
	if p.Default && !p.Added {
		line += " (back to the default)"
	}
	if p.Name == "ScheduleState" && first {
		line += " (until the dry runs have been looked at)"
	}
	return line
}

func bytesWords(n int64) string {
	switch {
	case n == 0:
		return "nothing"
	case n < 1_000_000:
		return fmt.Sprintf("%.1f kB", float64(n)/1e3)
	default:
		return fmt.Sprintf("%.1f MB", float64(n)/1e6)
	}
}

// printResult prints how a deployment ended.
func (a *commandLine) printResult(plan deploy.Deployment, r app.DeployResult) {
	a.line("\nstack %s: %s in %s", plan.Stack, r.Status, r.Duration.Round(time.Second))
	t := table{}
	for _, name := range slices.Sorted(maps.Keys(r.Outputs)) {
		t.add(name, r.Outputs[name])
	}
	a.printIndented(&t)
	for _, w := range r.Warnings {
		fmt.Fprintln(a.Stderr, "warning:", text.Printable(w))
	}
}

// alarmWords say why no alarm reaches anybody; empty where one does.
func alarmWords(outputs map[string]string, alarms []deploy.Subscription) string {
	topic := outputs[deploy.OutputAlarms]
	if topic == "" || slices.ContainsFunc(alarms, func(s deploy.Subscription) bool { return s.Confirmed }) {
		return ""
	}
	if len(alarms) == 0 {
		return "nobody receives the alarms: set deploy.alarm_email in nightshift.yaml, or subscribe to " + topic
	}
	return "e-mail not confirmed yet: no alarm reaches anybody until the link in the message to " + alarms[0].Endpoint + " is opened"
}

// printTries prints the dry runs.
func (a *commandLine) printTries(tries []app.Try) {
	if len(tries) == 0 || a.quiet {
		return
	}
	a.line("\ndry runs:")
	t := table{}
	for _, one := range tries {
		t.add(one.Job, cmp.Or(one.Error, one.Status))
	}
	a.printIndented(&t)
}

// printFirstRun prints what the first runs of the schedules will do.
func (a *commandLine) printFirstRun(tries []app.Try) {
	names := func(acts []power.Act) string {
		var all []string
		for _, act := range acts {
			all = append(all, cmp.Or(act.Name, string(act.ID)))
		}
		if len(all) == 0 {
			return "nothing"
		}
		return strings.Join(all, ", ")
	}
	a.line("\nThe schedules are disabled until you enable them.")
	for _, t := range tries {
		switch t.Job {
		case "power":
			a.line("The next run of power stops %s and starts %s.", names(t.Stops), names(t.Starts))
		case "stop":
			a.line("The next stop by tag stops %s.", names(t.Stops))
		case "start":
			a.line("The next start by tag starts %s.", names(t.Starts))
		}
	}
}
