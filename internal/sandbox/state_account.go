package sandbox

import (
	"cmp"
	"fmt"
	"regexp"
	"time"
)

// The management account and the region in which most of its resources are.
const (
	AccountID     = "123456789012"
	DefaultRegion = "ap-northeast-2"
)

// account is one account of a sandbox, with everything that is its own. The
// clock and the price list are those of the organization.
type account struct {
	id        string
	name      string
	suspended bool
	seed      uint64
	clock     *clock
	types     typeTable
	catalog   *catalog
	regions   map[string]*region
	roles     map[string]*accountRole
}

var accountNumber = regexp.MustCompile(`^\d{12}$`)

// AddAccount adds an account without resources to the organization. The ids in
// the management account depend on the seed alone, those in others on their
// number too.
func (o *organization) AddAccount(id, name string, suspended bool, regions []string) (*account, error) {
	switch {
	case !accountNumber.MatchString(id):
		return nil, fmt.Errorf("its number has twelve digits")
	case o.account(id) != nil:
		return nil, fmt.Errorf("there is one already")
	}
	a := &account{
		id: id, name: cmp.Or(name, "account "+id), suspended: suspended, seed: o.seed,
		clock: o.clock, types: o.types, catalog: o.catalog, regions: map[string]*region{}, roles: map[string]*accountRole{},
	}
	salt := ""
	if id != AccountID {
		salt = id
		a.seed = mixText(o.seed, id)
	}
	for _, name := range regions {
		if !regionName.MatchString(name) {
			return nil, fmt.Errorf("region %q: not the name of a region, such as %s", name, DefaultRegion)
		}
		a.regions[name] = newRegion(a.id, salt, name, a.seed)
	}
	o.accounts = append(o.accounts, a)
	return a, nil
}

// ID is the account's number.
func (a *account) ID() string { return a.id }

// Name is the account's name in the organization.
func (a *account) Name() string { return a.name }

// Now is the account's time, which all accounts of a sandbox share.
func (a *account) Now() time.Time { return a.clock.Now() }
