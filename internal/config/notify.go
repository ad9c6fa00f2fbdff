package config

import (
	"net"
	"net/url"
	"path"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"go.yaml.in/yaml/v4"

	"nightshift/internal/fleet"
)

// Notify says who gets a message about what happens, and how.
type Notify struct {
	// Recipients are in the order of the file.
	Recipients []Recipient
	// Routes say what goes to whom, all that fit; none means all to everybody.
	Routes []Route
	// BeforeStop is how long before a stop it is announced; 0 is never.
	BeforeStop time.Duration
	// Reminder is after how long a problem that still exists is reported again.
	Reminder time.Duration
	// Page is the address of the daemon's page, for links; empty where there is none.
	Page string
	// Heartbeats are URLs that are called after each good run, by the name of the job.
	Heartbeats map[string]Reference
}

// Channel is the way to a recipient.
type Channel string

// The channels.
const (
	Slack     Channel = "slack"
	Teams     Channel = "teams"
	Webhook   Channel = "webhook"
	SNS       Channel = "sns"
	PagerDuty Channel = "pagerduty"
)

func channels() []string {
	return []string{string(Slack), string(Teams), string(Webhook), string(SNS), string(PagerDuty)}
}

// Recipient is somebody who gets messages.
type Recipient struct {
	Name    string
	Channel Channel
	// Address is the URL, the ARN of the topic, or the integration key.
	Address Reference
	// Secret signs what goes to a webhook; the zero Reference is none.
	Secret Reference
	// URL is where events for PagerDuty go; empty is its own address.
	URL string
}

// Route sends what is about machines with a tag to recipients. One without a tag is
// for everything, also for what is about no machine.
type Route struct {
	Tag fleet.Tag
	To  []string
}

// Scheme is where the value of a Reference is.
type Scheme string

// The schemes.
const (
	Plain       Scheme = ""               // the text itself
	Environment Scheme = "env"            // a variable NIGHTSHIFT_*
	SecretFile  Scheme = "file"           // a file, by its absolute path
	Parameter   Scheme = "ssm"            // a parameter of Systems Manager
	Secret      Scheme = "secretsmanager" // a secret of Secrets Manager
)

// Reference names a value that may be secret, without showing it.
type Reference struct {
	Scheme Scheme
	// Name is the name of the variable, file, parameter or secret, or the value of a
	// Plain one.
	Name string
}

// IsZero reports whether it names nothing.
func (r Reference) IsZero() bool { return r == Reference{} }

// String names it. A plain value is not shown: a URL may hold a token.
func (r Reference) String() string {
	if r.Scheme == Plain {
		return "(in the configuration)"
	}
	return string(r.Scheme) + ":" + r.Name
}

// ParseReference reads one: env:NIGHTSHIFT_NAME, file:/path, ssm:NAME or
// secretsmanager:NAME; everything else is the value itself. The error is of the kind
// fleet.ErrInvalid.
func ParseReference(text string) (Reference, error) {
	scheme, name, found := strings.Cut(text, ":")
	r := Reference{Scheme: Scheme(scheme), Name: name}
	form, known := map[Scheme]struct{ pattern, says string }{
		Environment: {`NIGHTSHIFT_[A-Z0-9_]+`, "only variables whose names begin with NIGHTSHIFT_ are read; write env:NIGHTSHIFT_SLACK_URL"},
		SecretFile:  {`/.+`, "only absolute paths are read; write file:/run/secrets/slack"},
		Parameter:   {`[A-Za-z0-9_./-]+|arn:aws[a-z-]*:ssm:[a-z0-9-]+:[0-9]{12}:parameter/[A-Za-z0-9_./-]+`, "that is not the name of a parameter; write ssm:/nightshift/slack"},
		Secret:      {`[A-Za-z0-9/_+=.@-]+|arn:aws[a-z-]*:secretsmanager:[a-z0-9-]+:[0-9]{12}:secret:[A-Za-z0-9/_+=.@-]+`, "that is not the name of a secret; write secretsmanager:nightshift/slack"},
	}[r.Scheme]
	switch {
	case !found || !known:
		return Reference{Name: text}, nil
	case len(name) > 2048 || !regexp.MustCompile(`^(`+form.pattern+`)$`).MatchString(name):
		return Reference{}, fleet.Errorf(fleet.ErrInvalid, "%s", form.says)
	case r.Scheme == SecretFile && path.Clean(name) != name:
		return Reference{}, fleet.Errorf(fleet.ErrInvalid, "write the path without . and ..: file:%s", path.Clean(name))
	}
	return r, nil
}

// CheckURL refuses an address that would be sent in clear text, or is none. The error
// does not show it.
func CheckURL(address string) error {
	u, err := url.Parse(address)
	switch {
	case err != nil || u.Host == "" || u.Opaque != "":
		return fleet.Errorf(fleet.ErrInvalid, "that is not a URL such as https://example.com/hook")
	case u.User != nil:
		return fleet.Errorf(fleet.ErrInvalid, "a URL with a user or a password is not supported")
	case u.Scheme == "https", u.Scheme == "http" && isLoopback(u.Hostname()):
		return nil
	default:
		return fleet.Errorf(fleet.ErrInvalid, "a URL must begin with https://; http:// is for this machine only")
	}
}

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// Local are the references that only a process on this machine can follow: to its
// variables and files.
func (n Notify) Local() []string {
	var local []string
	add := func(r Reference) {
		if r.Scheme == Environment || r.Scheme == SecretFile {
			local = append(local, r.String())
		}
	}
	for _, r := range n.Recipients {
		add(r.Address)
		add(r.Secret)
	}
	for _, r := range n.Heartbeats {
		add(r)
	}
	slices.Sort(local)
	return slices.Compact(local)
}

func notifyKeys() []string {
	return []string{"recipients", "routes", "before_stop", "reminder", "page", "heartbeat"}
}

func recipientKeys() []string { return append(channels(), "secret", "url") }

func routeKeys() []string { return []string{"tag", "to"} }

// The bounds of the section.
const (
	defaultReminder = 24 * time.Hour
	mostRecipients  = 50
	mostRoutes      = 200
)

// notify reads the section. It comes after jobs, which settle the tick.
func (l *loader) notify(section field) {
	out := &l.out.Notify
	out.Reminder = defaultReminder
	if section.value == nil {
		return
	}
	fields := l.fields(section.value, "notify", notifyKeys())
	var names []string // also of those with an error, which a route may name
	if entry, given := fields["recipients"]; given {
		names = l.recipients(entry.value)
	}
	if entry, given := fields["routes"]; given {
		l.routes(entry.value, names)
	}
	if entry, given := fields["before_stop"]; given {
		out.BeforeStop = l.beforeStop(entry.value)
	}
	if entry, given := fields["reminder"]; given {
		out.Reminder = l.duration(entry.value, "reminder", time.Hour, 31*24*time.Hour)
	}
	if entry, given := fields["page"]; given {
		out.Page = l.page(entry.value)
	}
	if entry, given := fields["heartbeat"]; given {
		out.Heartbeats = map[string]Reference{}
		for name, one := range l.fields(entry.value, "heartbeat", jobNames()) {
			if r, ok := l.reference(one.value, "heartbeat."+name, true); ok {
				out.Heartbeats[name] = r
			}
		}
	}
	if len(names) == 0 && len(fields) > 0 && fields["heartbeat"].value == nil {
		l.at(section.value, "notify names no recipients, so that nobody gets a message")
	}
}

func (l *loader) beforeStop(n *yaml.Node) time.Duration {
	before := l.wrong
	d := l.duration(n, "before_stop", 0, 24*time.Hour)
	least := 2 * l.out.rules.Tick
	switch {
	case l.wrong > before:
		return 0
	case d > 0 && d < least:
		l.at(n, "before_stop is %s; it must be at least two ticks (%s), so that one late run does not keep it back", printDuration(d), printDuration(least))
		return 0
	}
	return d
}

func (l *loader) page(n *yaml.Node) string {
	address, ok := l.text(n, "page")
	if !ok {
		return ""
	}
	if err := CheckURL(address); err != nil {
		l.at(n, "page: %v", err)
		return ""
	}
	if u, err := url.Parse(address); err != nil || u.RawQuery != "" || u.Fragment != "" {
		l.at(n, "page is the address of the page, without anything after ? or #")
		return ""
	}
	return strings.TrimRight(address, "/")
}

// recipients gives the names of all, also of those with an error.
func (l *loader) recipients(n *yaml.Node) []string {
	var names []string
	for _, entry := range l.entries(n, "recipients") {
		names = append(names, entry.name)
		if !regexp.MustCompile(`^[a-z0-9](-?[a-z0-9]){0,39}$`).MatchString(entry.name) {
			l.at(entry.key, "the name of a recipient has at most 40 lower-case letters, digits and hyphens: %q", entry.name)
			continue
		}
		if len(names) > mostRecipients {
			l.at(entry.key, "there are more than %d recipients", mostRecipients)
			break
		}
		if r, ok := l.recipient(entry); ok {
			l.out.Notify.Recipients = append(l.out.Notify.Recipients, r)
		}
	}
	return names
}

func (l *loader) recipient(entry field) (r Recipient, ok bool) {
	before := l.wrong
	fields := l.fields(entry.value, "the recipient "+entry.name, recipientKeys())
	r = Recipient{Name: entry.name}
	for _, channel := range channels() {
		one, given := fields[channel]
		switch {
		case !given:
			continue
		case r.Channel != "":
			l.at(one.key, "the recipient %s has %s and %s; a recipient has one of them", entry.name, r.Channel, channel)
			continue
		}
		r.Channel = Channel(channel)
		r.Address = l.address(one.value, r.Channel)
	}
	if r.Channel == "" && l.wrong == before {
		l.at(entry.value, "the recipient %s does not say how to reach it; write one of %s", entry.name, strings.Join(channels(), ", "))
	}
	if one, given := fields["secret"]; given {
		if r.Secret, _ = l.reference(one.value, "secret", false); r.Channel != Webhook {
			l.at(one.key, "secret signs what goes to a webhook, and %s is none", entry.name)
		}
	}
	if one, given := fields["url"]; given {
		if r.URL, _ = l.text(one.value, "url"); r.Channel != PagerDuty {
			l.at(one.key, "url is where PagerDuty's region is; other channels have their URL in their own key")
		} else if err := CheckURL(r.URL); err != nil && r.URL != "" {
			l.at(one.value, "url: %v", err)
		}
	}
	return r, l.wrong == before
}

// address reads where a channel leads to. Only what is no secret may be written in
// the file: a topic, and the URL of a webhook.
func (l *loader) address(n *yaml.Node, channel Channel) Reference {
	if channel != SNS {
		r, _ := l.reference(n, string(channel), channel == Webhook)
		return r
	}
	arn, ok := l.text(n, "sns")
	if ok && !regexp.MustCompile(`^arn:aws[a-z-]*:sns:[a-z0-9-]+:[0-9]{12}:[A-Za-z0-9_-]{1,256}$`).MatchString(arn) {
		l.at(n, "sns is %q; write the ARN of a topic, as in arn:aws:sns:eu-west-1:123456789012:nightshift", arn)
	}
	return Reference{Name: arn}
}

// reference reads one. Where a plain one is allowed it is a URL.
func (l *loader) reference(n *yaml.Node, what string, plain bool) (Reference, bool) {
	text, ok := l.text(n, what)
	if !ok {
		return Reference{}, false
	}
	r, err := ParseReference(text)
	switch {
	case err != nil:
		l.at(n, "%s: %v", what, err)
	case r.Scheme == Plain && !plain:
		m := l.problem(n.Line, n.Column, "%s is a secret, which must not be written here; name where it is: env:NIGHTSHIFT_NAME, file:/path, ssm:NAME or secretsmanager:NAME", what)
		m.Source = strings.ReplaceAll(m.Source, text, strings.Repeat("*", utf8.RuneCountInString(text)))
		l.add(m)
	case r.Scheme == Plain:
		if err := CheckURL(text); err != nil {
			l.at(n, "%s: %v", what, err)
			return r, false
		}
		return r, true
	default:
		return r, true
	}
	return Reference{}, false
}

func (l *loader) routes(n *yaml.Node, names []string) {
	used := map[string]bool{}
	for i, item := range l.items(n, "routes") {
		if i == mostRoutes {
			l.at(item, "there are more than %d routes", mostRoutes)
			break
		}
		before := l.wrong
		fields := l.fields(item, "a route", routeKeys())
		var route Route
		if entry, given := fields["tag"]; given {
			text, ok := l.text(entry.value, "tag")
			tag, err := fleet.ParseTag(text)
			if ok && err != nil {
				l.at(entry.value, "%v", err)
			}
			route.Tag = tag
		}
		if entry, given := fields["to"]; given {
			route.To = l.routed(entry.value, names)
		} else if l.wrong == before {
			l.at(item, "a route does not say to whom; write to: [%s]", strings.Join(names, ", "))
		}
		for _, name := range route.To {
			used[name] = true
		}
		if l.wrong == before {
			l.out.Notify.Routes = append(l.out.Notify.Routes, route)
		}
	}
	for _, name := range names {
		if !used[name] {
			l.warn(n, "no route leads to the recipient %s", name)
		}
	}
}

// routed are the recipients that a route names.
func (l *loader) routed(n *yaml.Node, names []string) []string {
	var to []string
	for _, item := range l.items(n, "to") {
		name, ok := l.text(item, "a recipient")
		switch {
		case !ok:
		case !slices.Contains(names, name):
			l.at(item, "there is no recipient %q%s", name, meant(name, names))
		case !slices.Contains(to, name):
			to = append(to, name)
		}
	}
	return to
}
