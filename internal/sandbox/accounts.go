package sandbox

import (
	"errors"
	"fmt"
	"slices"

	"nightshift/internal/sandbox/fixture"
	"nightshift/internal/sandbox/s3"
	"nightshift/internal/sandbox/state"
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
	// in DefaultRegion. Zero means a small default fleet, which differs from
	// account to account.
	Fleet int
	// Types is the number of distinct instance types in a generated fleet; zero
	// means 40.
	Types int
	// Buckets are created empty and belong to the account.
	Buckets []string
	// Roles are the ways into the account.
	Roles []state.Role
	// Suspended closes the account: it is still listed, but nobody gets in.
	Suspended bool
}

// Account is one account of a sandbox, with everything that is its own. Faults,
// the clock and the price list are those of the sandbox.
type Account struct {
	*state.Account
	store *s3.Store
}

// home is the management account. The sandbox has its methods.
type home = Account

// Account finds an account by its number; nil where there is none.
func (s *Sandbox) Account(id string) *Account {
	for _, a := range s.accounts {
		if a.ID() == id {
			return a
		}
	}
	return nil
}

// Accounts lists the accounts, the management account first.
func (s *Sandbox) Accounts() []*Account { return slices.Clone(s.accounts) }

// addAccounts builds the management account and the others.
func (s *Sandbox) addAccounts() error {
	o := s.opts
	all := append([]AccountOptions{{
		ID: state.AccountID, Name: "management", Fleet: o.Fleet, Types: o.Types, Roles: o.Roles,
		Buckets: append([]string{DefaultBucket}, o.Buckets...),
	}}, o.Accounts...)
	for n, one := range all {
		if err := s.addAccount(one); err != nil {
			if n > 0 {
				err = fmt.Errorf("account %s: %w", one.ID, err)
			}
			return err
		}
	}
	return nil
}

func (s *Sandbox) addAccount(o AccountOptions) error {
	if o.Fleet < 0 || o.Types < 0 {
		return errors.New("neither instances nor types can be fewer than none")
	}
	names := o.Regions
	if names == nil {
		names = s.opts.Regions
	}
	if names == nil {
		names = state.CommonRegions()
	}
	made, err := s.org.AddAccount(o.ID, o.Name, o.Suspended, names)
	if err != nil {
		return err
	}
	a := &Account{Account: made, store: s.store}
	if s.home == nil {
		s.home = a
	}
	s.accounts = append(s.accounts, a)
	s.limits[o.ID] = newLimits()
	for _, about := range o.Roles {
		if err := made.AddRole(about); err != nil {
			return err
		}
	}
	for _, bucket := range o.Buckets {
		if err := s.store.Create(bucket, s3.BucketHome{Region: state.DefaultRegion, Owner: a.ID()}); err != nil {
			return err
		}
	}
	switch {
	case o.Fleet > 0:
		return fixture.Generate(made, o.Fleet, o.Types)
	case o.ID == state.AccountID:
		if err := fixture.Default(made); err != nil || !s.opts.Backups {
			return err
		}
		return fixture.Backups(made)
	}
	return fixture.Member(made)
}

// The role that Members have, and what must be given to assume it.
const (
	MemberRole       = "nightshift"
	MemberExternalID = "practice"
)

// Members are n member accounts, numbered from 200000000001, each with
// MemberRole, which the management account may assume with MemberExternalID.
func Members(n int) []AccountOptions {
	list := make([]AccountOptions, n)
	for i := range list {
		list[i] = AccountOptions{
			ID: fmt.Sprintf("2%011d", i+1), Name: fmt.Sprintf("member %d", i+1),
			Roles: []state.Role{{Name: MemberRole, ExternalID: MemberExternalID}},
		}
	}
	return list
}
