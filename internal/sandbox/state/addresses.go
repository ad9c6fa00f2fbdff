package state

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"

	"nightshift/internal/sandbox/random"
)

// Address is an Elastic IP address.
type Address struct {
	seq              uint64
	ID               string // allocation id
	IP               string
	Association      string // id; empty while it is associated with nothing
	instance         *Instance
	NetworkInterface string // the interface of something that is not an instance
	Tags             Tags
}

// Associate gives an instance an Elastic IP address, which it then has instead
// of one that comes and goes with each start.
func (a *Address) Associate(i *Instance) {
	a.instance, a.Association = i, "eipassoc-"+a.ID[len("eipalloc-"):]
	i.ElasticIP = a
}

// InterfaceID is the network interface that the address leads to, if any.
func (a *Address) InterfaceID() string {
	if a.instance != nil {
		return a.instance.InterfaceID()
	}
	return a.NetworkInterface
}

// PrivateIP is the address of the instance that it leads to, if any.
func (a *Address) PrivateIP() string {
	if a.instance != nil {
		return a.instance.IP
	}
	return ""
}

// InstanceID is the instance that it leads to, if any.
func (a *Address) InstanceID() string {
	if a.instance != nil {
		return a.instance.ID
	}
	return ""
}

// publicAddress makes an IPv4 address out of a hash. They lie in 198.18.0.0/15,
// which is set aside for tests (RFC 2544), so that none is anybody's.
func publicAddress(h uint64) string {
	return fmt.Sprintf("198.%d.%d.%d", 18+h>>16&1, h>>8&0xff, 1+h&0x7f)
}

// PublicIP is the public address of an instance in a state: its Elastic IP
// address or, where it gets one automatically, one that it has from each start to
// the next stop.
func (i *Instance) PublicIP(in InstanceState) string {
	switch {
	case in == Terminated:
		return ""
	case i.ElasticIP != nil:
		return i.ElasticIP.IP
	case i.Public && (in == Pending || in == Running):
		return publicAddress(random.Hash(random.HashText(5, i.ID), i.starts))
	}
	return ""
}

// PublicName is the public DNS name of an address; empty for none.
func (r *Region) PublicName(ip string) string {
	if ip == "" {
		return ""
	}
	host := "ec2-" + strings.ReplaceAll(ip, ".", "-")
	if r.Name == "us-east-1" {
		return host + ".compute-1.amazonaws.com"
	}
	return host + "." + r.Name + ".compute.amazonaws.com"
}

// IPOwner is who owns an instance's public address.
func (i *Instance) IPOwner(r *Region, in InstanceState) string {
	switch {
	case i.PublicIP(in) == "":
		return ""
	case i.ElasticIP != nil:
		return r.Owner
	}
	return "amazon"
}

// AddAddress allocates an Elastic IP address.
func (r *Region) AddAddress(rng *rand.Rand, ts Tags) *Address {
	a := &Address{seq: r.NextSeq(), ID: random.ID(rng, "eipalloc"), Tags: ts}
	a.IP = publicAddress(random.HashText(6, a.ID))
	for n := uint64(7); slices.ContainsFunc(r.Other.Addresses, func(x *Address) bool { return x.IP == a.IP }); n++ {
		a.IP = publicAddress(random.HashText(n, a.ID))
	}
	r.Other.Addresses = append(r.Other.Addresses, a)
	return a
}
