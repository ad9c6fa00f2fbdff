// Package cloudwatch is Amazon CloudWatch: the metrics of instances and volumes,
// which follow from how they ran.
package cloudwatch

import (
	"cmp"
	"encoding/json"
	"net/http"
	"path"
	"strings"

	"nightshift/internal/sandbox/policy"
	"nightshift/internal/sandbox/service"
	"nightshift/internal/sandbox/wire"
)

// CloudWatch speaks three protocols: smithy RPC v2 with CBOR, which the newest
// SDKs prefer, AWS JSON 1.0, and Query, which all clients spoke before.
const cloudWatchNamespace = "http://monitoring.amazonaws.com/doc/2010-08-01/"

// queryErrorHeader is where a service that was once a Query service repeats an
// error's code of those days.
const queryErrorHeader = "X-Amzn-Query-Error"

// Service is Amazon CloudWatch.
func Service() service.Service {
	return service.Service{
		Name: "monitoring", Operations: []string{"GetMetricData"},
		Read: readMetrics, Refusal: refuseMetrics, Serve: serveCloudWatch,
	}
}

// readMetrics finds the operation of CloudWatch that a request asks for:
// /service/GraniteServiceVersion20100801/operation/GetMetricData, a target, or
// a form. IAM has another name for the service than signatures have.
func readMetrics(r *wire.Request) {
	target := r.Header.Get("X-Amz-Target")
	switch {
	case r.IsCBOR():
		r.Action = path.Base(r.URL.Path)
	case target != "":
		_, r.Action, _ = strings.Cut(target, ".")
	default:
		r.ReadQuery()
	}
	r.Permission = "cloudwatch:" + r.Action
}

// serveCloudWatch answers GetMetricData, the one operation of CloudWatch that
// the sandbox has.
func serveCloudWatch(r *service.Call) wire.Answer {
	if r.Action != "GetMetricData" {
		return r.Refuse(wire.Invalid("InvalidAction", "The action "+r.Action+" is not valid for this web service."))
	}
	if err := r.Authorize("*", &policy.Context{Region: r.Scope.Region}); err != nil {
		return r.Refuse(err)
	}
	in, err := readMetricData(r.Request)
	if err != nil {
		return r.Refuse(err)
	}
	out, err := metricData(r.InRegion(), in, r.Organization.Clock.Now())
	if err != nil {
		return r.Refuse(err)
	}
	if r.IsQuery {
		return wire.Answer{Status: http.StatusOK, Body: out.xml(r.ID), Header: r.AnswerHeader("text/xml")}
	}
	return metricsAnswer(r.Request, http.StatusOK, out)
}

// readMetricData reads the request in whichever protocol it came.
func readMetricData(r *wire.Request) (metricDataInput, *wire.Error) {
	var in metricDataInput
	var err error
	switch {
	case r.IsCBOR():
		err = r.ReadCBOR(&in)
	case r.IsQuery:
		return metricDataForm(r.Params)
	default:
		err = json.Unmarshal(r.Payload, &in)
	}
	if err != nil {
		return in, wire.Invalid("SerializationException", "The request could not be read: "+err.Error())
	}
	return in, nil
}

// metricsAnswer writes an answer in CBOR or JSON, as the request was.
func metricsAnswer(r *wire.Request, status int, out any) wire.Answer {
	if r.IsCBOR() {
		return r.AnswerCBOR(status, out)
	}
	a := wire.Answer{Status: status, Header: r.AnswerHeader("application/x-amz-json-1.0")}
	a.Body, _ = json.Marshal(out) // cannot fail: texts, numbers and times
	return a
}

// refuseMetrics writes an error of CloudWatch in CBOR or JSON, with the name of
// its shape and, in a header, the code that it has in the Query protocol.
func refuseMetrics(r *wire.Request, e *wire.Error) wire.Answer {
	if r.IsQuery {
		return wire.RefuseQuery(cloudWatchNamespace)(r, e)
	}
	shape := map[string]string{
		"InvalidParameterValue":       "InvalidParameterValueException",
		"InvalidParameterCombination": "InvalidParameterCombinationException",
		"MissingParameter":            "MissingRequiredParameterException",
		"InternalServiceError":        "InternalServiceFault",
	}[e.Code]
	a := metricsAnswer(r, e.Status, map[string]string{"__type": cmp.Or(shape, e.Code), "message": e.Message})
	a.Header.Set(queryErrorHeader, e.Code+";"+wire.Sender(e.Status))
	return a
}
