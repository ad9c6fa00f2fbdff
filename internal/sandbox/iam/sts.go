// Package iam is who may do what: AWS Security Token Service and AWS
// Organizations.
package iam

import (
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"time"
	"unicode/utf8"

	"nightshift/internal/sandbox/policy"
	"nightshift/internal/sandbox/random"
	"nightshift/internal/sandbox/service"
	"nightshift/internal/sandbox/state"
	"nightshift/internal/sandbox/wire"
)

// STSService is AWS Security Token Service.
func STSService() service.Service {
	return service.Service{
		Name: "sts", Operations: []string{"AssumeRole", "GetCallerIdentity"},
		Read: readSTS, Refusal: wire.RefuseQuery(stsNamespace), Serve: serveSTS,
		Names: func(r *service.Call, hit service.Hit) bool { return hit.ByID(r.Params.Text("RoleArn")) },
	}
}

func readSTS(r *wire.Request) {
	r.ReadQuery()
	if r.Action == "GetCallerIdentity" {
		r.Permission = "" // every caller may ask who it is
	}
}

// serveSTS answers GetCallerIdentity and AssumeRole.
func serveSTS(r *service.Call) wire.Answer {
	d := wire.NewDoc()
	action := r.Action
	d.Root(action+"Response", stsNamespace)
	d.Open(action + "Result")
	switch action {
	case "GetCallerIdentity":
		d.Text("Arn", r.Caller.ARN)
		d.Text("UserId", r.Caller.ID)
		d.Text("Account", r.Caller.Account.ID())
	case "AssumeRole":
		if err := assumeRole(r, d); err != nil {
			return r.Refuse(err)
		}
	default:
		return r.Refuse(wire.Invalid("InvalidAction", "Could not find operation "+action+" for version 2011-06-15"))
	}
	d.End(action + "Result")
	d.Open("ResponseMetadata")
	d.Text("RequestId", r.ID)
	d.End("ResponseMetadata")
	d.End(action + "Response")
	return wire.Answer{Status: http.StatusOK, Body: d.Bytes(), Header: r.AnswerHeader("text/xml")}
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
func assumeRole(r *service.Call, d *wire.Doc) *wire.Error {
	ask, err := readAssumption(r)
	if err != nil {
		return err
	}
	if err := r.Authorize(ask.arn, &policy.Context{Region: r.Scope.Region}); err != nil {
		return err
	}
	found := roleNamed(r.Organization, ask.arn)
	if found == nil || found.Account.Suspended || !found.TrustsAccount(r.Caller.Account.ID()) ||
		found.ExternalID != "" && found.ExternalID != ask.externalID {
		return wire.Fail(http.StatusForbidden, "AccessDenied",
			"User: "+r.Caller.ARN+" is not authorized to perform: sts:AssumeRole on resource: "+ask.arn)
	}
	switch {
	case r.Caller.Role && ask.lasts > time.Hour:
		return wire.Invalid("ValidationError", "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining.")
	case ask.lasts > found.MaxSession:
		return wire.Invalid("ValidationError", "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.")
	}
	p := state.Principal{
		Account: found.Account, Policy: found.Policy, Role: true,
		ARN: fmt.Sprintf("arn:aws:sts::%s:assumed-role/%s/%s", found.Account.ID(), found.Name, ask.session),
		ID:  random.UniqueID("AROA", ask.arn) + ":" + ask.session,
	}
	opened := r.Organization.Sessions.Open(p, r.Organization.Clock.Now().Truncate(time.Second).Add(ask.lasts))
	d.Open("AssumedRoleUser")
	d.Text("AssumedRoleId", p.ID)
	d.Text("Arn", p.ARN)
	d.End("AssumedRoleUser")
	d.Open("Credentials")
	d.Text("AccessKeyId", opened.Key)
	d.Text("SecretAccessKey", opened.Secret)
	d.Text("SessionToken", opened.Token)
	d.Text("Expiration", opened.Expires.UTC().Format("2006-01-02T15:04:05Z"))
	d.End("Credentials")
	return nil
}

// roleNamed finds a role by its ARN; nil where there is none.
func roleNamed(o *state.Organization, arn string) *state.AccountRole {
	account, _, _ := strings.Cut(strings.TrimPrefix(arn, "arn:aws:iam::"), ":role/")
	if a := o.Account(account); a != nil {
		return a.RoleByARN(arn)
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
func readAssumption(r *service.Call) (assumption, *wire.Error) {
	f := r.Params
	f.Accept("Action", "Version", "X-Amz-Algorithm", "X-Amz-Credential", "X-Amz-Date",
		"X-Amz-Expires", "X-Amz-Security-Token", "X-Amz-Signature", "X-Amz-SignedHeaders")
	for _, name := range []string{
		"Policy", "PolicyArns", "ProvidedContexts", "SerialNumber", "SourceIdentity", "Tags", "TokenCode", "TransitiveTagKeys",
	} {
		if f.Has(name) {
			return assumption{}, wire.Invalid("NotImplemented", "the sandbox has no "+name+" for AssumeRole")
		}
	}
	ask := assumption{arn: f.Text("RoleArn"), session: f.Text("RoleSessionName"), externalID: f.Text("ExternalId")}
	var wrong violations
	wrong.text("roleArn", f.Has("RoleArn"), ask.arn, 20, 2048, nil)
	wrong.text("roleSessionName", f.Has("RoleSessionName"), ask.session, 2, 64, sessionName)
	if f.Has("ExternalId") {
		wrong.text("externalId", true, ask.externalID, 2, 1224, externalID)
	}
	seconds := int64(3600)
	if f.Has("DurationSeconds") {
		var err *wire.Error
		if seconds, err = f.Number("DurationSeconds"); err != nil {
			return assumption{}, wire.Invalid("MalformedInput", "DurationSeconds is not a number")
		}
		wrong.number("durationSeconds", seconds, 900, 43200)
	}
	if err := f.UnknownParameter(); err != nil {
		return assumption{}, err
	}
	if err := wrong.refusal(); err != nil {
		return assumption{}, err
	}
	if !roleARN.MatchString(ask.arn) {
		return assumption{}, wire.Invalid("ValidationError", ask.arn+" is invalid")
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
func (v *violations) refusal() *wire.Error {
	if len(*v) == 0 {
		return nil
	}
	count := "1 validation error"
	if len(*v) > 1 {
		count = fmt.Sprintf("%d validation errors", len(*v))
	}
	return wire.Invalid("ValidationError", count+" detected: "+strings.Join(*v, "; "))
}

const stsNamespace = "https://sts.amazonaws.com/doc/2011-06-15/"
