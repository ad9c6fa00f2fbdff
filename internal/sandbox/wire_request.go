package sandbox

import (
	"encoding/json"
	"net/http"
	"strings"
	"time"
)

// scope is what a Signature Version 4 says about its request:
// Credential=KEY/DATE/REGION/SERVICE/aws4_request.
type scope struct {
	key     string
	region  string
	service string
}

// scopeOf reads the scope from the Authorization header or, for presigned
// requests, from the query. Without a signature everything is empty.
func scopeOf(r *http.Request) scope {
	credential := r.URL.Query().Get("X-Amz-Credential")
	if _, after, ok := strings.Cut(r.Header.Get("Authorization"), "Credential="); ok {
		credential, _, _ = strings.Cut(after, ",")
	}
	parts := strings.Split(strings.TrimSpace(credential), "/")
	if len(parts) != 5 || parts[4] != "aws4_request" {
		return scope{}
	}
	return scope{key: parts[0], region: parts[2], service: parts[3]}
}

// answer is what goes back to the client. cut means that the connection is
// closed instead.
type answer struct {
	status int
	header http.Header
	body   []byte
	code   string // AWS error code
	cut    bool
}

// request is an API call as it came in. Its operation and what follows the
// scope are known once its service has read it.
type request struct {
	*http.Request
	scope      scope
	payload    []byte
	id         string // request id
	now        time.Time
	action     string  // the API operation, such as "StopInstances"
	permission string  // the IAM action that the operation needs; empty where none is needed
	query      bool    // its parameters are a form, as in the Query protocol
	form       *params // of a query
	dryRun     bool
	ids        int // how many resource ids it names
	refusal    refusal
}

// refusal writes an error in the shape of a service.
type refusal func(*request, *apiError) answer

// refuse answers with an error in the shape of the request's service.
func (r *request) refuse(e *apiError) answer {
	a := r.refusal(r, e)
	a.code = e.code
	return a
}

// readQuery finds the operation and the parameters of a request of the Query
// protocol.
func (r *request) readQuery() {
	r.query = true
	r.form = parseParams(r.URL.RawQuery, r.payload)
	r.action = r.form.text("Action")
	r.dryRun = r.form.flag("DryRun")
	r.permission = r.scope.service + ":" + r.action
}

// readTarget finds the operation of a request of the AWS JSON protocols. Where
// it is a form all the same, its errors are those of the Query protocol.
func (r *request) readTarget() {
	target := r.Header.Get("X-Amz-Target")
	_, r.action, _ = strings.Cut(target, ".")
	if r.query = r.isForm() && target == ""; r.query {
		r.action = parseParams(r.URL.RawQuery, r.payload).text("Action")
	}
	r.permission = r.scope.service + ":" + r.action
}

// isForm says whether a request looks like one of the Query protocol.
func (r *request) isForm() bool {
	return strings.HasPrefix(r.Header.Get("Content-Type"), "application/x-www-form-urlencoded") || r.URL.Query().Has("Action")
}

func sender(status int) string {
	if status >= http.StatusInternalServerError {
		return "Receiver"
	}
	return "Sender"
}

// header is the start of an answer's headers.
func (r *request) header(contentType string) http.Header {
	return http.Header{
		"Content-Type":     {contentType},
		"X-Amzn-Requestid": {r.id},
		"Date":             {r.now.UTC().Format(http.TimeFormat)},
	}
}

// jsonErrorCode reads the code from an error of a JSON service.
func jsonErrorCode(body []byte) string {
	var e struct {
		Type string `json:"__type"`
	}
	if err := json.Unmarshal(body, &e); err != nil || e.Type == "" {
		return "UnknownError"
	}
	return e.Type
}
