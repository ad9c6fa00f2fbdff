package sandbox

import (
	"fmt"
	"net/http"
	"time"
)

const rdsNamespace = "http://rds.amazonaws.com/doc/2014-10-31/"

// rdsCall is one RDS request with the region that it is for. The region is
// locked while it runs.
type rdsCall struct {
	sandbox *Sandbox
	request *request
	form    *params
	region  *region
	now     time.Time
	out     *doc
}

// rdsAction is an operation of RDS.
type rdsAction func(*rdsCall) *apiError

func rdsActions() map[string]rdsAction {
	return map[string]rdsAction{
		"AddTagsToResource":           (*rdsCall).addTags,
		"CreateDBCluster":             func(c *rdsCall) *apiError { return c.create(aCluster) },
		"CreateDBInstance":            func(c *rdsCall) *apiError { return c.create(aDatabase) },
		"CreateDBInstanceReadReplica": func(c *rdsCall) *apiError { return c.create(aDatabase) },
		"DescribeDBClusters":          func(c *rdsCall) *apiError { return c.describe(aCluster) },
		"DescribeDBInstances":         func(c *rdsCall) *apiError { return c.describe(aDatabase) },
		"DescribeEvents":              (*rdsCall).describeEvents,
		"ListTagsForResource":         (*rdsCall).listTags,
		"RemoveTagsFromResource":      (*rdsCall).removeTags,
		"StartDBCluster":              func(c *rdsCall) *apiError { return c.start(aCluster) },
		"StartDBInstance":             func(c *rdsCall) *apiError { return c.start(aDatabase) },
		"StopDBCluster":               func(c *rdsCall) *apiError { return c.stop(aCluster) },
		"StopDBInstance":              func(c *rdsCall) *apiError { return c.stop(aDatabase) },
	}
}

// answersNothing are the operations whose answer has no result element.
func answersNothing(action string) bool {
	return action == "AddTagsToResource" || action == "RemoveTagsFromResource"
}

func (s *Sandbox) serveRDS(r *request) answer {
	action := r.call.Action
	run := rdsActions()[action]
	if run == nil {
		if action == "" {
			return r.refuse(invalid("MissingAction", "The request must contain the parameter Action"))
		}
		return r.refuse(invalid("InvalidAction", "Could not find operation "+action+" for version 2014-10-31"))
	}
	r.form.accept("Action", "Version", "X-Amz-Algorithm", "X-Amz-Credential", "X-Amz-Date",
		"X-Amz-Expires", "X-Amz-Security-Token", "X-Amz-Signature", "X-Amz-SignedHeaders")
	reg := s.regions[r.scope.region]
	reg.mu.Lock()
	defer reg.mu.Unlock()
	c := &rdsCall{sandbox: s, request: r, form: r.form, region: reg, now: s.Now(), out: newDoc()}
	reg.settleDatabases(c.now)
	c.out.root(action+"Response", rdsNamespace)
	if !answersNothing(action) {
		c.out.open(action + "Result")
	}
	if err := run(c); err != nil {
		return r.refuse(err)
	}
	if !answersNothing(action) {
		c.out.end(action + "Result")
	}
	c.out.open("ResponseMetadata")
	c.out.text("RequestId", r.id)
	c.out.end("ResponseMetadata")
	c.out.end(action + "Response")
	return answer{status: http.StatusOK, body: c.out.bytes(), header: r.header("text/xml")}
}

// authorize asks the caller's policy for the call's permission on a resource.
func (c *rdsCall) authorize(arn string, resourceTags tags, keys []string) *apiError {
	return c.sandbox.authorize(c.request, arn, &policyContext{resourceTags: resourceTags, tagKeys: keys, region: c.region.name})
}

// dbARN is the name of a database ("db") or a cluster ("cluster") in policies
// and tag calls.
func (r *region) dbARN(kind dbKind, id string) string {
	return fmt.Sprintf("arn:aws:rds:%s:%s:%s:%s", r.name, AccountID, kind, id)
}

// noDatabase is the refusal of a call for a database that does not exist.
func noDatabase(kind dbKind, id string) *apiError {
	if kind == aCluster {
		return fail(http.StatusNotFound, "DBClusterNotFoundFault", "DBCluster "+id+" not found.")
	}
	return fail(http.StatusNotFound, "DBInstanceNotFound", "DBInstance "+id+" not found.")
}
