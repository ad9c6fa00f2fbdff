package rds

import (
	"cmp"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"

	"nightshift/internal/sandbox/random"
	"nightshift/internal/sandbox/state"
)

// Database is a database of the sandbox: an RDS DB instance or, with
// Cluster, a DB cluster.
type Database struct {
	// ID is the identifier: lower case letters, digits and hyphens.
	ID      string
	Cluster bool
	// MemberOf is the cluster that the instance belongs to, ReplicaOf the
	// instance that it is a read replica of. Both must be there already.
	MemberOf, ReplicaOf string
	// Class is the instance class; empty means db.t3.medium for an instance.
	Class string
	// Engine is mysql, or aurora-mysql for a cluster and its members, where it
	// is empty.
	Engine string
	// Mode is the engine mode of a cluster; empty means provisioned.
	Mode    string
	MultiAZ bool
	// NoBackups switches automatic backups off; otherwise they are kept for 7 days.
	NoBackups bool
	Tags      map[string]string
	// Status is a status of RDS; empty means available, or stopped where
	// Stopped is after Started.
	Status string
	// Created is when it was made; zero means now. Started and Stopped are the
	// last start and stop, which also become events.
	Created, Started, Stopped time.Time
}

// AddDatabase puts a database into a region.
func AddDatabase(a *state.Account, name string, d Database) error {
	r := a.Regions[name]
	if r == nil {
		return fmt.Errorf("database %s: the region %s is not enabled", d.ID, name)
	}
	r.Mu.Lock()
	defer r.Mu.Unlock()
	if err := addDatabase(r, d, a.Now()); err != nil {
		return fmt.Errorf("database %s: %w", d.ID, err)
	}
	return nil
}

func addDatabase(r *state.Region, d Database, now time.Time) error {
	made := &database{
		kind: aDatabase, id: d.ID, class: d.Class, engine: d.Engine, mode: d.Mode, multiAZ: d.MultiAZ, source: d.ReplicaOf,
		memberOf: d.MemberOf, created: d.Created, started: d.Started, stopped: d.Stopped, status: d.Status,
		noBackups: d.NoBackups,
	}
	switch {
	case made.status != "":
	case d.Stopped.After(d.Started):
		made.status = dbStopped
	default:
		made.status = dbAvailable
	}
	engine := "mysql"
	if d.Cluster {
		made.kind = aCluster
	} else {
		made.class = cmp.Or(made.class, "db.t3.medium")
	}
	if d.Cluster || d.MemberOf != "" {
		engine = "aurora-mysql"
	}
	made.engine = cmp.Or(made.engine, engine)
	if made.created.IsZero() {
		made.created = now
	}
	for _, key := range slices.Sorted(maps.Keys(d.Tags)) {
		made.tags = append(made.tags, state.Tag{Key: key, Value: d.Tags[key]})
	}
	if err := checkDBTags(made.tags); err != nil {
		return fmt.Errorf("tags: %s", err.Message)
	}
	switch {
	case !databaseName.MatchString(d.ID):
		return fmt.Errorf("%q is not an identifier of RDS", d.ID)
	case findDatabase(r, made.kind, d.ID) != nil:
		return fmt.Errorf("there is one already")
	case d.MemberOf != "" && findDatabase(r, aCluster, d.MemberOf) == nil:
		return fmt.Errorf("there is no cluster %s", d.MemberOf)
	case d.ReplicaOf != "" && findDatabase(r, made.kind, d.ReplicaOf) == nil:
		return fmt.Errorf("there is no database %s to be a replica of", d.ReplicaOf)
	}
	made.zone = r.Zones()[random.HashText(0, d.ID)%uint64(len(r.Zones()))]
	all := state.Slot[databases](r)
	if len(all.list) == 0 {
		r.OnSettle(func(now time.Time) { settleDatabases(r, now) })
	}
	all.list = append(all.list, made)
	slices.SortFunc(all.list, func(a, b *database) int {
		return cmp.Or(strings.Compare(a.id, b.id), strings.Compare(string(a.kind), string(b.kind)))
	})
	recordPast(r, made, now)
	return nil
}

// recordPast gives a database that joins the account its past.
func recordPast(r *state.Region, d *database, now time.Time) {
	recordEvent(r, d, d.created, "creation", "created")
	if !d.started.IsZero() {
		recordEvent(r, d, d.started, "notification", "started")
	}
	if !d.stopped.IsZero() {
		recordEvent(r, d, d.stopped, "notification", "stopped")
	}
	if d.status == dbStopped {
		if d.stopped.IsZero() {
			d.stopped = now
		}
		d.restart = d.stopped.Add(longestStop)
	}
}

var databaseName = regexp.MustCompile(`^[a-z]([a-z0-9]|-[a-z0-9]){0,62}$`)

// SetDatabaseStatus gives an instance, or a cluster where there is no instance
// of that name, a status such as "backing-up" for some time of the account,
// after which it is available; zero means that it stays so.
func SetDatabaseStatus(a *state.Account, name, id, status string, lasts time.Duration) error {
	r := a.Regions[name]
	if r == nil {
		return fmt.Errorf("database %s: the region %s is not enabled", id, name)
	}
	now := a.Now()
	r.Mu.Lock()
	defer r.Mu.Unlock()
	r.Settle(now)
	d := cmp.Or(findDatabase(r, aDatabase, id), findDatabase(r, aCluster, id))
	if d == nil {
		return fmt.Errorf("there is no database %s in %s", id, name)
	}
	d.status, d.until, d.restart = status, time.Time{}, time.Time{}
	if lasts > 0 {
		d.until = now.Add(lasts)
	}
	return nil
}

// Databases are the databases of a region as they are now, by identifier.
func Databases(a *state.Account, name string) []Database {
	r := a.Regions[name]
	if r == nil {
		return nil
	}
	now := a.Now()
	r.Mu.Lock()
	defer r.Mu.Unlock()
	r.Settle(now)
	var list []Database
	for _, d := range state.Slot[databases](r).list {
		life := lifeOf(r, d)
		list = append(list, Database{
			ID: d.id, Cluster: d.kind == aCluster, MemberOf: d.memberOf, ReplicaOf: d.source, Class: d.class, Engine: d.engine,
			Mode: d.mode, MultiAZ: d.multiAZ, Tags: d.tags.Map(), Status: life.status,
			Created: d.created, Started: life.started, Stopped: life.stopped,
		})
	}
	return list
}
