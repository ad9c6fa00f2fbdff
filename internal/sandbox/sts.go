package sandbox

import (
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"time"
	"unicode/utf8"
)

// stsService is AWS Security Token Service.
func stsService() service {
	return service{
		name: "sts", operations: []string{"AssumeRole", "GetCallerIdentity"},
		read: readSTS, refusal: refuseQuery(stsNamespace), serve: serveSTS,
		names: func(r *call, hit faultHit) bool { return hit.byID(r.form.text("RoleArn")) },
	}
}

func readSTS(r *request) {
	r.readQuery()
	if r.action == "GetCallerIdentity" {
		r.permission = "" // every caller may ask who it is
	}
}

// serveSTS answers GetCallerIdentity and AssumeRole.
func serveSTS(r *call) answer {
	d := newDoc()
	action := r.action
	d.root(action+"Response", stsNamespace)
	d.open(action + "Result")
	switch action {
	case "GetCallerIdentity":
		d.text("Arn", r.caller.arn)
		d.text("UserId", r.caller.id)
		d.text("Account", r.caller.account.ID())
	case "AssumeRole":
		if err := assumeRole(r, d); err != nil {
			return r.refuse(err)
		}
	default:
		return r.refuse(invalid("InvalidAction", "Could not find operation "+action+" for version 2011-06-15"))
	}
	d.end(action + "Result")
	d.open("ResponseMetadata")
	d.text("RequestId", r.id)
	d.end("ResponseMetadata")
	d.end(action + "Response")
	return answer{status: http.StatusOK, body: d.bytes(), header: r.header("text/xml")}
}

// assumption is what a call of AssumeRole asks for.
type assumption struct {
	arn        string
	session    string
	externalID string
	lasts      time.Duration
}

// assumeRole opens a session of a role. Whatever speaks against it, the caller
// learns no more than that it is denied, as in AWS.
func assumeRole(r *call, d *doc) *apiError {
	ask, err := readAssumption(r)
	if err != nil {
		return err
	}
	if err := r.authorize(ask.arn, &policyContext{region: r.scope.region}); err != nil {
		return err
	}
	found := roleNamed(r.org, ask.arn)
	if found == nil || found.account.suspended || !found.trusts(r.caller.account.ID()) ||
		found.ExternalID != "" && found.ExternalID != ask.externalID {
		return fail(http.StatusForbidden, "AccessDenied",
			"User: "+r.caller.arn+" is not authorized to perform: sts:AssumeRole on resource: "+ask.arn)
	}
	switch {
	case r.caller.role && ask.lasts > time.Hour:
		return invalid("ValidationError", "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining.")
	case ask.lasts > found.MaxSession:
		return invalid("ValidationError", "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.")
	}
	p := principal{
		account: found.account, policy: &found.policy, role: true,
		arn: fmt.Sprintf("arn:aws:sts::%s:assumed-role/%s/%s", found.account.ID(), found.Name, ask.session),
		id:  uniqueID("AROA", ask.arn) + ":" + ask.session,
	}
	opened := r.org.sessions.open(p, r.org.clock.Now().Truncate(time.Second).Add(ask.lasts))
	d.open("AssumedRoleUser")
	d.text("AssumedRoleId", p.id)
	d.text("Arn", p.arn)
	d.end("AssumedRoleUser")
	d.open("Credentials")
	d.text("AccessKeyId", opened.key)
	d.text("SecretAccessKey", opened.secret)
	d.text("SessionToken", opened.token)
	d.text("Expiration", opened.expires.UTC().Format("2006-01-02T15:04:05Z"))
	d.end("Credentials")
	return nil
}

// roleNamed finds a role by its ARN; nil where there is none.
func roleNamed(o *organization, arn string) *accountRole {
	account, name, _ := strings.Cut(strings.TrimPrefix(arn, "arn:aws:iam::"), ":role/")
	if a := o.account(account); a != nil {
		return a.roles[name]
	}
	return nil
}

var (
	roleARN     = regexp.MustCompile(`^arn:aws:iam::\d{12}:role/[\w+=,.@/-]+$`)
	sessionName = regexp.MustCompile(`^[\w+=,.@-]*$`)
	externalID  = regexp.MustCompile(`^[\w+=,.@:/-]*$`)
)

// readAssumption reads the parameters of AssumeRole within the limits of the
// API Reference. Those that would narrow or name the session are refused, as
// ignoring them would grant more than was asked for.
func readAssumption(r *call) (assumption, *apiError) {
	f := r.form
	f.accept("Action", "Version", "X-Amz-Algorithm", "X-Amz-Credential", "X-Amz-Date",
		"X-Amz-Expires", "X-Amz-Security-Token", "X-Amz-Signature", "X-Amz-SignedHeaders")
	for _, name := range []string{
		"Policy", "PolicyArns", "ProvidedContexts", "SerialNumber", "SourceIdentity", "Tags", "TokenCode", "TransitiveTagKeys",
	} {
		if f.has(name) {
			return assumption{}, invalid("NotImplemented", "the practice account has no "+name+" for AssumeRole")
		}
	}
	ask := assumption{arn: f.text("RoleArn"), session: f.text("RoleSessionName"), externalID: f.text("ExternalId")}
	var wrong violations
	wrong.text("roleArn", f.has("RoleArn"), ask.arn, 20, 2048, nil)
	wrong.text("roleSessionName", f.has("RoleSessionName"), ask.session, 2, 64, sessionName)
	if f.has("ExternalId") {
		wrong.text("externalId", true, ask.externalID, 2, 1224, externalID)
	}
	seconds := int64(3600)
	if f.has("DurationSeconds") {
		var err *apiError
		if seconds, err = f.number("DurationSeconds"); err != nil {
			return assumption{}, invalid("MalformedInput", "DurationSeconds is not a number")
		}
		wrong.number("durationSeconds", seconds, 900, 43200)
	}
	if err := f.unknownParameter(); err != nil {
		return assumption{}, err
	}
	if err := wrong.refusal(); err != nil {
		return assumption{}, err
	}
	if !roleARN.MatchString(ask.arn) {
		return assumption{}, invalid("ValidationError", ask.arn+" is invalid")
	}
	ask.lasts = time.Duration(seconds) * time.Second
	return ask, nil
}

// violations collects the constraints that the parameters of a call break, in the
// words of AWS.
type violations []string

func (v *violations) add(value, name, constraint string) {
	*v = append(*v, "Value "+value+" at '"+name+"' failed to satisfy constraint: Member must "+constraint)
}

// text checks a text of least to most characters.
func (v *violations) text(name string, there bool, value string, least, most int, pattern *regexp.Regexp) {
	quoted := "'" + value + "'"
	n := utf8.RuneCountInString(value)
	switch {
	case !there:
		v.add("null", name, "not be null")
		return
	case n < least:
		v.add(quoted, name, fmt.Sprintf("have length greater than or equal to %d", least))
	case n > most:
		v.add(quoted, name, fmt.Sprintf("have length less than or equal to %d", most))
	}
	if pattern != nil && !pattern.MatchString(value) {
		v.add(quoted, name, "satisfy regular expression pattern: "+strings.Trim(pattern.String(), "^$"))
	}
}

// number checks a number from least to most.
func (v *violations) number(name string, value, least, most int64) {
	switch {
	case value < least:
		v.add(fmt.Sprintf("'%d'", value), name, fmt.Sprintf("have value greater than or equal to %d", least))
	case value > most:
		v.add(fmt.Sprintf("'%d'", value), name, fmt.Sprintf("have value less than or equal to %d", most))
	}
}

// refusal is the error that names them all; nil where there are none.
func (v *violations) refusal() *apiError {
	if len(*v) == 0 {
		return nil
	}
	count := "1 validation error"
	if len(*v) > 1 {
		count = fmt.Sprintf("%d validation errors", len(*v))
	}
	return invalid("ValidationError", count+" detected: "+strings.Join(*v, "; "))
}

const stsNamespace = "https://sts.amazonaws.com/doc/2011-06-15/"
