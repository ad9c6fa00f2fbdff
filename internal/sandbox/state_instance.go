package sandbox

import (
	"strings"
	"time"
)

// reservation groups the instances of one launch.
type reservation struct {
	seq       uint64
	id        string
	requester string // the service that launched, for Auto Scaling members
	instances []*instance
}

// instance is one virtual machine.
type instance struct {
	condition
	before    condition // the condition before the last change
	changed   time.Time // when the last change was asked for
	until     time.Time // when a transitional state ends; zero: it lasts
	failsWith string    // the reason with which a start will fail
	gone      bool
	starts    uint64
	checked   time.Time // when its status checks began; zero: long ago

	id           string
	reservation  *reservation
	index        int
	kind         typeSpec
	system       system
	image        string
	zone         string
	tenancy      string
	key          string
	ip           string
	mac          string
	first        time.Time // first launch
	store        bool      // root device on the instance store
	spot         *spotRequest
	stopGuard    bool // disableApiStop
	endGuard     bool // disableApiTermination
	hibernation  bool
	monitored    bool
	ebsOptimized bool
	cores        int64 // CPU options
	threads      int64
	products     []string
	profile      string
	clientToken  string
	tags         tags
	userData     string // base64
	atShutdown   string // what a shutdown from inside does: "stop" or "terminate"
	public       bool   // gets a public address with each start
	elastic      *address
	host         *dedicatedHost
	capacity     *capacityReservation
	credits      string // the credit option chosen; empty: the family's usual one
	attached     []attachment
}

// privateName is the private DNS name.
func (i *instance) privateName(region string) string {
	host := "ip-" + strings.ReplaceAll(i.ip, ".", "-")
	if region == "us-east-1" {
		return host + ".ec2.internal"
	}
	return host + "." + region + ".compute.internal"
}

func (i *instance) rootType() string {
	if i.store {
		return "instance-store"
	}
	return "ebs"
}

func (i *instance) lifecycle() string {
	if i.spot != nil {
		return "spot"
	}
	return ""
}

func (i *instance) platform() string {
	if i.system.windows {
		return "windows"
	}
	return ""
}

// profileARN names the instance profile; empty where there is none.
func (i *instance) profileARN(owner string) string {
	if i.profile == "" {
		return ""
	}
	return "arn:aws:iam::" + owner + ":instance-profile/" + i.profile
}

func (i *instance) interfaceID() string { return "eni-" + i.id[len("i-"):] }

func (i *instance) interfaceAttachmentID() string { return "eni-attach-" + i.id[len("i-"):] }

// bootMode is the image's; Windows images leave it to the type.
func (i *instance) bootMode() string {
	switch {
	case i.system.windows:
		return ""
	case i.kind.Architecture == "arm64":
		return "uefi"
	}
	return "uefi-preferred"
}

// currentBootMode is what the type makes of bootMode: Graviton and virtual
// Nitro machines know UEFI.
func (i *instance) currentBootMode() string {
	if i.kind.Architecture == "arm64" || i.bootMode() != "" && i.kind.Hypervisor == "nitro" {
		return "uefi"
	}
	return "legacy-bios"
}
