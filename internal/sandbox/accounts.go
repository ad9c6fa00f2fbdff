package sandbox

import (
	"errors"
	"fmt"
)

// AccountOptions describe a further account of the sandbox, a member of the
// organization whose management account is AccountID. It is reached by assuming
// one of its roles.
type AccountOptions struct {
	// ID is the account's number, twelve digits.
	ID string
	// Name is its name in the organization; empty means "account " and the ID.
	Name string
	// Regions are its enabled regions; nil means those of the sandbox.
	Regions []string
	// Fleet is the number of instances to generate, with twice as many volumes,
	// in DefaultRegion. Zero means a small fleet made by hand, which differs from
	// account to account.
	Fleet int
	// Types is the number of distinct instance types in a generated fleet; zero
	// means 40.
	Types int
	// Buckets are created empty and belong to the account.
	Buckets []string
	// Roles are the ways into the account.
	Roles []Role
	// Suspended closes the account: it is still listed, but nobody gets in.
	Suspended bool
}

// home is the management account. The sandbox has its methods.
type home = Account

// newAccount makes an account without a fleet. The ids in the management
// account depend on the seed alone, those in others on their number too.
func (s *Sandbox) newAccount(o AccountOptions) (*Account, error) {
	a := &Account{
		id: o.ID, name: textOr(o.Name, "account "+o.ID), suspended: o.Suspended, seed: s.opts.Seed,
		clock: s.clock, types: s.types, catalog: s.catalog, s3: s.s3,
		regions: map[string]*region{}, limits: newLimits(), roles: map[string]*role{},
	}
	salt := ""
	if o.ID != AccountID {
		salt = o.ID
		a.seed = mixText(s.opts.Seed, o.ID)
	}
	names := o.Regions
	if names == nil {
		names = s.opts.Regions
	}
	if names == nil {
		names = commonRegions()
	}
	for _, name := range names {
		if !regionName.MatchString(name) {
			return nil, fmt.Errorf("region %q: not the name of a region, such as %s", name, DefaultRegion)
		}
		a.regions[name] = newRegion(a.id, salt, name, a.seed)
	}
	for _, about := range o.Roles {
		if err := a.addRole(about); err != nil {
			return nil, err
		}
	}
	return a, nil
}

// Account finds an account by its number; nil where there is none.
func (s *Sandbox) Account(id string) *Account {
	for _, a := range s.accounts {
		if a.id == id {
			return a
		}
	}
	return nil
}

// Accounts lists the accounts, the management account first.
func (s *Sandbox) Accounts() []*Account { return append([]*Account(nil), s.accounts...) }

// addAccounts builds the management account and the others.
func (s *Sandbox) addAccounts() error {
	o := s.opts
	all := append([]AccountOptions{{
		ID: AccountID, Name: "management", Fleet: o.Fleet, Types: o.Types, Roles: o.Roles,
		Buckets: append([]string{DefaultBucket}, o.Buckets...),
	}}, o.Accounts...)
	for n, one := range all {
		a, err := s.addAccount(one)
		if err != nil {
			if n > 0 {
				err = fmt.Errorf("account %s: %w", one.ID, err)
			}
			return err
		}
		if s.home == nil {
			s.home = a
		}
		s.accounts = append(s.accounts, a)
	}
	return nil
}

func (s *Sandbox) addAccount(o AccountOptions) (*Account, error) {
	switch {
	case !accountNumber.MatchString(o.ID):
		return nil, errors.New("its number has twelve digits")
	case s.Account(o.ID) != nil:
		return nil, errors.New("there is one already")
	case o.Fleet < 0 || o.Types < 0:
		return nil, errors.New("neither instances nor types can be fewer than none")
	}
	a, err := s.newAccount(o)
	if err != nil {
		return nil, err
	}
	for _, bucket := range o.Buckets {
		if err := s.s3.create(bucket, bucketHome{DefaultRegion, a.id}); err != nil {
			return nil, err
		}
	}
	switch {
	case o.Fleet > 0:
		return a, a.generate(o.Fleet, o.Types)
	case o.ID == AccountID:
		return a, errors.Join(a.buildDefaultAccount(), a.addDefaultDatabases())
	}
	return a, a.buildSmallAccount()
}
