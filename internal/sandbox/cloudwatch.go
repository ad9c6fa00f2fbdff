package sandbox

import (
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

// nameMetrics finds the operation of CloudWatch that a request asks for:
// /service/GraniteServiceVersion20100801/operation/GetMetricData, a target, or
// a form. IAM has another name for the service than signatures have.
func (r *request) nameMetrics() {
	target := r.Header.Get("X-Amz-Target")
	switch {
	case r.cbor():
		r.call.Action = path.Base(r.URL.Path)
	case target != "":
		_, r.call.Action, _ = strings.Cut(target, ".")
	default:
		r.query = true
		r.form = parseParams(r.URL.RawQuery, r.body)
		r.call.Action = r.form.text("Action")
	}
	r.call.Permission = "cloudwatch:" + r.call.Action
}

// metricActions are the operations of CloudWatch that the account has.
func metricActions() []string { return []string{"GetMetricData"} }

// serveCloudWatch answers GetMetricData, the one operation of CloudWatch that
// the account has.
func (s *Sandbox) serveCloudWatch(r *request) answer {
	if r.call.Action != "GetMetricData" {
		return r.refuse(invalid("InvalidAction", "The action "+r.call.Action+" is not valid for this web service."))
	}
	if err := s.authorize(r, "*", &policyContext{region: r.scope.region}); err != nil {
		return r.refuse(err)
	}
	in, err := r.metricDataInput()
	if err != nil {
		return r.refuse(err)
	}
	out, err := r.caller.account.metricData(r.scope.region, in, s.Now())
	if err != nil {
		return r.refuse(err)
	}
	if r.query {
		return answer{status: http.StatusOK, body: out.xml(r.id), header: r.header("text/xml")}
	}
	return r.metricsAnswer(http.StatusOK, out)
}

// metricDataInput reads the request in whichever protocol it came.
func (r *request) metricDataInput() (metricDataInput, *apiError) {
	var in metricDataInput
	var err error
	switch {
	case r.cbor():
		err = cbor.Unmarshal(r.body, &in)
	case r.query:
		return metricDataForm(r.form)
	default:
		err = json.Unmarshal(r.body, &in)
	}
	if err != nil {
		return in, invalid("SerializationException", "The request could not be read: "+err.Error())
	}
	return in, nil
}

// metricsAnswer writes an answer in CBOR or JSON, as the request was.
func (r *request) metricsAnswer(status int, out any) answer {
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
func (r *request) refuseMetrics(e *apiError) answer {
	shape := map[string]string{
		"InvalidParameterValue":       "InvalidParameterValueException",
		"InvalidParameterCombination": "InvalidParameterCombinationException",
		"MissingParameter":            "MissingRequiredParameterException",
		"InternalServiceError":        "InternalServiceFault",
	}[e.code]
	a := r.metricsAnswer(e.status, map[string]string{"__type": textOr(shape, e.code), "message": e.message})
	a.code = e.code
	a.header.Set(queryErrorHeader, e.code+";"+sender(e.status))
	return a
}
