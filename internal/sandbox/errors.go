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

// refuseEC2 writes an error in the shape of EC2.
func refuseEC2(r *request, e *apiError) answer {
	d := newDoc()
	d.open("Response")
	d.open("Errors")
	d.open("Error")
	d.text("Code", e.code)
	d.text("Message", e.message)
	d.end("Error")
	d.end("Errors")
	d.text("RequestID", r.id)
	d.end("Response")
	return answer{status: e.status, header: r.header("text/xml;charset=UTF-8"), body: d.bytes()}
}

// refuseREST writes an error in the shape of REST with XML, which S3 speaks.
func refuseREST(r *request, e *apiError) answer {
	d := newDoc()
	d.open("Error")
	d.text("Code", e.code)
	d.text("Message", e.message)
	d.text("RequestId", r.id)
	d.end("Error")
	return answer{status: e.status, header: r.header("application/xml"), body: d.bytes()}
}

// refuseQuery writes errors in the shape of the Query protocol, with the
// namespace of a service or, where it is empty, without one.
func refuseQuery(namespace string) refusal {
	return func(r *request, e *apiError) answer {
		d := newDoc()
		if namespace == "" {
			d.open("ErrorResponse")
		} else {
			d.root("ErrorResponse", namespace)
		}
		d.open("Error")
		d.text("Type", sender(e.status))
		d.text("Code", e.code)
		d.text("Message", e.message)
		d.end("Error")
		d.text("RequestId", r.id)
		d.end("ErrorResponse")
		return answer{status: e.status, header: r.header("text/xml"), body: d.bytes()}
	}
}

// refuseJSON writes errors in the shape of AWS JSON 1.1, with the message in a
// member of a name. A form is answered as by the Query protocol.
func refuseJSON(message string) refusal {
	return func(r *request, e *apiError) answer {
		if r.query {
			return refuseQuery("")(r, e)
		}
		body, _ := json.Marshal(map[string]string{"__type": e.code, message: e.message}) // cannot fail: strings
		return answer{status: e.status, header: r.header("application/x-amz-json-1.1"), body: body}
	}
}

// answerJSON is a successful answer of AWS JSON 1.1.
func (r *request) answerJSON(body []byte) answer {
	return answer{status: http.StatusOK, body: body, header: r.header("application/x-amz-json-1.1")}
}

func validation(message string) *apiError { return invalid("ValidationError", message) }
