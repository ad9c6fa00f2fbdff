package fleet

import "time"

// Kind says what sort of resource something is.
type Kind string

// The kinds that can be stopped and started.
const (
	KindInstance Kind = "instance"           // an EC2 instance
	KindDatabase Kind = "db-instance"        // an RDS database instance outside a cluster
	KindCluster  Kind = "db-cluster"         // an Aurora or Multi-AZ database cluster
	KindGroup    Kind = "auto-scaling-group" // an EC2 Auto Scaling group
)

// KindVolume is an EBS volume, which is copied.
const KindVolume Kind = "volume"

// Cause says how a machine came to be stopped, as far as AWS says.
type Cause string

// The causes.
const (
	CauseUnknown Cause = ""       // AWS does not say, or the machine is not stopped
	CauseCall    Cause = "call"   // an API call: a person, a program, or nightshift
	CauseItself  Cause = "itself" // its own operating system shut down
	CauseAWS     Cause = "aws"    // AWS: a failed start, lack of capacity, a key, retirement
	CauseSpot    Cause = "spot"   // a Spot interruption; EC2 starts it again
	// CauseCapacity: AWS had no capacity for its type when it was started.
	CauseCapacity Cause = "capacity"
)

// Machine is what can be stopped and started again, of any kind, as its
// service shows it. Times are UTC; a zero time means that it is not known.
type Machine struct {
	Target Target
	Kind   Kind
	// ID names the machine within its kind and target: an instance id, a
	// database identifier, the name of an Auto Scaling group.
	ID   ResourceID
	ARN  string
	Tags Tags
	// Type is the instance type, the database instance class, or, of a group,
	// its sizes as min/desired/max.
	Type InstanceType
	Zone Zone
	// State is one of the states of an instance, to which the other services'
	// states are mapped.
	State State

	// Started is the last start: EC2's LaunchTime, RDS's last start event. Of
	// a database that was started before the time that events are kept it is
	// the latest time at which that can have been. Reboots do not count.
	Started time.Time
	// StartedByAWS is true when the last start was made by AWS itself, as RDS
	// does seven days after a stop.
	StartedByAWS bool
	// Created is when it was started for the first time.
	Created time.Time
	// Stopped is the last stop, where the machine is stopped.
	Stopped time.Time
	Cause   Cause
	// Why is what AWS says about how it came into its state.
	Why string

	// Ineligible, if not zero, says why it must not or cannot be stopped and
	// started at all, or not now.
	Ineligible Ineligible
	// Unfinished is true of a machine that runs but lacks what a stop took from
	// it, such as the scaling of an Auto Scaling group that somebody filled by
	// hand; a start gives it back.
	Unfinished bool
	// Hibernates is true when hibernation is configured.
	Hibernates bool
	// Ready is true when it passes its status checks. It is only known where
	// the Selector asked for it.
	Ready bool
}

// Eligible reports whether nothing is in the way of stopping and starting it.
func (m Machine) Eligible() bool { return m.Ineligible == (Ineligible{}) }

// Name is the Name tag, or the machine's id where it has none.
func (m Machine) Name() string { return m.Tags.Name(string(m.ID)) }
