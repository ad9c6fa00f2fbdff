package service

import (
	"net/http"
	"time"

	"nightshift/internal/sandbox/policy"
	"nightshift/internal/sandbox/state"
	"nightshift/internal/sandbox/wire"
)

// Query is one request of the Query protocol, or of the one that EC2 has
// instead, with the region that it is for. The region is locked while it runs.
type Query struct {
	*Call
	Region *state.Region
	Now    time.Time
	Out    *wire.Doc
}

// ServeQuery runs an operation of RDS or Auto Scaling, whose answer has a result
// element or not, and writes the answer around it.
func ServeQuery(r *Call, namespace string, answers bool, run func(Query) *wire.Error) wire.Answer {
	action := r.Action
	r.Params.Accept("Action", "Version", "X-Amz-Algorithm", "X-Amz-Credential", "X-Amz-Date",
		"X-Amz-Expires", "X-Amz-Security-Token", "X-Amz-Signature", "X-Amz-SignedHeaders")
	reg := r.InRegion()
	reg.Mu.Lock()
	defer reg.Mu.Unlock()
	c := Query{Call: r, Region: reg, Now: r.Organization.Clock.Now(), Out: wire.NewDoc()}
	reg.Settle(c.Now)
	c.Out.Root(action+"Response", namespace)
	if answers {
		c.Out.Open(action + "Result")
	}
	if err := run(c); err != nil {
		return r.Refuse(err)
	}
	if answers {
		c.Out.End(action + "Result")
	}
	c.Out.Open("ResponseMetadata")
	c.Out.Text("RequestId", r.ID)
	c.Out.End("ResponseMetadata")
	c.Out.End(action + "Response")
	return wire.Answer{Status: http.StatusOK, Body: c.Out.Bytes(), Header: r.AnswerHeader("text/xml")}
}

// Authorize asks the caller's policy for the call's permission on a resource.
func (c *Query) Authorize(arn string, resourceTags state.Tags, keys []string) *wire.Error {
	return c.Call.Authorize(arn, &policy.Context{ResourceTags: resourceTags, TagKeys: keys, Region: c.Region.Name})
}
