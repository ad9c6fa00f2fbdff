package fleet

import "time"

// VolumeID is an EBS volume id such as "vol-0123456789abcdef0".
type VolumeID string

// VolumeType is an EBS volume type as the API names it.
type VolumeType string

// The volume types of EBS.
const (
	GP2      VolumeType = "gp2"
	GP3      VolumeType = "gp3"
	IO1      VolumeType = "io1"
	IO2      VolumeType = "io2"
	ST1      VolumeType = "st1"
	SC1      VolumeType = "sc1"
	Magnetic VolumeType = "standard"
)

// Volume is an EBS volume as DescribeVolumes shows it.
type Volume struct {
	Target  Target
	ID      VolumeID
	Type    VolumeType
	State   string // creating, available, in-use, deleting, deleted, error
	Zone    Zone
	SizeGiB int64
	// IOPS is the provisioned or baseline rate; 0 where the type has none.
	IOPS int64
	// ThroughputMiBps is provisioned for gp3 only, in MiB/s; else 0.
	ThroughputMiBps int64
	Created         time.Time
	AttachedTo      []ResourceID
	Attachments     []Attachment
	// MultiAttach is true where several instances may have it at once.
	MultiAttach bool
	Encrypted   bool
	Key         string // the ARN of its KMS key
	// Snapshot is what the volume was made from; empty where it began empty.
	Snapshot SnapshotID
	Tags     Tags
}

// Name is the Name tag, or the volume's id where it has none.
func (v Volume) Name() string { return v.Tags.Name(string(v.ID)) }

// Attachment is a volume's place on an instance.
type Attachment struct {
	Instance            ResourceID
	Device              string
	State               string // attaching, attached, detaching, busy
	At                  time.Time
	DeleteOnTermination bool
}
