package sandbox

import (
	"cmp"
	"encoding/json"
	"net/http"
	"path"
	"strings"

	"github.com/fxamacker/cbor/v2"
)

// CloudWatch speaks three protocols: smithy RPC v2 with CBOR, which the newest
// SDKs prefer, AWS JSON 1.0, and Query, which all clients spoke before.
const cloudWatchNamespace = "http://monitoring.amazonaws.com/doc/2010-08-01/"

// The headers of smithy RPC v2, and the one in which a service that was once a
// Query service repeats an error's code of those days.
const (
	smithyProtocol   = "Smithy-Protocol"
	smithyCBOR       = "rpc-v2-cbor"
	queryErrorHeader = "X-Amzn-Query-Error"
)

func (r *request) cbor() bool { return r.Header.Get(smithyProtocol) == smithyCBOR }

// cloudWatchService is Amazon CloudWatch.
func cloudWatchService() service {
	return service{
		name: "monitoring", operations: []string{"GetMetricData"},
		read: readMetrics, refusal: refuseMetrics, serve: serveCloudWatch,
	}
}

// readMetrics finds the operation of CloudWatch that a request asks for:
// /service/GraniteServiceVersion20100801/operation/GetMetricData, a target, or
// a form. IAM has another name for the service than signatures have.
func readMetrics(r *request) {
	target := r.Header.Get("X-Amz-Target")
	switch {
	case r.cbor():
		r.action = path.Base(r.URL.Path)
	case target != "":
		_, r.action, _ = strings.Cut(target, ".")
	default:
		r.readQuery()
	}
	r.permission = "cloudwatch:" + r.action
}

// serveCloudWatch answers GetMetricData, the one operation of CloudWatch that
// the sandbox has.
func serveCloudWatch(r *call) answer {
	if r.action != "GetMetricData" {
		return r.refuse(invalid("InvalidAction", "The action "+r.action+" is not valid for this web service."))
	}
	if err := r.authorize("*", &policyContext{region: r.scope.region}); err != nil {
		return r.refuse(err)
	}
	in, err := readMetricData(r.request)
	if err != nil {
		return r.refuse(err)
	}
	out, err := metricData(r.here(), in, r.org.clock.Now())
	if err != nil {
		return r.refuse(err)
	}
	if r.query {
		return answer{status: http.StatusOK, body: out.xml(r.id), header: r.header("text/xml")}
	}
	return metricsAnswer(r.request, http.StatusOK, out)
}

// readMetricData reads the request in whichever protocol it came.
func readMetricData(r *request) (metricDataInput, *apiError) {
	var in metricDataInput
	var err error
	switch {
	case r.cbor():
		err = cbor.Unmarshal(r.payload, &in)
	case r.query:
		return metricDataForm(r.form)
	default:
		err = json.Unmarshal(r.payload, &in)
	}
	if err != nil {
		return in, invalid("SerializationException", "The request could not be read: "+err.Error())
	}
	return in, nil
}

// metricsAnswer writes an answer in CBOR or JSON, as the request was.
func metricsAnswer(r *request, status int, out any) answer {
	if r.cbor() {
		a := answer{status: status, header: r.header("application/cbor")}
		a.header.Set(smithyProtocol, smithyCBOR)
		a.body, _ = cbor.Marshal(out) // cannot fail: texts, numbers and times
		return a
	}
	a := answer{status: status, header: r.header("application/x-amz-json-1.0")}
	a.body, _ = json.Marshal(out) // likewise
	return a
}

// refuseMetrics writes an error of CloudWatch in CBOR or JSON, with the name of
// its shape and, in a header, the code that it has in the Query protocol.
func refuseMetrics(r *request, e *apiError) answer {
	if r.query {
		return refuseQuery(cloudWatchNamespace)(r, e)
	}
	shape := map[string]string{
		"InvalidParameterValue":       "InvalidParameterValueException",
		"InvalidParameterCombination": "InvalidParameterCombinationException",
		"MissingParameter":            "MissingRequiredParameterException",
		"InternalServiceError":        "InternalServiceFault",
	}[e.code]
	a := metricsAnswer(r, e.status, map[string]string{"__type": cmp.Or(shape, e.code), "message": e.message})
	a.header.Set(queryErrorHeader, e.code+";"+sender(e.status))
	return a
}
