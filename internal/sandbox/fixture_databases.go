package sandbox

import (
	"time"

	"nightshift/internal/sandbox/rds"
	"nightshift/internal/sandbox/state"
)

// addDefaultDatabases puts databases into DefaultRegion, each there for a
// reason.
func addDefaultDatabases(a *state.Account) error {
	if a.Regions[state.DefaultRegion] == nil {
		return nil
	}
	days := func(n float64) time.Time { return a.Clock.Start.Add(-time.Duration(n * 24 * float64(time.Hour))) }
	auto := func(env string) map[string]string { return map[string]string{"AutoStopStart": "Yes", "Env": env} }
	for _, d := range []rds.Database{
		{ID: "dev-mysql", Tags: auto("dev"), Created: days(200), Stopped: days(1.0), Started: days(0.4)},
		{ID: "dev-postgres", Engine: "postgres", Class: "db.t4g.medium", Tags: auto("dev"), Created: days(120)},
		{ID: "qa-oracle", Engine: "oracle-se2", Class: "db.m5.large", Tags: auto("qa"), Created: days(90), Started: days(3.3), Stopped: days(2.5)},
		{ID: "qa-mariadb", Engine: "mariadb", Tags: auto("qa"), Created: days(60), Status: "backing-up"},
		{ID: "erp-mssql", Engine: "sqlserver-se", Class: "db.m5.xlarge", MultiAZ: true, Tags: auto("dev"), Created: days(300)},
		{ID: "report", Class: "db.r5.large", Tags: auto("stg"), Created: days(250)},
		{ID: "report-replica", Class: "db.r5.large", ReplicaOf: "report", Tags: auto("stg"), Created: days(240)},
		{ID: "orders", Engine: "postgres", Class: "db.r6g.xlarge", MultiAZ: true, Tags: map[string]string{"Env": "prod"}, Created: days(400)},
		{ID: "dev-aurora", Cluster: true, Tags: auto("dev"), Created: days(80), Stopped: days(1.0), Started: days(0.4)},
		{ID: "dev-aurora-1", MemberOf: "dev-aurora", Class: "db.r6g.large", Tags: auto("dev"), Created: days(80)},
		{ID: "dev-aurora-2", MemberOf: "dev-aurora", Class: "db.r6g.large", Tags: auto("dev"), Created: days(79)},
	} {
		if err := rds.AddDatabase(a, state.DefaultRegion, d); err != nil {
			return err
		}
	}
	return rds.SetDatabaseStatus(a, state.DefaultRegion, "qa-mariadb", "backing-up", 30*time.Minute)
}
