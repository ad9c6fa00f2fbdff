package sandbox

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"time"
)

// region is everything that the account has in one region.
type region struct {
	owner   string // the account's id
	name    string
	network network

	mu           sync.Mutex // guards what follows
	seq          uint64     // grows with each resource; the place of pages
	reservations []*reservation
	instances    map[string]*instance
	volumes      map[string]*volume
	volumeOrder  []*volume
	spots        []*spotRequest
	holdings     holdings
	groups       []*group
	parameters   map[string][]Parameter // versions by name, the oldest first
	rds          databases
	tokens       map[string]usedToken // client tokens of RunInstances and CreateVolume
	rng          *rand.Rand
}

// usedToken is what a client token made, for a request that is sent again.
type usedToken struct {
	request     uint64 // hash of the request
	reservation *reservation
	volume      *volume
}

// newRegion makes an empty region. Ids in it depend on the seed, those of its
// network on the salt, which is empty for the management account.
func newRegion(owner, salt, name string, seed uint64) *region {
	r := &region{
		owner:      owner,
		name:       name,
		instances:  map[string]*instance{},
		volumes:    map[string]*volume{},
		tokens:     map[string]usedToken{},
		parameters: map[string][]Parameter{},
		rng:        newRand(mixText(seed, name), 0),
	}
	r.network = newNetwork(name, salt, r.zones())
	return r
}

// zones are the region's availability zones.
func (r *region) zones() []string {
	letters := "abc"
	switch r.name {
	case "ap-northeast-2":
		letters = "abcd"
	case "us-east-1":
		letters = "abcdef"
	case "ap-northeast-1":
		letters = "acd"
	}
	var names []string
	for _, l := range letters {
		names = append(names, r.name+string(l))
	}
	return names
}

func (r *region) hasZone(name string) bool { return slices.Contains(r.zones(), name) }

// network is the region's only one: a VPC with one subnet a zone.
type network struct {
	vpc, securityGroup string
	subnets            map[string]string // by zone
}

func newNetwork(region, salt string, zones []string) network {
	n := network{
		vpc:           fmt.Sprintf("vpc-0%016x", mixText(1, salt+region)),
		securityGroup: fmt.Sprintf("sg-0%016x", mixText(3, salt+region)),
		subnets:       map[string]string{},
	}
	for _, z := range zones {
		n.subnets[z] = fmt.Sprintf("subnet-0%016x", mixText(2, salt+z))
	}
	return n
}

func (r *region) next() uint64 {
	r.seq++
	return r.seq
}

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

// attachment is a volume at a device.
type attachment struct {
	volume    *volume
	instance  *instance
	device    string
	since     time.Time
	ready     time.Time // until then "attaching"
	deleteToo bool
}

func (a attachment) status(now time.Time) string {
	if now.Before(a.ready) {
		return "attaching"
	}
	return "attached"
}

// volume is one EBS volume.
type volume struct {
	seq         uint64
	id          string
	kind        string
	gib         int64
	iops        int64
	throughput  int64
	zone        string
	created     time.Time
	ready       time.Time // until then "creating"
	encrypted   bool
	key         string
	multiAttach bool
	snapshot    string // id of the snapshot that it was made from, or empty
	tags        tags
	attachments []attachment
}

func (v *volume) status(now time.Time) string {
	switch {
	case now.Before(v.ready):
		return "creating"
	case len(v.attachments) > 0:
		return "in-use"
	}
	return "available"
}

// spotRequest is the request that a Spot instance fulfils.
type spotRequest struct {
	seq        uint64
	id         string
	persistent bool
	price      string
	state      string
	status     string
	message    string
	created    time.Time
	updated    time.Time
	instance   *instance
	tags       tags
}

func (r *spotRequest) kind() string {
	if r.persistent {
		return "persistent"
	}
	return "one-time"
}

func (r *spotRequest) set(now time.Time, state, status, message string) {
	if r != nil {
		r.updated, r.state, r.status, r.message = now, state, status, message
	}
}

func (r *spotRequest) started(now time.Time) {
	r.set(now, "active", "fulfilled", "Your Spot request is fulfilled.")
}

func (r *spotRequest) stopped(now time.Time) {
	r.set(now, "disabled", "instance-stopped-by-user", "You stopped the instance.")
}

func (r *spotRequest) closed(now time.Time) {
	r.set(now, "closed", "instance-terminated-by-user", "Spot Instance terminated due to user-initiated termination.")
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
