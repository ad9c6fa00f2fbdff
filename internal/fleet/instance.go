package fleet

import "time"

// ResourceID identifies a resource of any kind within an account and a region, as
// AWS spells it: "i-0123456789abcdef0" for an instance, "vol-…" for a volume, the
// identifier of a DB instance or cluster, the name of an Auto Scaling group.
type ResourceID string

// InstanceType is an EC2 instance type such as "m5.xlarge".
type InstanceType string

// State is an instance's state as DescribeInstances names it.
type State string

// The states of an instance.
const (
	Pending      State = "pending"
	Running      State = "running"
	ShuttingDown State = "shutting-down"
	Terminated   State = "terminated"
	Stopping     State = "stopping"
	Stopped      State = "stopped"
)

// Lifecycle says how an instance was bought. The zero value is on demand.
type Lifecycle string

// The lifecycles that DescribeInstances reports.
const (
	OnDemand      Lifecycle = ""
	Spot          Lifecycle = "spot"
	Scheduled     Lifecycle = "scheduled"
	CapacityBlock Lifecycle = "capacity-block"
)

// SpotType says whether a Spot Instance can be stopped and started: only one of
// a persistent request can. It is empty where that is not known.
type SpotType string

// The types of Spot requests.
const (
	OneTimeSpot    SpotType = "one-time"
	PersistentSpot SpotType = "persistent"
)

// Instance is an EC2 instance as DescribeInstances shows it. Times are UTC; a
// zero time means that EC2 did not say.
type Instance struct {
	Target Target
	ID     ResourceID
	Type   InstanceType
	State  State
	Zone   Zone
	Tags   Tags

	// LaunchTime is the last start, not the creation: stopping and starting
	// moves it, rebooting and recovery keep it.
	LaunchTime time.Time
	// FirstLaunch is when the primary network interface was attached, which is
	// when the instance was launched for the first time. Of a terminated one
	// it is when its billing began.
	FirstLaunch time.Time
	// Stopped is the last stop, where the instance is not running and EC2 says so:
	// it does where an API call caused it.
	Stopped time.Time

	// PlatformDetails is the billed platform in words ("Windows with SQL
	// Server Standard"); UsageOperation is the same as a key of the price list
	// ("RunInstances:0006"). Emulators leave both empty.
	PlatformDetails string
	UsageOperation  string
	// Windows is true where DescribeInstances reports the platform "windows".
	Windows bool

	// Tenancy is "default", "dedicated" or "host".
	Tenancy   string
	Lifecycle Lifecycle
	SpotType  SpotType // of a Spot Instance
	// ProductCodes are the AWS Marketplace and DevPay codes of its image.
	ProductCodes []string
	// Cores and ThreadsPerCore are the instance's CPU options; 0 when unknown.
	Cores, ThreadsPerCore int

	// Ineligible, if not zero, says why it cannot or must not be stopped and
	// started.
	Ineligible Ineligible
	// RootDevice is the name of its root device, such as "/dev/xvda".
	RootDevice string
	// Hibernates is true when hibernation is configured.
	Hibernates bool
	// Cause says how it came to be stopped, Why what EC2 says about its state.
	Cause Cause
	Why   string
	// PublicIPs are the public IPv4 addresses of its network interfaces,
	// Elastic IP addresses among them.
	PublicIPs []string
	// Detailed is true with detailed monitoring: a sample of each metric every
	// minute instead of every five.
	Detailed bool
	// Host is the Dedicated Host that it runs on, Reservation the capacity
	// reservation that it uses; empty where there is none.
	Host, Reservation string
	// Launch is what it would have to be launched with again.
	Launch Launch
}

// Launch is what an instance was launched with, as far as DescribeInstances shows it:
// none of it is in the snapshots of its volumes. Its user data is not shown.
type Launch struct {
	Image, KeyPair  string
	Profile         string // the ARN of its instance profile
	VPC, Subnet     string
	SecurityGroups  []string // their ids
	PrivateIP       string
	Architecture    string // x86_64, arm64, …
	Virtualization  string // hvm, paravirtual
	BootMode        string // of its image: legacy-bios, uefi, uefi-preferred; empty is the default of its type
	CurrentBootMode string // what it boots with: legacy-bios, uefi
	TPM             string // "v2.0" where it has a NitroTPM
	SRIOV           string // "simple" with the Intel 82599 VF interface
	ENA             bool   // enhanced networking with ENA
	EBSOptimized    bool
	Tokens          string // whether its metadata service wants tokens: optional, required
}

// Name is the Name tag, or the instance's id where it has none.
func (i Instance) Name() string { return i.Tags.Name(string(i.ID)) }

// Machine is the instance as a machine that can be stopped and started. Whether
// it passes its status checks is not known.
func (i Instance) Machine() Machine {
	return Machine{
		Target: i.Target, Kind: KindInstance, ID: i.ID, Tags: i.Tags, Type: i.Type, Zone: i.Zone, State: i.State,
		Started: i.LaunchTime, Created: i.FirstLaunch, Stopped: i.Stopped, Cause: i.Cause, Why: i.Why,
		Ineligible: i.Ineligible, Hibernates: i.Hibernates,
	}
}

// TypeInfo is what DescribeInstanceTypes reports of an instance type.
type TypeInfo struct {
	Type           InstanceType
	VCPU           int
	Cores          int
	ThreadsPerCore int
	MemoryMiB      int64
	// EBSIOPS is the most IOPS of all EBS volumes together; 0 when unknown.
	EBSIOPS int64
}
