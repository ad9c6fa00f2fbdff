package stack

import (
	"bytes"
	_ "embed" // the template
	"fmt"
	"strings"

	"nightshift/internal/fleet"
)

//go:embed template.yaml
var skeleton string

// maxInline is what the policy of the template's role may have of the 10,240
// characters that IAM allows all inline policies of a role together: the rest
// is for those that write logs and read keys and configuration, and for the
// values of parameters.
const maxInline = 8192

// Template is the CloudFormation template, in YAML, that installs nightshift:
// the function, schedules that stop, start and report, a private bucket, a
// queue for what could not be done, and roles. Everything that differs from one
// account to the next is a parameter of the template.
//
// With schedules, which may be nil, the function follows them, too: every five
// minutes, by the configuration that a parameter names. Then nothing stops and
// starts by the tag alone unless somebody sets when. What the rules choose is
// part of the template, which has to be made again when they choose by other
// tags.
//
// The function's role may do exactly what [Policy] says of the actions. Its
// code is a file named bootstrap beside the template, which `aws cloudformation
// package` puts into an archive and uploads.
//
// The role may also do what a configured cost report needs; the zero value of
// costs needs nothing more.
func Template(actions []string, schedules *Schedules, costs Costs) ([]byte, error) {
	if err := costs.check(); err != nil {
		return nil, fmt.Errorf("template: %w", err)
	}
	scope := Scope{
		Partition: "${AWS::Partition}",
		Account:   "${AWS::AccountId}",
		Tag:       fleet.Tag{Key: "${TagKey}", Value: "${TagValue}"},
		Bucket:    "${Reports}",
		Prefix:    "${ReportPrefix}",
		Costs:     costs.written(substituted),
	}
	config := ""
	if schedules != nil {
		if err := schedules.check(); err != nil {
			return nil, fmt.Errorf("template: %w", err)
		}
		config = schedules.Config
		scope.Schedules = schedules.written(substituted, unsubstituted)
		scope.Schedules.Config = "" // a parameter, with statements of its own
	}
	policy, err := document(actions, scope)
	if err != nil {
		return nil, fmt.Errorf("template: %w", err)
	}
	if err := policy.fits(maxInline); err != nil {
		return nil, fmt.Errorf("template: %w", err)
	}
	keys := Document{Version: policy.Version, Statement: []Statement{grantForVolumes([]string{"${Keys}"})}}

	var text bytes.Buffer
	for line := range chosen(skeleton, schedules != nil) {
		insert := Document{}
		switch strings.TrimSpace(line) {
		case "{policy}":
			insert = policy
		case "{keys}":
			insert = keys
		case "Default: {config}":
			if config != "" {
				text.WriteString(strings.Replace(line, "{config}", quoted(config), 1))
			}
			continue
		default:
			text.WriteString(line)
			continue
		}
		json, err := insert.JSON()
		if err != nil {
			return nil, fmt.Errorf("template: %w", err)
		}
		indent := line[:strings.IndexByte(line, '{')]
		for row := range strings.Lines(string(json)) {
			text.WriteString(indent + row)
		}
	}
	return text.Bytes(), nil
}

// chosen gives the lines of a text without those that are for schedules, or
// without those that are for none:
//
//	{if schedules}
//	…
//	{else}
//	…
//	{end}
//
// The package text/template would do more, and keep the linker from leaving
// out methods that nothing calls.
func chosen(text string, schedules bool) func(yield func(string) bool) {
	return func(yield func(string) bool) {
		take := true
		for line := range strings.Lines(text) {
			switch strings.TrimSpace(line) {
			case "{if schedules}":
				take = schedules
			case "{else}":
				take = !schedules
			case "{end}":
				take = true
			default:
				if take && !yield(line) {
					return
				}
			}
		}
	}
}

// substituted writes a text so that neither CloudFormation nor IAM reads
// anything into it.
func substituted(s string) string { return unsubstituted(literal(s)) }

// unsubstituted keeps !Sub from replacing what looks like a parameter.
func unsubstituted(s string) string { return strings.ReplaceAll(s, "${", "${!") }

// quoted is a text of YAML.
func quoted(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }
