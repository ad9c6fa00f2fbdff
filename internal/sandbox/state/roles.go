package state

import (
	"fmt"
	"regexp"
	"slices"
	"sync/atomic"
	"time"

	"nightshift/internal/sandbox/policy"
)

// Role is an IAM role of an account.
type Role struct {
	Name string
	// ExternalID is what the caller must give as such; empty demands none.
	ExternalID string
	// Trusts are the accounts whose callers may assume the role; nil means the
	// management account.
	Trusts []string
	// MaxSession is the longest session, from one hour to twelve; zero means an
	// hour, as in IAM.
	MaxSession time.Duration
	// Policy is what the role may do, an IAM policy as JSON; nil allows
	// everything.
	Policy []byte
}

// AccountRole is a Role of an account.
type AccountRole struct {
	Role
	Account *Account
	Policy  atomic.Pointer[policy.Policy]
}

var roleName = regexp.MustCompile(`^[\w+=,.@-]{1,64}$`)

// AddRole adds a role to the account.
func (a *Account) AddRole(about Role) error {
	made := &AccountRole{Role: about, Account: a}
	if made.MaxSession == 0 {
		made.MaxSession = time.Hour
	}
	if made.Trusts == nil {
		made.Trusts = []string{AccountID}
	}
	switch {
	case !roleName.MatchString(about.Name):
		return fmt.Errorf("role %q: not the name of a role", about.Name)
	case a.Roles[about.Name] != nil:
		return fmt.Errorf("role %s: named twice", about.Name)
	case len(about.ExternalID) == 1:
		return fmt.Errorf("role %s: an external id has two characters or more", about.Name)
	case made.MaxSession < time.Hour || made.MaxSession > 12*time.Hour:
		return fmt.Errorf("role %s: the longest session is %v; it must be from 1h to 12h", about.Name, about.MaxSession)
	}
	a.Roles[about.Name] = made
	return a.SetRolePolicy(about.Name, about.Policy)
}

// SetRolePolicy replaces what a role of the account may do, also in sessions
// that are under way; nil allows everything.
func (a *Account) SetRolePolicy(name string, document []byte) error {
	r := a.Roles[name]
	if r == nil {
		return fmt.Errorf("account %s: there is no role %q", a.id, name)
	}
	p, err := policy.Parse(document)
	if err != nil {
		return fmt.Errorf("role %s: %w", name, err)
	}
	r.Policy.Store(p)
	return nil
}

// RoleARN is the name by which a role of the account is assumed.
func (a *Account) RoleARN(name string) string { return "arn:aws:iam::" + a.id + ":role/" + name }

// TrustsAccount says whether callers of an account may assume the role.
func (r *AccountRole) TrustsAccount(account string) bool { return slices.Contains(r.Trusts, account) }
