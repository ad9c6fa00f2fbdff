package rds

import (
	"strings"
	"time"

	"nightshift/internal/sandbox/service"
	"nightshift/internal/sandbox/state"
	"nightshift/internal/sandbox/wire"
)

// stop is StopDBInstance and StopDBCluster.
func (c *rdsCall) stop(kind dbKind) *wire.Error {
	if kind == aDatabase {
		c.Params.Accept("DBSnapshotIdentifier")
	}
	d, err := c.named(kind)
	if err != nil {
		return err
	}
	if err := c.stoppable(d); err != nil {
		return err
	}
	if d.status != dbAvailable {
		return wrongStatus(d, dbAvailable)
	}
	d.begin(dbStopping, c.Now, c.slowed(d, stopTakes(c.Region)))
	c.write(d)
	return nil
}

// start is StartDBInstance and StartDBCluster.
func (c *rdsCall) start(kind dbKind) *wire.Error {
	d, err := c.named(kind)
	if err != nil {
		return err
	}
	if d.memberOf != "" {
		return notEligible(d)
	}
	if d.status != dbStopped {
		return wrongStatus(d, dbStopped)
	}
	d.begin(dbStarting, c.Now, c.slowed(d, startTakes(c.Region)))
	c.write(d)
	return nil
}

// named finds the database that a call is for and asks for permission on it.
func (c *rdsCall) named(kind dbKind) (*database, *wire.Error) {
	parameter := "DBInstanceIdentifier"
	if kind == aCluster {
		parameter = "DBClusterIdentifier"
	}
	id := strings.ToLower(c.Params.Text(parameter))
	if err := c.Params.UnknownParameter(); err != nil {
		return nil, err
	}
	if id == "" {
		return nil, wire.Invalid("MissingParameter", "The request must contain the parameter "+parameter)
	}
	c.IDs = 1
	d := findDatabase(c.Region, kind, id)
	var ts state.Tags
	if d != nil {
		ts = d.tags
	}
	if err := c.Authorize(dbARN(c.Region, kind, id), ts, nil); err != nil {
		return nil, err
	}
	if d == nil {
		return nil, noDatabase(kind, id)
	}
	for _, h := range c.Faults {
		if h.Kind == service.Refuse && strikesDatabase(h, d) {
			return nil, h.Reworded(wire.Invalid(h.Code, d.kind.noun()+" "+d.id+" was refused: "+h.Code))
		}
	}
	return d, nil
}

// strikesDatabase says whether a database is among those that a fault selects.
func strikesDatabase(h service.Hit, d *database) bool { return h.Strikes(d.id, d.class, d.zone) }

// slowed is how long a change of a database takes.
func (c *rdsCall) slowed(d *database, usual time.Duration) time.Duration {
	for _, h := range c.Faults {
		if h.Kind == service.Slow && strikesDatabase(h, d) {
			return h.For
		}
	}
	return usual
}

// stoppable refuses what RDS never stops, by the limitations in "Stopping an
// Amazon RDS DB instance temporarily" (RDS User Guide) and "Limitations for
// stopping and starting Aurora DB clusters" (Aurora User Guide).
func (c *rdsCall) stoppable(d *database) *wire.Error {
	refuse := func(why string) *wire.Error {
		return wire.Invalid(stateCode(d.kind), d.kind.noun()+" "+d.id+" cannot be stopped: "+why)
	}
	switch {
	case d.memberOf != "":
		return notEligible(d)
	case d.source != "":
		return refuse("it is a read replica.")
	case len(replicasOf(c.Region, d.id)) > 0 && d.kind == aDatabase:
		return refuse("it has read replicas.")
	case d.multiAZ && strings.HasPrefix(d.engine, "sqlserver-"):
		return refuse("it is a Multi-AZ deployment of SQL Server.")
	case d.mode != "" && d.mode != "provisioned":
		return refuse("its engine mode is " + d.mode + ".")
	}
	return nil
}

// notEligible is the refusal of a call for one member of a cluster.
func notEligible(d *database) *wire.Error {
	return wire.Invalid("InvalidParameterCombination", d.engine+" DB instances are not eligible for stopping and starting.")
}

func stateCode(kind dbKind) string {
	if kind == aCluster {
		return "InvalidDBClusterStateFault"
	}
	return "InvalidDBInstanceState"
}

func wrongStatus(d *database, want string) *wire.Error {
	if d.kind == aCluster {
		return wire.Invalid(stateCode(d.kind), "DbCluster "+d.id+" is in "+d.status+" state but expected it to be one of "+want+".")
	}
	return wire.Invalid(stateCode(d.kind), "Instance "+d.id+" is not in "+want+" state.")
}

// namesDatabase says whether a call names a database that a fault selects.
func namesDatabase(r *service.Call, hit service.Hit) bool {
	reg := r.InRegion()
	reg.Mu.Lock()
	defer reg.Mu.Unlock()
	for parameter, kind := range map[string]dbKind{"DBInstanceIdentifier": aDatabase, "DBClusterIdentifier": aCluster} {
		if d := findDatabase(reg, kind, strings.ToLower(r.Params.Text(parameter))); d != nil && strikesDatabase(hit, d) {
			return true
		}
	}
	return false
}
