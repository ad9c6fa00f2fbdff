package amazon_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/rds"
	"github.com/aws/aws-sdk-go-v2/service/rds/types"
	"github.com/google/go-cmp/cmp"

	"nightshift/internal/fleet"
	"nightshift/internal/power"
	"nightshift/internal/sandbox"
	"nightshift/internal/sandbox/sandboxtest"
	"nightshift/internal/stack"
)

func TestDatabasesAgainstSandbox(t *testing.T) {
	t.Parallel()
	server := ticking(t, sandbox.Options{Fleet: 1})
	databases(t, server.URL())
}

func TestDatabasesAgainstMoto(t *testing.T) {
	t.Parallel()
	endpoint := moto(t, "databases were")
	databases(t, endpoint)
}

// seen lists machines by id; an error ends the test.
func seen(t *testing.T, m power.Machines, sel fleet.Selector) map[fleet.ResourceID]fleet.Machine {
	t.Helper()
	found := map[fleet.ResourceID]fleet.Machine{}
	for one, err := range m.Machines(t.Context(), sel) {
		if err != nil {
			t.Fatal(err)
		}
		if _, twice := found[one.ID]; twice {
			t.Errorf("%s is told twice", one.ID)
		}
		found[one.ID] = one
	}
	return found
}

// settled waits until no machine is on its way. What runs is ready as soon as
// RDS says that it is available; replicas and members of clusters are
// ineligible for reasons of their own, which hide what they are doing.
func settled(t *testing.T, m power.Machines) map[fleet.ResourceID]fleet.Machine {
	t.Helper()
	var found map[fleet.ResourceID]fleet.Machine
	for range tries {
		found = seen(t, m, fleet.Selector{})
		if !slices.ContainsFunc(slices.Collect(maps.Values(found)), func(one fleet.Machine) bool {
			return one.State == fleet.Pending || one.State == fleet.Stopping || one.State == fleet.Running && !one.Ready
		}) {
			return found
		}
		time.Sleep(pause)
	}
	t.Fatalf("still on their way: %+v", found)
	return nil
}

// databases is what both peers must agree on: how databases and clusters are
// found, evaluated, marked, stopped and started.
func databases(t *testing.T, endpoint string) {
	makeDatabases(t, endpoint)
	s := newPeer(endpoint).session(t)
	d, c := s.Databases(region), s.Clusters(region)
	all := settled(t, d)
	settled(t, c)
	ineligible := map[fleet.ResourceID]string{}
	for id, m := range all {
		ineligible[id] = m.Ineligible.Reason().Code
		if m.Kind != fleet.KindDatabase || m.State != fleet.Running || m.Type != "db.t3.medium" || m.Zone == "" || m.Created.IsZero() ||
			m.Started.Before(m.Created.Add(-time.Second)) || len(m.Target.Account) != 12 || m.Target.Region != region || !m.Ready {
			t.Errorf("incomplete: %+v", m)
		}
	}
	if diff := cmp.Diff(map[fleet.ResourceID]string{
		"plain": "", "tagged": "", "source": "replica", "copy": "replica", "member": "cluster-member",
	}, ineligible); diff != "" {
		t.Errorf("ineligible (-want +got)\n%s", diff)
	}
	for _, tt := range []struct {
		sel  fleet.Selector
		want []fleet.ResourceID
	}{
		{fleet.Selector{Tags: []fleet.Tag{{Key: "AutoStopStart", Value: "Yes"}}}, []fleet.ResourceID{"tagged"}},
		{fleet.Selector{Tags: []fleet.Tag{{Key: "AutoStopStart", Value: "yes"}}}, nil},
		{fleet.Selector{Keys: []string{"Schedule", "AutoStopStart"}}, []fleet.ResourceID{"plain", "tagged"}},
		{fleet.Selector{IDs: []fleet.ResourceID{"plain", "no-such-database"}}, []fleet.ResourceID{"plain"}},
		{fleet.Selector{IDs: []fleet.ResourceID{"plain"}, Tags: []fleet.Tag{{Key: "AutoStopStart"}}}, nil},
	} {
		if got := slices.Sorted(maps.Keys(seen(t, d, tt.sel))); !slices.Equal(got, tt.want) {
			t.Errorf("%+v chose %v, want %v", tt.sel, got, tt.want)
		}
	}

	// Mark reaches the machines that it is given, and no others.
	mark := fleet.Tags{"nightshift:last": "stop 2026-11-22T19:00:00Z", "b": "1"}
	if err := d.Mark(t.Context(), []fleet.Machine{all["plain"], all["tagged"]}, mark); err != nil {
		t.Fatal(err)
	}
	for id, m := range seen(t, d, fleet.Selector{}) {
		if marked := m.Tags["nightshift:last"] != "" && m.Tags["b"] == "1"; marked != (id == "plain" || id == "tagged") {
			t.Errorf("%s carries the tags %v", id, m.Tags)
		}
	}

	// Stop ends at the first refusal and names it.
	if err := d.Stop(t.Context(), []fleet.ResourceID{"plain"}, false); err != nil {
		t.Fatal(err)
	}
	if m := settled(t, d)["plain"]; m.State != fleet.Stopped || m.Cause != fleet.CauseCall || m.Ready {
		t.Errorf("stopped: %+v", m)
	}
	refused(t, "stopping it twice", d.Stop(t.Context(), []fleet.ResourceID{"plain", "tagged"}, false), fleet.ErrConflict, "plain")
	refused(t, "stopping what is missing", d.Stop(t.Context(), []fleet.ResourceID{"no-such-database"}, false), fleet.ErrNotFound, "no-such-database")
	refused(t, "stopping a replica", d.Stop(t.Context(), []fleet.ResourceID{"copy"}, false), fleet.ErrConflict, "copy")
	if m := seen(t, d, fleet.Selector{})["tagged"]; m.State != fleet.Running {
		t.Errorf("behind the refusal: %+v", m)
	}
	refused(t, "starting what runs", d.Start(t.Context(), []fleet.ResourceID{"tagged"}), fleet.ErrConflict, "tagged")
	if err := d.Start(t.Context(), []fleet.ResourceID{"plain"}); err != nil {
		t.Fatal(err)
	}
	if m := settled(t, d)["plain"]; m.State != fleet.Running || !m.Stopped.IsZero() {
		t.Errorf("started: %+v", m)
	}

	// Clusters do the same.
	if err := c.Stop(t.Context(), []fleet.ResourceID{"many"}, false); err != nil {
		t.Fatal(err)
	}
	m := settled(t, c)["many"]
	if m.Kind != fleet.KindCluster || m.State != fleet.Stopped || m.Tags["AutoStopStart"] != "Yes" || m.Ineligible.Reason().Code != "" || len(m.Target.Account) != 12 {
		t.Errorf("the cluster reads %+v", m)
	}
	refused(t, "stopping a cluster twice", c.Stop(t.Context(), []fleet.ResourceID{"many"}, false), fleet.ErrConflict, "many")
	refused(t, "starting no cluster", c.Start(t.Context(), []fleet.ResourceID{"none"}), fleet.ErrNotFound, "none")
	if err := c.Mark(t.Context(), []fleet.Machine{m}, mark); err != nil {
		t.Fatal(err)
	}
	if err := c.Start(t.Context(), []fleet.ResourceID{"many"}); err != nil {
		t.Fatal(err)
	}
	if m := settled(t, c)["many"]; m.State != fleet.Running || m.Tags["b"] != "1" {
		t.Errorf("the started cluster reads %+v", m)
	}
}

func refused(t *testing.T, what string, err, kind error, id fleet.ResourceID) {
	t.Helper()
	refusal, ok := errors.AsType[*fleet.Refusal](err)
	if !ok || !errors.Is(err, kind) || !slices.Equal(refusal.IDs, []fleet.ResourceID{id}) {
		t.Errorf("%s: %v (%+v), want a refusal of kind %q that names %s", what, err, refusal, kind, id)
	}
}

// makeDatabases creates, by the service's own API, two databases, a source
// with its replica and a cluster with one member.
func makeDatabases(t *testing.T, endpoint string) {
	t.Helper()
	client := rds.NewFromConfig(aws.Config{
		Region: sandbox.DefaultRegion, BaseEndpoint: &endpoint, HTTPClient: awshttp.NewBuildableClient(),
		Credentials: credentials.NewStaticCredentialsProvider(sandbox.AccessKey, sandbox.SecretKey, ""),
	})
	yes := []types.Tag{{Key: aws.String("AutoStopStart"), Value: aws.String("Yes")}}
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	class := aws.String("db.t3.medium")
	for id, tags := range map[string][]types.Tag{
		"plain": {{Key: aws.String("Schedule"), Value: aws.String("office")}}, "tagged": yes, "source": nil,
	} {
		_, err := client.CreateDBInstance(t.Context(), &rds.CreateDBInstanceInput{
			DBInstanceIdentifier: &id, DBInstanceClass: class, Engine: aws.String("mysql"), AllocatedStorage: aws.Int32(20),
			MasterUsername: aws.String("admin"), MasterUserPassword: aws.String("practice-only"), Tags: tags,
		})
		must(err)
	}
	_, err := client.CreateDBInstanceReadReplica(t.Context(), &rds.CreateDBInstanceReadReplicaInput{
		DBInstanceIdentifier: aws.String("copy"), SourceDBInstanceIdentifier: aws.String("source"), DBInstanceClass: class,
	})
	must(err)
	_, err = client.CreateDBCluster(t.Context(), &rds.CreateDBClusterInput{
		DBClusterIdentifier: aws.String("many"), Engine: aws.String("aurora-mysql"), Tags: yes,
		MasterUsername: aws.String("admin"), MasterUserPassword: aws.String("practice-only"),
	})
	must(err)
	_, err = client.CreateDBInstance(t.Context(), &rds.CreateDBInstanceInput{
		DBInstanceIdentifier: aws.String("member"), DBInstanceClass: class, Engine: aws.String("aurora-mysql"), DBClusterIdentifier: aws.String("many"),
	})
	must(err)
}

// near says whether two instants are no more than a second apart: RDS reports
// milliseconds, an HTTP date only seconds.
func near(a, b time.Time) bool { return a.Sub(b).Abs() <= time.Second }

// The past of databases: last starts out of events, stops out of the announced
// restart, and the restart of RDS itself after seven days.
func TestPastOfDatabases(t *testing.T) {
	server := sandboxtest.Start(t, sandbox.Options{Speed: -1})
	account := server.Sandbox()
	began := account.Now()
	days := func(n float64) time.Duration { return time.Duration(n * 24 * float64(time.Hour)) }
	add := func(d sandbox.Database) {
		t.Helper()
		if err := account.AddDatabase(sandbox.DefaultRegion, d); err != nil {
			t.Fatal(err)
		}
	}
	add(sandbox.Database{ID: "young", Created: began.Add(-days(5))})
	add(sandbox.Database{ID: "unheard", Created: began.Add(-days(50)), Started: began.Add(-days(2)), Stopped: began.Add(-days(1)), Status: "available"})
	s := newPeer(server.URL()).session(t)
	d, c := s.Databases(region), s.Clusters(region)

	all := seen(t, d, fleet.Selector{})
	gone := all["young"]
	gone.ID, gone.ARN = "gone", strings.Replace(gone.ARN, "young", "gone", 1)
	refused(t, "marking what is gone", d.Mark(t.Context(), []fleet.Machine{gone}, fleet.Tags{"a": "b"}), fleet.ErrNotFound, "gone")
	refused(t, "marking as RDS does not allow", d.Mark(t.Context(), []fleet.Machine{all["young"]}, fleet.Tags{"a": "1/2;3"}), fleet.ErrInvalid, "young")
	for id, want := range map[fleet.ResourceID]time.Time{
		"dev-mysql":    began.Add(-days(0.4)), // an event says so
		"dev-postgres": began.Add(-days(14)),  // older than all events
		"young":        began.Add(-days(5)),   // never stopped since it was made
		"unheard":      began,                 // runs, and the event of its start is on its way
		"qa-oracle":    {},                    // is stopped
	} {
		if m := all[id]; !near(m.Started, want) || m.StartedByAWS {
			t.Errorf("%s was started %s (by AWS: %v), want %s", id, m.Started, m.StartedByAWS, want)
		}
	}
	if m := all["qa-oracle"]; m.State != fleet.Stopped || !near(m.Stopped, began.Add(-days(2.5))) || m.Cause != fleet.CauseCall || m.Why == "" {
		t.Errorf("qa-oracle reads %+v", m)
	}
	for id, want := range map[fleet.ResourceID]string{
		"dev-mysql": "", "qa-mariadb": "busy", "erp-mssql": "sqlserver-multi-az", "report": "replica", "report-replica": "replica",
		"dev-aurora-1": "cluster-member", "orders": "",
	} {
		if got := all[id].Ineligible.Reason(); got.Code != want || (got.Text == "") != (want == "") {
			t.Errorf("%s is ineligible for %+v, want %q", id, got, want)
		}
	}

	for _, err := range []error{
		d.Stop(t.Context(), []fleet.ResourceID{"dev-mysql", "dev-postgres"}, false),
		c.Stop(t.Context(), []fleet.ResourceID{"dev-aurora"}, false),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	if m := seen(t, d, fleet.Selector{})["dev-mysql"]; m.State != fleet.Stopping {
		t.Errorf("just after the call: %+v", m)
	}
	account.Advance(time.Hour)
	// Whoever starts one of them manually is not AWS.
	if err := d.Start(t.Context(), []fleet.ResourceID{"dev-postgres"}); err != nil {
		t.Fatal(err)
	}
	account.Advance(days(7))
	all = seen(t, d, fleet.Selector{})
	maps.Copy(all, seen(t, c, fleet.Selector{}))
	for id, want := range map[fleet.ResourceID]struct {
		after time.Duration
		byAWS bool
	}{
		"dev-mysql":    {days(7), true},
		"dev-aurora":   {days(7), true},
		"dev-postgres": {time.Hour, false},
	} {
		m := all[id]
		if late := m.Started.Sub(began.Add(want.after)); late < 0 || late > 15*time.Minute || m.StartedByAWS != want.byAWS || m.State != fleet.Running {
			t.Errorf("%s is %s, started %s after the call (by AWS: %v), want %+v", id, m.State, m.Started.Sub(began), m.StartedByAWS, want)
		}
	}

	// A stop ends what AWS began.
	if err := d.Stop(t.Context(), []fleet.ResourceID{"dev-mysql"}, false); err != nil {
		t.Fatal(err)
	}
	account.Advance(time.Hour)
	if err := d.Start(t.Context(), []fleet.ResourceID{"dev-mysql"}); err != nil {
		t.Fatal(err)
	}
	account.Advance(time.Hour)
	if m := seen(t, d, fleet.Selector{IDs: []fleet.ResourceID{"dev-mysql"}})["dev-mysql"]; m.StartedByAWS || !m.Started.After(began.Add(days(7)+time.Hour)) {
		t.Errorf("started by hand after that: %+v", m)
	}
}

// Hundreds of databases and of events come in pages, and the events are read
// once for all of them, or not at all where nothing is missing.
func TestManyDatabases(t *testing.T) {
	server := sandboxtest.Start(t, sandbox.Options{Speed: -1, Fleet: 1})
	account := server.Sandbox()
	const n = 230
	for i := range n {
		if err := account.AddDatabase(sandbox.DefaultRegion, sandbox.Database{
			ID: fmt.Sprintf("db-%03d", i), Started: account.Now().Add(-time.Duration(i+1) * time.Minute), Tags: map[string]string{"n": fmt.Sprint(i % 2)},
		}); err != nil {
			t.Fatal(err)
		}
	}
	for i := range 3 {
		if err := account.AddDatabase(sandbox.DefaultRegion, sandbox.Database{
			ID: fmt.Sprintf("stopped-%d", i), Stopped: account.Now().Add(-time.Hour), Tags: map[string]string{"state": "stopped"},
		}); err != nil {
			t.Fatal(err)
		}
	}
	s := newPeer(server.URL()).session(t)
	d := s.Databases(region)
	found := seen(t, d, fleet.Selector{Tags: []fleet.Tag{{Key: "n", Value: "1"}}})
	if len(found) != n/2 {
		t.Errorf("%d databases, want %d", len(found), n/2)
	}
	for i := 1; i < n; i += 2 {
		m := found[fleet.ResourceID(fmt.Sprintf("db-%03d", i))]
		if want := account.Now().Add(-time.Duration(i+1) * time.Minute); !near(m.Started, want) {
			t.Errorf("%s was started %s, want %s", m.ID, m.Started, want)
		}
	}
	if got := calls(s, "RDS", "DescribeDBInstances"); got != 3 {
		t.Errorf("%d pages of databases, want 3", got)
	}
	if got := calls(s, "RDS", "DescribeEvents"); got != 3 {
		t.Errorf("%d pages of events, want 3", got)
	}
	if found := seen(t, d, fleet.Selector{Tags: []fleet.Tag{{Key: "state"}}}); len(found) != 3 {
		t.Errorf("%d stopped databases, want 3", len(found))
	}
	if got := calls(s, "RDS", "DescribeEvents"); got != 3 {
		t.Errorf("events were read although nothing chosen runs")
	}
	var many []fleet.ResourceID
	for i := range 150 {
		many = append(many, fleet.ResourceID(fmt.Sprintf("db-%03d", i)))
	}
	if found := seen(t, d, fleet.Selector{IDs: many}); len(found) != len(many) {
		t.Errorf("%d of %d databases by id", len(found), len(many))
	}
}

// Where events cannot be read, or the server does not know of any, nobody knows
// who started what: running databases are skipped, the others are not held
// up, and it is an error.
func TestDatabasesWithoutEvents(t *testing.T) {
	server := sandboxtest.Start(t, sandbox.Options{Speed: -1})
	behind, err := url.Parse(server.URL())
	if err != nil {
		t.Fatal(err)
	}
	proxy := httputil.NewSingleHostReverseProxy(behind)
	old := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if strings.Contains(string(body), "Action=DescribeEvents") {
			w.WriteHeader(http.StatusBadRequest)
			_, _ = io.WriteString(w, "<ErrorResponse><Error><Type>Sender</Type><Code>InvalidAction</Code><Message>Could not find operation DescribeEvents</Message></Error></ErrorResponse>")
			return
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		proxy.ServeHTTP(w, r)
	}))
	t.Cleanup(old.Close)
	withoutEvents(t, old.URL, fleet.ErrInvalid)
	server = sandboxtest.Start(t, sandbox.Options{Speed: -1, Policy: sandbox.PolicyDenying("rds:DescribeEvents")})
	withoutEvents(t, server.URL(), fleet.ErrDenied)
	if err := server.Sandbox().SetPolicy(sandbox.PolicyDenying("rds:DescribeDB*")); err != nil {
		t.Fatal(err)
	}
	for _, err := range newPeer(server.URL()).session(t).Clusters(region).Machines(t.Context(), fleet.Selector{}) {
		if !errors.Is(err, fleet.ErrDenied) {
			t.Errorf("without permission to read: %v", err)
		}
	}
}

func withoutEvents(t *testing.T, endpoint string, kind error) {
	t.Helper()
	all := map[fleet.ResourceID]fleet.Machine{}
	var failed error
	for m, err := range newPeer(endpoint).session(t).Databases(region).Machines(t.Context(), fleet.Selector{}) {
		if err != nil {
			failed = err
			continue
		}
		all[m.ID] = m
	}
	if !errors.Is(failed, kind) || !strings.Contains(fmt.Sprint(failed), "running databases are left alone, for their events cannot be read: rds:DescribeEvents: ") {
		t.Errorf("%v, want an error of the kind %v", failed, kind)
	}
	for id, want := range map[fleet.ResourceID]string{"dev-mysql": "events-unknown", "qa-oracle": "", "report": "replica"} {
		if got := all[id].Ineligible.Reason().Code; got != want {
			t.Errorf("%s is ineligible for %q, want %q", id, got, want)
		}
	}
}

// The policy for these operations suffices for what carries the tag, and for
// nothing else.
func TestDatabasesUnderPolicy(t *testing.T) {
	policies, err := stack.Policies([]string{
		"rds:AddTagsToResource", "rds:DescribeDBClusters", "rds:DescribeDBInstances", "rds:DescribeEvents",
		"rds:StartDBCluster", "rds:StartDBInstance", "rds:StopDBCluster", "rds:StopDBInstance",
	}, stack.Scope{Schedules: &stack.Schedules{Rules: []stack.Bound{{
		Tag: fleet.Tag{Key: "AutoStopStart", Value: "Yes"}, Kinds: []fleet.Kind{fleet.KindDatabase, fleet.KindCluster},
	}}}})
	if err != nil || len(policies) != 1 {
		t.Fatalf("%d policies, %v", len(policies), err)
	}
	document, err := policies[0].JSON()
	if err != nil {
		t.Fatal(err)
	}
	server := sandboxtest.Start(t, sandbox.Options{Speed: -1, Policy: document})
	s := newPeer(server.URL()).session(t)
	for id, m := range map[fleet.ResourceID]power.Machines{"dev-mysql": s.Databases(region), "dev-aurora": s.Clusters(region)} {
		all := seen(t, m, fleet.Selector{})
		if err := m.Mark(t.Context(), []fleet.Machine{all[id]}, fleet.Tags{fleet.TagLast: "stop 2026-11-22T19:00:00Z"}); err != nil {
			t.Error(err)
		}
		if err := m.Stop(t.Context(), []fleet.ResourceID{id}, false); err != nil {
			t.Error(err)
		}
		server.Sandbox().Advance(time.Hour)
		if err := m.Start(t.Context(), []fleet.ResourceID{id}); err != nil {
			t.Error(err)
		}
	}
	d := s.Databases(region)
	orders := seen(t, d, fleet.Selector{})["orders"]
	refused(t, "stopping what does not carry the tag", d.Stop(t.Context(), []fleet.ResourceID{"orders"}, false), fleet.ErrDenied, "orders")
	refused(t, "marking what does not carry the tag", d.Mark(t.Context(), []fleet.Machine{orders}, fleet.Tags{fleet.TagLast: "stop"}), fleet.ErrDenied, "orders")
	dev := seen(t, d, fleet.Selector{})["dev-mysql"]
	refused(t, "setting a tag that is not ours", d.Mark(t.Context(), []fleet.Machine{dev}, fleet.Tags{"Env": "prod"}), fleet.ErrDenied, "dev-mysql")
}
