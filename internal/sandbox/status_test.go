package sandbox_test

import (
	"slices"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"nightshift/internal/sandbox"
)

func attributeOf(v string) *types.AttributeValue { return &types.AttributeValue{Value: &v} }

func (a *account) status(in *ec2.DescribeInstanceStatusInput) []types.InstanceStatus {
	a.t.Helper()
	var all []types.InstanceStatus
	p := ec2.NewDescribeInstanceStatusPaginator(a.ec2, in)
	for p.HasMorePages() {
		out, err := p.NextPage(a.t.Context())
		if err != nil {
			a.t.Fatal(err)
		}
		all = append(all, out.InstanceStatuses...)
	}
	return all
}

func TestStatusChecks(t *testing.T) {
	a := open(t, sandbox.Options{Faults: []sandbox.Fault{{Action: "ec2:DescribeInstanceStatus", Kind: sandbox.Impair, Type: "c5.2xlarge"}}})
	id := a.id("개발-WAS-1")
	status := func(id string) string {
		t.Helper()
		list := a.status(&ec2.DescribeInstanceStatusInput{InstanceIds: []string{id}, IncludeAllInstances: aws.Bool(true)})
		if len(list) != 1 || *list[0].InstanceId != id {
			t.Fatalf("%+v", list)
		}
		return string(list[0].InstanceState.Name) + " " + string(list[0].InstanceStatus.Status) + " " + string(list[0].SystemStatus.Status)
	}
	expect := func(when, id, want string) {
		t.Helper()
		if got := status(id); got != want {
			t.Errorf("%s: %q, want %q", when, got, want)
		}
	}
	expect("running for days", id, "running ok ok")
	expect("impaired by a fault", a.id("배치서버"), "running impaired ok")
	if err := a.stop(id); err != nil {
		t.Fatal(err)
	}
	expect("stopping", id, "stopping not-applicable not-applicable")
	a.Advance(5 * time.Minute)
	expect("stopped", id, "stopped not-applicable not-applicable")
	if list := a.status(&ec2.DescribeInstanceStatusInput{InstanceIds: []string{id}}); len(list) != 0 {
		t.Errorf("without IncludeAllInstances a stopped instance is told: %+v", list)
	}
	if err := a.start(id); err != nil {
		t.Fatal(err)
	}
	a.Advance(time.Minute)
	expect("a minute after the start", id, "running initializing initializing")
	a.Advance(2 * time.Minute)
	expect("three minutes after the start", id, "running ok ok")
}

func TestStatusPagesAndFilters(t *testing.T) {
	a := open(t, sandbox.Options{Fleet: 60})
	count := func(filters ...types.Filter) int {
		seen := map[string]bool{}
		for _, s := range a.status(&ec2.DescribeInstanceStatusInput{MaxResults: aws.Int32(7), IncludeAllInstances: aws.Bool(true), Filters: filters}) {
			seen[*s.InstanceId] = true
		}
		return len(seen)
	}
	states := map[string]int{}
	for _, i := range a.Instances(sandbox.DefaultRegion) {
		states[i.State]++
	}
	if got := count(); got != 60 {
		t.Errorf("%d instances on the pages, want 60", got)
	}
	if got := count(filterOf("instance-state-name", "stopped")); got != states["stopped"] || got == 0 {
		t.Errorf("%d are stopped, want %d", got, states["stopped"])
	}
	if got := count(filterOf("instance-status.status", "ok")); got != states["running"] || got == 0 {
		t.Errorf("%d are ok, want %d", got, states["running"])
	}
	running := a.status(&ec2.DescribeInstanceStatusInput{})
	if len(running) != states["running"] || slices.ContainsFunc(running, func(s types.InstanceStatus) bool { return s.InstanceState.Name != "running" }) {
		t.Errorf("%d without IncludeAllInstances, want %d running", len(running), states["running"])
	}
	for _, in := range []*ec2.DescribeInstanceStatusInput{
		{InstanceIds: []string{"i-0123456789abcdef0"}},
		{InstanceIds: []string{"i-0123456789abcdef0"}, MaxResults: aws.Int32(10)},
		{Filters: []types.Filter{filterOf("tag:Name", "x")}},
	} {
		if _, err := a.ec2.DescribeInstanceStatus(t.Context(), in); err == nil {
			t.Errorf("%+v is accepted", in)
		}
	}
}

func TestHibernate(t *testing.T) {
	a := open(t, sandbox.Options{})
	out, err := a.ec2.RunInstances(t.Context(), &ec2.RunInstancesInput{
		ImageId: aws.String(sandbox.ImageLinux), InstanceType: "m5.large", MinCount: aws.Int32(1), MaxCount: aws.Int32(1),
		HibernationOptions: &types.HibernationOptionsRequest{Configured: aws.Bool(true)},
	})
	if err != nil {
		t.Fatal(err)
	}
	id, other := *out.Instances[0].InstanceId, a.id("개발-WAS-1")
	a.Advance(time.Minute)
	hibernate := func(ids ...string) error {
		_, err := a.ec2.StopInstances(t.Context(), &ec2.StopInstancesInput{InstanceIds: ids, Hibernate: aws.Bool(true)})
		return err
	}
	if !*a.one(id).HibernationOptions.Configured || *a.one(other).HibernationOptions.Configured {
		t.Error("HibernationOptions do not tell which instance is configured")
	}
	if err := hibernate(id, other); code(err) != "UnsupportedHibernationConfiguration" {
		t.Errorf("one that is not configured: %v", err)
	}
	if err := hibernate(id); err != nil {
		t.Fatal(err)
	}
	a.Advance(5 * time.Minute)
	if i := a.one(id); i.State.Name != "stopped" || *i.StateReason.Code != "Client.UserInitiatedHibernate" {
		t.Errorf("%s, %s", i.State.Name, *i.StateReason.Code)
	}
}
