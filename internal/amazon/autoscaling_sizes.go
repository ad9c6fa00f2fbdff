package amazon

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/autoscaling"
	"github.com/aws/aws-sdk-go-v2/service/autoscaling/types"

	"nightshift/internal/fleet"
)

// noSizes is the code of groups that cannot be started because nobody knows how
// large they were.
const noSizes = "no-sizes"

// scalers are the processes that would fill an emptied group again.
func scalers() []string { return []string{"AlarmNotification", "ScheduledActions"} }

// sizes are what the tag nightshift:sizes remembers of a group, for example
//
//	1/2/4
//	1/2/4 AlarmNotification+ScheduledActions
//	1/2/4 AlarmNotification+ScheduledActions stop 2026-11-22T10:00:00Z
//
// that is the minimum, desired and maximum size; the processes that nightshift
// suspends and people had not; and, once an act is carried through, its mark.
// People may write the first form themselves.
type sizes struct {
	min, desired, max int32
	processes         []string
	done              string
}

func (s sizes) numbers() string { return fmt.Sprintf("%d/%d/%d", s.min, s.desired, s.max) }

func (s sizes) String() string {
	words := []string{s.numbers()}
	if len(s.processes) > 0 {
		words = append(words, strings.Join(s.processes, "+"))
	}
	if s.done != "" {
		words = append(words, s.done)
	}
	return strings.Join(words, " ")
}

// parseSizes reads the tag. Its errors complete a sentence about the group.
func parseSizes(value string) (sizes, error) {
	const write = "; tag it " + fleet.TagSizes + "=MIN/DESIRED/MAX, for example 1/2/4"
	if value == "" {
		return sizes{}, fleet.Errorf(fleet.ErrInvalid, "has no tag that remembers its sizes%s", write)
	}
	bad := func(why string) (sizes, error) {
		return sizes{}, fleet.Errorf(fleet.ErrInvalid, "has the tag %s=%q, which cannot be read: %s%s", fleet.TagSizes, value, why, write)
	}
	words := strings.Fields(value)
	if len(words) == 0 {
		return bad("it is empty")
	}
	var s sizes
	numbers := strings.Split(words[0], "/")
	if len(numbers) != 3 {
		return bad(words[0] + " is not three numbers")
	}
	for n, into := range []*int32{&s.min, &s.desired, &s.max} {
		v, err := strconv.ParseUint(numbers[n], 10, 31)
		if err != nil {
			return bad(fmt.Sprintf("%q is not a size", numbers[n]))
		}
		*into = int32(v)
	}
	words = words[1:]
	if len(words) > 0 && words[0] != "stop" && words[0] != "start" {
		s.processes, words = strings.Split(words[0], "+"), words[1:]
	}
	if len(words) > 0 {
		s.done = strings.Join(words, " ")
		if fleet.ParseMark(s.done).Act() == (fleet.Mark{}) {
			return bad(fmt.Sprintf("%q is not when it was stopped or started", s.done))
		}
	}
	switch {
	case s.min > s.desired || s.desired > s.max:
		return bad("the sizes must not become smaller from left to right")
	case s.desired == 0:
		return bad("a group of no instances cannot be started")
	case len(both(s.processes, scalers())) < len(s.processes):
		return bad("it names other processes than " + strings.Join(scalers(), " and "))
	}
	return s, nil
}

// present are a group's sizes as they are.
func present(group types.AutoScalingGroup) sizes {
	return sizes{min: aws.ToInt32(group.MinSize), desired: aws.ToInt32(group.DesiredCapacity), max: aws.ToInt32(group.MaxSize)}
}

// empty stops a group: it remembers, shrinks, suspends, and notes that it is
// done, in this order, so that a process which ends between two steps comes
// right at the next try:
//
//   - shrinking first would lose the sizes for good;
//   - suspending before shrinking would leave a running group that no longer
//     scales, and nothing to show that by day. The other way round an alarm or
//     a scheduled action may fill the group once more; that the last step is
//     missing shows that it was not a person, and the group is stopped again;
//   - an emptied group's sizes are never remembered.
func (g *Groups) empty(ctx context.Context, name *string) error {
	group, err := g.read(ctx, name)
	if err != nil {
		return err
	}
	tags, now := groupTags(group), present(group)
	kept, sizesErr := parseSizes(tags[fleet.TagSizes])
	last := fleet.ParseMark(kept.done).Action
	saved := kept
	switch {
	case now.desired == 0 && (sizesErr != nil || last == fleet.MarkStart):
		return nil // emptied by others, who know why
	case now.desired > 0:
		saved = remembered(now, kept, suspended(group))
		if err := g.remember(ctx, name, saved); err != nil {
			return err
		}
		if err := g.resize(ctx, name, sizes{}); err != nil {
			return err
		}
	}
	if awake := slices.DeleteFunc(slices.Clone(saved.processes), func(p string) bool { return slices.Contains(suspended(group), p) }); len(awake) > 0 {
		in := &autoscaling.SuspendProcessesInput{AutoScalingGroupName: name, ScalingProcesses: awake}
		if _, err := g.suspend(ctx, in); err != nil {
			return err
		}
	}
	return g.finish(ctx, name, saved, tags, "stop")
}

// remembered are the sizes to keep of a group that is to be emptied. kept is
// what an earlier stop has kept; zero, or with the mark of a start, where that
// is over.
func remembered(now, kept sizes, asleep []string) sizes {
	saved := now
	if fleet.ParseMark(kept.done).Action != fleet.MarkStart && now.min == 0 {
		// The minimum of 0 is ours: the group was filled again, but not by us.
		saved.min = min(kept.min, now.max)
		saved.desired = max(now.desired, saved.min)
	}
	for _, p := range scalers() {
		if !slices.Contains(asleep, p) || slices.Contains(kept.processes, p) {
			saved.processes = append(saved.processes, p)
		}
	}
	return saved
}

// fill starts a group: it resumes the processes that were suspended when it was
// stopped, gives it the remembered sizes, and notes that it is done. Resuming
// comes first: a filled group is in its desired state and would not be looked at
// again.
//
// A stop leaves the maximum alone. If it is another one now people have changed
// it, and the remembered sizes are cut to it.
func (g *Groups) fill(ctx context.Context, name *string) error {
	group, err := g.read(ctx, name)
	if err != nil {
		return err
	}
	tags, now := groupTags(group), present(group)
	kept, err := parseSizes(tags[fleet.TagSizes])
	last := fleet.ParseMark(kept.done).Action
	switch {
	case now.desired > 0 && (err != nil || last == fleet.MarkStart):
		return nil // it runs, and nothing is left of a stop
	case err != nil:
		return refuseStart(err.Error())
	case now.max == 0:
		return refuseStart("has the maximum size 0; raise it")
	}
	if asleep := both(kept.processes, suspended(group)); len(asleep) > 0 {
		in := &autoscaling.ResumeProcessesInput{AutoScalingGroupName: name, ScalingProcesses: asleep}
		if _, err := g.resume(ctx, in); err != nil {
			return err
		}
	}
	want := sizes{min: min(kept.min, now.max), desired: min(kept.desired, now.max), max: now.max}
	if now.desired > 0 { // filled by others since: only what they left at 0 is ours
		want.min = cmp.Or(now.min, want.min)
		want.desired = max(now.desired, want.min)
	}
	if want.min != now.min || want.desired != now.desired {
		if err := g.resize(ctx, name, want); err != nil {
			return err
		}
	}
	return g.finish(ctx, name, want, tags, "start")
}

func refuseStart(message string) *fleet.Refusal {
	return &fleet.Refusal{Kind: fleet.ErrInvalid, Action: "autoscaling:UpdateAutoScalingGroup", Code: noSizes, Message: message}
}

// read looks at one group.
func (g *Groups) read(ctx context.Context, name *string) (types.AutoScalingGroup, error) {
	out, err := g.describe(ctx, &autoscaling.DescribeAutoScalingGroupsInput{AutoScalingGroupNames: []string{*name}})
	switch {
	case err != nil:
		return types.AutoScalingGroup{}, err
	case len(out.AutoScalingGroups) == 0:
		return types.AutoScalingGroup{}, &fleet.Refusal{
			Kind: fleet.ErrNotFound, Action: "autoscaling:DescribeAutoScalingGroups", Code: "NotFound", Message: "there is no Auto Scaling group " + *name,
		}
	}
	return out.AutoScalingGroups[0], nil
}

// resize sets the minimum and the desired size, never the maximum.
func (g *Groups) resize(ctx context.Context, name *string, to sizes) error {
	_, err := g.update(ctx, &autoscaling.UpdateAutoScalingGroupInput{AutoScalingGroupName: name, MinSize: &to.min, DesiredCapacity: &to.desired})
	return err
}

func (g *Groups) remember(ctx context.Context, name *string, s sizes) error {
	_, err := g.createTags(ctx, &autoscaling.CreateOrUpdateTagsInput{Tags: []types.Tag{groupTag(*name, fleet.TagSizes, s.String())}})
	return err
}

// finish notes that an act was carried through, under the mark that announced
// it. Without a mark there is nothing to compare it with later.
func (g *Groups) finish(ctx context.Context, name *string, s sizes, tags fleet.Tags, act string) error {
	s.done = ""
	if fleet.ParseMark(tags[fleet.TagLast]).Action == act {
		s.done = tags[fleet.TagLast]
	}
	if s.String() == tags[fleet.TagSizes] {
		return nil
	}
	return g.remember(ctx, name, s)
}
