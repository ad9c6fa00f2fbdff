package amazon_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/autoscaling"
	astypes "github.com/aws/aws-sdk-go-v2/service/autoscaling/types"
	"github.com/google/go-cmp/cmp"

	"nightshift/internal/amazon"
	"nightshift/internal/fleet"
	"nightshift/internal/power"
	"nightshift/internal/sandbox"
	"nightshift/internal/sandbox/sandboxtest"
)

// scaling is a client of its own for Auto Scaling: what people and alarms do
// to groups.
func (p *peer) scaling() *autoscaling.Client {
	return autoscaling.NewFromConfig(aws.Config{
		Region: sandbox.DefaultRegion, BaseEndpoint: &p.endpoint, HTTPClient: awshttp.NewBuildableClient(),
		Credentials: credentials.NewStaticCredentialsProvider(sandbox.AccessKey, sandbox.SecretKey, ""),
	})
}

// group reads one group as a machine.
func group(t *testing.T, g *amazon.Groups, name string) fleet.Machine {
	t.Helper()
	var found []fleet.Machine
	for m, err := range g.Machines(t.Context(), fleet.Selector{IDs: []fleet.ResourceID{fleet.ResourceID(name)}}) {
		if err != nil {
			t.Fatal(err)
		}
		found = append(found, m)
	}
	if len(found) != 1 || found[0].ID != fleet.ResourceID(name) {
		t.Fatalf("asked for %s, got %v", name, found)
	}
	return found[0]
}

// testGroups is what both peers must agree on.
func testGroups(t *testing.T, p *peer) {
	model := p.run(t, 1, "model", "of-groups")[0]
	api, g := p.scaling(), p.session(t).Groups(region)
	for n, name := range []string{"api", "batch", "other"} {
		if _, err := api.CreateAutoScalingGroup(t.Context(), &autoscaling.CreateAutoScalingGroupInput{
			AutoScalingGroupName: &name, InstanceId: aws.String(string(model)), AvailabilityZones: []string{sandbox.DefaultRegion + "a"},
			MinSize: aws.Int32(1), DesiredCapacity: aws.Int32(2), MaxSize: aws.Int32(4),
			Tags: []astypes.Tag{{
				ResourceId: &name, ResourceType: aws.String("auto-scaling-group"), PropagateAtLaunch: aws.Bool(false),
				Key: aws.String([]string{"Schedule", "Schedule", "Env"}[n]), Value: aws.String([]string{"office", "nights*", "dev"}[n]),
			}},
		}); err != nil {
			t.Fatal(err)
		}
	}
	for _, tt := range []struct {
		sel  fleet.Selector
		want string
	}{
		{fleet.Selector{}, "api batch other"},
		{fleet.Selector{Tags: []fleet.Tag{{Key: "Schedule"}}}, "api batch"},
		{fleet.Selector{Tags: []fleet.Tag{{Key: "Schedule", Value: "nights*"}}}, "batch"},
		{fleet.Selector{Keys: []string{"Schedule", "Env"}}, "api batch other"},
		{fleet.Selector{Keys: []string{"Env", "None"}}, "other"},
		{fleet.Selector{Keys: []string{"Env"}, Tags: []fleet.Tag{{Key: "Schedule"}}}, ""},
		{fleet.Selector{Tags: []fleet.Tag{{Key: "Schedule"}, {Key: "Env"}}}, ""},
		{fleet.Selector{IDs: []fleet.ResourceID{"api", "gone", "other"}, Tags: []fleet.Tag{{Key: "Env", Value: "dev"}}}, "other"},
	} {
		var got []string
		for m, err := range g.Machines(t.Context(), tt.sel) {
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, string(m.ID))
		}
		slices.Sort(got)
		if strings.Join(got, " ") != tt.want {
			t.Errorf("%+v chose %v, want %s", tt.sel, got, tt.want)
		}
	}
	if _, err := api.SuspendProcesses(t.Context(), &autoscaling.SuspendProcessesInput{
		AutoScalingGroupName: aws.String("api"), ScalingProcesses: []string{"ScheduledActions"},
	}); err != nil {
		t.Fatal(err)
	}
	awaitGroup(t, g, "api", func(m fleet.Machine) bool { return m.State == fleet.Running && m.Ready })
	m := group(t, g, "api")
	if m.Kind != fleet.KindGroup || m.Type != "1/2/4" || m.Target.Region != region || len(m.Target.Account) != 12 || m.ARN == "" || m.Created.IsZero() || !m.Started.Equal(m.Created) || m.Ineligible.Reason().Code != "" {
		t.Errorf("incomplete: %+v", m)
	}

	const stopped, started = "stop 2026-11-22T10:00:00Z", "start 2026-11-22T22:00:00Z"
	mark := func(m fleet.Machine, value string) {
		t.Helper()
		if err := g.Mark(t.Context(), []fleet.Machine{m}, fleet.Tags{fleet.TagLast: value}); err != nil {
			t.Fatal(err)
		}
	}
	mark(m, stopped)
	if err := g.Stop(t.Context(), []fleet.ResourceID{"api"}, false); err != nil {
		t.Fatal(err)
	}
	awaitGroup(t, g, "api", func(m fleet.Machine) bool { return m.State == fleet.Stopped })
	m = group(t, g, "api")
	if m.Type != "0/0/4" || m.Tags["nightshift:sizes"] != "1/2/4 AlarmNotification "+stopped || m.Tags["Schedule"] != "office" || m.Ineligible.Reason().Code != "" {
		t.Errorf("stopped: %s %v %v", m.Type, m.Tags, m.Ineligible)
	}
	if m.Cause != fleet.CauseCall || !m.Stopped.Equal(time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)) {
		t.Errorf("stopped at %s by %q", m.Stopped, m.Cause)
	}
	if got := asleep(t, api, "api"); got != "AlarmNotification ScheduledActions" {
		t.Errorf("suspended while stopped: %s", got)
	}
	mark(m, started)
	if err := g.Start(t.Context(), []fleet.ResourceID{"api"}); err != nil {
		t.Fatal(err)
	}
	awaitGroup(t, g, "api", func(m fleet.Machine) bool { return m.State == fleet.Running && m.Ready })
	m = group(t, g, "api")
	if m.Type != "1/2/4" || m.Tags["nightshift:sizes"] != "1/2/4 "+started || !m.Started.Equal(time.Date(2026, 11, 22, 22, 0, 0, 0, time.UTC)) {
		t.Errorf("started: %s %v at %s", m.Type, m.Tags, m.Started)
	}
	if got := asleep(t, api, "api"); got != "ScheduledActions" {
		t.Errorf("suspended after the start: %s, want what people suspended", got)
	}
	err := g.Stop(t.Context(), []fleet.ResourceID{"batch", "gone", "api"}, false)
	refusal, ok := errors.AsType[*fleet.Refusal](err)
	if !ok || !errors.Is(err, fleet.ErrNotFound) || !slices.Equal(refusal.IDs, []fleet.ResourceID{"gone"}) {
		t.Errorf("a missing group: %v, want a refusal that names it", err)
	}
	if batch, api := group(t, g, "batch"), group(t, g, "api"); batch.Type != "0/0/4" || api.Type != "1/2/4" {
		t.Errorf("before and after the refusal: %s and %s", batch.Type, api.Type)
	}
}

func awaitGroup(t *testing.T, g *amazon.Groups, name string, is func(fleet.Machine) bool) {
	t.Helper()
	for looks := 0; !is(group(t, g, name)); looks++ {
		if looks == tries {
			t.Fatalf("%s is %+v", name, group(t, g, name))
		}
		time.Sleep(pause)
	}
}

// asleep lists a group's suspended processes.
func asleep(t *testing.T, api *autoscaling.Client, name string) string {
	t.Helper()
	out, err := api.DescribeAutoScalingGroups(t.Context(), &autoscaling.DescribeAutoScalingGroupsInput{AutoScalingGroupNames: []string{name}})
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, p := range out.AutoScalingGroups[0].SuspendedProcesses {
		names = append(names, *p.ProcessName)
	}
	slices.Sort(names)
	return strings.Join(names, " ")
}

// night is a sandbox with one group that does not change unless the
// clock is moved.
type night struct {
	*sandbox.Sandbox
	t      *testing.T
	groups *amazon.Groups
	api    *autoscaling.Client
}

const groupName = "api"

func openNight(t *testing.T, g sandbox.Group) night {
	t.Helper()
	server := sandboxtest.Start(t, sandbox.Options{Speed: -1, Start: time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)})
	g.Name = groupName
	if err := server.Sandbox().AddGroup(sandbox.DefaultRegion, g); err != nil {
		t.Fatal(err)
	}
	p := newPeer(server.URL())
	n := night{server.Sandbox(), t, p.session(t).Groups(region), p.scaling()}
	n.Advance(10 * time.Minute)
	return n
}

// act marks and acts as power does.
func (n night) act(action power.Action) error {
	n.t.Helper()
	value := string(action) + " " + n.Now().Format(time.RFC3339)
	if err := n.groups.Mark(n.t.Context(), []fleet.Machine{{ID: groupName}}, fleet.Tags{fleet.TagLast: value}); err != nil {
		n.t.Fatal(err)
	}
	if action == power.Start {
		return n.groups.Start(n.t.Context(), []fleet.ResourceID{groupName})
	}
	return n.groups.Stop(n.t.Context(), []fleet.ResourceID{groupName}, false)
}

func (n night) mustAct(action power.Action) {
	n.t.Helper()
	if err := n.act(action); err != nil {
		n.t.Fatal(err)
	}
	n.Advance(10 * time.Minute)
}

// resize is what a person does.
func (n night) resize(least, desired, most int32) {
	n.t.Helper()
	if _, err := n.api.UpdateAutoScalingGroup(n.t.Context(), &autoscaling.UpdateAutoScalingGroupInput{
		AutoScalingGroupName: aws.String(groupName), MinSize: &least, DesiredCapacity: &desired, MaxSize: &most,
	}); err != nil {
		n.t.Fatal(err)
	}
	n.Advance(10 * time.Minute)
}

func (n night) machine() fleet.Machine {
	n.t.Helper()
	return group(n.t, n.groups, groupName)
}

// expect compares the group's sizes, state and suspended processes.
func (n night) expect(when, want string) {
	n.t.Helper()
	g, _ := n.Group(sandbox.DefaultRegion, groupName)
	got := fmt.Sprintf("%d/%d/%d %s %s", g.Min, g.Desired, g.Max, n.machine().State, strings.Join(g.Suspended, "+"))
	if strings.TrimSpace(got) != want {
		n.t.Errorf("%s: %s, want %s", when, got, want)
	}
}

func TestGroupOverManyNights(t *testing.T) {
	n := openNight(t, sandbox.Group{Min: 1, Desired: 2, Max: 4, Suspended: []string{"AZRebalance"}})
	for range 3 {
		n.mustAct(power.Stop)
		n.expect("night", "0/0/4 stopped AZRebalance+AlarmNotification+ScheduledActions")
		n.mustAct(power.Stop) // a doubled run
		n.expect("night", "0/0/4 stopped AZRebalance+AlarmNotification+ScheduledActions")
		n.mustAct(power.Start)
		n.expect("day", "1/2/4 running AZRebalance")
		n.mustAct(power.Start)
		n.expect("day", "1/2/4 running AZRebalance")
	}
	n.resize(2, 3, 5) // a person makes it larger for good
	n.mustAct(power.Stop)
	n.expect("night", "0/0/5 stopped AZRebalance+AlarmNotification+ScheduledActions")
	n.resize(0, 0, 2) // and, while it is stopped, limits it
	n.mustAct(power.Start)
	n.expect("day", "2/2/2 running AZRebalance")
}

// A person fills a group at night; the next stop does not take its minimum of
// 0, which is ours, nor the processes, which we suspended, for people's wish.
func TestGroupFilledManually(t *testing.T) {
	n := openNight(t, sandbox.Group{Min: 1, Desired: 2, Max: 4})
	n.mustAct(power.Stop)
	stopped := n.machine().Stopped
	n.resize(0, 3, 4)
	m := n.machine()
	if m.State != fleet.Running || !m.Unfinished || !m.Started.Equal(stopped) || m.Started.IsZero() || !strings.Contains(m.Why, "AlarmNotification and ScheduledActions still suspended") {
		t.Errorf("filled by hand: %s, started %s, %s; want no earlier than the stop at %s", m.State, m.Started, m.Why, stopped)
	}
	n.mustAct(power.Stop)
	n.expect("the next night", "0/0/4 stopped AlarmNotification+ScheduledActions")
	n.mustAct(power.Start)
	n.expect("the next day", "1/3/4 running")
}

// A person empties a group by day: it is not ours, and can be started from
// what was remembered.
func TestGroupEmptiedManually(t *testing.T) {
	n := openNight(t, sandbox.Group{Min: 1, Desired: 2, Max: 4})
	n.mustAct(power.Stop)
	n.mustAct(power.Start)
	started := n.machine().Started
	n.resize(0, 0, 4)
	m := n.machine()
	if m.State != fleet.Stopped || m.Cause != fleet.CauseCall || !m.Stopped.Equal(started) || m.Ineligible.Reason().Code != "" {
		t.Errorf("emptied by hand: %s by %q at %s, %v", m.State, m.Cause, m.Stopped, m.Ineligible)
	}
	n.mustAct(power.Stop) // nothing to stop, and nothing to remember
	n.mustAct(power.Start)
	n.expect("the next day", "1/2/4 running")
}

// A run that ends between two steps is distinguished from what people do, and
// comes right at the next try.
func TestGroupAfterAnInterruptedStop(t *testing.T) {
	for _, action := range []string{"CreateOrUpdateTags", "UpdateAutoScalingGroup", "SuspendProcesses", "last"} {
		t.Run(action, func(t *testing.T) {
			n := openNight(t, sandbox.Group{Min: 1, Desired: 2, Max: 4})
			fault := sandbox.Fault{Action: "autoscaling:" + action, Kind: sandbox.Deny, Nth: 1}
			switch action {
			case "CreateOrUpdateTags":
				fault.Nth = 2 // the first is the mark
			case "last":
				fault.Action, fault.Nth = "autoscaling:CreateOrUpdateTags", 3
			}
			if err := n.SetFaults([]sandbox.Fault{fault}); err != nil {
				t.Fatal(err)
			}
			if err := n.act(power.Stop); !errors.Is(err, fleet.ErrDenied) {
				t.Fatalf("%v, want a denial", err)
			}
			n.Advance(10 * time.Minute)
			if action == "SuspendProcesses" || action == "last" { // an alarm that was not suspended in time
				if m := n.machine(); m.State != fleet.Stopped || m.Stopped.IsZero() {
					t.Errorf("after the shrinking: %s, stopped %s", m.State, m.Stopped)
				}
				n.resize(0, 1, 4)
			}
			if m := n.machine(); m.State != fleet.Running || !m.Started.IsZero() {
				t.Errorf("%s, started at %s; want it running, and nobody to have started it", m.State, m.Started)
			}
			n.mustAct(power.Stop)
			n.expect("after the next try", "0/0/4 stopped AlarmNotification+ScheduledActions")
			n.mustAct(power.Start)
			if g, _ := n.Group(sandbox.DefaultRegion, groupName); g.Min != 1 || g.Desired == 0 || len(g.Suspended) > 0 {
				t.Errorf("started again: %+v", g)
			}
		})
	}
}

func TestGroupAfterAnInterruptedStart(t *testing.T) {
	for _, action := range []string{"ResumeProcesses", "UpdateAutoScalingGroup", "CreateOrUpdateTags"} {
		t.Run(action, func(t *testing.T) {
			n := openNight(t, sandbox.Group{Min: 1, Desired: 2, Max: 4})
			n.mustAct(power.Stop)
			stopped := n.machine().Stopped
			fault := sandbox.Fault{Action: "autoscaling:" + action, Kind: sandbox.Deny, Nth: 1}
			if action == "CreateOrUpdateTags" {
				fault.Nth = 2
			}
			if err := n.SetFaults([]sandbox.Fault{fault}); err != nil {
				t.Fatal(err)
			}
			if err := n.act(power.Start); !errors.Is(err, fleet.ErrDenied) {
				t.Fatalf("%v, want a denial", err)
			}
			n.Advance(10 * time.Minute)
			if m := n.machine(); action != "CreateOrUpdateTags" && (m.State != fleet.Stopped || !m.Stopped.Equal(stopped)) {
				t.Errorf("%s, stopped at %s; want it stopped at %s, not by a person since", m.State, m.Stopped, stopped)
			}
			n.mustAct(power.Start)
			n.expect("after the next try", "1/2/4 running")
			n.mustAct(power.Stop)
			n.expect("the next night", "0/0/4 stopped AlarmNotification+ScheduledActions")
		})
	}
}

// Nights and days in any order, with people at the group's sizes and processes
// and runs that end in the middle: when a stop and a start have come through,
// the group is as people want it.
func TestGroupAsPeopleWantIt(t *testing.T) {
	for seed := range uint64(8) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			t.Parallel()
			rng := rand.New(rand.NewPCG(seed, 1))
			n := openNight(t, sandbox.Group{Min: 1, Desired: 2, Max: 4})
			least, most := 1, 4             // what people want
			theirs := map[string]bool{}     // what people have suspended
			day := true                     // the last start came through
			interrupt := func(in float64) { // the next act, perhaps
				var faults []sandbox.Fault
				if rng.Float64() < in {
					faults = []sandbox.Fault{{Action: "autoscaling:*", Kind: sandbox.Deny, Nth: 3 + rng.IntN(5)}}
				}
				if err := n.SetFaults(faults); err != nil {
					t.Fatal(err)
				}
			}
			act := func(action power.Action) bool {
				err := n.act(action)
				if err != nil && !errors.Is(err, fleet.ErrDenied) {
					t.Fatal(err)
				}
				n.Advance(10 * time.Minute)
				return err == nil
			}
			for range 12 {
				interrupt(0)
				g, _ := n.Group(sandbox.DefaultRegion, groupName)
				switch choice := rng.IntN(4); {
				case choice == 0 && day: // people set all sizes
					least = rng.IntN(3)
					most = least + 1 + rng.IntN(3)
					n.resize(int32(least), int32(max(least, 1)), int32(most))
				case choice == 1 && day: // people suspend or resume a process
					process := []string{"AlarmNotification", "ScheduledActions", "AZRebalance"}[rng.IntN(3)]
					in := &autoscaling.SuspendProcessesInput{AutoScalingGroupName: aws.String(groupName), ScalingProcesses: []string{process}}
					var err error
					if theirs[process] = !theirs[process]; theirs[process] {
						_, err = n.api.SuspendProcesses(t.Context(), in)
					} else {
						_, err = n.api.ResumeProcesses(t.Context(), &autoscaling.ResumeProcessesInput{AutoScalingGroupName: in.AutoScalingGroupName, ScalingProcesses: in.ScalingProcesses})
					}
					if err != nil {
						t.Fatal(err)
					}
				case choice <= 1: // somebody fills it again by night, or shortly
					n.resize(int32(g.Min), int32(max(g.Min, 1)), int32(g.Max))
				case choice == 2:
					interrupt(0.6)
					day = false
					act(power.Stop)
				default:
					interrupt(0.6)
					day = act(power.Start)
				}
			}
			interrupt(0)
			if !act(power.Stop) || !act(power.Start) {
				t.Fatal("an act without a fault is refused")
			}
			g, _ := n.Group(sandbox.DefaultRegion, groupName)
			var want []string
			for process, is := range theirs {
				if is {
					want = append(want, process)
				}
			}
			slices.Sort(want)
			if g.Min != least || g.Max != most || g.Desired < max(1, g.Min) || !slices.Equal(g.Suspended, want) {
				t.Errorf("ends as %d/%d/%d with %v suspended, want the minimum %d, the maximum %d and %v suspended",
					g.Min, g.Desired, g.Max, g.Suspended, least, most, want)
			}
		})
	}
}

func TestGroupWithoutSizes(t *testing.T) {
	n := openNight(t, sandbox.Group{Max: 4})
	refused := func(says string) {
		t.Helper()
		if m := n.machine(); m.State != fleet.Stopped || m.Ineligible.Reason().Code != "no-sizes" || !strings.Contains(m.Ineligible.Reason().Text, says) {
			t.Errorf("%s %+v, want %q", m.State, m.Ineligible, says)
		}
		refusal, ok := errors.AsType[*fleet.Refusal](n.act(power.Start))
		if !ok || refusal.Code != "no-sizes" || !strings.Contains(refusal.Message, says) || !strings.Contains(refusal.Message, "1/2/4") || !slices.Equal(refusal.IDs, []fleet.ResourceID{groupName}) {
			t.Errorf("start: %+v, want %q", refusal, says)
		}
	}
	tag := func(value string) {
		t.Helper()
		if err := n.groups.Mark(t.Context(), []fleet.Machine{{ID: groupName}}, fleet.Tags{"nightshift:sizes": value}); err != nil {
			t.Fatal(err)
		}
	}
	refused("no tag")
	for value, says := range map[string]string{
		" ": "empty", "1/2": "three numbers", "1/x/4": `"x"`, "1/-2/4": `"-2"`, "3/2/4": "smaller", "0/0/4": "no instances",
		"1/2/4 Launch": "other processes", "1/2/4 AlarmNotification yesterday": "yesterday", "9999999999/1/1": "not a size",
	} {
		tag(value)
		refused(says)
	}
	tag("1/2/4")
	if m := n.machine(); m.Ineligible.Reason().Code != "" {
		t.Errorf("with sizes written by hand: %+v", m.Ineligible)
	}
	n.mustAct(power.Start)
	n.expect("with sizes written by hand", "1/2/4 running")
}

func TestGroupsThatAreLeftAlone(t *testing.T) {
	for name, tt := range map[string]struct {
		group sandbox.Group
		code  string
	}{
		"eks":       {sandbox.Group{Tags: map[string]string{"eks:cluster-name": "c"}}, "managed"},
		"self-made": {sandbox.Group{Tags: map[string]string{"kubernetes.io/cluster/c": "owned"}}, "managed"},
		"ecs":       {sandbox.Group{Tags: map[string]string{"AmazonECSManaged": ""}}, "managed"},
		"warm":      {sandbox.Group{WarmPool: true}, "warm-pool"},
		"frozen":    {sandbox.Group{Suspended: []string{"Launch"}}, "suspended"},
		"plain":     {sandbox.Group{Suspended: []string{"AZRebalance"}}, ""},
	} {
		tt.group.Min, tt.group.Desired, tt.group.Max = 1, 1, 1
		if m := openNight(t, tt.group).machine(); m.Ineligible.Reason().Code != tt.code {
			t.Errorf("%s: %+v, want %q", name, m.Ineligible, tt.code)
		}
	}
}

// Pages of groups are read to the end, and marks are written to all of them.
func TestManyGroups(t *testing.T) {
	server := sandboxtest.Start(t, sandbox.Options{Fleet: 1, Speed: -1}) // without a group of its own
	for k := range 230 {
		if err := server.Sandbox().AddGroup(sandbox.DefaultRegion, sandbox.Group{Name: fmt.Sprintf("g%03d", k)}); err != nil {
			t.Fatal(err)
		}
	}
	g := newPeer(server.URL()).session(t).Groups(region)
	read := func(sel fleet.Selector) (list []fleet.Machine) {
		for m, err := range g.Machines(t.Context(), sel) {
			if err != nil {
				t.Fatal(err)
			}
			list = append(list, m)
		}
		return list
	}
	all := read(fleet.Selector{})
	if len(all) != 230 {
		t.Fatalf("%d groups, want 230", len(all))
	}
	if err := g.Mark(t.Context(), all, fleet.Tags{"nightshift:a": "1", "nightshift:b": "2"}); err != nil {
		t.Fatal(err)
	}
	var ids []fleet.ResourceID
	for _, m := range all {
		ids = append(ids, m.ID)
	}
	for _, m := range read(fleet.Selector{IDs: ids, Keys: []string{"nightshift:b"}}) {
		if diff := cmp.Diff(fleet.Tags{"nightshift:a": "1", "nightshift:b": "2"}, m.Tags); diff != "" {
			t.Fatalf("%s: %s", m.ID, diff)
		}
		ids = slices.DeleteFunc(ids, func(id fleet.ResourceID) bool { return id == m.ID })
	}
	if len(ids) > 0 {
		t.Errorf("not found again: %v", ids)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for _, err := range g.Machines(ctx, fleet.Selector{}) {
		if !errors.Is(err, context.Canceled) {
			t.Errorf("interrupted: %v", err)
		}
	}
}

// A refusal changed nothing: its mark is not when a group was stopped or
// started.
func TestRefusalIsNoAct(t *testing.T) {
	for _, size := range []int{0, 2} {
		n := openNight(t, sandbox.Group{Desired: size, Max: 4})
		value := fleet.Mark{Action: fleet.MarkRefused, At: n.Now()}.String()
		if err := n.groups.Mark(t.Context(), []fleet.Machine{{ID: groupName}}, fleet.Tags{fleet.TagLast: value}); err != nil {
			t.Fatal(err)
		}
		if m := n.machine(); !m.Stopped.IsZero() || !m.Started.IsZero() || m.Cause != fleet.CauseUnknown {
			t.Errorf("a group of %d with the mark %q was started %s, stopped %s (%q)", size, value, m.Started, m.Stopped, m.Cause)
		}
	}
}
