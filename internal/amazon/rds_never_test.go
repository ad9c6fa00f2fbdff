package amazon

import (
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/rds/types"
)

// Databases and clusters that neither the sandbox nor an emulator
// has.
func TestNeverStops(t *testing.T) {
	text, yes := aws.String, aws.Bool(true)
	for want, list := range map[string][]types.DBInstance{
		"": {
			{Engine: text("sqlserver-ex")}, {Engine: text("mysql"), MultiAZ: yes}, {Engine: text("custom-sqlserver-se")}, {Engine: text("db2-se")},
		},
		"sqlserver-multi-az": {{Engine: text("sqlserver-ee"), MultiAZ: yes}, {Engine: text("custom-sqlserver-ee"), MultiAZ: yes}},
		"rds-custom":         {{Engine: text("custom-oracle-ee")}},
		"replica": {
			{Engine: text("mysql"), ReadReplicaSourceDBInstanceIdentifier: text("arn:aws:rds:us-east-1:123456789012:db:far")},
			{Engine: text("postgres"), ReadReplicaSourceDBClusterIdentifier: text("cluster")},
			{Engine: text("mysql"), ReadReplicaDBInstanceIdentifiers: []string{"copy"}},
			{Engine: text("mysql"), ReadReplicaDBClusterIdentifiers: []string{"aurora-copy"}},
		},
		"cluster-member": {{Engine: text("aurora-mysql"), DBClusterIdentifier: text("cluster")}},
	} {
		for _, i := range list {
			if got := instanceNeverStops(i); got.Code != want || (got.Text == "") != (want == "") {
				t.Errorf("%s: %+v, want %q", *i.Engine, got, want)
			}
		}
	}
	for want, list := range map[string][]types.DBCluster{
		"":            {{}, {EngineMode: text("provisioned")}, {EngineMode: text("provisioned"), Engine: text("mysql"), DBClusterInstanceClass: text("db.r6gd.large")}},
		"serverless":  {{EngineMode: text("serverless")}},
		"global":      {{EngineMode: text("provisioned"), GlobalClusterIdentifier: text("world")}, {EngineMode: text("global")}},
		"engine-mode": {{EngineMode: text("parallelquery")}, {EngineMode: text("multimaster")}},
		"replica": {
			{ReplicationSourceIdentifier: text("arn:aws:rds:us-east-1:123456789012:cluster:far")},
			{ReadReplicaIdentifiers: []string{"arn:aws:rds:us-east-1:123456789012:cluster:far"}},
		},
	} {
		for _, i := range list {
			if got := clusterNeverStops(i); got.Code != want || (got.Text == "") != (want == "") {
				t.Errorf("%+v: %+v, want %q", i, got, want)
			}
		}
	}
}

// Messages as RDS, Aurora and DocumentDB write them, among others of the same
// category.
func TestPastOfMessages(t *testing.T) {
	at := time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)
	for _, tt := range []struct {
		message          string
		started, stopped bool
		restarting       bool
	}{
		{"DB instance started", true, false, false},
		{"DB instance started.", true, false, false},
		{"The DB cluster started.", true, false, false},
		{"Instance stopped.", false, true, false},
		{"DB cluster stopped", false, true, false},
		{"DB cluster is being started due to it exceeding the maximum allowed time being stopped.", true, false, true},
		{"The DB cluster stop failed.", false, false, false},
		{"Recovery of the DB instance has started. Recovery time will vary with the amount of data to be recovered.", false, false, false},
		{"DB instance restarted", false, false, false},
		{"Finished copy of DB snapshot", false, false, false},
	} {
		got := past{}.with(tt.message, at)
		if !got.started.IsZero() != tt.started || !got.stopped.IsZero() != tt.stopped || got.restarting != tt.restarting {
			t.Errorf("%q reads %+v", tt.message, got)
		}
	}
}
