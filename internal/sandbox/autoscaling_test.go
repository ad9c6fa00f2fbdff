package sandbox_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/autoscaling"
	"github.com/aws/aws-sdk-go-v2/service/autoscaling/types"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/google/go-cmp/cmp"

	"nightshift/internal/sandbox"
)

// groups is an account with Auto Scaling groups and a client for them.
type groups struct {
	*account
	api *autoscaling.Client
}

func openGroups(t *testing.T, o sandbox.Options, list ...sandbox.Group) groups {
	t.Helper()
	a := open(t, o)
	for _, g := range list {
		if err := a.AddGroup(sandbox.DefaultRegion, g); err != nil {
			t.Fatal(err)
		}
	}
	return groups{a, autoscaling.NewFromConfig(a.config(sandbox.DefaultRegion))}
}

func (g groups) state(name string) sandbox.GroupState {
	g.t.Helper()
	s, ok := g.Group(sandbox.DefaultRegion, name)
	if !ok {
		g.t.Fatalf("no group %s", name)
	}
	return s
}

// count returns how many members are in each state of the lifecycle.
func (g groups) count(name string) string {
	g.t.Helper()
	n := map[string]int{}
	for _, state := range g.state(name).Members {
		n[state]++
	}
	return strings.TrimSuffix(strings.TrimPrefix(fmt.Sprint(n), "map["), "]")
}

func (g groups) resize(name string, least, desired int32) error {
	_, err := g.api.UpdateAutoScalingGroup(g.t.Context(), &autoscaling.UpdateAutoScalingGroupInput{
		AutoScalingGroupName: &name, MinSize: &least, DesiredCapacity: &desired,
	})
	return err
}

func (g groups) suspend(name string, processes ...string) error {
	_, err := g.api.SuspendProcesses(g.t.Context(), &autoscaling.SuspendProcessesInput{AutoScalingGroupName: &name, ScalingProcesses: processes})
	return err
}

func (g groups) resume(name string, processes ...string) error {
	_, err := g.api.ResumeProcesses(g.t.Context(), &autoscaling.ResumeProcessesInput{AutoScalingGroupName: &name, ScalingProcesses: processes})
	return err
}

func TestGroupFollowsItsSizes(t *testing.T) {
	g := openGroups(t, sandbox.Options{}, sandbox.Group{Name: "api", Min: 1, Desired: 2, Max: 4, Tags: map[string]string{"Env": "dev"}})
	if got := g.count("api"); got != "Pending:2" {
		t.Errorf("at once: %s", got)
	}
	g.Advance(time.Minute)
	if got := g.count("api"); got != "InService:2" {
		t.Errorf("after a minute: %s", got)
	}
	if err := g.resize("api", 0, 0); err != nil {
		t.Fatal(err)
	}
	g.Advance(10 * time.Second)
	if got := g.count("api"); got != "Terminating:2" {
		t.Errorf("ten seconds after the group was emptied: %s", got)
	}
	g.Advance(2 * time.Minute)
	if got := g.count("api"); got != "" {
		t.Errorf("two minutes later: %s", got)
	}
	if err := g.resize("api", 1, 3); err != nil {
		t.Fatal(err)
	}
	g.Advance(time.Hour) // in one step
	if got := g.count("api"); got != "InService:3" {
		t.Errorf("an hour after three were wanted: %s", got)
	}
	for id := range g.state("api").Members {
		i, _ := g.Instance(id)
		if want := map[string]string{"aws:autoscaling:groupName": "api", "Env": "dev"}; i.State != "running" || !cmp.Equal(want, i.Tags) {
			t.Errorf("member %+v", i)
		}
	}
}

// TestGroupAdoptsItsMembers: instances that carry the name of a group become its
// members when it is added, and do not change.
func TestGroupAdoptsItsMembers(t *testing.T) {
	g := openGroups(t, sandbox.Options{Fleet: 300})
	stopped := 0
	claimed := map[string]int{}
	for _, i := range g.Instances(sandbox.DefaultRegion) {
		if name := i.Tags["aws:autoscaling:groupName"]; name != "" {
			claimed[name]++
			if i.State != "running" {
				stopped++
			}
		}
	}
	if len(claimed) < 3 || stopped > 0 {
		t.Fatalf("groups %v, %d members are stopped", claimed, stopped)
	}
	before := g.Instances(sandbox.DefaultRegion)
	g.Advance(time.Hour)
	for name, n := range claimed {
		if got := g.count(name); got != fmt.Sprintf("InService:%d", n) {
			t.Errorf("%s: %s, and %d instances claim it", name, got, n)
		}
	}
	if diff := cmp.Diff(before, g.Instances(sandbox.DefaultRegion)); diff != "" {
		t.Errorf("the groups changed instances:\n%s", diff)
	}
}

// TestDefaultGroup: the group that instances of the default account claim to
// belong to is there, and replaces one that is stopped.
func TestDefaultGroup(t *testing.T) {
	g := openGroups(t, sandbox.Options{})
	if got := g.state("web-asg"); got.Desired != 2 || len(got.Tags) != 0 || g.count("web-asg") != "InService:2" {
		t.Fatalf("%+v", got)
	}
	victim := slices.Min(slices.Collect(maps.Keys(g.state("web-asg").Members)))
	if _, err := g.ec2.StopInstances(t.Context(), &ec2.StopInstancesInput{InstanceIds: []string{victim}}); err != nil {
		t.Fatal(err)
	}
	g.Advance(10 * time.Minute)
	after := g.state("web-asg")
	if _, still := after.Members[victim]; still || g.count("web-asg") != "InService:2" {
		t.Errorf("after %s was stopped: %+v", victim, after.Members)
	}
}

func TestGroupReplacesWhatIsStopped(t *testing.T) {
	for _, tt := range []struct {
		name      string
		suspended []string
		members   string
		kept      bool
	}{
		{"nothing suspended", nil, "InService:2", false},
		{"ReplaceUnhealthy", []string{"ReplaceUnhealthy"}, "InService:2", true},
		{"HealthCheck", []string{"HealthCheck"}, "InService:2", true},
		{"Terminate", []string{"Terminate"}, "InService:2", true},
		{"Launch", []string{"Launch"}, "InService:1", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			g := openGroups(t, sandbox.Options{}, sandbox.Group{Name: "api", Desired: 2, Max: 2})
			g.Advance(time.Minute)
			if tt.suspended != nil {
				if err := g.suspend("api", tt.suspended...); err != nil {
					t.Fatal(err)
				}
			}
			var first string
			for id := range g.state("api").Members {
				first = max(first, id)
			}
			if err := g.stop(first); err != nil {
				t.Fatal(err)
			}
			g.Advance(20 * time.Minute)
			if got := g.count("api"); got != tt.members {
				t.Errorf("members: %s, want %s", got, tt.members)
			}
			if _, kept := g.state("api").Members[first]; kept != tt.kept {
				t.Errorf("the stopped member is kept: %v, want %v", kept, tt.kept)
			}
			if tt.suspended == nil {
				return
			}
			if err := g.resume("api"); err != nil {
				t.Fatal(err)
			}
			g.Advance(20 * time.Minute)
			if _, kept := g.state("api").Members[first]; kept || g.count("api") != "InService:2" {
				t.Errorf("after all processes were resumed: %s, the stopped one is kept: %v", g.count("api"), kept)
			}
		})
	}
}

func TestGroupIsDescribed(t *testing.T) {
	g := openGroups(t, sandbox.Options{}, sandbox.Group{
		Name: "api", Min: 1, Desired: 2, Max: 4, Tags: map[string]string{"Env": "dev"}, Suspended: []string{"AZRebalance"},
		WarmPool: true, Created: testStart.Add(-24 * time.Hour),
	})
	g.Advance(time.Minute)
	out, err := g.api.DescribeAutoScalingGroups(t.Context(), &autoscaling.DescribeAutoScalingGroupsInput{AutoScalingGroupNames: []string{"api", "none"}})
	if err != nil || len(out.AutoScalingGroups) != 1 {
		t.Fatalf("%+v, %v", out, err)
	}
	got := out.AutoScalingGroups[0]
	arn := "arn:aws:autoscaling:" + sandbox.DefaultRegion + ":" + sandbox.AccountID + ":autoScalingGroup:"
	if !strings.HasPrefix(*got.AutoScalingGroupARN, arn) || !strings.HasSuffix(*got.AutoScalingGroupARN, ":autoScalingGroupName/api") {
		t.Errorf("ARN %s", *got.AutoScalingGroupARN)
	}
	if *got.MinSize != 1 || *got.DesiredCapacity != 2 || *got.MaxSize != 4 || !got.CreatedTime.Equal(testStart.Add(-24*time.Hour)) || got.WarmPoolConfiguration == nil {
		t.Errorf("%+v", got)
	}
	if len(got.Instances) != 2 || got.Instances[0].LifecycleState != types.LifecycleStateInService || *got.Instances[0].HealthStatus != "Healthy" {
		t.Errorf("instances %+v", got.Instances)
	}
	if p := got.SuspendedProcesses; len(p) != 1 || *p[0].ProcessName != "AZRebalance" || *p[0].SuspensionReason != "User suspended at 2026-11-22T09:00:00Z" {
		t.Errorf("suspended %+v", p)
	}
	if tag := got.Tags; len(tag) != 1 || *tag[0].Key != "Env" || *tag[0].Value != "dev" || *tag[0].ResourceId != "api" {
		t.Errorf("tags %+v", tag)
	}
}

func TestGroupsAreFilteredAndPaged(t *testing.T) {
	var list []sandbox.Group
	for n := range 130 {
		list = append(list, sandbox.Group{Name: fmt.Sprintf("g%03d", n), Tags: map[string]string{"Half": fmt.Sprint(n % 2), fmt.Sprint("k", n%3): "x"}})
	}
	g := openGroups(t, sandbox.Options{Fleet: 1, EmptyPages: -1}, list...) // without a group of its own
	for _, tt := range []struct {
		filters []types.Filter
		want    int
	}{
		{nil, 130},
		{[]types.Filter{{Name: aws.String("tag:Half"), Values: []string{"1"}}}, 65},
		{[]types.Filter{{Name: aws.String("tag-key"), Values: []string{"k0", "k1"}}}, 87},
		{[]types.Filter{{Name: aws.String("tag-key"), Values: []string{"k0"}}, {Name: aws.String("tag:Half"), Values: []string{"0"}}}, 22},
		{[]types.Filter{{Name: aws.String("tag-value"), Values: []string{"*"}}}, 0},
	} {
		var names []string
		p := autoscaling.NewDescribeAutoScalingGroupsPaginator(g.api, &autoscaling.DescribeAutoScalingGroupsInput{Filters: tt.filters, MaxRecords: aws.Int32(40)})
		for p.HasMorePages() {
			out, err := p.NextPage(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if len(out.AutoScalingGroups) > 40 {
				t.Errorf("a page of %d", len(out.AutoScalingGroups))
			}
			for _, x := range out.AutoScalingGroups {
				names = append(names, *x.AutoScalingGroupName)
			}
		}
		if len(names) != tt.want || !slices.IsSorted(names) {
			t.Errorf("%d groups, want %d: %v", len(names), tt.want, names)
		}
	}
}

func TestGroupRefusals(t *testing.T) {
	g := openGroups(t, sandbox.Options{}, sandbox.Group{Name: "api", Min: 1, Desired: 2, Max: 4})
	describe := func(in autoscaling.DescribeAutoScalingGroupsInput) error {
		_, err := g.api.DescribeAutoScalingGroups(t.Context(), &in)
		return err
	}
	tag := func(ts ...types.Tag) error {
		_, err := g.api.CreateOrUpdateTags(t.Context(), &autoscaling.CreateOrUpdateTagsInput{Tags: ts})
		return err
	}
	on := func(name, key string) types.Tag {
		return types.Tag{ResourceId: &name, ResourceType: aws.String("auto-scaling-group"), Key: &key, Value: aws.String("v"), PropagateAtLaunch: aws.Bool(false)}
	}
	for name, tt := range map[string]struct {
		err  error
		code string
		says string
	}{
		"desired above max": {g.resize("api", 1, 5), "ValidationError", "between the specified min size:1 and max size:4"},
		"min above desired": {g.resize("api", 3, 2), "ValidationError", "between"},
		"min above max":     {g.resize("api", 5, 5), "ValidationError", "Max bound"},
		"no such group":     {g.resize("none", 0, 0), "ValidationError", "name not found"},
		"no such process":   {g.suspend("api", "Sleep"), "ValidationError", "Sleep"},
		"no such filter": {
			describe(autoscaling.DescribeAutoScalingGroupsInput{Filters: []types.Filter{{Name: aws.String("colour"), Values: []string{"x"}}}}),
			"ValidationError", "colour",
		},
		"a token of its own":  {describe(autoscaling.DescribeAutoScalingGroupsInput{NextToken: aws.String("x")}), "InvalidNextToken", ""},
		"a page too large":    {describe(autoscaling.DescribeAutoScalingGroupsInput{MaxRecords: aws.Int32(101)}), "ValidationError", ""},
		"tags of AWS":         {tag(on("api", "aws:x")), "ValidationError", "reserved"},
		"one of two is wrong": {tag(on("api", "a"), on("none", "a")), "ValidationError", "not found"},
	} {
		if got := code(tt.err); got != tt.code || !strings.Contains(message(tt.err), tt.says) {
			t.Errorf("%s: %v, want %s …%s…", name, tt.err, tt.code, tt.says)
		}
	}
	if got := g.state("api"); got.Min != 1 || got.Desired != 2 || len(got.Tags) != 0 {
		t.Errorf("refused calls changed %+v", got)
	}
	if err := tag(on("api", "a"), on("api", "b")); err != nil {
		t.Fatal(err)
	}
	if _, err := g.api.DeleteTags(t.Context(), &autoscaling.DeleteTagsInput{Tags: []types.Tag{on("api", "a")}}); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string]string{"b": "v"}, g.state("api").Tags); diff != "" {
		t.Errorf("tags: -want +got\n%s", diff)
	}
	for _, wrong := range []sandbox.Group{
		{},
		{Name: "a:b"},
		{Name: "api"},
		{Name: "x", Min: 2, Desired: 1, Max: 3},
		{Name: "x", Type: "z9.huge"},
		{Name: "x", Suspended: []string{"Sleep"}},
	} {
		if err := g.AddGroup(sandbox.DefaultRegion, wrong); err == nil {
			t.Errorf("AddGroup took %+v", wrong)
		}
	}
}

func TestGroupPermissions(t *testing.T) {
	g := openGroups(
		t, sandbox.Options{},
		sandbox.Group{Name: "ours", Tags: map[string]string{"Schedule": "office"}}, sandbox.Group{Name: "theirs"},
	)
	if err := g.SetPolicy([]byte(`{"Statement":[
		{"Effect":"Allow","Action":["autoscaling:UpdateAutoScalingGroup","autoscaling:SuspendProcesses"],
		 "Resource":"arn:aws:autoscaling:*:*:autoScalingGroup:*:autoScalingGroupName/*",
		 "Condition":{"StringLike":{"aws:ResourceTag/Schedule":"*"}}},
		{"Effect":"Allow","Action":"autoscaling:CreateOrUpdateTags","Resource":"*",
		 "Condition":{"ForAllValues:StringLike":{"aws:TagKeys":"nightshift:*"},"Null":{"aws:TagKeys":"false"}}}]}`)); err != nil {
		t.Fatal(err)
	}
	tag := func(key string) error {
		_, err := g.api.CreateOrUpdateTags(t.Context(), &autoscaling.CreateOrUpdateTagsInput{Tags: []types.Tag{{
			ResourceId: aws.String("ours"), ResourceType: aws.String("auto-scaling-group"), Key: &key, Value: aws.String("v"), PropagateAtLaunch: aws.Bool(false),
		}}})
		return err
	}
	for _, tt := range []struct {
		err  error
		code string
	}{
		{g.resize("ours", 0, 0), ""},
		{g.suspend("ours", "AlarmNotification"), ""},
		{g.resize("theirs", 0, 0), "AccessDenied"},
		{g.resume("ours"), "AccessDenied"},
		{g.resize("none", 0, 0), "AccessDenied"},
		{tag("nightshift:last"), ""},
		{tag("Schedule"), "AccessDenied"},
	} {
		if got := code(tt.err); got != tt.code {
			t.Errorf("%v, want %q", tt.err, tt.code)
		}
	}
}

func TestGroupFaults(t *testing.T) {
	faults, err := sandbox.ParseFaults("autoscaling:Update*=refuse,id=busy-*,code=ScalingActivityInProgress;autoscaling:SuspendProcesses=refuse,code=ResourceContention,nth=1;" +
		"autoscaling:Describe*=throttle,count=1")
	if err != nil {
		t.Fatal(err)
	}
	g := openGroups(t, sandbox.Options{Faults: faults}, sandbox.Group{Name: "api"}, sandbox.Group{Name: "busy-1"})
	describe := func() error {
		_, err := g.api.DescribeAutoScalingGroups(t.Context(), nil)
		return err
	}
	got := []string{
		code(g.resize("busy-1", 0, 0)), code(g.resize("api", 0, 0)),
		code(g.suspend("api")), code(g.suspend("api")), code(describe()), code(describe()),
	}
	if diff := cmp.Diff([]string{"ScalingActivityInProgress", "", "ResourceContention", "", "Throttling", ""}, got); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}

// A start is refused for one type in one zone; the same type elsewhere and
// other types there have capacity.
func TestCapacityOfATypeInAZone(t *testing.T) {
	faults, err := sandbox.ParseFaults("ec2:StartInstances=refuse,type=m5.large,zone=*a,code=InsufficientInstanceCapacity")
	if err != nil {
		t.Fatal(err)
	}
	a := open(t, sandbox.Options{Faults: faults})
	was, report := a.id("개발-WAS-1"), a.id("야간-리포트") // m5.large in a and in b
	if err := a.stop(was); err != nil {
		t.Fatal(err)
	}
	a.Advance(5 * time.Minute)
	if err := a.start(was, report); code(err) != "InsufficientInstanceCapacity" {
		t.Fatalf("%v", err)
	}
	if err := a.start(report); err != nil {
		t.Errorf("the other zone: %v", err)
	}
	modify := func(id, to string) error {
		_, err := a.ec2.ModifyInstanceAttribute(t.Context(), &ec2.ModifyInstanceAttributeInput{InstanceId: &id, InstanceType: attributeOf(to)})
		return err
	}
	if err := modify(report, "m5.xlarge"); code(err) != "IncorrectInstanceState" {
		t.Errorf("a running instance changes its type: %v", err)
	}
	if err := modify(was, "m5.huge"); code(err) != "InvalidInstanceAttributeValue" {
		t.Errorf("an unknown type: %v", err)
	}
	if err := modify(was, "t4g.small"); code(err) != "InvalidParameterValue" {
		t.Errorf("another architecture: %v", err)
	}
	if err := modify(was, "m5.xlarge"); err != nil {
		t.Fatal(err)
	}
	if err := a.start(was); err != nil {
		t.Errorf("the other type: %v", err)
	}
	a.Advance(5 * time.Minute)
	if i := a.one(was); i.InstanceType != "m5.xlarge" || i.State.Name != "running" || *i.CpuOptions.CoreCount != 2 {
		t.Errorf("%s %s %d cores", i.InstanceType, i.State.Name, *i.CpuOptions.CoreCount)
	}
}
