package power

import (
	"slices"
	"time"

	"nightshift/internal/fleet"
	"nightshift/internal/schedule"
)

// Rules say which machine follows which schedule, and how strictly. They are
// asked in order: the first that fits a machine decides about it.
type Rules struct {
	Rules []Rule
	// Override bounds what a nightshift:override tag may ask for.
	Override OverrideLimits
	// Tick is how often nightshift looks; failed starts are not tried again
	// sooner. 0 means five minutes.
	Tick time.Duration
}

// Rule binds machines to a schedule.
type Rule struct {
	// Tag chooses the machines; without a value any value fits. The zero Tag
	// fits every machine.
	Tag fleet.Tag
	// Kinds are the kinds it is for; empty means EC2 instances only.
	Kinds []fleet.Kind
	// Read gives the schedule for the value of the tag; for a rule that names
	// its schedule it ignores the value. It reads again each time: a RuleSet
	// remembers. An error is reported with the machine, which is skipped.
	Read func(value string) (Named, error)
	// Schedule is the name of the schedule, empty where the tag's value says.
	Schedule string
	// Ignore skips the machines and says so.
	Ignore bool
	// IncludeManaged stops and starts also what belongs to another service, such
	// as the nodes of a cluster; what cannot be stopped is left out all the same.
	IncludeManaged bool
	// Enforce acts against manual starts and stops.
	Enforce bool
	// StopNew stops what is launched for the first time outside its windows.
	StopNew bool
	// RetainRunning does not stop at the end of a window what a person had
	// started before the window began.
	RetainRunning bool
	// Hibernate stops into hibernation where it is configured.
	Hibernate bool
	// ChangeType starts instances for which AWS has no capacity in the other
	// types that their tag nightshift:types names.
	ChangeType bool
	// MinUptime is how long a machine that a person started runs at least.
	MinUptime time.Duration
	// After starts the machines only when those with this tag are ready, and
	// stops those only after these. The zero Tag means no order.
	After fleet.Tag
	// Ready is how long before the scheduled time a machine is started, so that
	// it is ready by then.
	Ready time.Duration
}

// Named is a schedule with the name under which people know it: that of the
// configuration, or the text of the tag.
type Named struct {
	Name     string
	Schedule *schedule.Schedule
	// Ignore is true where the text says that the machine is to be skipped.
	Ignore bool
	// Warnings say where we differ from the tool that the text was written
	// for.
	Warnings []string
}

// include makes a machine of another service eligible where the rule includes
// such.
func (r Rule) include(m fleet.Machine) fleet.Machine {
	if r.IncludeManaged {
		m.Ineligible.Managed = fleet.Reason{}
	}
	return m
}

// Kinds are the kinds of machines, which can be stopped and started, in the
// order in which they are shown. fleet.Kind names other resources, too.
func Kinds() []fleet.Kind {
	return []fleet.Kind{fleet.KindInstance, fleet.KindDatabase, fleet.KindCluster, fleet.KindGroup}
}

// Kinds are the kinds that some rule is for, in the order of the function Kinds.
func (r Rules) Kinds() []fleet.Kind {
	return slices.DeleteFunc(Kinds(), func(kind fleet.Kind) bool {
		return !slices.ContainsFunc(r.Rules, func(rule Rule) bool { return rule.isFor(kind) })
	})
}
