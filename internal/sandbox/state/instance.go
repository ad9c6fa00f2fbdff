package state

import (
	"strings"
	"time"

	"nightshift/internal/sandbox/catalog"
)

// Reservation groups the instances of one launch.
type Reservation struct {
	Seq       uint64
	ID        string
	Requester string // the service that launched, for Auto Scaling members
	Instances []*Instance
}

// Instance is one virtual machine.
type Instance struct {
	Condition
	Before      Condition // the condition before the last change
	Changed     time.Time // when the last change was asked for
	Until       time.Time // when a transitional state ends; zero: it lasts
	FailsWith   string    // the reason with which a start will fail
	Gone        bool
	starts      uint64
	ChecksBegan time.Time // when its status checks began; zero: long ago

	ID                    string
	Reservation           *Reservation
	Index                 int
	Type                  catalog.Type
	System                System
	Image                 string
	Zone                  string
	Tenancy               string
	KeyName               string
	IP                    string
	MAC                   string
	FirstLaunch           time.Time // first launch
	InstanceStore         bool      // root device on the instance store
	Spot                  *SpotRequest
	StopProtection        bool // disableApiStop
	TerminationProtection bool // disableApiTermination
	Hibernation           bool
	Monitored             bool
	EBSOptimized          bool
	Cores                 int64 // CPU options
	Threads               int64
	Products              []string
	Profile               string
	ClientToken           string
	Tags                  Tags
	UserData              string // base64
	ShutdownBehavior      string // what a shutdown from inside does: "stop" or "terminate"
	Public                bool   // gets a public address with each start
	ElasticIP             *Address
	Host                  *DedicatedHost
	Capacity              *CapacityReservation
	Licenses              []string // ARNs of license configurations of AWS License Manager
	Credits               string   // the credit option chosen; empty: the family's usual one
	Attachments           []Attachment
}

// PrivateName is the private DNS name.
func (i *Instance) PrivateName(region string) string {
	host := "ip-" + strings.ReplaceAll(i.IP, ".", "-")
	if region == "us-east-1" {
		return host + ".ec2.internal"
	}
	return host + "." + region + ".compute.internal"
}

// RootType is the type of the root device in the words of EC2.
func (i *Instance) RootType() string {
	if i.InstanceStore {
		return "instance-store"
	}
	return "ebs"
}

// Lifecycle is "spot" for a Spot Instance, else empty.
func (i *Instance) Lifecycle() string {
	if i.Spot != nil {
		return "spot"
	}
	return ""
}

// Platform is "windows", or empty.
func (i *Instance) Platform() string {
	if i.System.Windows {
		return "windows"
	}
	return ""
}

// ProfileARN names the instance profile; empty where there is none.
func (i *Instance) ProfileARN(owner string) string {
	if i.Profile == "" {
		return ""
	}
	return "arn:aws:iam::" + owner + ":instance-profile/" + i.Profile
}

// InterfaceID is the id of the network interface.
func (i *Instance) InterfaceID() string { return "eni-" + i.ID[len("i-"):] }

// InterfaceAttachmentID is the id of its attachment.
func (i *Instance) InterfaceAttachmentID() string { return "eni-attach-" + i.ID[len("i-"):] }

// BootMode is the image's; Windows images leave it to the type.
func (i *Instance) BootMode() string {
	switch {
	case i.System.Windows:
		return ""
	case i.Type.Architecture == "arm64":
		return "uefi"
	}
	return "uefi-preferred"
}

// CurrentBootMode is what the type makes of bootMode: Graviton and virtual
// Nitro machines know UEFI.
func (i *Instance) CurrentBootMode() string {
	if i.Type.Architecture == "arm64" || i.BootMode() != "" && i.Type.Hypervisor == "nitro" {
		return "uefi"
	}
	return "legacy-bios"
}
