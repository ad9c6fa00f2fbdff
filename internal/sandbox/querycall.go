package sandbox

import (
	"net/http"
	"time"
)

// queryCall is one request of the Query protocol, or of the one that EC2 has
// instead, with the region that it is for. The region is locked while it runs.
type queryCall struct {
	*call
	region *region
	now    time.Time
	out    *doc
}

// serveQuery runs an operation of RDS or Auto Scaling, whose answer has a result
// element or not, and writes the answer around it.
func serveQuery(r *call, namespace string, answers bool, run func(queryCall) *apiError) answer {
	action := r.action
	r.form.accept("Action", "Version", "X-Amz-Algorithm", "X-Amz-Credential", "X-Amz-Date",
		"X-Amz-Expires", "X-Amz-Security-Token", "X-Amz-Signature", "X-Amz-SignedHeaders")
	reg := r.here()
	reg.mu.Lock()
	defer reg.mu.Unlock()
	c := queryCall{call: r, region: reg, now: r.org.clock.Now(), out: newDoc()}
	reg.settle(c.now)
	c.out.root(action+"Response", namespace)
	if answers {
		c.out.open(action + "Result")
	}
	if err := run(c); err != nil {
		return r.refuse(err)
	}
	if answers {
		c.out.end(action + "Result")
	}
	c.out.open("ResponseMetadata")
	c.out.text("RequestId", r.id)
	c.out.end("ResponseMetadata")
	c.out.end(action + "Response")
	return answer{status: http.StatusOK, body: c.out.bytes(), header: r.header("text/xml")}
}

// authorize asks the caller's policy for the call's permission on a resource.
func (c *queryCall) authorize(arn string, resourceTags tags, keys []string) *apiError {
	return c.call.authorize(arn, &policyContext{resourceTags: resourceTags, tagKeys: keys, region: c.region.name})
}
