package rds

import (
	"cmp"
	"encoding/base64"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"nightshift/internal/sandbox/random"
	"nightshift/internal/sandbox/state"
	"nightshift/internal/sandbox/wire"
)

// describe is DescribeDBInstances and DescribeDBClusters.
func (c *rdsCall) describe(kind dbKind) *wire.Error {
	parameter, list := "DBInstanceIdentifier", "DBInstances"
	if kind == aCluster {
		parameter, list = "DBClusterIdentifier", "DBClusters"
		c.Params.Accept("IncludeShared")
	}
	id := strings.ToLower(c.Params.Text(parameter))
	matches, err := c.filters(kind)
	if err != nil {
		return err
	}
	size, after, err := c.page()
	if err != nil {
		return err
	}
	if err := c.Params.UnknownParameter(); err != nil {
		return err
	}
	if err := c.Authorize(dbARN(c.Region, kind, "*"), nil, nil); err != nil {
		return err
	}
	if id != "" && findDatabase(c.Region, kind, id) == nil {
		return noDatabase(kind, id)
	}
	var rows []*database
	for _, d := range state.Slot[databases](c.Region).list {
		if d.kind == kind && (id == "" || d.id == id) && matches(d) && d.id > after {
			rows = append(rows, d)
		}
	}
	rows = cutRecords(c, rows, size, func(d *database) string { return d.id })
	c.Out.Open(list)
	for _, d := range rows {
		c.write(d)
	}
	c.Out.End(list)
	return nil
}

// filters reads the filters that are known here. RDS compares whole values; an
// identifier may be an ARN.
func (c *rdsCall) filters(kind dbKind) (func(*database) bool, *wire.Error) {
	known := map[string]func(*database) []string{
		"engine": func(d *database) []string { return wire.NonEmpty(d.engine) },
		"db-cluster-id": func(d *database) []string {
			id := cmp.Or(d.memberOf, clusterID(d))
			return []string{id, dbARN(c.Region, aCluster, id)}
		},
	}
	if kind == aDatabase {
		known["db-instance-id"] = func(d *database) []string { return []string{d.id, dbARN(c.Region, kind, d.id)} }
	}
	type condition struct {
		of   func(*database) []string
		want []string
	}
	var all []condition
	for _, n := range c.Params.Items("Filters.Filter") {
		name, want := n.Text("Name"), n.Texts("Values.Value")
		switch {
		case known[name] == nil:
			return nil, wire.Invalid("InvalidParameterValue", "Unrecognized filter name: "+name)
		case len(want) == 0:
			return nil, wire.Invalid("InvalidParameterValue", "The filter "+name+" has no values")
		}
		all = append(all, condition{known[name], want})
	}
	return func(d *database) bool {
		for _, f := range all {
			if !slices.ContainsFunc(f.of(d), func(v string) bool { return slices.Contains(f.want, v) }) {
				return false
			}
		}
		return true
	}, nil
}

// page reads MaxRecords, which is from 20 to 100, and Marker: the key after
// which the page begins.
func (c *rdsCall) page() (size int, after string, err *wire.Error) {
	size = 100
	if c.Params.At("MaxRecords").Set {
		n, err := c.Params.Number("MaxRecords")
		if err != nil {
			return 0, "", err
		}
		if n < 20 || n > 100 {
			return 0, "", wire.Invalid("InvalidParameterValue", fmt.Sprintf("Invalid value %d for MaxRecords. Must be between 20 and 100", n))
		}
		size = int(n)
	}
	if marker := c.Params.Text("Marker"); marker != "" {
		text, seal, _ := strings.Cut(marker, ".")
		key, wrong := base64.RawURLEncoding.DecodeString(text)
		if wrong != nil || seal != c.seal(string(key)) {
			return 0, "", wire.Invalid("InvalidParameterValue", "The marker is not one of this request")
		}
		after = string(key)
	}
	return size, after, nil
}

// seal ties a marker to the account, the region and the operation.
func (c *rdsCall) seal(key string) string {
	return strconv.FormatUint(random.HashText(random.HashText(c.Organization.Seed, c.Region.Name+c.Action), key), 36)
}

// cutRecords keeps the first page of rows and writes the marker for the rest.
func cutRecords[T any](c *rdsCall, rows []T, size int, key func(T) string) []T {
	if len(rows) <= size {
		return rows
	}
	rows = rows[:size]
	last := key(rows[size-1])
	c.Out.Text("Marker", base64.RawURLEncoding.EncodeToString([]byte(last))+"."+c.seal(last))
	return rows
}

// write describes a database or a cluster.
func (c *rdsCall) write(d *database) {
	life := lifeOf(c.Region, d)
	if d.kind == aCluster {
		c.writeCluster(d)
		return
	}
	o := c.Out
	o.Open("DBInstance")
	o.Text("DBInstanceIdentifier", d.id)
	o.Text("DBInstanceClass", d.class)
	o.Text("Engine", d.engine)
	o.Text("DBInstanceStatus", life.status)
	if !life.restart.IsZero() {
		o.Time("AutomaticRestartTime", life.restart)
	}
	o.Text("MasterUsername", "admin")
	o.Open("Endpoint")
	o.Text("Address", d.id+".practice."+c.Region.Name+".rds.amazonaws.com")
	o.Number("Port", dbPort(d.engine))
	o.End("Endpoint")
	o.Number("AllocatedStorage", 100)
	o.Time("InstanceCreateTime", d.created)
	o.Text("PreferredBackupWindow", "17:00-17:30")
	retained := int64(7)
	if d.noBackups {
		retained = 0
	}
	o.Number("BackupRetentionPeriod", retained)
	o.Text("AvailabilityZone", d.zone)
	o.Text("PreferredMaintenanceWindow", "sun:18:00-sun:18:30")
	o.Flag("MultiAZ", d.multiAZ)
	o.Flag("AutoMinorVersionUpgrade", true)
	o.Optional("ReadReplicaSourceDBInstanceIdentifier", d.source)
	o.Open("ReadReplicaDBInstanceIdentifiers")
	for _, id := range replicasOf(c.Region, d.id) {
		o.Text("ReadReplicaDBInstanceIdentifier", id)
	}
	o.End("ReadReplicaDBInstanceIdentifiers")
	o.Flag("PubliclyAccessible", false)
	o.Optional("DBClusterIdentifier", d.memberOf)
	o.Flag("StorageEncrypted", true)
	o.Flag("DeletionProtection", false)
	o.Text("DBInstanceArn", dbARN(c.Region, d.kind, d.id))
	writeDbTags(o, d.tags)
	o.End("DBInstance")
}

func (c *rdsCall) writeCluster(d *database) {
	o := c.Out
	o.Open("DBCluster")
	o.Text("DBClusterIdentifier", d.id)
	o.Text("Status", d.status)
	if !d.restart.IsZero() {
		o.Time("AutomaticRestartTime", d.restart)
	}
	o.Open("AvailabilityZones")
	for _, zone := range c.Region.Zones()[:3] {
		o.Text("AvailabilityZone", zone)
	}
	o.End("AvailabilityZones")
	o.Text("Engine", d.engine)
	o.Text("EngineMode", cmp.Or(d.mode, "provisioned"))
	o.Optional("DBClusterInstanceClass", d.class)
	o.Flag("MultiAZ", len(clusterMembers(c.Region, d.id)) > 1)
	o.Number("Port", dbPort(d.engine))
	o.Text("MasterUsername", "admin")
	o.Time("ClusterCreateTime", d.created)
	o.Optional("ReplicationSourceIdentifier", d.source)
	o.Open("DBClusterMembers")
	for n, m := range clusterMembers(c.Region, d.id) {
		o.Open("DBClusterMember")
		o.Text("DBInstanceIdentifier", m.id)
		o.Flag("IsClusterWriter", n == 0)
		o.Number("PromotionTier", 1)
		o.End("DBClusterMember")
	}
	o.End("DBClusterMembers")
	o.Flag("StorageEncrypted", true)
	o.Flag("DeletionProtection", false)
	o.Text("DBClusterArn", dbARN(c.Region, d.kind, d.id))
	writeDbTags(o, d.tags)
	o.End("DBCluster")
}

// dbPort is the engine's usual port.
func dbPort(engine string) int64 {
	switch {
	case strings.Contains(engine, "postgres"):
		return 5432
	case strings.HasPrefix(engine, "sqlserver"):
		return 1433
	case strings.HasPrefix(engine, "oracle"):
		return 1521
	}
	return 3306
}

// longestDuration is the greatest Duration of DescribeEvents, in minutes.
const longestDuration = int64(eventRetention / time.Minute)

// describeEvents lists what happened, the oldest first.
func (c *rdsCall) describeEvents() *wire.Error {
	source, kind := c.Params.Text("SourceIdentifier"), c.Params.Text("SourceType")
	categories := c.Params.Texts("EventCategories.EventCategory")
	from, to, err := c.period()
	if err != nil {
		return err
	}
	size, after, err := c.page()
	if err != nil {
		return err
	}
	if err := c.Params.UnknownParameter(); err != nil {
		return err
	}
	if source != "" && kind == "" {
		return wire.Invalid("InvalidParameterCombination", "Cannot specify source identifier without source type")
	}
	if err := c.Authorize("*", nil, nil); err != nil {
		return err
	}
	var rows []dbEvent
	for _, e := range state.Slot[databases](c.Region).events {
		switch {
		case kind != "" && e.sourceType() != kind, source != "" && e.id != strings.ToLower(source),
			len(categories) > 0 && !slices.Contains(categories, e.category),
			e.at.Before(from) || e.at.After(to), e.key() <= after:
		default:
			rows = append(rows, e)
		}
	}
	slices.SortFunc(rows, func(a, b dbEvent) int { return strings.Compare(a.key(), b.key()) })
	rows = cutRecords(c, rows, size, dbEvent.key)
	c.Out.Open("Events")
	for _, e := range rows {
		c.Out.Open("Event")
		c.Out.Text("SourceIdentifier", e.id)
		c.Out.Text("SourceType", e.sourceType())
		c.Out.Text("Message", e.text)
		c.Out.Open("EventCategories")
		c.Out.Text("EventCategory", e.category)
		c.Out.End("EventCategories")
		c.Out.Time("Date", e.at)
		c.Out.Text("SourceArn", dbARN(c.Region, e.kind, e.id))
		c.Out.End("Event")
	}
	c.Out.End("Events")
	return nil
}

// key orders events and names their place for markers.
func (e dbEvent) key() string { return fmt.Sprintf("%020d.%09d", e.at.UnixNano(), e.seq) }

func (e dbEvent) sourceType() string {
	if e.kind == aCluster {
		return "db-cluster"
	}
	return "db-instance"
}

// period is the time that DescribeEvents is asked for: the last hour, unless
// StartTime, EndTime or Duration (in minutes) say otherwise.
func (c *rdsCall) period() (from, to time.Time, err *wire.Error) {
	minutes := int64(60)
	if c.Params.At("Duration").Set {
		if minutes, err = c.Params.Number("Duration"); err != nil {
			return from, to, err
		}
		if minutes < 1 || minutes > longestDuration {
			return from, to, wire.Invalid("InvalidParameterValue", fmt.Sprintf("Duration must be from 1 to %d minutes", longestDuration))
		}
	}
	instant := func(name string) (time.Time, *wire.Error) {
		text := c.Params.Text(name)
		if text == "" {
			return time.Time{}, nil
		}
		t, wrong := time.Parse(time.RFC3339, text)
		if wrong != nil {
			return t, wire.Fail(http.StatusBadRequest, "InvalidParameterValue", "Invalid value "+text+" for "+name)
		}
		return t, nil
	}
	if from, err = instant("StartTime"); err != nil {
		return from, to, err
	}
	if to, err = instant("EndTime"); err != nil {
		return from, to, err
	}
	length := time.Duration(minutes) * time.Minute
	switch {
	case from.IsZero() && to.IsZero():
		from, to = c.Now.Add(-length), c.Now
	case from.IsZero():
		from = to.Add(-length)
	case to.IsZero() && c.Params.At("Duration").Set:
		to = from.Add(length)
	case to.IsZero():
		to = c.Now
	}
	return from, to, nil
}
