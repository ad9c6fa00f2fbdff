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

// Template is the CloudFormation template, in YAML, that installs nightshift:
// the function, schedules that stop, start and report, a private bucket, a
// queue for what could not be done, and roles. Everything that differs from one
// account to the next is a parameter of the template.
//
// The function's role may do exactly what [Policy] says of the actions. Its
// code is a file named bootstrap beside the template, which `aws cloudformation
// package` puts into an archive and uploads.
func Template(actions []string) ([]byte, error) {
	policy, err := document(actions, Scope{
		Partition: "${AWS::Partition}",
		Account:   "${AWS::AccountId}",
		Tag:       fleet.Tag{Key: "${TagKey}", Value: "${TagValue}"},
		Bucket:    "${Reports}",
		Prefix:    "${ReportPrefix}",
	})
	if err != nil {
		return nil, fmt.Errorf("template: %w", err)
	}
	keys := Document{Version: policy.Version, Statement: []Statement{grantForVolumes([]string{"${Keys}"})}}

	var text bytes.Buffer
	for line := range strings.Lines(skeleton) {
		insert := Document{}
		switch strings.TrimSpace(line) {
		case "{policy}":
			insert = policy
		case "{keys}":
			insert = keys
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
