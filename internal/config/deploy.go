package config

import (
	"maps"
	"net/mail"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v4"

	"nightshift/internal/fleet"
)

// Deploy is what the file says of how nightshift is installed in AWS. Empty texts
// mean the default of the deployment.
type Deploy struct {
	// Stack is the name of the CloudFormation stack.
	Stack string
	// AlarmEmail receives the alarms, or those who subscribe to AlarmTopic, the ARN
	// of an SNS topic.
	AlarmEmail, AlarmTopic string
	// ReportBucket is a bucket for the reports instead of one of the stack,
	// ReportPrefix what their keys begin with and ReportKey the ARN of the KMS key
	// that encrypts the stack's bucket.
	ReportBucket, ReportPrefix, ReportKey string
	// DataKeys are the ARNs of KMS keys of buckets and parameters that the function
	// reads or writes, VolumeKeys of volumes of machines that it starts.
	DataKeys, VolumeKeys []string
	// LicenseManager permits starts of instances with a license configuration.
	LicenseManager bool
	// PermissionsBoundary and RolePath are those of the stack's roles, ServiceRole is
	// the role that CloudFormation works with.
	PermissionsBoundary, RolePath, ServiceRole string
	// ArtifactBucket holds code and configuration.
	ArtifactBucket string
	// Tags are set on the stack and all its resources, in the order of their keys.
	Tags []fleet.Tag
	// Architecture is that of the function, arm64 or x86_64.
	Architecture string
	// Enabled lets the jobs run at their times; DryRun lets them change nothing.
	Enabled, DryRun bool
	// LogRetentionDays is how long the function's log is kept.
	LogRetentionDays int
	// TerminationProtection keeps the stack from being deleted.
	TerminationProtection bool
}

// The defaults of a deployment.
const (
	DefaultStack        = "nightshift"
	DefaultReportPrefix = "ec2/"
	DefaultLogRetention = 90
)

func deployKeys() []string {
	return []string{
		"stack", "alarm_email", "alarm_topic", "report_bucket", "report_prefix", "report_key", "data_keys", "volume_keys", "license_manager",
		"permissions_boundary", "role_path", "service_role", "artifact_bucket", "tags", "architecture", "enabled", "dry_run",
		"log_retention_days", "termination_protection",
	}
}

// Architectures are the processors that a function can have, as AWS names them.
func Architectures() []string { return []string{"arm64", "x86_64"} }

// logRetentions are the numbers of days that CloudWatch Logs knows.
func logRetentions() []int {
	return []int{1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653}
}

// The forms of what AWS names, with an example of each.
type awsForm struct{ pattern, example string }

func deployForms() map[string]awsForm {
	const partition, key = `arn:aws(-[a-z]+)*:`, `arn:aws(-[a-z]+)*:kms:[a-z0-9-]+:[0-9]{12}:key/[A-Za-z0-9-]+`
	keyForm := awsForm{key, "arn:aws:kms:us-east-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"}
	bucket := awsForm{`[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]`, "example-reports"}
	return map[string]awsForm{
		"stack":                {`[a-zA-Z][-a-zA-Z0-9]{0,127}`, DefaultStack},
		"alarm_topic":          {partition + `sns:[a-z0-9-]+:[0-9]{12}:[A-Za-z0-9_-]{1,256}`, "arn:aws:sns:us-east-1:123456789012:alarms"},
		"report_bucket":        bucket,
		"artifact_bucket":      bucket,
		"report_prefix":        {`[A-Za-z0-9/!_.'()-]{1,512}`, DefaultReportPrefix},
		"report_key":           keyForm,
		"data_keys":            keyForm,
		"volume_keys":          keyForm,
		"permissions_boundary": {partition + `iam::([0-9]{12}|aws):policy/[A-Za-z0-9+=,.@_/-]+`, "arn:aws:iam::123456789012:policy/boundary"},
		"role_path":            {`/([A-Za-z0-9+=,.@_-]+/)*`, "/nightshift/production/"},
		"service_role":         {partition + `iam::[0-9]{12}:role/[A-Za-z0-9+=,.@_/-]+`, "arn:aws:iam::123456789012:role/cloudformation"},
	}
}

// CheckStackName refuses what CloudFormation does not take as the name of a stack.
func CheckStackName(name string) error {
	form := deployForms()["stack"]
	if !regexp.MustCompile(`^(` + form.pattern + `)$`).MatchString(name) {
		return fleet.Errorf(fleet.ErrInvalid, "the name of the stack is %q; it must begin with a letter and have at most 128 letters, digits and hyphens", name)
	}
	return nil
}

// deploy reads the section; what it does not say has defaults.
func (l *loader) deploy(section field) {
	out := &l.out.Deploy
	*out = Deploy{Stack: DefaultStack, ReportPrefix: DefaultReportPrefix, LogRetentionDays: DefaultLogRetention, Enabled: true}
	if section.value == nil {
		return
	}
	fields := l.fields(section.value, "deploy", deployKeys())
	texts := map[string]*string{
		"stack": &out.Stack, "alarm_topic": &out.AlarmTopic, "report_bucket": &out.ReportBucket, "report_prefix": &out.ReportPrefix,
		"report_key": &out.ReportKey, "permissions_boundary": &out.PermissionsBoundary, "role_path": &out.RolePath,
		"service_role": &out.ServiceRole, "artifact_bucket": &out.ArtifactBucket,
	}
	lists := map[string]*[]string{"data_keys": &out.DataKeys, "volume_keys": &out.VolumeKeys}
	flags := map[string]*bool{
		"license_manager": &out.LicenseManager, "enabled": &out.Enabled, "dry_run": &out.DryRun, "termination_protection": &out.TerminationProtection,
	}
	for _, key := range deployKeys() { // in this order, so that runs are alike
		entry, given := fields[key]
		if !given {
			continue
		}
		switch {
		case texts[key] != nil:
			if text, ok := l.formed(entry.value, key); ok {
				*texts[key] = text
			}
		case lists[key] != nil:
			*lists[key] = l.allFormed(entry.value, key)
		case flags[key] != nil:
			*flags[key] = l.boolean(entry.value, key)
		case key == "alarm_email":
			out.AlarmEmail = l.email(entry.value)
		case key == "tags":
			out.Tags = l.stackTags(entry.value)
		case key == "architecture":
			out.Architecture = l.architecture(entry.value)
		case key == "log_retention_days":
			out.LogRetentionDays = l.retention(entry.value)
		}
	}
	l.checkDeploy(fields)
}

// checkDeploy refuses settings of which one makes another meaningless.
func (l *loader) checkDeploy(fields map[string]field) {
	for _, pair := range [][3]string{
		{"alarm_topic", "alarm_email", "subscribe the address to the topic"},
		{"report_bucket", "report_key", "set the key on the bucket, and list it under data_keys"},
	} {
		first, hasFirst := fields[pair[0]]
		if second, hasSecond := fields[pair[1]]; hasFirst && hasSecond {
			l.at(second.key, "%s has no effect with the %s in line %d: %s", pair[1], pair[0], first.key.Line, pair[2])
		}
	}
}

// formed reads a text in the form that AWS asks for.
func (l *loader) formed(n *yaml.Node, key string) (string, bool) {
	text, ok := l.text(n, key)
	form := deployForms()[key]
	if ok && (len(text) > 2048 || !regexp.MustCompile(`^(`+form.pattern+`)$`).MatchString(text)) {
		l.at(n, "%s is %q; write it as in %s", key, text, form.example)
		ok = false
	}
	if ok && (key == "report_bucket" || key == "artifact_bucket") && strings.Contains(text, "..") {
		l.at(n, "%s is %q; it is not a bucket's name", key, text)
		ok = false
	}
	return text, ok
}

// allFormed reads a list of such texts, each once.
func (l *loader) allFormed(n *yaml.Node, key string) []string {
	var all []string
	for _, item := range l.items(n, key) {
		text, ok := l.formed(item, key)
		switch {
		case !ok:
		case slices.Contains(all, text):
			l.at(item, "%s has %s twice", key, text)
		default:
			all = append(all, text)
		}
	}
	return all
}

func (l *loader) email(n *yaml.Node) string {
	text, ok := l.text(n, "alarm_email")
	if !ok {
		return ""
	}
	address, err := mail.ParseAddress(text)
	if err != nil || address.Address != text || !strings.Contains(text, ".") {
		l.at(n, "alarm_email is %q; it must be an address such as ops@example.com", text)
		return ""
	}
	return text
}

// mostTags is how many tags of a stack are the file's: AWS takes 50, of which
// nightshift sets three.
const mostTags = 47

// stackTags reads keys and values as AWS takes them.
func (l *loader) stackTags(n *yaml.Node) []fleet.Tag {
	tags := map[string]string{}
	entries := l.entries(n, "tags")
	if len(entries) > mostTags {
		l.at(n, "tags has %d tags; a stack has room for %d", len(entries), mostTags)
	}
	form := regexp.MustCompile(`^[\p{L}\p{N}\p{Z}_.:/=+@-]*$`)
	for _, entry := range entries {
		value, ok := l.text(entry.value, "the tag "+entry.name)
		switch key := entry.name; {
		case !ok:
		case key == "" || utf8.RuneCountInString(key) > 128 || !form.MatchString(key):
			l.at(entry.key, "the tag's key %q must have 1 to 128 letters, digits, spaces and characters of _.:/=+-@", key)
		case strings.HasPrefix(strings.ToLower(key), "aws:"):
			l.at(entry.key, "the tag's key %q begins with aws:, which AWS keeps for itself", key)
		case strings.HasPrefix(key, "nightshift:"):
			l.at(entry.key, "the tag's key %q begins with nightshift:, which nightshift keeps for itself", key)
		case utf8.RuneCountInString(value) > 256 || !form.MatchString(value):
			l.at(entry.value, "the value of the tag %s must have at most 256 letters, digits, spaces and characters of _.:/=+-@", key)
		default:
			tags[key] = value
		}
	}
	var list []fleet.Tag
	for _, key := range slices.Sorted(maps.Keys(tags)) {
		list = append(list, fleet.Tag{Key: key, Value: tags[key]})
	}
	return list
}

func (l *loader) architecture(n *yaml.Node) string {
	text, ok := l.text(n, "architecture")
	switch {
	case !ok:
		return ""
	case slices.Contains(Architectures(), text):
		return text
	case text == "amd64":
		l.at(n, "architecture is %q: AWS calls it x86_64", text)
	default:
		l.at(n, "architecture is %q%s", text, meant(text, Architectures()))
	}
	return ""
}

func (l *loader) retention(n *yaml.Node) int {
	text, ok := l.text(n, "log_retention_days")
	if !ok {
		return DefaultLogRetention
	}
	days, err := strconv.Atoi(text)
	if err != nil || !slices.Contains(logRetentions(), days) {
		var known []string
		for _, d := range logRetentions() {
			known = append(known, strconv.Itoa(d))
		}
		l.at(n, "log_retention_days is %q; CloudWatch Logs knows %s", text, strings.Join(known, ", "))
		return DefaultLogRetention
	}
	return days
}
