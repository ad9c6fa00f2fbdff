package sandbox

import "net/http"

// serveSTS answers GetCallerIdentity, the one STS operation of the account.
func (s *Sandbox) serveSTS(r *request) answer {
	if r.call.Action != "GetCallerIdentity" {
		return r.refuse(invalid("InvalidAction", "Could not find operation "+r.call.Action+" for version 2011-06-15"))
	}
	d := newDoc()
	d.root("GetCallerIdentityResponse", stsNamespace)
	d.open("GetCallerIdentityResult")
	d.text("Arn", r.caller.arn)
	d.text("UserId", r.caller.id)
	d.text("Account", r.caller.account.id)
	d.end("GetCallerIdentityResult")
	d.open("ResponseMetadata")
	d.text("RequestId", r.id)
	d.end("ResponseMetadata")
	d.end("GetCallerIdentityResponse")
	return answer{status: http.StatusOK, body: d.bytes(), header: r.header("text/xml")}
}
