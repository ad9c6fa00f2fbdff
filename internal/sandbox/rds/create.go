package rds

import (
	"net/http"
	"strings"
	"time"

	"nightshift/internal/sandbox/state"
	"nightshift/internal/sandbox/wire"
)

// createTakes is how long a new database is "creating".
const createTakes = 5 * time.Minute

// create is CreateDBInstance, CreateDBInstanceReadReplica and CreateDBCluster.
// Of what they describe, the account keeps what matters to stopping and
// starting.
func (c *rdsCall) create(kind dbKind) *wire.Error {
	parameter := "DBInstanceIdentifier"
	d := Database{Status: "creating", Created: c.Now, Tags: map[string]string{}}
	switch c.Action {
	case "CreateDBCluster":
		parameter, d.Cluster = "DBClusterIdentifier", true
		d.Mode, d.Class = c.Params.Text("EngineMode"), c.Params.Text("DBClusterInstanceClass")
	case "CreateDBInstanceReadReplica":
		d.ReplicaOf = c.Params.Text("SourceDBInstanceIdentifier")
		d.Class = c.Params.Text("DBInstanceClass")
		if source := findDatabase(c.Region, aDatabase, d.ReplicaOf); source != nil {
			d.Engine = source.engine
		}
	default:
		d.MemberOf, d.Class, d.MultiAZ = c.Params.Text("DBClusterIdentifier"), c.Params.Text("DBInstanceClass"), c.Params.Flag("MultiAZ")
	}
	if d.Engine == "" {
		d.Engine = c.Params.Text("Engine")
	}
	d.ID = strings.ToLower(c.Params.Text(parameter))
	c.Params.Accept("AllocatedStorage", "MasterUsername", "MasterUserPassword", "StorageType", "EngineVersion", "AvailabilityZone")
	var given state.Tags
	for _, n := range c.Params.Items("Tags.Tag") {
		given = append(given, state.Tag{Key: n.Text("Key"), Value: n.Text("Value")})
	}
	if err := c.Params.UnknownParameter(); err != nil {
		return err
	}
	if err := c.Authorize(dbARN(c.Region, kind, d.ID), nil, given.Keys()); err != nil {
		return err
	}
	switch {
	case findDatabase(c.Region, kind, d.ID) != nil && kind == aCluster:
		return wire.Fail(http.StatusBadRequest, "DBClusterAlreadyExistsFault", "DB Cluster already exists")
	case findDatabase(c.Region, kind, d.ID) != nil:
		return wire.Fail(http.StatusBadRequest, "DBInstanceAlreadyExists", "DB instance already exists")
	case d.MemberOf != "" && findDatabase(c.Region, aCluster, d.MemberOf) == nil:
		return noDatabase(aCluster, d.MemberOf)
	case d.ReplicaOf != "" && findDatabase(c.Region, aDatabase, d.ReplicaOf) == nil:
		return noDatabase(aDatabase, d.ReplicaOf)
	}
	if err := checkDBTags(given); err != nil {
		return err
	}
	d.Tags = given.Map()
	if err := addDatabase(c.Region, d, c.Now); err != nil {
		return wire.Invalid("InvalidParameterValue", err.Error())
	}
	made := findDatabase(c.Region, kind, d.ID)
	made.until = c.Now.Add(createTakes)
	c.write(made)
	return nil
}
