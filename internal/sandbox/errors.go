package sandbox

import (
	"encoding/json"
	"net/http"
)

// apiError is a refusal as AWS words it.
type apiError struct {
	status  int
	code    string
	message string
}

func fail(status int, code, message string) *apiError {
	return &apiError{status: status, code: code, message: message}
}

// invalid is a refusal of the request itself, HTTP 400.
func invalid(code, message string) *apiError { return fail(http.StatusBadRequest, code, message) }

// refuse writes an error in the shape of the request's service.
func (r *request) refuse(e *apiError) answer {
	a := answer{status: e.status, code: e.code}
	d := newDoc()
	switch service := r.scope.service; {
	case service == "monitoring" && !r.query:
		return r.refuseMetrics(e)
	case service == "ec2":
		a.header = r.header("text/xml;charset=UTF-8")
		d.open("Response")
		d.open("Errors")
		d.open("Error")
		d.text("Code", e.code)
		d.text("Message", e.message)
		d.end("Error")
		d.end("Errors")
		d.text("RequestID", r.id)
		d.end("Response")
		a.body = d.bytes()
	case service == "s3":
		a.header = r.header("application/xml")
		d.open("Error")
		d.text("Code", e.code)
		d.text("Message", e.message)
		d.text("RequestId", r.id)
		d.end("Error")
		a.body = d.bytes()
	case service == "sts" || r.query: // the Query protocol
		a.header = r.header("text/xml")
		switch service {
		case "sts":
			d.root("ErrorResponse", stsNamespace)
		case "autoscaling":
			d.root("ErrorResponse", autoScalingNamespace)
		case "rds":
			d.root("ErrorResponse", rdsNamespace)
		case "monitoring":
			d.root("ErrorResponse", cloudWatchNamespace)
		default:
			d.open("ErrorResponse")
		}
		d.open("Error")
		d.text("Type", sender(e.status))
		d.text("Code", e.code)
		d.text("Message", e.message)
		d.end("Error")
		d.text("RequestId", r.id)
		d.end("ErrorResponse")
		a.body = d.bytes()
	default:
		a.header = r.header("application/x-amz-json-1.1")
		words := "Message"
		if service == "ssm" {
			words = "message"
		}
		a.body, _ = json.Marshal(map[string]string{"__type": e.code, words: e.message}) // cannot fail: strings
	}
	return a
}
