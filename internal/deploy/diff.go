package deploy

import (
	"cmp"
	"maps"
	"slices"
	"strings"
)

// Diff is what a deployment changes, as people read it.
type Diff struct {
	// Rights are the IAM rights that are added.
	Rights []Right `json:"rights,omitempty"`
	// Replaced are resources with content of their own that would be replaced or
	// removed.
	Replaced   []Change          `json:"replaced,omitempty"`
	Resources  []Change          `json:"resources,omitempty"`
	Parameters []ParameterChange `json:"parameters,omitempty"`
	Files      []FileChange      `json:"files,omitempty"`
	// Notes are what somebody should know besides, such as a template that was
	// edited by hand.
	Notes []string `json:"notes,omitempty"`
}

// ParameterChange is a parameter whose value changes.
type ParameterChange struct {
	Name string `json:"name"`
	Old  string `json:"old"`
	New  string `json:"new"`
	// Added and Removed are those that the other template does not have.
	Added   bool `json:"added,omitempty"`
	Removed bool `json:"removed,omitempty"`
	// Default is true where the new value is the default.
	Default bool `json:"default,omitempty"`
}

// FileChange is a file of the configuration that changes.
type FileChange struct {
	Name   string   `json:"name"`
	Action string   `json:"action"` // add, change, remove
	Lines  []string `json:"lines,omitempty"`
}

// stateful are the types of resources that lose something when they are
// replaced.
func stateful() []string {
	return []string{"AWS::S3::Bucket", "AWS::SQS::Queue", "AWS::Logs::LogGroup", "AWS::SNS::Topic"}
}

// ReplacesReports reports whether a bucket with reports would be replaced. No flag
// agrees to that, only a person.
func (d Diff) ReplacesReports() bool {
	return slices.ContainsFunc(d.Replaced, func(c Change) bool { return c.Type == "AWS::S3::Bucket" && c.Action == "Modify" })
}

// makeDiff sums up a change set: what its resources and parameters become.
func makeDiff(changes []Change, template string, old, values map[string]string) Diff {
	d := Diff{Rights: addedRights(changes), Parameters: parameterChanges(template, old, values)}
	for _, c := range changes {
		lost := c.Action == "Modify" && c.Replacement == "True" || c.Action == "Remove" && !strings.HasPrefix(c.Policy, "Retain")
		c.Before, c.After = nil, nil
		if lost && slices.Contains(stateful(), c.Type) {
			d.Replaced = append(d.Replaced, c)
		}
		d.Resources = append(d.Resources, c)
	}
	order := []string{"Add", "Import", "Modify", "Dynamic", "Remove"}
	slices.SortFunc(d.Resources, func(a, b Change) int {
		return cmp.Or(cmp.Compare(slices.Index(order, a.Action), slices.Index(order, b.Action)), cmp.Compare(a.Logical, b.Logical))
	})
	return d
}

// parameterChanges compares the values of a stack with those to come; without a
// stack every value that is not the default is a change.
func parameterChanges(template string, old, values map[string]string) []ParameterChange {
	defaults := map[string]declared{}
	for _, d := range declaredIn(template) {
		defaults[d.name] = d
	}
	var list []ParameterChange
	for _, name := range slices.Sorted(maps.Keys(values)) {
		before, had := old[name]
		d := defaults[name]
		c := ParameterChange{Name: name, Old: before, New: values[name], Added: !had, Default: d.optional && d.fallback == values[name]}
		switch {
		case had && c.Old == c.New, !had && c.Default:
		default:
			list = append(list, c)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(old)) {
		if _, stays := values[name]; !stays {
			list = append(list, ParameterChange{Name: name, Old: old[name], Removed: true})
		}
	}
	return list
}

// maxDiffLines bounds the lines of a file that are compared one by one.
const maxDiffLines = 3000

// fileChanges compare the files of a configuration.
func fileChanges(old, files map[string][]byte) []FileChange {
	var list []FileChange
	for _, name := range slices.Sorted(maps.Keys(files)) {
		before, had := old[name]
		switch {
		case !had:
			list = append(list, FileChange{Name: name, Action: "add"})
		case string(before) != string(files[name]):
			list = append(list, FileChange{Name: name, Action: "change", Lines: lineChanges(string(before), string(files[name]))})
		}
	}
	for _, name := range slices.Sorted(maps.Keys(old)) {
		if _, stays := files[name]; !stays {
			list = append(list, FileChange{Name: name, Action: "remove"})
		}
	}
	return list
}

// lineChanges are the lines that differ, with - and + before them, by the longest
// common subsequence. Of very long files it gives none.
func lineChanges(before, after string) []string {
	a, b := strings.Split(strings.TrimSuffix(before, "\n"), "\n"), strings.Split(strings.TrimSuffix(after, "\n"), "\n")
	for len(a) > 0 && len(b) > 0 && a[0] == b[0] {
		a, b = a[1:], b[1:]
	}
	for len(a) > 0 && len(b) > 0 && a[len(a)-1] == b[len(b)-1] {
		a, b = a[:len(a)-1], b[:len(b)-1]
	}
	if len(a) > maxDiffLines || len(b) > maxDiffLines {
		return nil
	}
	common := make([][]int, len(a)+1) // of what is left from here on
	for n := range common {
		common[n] = make([]int, len(b)+1)
	}
	for n, v := range slices.Backward(a) {
		for m := len(b) - 1; m >= 0; m-- {
			if common[n][m] = max(common[n+1][m], common[n][m+1]); v == b[m] {
				common[n][m] = common[n+1][m+1] + 1
			}
		}
	}
	var lines []string
	for n, m := 0, 0; n < len(a) || m < len(b); {
		switch {
		case n < len(a) && m < len(b) && a[n] == b[m]:
			n, m = n+1, m+1
		case m == len(b) || n < len(a) && common[n+1][m] >= common[n][m+1]:
			lines = append(lines, "-"+a[n])
			n++
		default:
			lines = append(lines, "+"+b[m])
			m++
		}
	}
	return lines
}
