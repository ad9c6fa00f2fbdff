package app

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"nightshift/internal/amazon"
	"nightshift/internal/config"
	"nightshift/internal/fleet"
)

// account is an account to work in, and how to get there.
type account struct {
	id   fleet.Account
	name string
	// role is what to assume; without an ARN our own credentials are used.
	role    amazon.Role
	regions []string
	// err says why the account is unreachable before anything is tried.
	err error
}

// is reports whether a word of the selection means this account.
func (a account) is(word string) bool { return word != "" && (word == a.name || word == string(a.id)) }

// openAccounts opens the chosen accounts of the configuration, each with its
// regions. One that fails is unreachable, and the others are opened all the same;
// it is an error where none is left.
func (s *Session) openAccounts(ctx context.Context, sel Selection) error {
	accounts, err := s.accounts(ctx, sel)
	if err != nil {
		return err
	}
	targets, errs := make([][]Target, len(accounts)), make([]error, len(accounts))
	concurrently(len(accounts), func(n int) {
		targets[n], errs[n] = s.openAccount(ctx, accounts[n], sel)
	})
	for _, a := range accounts {
		if a.id != "" {
			s.Names[a.id] = a.name
		}
	}
	s.Targets = slices.Concat(targets...)
	for n, err := range errs {
		if err != nil {
			s.app.log.DebugContext(ctx, "an account is unreachable", "account", accounts[n].id, "error", err)
			s.Unreachable = append(s.Unreachable, TargetError{fleet.Target{Account: accounts[n].id}, s.Names.wrap(accounts[n].id, err)})
		}
	}
	for _, t := range s.Targets {
		if !slices.Contains(s.Regions, t.Region) {
			s.Regions = append(s.Regions, t.Region)
		}
	}
	switch {
	case len(s.Targets) > 0:
		return nil
	case len(s.Unreachable) == 0:
		return fleet.Errorf(fleet.ErrInvalid, "no account is left to work in: the organization has none but those excepted")
	default:
		return joinAlike(s.unreachableErrors())
	}
}

// openAccount gives a target for each region of the account.
func (s *Session) openAccount(ctx context.Context, a account, sel Selection) ([]Target, error) {
	if a.err != nil {
		return nil, a.err
	}
	session := s.aws
	if a.role.ARN != "" {
		var err error
		if session, err = s.aws.Assume(ctx, a.role); err != nil {
			return nil, err
		}
	}
	list, err := regionsOf(ctx, session, s.regionNames(sel, a.regions))
	if err != nil {
		return nil, err
	}
	var targets []Target
	for _, region := range list {
		targets = append(targets, Target{fleet.Target{Account: a.id, Region: region}, session})
	}
	return targets, nil
}

// accounts are the chosen accounts, in the order of the configuration.
func (s *Session) accounts(ctx context.Context, sel Selection) ([]account, error) {
	own, ownErr := s.aws.Account(ctx)
	if errors.Is(ownErr, fleet.ErrCredentials) {
		return nil, ownErr
	}
	entries := make([][]account, len(s.Config.Accounts))
	organization := -1
	for n, entry := range s.Config.Accounts {
		if entry.Organization != "" && entry.Err == nil {
			organization = n
			continue
		}
		entries[n] = []account{s.namedAccount(entry, own, ownErr)}
	}
	var listErr error
	// It is asked only where the chosen accounts may be in it.
	if organization >= 0 && (len(sel.Accounts) == 0 || len(missing(sel.Accounts, slices.Concat(entries...))) > 0) {
		entries[organization], listErr = s.members(ctx, s.Config.Accounts[organization], own)
		if listErr != nil {
			listErr = fmt.Errorf("the accounts of the organization: %w", listErr)
			entries[organization] = []account{{err: listErr}}
		}
	}
	all := slices.Concat(entries...)
	if len(sel.Accounts) == 0 {
		return all, nil
	}
	if unknown := missing(sel.Accounts, all); len(unknown) > 0 {
		if listErr != nil {
			return nil, listErr
		}
		var known []string
		for _, a := range all {
			if name := cmp.Or(a.name, string(a.id)); name != "" {
				known = append(known, name)
			}
		}
		return nil, fleet.Errorf(fleet.ErrInvalid, "--account %s: there is no such account in %s; it has %s", unknown[0], s.ref, strings.Join(known, ", "))
	}
	return slices.DeleteFunc(all, func(a account) bool { return !slices.ContainsFunc(sel.Accounts, a.is) }), nil
}

// missing are the words that mean none of the accounts.
func missing(words []string, accounts []account) []string {
	return slices.DeleteFunc(slices.Clone(words), func(word string) bool {
		return slices.ContainsFunc(accounts, func(a account) bool { return a.is(word) })
	})
}

// namedAccount is an account that the configuration names by itself.
func (s *Session) namedAccount(entry config.Account, own fleet.Account, ownErr error) account {
	a := account{id: entry.ID, name: entry.Name, regions: entry.Regions, err: entry.Err}
	switch {
	case a.err != nil:
	case entry.Role != "":
		a.role, a.err = s.role(entry, entry.Role)
	case ownErr != nil:
		a.err = ownErr
	case a.id != "" && a.id != own:
		a.err = fleet.Errorf(fleet.ErrInvalid, "the credentials are of the account %s; give a role for %s", own, a.id)
	default:
		a.id = own
	}
	return a
}

// role is a role of an account with the external id for it.
func (s *Session) role(entry config.Account, arn string) (amazon.Role, error) {
	r := amazon.Role{ARN: arn, ExternalID: entry.ExternalID}
	if name := entry.ExternalIDEnv; name != "" {
		if r.ExternalID = s.app.options.Getenv(name); r.ExternalID == "" {
			return r, fleet.Errorf(fleet.ErrInvalid, "its external id should be in the environment variable %s, which is empty", name)
		}
	}
	return r, nil
}

// members are the active accounts of the organization, by id. Those that the
// configuration names by themselves or excepts are left out, and our own needs no
// role.
func (s *Session) members(ctx context.Context, organization config.Account, own fleet.Account) ([]account, error) {
	list, err := s.aws.Organization(ctx)
	if err != nil {
		return nil, err
	}
	slices.SortFunc(list, func(a, b amazon.Member) int { return cmp.Compare(a.ID, b.ID) })
	named := func(id fleet.Account) bool {
		return slices.ContainsFunc(s.Config.Accounts, func(other config.Account) bool {
			return other.ID == id || id == own && other.Role == "" && other.Organization == "" && other.Err == nil
		})
	}
	for _, id := range organization.Except {
		if !slices.ContainsFunc(list, func(m amazon.Member) bool { return m.ID == id }) {
			s.app.log.WarnContext(ctx, "an excepted account is none of the organization's", "account", id)
		}
	}
	var accounts []account
	for _, m := range list {
		if m.Status != "ACTIVE" || slices.Contains(organization.Except, m.ID) || named(m.ID) {
			continue
		}
		a := account{id: m.ID, name: m.Name, regions: organization.Regions}
		if m.ID != own {
			a.role, a.err = s.role(organization, roleIn(m.ID, organization.Organization, s.aws.Region()))
		}
		accounts = append(accounts, a)
	}
	return accounts, nil
}

// roleIn is the ARN of the role of a name in an account, in the partition of AWS
// that a region belongs to.
func roleIn(id fleet.Account, name string, region fleet.Region) string {
	partition := "aws"
	switch {
	case strings.HasPrefix(string(region), "cn-"):
		partition = "aws-cn"
	case strings.HasPrefix(string(region), "us-gov-"):
		partition = "aws-us-gov"
	}
	return fmt.Sprintf("arn:%s:iam::%s:role/%s", partition, id, name)
}

// unreachableErrors say what could not be opened.
func (s *Session) unreachableErrors() []error {
	return errorsOf(s.Unreachable)
}

// joinAlike joins what went wrong everywhere. It has the kind of these errors only
// where they all have the same.
func joinAlike(errs []error) error {
	all := errors.Join(errs...)
	for _, err := range errs {
		if fleet.StatusOf(err) != fleet.StatusOf(all) {
			return errors.New(all.Error())
		}
	}
	return all
}
