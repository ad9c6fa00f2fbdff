package stack

import (
	"bytes"
	"cmp"
	_ "embed" // the template
	"fmt"
	"strings"
	"text/template"

	"nightshift/internal/fleet"
)

//go:embed template.yaml.tmpl
var skeleton string

// substitutedPartition is the partition of the stack.
const substitutedPartition = "${AWS::Partition}"

// filling is what the skeleton of the template is filled with.
type filling struct {
	// Rules is true where the function follows rules; Config is where the
	// configuration is by default, as a text of YAML.
	Rules  bool
	Config string
	// Copies is true where there are backup policies.
	Copies bool
	// Jobs are those with times of their own, Alarms what somebody is called for, Awaited
	// those that somebody is called for where they do not come.
	Jobs    []timed
	Alarms  []alarm
	Awaited []awaited
	// Policies are the managed policies of the role.
	Policies []managed
	// Tagged, Keys, DataKeys and Licenses are policies that a parameter asks for.
	Tagged, Keys, DataKeys, Licenses string
	// KeyForm is the pattern of the ARN of a KMS key.
	KeyForm string
}

// Template is the CloudFormation template, in YAML, that installs nightshift:
// the function, schedules that stop, start and report, a private bucket, a
// queue for what could not be done, alarms with a topic, and roles. Everything
// that differs from one account to the next is a parameter of the template.
//
// The function reads the configuration that a parameter names: its accounts, its
// journal and what it says of costs. With schedules that have rules, it follows them,
// too, every five minutes. Then it needs a configuration, and nothing stops and starts
// by the tag alone unless somebody sets when, and only then the role may. What the
// rules choose is part of the template, which has to be made again when they choose by
// other tags, and so does what its backup policies copy, every fifteen minutes. Schedules
// are nil without a configuration.
//
// The function's role may do exactly what [Policies] say of the actions. Its
// code is an archive in a bucket, which two parameters name.
//
// The role may also do what a configured cost report needs; the zero value of
// costs needs nothing more.
func Template(actions []string, schedules *Schedules, costs Costs) ([]byte, error) {
	f, err := fill(actions, schedules, costs)
	if err != nil {
		return nil, fmt.Errorf("template: %w", err)
	}
	return f.write(skeleton)
}

// write fills a skeleton.
func (f filling) write(skeleton string) ([]byte, error) {
	t, err := template.New("template").Funcs(template.FuncMap{"indent": indent}).Parse(skeleton)
	if err != nil {
		return nil, fmt.Errorf("template: %w", err)
	}
	var text bytes.Buffer
	if err := t.Execute(&text, f); err != nil {
		return nil, fmt.Errorf("template: %w", err)
	}
	return text.Bytes(), nil
}

func fill(actions []string, schedules *Schedules, costs Costs) (filling, error) {
	rules, copies := schedules.follow(), schedules.copies()
	f := filling{
		Rules: rules, Copies: copies, KeyForm: keyForm,
		Jobs: timedJobs(rules, copies), Alarms: alarms(rules, copies), Awaited: awaitedJobs(rules, copies),
	}
	if err := costs.check(); err != nil {
		return f, err
	}
	tagged := Scope{
		Partition: substitutedPartition,
		Account:   "${AWS::AccountId}",
		Tag:       fleet.Tag{Key: "${TagKey}", Value: "${TagValue}"},
		Bucket:    "${Bucket}",
		Prefix:    "${ReportPrefix}",
		Costs:     costs.written(substituted),
	}
	scope := tagged
	var notices Notices
	if schedules != nil {
		if err := schedules.check(); err != nil {
			return f, err
		}
		scope.Schedules = schedules.written(substituted, unsubstituted)
		scope.Schedules.Config = "" // a parameter, with statements of its own
		notices = scope.Schedules.Notices
	}
	switch {
	case schedules != nil && schedules.Config != "":
		f.Config = quoted(schedules.Config)
	case !rules:
		f.Config = `""`
	}
	if rules {
		scope.Tag = fleet.Tag{} // has a policy of its own, which a parameter asks for
	}
	if err := f.attach(actions, scope, "FunctionPolicy"); err != nil {
		return f, err
	}
	return f, f.conditional(actions, tagged, notices)
}

// conditional writes the policies that a parameter asks for.
func (f *filling) conditional(actions []string, s Scope, n Notices) (err error) {
	if f.Keys, err = policyText(s.grantForVolumes([]string{"${Keys}"})); err != nil {
		return err
	}
	if f.DataKeys, err = policyText(s.useOfKeys([]string{"${Keys}"}, n)); err != nil {
		return err
	}
	if f.Licenses, err = policyText(s.licensed()); err != nil || !f.Rules {
		return err
	}
	ops, err := chosen(actions, s)
	if err != nil {
		return err
	}
	if list := s.tagged(ops); len(list) > 0 {
		f.Tagged, err = policyText(list)
	}
	return err
}

// attach makes the managed policies of a role, which are named and numbered.
func (f *filling) attach(actions []string, s Scope, name string) error {
	list, err := s.statements(actions)
	if err != nil {
		return err
	}
	if list, err = alike(list); err != nil {
		return err
	}
	documents, err := pack(list, longest)
	if err != nil {
		return err
	}
	for n, d := range documents {
		m, err := compact(d)
		if err != nil {
			return err
		}
		m.Name = fmt.Sprint(name, n+1)
		f.Policies = append(f.Policies, m)
	}
	return nil
}

// policyText is a policy as JSON in a line.
func policyText(list []Statement) (string, error) {
	json, err := plainJSON(Document{Version: policyVersion, Statement: list}, "")
	return strings.TrimSpace(string(json)), err
}

// longest fills a text with the longest values that its parameters can have,
// so that no policy becomes too large when they are known.
func longest(s string) string {
	return strings.NewReplacer("${!", "${",
		"${AWS::Partition}", "aws-us-gov", "${AWS::AccountId}", strings.Repeat("0", 12),
		"${TagKey}", strings.Repeat("k", 128), "${TagValue}", strings.Repeat("v", 256),
		"${Bucket}", strings.Repeat("b", 63), "${ReportPrefix}", strings.Repeat("p", 512)).Replace(s)
}

// managed is a managed policy of the template: JSON with a statement a line, in
// which what several statements have in common is a variable. A
// template may have 51,200 bytes where it is not uploaded first.
type managed struct {
	Name, Text string
	Variables  []variable
}

// Filled is true where the policy has parameters of the stack; JSON without any is
// YAML as it is.
func (m managed) Filled() bool { return strings.Contains(m.Text, "${") }

// variable is a name with its value, as a text of YAML.
type variable struct{ Name, Text string }

// alike sorts statements so that those which differ in the tag alone stand together:
// a policy then needs fewer variables.
func alike(list []Statement) ([]Statement, error) {
	var order []string
	groups := map[string][]Statement{}
	for _, s := range list {
		json, err := plainJSON(s, "")
		if err != nil {
			return nil, err
		}
		head, rest := split(json)
		head = cmp.Or(head, rest)
		if len(groups[head]) == 0 {
			order = append(order, head)
		}
		groups[head] = append(groups[head], s)
	}
	var sorted []Statement
	for _, head := range order {
		sorted = append(sorted, groups[head]...)
	}
	return sorted, nil
}

// split cuts the text of a statement, without its name, where a tag's key begins.
// The head is empty where there is none.
func split(statement []byte) (head, rest string) {
	const key = `"aws:ResourceTag/`
	_, body, _ := strings.Cut(strings.TrimSpace(string(statement)), ",") // after the Sid, which is a word
	at := strings.Index(body, key)
	if at < 0 {
		return "", body
	}
	return body[:at+len(key)], body[at+len(key):]
}

// compact writes a document as JSON with variables.
func compact(d Document) (managed, error) {
	heads, rests := make([]string, len(d.Statement)), make([]string, len(d.Statement))
	uses := map[string]int{}
	for n, s := range d.Statement {
		json, err := plainJSON(s, "")
		if err != nil {
			return managed{}, err
		}
		heads[n], rests[n] = split(json)
		uses[heads[n]]++
	}
	var m managed
	names := map[string]string{}
	lines := make([]string, len(d.Statement))
	for n, s := range d.Statement {
		head := heads[n]
		if head != "" && uses[head] > 1 {
			if names[head] == "" {
				names[head] = fmt.Sprint("Common", len(names)+1)
				m.Variables = append(m.Variables, variable{names[head], "!Sub " + quoted(head)})
			}
			head = "${" + names[head] + "}"
		}
		lines[n] = fmt.Sprintf(`{"Sid":%q,%s%s`, s.Sid, head, rests[n])
	}
	m.Text = fmt.Sprintf(`{"Version":%q,"Statement":[`, d.Version) + "\n" + strings.Join(lines, ",\n") + "\n]}"
	if strings.Contains(m.Text, "${Bucket}") {
		m.Variables = append(m.Variables, variable{"Bucket", "!If [OwnBucket, !Ref Reports, !Ref ReportBucket]"})
	}
	return m, nil
}

// indent writes every line of a text a little to the right.
func indent(n int, text string) string {
	space := strings.Repeat(" ", n)
	return space + strings.ReplaceAll(text, "\n", "\n"+space)
}

// substituted writes a text so that neither CloudFormation nor IAM reads
// anything into it.
func substituted(s string) string { return unsubstituted(literal(s)) }

// unsubstituted keeps !Sub from replacing what looks like a parameter.
func unsubstituted(s string) string { return strings.ReplaceAll(s, "${", "${!") }

// quoted is a text of YAML.
func quoted(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }
