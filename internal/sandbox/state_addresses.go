package sandbox

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
)

// address is an Elastic IP address.
type address struct {
	seq         uint64
	id          string // allocation id
	ip          string
	association string // id; empty while it is associated with nothing
	instance    *instance
	nic         string // the interface of something that is no instance
	tags        tags
}

// associate gives an instance an Elastic IP address, which it then has instead
// of one that comes and goes with each start.
func (a *address) associate(i *instance) {
	a.instance, a.association = i, "eipassoc-"+a.id[len("eipalloc-"):]
	i.elastic = a
}

// interfaceID is the network interface that the address leads to, if any.
func (a *address) interfaceID() string {
	if a.instance != nil {
		return a.instance.interfaceID()
	}
	return a.nic
}

func (a *address) privateIP() string {
	if a.instance != nil {
		return a.instance.ip
	}
	return ""
}

func (a *address) instanceID() string {
	if a.instance != nil {
		return a.instance.id
	}
	return ""
}

// publicAddress makes an IPv4 address out of a hash. They lie in 198.18.0.0/15,
// which is set aside for tests (RFC 2544), so that none is anybody's.
func publicAddress(h uint64) string {
	return fmt.Sprintf("198.%d.%d.%d", 18+h>>16&1, h>>8&0xff, 1+h&0x7f)
}

// publicIP is the public address of an instance in a state: its Elastic IP
// address or, where it gets one by itself, one that it has from each start to
// the next stop.
func (i *instance) publicIP(in state) string {
	switch {
	case in == terminated:
		return ""
	case i.elastic != nil:
		return i.elastic.ip
	case i.public && (in == pending || in == running):
		return publicAddress(mix(mixText(5, i.id), i.starts))
	}
	return ""
}

// publicName is the public DNS name of an address; empty for none.
func (r *region) publicName(ip string) string {
	if ip == "" {
		return ""
	}
	host := "ec2-" + strings.ReplaceAll(ip, ".", "-")
	if r.name == "us-east-1" {
		return host + ".compute-1.amazonaws.com"
	}
	return host + "." + r.name + ".compute.amazonaws.com"
}

// ipOwner is who owns an instance's public address.
func (i *instance) ipOwner(r *region, in state) string {
	switch {
	case i.publicIP(in) == "":
		return ""
	case i.elastic != nil:
		return r.owner
	}
	return "amazon"
}

// addAddress allocates an Elastic IP address.
func (r *region) addAddress(rng *rand.Rand, ts tags) *address {
	a := &address{seq: r.next(), id: longID(rng, "eipalloc"), tags: ts}
	a.ip = publicAddress(mixText(6, a.id))
	for n := uint64(7); slices.ContainsFunc(r.holdings.addresses, func(x *address) bool { return x.ip == a.ip }); n++ {
		a.ip = publicAddress(mixText(n, a.id))
	}
	r.holdings.addresses = append(r.holdings.addresses, a)
	return a
}
