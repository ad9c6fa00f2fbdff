package sandbox

import (
	"fmt"
	"math/rand/v2"
	"slices"
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
	tokens       map[string]usedToken // client tokens of RunInstances and CreateVolume
	rng          *rand.Rand
	slots        map[any]any // what one service alone uses
	clockwork    []func(now time.Time)
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
		owner:     owner,
		name:      name,
		instances: map[string]*instance{},
		volumes:   map[string]*volume{},
		tokens:    map[string]usedToken{},
		slots:     map[any]any{},
		rng:       newRand(mixText(seed, name), 0),
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

func (r *region) arn(kind, id string) string {
	return fmt.Sprintf("arn:aws:ec2:%s:%s:%s/%s", r.name, r.owner, kind, id)
}
