// Package rds is Amazon RDS with Aurora.
package rds

import (
	"fmt"
	"maps"
	"net/http"
	"slices"

	"nightshift/internal/sandbox/service"
	"nightshift/internal/sandbox/state"
	"nightshift/internal/sandbox/wire"
)

const rdsNamespace = "http://rds.amazonaws.com/doc/2014-10-31/"

// rdsCall is one RDS request.
type rdsCall struct{ service.Query }

// rdsAction is an operation of RDS.
type rdsAction func(*rdsCall) *wire.Error

func rdsActions() map[string]rdsAction {
	return map[string]rdsAction{
		"AddTagsToResource":           (*rdsCall).addTags,
		"CreateDBCluster":             func(c *rdsCall) *wire.Error { return c.create(aCluster) },
		"CreateDBInstance":            func(c *rdsCall) *wire.Error { return c.create(aDatabase) },
		"CreateDBInstanceReadReplica": func(c *rdsCall) *wire.Error { return c.create(aDatabase) },
		"DescribeDBClusters":          func(c *rdsCall) *wire.Error { return c.describe(aCluster) },
		"DescribeDBInstances":         func(c *rdsCall) *wire.Error { return c.describe(aDatabase) },
		"DescribeEvents":              (*rdsCall).describeEvents,
		"ListTagsForResource":         (*rdsCall).listTags,
		"RemoveTagsFromResource":      (*rdsCall).removeTags,
		"StartDBCluster":              func(c *rdsCall) *wire.Error { return c.start(aCluster) },
		"StartDBInstance":             func(c *rdsCall) *wire.Error { return c.start(aDatabase) },
		"StopDBCluster":               func(c *rdsCall) *wire.Error { return c.stop(aCluster) },
		"StopDBInstance":              func(c *rdsCall) *wire.Error { return c.stop(aDatabase) },
	}
}

// answersNothing are the operations whose answer has no result element.
func answersNothing(action string) bool {
	return action == "AddTagsToResource" || action == "RemoveTagsFromResource"
}

// Service is Amazon RDS.
func Service() service.Service {
	return service.Service{
		Name: "rds", Operations: slices.Sorted(maps.Keys(rdsActions())),
		Read: (*wire.Request).ReadQuery, Refusal: wire.RefuseQuery(rdsNamespace), Serve: serveRDS, Names: namesDatabase,
	}
}

func serveRDS(r *service.Call) wire.Answer {
	run := rdsActions()[r.Action]
	if run == nil {
		if r.Action == "" {
			return r.Refuse(wire.Invalid("MissingAction", "The request must contain the parameter Action"))
		}
		return r.Refuse(wire.Invalid("InvalidAction", "Could not find operation "+r.Action+" for version 2014-10-31"))
	}
	return service.ServeQuery(r, rdsNamespace, !answersNothing(r.Action), func(c service.Query) *wire.Error { return run(&rdsCall{c}) })
}

// dbARN is the name of a database ("db") or a cluster ("cluster") in policies
// and tag calls.
func dbARN(r *state.Region, kind dbKind, id string) string {
	return fmt.Sprintf("arn:aws:rds:%s:%s:%s:%s", r.Name, r.Owner, kind, id)
}

// noDatabase is the refusal of a call for a database that does not exist.
func noDatabase(kind dbKind, id string) *wire.Error {
	if kind == aCluster {
		return wire.Fail(http.StatusNotFound, "DBClusterNotFoundFault", "DBCluster "+id+" not found.")
	}
	return wire.Fail(http.StatusNotFound, "DBInstanceNotFound", "DBInstance "+id+" not found.")
}
