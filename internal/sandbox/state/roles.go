package state

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"
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
	// Path is where the role lies, between slashes; empty means "/".
	Path string
	// Services are those of AWS that may assume the role, such as
	// lambda.amazonaws.com.
	Services []string
}

// AccountRole is a Role of an account.
type AccountRole struct {
	Role
	Account *Account
	Policy  *atomic.Pointer[policy.Policy]
}

var roleName = regexp.MustCompile(`^[\w+=,.@-]{1,64}$`)

// AddRole adds a role to the account.
func (a *Account) AddRole(about Role) error {
	if a.FindRole(about.Name) != nil {
		return fmt.Errorf("role %s: named twice", about.Name)
	}
	return a.PutRole(about)
}

// PutRole adds a role to the account or changes it, also for sessions that are
// under way.
func (a *Account) PutRole(about Role) error {
	made := &AccountRole{Role: about, Account: a, Policy: &atomic.Pointer[policy.Policy]{}}
	if made.MaxSession == 0 {
		made.MaxSession = time.Hour
	}
	if made.Trusts == nil {
		made.Trusts = []string{AccountID}
	}
	switch {
	case !roleName.MatchString(about.Name):
		return fmt.Errorf("role %q: not the name of a role", about.Name)
	case len(about.ExternalID) == 1:
		return fmt.Errorf("role %s: an external id has two characters or more", about.Name)
	case made.MaxSession < time.Hour || made.MaxSession > 12*time.Hour:
		return fmt.Errorf("role %s: the longest session is %v; it must be from 1h to 12h", about.Name, about.MaxSession)
	}
	p, err := policy.Parse(about.Policy)
	if err != nil {
		return fmt.Errorf("role %s: %w", about.Name, err)
	}
	a.rolesMu.Lock()
	defer a.rolesMu.Unlock()
	if was := a.roles[about.Name]; was != nil {
		made.Policy = was.Policy
	}
	made.Policy.Store(p)
	a.roles[about.Name] = made
	return nil
}

// FindRole finds a role by its name; nil where there is none.
func (a *Account) FindRole(name string) *AccountRole {
	a.rolesMu.Lock()
	defer a.rolesMu.Unlock()
	return a.roles[name]
}

// RoleByARN finds a role by its ARN; nil where there is none.
func (a *Account) RoleByARN(arn string) *AccountRole {
	found := a.FindRole(arn[strings.LastIndex(arn, "/")+1:])
	if found == nil || a.RoleARN(found.Name) != arn {
		return nil
	}
	return found
}

// RemoveRole deletes a role. Its sessions may do nothing any more.
func (a *Account) RemoveRole(name string) {
	a.rolesMu.Lock()
	defer a.rolesMu.Unlock()
	if was := a.roles[name]; was != nil {
		none, _ := policy.Parse([]byte(`{"Statement": []}`)) // cannot fail
		was.Policy.Store(none)
	}
	delete(a.roles, name)
}

// SetRolePolicy replaces what a role of the account may do, also in sessions
// that are under way; nil allows everything.
func (a *Account) SetRolePolicy(name string, document []byte) error {
	r := a.FindRole(name)
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
func (a *Account) RoleARN(name string) string {
	path := "/"
	if r := a.FindRole(name); r != nil {
		path = cmp.Or(r.Path, path)
	}
	return "arn:aws:iam::" + a.id + ":role" + path + name
}

// TrustsAccount says whether callers of an account may assume the role.
func (r *AccountRole) TrustsAccount(account string) bool { return slices.Contains(r.Trusts, account) }
