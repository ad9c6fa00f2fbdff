package autoscaling

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"nightshift/internal/sandbox/catalog"
	"nightshift/internal/sandbox/random"
	"nightshift/internal/sandbox/state"
	"nightshift/internal/sandbox/wire"
)

// Group describes an Auto Scaling group to add to the account. The zero value
// of a field takes the default that is next to it.
type Group struct {
	Name string
	// Min, Desired and Max are the group's sizes; they must be in this order.
	Min, Desired, Max int
	Tags              map[string]string
	Type              string    // instance type; t3.small
	Image             string    // ImageLinux
	Created           time.Time // the account's time now
	// Suspended are the scaling processes that somebody has suspended.
	Suspended []string
	// WarmPool gives the group a warm pool, which stays empty here.
	WarmPool bool
}

// GroupState is an Auto Scaling group as it is now.
type GroupState struct {
	Name              string
	Min, Desired, Max int
	Tags              map[string]string
	Suspended         []string          // sorted
	Members           map[string]string // the lifecycle state by instance id
}

// GroupNameTag marks the members of a group. Only AWS sets it.
const GroupNameTag = "aws:autoscaling:groupName"

// group is an Auto Scaling group. Its members are instances of its region.
type group struct {
	seq       uint64
	name      string
	id        string // a UUID, part of the ARN
	created   time.Time
	min       int
	desired   int
	max       int
	tags      []groupTag
	suspended map[string]string // process to reason
	members   []*member
	kind      catalog.Type
	image     string
	launches  string // the name of its launch configuration
	warmPool  bool
	looked    time.Time // when it looked at its members last
	due       time.Time // when it looks at its members next; zero: something must happen first
}

// groups are the Auto Scaling groups of a region in the order of their making.
type groups []*group

// groupTag is a tag of a group; propagate copies it to new members.
type groupTag struct {
	state.Tag
	propagate bool
}

// member is an instance of a group.
type member struct {
	instance *state.Instance
	leaving  bool // the group terminates it
	healthy  bool
}

// The scaling processes, as "Types of processes" in the Amazon EC2 Auto Scaling
// User Guide lists them.
func processes() []string {
	return []string{
		"AddToLoadBalancer", "AlarmNotification", "AZRebalance", "HealthCheck", "InstanceRefresh",
		"Launch", "ReplaceUnhealthy", "ScheduledActions", "Terminate",
	}
}

// AWS does not say how soon a group looks at its members. These are about what
// can be seen.
const (
	groupReacts     = 5 * time.Second  // after its sizes or processes change
	groupLooks      = 15 * time.Second // at members on their way
	groupFindsAbout = time.Minute      // a member that is no longer running
)

// AddGroup adds an Auto Scaling group to a region. Instances that carry its
// name in the tag aws:autoscaling:groupName become its members; where they are
// fewer than it wants, it launches more, which take time to run. An error means
// that the description is wrong.
func AddGroup(a *state.Account, region string, about Group) error {
	r := a.Regions[region]
	if r == nil {
		return fmt.Errorf("add group %s: the account has no region %q", about.Name, region)
	}
	kind, ok := a.Types.Spec(cmp.Or(about.Type, "t3.small"))
	if !ok {
		return fmt.Errorf("add group %s: no instance type %s", about.Name, about.Type)
	}
	now := a.Now()
	if about.Created.IsZero() {
		about.Created = now
	}
	g := &group{
		name: about.Name, created: about.Created.UTC().Truncate(time.Millisecond),
		min: about.Min, desired: about.Desired, max: about.Max,
		suspended: map[string]string{}, kind: kind, image: cmp.Or(about.Image, state.ImageLinux),
		launches: about.Name, warmPool: about.WarmPool, looked: now, due: now,
	}
	for _, key := range slices.Sorted(maps.Keys(about.Tags)) {
		g.tags = append(g.tags, groupTag{state.Tag{Key: key, Value: about.Tags[key]}, true})
	}
	for _, p := range about.Suspended {
		if !slices.Contains(processes(), p) {
			return fmt.Errorf("add group %s: no scaling process %q", g.name, p)
		}
		g.suspended[p] = suspendedAt(now)
	}
	r.Mu.Lock()
	defer r.Mu.Unlock()
	if err := addGroup(r, g); err != nil {
		return errors.New("add group " + g.name + ": " + err.Message)
	}
	r.Settle(now)
	return nil
}

// FindGroup finds an Auto Scaling group; false where there is none.
func FindGroup(a *state.Account, region, name string) (GroupState, bool) {
	r := a.Regions[region]
	if r == nil {
		return GroupState{}, false
	}
	r.Mu.Lock()
	defer r.Mu.Unlock()
	r.Settle(a.Now())
	g := findGroup(r, name)
	if g == nil {
		return GroupState{}, false
	}
	state := GroupState{
		Name: g.name, Min: g.min, Desired: g.desired, Max: g.max, Tags: map[string]string{},
		Suspended: slices.Sorted(maps.Keys(g.suspended)), Members: map[string]string{},
	}
	for _, t := range g.tags {
		state.Tags[t.Key] = t.Value
	}
	for _, m := range g.members {
		state.Members[m.instance.ID] = m.lifecycle()
	}
	return state, true
}

// addGroup takes a group in, with the members that carry its name.
func addGroup(r *state.Region, g *group) *wire.Error {
	switch {
	case g.name == "" || len(g.name) > 255 || strings.Contains(g.name, ":"):
		return wire.Invalid("ValidationError", "The name of an Auto Scaling group has 1 to 255 characters without a colon")
	case findGroup(r, g.name) != nil:
		return wire.Invalid("AlreadyExists", "AutoScalingGroup by this name already exists - A group with the name "+g.name+" already exists")
	}
	if err := checkSizes(g.min, g.desired, g.max); err != nil {
		return err
	}
	g.seq = r.NextSeq()
	h := random.HashText(random.HashText(g.seq, r.Name), g.name)
	g.id = fmt.Sprintf("%08x-%04x-4%03x-8%03x-%012x", h>>32, h>>16&0xffff, h&0xfff, h>>52, random.Hash(h, 1)&0xffffffffffff)
	for _, res := range r.Reservations {
		for _, i := range res.Instances {
			if name, _ := i.Tags.Get(GroupNameTag); name == g.name && i.State != state.Terminated && i.State != state.ShuttingDown {
				g.members = append(g.members, &member{instance: i, healthy: true})
			}
		}
	}
	list := state.Slot[groups](r)
	if len(*list) == 0 {
		r.OnSettle(func(now time.Time) { settleGroups(r, now) })
	}
	*list = append(*list, g)
	return nil
}

func checkSizes(least, desired, most int) *wire.Error {
	switch {
	case least < 0 || most < 0 || desired < 0:
		return wire.Invalid("ValidationError", "Sizes of an Auto Scaling group cannot be negative")
	case least > most:
		return wire.Invalid("ValidationError", fmt.Sprintf("Max bound, %d, must be greater than or equal to min bound, %d", most, least))
	case desired < least:
		return wire.Invalid("ValidationError", fmt.Sprintf("Desired capacity:%d must be between the specified min size:%d and max size:%d", desired, least, most))
	case desired > most:
		return wire.Invalid("ValidationError", fmt.Sprintf("Desired capacity:%d must be between the specified min size:%d and max size:%d", desired, least, most))
	}
	return nil
}

func findGroup(r *state.Region, name string) *group {
	for _, g := range *state.Slot[groups](r) {
		if g.name == name {
			return g
		}
	}
	return nil
}

func (g *group) arn(r *state.Region) string {
	return fmt.Sprintf("arn:aws:autoscaling:%s:%s:autoScalingGroup:%s:autoScalingGroupName/%s", r.Name, r.Owner, g.id, g.name)
}

// plain are the tags without what becomes of them.
func (g *group) plain() state.Tags {
	list := make(state.Tags, len(g.tags))
	for n, t := range g.tags {
		list[n] = t.Tag
	}
	return list
}

func (g *group) runs(process string) bool { return g.suspended[process] == "" }

// suspendedAt is the reason that AWS gives for a suspended process.
func suspendedAt(t time.Time) string {
	return "User suspended at " + t.UTC().Format("2006-01-02T15:04:05Z")
}
