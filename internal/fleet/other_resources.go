package fleet

import "time"

// SnapshotID is an EBS snapshot id such as "snap-0123456789abcdef0".
type SnapshotID string

// Snapshot is an EBS snapshot as DescribeSnapshots shows it. Times are UTC.
type Snapshot struct {
	Target  Target
	ID      SnapshotID
	Volume  VolumeID // the volume that it was taken of, which may be gone
	State   string   // pending, completed, error, recoverable, recovering
	Started time.Time
	// SizeGiB is the size of the volume, FullBytes that of all blocks which the
	// snapshot refers to, its own and those of earlier ones; 0 where EC2 does
	// not say. What is billed is at most the latter.
	SizeGiB   int64
	FullBytes int64
	// Archived is true in the archive tier, where the whole snapshot is billed.
	Archived bool
	// Completed is when the last block was stored, zero until then. Why says what went
	// wrong, mostly with a key.
	Completed   time.Time
	Why         string
	Encrypted   bool
	Key         string // the ARN of its KMS key
	Description string
	Tags        Tags
}

// Name is the Name tag, or the snapshot's id where it has none.
func (s Snapshot) Name() string { return s.Tags.Name(string(s.ID)) }

// BlockChanges is what differs between two snapshots of a volume, in bytes of whole blocks.
type BlockChanges struct {
	// Gone is in blocks of the first that the second does not have any more, New in blocks
	// of the second that the first did not have. A block that was written to is both.
	Gone, New int64
	// AtLeast is true where not all of the list was read.
	AtLeast bool
}

// Address is an Elastic IP address as DescribeAddresses shows it. Addresses
// that EC2 lent to an instance are Instance.PublicIPs.
type Address struct {
	Target Target
	ID     string // allocation id, "eipalloc-…"
	IP     string
	// Instance and Interface are what it is associated with, if anything.
	Instance  ResourceID
	Interface string
	// BYOIP is true for an address that the account has brought to AWS, which is
	// not charged for.
	BYOIP bool
	Tags  Tags
}

// Name is the Name tag, or the address itself.
func (a Address) Name() string { return a.Tags.Name(a.IP) }

// Host is a Dedicated Host as DescribeHosts shows it. It is billed by the hour
// from its allocation to its release, whatever runs on it.
type Host struct {
	Target    Target
	ID        string // "h-…"
	Family    string // "m5"
	Type      InstanceType
	State     string // available, under-assessment, permanent-failure, released, …
	Zone      Zone
	Allocated time.Time
	Instances []ResourceID
	Tags      Tags
}

// Name is the Name tag, or the host's id where it has none.
func (h Host) Name() string { return h.Tags.Name(h.ID) }

// Reservation is an On-Demand Capacity Reservation as
// DescribeCapacityReservations shows it. What is not used of it costs as much
// as though it were.
type Reservation struct {
	Target   Target
	ID       string // "cr-…"
	Type     InstanceType
	Platform string // the API's words: "Linux/UNIX", "Windows", …
	Tenancy  string // "default" or "dedicated"
	State    string // active, expired, cancelled, pending, failed, …
	Zone     Zone
	// Total is how many instances it is for, Available how many of these are
	// not in use.
	Total, Available int64
	Created          time.Time
	Tags             Tags
}

// Name is the Name tag, or the reservation's id where it has none.
func (r Reservation) Name() string { return r.Tags.Name(r.ID) }

// Image is an AMI of the account as DescribeImages shows it.
type Image struct {
	ID, Description string
	State           string       // available, disabled, deregistered, …
	Deprecation     time.Time    // when it is, or was, deprecated; zero is never
	Snapshots       []SnapshotID // of its volumes
	Tags            Tags
}

// Name is the Name tag, or the image's id where it has none.
func (i Image) Name() string { return i.Tags.Name(i.ID) }

// RecoveryPoint is a copy that AWS Backup keeps, as ListRecoveryPointsByResource shows it.
type RecoveryPoint struct {
	ARN      string // of a snapshot or an image
	Resource string // the ARN of the volume or instance that it is of
	Vault    string
	Status   string // COMPLETED, PARTIAL, EXPIRED, …
	Created  time.Time
}

// BinRule is a retention rule of the Recycle Bin for snapshots.
type BinRule struct {
	ID string
	// Tags are those that it is for, any of them; none means all snapshots of the
	// region.
	Tags []Tag
	// Except are tags of which each takes a snapshot out of a rule for the region.
	Except []Tag
	// For is how long a deleted snapshot stays in the bin.
	For time.Duration
}
