// Package wire is how requests and answers of the sandbox look on the wire: the
// Query protocol and the one that EC2 has instead, AWS JSON, CBOR, errors, pages
// and filters. It knows nothing of what an account holds.
package wire

import (
	"encoding/json"
	"net/http"
	"strings"
	"time"
)

// scope is what a Signature Version 4 says about its request:
// Credential=KEY/DATE/REGION/SERVICE/aws4_request.
type scope struct {
	Key     string
	Region  string
	Service string
}

// ScopeOf reads the scope from the Authorization header or, for presigned
// requests, from the query. Without a signature everything is empty.
func ScopeOf(r *http.Request) scope {
	credential := r.URL.Query().Get("X-Amz-Credential")
	if _, after, ok := strings.Cut(r.Header.Get("Authorization"), "Credential="); ok {
		credential, _, _ = strings.Cut(after, ",")
	}
	parts := strings.Split(strings.TrimSpace(credential), "/")
	if len(parts) != 5 || parts[4] != "aws4_request" {
		return scope{}
	}
	return scope{Key: parts[0], Region: parts[2], Service: parts[3]}
}

// Answer is what goes back to the client. cut means that the connection is
// closed instead.
type Answer struct {
	Status int
	Header http.Header
	Body   []byte
	Code   string // AWS error code
	Cut    bool
}

// Request is an API call as it came in. Its operation and what follows the
// scope are known once its service has read it.
type Request struct {
	*http.Request
	Scope      scope
	Payload    []byte
	ID         string // request id
	Now        time.Time
	Action     string  // the API operation, such as "StopInstances"
	Permission string  // the IAM action that the operation needs; empty where none is needed
	IsQuery    bool    // its parameters are a form, as in the Query protocol
	Params     *Params // of a query
	DryRun     bool
	IDs        int // how many resource ids it names
	Refusal    Refusal
}

// Refusal writes an error in the shape of a service.
type Refusal func(*Request, *Error) Answer

// Refuse answers with an error in the shape of the request's service.
func (r *Request) Refuse(e *Error) Answer {
	a := r.Refusal(r, e)
	a.Code = e.Code
	return a
}

// ReadQuery finds the operation and the parameters of a request of the Query
// protocol.
func (r *Request) ReadQuery() {
	r.IsQuery = true
	r.Params = parseParams(r.URL.RawQuery, r.Payload)
	r.Action = r.Params.Text("Action")
	r.DryRun = r.Params.Flag("DryRun")
	r.Permission = r.Scope.Service + ":" + r.Action
}

// ReadTarget finds the operation of a request of the AWS JSON protocols. Where
// it is a form all the same, its errors are those of the Query protocol.
func (r *Request) ReadTarget() {
	target := r.Header.Get("X-Amz-Target")
	_, r.Action, _ = strings.Cut(target, ".")
	if r.IsQuery = r.IsForm() && target == ""; r.IsQuery {
		r.Action = parseParams(r.URL.RawQuery, r.Payload).Text("Action")
	}
	r.Permission = r.Scope.Service + ":" + r.Action
}

// IsForm says whether a request looks like one of the Query protocol.
func (r *Request) IsForm() bool {
	return strings.HasPrefix(r.Header.Get("Content-Type"), "application/x-www-form-urlencoded") || r.URL.Query().Has("Action")
}

// Sender says who is to blame for an HTTP status: "Sender" or "Receiver".
func Sender(status int) string {
	if status >= http.StatusInternalServerError {
		return "Receiver"
	}
	return "Sender"
}

// AnswerHeader is the start of an answer's headers.
func (r *Request) AnswerHeader(contentType string) http.Header {
	return http.Header{
		"Content-Type":     {contentType},
		"X-Amzn-Requestid": {r.ID},
		"Date":             {r.Now.UTC().Format(http.TimeFormat)},
	}
}

// JSONErrorCode reads the code from an error of a JSON service.
func JSONErrorCode(body []byte) string {
	var e struct {
		Type string `json:"__type"`
	}
	if err := json.Unmarshal(body, &e); err != nil || e.Type == "" {
		return "UnknownError"
	}
	return e.Type
}
