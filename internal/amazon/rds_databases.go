package amazon

import (
	"context"
	"errors"
	"iter"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/rds"
	"github.com/aws/aws-sdk-go-v2/service/rds/types"

	"nightshift/internal/fleet"
)

const (
	// recordsPerPage is the largest page that RDS allows.
	recordsPerPage = 100
	// longestStop is how long RDS leaves a database stopped: a stop is reported
	// as the time of the restart that follows it.
	longestStop = 7 * 24 * time.Hour
)

// Databases are the RDS database instances of one account and region. RDS acts
// on one at a time, and its answers have neither the last start nor the last
// stop: both come from what it does report (see Machines).
type Databases struct {
	relational
	describe operation[rds.DescribeDBInstancesInput, rds.DescribeDBInstancesOutput]
	stop     operation[rds.StopDBInstanceInput, rds.StopDBInstanceOutput]
	start    operation[rds.StartDBInstanceInput, rds.StartDBInstanceOutput]
}

// Databases gives access to the RDS database instances of a region.
func (s *Session) Databases(region fleet.Region) *Databases {
	client := rds.NewFromConfig(s.in(region))
	return &Databases{
		relational: s.relational(client, region, types.SourceTypeDbInstance),
		describe:   capture(s, "rds:DescribeDBInstances", client.DescribeDBInstances),
		stop:       capture(s, "rds:StopDBInstance", client.StopDBInstance),
		start:      capture(s, "rds:StartDBInstance", client.StartDBInstance),
	}
}

// Machines yields the chosen databases. Members of clusters are among them, as
// ineligible: they are stopped with their cluster. An error ends it.
//
// The last stop is seven days before the restart that RDS announces, and the
// last start is looked up among the events of the last 14 days. Both are the
// times at which the database had stopped or started, some minutes after it
// was asked to.
func (d *Databases) Machines(ctx context.Context, sel fleet.Selector) iter.Seq2[fleet.Machine, error] {
	return d.machines(ctx, sel, func() ([]fleet.Machine, error) {
		in := &rds.DescribeDBInstancesInput{MaxRecords: aws.Int32(recordsPerPage), Filters: byID("db-instance-id", sel.IDs)}
		var found []fleet.Machine
		next := func(out *rds.DescribeDBInstancesOutput) *string { return out.Marker }
		for out, err := range pages(ctx, d.describe, in, &in.Marker, next) {
			if err != nil {
				return nil, err
			}
			for _, i := range out.DBInstances {
				if m := d.instance(i); chosen(sel, m) {
					found = append(found, m)
				}
			}
		}
		return found, nil
	})
}

// Unbacked are the databases whose automated backups are off, in the order in which RDS
// lists them. Members of clusters are not among them, for a cluster always has backups,
// nor are read replicas, which have their source's. After an error the answer holds what
// was read.
func (d *Databases) Unbacked(ctx context.Context) ([]fleet.ResourceID, error) {
	in := &rds.DescribeDBInstancesInput{MaxRecords: aws.Int32(recordsPerPage)}
	next := func(out *rds.DescribeDBInstancesOutput) *string { return out.Marker }
	var ids []fleet.ResourceID
	for out, err := range pages(ctx, d.describe, in, &in.Marker, next) {
		if err != nil {
			return ids, err
		}
		for _, i := range out.DBInstances {
			source := aws.ToString(i.ReadReplicaSourceDBInstanceIdentifier) + aws.ToString(i.ReadReplicaSourceDBClusterIdentifier)
			if i.BackupRetentionPeriod != nil && *i.BackupRetentionPeriod == 0 && aws.ToString(i.DBClusterIdentifier) == "" && source == "" {
				ids = append(ids, fleet.ResourceID(aws.ToString(i.DBInstanceIdentifier)))
			}
		}
	}
	return ids, nil
}

// Stop asks RDS to stop the databases, one by one. It ends at the first
// refusal, which names the database. Databases do not hibernate: they are just
// stopped.
func (d *Databases) Stop(ctx context.Context, ids []fleet.ResourceID, _ bool) error {
	return oneByOne(ids, func(id *string) error {
		_, err := d.stop(ctx, &rds.StopDBInstanceInput{DBInstanceIdentifier: id})
		return err
	})
}

// Start asks RDS to start the databases, one by one. It ends at the first
// refusal, which names the database.
func (d *Databases) Start(ctx context.Context, ids []fleet.ResourceID) error {
	return oneByOne(ids, func(id *string) error {
		_, err := d.start(ctx, &rds.StartDBInstanceInput{DBInstanceIdentifier: id})
		return err
	})
}

// instance converts a database of DescribeDBInstances.
func (d *Databases) instance(i types.DBInstance) fleet.Machine {
	m := d.machine(fleet.KindDatabase, aws.ToString(i.DBInstanceIdentifier), aws.ToString(i.DBInstanceArn),
		aws.ToString(i.DBInstanceStatus), i.TagList)
	m.Type = fleet.InstanceType(aws.ToString(i.DBInstanceClass))
	m.Zone = fleet.Zone(aws.ToString(i.AvailabilityZone))
	m.Created = timeOf(i.InstanceCreateTime)
	stopsUntil(&m, i.AutomaticRestartTime)
	if never := instanceNeverStops(i); never != (fleet.Reason{}) {
		m.Ineligible.Cannot = never
	}
	return m
}

// instanceNeverStops says why a database cannot be stopped and started at all.
// The rules are those of "Stopping an Amazon RDS DB instance temporarily" in
// the RDS User Guide.
func instanceNeverStops(i types.DBInstance) fleet.Reason {
	engine := aws.ToString(i.Engine)
	source := aws.ToString(i.ReadReplicaSourceDBInstanceIdentifier) + aws.ToString(i.ReadReplicaSourceDBClusterIdentifier)
	switch {
	case aws.ToString(i.DBClusterIdentifier) != "":
		return reason("cluster-member", "belongs to the cluster "+aws.ToString(i.DBClusterIdentifier)+", which is stopped and started as a whole")
	case source != "":
		return reason("replica", "is a read replica of "+source+"; RDS does not stop replicas")
	case len(i.ReadReplicaDBInstanceIdentifiers)+len(i.ReadReplicaDBClusterIdentifiers) > 0:
		replicas := slices.Concat(i.ReadReplicaDBInstanceIdentifiers, i.ReadReplicaDBClusterIdentifiers)
		return reason("replica", "has read replicas ("+strings.Join(replicas, ", ")+"); RDS does not stop their source")
	case aws.ToBool(i.MultiAZ) && strings.Contains(engine, "sqlserver"):
		return reason("sqlserver-multi-az", "is a Multi-AZ deployment of SQL Server, which RDS cannot stop")
	case strings.HasPrefix(engine, "custom-") && !strings.Contains(engine, "sqlserver"):
		return reason("rds-custom", "is an RDS Custom database ("+engine+"), which RDS cannot stop")
	}
	return fleet.Reason{}
}

// Clusters are the RDS database clusters of one account and region, Aurora
// and others.
type Clusters struct {
	relational
	describe operation[rds.DescribeDBClustersInput, rds.DescribeDBClustersOutput]
	stop     operation[rds.StopDBClusterInput, rds.StopDBClusterOutput]
	start    operation[rds.StartDBClusterInput, rds.StartDBClusterOutput]
}

// Clusters gives access to the RDS database clusters of a region.
func (s *Session) Clusters(region fleet.Region) *Clusters {
	client := rds.NewFromConfig(s.in(region))
	return &Clusters{
		relational: s.relational(client, region, types.SourceTypeDbCluster),
		describe:   capture(s, "rds:DescribeDBClusters", client.DescribeDBClusters),
		stop:       capture(s, "rds:StopDBCluster", client.StopDBCluster),
		start:      capture(s, "rds:StartDBCluster", client.StartDBCluster),
	}
}

// Machines yields the chosen clusters, as [Databases.Machines] does. An Aurora
// cluster has no type: its members may differ.
func (c *Clusters) Machines(ctx context.Context, sel fleet.Selector) iter.Seq2[fleet.Machine, error] {
	return c.machines(ctx, sel, func() ([]fleet.Machine, error) {
		in := &rds.DescribeDBClustersInput{MaxRecords: aws.Int32(recordsPerPage), Filters: byID("db-cluster-id", sel.IDs)}
		var found []fleet.Machine
		next := func(out *rds.DescribeDBClustersOutput) *string { return out.Marker }
		for out, err := range pages(ctx, c.describe, in, &in.Marker, next) {
			if err != nil {
				return nil, err
			}
			for _, i := range out.DBClusters {
				if m := c.cluster(i); chosen(sel, m) {
					found = append(found, m)
				}
			}
		}
		return found, nil
	})
}

// Stop asks RDS to stop the clusters, one by one, as [Databases.Stop] does.
func (c *Clusters) Stop(ctx context.Context, ids []fleet.ResourceID, _ bool) error {
	return oneByOne(ids, func(id *string) error {
		_, err := c.stop(ctx, &rds.StopDBClusterInput{DBClusterIdentifier: id})
		return err
	})
}

// Start asks RDS to start the clusters, one by one, as [Databases.Start] does.
func (c *Clusters) Start(ctx context.Context, ids []fleet.ResourceID) error {
	return oneByOne(ids, func(id *string) error {
		_, err := c.start(ctx, &rds.StartDBClusterInput{DBClusterIdentifier: id})
		return err
	})
}

// cluster converts a cluster of DescribeDBClusters.
func (c *Clusters) cluster(i types.DBCluster) fleet.Machine {
	m := c.machine(fleet.KindCluster, aws.ToString(i.DBClusterIdentifier), aws.ToString(i.DBClusterArn), aws.ToString(i.Status), i.TagList)
	m.Type = fleet.InstanceType(aws.ToString(i.DBClusterInstanceClass))
	m.Created = timeOf(i.ClusterCreateTime)
	stopsUntil(&m, i.AutomaticRestartTime)
	if never := clusterNeverStops(i); never != (fleet.Reason{}) {
		m.Ineligible.Cannot = never
	}
	return m
}

// clusterNeverStops says why a cluster cannot be stopped and started at all.
// The rules are those of "Limitations for stopping and starting Aurora DB
// clusters" in the Aurora User Guide.
func clusterNeverStops(i types.DBCluster) fleet.Reason {
	switch mode := aws.ToString(i.EngineMode); {
	case mode == "serverless":
		return reason("serverless", "is an Aurora Serverless v1 cluster, which cannot be stopped")
	case aws.ToString(i.GlobalClusterIdentifier) != "" || mode == "global":
		return reason("global", "is part of an Aurora global database, which cannot be stopped")
	case mode == "parallelquery" || mode == "multimaster":
		return reason("engine-mode", "has the engine mode "+mode+", in which it cannot be stopped")
	case aws.ToString(i.ReplicationSourceIdentifier) != "":
		return reason("replica", "is a replica of "+aws.ToString(i.ReplicationSourceIdentifier)+"; RDS does not stop replicas")
	case len(i.ReadReplicaIdentifiers) > 0:
		return reason("replica", "has read replicas ("+strings.Join(i.ReadReplicaIdentifiers, ", ")+"); RDS does not stop their source")
	}
	return fleet.Reason{}
}

func reason(code, text string) fleet.Reason { return fleet.Reason{Code: code, Text: text} }

// oneByOne asks for each database in turn and names it in a refusal.
func oneByOne(ids []fleet.ResourceID, ask func(id *string) error) error {
	for _, id := range ids {
		err := ask(aws.String(string(id)))
		if refusal, ok := errors.AsType[*fleet.Refusal](err); ok {
			refusal.IDs = []fleet.ResourceID{id}
		}
		if err != nil {
			return err
		}
	}
	return nil
}
