// Package state is what the accounts of a sandbox hold: accounts, roles,
// sessions, the clock, and regions, each with its one lock, with the compute that
// several services need: instances, volumes, snapshots, addresses, hosts and
// reservations, how they are launched, change and end, and when they ran.
//
// What one service alone uses it keeps in a Slot of the region.
package state

import (
	"cmp"
	"fmt"
	"regexp"
	"sync"
	"time"

	"nightshift/internal/sandbox/catalog"
	"nightshift/internal/sandbox/random"
)

// The management account and the region in which most of its resources are.
const (
	AccountID     = "123456789012"
	DefaultRegion = "ap-northeast-2"
)

// Account is one account of a sandbox, with everything that is its own. The
// clock and the price list are those of the organization.
type Account struct {
	id        string
	name      string
	Suspended bool
	Seed      uint64
	Clock     *Clock
	Types     catalog.Types
	Catalog   *catalog.PriceList
	Regions   map[string]*Region

	rolesMu sync.Mutex // guards what follows
	roles   map[string]*AccountRole
}

var accountNumber = regexp.MustCompile(`^\d{12}$`)

// AddAccount adds an account without resources to the organization. The ids in
// the management account depend on the seed alone, those in others on their
// number too.
func (o *Organization) AddAccount(id, name string, suspended bool, regions []string) (*Account, error) {
	switch {
	case !accountNumber.MatchString(id):
		return nil, fmt.Errorf("its number has twelve digits")
	case o.Account(id) != nil:
		return nil, fmt.Errorf("there is one already")
	}
	a := &Account{
		id: id, name: cmp.Or(name, "account "+id), Suspended: suspended, Seed: o.Seed,
		Clock: o.Clock, Types: o.Types, Catalog: o.Catalog, Regions: map[string]*Region{}, roles: map[string]*AccountRole{},
	}
	salt := ""
	if id != AccountID {
		salt = id
		a.Seed = random.HashText(o.Seed, id)
	}
	for _, name := range regions {
		if !regionName.MatchString(name) {
			return nil, fmt.Errorf("region %q: not the name of a region, such as %s", name, DefaultRegion)
		}
		a.Regions[name] = newRegion(a.id, salt, name, a.Seed)
	}
	o.Accounts = append(o.Accounts, a)
	return a, nil
}

// ID is the account's number.
func (a *Account) ID() string { return a.id }

// Name is the account's name in the organization.
func (a *Account) Name() string { return a.name }

// Now is the account's time, which all accounts of a sandbox share.
func (a *Account) Now() time.Time { return a.Clock.Now() }
