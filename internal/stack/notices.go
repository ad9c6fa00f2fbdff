package stack

import (
	"cmp"
	"errors"
	"slices"
	"strings"

	"nightshift/internal/fleet"
)

// Notices is what messages to people need. The zero value is nothing.
type Notices struct {
	// Recipients is true where somebody is told: what was told is kept below the
	// journal.
	Recipients bool
	// Topics are the ARNs of topics of SNS. Parameters and Secrets are names or ARNs of
	// those that hold URLs, keys and secrets.
	Topics, Parameters, Secrets []string
}

// The forms of names and ARNs.
const (
	topicForm     = `arn:` + partitionForm + `:sns:[a-z0-9-]+:[0-9]{12}:[A-Za-z0-9_-]+`
	parameterForm = `[A-Za-z0-9_./-]+|arn:` + partitionForm + `:ssm:[a-z0-9-]+:[0-9]{12}:parameter/[A-Za-z0-9_./-]+`
	secretForm    = `[A-Za-z0-9/_+=.@-]+|arn:` + partitionForm + `:secretsmanager:[a-z0-9-]+:[0-9]{12}:secret:[A-Za-z0-9/_+=.@-]+`
)

// check refuses what is no name: a wildcard in it would allow too much.
func (n Notices) check() error {
	var errs []error
	for _, list := range []struct {
		what, form string
		names      []string
	}{{"topic", topicForm, n.Topics}, {"parameter", parameterForm, n.Parameters}, {"secret", secretForm, n.Secrets}} {
		for _, name := range list.names {
			if !matches(list.form, name) {
				errs = append(errs, fleet.Errorf(fleet.ErrInvalid, "%s %q: that is neither a name nor an ARN", list.what, name))
			}
		}
	}
	return errors.Join(errs...)
}

// written gives the notices with texts as a policy needs them.
func (n Notices) written(value func(string) string) Notices {
	for _, list := range []*[]string{&n.Topics, &n.Parameters, &n.Secrets} {
		all := make([]string, len(*list))
		for k, name := range *list {
			all[k] = value(name)
		}
		*list = sorted(all)
	}
	return n
}

// noticed lets messages be sent, and be remembered.
func (s Scope) noticed(list *statements, ops operations) {
	n := s.Schedules.Notices
	if !s.does(Notify) {
		return
	}
	account := cmp.Or(s.Account, "*")
	arns := func(names []string, of func(string) string) []string {
		var all []string
		for _, name := range names {
			if !strings.HasPrefix(name, "arn:") {
				name = of(name)
			}
			all = append(all, name)
		}
		return slices.Compact(all)
	}
	if len(n.Topics) > 0 {
		list.allow("Publish", ops.with(accessTopic), n.Topics, nil)
	}
	if parameters := arns(n.Parameters, func(name string) string {
		return s.arn("ssm", "*", account, "parameter/"+strings.TrimPrefix(name, "/"))
	}); len(parameters) > 0 {
		list.allow("ReadParameters", ops.with(accessParameter), parameters, nil)
	}
	// The ARN of a secret ends in a hyphen and six characters that AWS chooses.
	if secrets := arns(n.Secrets, func(name string) string {
		return s.arn("secretsmanager", "*", account, "secret:"+name+"-??????")
	}); len(secrets) > 0 {
		list.allow("ReadSecrets", ops.with(accessSecret), secrets, nil)
	}
	// Nothing is listed: whether there is an object, a conditional write tells.
	if bucket, prefix, ok := object(strings.TrimSuffix(s.Schedules.Journal, "/") + "/notify/"); ok && n.Recipients {
		list.allow("KeepNotices", ops.with(accessRead, accessWrite), []string{s.arn("s3", "", "", bucket+"/"+prefix+"*")}, nil)
	}
}
