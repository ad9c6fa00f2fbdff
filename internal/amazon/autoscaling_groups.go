package amazon

import (
	"context"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/autoscaling"
	"github.com/aws/aws-sdk-go-v2/service/autoscaling/types"

	"nightshift/internal/fleet"
)

const (
	// groupsPerPage is the largest page that Auto Scaling allows, and as many
	// names as it takes at once.
	groupsPerPage = 100
	// groupsPerMark bounds the groups whose tags one call writes; no limit is
	// documented.
	groupsPerMark = 50
	groupResource = "auto-scaling-group"
)

// Groups are the Auto Scaling groups of one account and region. A group stops
// by having no instances and starts by having as many as before; its sizes and
// the processes that were suspended meanwhile are remembered in its tag
// nightshift:sizes (see sizes).
type Groups struct {
	region fleet.Region

	describe   operation[autoscaling.DescribeAutoScalingGroupsInput, autoscaling.DescribeAutoScalingGroupsOutput]
	update     operation[autoscaling.UpdateAutoScalingGroupInput, autoscaling.UpdateAutoScalingGroupOutput]
	suspend    operation[autoscaling.SuspendProcessesInput, autoscaling.SuspendProcessesOutput]
	resume     operation[autoscaling.ResumeProcessesInput, autoscaling.ResumeProcessesOutput]
	createTags operation[autoscaling.CreateOrUpdateTagsInput, autoscaling.CreateOrUpdateTagsOutput]
}

// Groups gives access to the Auto Scaling groups of a region.
func (s *Session) Groups(region fleet.Region) *Groups {
	client := autoscaling.NewFromConfig(s.in(region))
	return &Groups{
		region:     region,
		describe:   capture(s, "autoscaling:DescribeAutoScalingGroups", client.DescribeAutoScalingGroups),
		update:     capture(s, "autoscaling:UpdateAutoScalingGroup", client.UpdateAutoScalingGroup),
		suspend:    capture(s, "autoscaling:SuspendProcesses", client.SuspendProcesses),
		resume:     capture(s, "autoscaling:ResumeProcesses", client.ResumeProcesses),
		createTags: capture(s, "autoscaling:CreateOrUpdateTags", client.CreateOrUpdateTags),
	}
}

// Machines yields the chosen groups. An error ends it.
//
// Auto Scaling does not report when a group was resized. The times are those of
// the tag nightshift:last, which is written before every act: whatever else
// changed a group did so later. Without the tag a group that runs was started
// when it was created, and when one that is empty was stopped is not known.
func (g *Groups) Machines(ctx context.Context, sel fleet.Selector) iter.Seq2[fleet.Machine, error] {
	return func(yield func(fleet.Machine, error) bool) {
		for group, err := range g.list(ctx, sel) {
			if err != nil {
				yield(fleet.Machine{}, err)
				return
			}
			m := g.machine(group)
			if chosen(sel, m) && !yield(m, nil) {
				return
			}
		}
	}
}

// list yields the groups that Auto Scaling finds for a selector. Filters and
// names are never sent together, nor values, whose wildcards are not
// documented: the caller compares.
func (g *Groups) list(ctx context.Context, sel fleet.Selector) iter.Seq2[types.AutoScalingGroup, error] {
	var requests []*autoscaling.DescribeAutoScalingGroupsInput
	for names := range slices.Chunk(toStrings(sel.IDs), groupsPerPage) {
		requests = append(requests, &autoscaling.DescribeAutoScalingGroupsInput{AutoScalingGroupNames: names})
	}
	if len(sel.IDs) == 0 {
		keys := sel.Keys
		if len(sel.Tags) > 0 {
			keys = []string{sel.Tags[0].Key}
		}
		in := &autoscaling.DescribeAutoScalingGroupsInput{}
		if len(keys) > 0 && !strings.ContainsAny(strings.Join(keys, ""), `*?\`) {
			in.Filters = []types.Filter{{Name: aws.String("tag-key"), Values: keys}}
		}
		requests = append(requests, in)
	}
	next := func(out *autoscaling.DescribeAutoScalingGroupsOutput) *string { return out.NextToken }
	found := func(out *autoscaling.DescribeAutoScalingGroupsOutput) []types.AutoScalingGroup {
		return out.AutoScalingGroups
	}
	same := func(group types.AutoScalingGroup) types.AutoScalingGroup { return group }
	return func(yield func(types.AutoScalingGroup, error) bool) {
		for _, in := range requests {
			in.MaxRecords = aws.Int32(groupsPerPage)
			for group, err := range each(pages(ctx, g.describe, in, &in.NextToken, next), found, same) {
				if !yield(group, err) || err != nil {
					return
				}
			}
		}
	}
}

// machine converts a group of DescribeAutoScalingGroups.
func (g *Groups) machine(group types.AutoScalingGroup) fleet.Machine {
	tags := groupTags(group)
	m := fleet.Machine{
		Target: fleet.Target{Account: accountOf(aws.ToString(group.AutoScalingGroupARN)), Region: g.region},
		Kind:   fleet.KindGroup, ID: fleet.ResourceID(aws.ToString(group.AutoScalingGroupName)), ARN: aws.ToString(group.AutoScalingGroupARN),
		Tags: tags, Type: fleet.InstanceType(present(group).numbers()), Created: aws.ToTime(group.CreatedTime).UTC(),
	}
	if len(group.AvailabilityZones) == 1 {
		m.Zone = fleet.Zone(group.AvailabilityZones[0])
	}
	desired := int(aws.ToInt32(group.DesiredCapacity))
	there, serving, well := members(group)
	m.Ready = desired > 0 && well >= desired
	m.Ineligible = groupIneligible(group, tags)

	r := recall(tags)
	switch {
	case group.Status != nil: // "Delete in progress"
		m.State = fleet.ShuttingDown
	case desired > 0:
		m.State = fleet.Running
		if serving == 0 && r.last.Action == fleet.MarkStart {
			m.State = fleet.Pending
		}
		m.Started = r.started(tags, m.Created)
		m.Why = fmt.Sprintf("%d of %d instances in service", serving, desired)
		if left := both(r.kept.processes, suspended(group)); len(left) > 0 {
			m.Unfinished = true
			m.Why += "; " + strings.Join(left, " and ") + " still suspended since it was stopped"
		}
	default:
		m.State = fleet.Stopped
		if there > 0 {
			m.State = fleet.Stopping
			m.Why = fmt.Sprintf("%d instances left", there)
		}
		if m.Stopped = r.stopped(); !m.Stopped.IsZero() {
			m.Cause = fleet.CauseCall
		}
		if m.Ineligible.Cannot == (fleet.Reason{}) && r.err != nil {
			m.Ineligible.Cannot = reason(noSizes, r.err.Error())
		}
	}
	return m
}

// memory is what a group's tags remember of it.
type memory struct {
	kept sizes
	err  error // why there are no sizes
	last fleet.Mark
	// through is whether the last act was carried through: it writes its mark
	// first and its sizes last. Where they name the same instant, what changed
	// since was done by others.
	through bool
}

func recall(tags fleet.Tags) memory {
	r := memory{last: fleet.ParseMark(tags[fleet.TagLast]).Act()}
	r.kept, r.err = parseSizes(tags[fleet.TagSizes])
	r.through = r.err == nil && r.kept.done == tags[fleet.TagLast]
	return r
}

// started is when a group that runs was started; zero where others did.
func (r memory) started(tags fleet.Tags, created time.Time) time.Time {
	switch {
	case r.last.Action == fleet.MarkStart || r.through:
		return r.last.At
	case tags[fleet.TagLast] == "": // never acted on: it may have had instances from the beginning
		return created
	}
	return time.Time{}
}

// stopped is when an empty group was stopped: before a start that was not
// carried through.
func (r memory) stopped() time.Time {
	if r.last.Action == fleet.MarkStart && !r.through {
		return fleet.ParseMark(r.kept.done).At
	}
	return r.last.At
}

// members counts the instances that are there, those in service, and those of
// them that are healthy. Instances on standby are people's own business.
func members(group types.AutoScalingGroup) (there, serving, well int) {
	for _, i := range group.Instances {
		switch i.LifecycleState {
		case types.LifecycleStateStandby, types.LifecycleStateEnteringStandby, types.LifecycleStateDetached, types.LifecycleStateTerminated:
			continue
		case types.LifecycleStateInService:
			serving++
			if aws.ToString(i.HealthStatus) == "Healthy" {
				well++
			}
		default:
		}
		there++
	}
	return there, serving, well
}

// groupIneligible says why a group cannot or must not be emptied and filled
// again.
func groupIneligible(group types.AutoScalingGroup, tags fleet.Tags) fleet.Ineligible {
	out := fleet.Ineligible{Managed: fleet.ManagedBy(fleet.KindGroup, tags)}
	if group.WarmPoolConfiguration != nil {
		out.Cannot = reason("warm-pool", "has a warm pool, which grows as the group shrinks")
	} else if slices.ContainsFunc(group.Instances, func(i types.Instance) bool { return aws.ToBool(i.ProtectedFromScaleIn) }) {
		out.Cannot = reason("scale-in-protected", "has instances that are protected from scale-in, which would stay")
	} else if asleep := both([]string{"Launch", "Terminate"}, suspended(group)); len(asleep) > 0 {
		out.Cannot = reason("suspended", "cannot change its size while "+strings.Join(asleep, " and ")+" is suspended")
	}
	return out
}

// Stop empties the groups, one by one. It ends at the first refusal, which
// names the group. Groups do not hibernate: their instances are terminated.
func (g *Groups) Stop(ctx context.Context, ids []fleet.ResourceID, _ bool) error {
	return oneByOne(ids, func(id *string) error { return g.empty(ctx, id) })
}

// Start gives the groups their remembered sizes back, one by one. It ends at
// the first refusal, which names the group.
func (g *Groups) Start(ctx context.Context, ids []fleet.ResourceID) error {
	return oneByOne(ids, func(id *string) error { return g.fill(ctx, id) })
}

// Mark sets tags on all of the groups; instances that they launch do not get
// them.
func (g *Groups) Mark(ctx context.Context, machines []fleet.Machine, set fleet.Tags) error {
	for some := range slices.Chunk(machines, groupsPerMark) {
		in := &autoscaling.CreateOrUpdateTagsInput{}
		for _, m := range some {
			for _, key := range slices.Sorted(maps.Keys(set)) {
				in.Tags = append(in.Tags, groupTag(string(m.ID), key, set[key]))
			}
		}
		if _, err := g.createTags(ctx, in); err != nil {
			return err
		}
	}
	return nil
}

func groupTag(name, key, value string) types.Tag {
	return types.Tag{
		ResourceId: &name, ResourceType: aws.String(groupResource), Key: &key, Value: &value, PropagateAtLaunch: aws.Bool(false),
	}
}

func groupTags(group types.AutoScalingGroup) fleet.Tags {
	tags := fleet.Tags{}
	for _, t := range group.Tags {
		tags[aws.ToString(t.Key)] = aws.ToString(t.Value)
	}
	return tags
}

// suspended are the group's suspended processes.
func suspended(group types.AutoScalingGroup) []string {
	var names []string
	for _, p := range group.SuspendedProcesses {
		names = append(names, aws.ToString(p.ProcessName))
	}
	return names
}

// both are the texts of a that are also in b.
func both(a, b []string) []string {
	return slices.DeleteFunc(slices.Clone(a), func(s string) bool { return !slices.Contains(b, s) })
}

func accountOf(arn string) fleet.Account {
	if parts := strings.Split(arn, ":"); len(parts) > 4 {
		return fleet.Account(parts[4])
	}
	return ""
}
