package sandbox_test

import (
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/aws-sdk-go-v2/service/pricing"
	pricingtypes "github.com/aws/aws-sdk-go-v2/service/pricing/types"
	"github.com/google/go-cmp/cmp"

	"nightshift/internal/sandbox"
)

func TestDefaultAccount(t *testing.T) {
	a := open(t, sandbox.Options{})
	out, err := a.ec2.DescribeInstances(t.Context(), &ec2.DescribeInstancesInput{})
	if err != nil {
		t.Fatal(err)
	}
	if out.NextToken != nil {
		t.Error("an answer without MaxResults has a token")
	}
	var auto, all int
	for _, r := range out.Reservations {
		for _, i := range r.Instances {
			all++
			for _, tag := range i.Tags {
				if *tag.Key == "AutoStopStart" && *tag.Value == "Yes" {
					auto++
				}
			}
			if len(i.NetworkInterfaces) != 1 || i.NetworkInterfaces[0].Attachment.AttachTime.After(*i.LaunchTime) {
				t.Errorf("%s: first launched after its last start", *i.InstanceId)
			}
			if i.LaunchTime.After(testStart) {
				t.Errorf("%s was launched in the future", *i.InstanceId)
			}
		}
	}
	if all != 27 || auto != 15 {
		t.Errorf("%d instances, %d of them tagged AutoStopStart=Yes; want 27 and 15", all, auto)
	}
	sql := a.one(a.id("회계-SQL서버"))
	if got := *sql.PlatformDetails + " " + *sql.UsageOperation; got != "Windows with SQL Server Standard RunInstances:0006" {
		t.Errorf("SQL server: %s", got)
	}
	if sql.Platform != "windows" || *sql.CpuOptions.CoreCount != 2 || len(sql.BlockDeviceMappings) != 3 {
		t.Errorf("SQL server: platform %q, cores %d, %d volumes", sql.Platform, *sql.CpuOptions.CoreCount, len(sql.BlockDeviceMappings))
	}
	formula := a.one(a.id("=cmd|'/c calc'!A1"))
	if len(formula.Tags) == 0 {
		t.Error("the tag that looks like a formula is lost")
	}
}

func TestEveryInstanceHasAPrice(t *testing.T) {
	for name, o := range map[string]sandbox.Options{"default": {}, "fleet": {Fleet: 600, Types: 120}} {
		t.Run(name, func(t *testing.T) {
			a := open(t, o)
			for _, region := range []string{sandbox.DefaultRegion, "us-east-1"} {
				done := map[string]bool{}
				for _, i := range a.Instances(region) {
					key := i.Type + " " + i.Operation
					if done[key] {
						continue
					}
					done[key] = true
					if n := a.offers(region, i.Type, i.Operation); n != 1 {
						t.Errorf("%s %s: %d products, want 1", region, key, n)
					}
				}
			}
		})
	}
}

// offers counts the products of the price list for an instance's full key.
func (a *account) offers(region, kind, operation string) int {
	a.t.Helper()
	in := &pricing.GetProductsInput{ServiceCode: aws.String("AmazonEC2")}
	for field, value := range map[string]string{
		"regionCode": region, "instanceType": kind, "operation": operation, "tenancy": "Shared",
		"locationType": "AWS Region", "capacitystatus": "Used", "marketoption": "OnDemand",
	} {
		in.Filters = append(in.Filters, pricingtypes.Filter{Type: pricingtypes.FilterTypeTermMatch, Field: &field, Value: &value})
	}
	out, err := pricing.NewFromConfig(a.config("us-east-1")).GetProducts(a.t.Context(), in)
	if err != nil {
		a.t.Fatal(err)
	}
	return len(out.PriceList)
}

func TestStopAndStart(t *testing.T) {
	a := open(t, sandbox.Options{})
	id := a.id("개발-웹서버-1")
	before := a.one(id)

	out, err := a.ec2.StopInstances(t.Context(), &ec2.StopInstancesInput{InstanceIds: []string{id}})
	if err != nil {
		t.Fatal(err)
	}
	change := out.StoppingInstances[0]
	if change.PreviousState.Name != "running" || change.CurrentState.Name != "stopping" || *change.CurrentState.Code != 64 {
		t.Errorf("stop: %s to %s (%d)", change.PreviousState.Name, change.CurrentState.Name, *change.CurrentState.Code)
	}
	if got := a.one(id); got.State.Name != "stopping" {
		t.Errorf("just after the stop: %s", got.State.Name)
	}
	if err := a.start(id); code(err) != "IncorrectInstanceState" {
		t.Errorf("start while stopping: %v", err)
	}
	a.Advance(time.Minute)
	stopped := a.one(id)
	if stopped.State.Name != "stopped" || *stopped.StateTransitionReason != "User initiated (2026-11-22 09:00:00 GMT)" ||
		*stopped.StateReason.Code != "Client.UserInitiatedShutdown" || !stopped.LaunchTime.Equal(*before.LaunchTime) {
		t.Errorf("a minute after the stop: %s, %q, %s, launched %s", stopped.State.Name, *stopped.StateTransitionReason, *stopped.StateReason.Code, stopped.LaunchTime)
	}
	if err := a.stop(id); err != nil {
		t.Errorf("stop again: %v", err)
	}
	if err := a.start(id); err != nil {
		t.Fatal(err)
	}
	if got := a.one(id); got.State.Name != "pending" || *got.StateTransitionReason != "" || got.StateReason != nil {
		t.Errorf("just after the start: %s, %q", got.State.Name, *got.StateTransitionReason)
	}
	if err := a.stop(id); code(err) != "IncorrectInstanceState" {
		t.Errorf("stop while pending: %v", err)
	}
	a.Advance(40 * time.Second)
	running := a.one(id)
	if want := testStart.Add(time.Minute); running.State.Name != "running" || !running.LaunchTime.Equal(want) {
		t.Errorf("after the start: %s, launched %s, want %s", running.State.Name, running.LaunchTime, want)
	}
	if !running.NetworkInterfaces[0].Attachment.AttachTime.Equal(*before.NetworkInterfaces[0].Attachment.AttachTime) {
		t.Error("the start moved the first launch")
	}
	if _, err := a.ec2.RebootInstances(t.Context(), &ec2.RebootInstancesInput{InstanceIds: []string{id}}); err != nil {
		t.Fatal(err)
	}
	if got := a.one(id); !got.LaunchTime.Equal(*running.LaunchTime) {
		t.Error("the reboot moved LaunchTime")
	}
}

func TestBatchesAreAllOrNothing(t *testing.T) {
	a := open(t, sandbox.Options{})
	good := a.id("개발-WAS-1")
	for _, tt := range []struct{ name, bad, code, message string }{
		{"malformed", "foo", "InvalidInstanceID.Malformed", `Invalid id: "foo"`},
		{"unknown", "i-0123456789abcdef0", "InvalidInstanceID.NotFound", "The instance ID 'i-0123456789abcdef0' does not exist"},
		{"one-time spot", a.id("spot-runner"), "UnsupportedOperation", "one-time Spot Instance request"},
		{"instance store", a.id("scratch-render"), "UnsupportedOperation", "does not have an 'ebs' root device type and cannot be stopped."},
		{"protected", a.id("vpn-gateway"), "OperationNotPermitted", "Modify its 'disableApiStop' instance attribute and try again."},
	} {
		t.Run(tt.name, func(t *testing.T) {
			err := a.stop(good, tt.bad)
			if code(err) != tt.code || !strings.Contains(message(err), tt.message) {
				t.Errorf("got %v; want %s: …%s", err, tt.code, tt.message)
			}
			if i, _ := a.Instance(good); i.State != "running" {
				t.Errorf("the good one is %s", i.State)
			}
		})
	}
	err := a.stop("i-0123456789abcdef0", good, "i-0123456789abcdef1")
	if want := "The instance IDs 'i-0123456789abcdef0, i-0123456789abcdef1' do not exist"; message(err) != want {
		t.Errorf("got %q, want %q", message(err), want)
	}
}

func TestProtectionCanBeLifted(t *testing.T) {
	a := open(t, sandbox.Options{})
	id := a.id("vpn-gateway")
	attribute := func() bool {
		out, err := a.ec2.DescribeInstanceAttribute(t.Context(), &ec2.DescribeInstanceAttributeInput{
			InstanceId: &id, Attribute: types.InstanceAttributeNameDisableApiStop,
		})
		if err != nil {
			t.Fatal(err)
		}
		return *out.DisableApiStop.Value
	}
	if !attribute() {
		t.Error("not protected at first")
	}
	off := false
	if _, err := a.ec2.ModifyInstanceAttribute(t.Context(), &ec2.ModifyInstanceAttributeInput{
		InstanceId: &id, DisableApiStop: &types.AttributeBooleanValue{Value: &off},
	}); err != nil {
		t.Fatal(err)
	}
	if attribute() {
		t.Error("still protected")
	}
	if err := a.stop(id); err != nil {
		t.Error(err)
	}
}

func TestPersistentSpotStopsAndStarts(t *testing.T) {
	a := open(t, sandbox.Options{})
	id := a.id("spot-batch")
	request := func() types.SpotInstanceRequest {
		out, err := a.ec2.DescribeSpotInstanceRequests(t.Context(), &ec2.DescribeSpotInstanceRequestsInput{
			Filters: []types.Filter{filterOf("instance-id", id)},
		})
		if err != nil || len(out.SpotInstanceRequests) != 1 {
			t.Fatalf("%d requests, %v", len(out.SpotInstanceRequests), err)
		}
		return out.SpotInstanceRequests[0]
	}
	if r := request(); r.Type != "persistent" || r.State != "active" {
		t.Errorf("%s, %s", r.Type, r.State)
	}
	if err := a.stop(id); err != nil {
		t.Fatal(err)
	}
	if r := request(); r.State != "disabled" || *r.Status.Code != "instance-stopped-by-user" {
		t.Errorf("after the stop: %s, %s", r.State, *r.Status.Code)
	}
	a.Advance(2 * time.Minute)
	if err := a.start(id); err != nil {
		t.Fatal(err)
	}
	if r := request(); r.State != "active" {
		t.Errorf("after the start: %s", r.State)
	}
}

func TestDryRun(t *testing.T) {
	a := open(t, sandbox.Options{})
	id, yes := a.id("개발-WAS-1"), true
	_, err := a.ec2.StopInstances(t.Context(), &ec2.StopInstancesInput{InstanceIds: []string{id}, DryRun: &yes})
	if code(err) != "DryRunOperation" || message(err) != "Request would have succeeded, but DryRun flag is set." {
		t.Errorf("got %v", err)
	}
	if i, _ := a.Instance(id); i.State != "running" {
		t.Errorf("the dry run left it %s", i.State)
	}
	if err := a.SetPolicy(sandbox.PolicyDenying("ec2:StopInstances")); err != nil {
		t.Fatal(err)
	}
	_, err = a.ec2.StopInstances(t.Context(), &ec2.StopInstancesInput{InstanceIds: []string{id}, DryRun: &yes})
	if code(err) != "UnauthorizedOperation" {
		t.Errorf("got %v", err)
	}
	calls := a.Calls()
	if last := calls[len(calls)-1]; !last.DryRun || last.Status != 403 {
		t.Errorf("recorded %+v", last)
	}
}

func TestRegions(t *testing.T) {
	a := open(t, sandbox.Options{Regions: []string{"ap-northeast-2", "us-east-1", "af-south-1"}})
	names := func(in *ec2.DescribeRegionsInput) map[string]string {
		out, err := a.ec2.DescribeRegions(t.Context(), in)
		if err != nil {
			t.Fatal(err)
		}
		m := map[string]string{}
		for _, r := range out.Regions {
			m[*r.RegionName] = *r.OptInStatus
		}
		return m
	}
	want := map[string]string{"ap-northeast-2": "opt-in-not-required", "us-east-1": "opt-in-not-required", "af-south-1": "opted-in"}
	if diff := cmp.Diff(want, names(&ec2.DescribeRegionsInput{})); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
	yes := true
	if all := names(&ec2.DescribeRegionsInput{AllRegions: &yes}); all["me-south-1"] != "not-opted-in" {
		t.Errorf("me-south-1 is %q", all["me-south-1"])
	}
	_, err := a.region("eu-west-1").DescribeInstances(t.Context(), &ec2.DescribeInstancesInput{})
	if code(err) != "AuthFailure" {
		t.Errorf("a region that is not enabled: %v", err)
	}
	out, err := a.region("us-east-1").DescribeInstances(t.Context(), &ec2.DescribeInstancesInput{})
	if err != nil || len(out.Reservations) != 3 {
		t.Errorf("us-east-1: %d reservations, %v", len(out.Reservations), err)
	}
}

func TestDescribeInstanceTypes(t *testing.T) {
	a := open(t, sandbox.Options{})
	out, err := a.ec2.DescribeInstanceTypes(t.Context(), &ec2.DescribeInstanceTypesInput{InstanceTypes: []types.InstanceType{"m5.large", "t4g.small"}})
	if err != nil || len(out.InstanceTypes) != 2 {
		t.Fatalf("%d types, %v", len(out.InstanceTypes), err)
	}
	if m5 := out.InstanceTypes[0]; *m5.VCpuInfo.DefaultVCpus != 2 || *m5.MemoryInfo.SizeInMiB != 8192 {
		t.Errorf("m5.large: %d vCPUs, %d MiB", *m5.VCpuInfo.DefaultVCpus, *m5.MemoryInfo.SizeInMiB)
	}
	_, err = a.ec2.DescribeInstanceTypes(t.Context(), &ec2.DescribeInstanceTypesInput{InstanceTypes: []types.InstanceType{"z9.huge"}})
	if code(err) != "InvalidInstanceType" || !strings.Contains(message(err), "[z9.huge]") {
		t.Errorf("got %v", err)
	}
	seen := 0
	p := ec2.NewDescribeInstanceTypesPaginator(a.ec2, &ec2.DescribeInstanceTypesInput{MaxResults: new(int32(100))})
	for p.HasMorePages() {
		out, err := p.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		seen += len(out.InstanceTypes)
	}
	all, err := a.ec2.DescribeInstanceTypes(t.Context(), &ec2.DescribeInstanceTypesInput{})
	if err != nil {
		t.Fatal(err)
	}
	if seen <= 100 || len(all.InstanceTypes) != 100 || all.NextToken == nil {
		t.Errorf("pages hold %d types, an answer without a size %d", seen, len(all.InstanceTypes))
	}
}
