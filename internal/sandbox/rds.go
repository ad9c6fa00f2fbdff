package sandbox

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
)

const rdsNamespace = "http://rds.amazonaws.com/doc/2014-10-31/"

// rdsCall is one RDS request.
type rdsCall struct{ queryCall }

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

// rdsService is Amazon RDS.
func rdsService() service {
	return service{
		name: "rds", operations: slices.Sorted(maps.Keys(rdsActions())),
		read: (*request).readQuery, refusal: refuseQuery(rdsNamespace), serve: serveRDS, names: namesDatabase,
	}
}

func serveRDS(r *call) answer {
	run := rdsActions()[r.action]
	if run == nil {
		if r.action == "" {
			return r.refuse(invalid("MissingAction", "The request must contain the parameter Action"))
		}
		return r.refuse(invalid("InvalidAction", "Could not find operation "+r.action+" for version 2014-10-31"))
	}
	return serveQuery(r, rdsNamespace, !answersNothing(r.action), func(c queryCall) *apiError { return run(&rdsCall{c}) })
}

// dbARN is the name of a database ("db") or a cluster ("cluster") in policies
// and tag calls.
func (r *region) dbARN(kind dbKind, id string) string {
	return fmt.Sprintf("arn:aws:rds:%s:%s:%s:%s", r.name, r.owner, kind, id)
}

// noDatabase is the refusal of a call for a database that does not exist.
func noDatabase(kind dbKind, id string) *apiError {
	if kind == aCluster {
		return fail(http.StatusNotFound, "DBClusterNotFoundFault", "DBCluster "+id+" not found.")
	}
	return fail(http.StatusNotFound, "DBInstanceNotFound", "DBInstance "+id+" not found.")
}
