package sandbox

import (
	"cmp"
	"encoding/base64"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// describe is DescribeDBInstances and DescribeDBClusters.
func (c *rdsCall) describe(kind dbKind) *apiError {
	parameter, list := "DBInstanceIdentifier", "DBInstances"
	if kind == aCluster {
		parameter, list = "DBClusterIdentifier", "DBClusters"
		c.form.accept("IncludeShared")
	}
	id := strings.ToLower(c.form.text(parameter))
	keep, err := c.filters(kind)
	if err != nil {
		return err
	}
	size, after, err := c.page()
	if err != nil {
		return err
	}
	if err := c.form.unknownParameter(); err != nil {
		return err
	}
	if err := c.authorize(c.region.dbARN(kind, "*"), nil, nil); err != nil {
		return err
	}
	if id != "" && c.region.database(kind, id) == nil {
		return noDatabase(kind, id)
	}
	var rows []*database
	for _, d := range slot[databases](c.region).list {
		if d.kind == kind && (id == "" || d.id == id) && keep(d) && d.id > after {
			rows = append(rows, d)
		}
	}
	rows = cutRecords(c, rows, size, func(d *database) string { return d.id })
	c.out.open(list)
	for _, d := range rows {
		c.write(d)
	}
	c.out.end(list)
	return nil
}

// filters reads the filters that are known here. RDS compares whole values; an
// identifier may be an ARN.
func (c *rdsCall) filters(kind dbKind) (func(*database) bool, *apiError) {
	known := map[string]func(*database) []string{
		"engine": func(d *database) []string { return one(d.engine) },
		"db-cluster-id": func(d *database) []string {
			id := cmp.Or(d.memberOf, clusterID(d))
			return []string{id, c.region.dbARN(aCluster, id)}
		},
	}
	if kind == aDatabase {
		known["db-instance-id"] = func(d *database) []string { return []string{d.id, c.region.dbARN(kind, d.id)} }
	}
	type condition struct {
		of   func(*database) []string
		want []string
	}
	var all []condition
	for _, n := range c.form.items("Filters.Filter") {
		name, want := n.text("Name"), n.texts("Values.Value")
		switch {
		case known[name] == nil:
			return nil, invalid("InvalidParameterValue", "Unrecognized filter name: "+name)
		case len(want) == 0:
			return nil, invalid("InvalidParameterValue", "The filter "+name+" has no values")
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
func (c *rdsCall) page() (size int, after string, err *apiError) {
	size = 100
	if c.form.at("MaxRecords").set {
		n, err := c.form.number("MaxRecords")
		if err != nil {
			return 0, "", err
		}
		if n < 20 || n > 100 {
			return 0, "", invalid("InvalidParameterValue", fmt.Sprintf("Invalid value %d for MaxRecords. Must be between 20 and 100", n))
		}
		size = int(n)
	}
	if marker := c.form.text("Marker"); marker != "" {
		text, seal, _ := strings.Cut(marker, ".")
		key, wrong := base64.RawURLEncoding.DecodeString(text)
		if wrong != nil || seal != c.seal(string(key)) {
			return 0, "", invalid("InvalidParameterValue", "The marker is not one of this request")
		}
		after = string(key)
	}
	return size, after, nil
}

// seal ties a marker to the account, the region and the operation.
func (c *rdsCall) seal(key string) string {
	return strconv.FormatUint(mixText(mixText(c.org.seed, c.region.name+c.action), key), 36)
}

// cutRecords keeps the first page of rows and writes the marker for the rest.
func cutRecords[T any](c *rdsCall, rows []T, size int, key func(T) string) []T {
	if len(rows) <= size {
		return rows
	}
	rows = rows[:size]
	last := key(rows[size-1])
	c.out.text("Marker", base64.RawURLEncoding.EncodeToString([]byte(last))+"."+c.seal(last))
	return rows
}

// write describes a database or a cluster.
func (c *rdsCall) write(d *database) {
	life := c.region.life(d)
	if d.kind == aCluster {
		c.writeCluster(d)
		return
	}
	o := c.out
	o.open("DBInstance")
	o.text("DBInstanceIdentifier", d.id)
	o.text("DBInstanceClass", d.class)
	o.text("Engine", d.engine)
	o.text("DBInstanceStatus", life.status)
	if !life.restart.IsZero() {
		o.time("AutomaticRestartTime", life.restart)
	}
	o.text("MasterUsername", "admin")
	o.open("Endpoint")
	o.text("Address", d.id+".practice."+c.region.name+".rds.amazonaws.com")
	o.number("Port", dbPort(d.engine))
	o.end("Endpoint")
	o.number("AllocatedStorage", 100)
	o.time("InstanceCreateTime", d.created)
	o.text("PreferredBackupWindow", "17:00-17:30")
	o.number("BackupRetentionPeriod", 7)
	o.text("AvailabilityZone", d.zone)
	o.text("PreferredMaintenanceWindow", "sun:18:00-sun:18:30")
	o.flag("MultiAZ", d.multiAZ)
	o.flag("AutoMinorVersionUpgrade", true)
	o.some("ReadReplicaSourceDBInstanceIdentifier", d.source)
	o.open("ReadReplicaDBInstanceIdentifiers")
	for _, id := range c.region.replicas(d.id) {
		o.text("ReadReplicaDBInstanceIdentifier", id)
	}
	o.end("ReadReplicaDBInstanceIdentifiers")
	o.flag("PubliclyAccessible", false)
	o.some("DBClusterIdentifier", d.memberOf)
	o.flag("StorageEncrypted", true)
	o.flag("DeletionProtection", false)
	o.text("DBInstanceArn", c.region.dbARN(d.kind, d.id))
	o.dbTags(d.tags)
	o.end("DBInstance")
}

func (c *rdsCall) writeCluster(d *database) {
	o := c.out
	o.open("DBCluster")
	o.text("DBClusterIdentifier", d.id)
	o.text("Status", d.status)
	if !d.restart.IsZero() {
		o.time("AutomaticRestartTime", d.restart)
	}
	o.open("AvailabilityZones")
	for _, zone := range c.region.zones()[:3] {
		o.text("AvailabilityZone", zone)
	}
	o.end("AvailabilityZones")
	o.text("Engine", d.engine)
	o.text("EngineMode", cmp.Or(d.mode, "provisioned"))
	o.some("DBClusterInstanceClass", d.class)
	o.flag("MultiAZ", len(c.region.members(d.id)) > 1)
	o.number("Port", dbPort(d.engine))
	o.text("MasterUsername", "admin")
	o.time("ClusterCreateTime", d.created)
	o.some("ReplicationSourceIdentifier", d.source)
	o.open("DBClusterMembers")
	for n, m := range c.region.members(d.id) {
		o.open("DBClusterMember")
		o.text("DBInstanceIdentifier", m.id)
		o.flag("IsClusterWriter", n == 0)
		o.number("PromotionTier", 1)
		o.end("DBClusterMember")
	}
	o.end("DBClusterMembers")
	o.flag("StorageEncrypted", true)
	o.flag("DeletionProtection", false)
	o.text("DBClusterArn", c.region.dbARN(d.kind, d.id))
	o.dbTags(d.tags)
	o.end("DBCluster")
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
const longestDuration = int64(eventsKept / time.Minute)

// describeEvents tells what happened, the oldest first.
func (c *rdsCall) describeEvents() *apiError {
	source, kind := c.form.text("SourceIdentifier"), c.form.text("SourceType")
	categories := c.form.texts("EventCategories.EventCategory")
	from, to, err := c.period()
	if err != nil {
		return err
	}
	size, after, err := c.page()
	if err != nil {
		return err
	}
	if err := c.form.unknownParameter(); err != nil {
		return err
	}
	if source != "" && kind == "" {
		return invalid("InvalidParameterCombination", "Cannot specify source identifier without source type")
	}
	if err := c.authorize("*", nil, nil); err != nil {
		return err
	}
	var rows []dbEvent
	for _, e := range slot[databases](c.region).events {
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
	c.out.open("Events")
	for _, e := range rows {
		c.out.open("Event")
		c.out.text("SourceIdentifier", e.id)
		c.out.text("SourceType", e.sourceType())
		c.out.text("Message", e.text)
		c.out.open("EventCategories")
		c.out.text("EventCategory", e.category)
		c.out.end("EventCategories")
		c.out.time("Date", e.at)
		c.out.text("SourceArn", c.region.dbARN(e.kind, e.id))
		c.out.end("Event")
	}
	c.out.end("Events")
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
func (c *rdsCall) period() (from, to time.Time, err *apiError) {
	minutes := int64(60)
	if c.form.at("Duration").set {
		if minutes, err = c.form.number("Duration"); err != nil {
			return from, to, err
		}
		if minutes < 1 || minutes > longestDuration {
			return from, to, invalid("InvalidParameterValue", fmt.Sprintf("Duration must be from 1 to %d minutes", longestDuration))
		}
	}
	instant := func(name string) (time.Time, *apiError) {
		text := c.form.text(name)
		if text == "" {
			return time.Time{}, nil
		}
		t, wrong := time.Parse(time.RFC3339, text)
		if wrong != nil {
			return t, fail(http.StatusBadRequest, "InvalidParameterValue", "Invalid value "+text+" for "+name)
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
		from, to = c.now.Add(-length), c.now
	case from.IsZero():
		from = to.Add(-length)
	case to.IsZero() && c.form.at("Duration").set:
		to = from.Add(length)
	case to.IsZero():
		to = c.now
	}
	return from, to, nil
}
