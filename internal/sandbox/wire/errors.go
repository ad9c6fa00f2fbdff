package wire

import (
	"encoding/json"
	"net/http"
	"slices"
)

// Error is a refusal as AWS words it.
type Error struct {
	Status  int
	Code    string
	Message string
}

// Fail is a refusal with an HTTP status.
func Fail(status int, code, message string) *Error {
	return &Error{Status: status, Code: code, Message: message}
}

// Invalid is a refusal of the request itself, HTTP 400.
func Invalid(code, message string) *Error { return Fail(http.StatusBadRequest, code, message) }

// RefuseEC2 writes an error in the shape of EC2.
func RefuseEC2(r *Request, e *Error) Answer {
	d := NewDoc()
	d.Open("Response")
	d.Open("Errors")
	d.Open("Error")
	d.Text("Code", e.Code)
	d.Text("Message", e.Message)
	d.End("Error")
	d.End("Errors")
	d.Text("RequestID", r.ID)
	d.End("Response")
	return Answer{Status: e.Status, Header: r.AnswerHeader("text/xml;charset=UTF-8"), Body: d.Bytes()}
}

// RefuseREST writes an error in the shape of REST with XML, which S3 speaks.
func RefuseREST(r *Request, e *Error) Answer {
	d := NewDoc()
	d.Open("Error")
	d.Text("Code", e.Code)
	d.Text("Message", e.Message)
	d.Text("RequestId", r.ID)
	d.End("Error")
	return Answer{Status: e.Status, Header: r.AnswerHeader("application/xml"), Body: d.Bytes()}
}

// RefuseQuery writes errors in the shape of the Query protocol, with the
// namespace of a service or, where it is empty, without one.
func RefuseQuery(namespace string) Refusal {
	return func(r *Request, e *Error) Answer {
		d := NewDoc()
		if namespace == "" {
			d.Open("ErrorResponse")
		} else {
			d.Root("ErrorResponse", namespace)
		}
		d.Open("Error")
		d.Text("Type", Sender(e.Status))
		d.Text("Code", e.Code)
		d.Text("Message", e.Message)
		d.End("Error")
		d.Text("RequestId", r.ID)
		d.End("ErrorResponse")
		return Answer{Status: e.Status, Header: r.AnswerHeader("text/xml"), Body: d.Bytes()}
	}
}

// RefuseJSON writes errors in the shape of AWS JSON 1.1, with the message in a
// member of a name. A form is answered as by the Query protocol.
func RefuseJSON(message string) Refusal {
	return func(r *Request, e *Error) Answer {
		if r.IsQuery {
			return RefuseQuery("")(r, e)
		}
		body, _ := json.Marshal(map[string]string{"__type": e.Code, message: e.Message}) // cannot fail: strings
		return Answer{Status: e.Status, Header: r.AnswerHeader("application/x-amz-json-1.1"), Body: body}
	}
}

// RefuseRESTJSON writes errors in the shape of REST with JSON, which Lambda
// speaks. The codes are those of the errors whose message is written with a
// capital.
func RefuseRESTJSON(capital ...string) Refusal {
	return func(r *Request, e *Error) Answer {
		message := "message"
		if slices.Contains(capital, e.Code) {
			message = "Message"
		}
		kind := "User"
		if e.Status >= http.StatusInternalServerError {
			kind = "Service"
		}
		body, _ := json.Marshal(map[string]string{"Type": kind, message: e.Message}) // cannot fail: strings
		a := Answer{Status: e.Status, Header: r.AnswerHeader("application/json"), Body: body}
		a.Header.Set("X-Amzn-Errortype", e.Code)
		return a
	}
}

// RefuseRESTMessage writes an error in the shape of REST with JSON that has nothing but
// a message, which the Recycle Bin speaks.
func RefuseRESTMessage(r *Request, e *Error) Answer {
	body, _ := json.Marshal(map[string]string{"Message": e.Message}) // cannot fail: strings
	a := Answer{Status: e.Status, Header: r.AnswerHeader("application/json"), Body: body}
	a.Header.Set("X-Amzn-Errortype", e.Code)
	return a
}

// AnswerJSON is a successful answer of AWS JSON 1.1.
func (r *Request) AnswerJSON(body []byte) Answer {
	return Answer{Status: http.StatusOK, Body: body, Header: r.AnswerHeader("application/x-amz-json-1.1")}
}

// AnswerREST is a successful answer of REST with JSON, of texts, numbers, lists and
// maps of them.
func (r *Request) AnswerREST(out any) Answer {
	body, _ := json.Marshal(out) // cannot fail
	return Answer{Status: http.StatusOK, Body: body, Header: r.AnswerHeader("application/json")}
}

// ValidationError is the refusal of Query services for a parameter that is wrong.
func ValidationError(message string) *Error { return Invalid("ValidationError", message) }
