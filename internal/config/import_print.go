package config

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"unicode"

	"go.yaml.in/yaml/v4"

	"nightshift/internal/schedule"
	"nightshift/internal/schedule/foreign"
)

// print writes the schedules as a nightshift.yaml for people to go on with.
func (in *importer) print(all []kept) []byte {
	var out bytes.Buffer
	fmt.Fprintln(&out, "# The schedules of Instance Scheduler on AWS. Look at what they do with")
	fmt.Fprintln(&out, "# `nightshift power week`, and hold them to the tags in use with")
	fmt.Fprintln(&out, "# `nightshift check --live`, before the old scheduler is switched off.")
	fmt.Fprintln(&out)
	if in.zone == "" {
		fmt.Fprintln(&out, "# For schedules without a time zone: what the scheduler's stack has as its")
		fmt.Fprintln(&out, "# parameter DefaultTimezone.")
	}
	fmt.Fprintf(&out, "timezone: %s\n\nschedules:\n", quote(in.defaultZone()))
	for i, k := range all {
		if i > 0 {
			fmt.Fprintln(&out)
		}
		k.print(&out)
	}
	in.printRules(&out, all)
	return out.Bytes()
}

// print writes one schedule.
func (k kept) print(out io.Writer) {
	if names := periodNames(k.Periods); names != "" {
		comment(out, "  ", "periods: "+names)
	}
	for _, note := range k.notes {
		comment(out, "  ", "note: "+note)
	}
	fmt.Fprintf(out, "  %s:\n", quote(k.Name))
	if text := oneLine(k.Description); text != "" {
		fmt.Fprintf(out, "    description: %s\n", quote(text))
	}
	d := k.reading.Definition
	if d.Zone != nil {
		fmt.Fprintf(out, "    timezone: %s\n", quote(d.Zone.String()))
	}
	if d.Never {
		fmt.Fprintln(out, "    never: true")
	}
	printList(out, "running", d.Running)
	printList(out, "unmanaged", d.Unmanaged)
	printList(out, "start", d.Start)
	printList(out, "stop", d.Stop)
}

func printList[T schedule.Window | schedule.DayTime](out io.Writer, key string, values []T) {
	switch len(values) {
	case 0:
	case 1:
		fmt.Fprintf(out, "    %s: [%s]\n", key, doubleQuote(fmt.Sprint(values[0])))
	default:
		fmt.Fprintf(out, "    %s:\n", key)
		for _, value := range values {
			fmt.Fprintf(out, "      - %s\n", doubleQuote(fmt.Sprint(value)))
		}
	}
}

// periodNames lists periods with what is said about them.
func periodNames(periods []foreign.Period) string {
	var texts []string
	for _, p := range periods {
		text := p.Name
		if p.InstanceType != "" {
			text += "@" + p.InstanceType
		}
		if p.Description != "" {
			text += " (" + p.Description + ")"
		}
		// The periods of a template have numbers instead of names.
		if strings.Trim(text, "0123456789") != "" {
			texts = append(texts, text)
		}
	}
	return strings.Join(texts, ", ")
}

// flags are the settings that Instance Scheduler keeps in a schedule and
// nightshift in a rule.
func (k kept) flags() string {
	var text strings.Builder
	for _, flag := range []struct {
		name string
		set  bool
	}{
		{"enforce", k.Enforced},
		{"stop_new", k.StopNewInstances},
		{"retain_running", k.RetainRunning},
		{"hibernate", k.Hibernate},
	} {
		if flag.set {
			fmt.Fprintf(&text, "      %s: true\n", flag.name)
		}
	}
	return text.String()
}

// printRules writes a rule for each schedule with settings of its own, and
// the one for all others.
func (in *importer) printRules(out io.Writer, all []kept) {
	usual := kept{definition: definition{InstanceSchedule: foreign.InstanceSchedule{StopNewInstances: true}}}.flags()
	fmt.Fprintln(out, "\npower:")
	fmt.Fprintln(out, "  rules: # the first one that fits a machine decides")
	for _, k := range all {
		if k.flags() != usual {
			fmt.Fprintf(out, "    - tag: %s\n      schedule: %s\n%s", quote(in.tag+"="+k.Name), quote(k.Name), k.flags())
		}
	}
	fmt.Fprintf(out, "    - tag: %s # its value names the schedule\n%s", quote(in.tag), usual)
	fmt.Fprintln(out, "      # Databases and Auto Scaling groups, too, if the scheduler had them:")
	fmt.Fprintln(out, "      # kinds: [instance, db-instance, db-cluster, auto-scaling-group]")
}

// comment writes lines of at most 80 columns where words allow it.
func comment(out io.Writer, indent, text string) {
	line := indent + "#"
	for word := range strings.FieldsSeq(oneLine(text)) {
		if len(line)+1+len(word) > 80 && line != indent+"#" {
			fmt.Fprintln(out, line)
			line = indent + "#  "
		}
		line += " " + word
	}
	fmt.Fprintln(out, line)
}

// oneLine is a text without line ends and other control characters.
func oneLine(text string) string {
	text = strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(text, "?"))
	return strings.Join(strings.Fields(text), " ")
}

// quote writes a text as YAML, without quotes where they are not needed.
func quote(text string) string { return scalar(text, 0) }

// doubleQuote writes a text as YAML within quotes.
func doubleQuote(text string) string { return scalar(text, yaml.DoubleQuotedStyle) }

func scalar(text string, style yaml.Style) string {
	node := yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: text, Style: style}
	out, err := yaml.Dump(&node, yaml.WithLineWidth(-1))
	if err != nil { // a text without control characters can always be written
		return "null"
	}
	return strings.TrimSpace(string(out))
}
