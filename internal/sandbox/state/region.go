package state

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"nightshift/internal/sandbox/random"
)

// Region is everything that the account has in one region.
type Region struct {
	Owner   string // the account's id
	Name    string
	Network Network

	Mu           sync.Mutex // guards what follows
	seq          uint64     // grows with each resource; the place of pages
	Reservations []*Reservation
	Instances    map[string]*Instance
	Volumes      map[string]*Volume
	VolumeOrder  []*Volume
	SpotRequests []*SpotRequest
	Other        OtherResources
	ClientTokens map[string]UsedToken // client tokens of RunInstances and CreateVolume
	Rand         *rand.Rand
	slots        map[any]any // what one service alone uses
	clockwork    []func(now time.Time)
}

// UsedToken is what a client token made, for a request that is sent again.
type UsedToken struct {
	Request     uint64 // hash of the request
	Reservation *Reservation
	Volume      *Volume
}

// newRegion makes an empty region. Ids in it depend on the seed, those of its
// network on the salt, which is empty for the management account.
func newRegion(owner, salt, name string, seed uint64) *Region {
	r := &Region{
		Owner:        owner,
		Name:         name,
		Instances:    map[string]*Instance{},
		Volumes:      map[string]*Volume{},
		ClientTokens: map[string]UsedToken{},
		slots:        map[any]any{},
		Rand:         random.New(random.HashText(seed, name), 0),
	}
	r.Network = newNetwork(name, salt, r.Zones())
	return r
}

// Zones are the region's availability zones.
func (r *Region) Zones() []string {
	letters := "abc"
	switch r.Name {
	case "ap-northeast-2":
		letters = "abcd"
	case "us-east-1":
		letters = "abcdef"
	case "ap-northeast-1":
		letters = "acd"
	}
	var names []string
	for _, l := range letters {
		names = append(names, r.Name+string(l))
	}
	return names
}

// HasZone says whether the region has an availability zone.
func (r *Region) HasZone(name string) bool { return slices.Contains(r.Zones(), name) }

// Network is the region's only one: a VPC with one subnet a zone.
type Network struct {
	VPC, SecurityGroup string
	Subnets            map[string]string // by zone
}

func newNetwork(region, salt string, zones []string) Network {
	n := Network{
		VPC:           fmt.Sprintf("vpc-0%016x", random.HashText(1, salt+region)),
		SecurityGroup: fmt.Sprintf("sg-0%016x", random.HashText(3, salt+region)),
		Subnets:       map[string]string{},
	}
	for _, z := range zones {
		n.Subnets[z] = fmt.Sprintf("subnet-0%016x", random.HashText(2, salt+z))
	}
	return n
}

// NextSeq numbers a new resource.
func (r *Region) NextSeq() uint64 {
	r.seq++
	return r.seq
}

// ARN names a resource of EC2 in the region.
func (r *Region) ARN(kind, id string) string {
	return fmt.Sprintf("arn:aws:ec2:%s:%s:%s/%s", r.Name, r.Owner, kind, id)
}
