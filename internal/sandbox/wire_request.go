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

// request is an API call on its way through the account.
type request struct {
	*http.Request
	scope  scope
	caller principal // known after authentication
	body   []byte
	query  bool    // its parameters are a form, as in the Query protocol
	form   *params // EC2, STS and Auto Scaling
	call   Call
	id     string // request id
	now    time.Time
	faults []faultHit
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
