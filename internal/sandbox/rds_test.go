package sandbox_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/rds"
	rdstypes "github.com/aws/aws-sdk-go-v2/service/rds/types"
	"github.com/google/go-cmp/cmp"

	"nightshift/internal/sandbox"
)

func (a *account) rds() *rds.Client { return rds.NewFromConfig(a.config(sandbox.DefaultRegion)) }

func (a *account) database(id string) rdstypes.DBInstance {
	a.t.Helper()
	out, err := a.rds().DescribeDBInstances(a.t.Context(), &rds.DescribeDBInstancesInput{DBInstanceIdentifier: &id})
	if err != nil {
		a.t.Fatal(err)
	}
	return out.DBInstances[0]
}

func (a *account) cluster(id string) rdstypes.DBCluster {
	a.t.Helper()
	out, err := a.rds().DescribeDBClusters(a.t.Context(), &rds.DescribeDBClustersInput{DBClusterIdentifier: &id})
	if err != nil {
		a.t.Fatal(err)
	}
	return out.DBClusters[0]
}

func (a *account) stopDatabase(id string) error {
	_, err := a.rds().StopDBInstance(a.t.Context(), &rds.StopDBInstanceInput{DBInstanceIdentifier: &id})
	return err
}

func (a *account) startDatabase(id string) error {
	_, err := a.rds().StartDBInstance(a.t.Context(), &rds.StartDBInstanceInput{DBInstanceIdentifier: &id})
	return err
}

func (a *account) stopCluster(id string) error {
	_, err := a.rds().StopDBCluster(a.t.Context(), &rds.StopDBClusterInput{DBClusterIdentifier: &id})
	return err
}

// events are the texts of a database's events in the time before now.
func (a *account) events(source rdstypes.SourceType, id string, before time.Duration) []string {
	a.t.Helper()
	out, err := a.rds().DescribeEvents(a.t.Context(), &rds.DescribeEventsInput{
		SourceType: source, SourceIdentifier: &id, Duration: aws.Int32(int32(before / time.Minute)),
	})
	if err != nil {
		a.t.Fatal(err)
	}
	var texts []string
	for _, e := range out.Events {
		texts = append(texts, *e.Message)
	}
	return texts
}

func TestDatabaseStopsAndStarts(t *testing.T) {
	a := open(t, sandbox.Options{})
	const id = "dev-mysql"
	if got := *a.database(id).DBInstanceStatus; got != "available" {
		t.Fatalf("at first it is %s", got)
	}
	if got := code(a.startDatabase(id)); got != "InvalidDBInstanceState" {
		t.Errorf("starting it although it runs: %q", got)
	}
	if err := a.stopDatabase(id); err != nil {
		t.Fatal(err)
	}
	if d := a.database(id); *d.DBInstanceStatus != "stopping" || d.AutomaticRestartTime != nil {
		t.Errorf("just after the call it is %s, restarts at %v", *d.DBInstanceStatus, d.AutomaticRestartTime)
	}
	if got := code(a.stopDatabase(id)); got != "InvalidDBInstanceState" {
		t.Errorf("stopping it again: %q", got)
	}
	a.Advance(10 * time.Minute)
	d := a.database(id)
	if *d.DBInstanceStatus != "stopped" {
		t.Fatalf("after ten minutes it is %s", *d.DBInstanceStatus)
	}
	if after := d.AutomaticRestartTime.Sub(testStart.Add(7 * 24 * time.Hour)); after < 2*time.Minute || after > 4*time.Minute {
		t.Errorf("it restarts %s after the seventh day, want 2 to 4 minutes", after)
	}
	if err := a.startDatabase(id); err != nil {
		t.Fatal(err)
	}
	if got := *a.database(id).DBInstanceStatus; got != "starting" {
		t.Errorf("just after the start it is %s", got)
	}
	a.Advance(10 * time.Minute)
	if got := *a.database(id).DBInstanceStatus; got != "available" {
		t.Errorf("ten minutes after the start it is %s", got)
	}
	if diff := cmp.Diff([]string{"DB instance stopped", "DB instance started"}, a.events("db-instance", id, time.Hour)); diff != "" {
		t.Errorf("events (-want +got)\n%s", diff)
	}
	if got := code(a.stopDatabase("no-such-database")); got != "DBInstanceNotFound" {
		t.Errorf("a missing database: %q", got)
	}
}

// Seven days after a stop RDS starts a database on its own, also where nobody
// looked in between, and as often as it is stopped.
func TestDatabaseRestartsAfterAWeek(t *testing.T) {
	a := open(t, sandbox.Options{})
	const id = "dev-postgres"
	if err := a.stopDatabase(id); err != nil {
		t.Fatal(err)
	}
	if err := a.stopCluster("dev-aurora"); err != nil {
		t.Fatal(err)
	}
	a.Advance(7 * 24 * time.Hour)
	if got := *a.database(id).DBInstanceStatus; got != "stopped" {
		t.Fatalf("a week after the call it is %s, want stopped for some minutes more", got)
	}
	a.Advance(5 * time.Minute)
	if got := *a.database(id).DBInstanceStatus; got != "starting" {
		t.Errorf("a week after the stop it is %s", got)
	}
	a.Advance(10 * time.Minute)
	if d := a.database(id); *d.DBInstanceStatus != "available" || d.AutomaticRestartTime != nil {
		t.Errorf("then it is %s, restarts at %v", *d.DBInstanceStatus, d.AutomaticRestartTime)
	}
	if got := *a.cluster("dev-aurora").Status; got != "available" {
		t.Errorf("the cluster is %s", got)
	}
	a.Advance(24 * time.Hour)
	for source, want := range map[rdstypes.SourceType]string{"db-instance": "DB instance", "db-cluster": "DB cluster"} {
		name := map[rdstypes.SourceType]string{"db-instance": id, "db-cluster": "dev-aurora"}[source]
		got := a.events(source, name, 9*24*time.Hour)
		if diff := cmp.Diff([]string{
			want + " stopped", want + " is being started due to it exceeding the maximum allowed time being stopped.", want + " started",
		}, got[len(got)-3:]); diff != "" {
			t.Errorf("events of %s (-want +got)\n%s", name, diff)
		}
	}
	a.Advance(30 * 24 * time.Hour)
	if got := a.events("db-instance", id, 14*24*time.Hour); len(got) != 0 {
		t.Errorf("events are kept for 14 days, got %v", got)
	}
}

func TestDatabasesThatCannotStop(t *testing.T) {
	a := open(t, sandbox.Options{})
	if err := a.AddDatabase(sandbox.DefaultRegion, sandbox.Database{ID: "old-serverless", Cluster: true, Mode: "serverless"}); err != nil {
		t.Fatal(err)
	}
	for id, want := range map[string]string{
		"report":         "InvalidDBInstanceState: it has read replicas",
		"report-replica": "InvalidDBInstanceState: it is a read replica",
		"erp-mssql":      "InvalidDBInstanceState: it is a Multi-AZ deployment of SQL Server",
		"qa-mariadb":     "InvalidDBInstanceState: not in available state",
		"dev-aurora-1":   "InvalidParameterCombination: aurora-mysql DB instances are not eligible",
	} {
		err := a.stopDatabase(id)
		wantCode, text, _ := strings.Cut(want, ": ")
		if code(err) != wantCode || !strings.Contains(message(err), text) {
			t.Errorf("%s: %v, want %s", id, err, want)
		}
	}
	if got := code(a.startDatabase("dev-aurora-1")); got != "InvalidParameterCombination" {
		t.Errorf("starting a member alone: %q", got)
	}
	if got := code(a.stopCluster("old-serverless")); got != "InvalidDBClusterStateFault" {
		t.Errorf("Aurora Serverless v1: %q", got)
	}
	if got := code(a.stopCluster("no-such-cluster")); got != "DBClusterNotFoundFault" {
		t.Errorf("a missing cluster: %q", got)
	}
	a.Advance(time.Hour) // the backup is over
	if err := a.stopDatabase("qa-mariadb"); err != nil {
		t.Errorf("after the backup: %v", err)
	}
}

func TestClusterTakesItsMembersAlong(t *testing.T) {
	a := open(t, sandbox.Options{})
	if err := a.stopCluster("dev-aurora"); err != nil {
		t.Fatal(err)
	}
	if got := code(a.stopCluster("dev-aurora")); got != "InvalidDBClusterStateFault" {
		t.Errorf("stopping it again: %q", got)
	}
	a.Advance(10 * time.Minute)
	if got := a.cluster("dev-aurora"); *got.Status != "stopped" || len(got.DBClusterMembers) != 2 || got.AutomaticRestartTime == nil {
		t.Errorf("the cluster is %s with %d members, restarts at %v", *got.Status, len(got.DBClusterMembers), got.AutomaticRestartTime)
	}
	for _, id := range []string{"dev-aurora-1", "dev-aurora-2"} {
		if got := *a.database(id).DBInstanceStatus; got != "stopped" {
			t.Errorf("%s is %s", id, got)
		}
	}
	if _, err := a.rds().StartDBCluster(t.Context(), &rds.StartDBClusterInput{DBClusterIdentifier: aws.String("dev-aurora")}); err != nil {
		t.Fatal(err)
	}
	a.Advance(10 * time.Minute)
	if got := *a.database("dev-aurora-2").DBInstanceStatus; got != "available" {
		t.Errorf("a member is %s", got)
	}
}

func TestDatabasesInPages(t *testing.T) {
	a := open(t, sandbox.Options{Fleet: 1})
	var want []string
	for n := range 50 {
		id := fmt.Sprintf("db-%02d", n)
		want = append(want, id)
		if err := a.AddDatabase(sandbox.DefaultRegion, sandbox.Database{ID: id, Started: testStart.Add(-time.Duration(n) * time.Hour)}); err != nil {
			t.Fatal(err)
		}
	}
	var got []string
	pages := 0
	p := rds.NewDescribeDBInstancesPaginator(a.rds(), &rds.DescribeDBInstancesInput{MaxRecords: aws.Int32(20)})
	for p.HasMorePages() {
		out, err := p.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		pages++
		for _, d := range out.DBInstances {
			got = append(got, *d.DBInstanceIdentifier)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" || pages != 3 {
		t.Errorf("%d pages (-want +got)\n%s", pages, diff)
	}
	events, last := 0, time.Time{}
	e := rds.NewDescribeEventsPaginator(a.rds(), &rds.DescribeEventsInput{
		Duration: aws.Int32(14 * 24 * 60), MaxRecords: aws.Int32(20), EventCategories: []string{"notification"},
	})
	for e.HasMorePages() {
		out, err := e.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, one := range out.Events {
			events++
			if one.Date.Before(last) {
				t.Errorf("an event of %s stands behind one of %s", one.Date, last)
			}
			last = *one.Date
		}
	}
	if events != 50 {
		t.Errorf("%d events, want 50", events)
	}
	for in, want := range map[*rds.DescribeDBInstancesInput]string{
		{MaxRecords: aws.Int32(19)}:                               "InvalidParameterValue",
		{MaxRecords: aws.Int32(101)}:                              "InvalidParameterValue",
		{Marker: aws.String("ZGItMTA.1")}:                         "InvalidParameterValue",
		{DBInstanceIdentifier: aws.String("nobody")}:              "DBInstanceNotFound",
		{Filters: []rdstypes.Filter{dbFilter("colour", "blue")}}:  "InvalidParameterValue",
		{Filters: []rdstypes.Filter{dbFilter("db-instance-id")}}:  "InvalidParameterValue",
		{Filters: []rdstypes.Filter{dbFilter("engine", "mysql")}}: "",
	} {
		if _, err := a.rds().DescribeDBInstances(t.Context(), in); code(err) != want {
			t.Errorf("%+v: %v, want %q", *in, err, want)
		}
	}
}

func dbFilter(name string, values ...string) rdstypes.Filter {
	return rdstypes.Filter{Name: &name, Values: append([]string{}, values...)}
}

func TestDatabaseFilters(t *testing.T) {
	a := open(t, sandbox.Options{})
	for _, tt := range []struct {
		filter rdstypes.Filter
		want   []string
	}{
		{dbFilter("db-instance-id", "dev-mysql", "orders", "nobody"), []string{"dev-mysql", "orders"}},
		{dbFilter("db-instance-id", *a.database("orders").DBInstanceArn), []string{"orders"}},
		{dbFilter("db-cluster-id", "dev-aurora"), []string{"dev-aurora-1", "dev-aurora-2"}},
		{dbFilter("engine", "postgres"), []string{"dev-postgres", "orders"}},
		{dbFilter("db-instance-id", "dev-*"), nil}, // RDS has no wildcards
	} {
		out, err := a.rds().DescribeDBInstances(t.Context(), &rds.DescribeDBInstancesInput{Filters: []rdstypes.Filter{tt.filter}})
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, d := range out.DBInstances {
			got = append(got, *d.DBInstanceIdentifier)
		}
		if !slices.Equal(got, tt.want) {
			t.Errorf("%s %v: %v, want %v", *tt.filter.Name, tt.filter.Values, got, tt.want)
		}
	}
}

func TestDatabaseEventPeriods(t *testing.T) {
	a := open(t, sandbox.Options{Fleet: 1})
	hours := func(n int) time.Time { return testStart.Add(time.Duration(n) * time.Hour) }
	for n, at := range []time.Time{hours(-50), hours(-20), hours(-5)} {
		if err := a.AddDatabase(sandbox.DefaultRegion, sandbox.Database{ID: fmt.Sprintf("d%d", n), Created: hours(-500), Started: at}); err != nil {
			t.Fatal(err)
		}
	}
	for _, tt := range []struct {
		in   rds.DescribeEventsInput
		want string
	}{
		{rds.DescribeEventsInput{}, ""},
		{rds.DescribeEventsInput{Duration: aws.Int32(6 * 60)}, "d2"},
		{rds.DescribeEventsInput{StartTime: aws.Time(hours(-21))}, "d1 d2"},
		{rds.DescribeEventsInput{StartTime: aws.Time(hours(-60)), Duration: aws.Int32(11 * 60)}, "d0"},
		{rds.DescribeEventsInput{EndTime: aws.Time(hours(-19)), Duration: aws.Int32(2 * 60)}, "d1"},
		{rds.DescribeEventsInput{StartTime: aws.Time(hours(-60)), EndTime: aws.Time(hours(-19))}, "d0 d1"},
		{rds.DescribeEventsInput{Duration: aws.Int32(20160), EventCategories: []string{"creation"}}, ""},
		{rds.DescribeEventsInput{Duration: aws.Int32(20160), SourceType: "db-cluster"}, ""},
	} {
		out, err := a.rds().DescribeEvents(t.Context(), &tt.in)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, e := range out.Events {
			got = append(got, *e.SourceIdentifier)
		}
		if strings.Join(got, " ") != tt.want {
			t.Errorf("%+v: %v, want %q", tt.in, got, tt.want)
		}
	}
	for want, in := range map[string]*rds.DescribeEventsInput{
		"InvalidParameterValue":       {Duration: aws.Int32(20161)},
		"InvalidParameterCombination": {SourceIdentifier: aws.String("d1")},
	} {
		if _, err := a.rds().DescribeEvents(t.Context(), in); code(err) != want {
			t.Errorf("%+v: %v, want %s", *in, err, want)
		}
	}
}

func TestDatabaseTags(t *testing.T) {
	a := open(t, sandbox.Options{})
	arn := a.database("orders").DBInstanceArn
	add := func(key, value string) error {
		_, err := a.rds().AddTagsToResource(t.Context(), &rds.AddTagsToResourceInput{
			ResourceName: arn, Tags: []rdstypes.Tag{{Key: &key, Value: &value}},
		})
		return err
	}
	for _, good := range [][2]string{{"Env", "stg"}, {"nightshift:last", "stop 2026-11-22T19:00:00Z"}, {"팀", "플랫폼"}, {"Schedule", "Mon-Fri 08:00-19:00 + Sat 10:00-14:00"}} {
		if err := add(good[0], good[1]); err != nil {
			t.Errorf("%v: %v", good, err)
		}
	}
	for _, bad := range [][2]string{{"a;b", "c"}, {"a", "Mon#1"}, {"a", "on|off"}, {"aws:x", "y"}, {"", "y"}, {strings.Repeat("k", 129), "v"}} {
		if got := code(add(bad[0], bad[1])); got != "InvalidParameterValue" {
			t.Errorf("%v: %q, want InvalidParameterValue", bad, got)
		}
	}
	if _, err := a.rds().RemoveTagsFromResource(t.Context(), &rds.RemoveTagsFromResourceInput{
		ResourceName: arn, TagKeys: []string{"팀", "Schedule", "nobody"},
	}); err != nil {
		t.Fatal(err)
	}
	out, err := a.rds().ListTagsForResource(t.Context(), &rds.ListTagsForResourceInput{ResourceName: arn})
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, x := range out.TagList {
		got[*x.Key] = *x.Value
	}
	if diff := cmp.Diff(map[string]string{"Env": "stg", "nightshift:last": "stop 2026-11-22T19:00:00Z"}, got); diff != "" {
		t.Errorf("tags (-want +got)\n%s", diff)
	}
	if diff := cmp.Diff(len(out.TagList), len(a.database("orders").TagList)); diff != "" {
		t.Errorf("DescribeDBInstances tells other tags: %s", diff)
	}
	for arn, want := range map[string]string{
		"orders": "InvalidParameterValue",
		"arn:aws:rds:us-east-1:" + sandbox.AccountID + ":db:orders":       "InvalidParameterValue",
		"arn:aws:rds:ap-northeast-2:" + sandbox.AccountID + ":db:nobody":  "DBInstanceNotFound",
		"arn:aws:rds:ap-northeast-2:" + sandbox.AccountID + ":cluster:no": "DBClusterNotFoundFault",
	} {
		if _, err := a.rds().ListTagsForResource(t.Context(), &rds.ListTagsForResourceInput{ResourceName: &arn}); code(err) != want {
			t.Errorf("%s: %v, want %s", arn, err, want)
		}
	}
}

func TestDatabasePolicy(t *testing.T) {
	a := open(t, sandbox.Options{Policy: []byte(`{"Statement": [
		{"Effect": "Allow", "Action": "rds:Describe*", "Resource": "*"},
		{"Effect": "Allow", "Action": ["rds:StopDBInstance", "rds:StartDBInstance", "rds:StopDBCluster", "rds:AddTagsToResource"],
		 "Resource": ["arn:aws:rds:*:*:db:*", "arn:aws:rds:*:*:cluster:*"],
		 "Condition": {"StringEquals": {"aws:ResourceTag/AutoStopStart": "Yes"}}}]}`)})
	if err := a.stopDatabase("dev-mysql"); err != nil {
		t.Errorf("a tagged database: %v", err)
	}
	if err := a.stopCluster("dev-aurora"); err != nil {
		t.Errorf("a tagged cluster: %v", err)
	}
	if got := code(a.stopDatabase("orders")); got != "AccessDenied" {
		t.Errorf("a database without the tag: %q", got)
	}
	for id, want := range map[string]string{"dev-mysql": "", "orders": "AccessDenied"} {
		_, err := a.rds().AddTagsToResource(t.Context(), &rds.AddTagsToResourceInput{
			ResourceName: a.database(id).DBInstanceArn, Tags: []rdstypes.Tag{{Key: aws.String("a"), Value: aws.String("b")}},
		})
		if code(err) != want {
			t.Errorf("tagging %s: %v, want %q", id, err, want)
		}
	}
}

func TestDatabaseFaults(t *testing.T) {
	faults, err := sandbox.ParseFaults("rds:StopDBInstance=refuse,id=dev-mysql,code=InvalidDBInstanceState,count=1;" +
		"rds:StopDBInstance=slow,id=dev-postgres,for=2h;rds:DescribeDBClusters=throttle,nth=1;rds:DescribeEvents=deny")
	if err != nil {
		t.Fatal(err)
	}
	a := open(t, sandbox.Options{Faults: faults})
	if got := code(a.stopDatabase("dev-mysql")); got != "InvalidDBInstanceState" {
		t.Errorf("refused: %q", got)
	}
	if err := a.stopDatabase("dev-mysql"); err != nil {
		t.Errorf("the second time: %v", err)
	}
	if err := a.stopDatabase("dev-postgres"); err != nil {
		t.Fatal(err)
	}
	a.Advance(time.Hour)
	if got := *a.database("dev-postgres").DBInstanceStatus; got != "stopping" {
		t.Errorf("slow: %s", got)
	}
	if _, err := a.rds().DescribeDBClusters(t.Context(), &rds.DescribeDBClustersInput{}); code(err) != "Throttling" {
		t.Errorf("throttled: %v", err)
	}
	if _, err := a.rds().DescribeEvents(t.Context(), &rds.DescribeEventsInput{}); code(err) != "AccessDenied" {
		t.Errorf("denied: %v", err)
	}
}

func TestCreateDatabases(t *testing.T) {
	a := open(t, sandbox.Options{Fleet: 1})
	client, ctx := a.rds(), t.Context()
	create := func(id, engine, cluster string) error {
		in := &rds.CreateDBInstanceInput{
			DBInstanceIdentifier: &id, DBInstanceClass: aws.String("db.t3.medium"), Engine: &engine,
			Tags: []rdstypes.Tag{{Key: aws.String("Env"), Value: aws.String("dev")}},
		}
		if cluster != "" {
			in.DBClusterIdentifier = &cluster
		} else {
			in.AllocatedStorage, in.MasterUsername, in.MasterUserPassword = aws.Int32(20), aws.String("admin"), aws.String("practice-only")
		}
		_, err := client.CreateDBInstance(ctx, in)
		return err
	}
	if err := create("one", "mysql", ""); err != nil {
		t.Fatal(err)
	}
	if got := code(create("one", "mysql", "")); got != "DBInstanceAlreadyExists" {
		t.Errorf("the same again: %q", got)
	}
	if got := code(create("-bad-", "mysql", "")); got != "InvalidParameterValue" {
		t.Errorf("a bad name: %q", got)
	}
	if got := code(create("two", "aurora-mysql", "none")); got != "DBClusterNotFoundFault" {
		t.Errorf("a missing cluster: %q", got)
	}
	if _, err := client.CreateDBCluster(ctx, &rds.CreateDBClusterInput{DBClusterIdentifier: aws.String("all"), Engine: aws.String("aurora-mysql")}); err != nil {
		t.Fatal(err)
	}
	if err := create("two", "aurora-mysql", "all"); err != nil {
		t.Fatal(err)
	}
	if _, err := client.CreateDBInstanceReadReplica(ctx, &rds.CreateDBInstanceReadReplicaInput{
		DBInstanceIdentifier: aws.String("copy"), SourceDBInstanceIdentifier: aws.String("one"),
	}); err != nil {
		t.Fatal(err)
	}
	if got := *a.database("one").DBInstanceStatus; got != "creating" {
		t.Errorf("a new database is %s", got)
	}
	a.Advance(10 * time.Minute)
	if d := a.database("copy"); *d.DBInstanceStatus != "available" || *d.ReadReplicaSourceDBInstanceIdentifier != "one" || *d.Engine != "mysql" {
		t.Errorf("the replica is %+v", d)
	}
	if d := a.database("one"); len(d.ReadReplicaDBInstanceIdentifiers) != 1 || len(d.TagList) != 1 {
		t.Errorf("the source is %+v", d)
	}
}

func TestAddDatabaseRefuses(t *testing.T) {
	a := openUnchecked(t, sandbox.Options{})
	for want, d := range map[string]sandbox.Database{
		"identifier": {ID: "Upper"},
		"already":    {ID: "dev-mysql"},
		"no cluster": {ID: "x", MemberOf: "none"},
		"replica":    {ID: "x", ReplicaOf: "none"},
		"tags":       {ID: "x", Tags: map[string]string{"a": "b;c"}},
	} {
		if err := a.AddDatabase(sandbox.DefaultRegion, d); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: %v, want %q", d, err, want)
		}
	}
	if err := a.AddDatabase("mars-north-1", sandbox.Database{ID: "x"}); err == nil {
		t.Error("a region that is not enabled")
	}
	if err := a.SetDatabaseStatus(sandbox.DefaultRegion, "nobody", "backing-up", 0); err == nil {
		t.Error("a database that does not exist")
	}
}

// A fault that selects by id looks into the region, whose calls in turn ask
// for the caller's policy: neither may wait for the other forever.
func TestSelectiveFaultsAtOnce(t *testing.T) {
	faults, err := sandbox.ParseFaults("rds:*=refuse,id=nobody,code=InvalidDBInstanceState;ec2:*=refuse,id=i-0000000000000000,code=IncorrectInstanceState")
	if err != nil {
		t.Fatal(err)
	}
	a := openUnchecked(t, sandbox.Options{Faults: faults})
	client, id := a.rds(), a.id("개발-웹서버-1")
	done := make(chan error)
	const workers, calls = 8, 40
	for n := range workers {
		go func() {
			for range calls {
				var err error
				if n%2 == 0 {
					_, err = client.DescribeDBInstances(t.Context(), &rds.DescribeDBInstancesInput{DBInstanceIdentifier: aws.String("orders")})
				} else {
					err = a.start(id)
				}
				if err != nil {
					done <- err
					return
				}
			}
			done <- nil
		}()
	}
	for range workers {
		select {
		case err := <-done:
			if err != nil {
				t.Error(err)
			}
		case <-time.After(20 * time.Second):
			t.Fatal("calls wait for each other")
		}
	}
}
