package sandbox

import (
	"net/http"
	"strings"
	"time"
)

// createTakes is how long a new database is "creating".
const createTakes = 5 * time.Minute

// create is CreateDBInstance, CreateDBInstanceReadReplica and CreateDBCluster.
// Of what they describe, the account keeps what matters to stopping and
// starting.
func (c *rdsCall) create(kind dbKind) *apiError {
	parameter := "DBInstanceIdentifier"
	d := Database{Status: "creating", Created: c.now, Tags: map[string]string{}}
	switch c.action {
	case "CreateDBCluster":
		parameter, d.Cluster = "DBClusterIdentifier", true
		d.Mode, d.Class = c.form.text("EngineMode"), c.form.text("DBClusterInstanceClass")
	case "CreateDBInstanceReadReplica":
		d.ReplicaOf = c.form.text("SourceDBInstanceIdentifier")
		d.Class = c.form.text("DBInstanceClass")
		if source := c.region.database(aDatabase, d.ReplicaOf); source != nil {
			d.Engine = source.engine
		}
	default:
		d.MemberOf, d.Class, d.MultiAZ = c.form.text("DBClusterIdentifier"), c.form.text("DBInstanceClass"), c.form.flag("MultiAZ")
	}
	if d.Engine == "" {
		d.Engine = c.form.text("Engine")
	}
	d.ID = strings.ToLower(c.form.text(parameter))
	c.form.accept("AllocatedStorage", "MasterUsername", "MasterUserPassword", "StorageType", "EngineVersion", "AvailabilityZone")
	var given tags
	for _, n := range c.form.items("Tags.Tag") {
		given = append(given, tag{n.text("Key"), n.text("Value")})
	}
	if err := c.form.unknownParameter(); err != nil {
		return err
	}
	if err := c.authorize(c.region.dbARN(kind, d.ID), nil, given.keys()); err != nil {
		return err
	}
	switch {
	case c.region.database(kind, d.ID) != nil && kind == aCluster:
		return fail(http.StatusBadRequest, "DBClusterAlreadyExistsFault", "DB Cluster already exists")
	case c.region.database(kind, d.ID) != nil:
		return fail(http.StatusBadRequest, "DBInstanceAlreadyExists", "DB instance already exists")
	case d.MemberOf != "" && c.region.database(aCluster, d.MemberOf) == nil:
		return noDatabase(aCluster, d.MemberOf)
	case d.ReplicaOf != "" && c.region.database(aDatabase, d.ReplicaOf) == nil:
		return noDatabase(aDatabase, d.ReplicaOf)
	}
	if err := checkDBTags(given); err != nil {
		return err
	}
	d.Tags = given.asMap()
	if err := c.region.addDatabase(d, c.now); err != nil {
		return invalid("InvalidParameterValue", err.Error())
	}
	made := c.region.database(kind, d.ID)
	made.until = c.now.Add(createTakes)
	c.write(made)
	return nil
}
