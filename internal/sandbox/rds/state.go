package rds

import (
	"math/rand/v2"
	"slices"
	"time"

	"nightshift/internal/sandbox/random"
	"nightshift/internal/sandbox/state"
)

// dbKind distinguishes databases from clusters, in the word that ARNs have for
// them.
type dbKind string

const (
	aDatabase dbKind = "db"
	aCluster  dbKind = "cluster"
)

// noun is the kind in sentences of RDS.
func (k dbKind) noun() string {
	if k == aCluster {
		return "DB cluster"
	}
	return "DB instance"
}

// The statuses between which databases move here. Others, such as
// "backing-up", may be given to them and count as neither running nor stopped.
const (
	dbAvailable = "available"
	dbStopping  = "stopping"
	dbStopped   = "stopped"
	dbStarting  = "starting"
)

// longestStop is how long a database stays stopped before RDS starts it again.
const longestStop = 7 * 24 * time.Hour

// eventRetention is how long RDS reports events.
const eventRetention = 14 * 24 * time.Hour

// database is a DB instance or a DB cluster. A member of a cluster has the
// status of its cluster.
type database struct {
	kind     dbKind
	id       string
	class    string
	engine   string
	mode     string // EngineMode of a cluster
	zone     string
	multiAZ  bool
	source   string // the database that it is a read replica of
	memberOf string // the cluster that it belongs to
	created  time.Time
	tags     state.Tags

	noBackups bool // its BackupRetentionPeriod is 0

	status  string
	until   time.Time // when a passing status ends; zero: it lasts
	restart time.Time // when RDS starts it on its own; zero unless it is stopped
	started time.Time // the last start
	stopped time.Time // the last stop
}

// databases are the RDS of one region. The zero value is an empty one.
type databases struct {
	list     []*database // by id, clusters and instances in one list
	events   []dbEvent   // in the order in which they were noticed
	recorded int         // events so far
	rng      *rand.Rand
}

// dbEvent is an event as DescribeEvents reports it.
type dbEvent struct {
	at       time.Time
	seq      int
	kind     dbKind
	id       string
	text     string
	category string
}

func findDatabase(r *state.Region, kind dbKind, id string) *database {
	for _, d := range state.Slot[databases](r).list {
		if d.kind == kind && d.id == id {
			return d
		}
	}
	return nil
}

// lifeOf is the database whose status counts: a member's is its cluster's.
func lifeOf(r *state.Region, d *database) *database {
	if cluster := findDatabase(r, aCluster, d.memberOf); cluster != nil {
		return cluster
	}
	return d
}

// clusterMembers are a cluster's instances, by id.
func clusterMembers(r *state.Region, cluster string) []*database {
	var list []*database
	for _, d := range state.Slot[databases](r).list {
		if cluster != "" && d.memberOf == cluster {
			list = append(list, d)
		}
	}
	return list
}

// replicasOf are the ids of a database's read replicas.
func replicasOf(r *state.Region, source string) []string {
	var ids []string
	for _, d := range state.Slot[databases](r).list {
		if d.kind == aDatabase && d.source == source {
			ids = append(ids, d.id)
		}
	}
	return ids
}

// recordEvent records an event of a database and, for a cluster, of its members.
func recordEvent(r *state.Region, d *database, at time.Time, category, what string) {
	for _, one := range append([]*database{d}, clusterMembers(r, clusterID(d))...) {
		state.Slot[databases](r).recorded++
		state.Slot[databases](r).events = append(state.Slot[databases](r).events, dbEvent{
			at: at, seq: state.Slot[databases](r).recorded, kind: one.kind, id: one.id, category: category, text: one.kind.noun() + " " + what,
		})
	}
}

func clusterID(d *database) string {
	if d.kind == aCluster {
		return d.id
	}
	return ""
}

// settleDatabases brings every database to the status that it has reached by
// now, with the events on the way.
func settleDatabases(r *state.Region, now time.Time) {
	for _, d := range state.Slot[databases](r).list {
		for settleOnce(r, d, now) {
		}
	}
	state.Slot[databases](r).events = slices.DeleteFunc(state.Slot[databases](r).events, func(e dbEvent) bool { return now.Sub(e.at) > eventRetention })
}

// settleOnce makes the next change of status that is due; false: none is.
// Texts and categories of the events are those of "Amazon RDS event categories
// and event messages": RDS-EVENT-0087, 0088 and 0154 of instances, 0150, 0151
// and 0153 of clusters.
func settleOnce(r *state.Region, d *database, now time.Time) bool {
	switch {
	case !d.until.IsZero() && !now.Before(d.until):
		at := d.until
		d.until = time.Time{}
		switch d.status {
		case dbStopping:
			d.status, d.stopped, d.restart = dbStopped, at, at.Add(longestStop)
			recordEvent(r, d, at, "notification", "stopped")
		case dbStarting:
			d.status, d.started = dbAvailable, at
			recordEvent(r, d, at, "notification", "started")
		default: // a backup or a change that is over
			d.status = dbAvailable
		}
		return true
	case d.status == dbStopped && !d.restart.IsZero() && !now.Before(d.restart):
		at := d.restart
		recordEvent(r, d, at, "notification", "is being started due to it exceeding the maximum allowed time being stopped.")
		d.begin(dbStarting, at, startTakes(r))
		return true
	}
	return false
}

// begin sends a database on its way: starting or stopping.
func (d *database) begin(status string, now time.Time, takes time.Duration) {
	d.status, d.until, d.restart = status, now.Add(takes), time.Time{}
}

// startTakes and stopTakes are how long a database needs: 4 to 8 and 2 to 4
// minutes.
func startTakes(r *state.Region) time.Duration {
	return random.Between(dbRand(r), 4*time.Minute, 8*time.Minute)
}

func stopTakes(r *state.Region) time.Duration {
	return random.Between(dbRand(r), 2*time.Minute, 4*time.Minute)
}

// dbRand is a source of its own, so that databases do not change what happens
// to instances.
func dbRand(r *state.Region) *rand.Rand {
	if state.Slot[databases](r).rng == nil {
		state.Slot[databases](r).rng = random.New(random.HashText(uint64(len(state.Slot[databases](r).list)), r.Name), 3)
	}
	return state.Slot[databases](r).rng
}
