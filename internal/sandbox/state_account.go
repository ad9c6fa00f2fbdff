package sandbox

import (
	"regexp"
	"time"
)

// Account is one account of a sandbox, with everything that is its own. Faults,
// the clock and the price list are those of the sandbox.
type Account struct {
	id        string
	name      string
	suspended bool
	seed      uint64
	clock     *clock
	types     typeTable
	catalog   *catalog
	s3        *objectStore
	regions   map[string]*region
	limits    *limits
	roles     map[string]*role
}

var accountNumber = regexp.MustCompile(`^\d{12}$`)

// ID is the account's number.
func (a *Account) ID() string { return a.id }

// Name is the account's name in the organization.
func (a *Account) Name() string { return a.name }

// Now is the account's time, which all accounts of a sandbox share.
func (a *Account) Now() time.Time { return a.clock.Now() }
