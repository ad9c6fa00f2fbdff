package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"nightshift/internal/amazon"
	"nightshift/internal/config"
	"nightshift/internal/fleet"
)

// lostTarget is an account that a command could not get into, or one of which
// it did not learn the regions. The account is empty where not even that is
// known.
type lostTarget struct {
	target fleet.Target
	err    error
}

// door is an account to work in, and the way into it.
type door struct {
	id   fleet.Account
	name string
	// role is what to assume; without an ARN our own credentials are used.
	role    amazon.Role
	regions []string
	// err says why the account is lost before anything is tried.
	err error
}

// names are what people call the accounts of a crew. They are empty where the
// account of the credentials is not asked for.
type names map[fleet.Account]string

// several reports whether accounts have to be told apart.
func (n names) several() bool { return len(n) > 1 }

// of is the shortest name of an account that is no other's: the one of the
// configuration or of the organization, else the id.
func (n names) of(id fleet.Account) string {
	for other, name := range n {
		if other != id && name == n[id] {
			return string(id)
		}
	}
	return cmp.Or(n[id], string(id))
}

// tell says in which account something went wrong, where there are several.
func (n names) tell(id fleet.Account, err error) error {
	if err == nil || !n.several() {
		return err
	}
	if name := n.of(id); name != string(id) {
		return fmt.Errorf("account %s (%s): %w", name, id, err)
	}
	return fmt.Errorf("account %s: %w", id, err)
}

// accountTable is a table whose rows are each about one account. It has a column
// for it where there are several.
type accountTable struct {
	table
	names  names
	column int
}

// table is a table with the account's column at an index.
func (n names) table(column int, header ...string) *accountTable {
	if n.several() {
		header = slices.Insert(header, column, "ACCOUNT")
	}
	return &accountTable{table{header: header}, n, column}
}

func (t *accountTable) add(id fleet.Account, cells ...string) {
	if t.names.several() {
		cells = slices.Insert(cells, t.column, cmp.Or(t.names.of(id), "-"))
	}
	t.table.add(cells...)
}

// enter opens the accounts of the configuration that were chosen, each with its
// regions, as posts of the crew. An account that fails is lost, and the others
// are entered all the same; it is an error where none is left. named are the
// regions for all of them, if any.
func (a *app) enter(ctx context.Context, c *crew, named []string) error {
	doors, err := a.doors(ctx, c)
	if err != nil {
		return err
	}
	posts, errs := make([][]post, len(doors)), make([]error, len(doors))
	var group errgroup.Group
	group.SetLimit(postsAtOnce)
	for n, d := range doors {
		if d.id != "" {
			c.names[d.id] = d.name
		}
		group.Go(func() error {
			posts[n], errs[n] = a.through(ctx, c, d, named)
			return nil
		})
	}
	_ = group.Wait() // errors are kept by account
	c.posts = slices.Concat(posts...)
	for n, err := range errs {
		if err != nil {
			c.log.DebugContext(ctx, "an account is lost", "account", doors[n].id, "error", err)
			c.lost = append(c.lost, lostTarget{fleet.Target{Account: doors[n].id}, c.names.tell(doors[n].id, err)})
		}
	}
	for _, p := range c.posts {
		if !slices.Contains(c.regions, p.target.Region) {
			c.regions = append(c.regions, p.target.Region)
		}
	}
	switch {
	case len(c.posts) > 0:
		return nil
	case len(c.lost) == 0:
		return fleet.Errorf(fleet.ErrInvalid, "no account is left to work in: the organization has none but those excepted")
	default:
		return together(c.lostErrors())
	}
}

// lostErrors say what was lost.
func (c *crew) lostErrors() []error {
	var errs []error
	for _, lost := range c.lost {
		errs = append(errs, lost.err)
	}
	return errs
}

// together joins what went wrong everywhere. It is a refusal only where it was
// one everywhere.
func together(errs []error) error {
	all := errors.Join(errs...)
	for _, err := range errs {
		if exitCode(err) != exitCode(all) {
			return errors.New(all.Error())
		}
	}
	return all
}

// doors are the ways into the chosen accounts, in the order of the
// configuration.
func (a *app) doors(ctx context.Context, c *crew) ([]door, error) {
	own, ownErr := c.session.Account(ctx)
	if errors.Is(ownErr, fleet.ErrCredentials) {
		return nil, ownErr
	}
	entries := make([][]door, len(c.config.Accounts))
	organization := -1
	for n, account := range c.config.Accounts {
		if account.Organization != "" && account.Err == nil {
			organization = n
			continue
		}
		entries[n] = []door{a.door(account, own, ownErr)}
	}
	var listErr error
	// It is asked only where the chosen accounts may be in it.
	if organization >= 0 && (len(a.accounts) == 0 || len(a.missing(slices.Concat(entries...))) > 0) {
		entries[organization], listErr = a.members(ctx, c, c.config.Accounts[organization], own)
		if listErr != nil {
			listErr = fmt.Errorf("the accounts of the organization: %w", listErr)
			entries[organization] = []door{{err: listErr}}
		}
	}
	doors := slices.Concat(entries...)
	if len(a.accounts) == 0 {
		return doors, nil
	}
	if missing := a.missing(doors); len(missing) > 0 {
		var known []string
		for _, d := range doors {
			if name := cmp.Or(d.name, string(d.id)); name != "" {
				known = append(known, name)
			}
		}
		err := fleet.Errorf(fleet.ErrInvalid, "--account %s: there is no such account in %s; it has %s", missing[0], a.configName(), strings.Join(known, ", "))
		if listErr != nil {
			return nil, listErr
		}
		return nil, err
	}
	return slices.DeleteFunc(doors, func(d door) bool { return !slices.ContainsFunc(a.accounts, d.is) }), nil
}

// is reports whether a word of the command line means this account.
func (d door) is(word string) bool { return word != "" && (word == d.name || word == string(d.id)) }

// missing are the words of the command line that mean none of the accounts.
func (a *app) missing(doors []door) []string {
	return slices.DeleteFunc(slices.Clone(a.accounts), func(word string) bool {
		return slices.ContainsFunc(doors, func(d door) bool { return d.is(word) })
	})
}

// door is the way into an account that the configuration names by itself.
func (a *app) door(account config.Account, own fleet.Account, ownErr error) door {
	d := door{id: account.ID, name: account.Name, regions: account.Regions, err: account.Err}
	switch {
	case d.err != nil:
	case account.Role != "":
		d.role, d.err = a.role(account, account.Role)
	case ownErr != nil:
		d.err = ownErr
	case d.id != "" && d.id != own:
		d.err = fleet.Errorf(fleet.ErrInvalid, "the credentials are of the account %s; give a role for %s", own, d.id)
	default:
		d.id = own
	}
	return d
}

// role is a role of an account with the external id for it.
func (a *app) role(account config.Account, arn string) (amazon.Role, error) {
	r := amazon.Role{ARN: arn, ExternalID: account.ExternalID}
	if name := account.ExternalIDEnv; name != "" {
		if r.ExternalID = a.Env(name); r.ExternalID == "" {
			return r, fleet.Errorf(fleet.ErrInvalid, "its external id should be in the environment variable %s, which is empty", name)
		}
	}
	return r, nil
}

// members are the ways into the active accounts of the organization, by id.
// Those that the configuration names by themselves or excepts are left out, and
// our own needs no role.
func (a *app) members(ctx context.Context, c *crew, organization config.Account, own fleet.Account) ([]door, error) {
	list, err := c.session.Organization(ctx)
	if err != nil {
		return nil, err
	}
	slices.SortFunc(list, func(a, b amazon.Member) int { return cmp.Compare(a.ID, b.ID) })
	elsewhere := func(id fleet.Account) bool {
		return slices.ContainsFunc(c.config.Accounts, func(other config.Account) bool {
			return other.ID == id || id == own && other.Role == "" && other.Organization == "" && other.Err == nil
		})
	}
	for _, id := range organization.Except {
		if !slices.ContainsFunc(list, func(m amazon.Member) bool { return m.ID == id }) {
			c.log.WarnContext(ctx, "an excepted account is none of the organization's", "account", id)
		}
	}
	var doors []door
	for _, m := range list {
		if m.Status != "ACTIVE" || slices.Contains(organization.Except, m.ID) || elsewhere(m.ID) {
			continue
		}
		d := door{id: m.ID, name: m.Name, regions: organization.Regions}
		if m.ID != own {
			d.role, d.err = a.role(organization, fleet.RoleARN{Partition: c.session.Region().Partition(), Account: m.ID, Name: organization.Organization}.String())
		}
		doors = append(doors, d)
	}
	return doors, nil
}

// through goes through a door: it gives a post for each region of the account.
// Regions are the named ones, else the account's own, else those of all.
func (a *app) through(ctx context.Context, c *crew, d door, named []string) ([]post, error) {
	if d.err != nil {
		return nil, d.err
	}
	session := c.session
	if d.role.ARN != "" {
		var err error
		if session, err = c.session.Assume(ctx, d.role); err != nil {
			return nil, err
		}
	}
	if len(named) == 0 {
		named = d.regions
	}
	if len(named) == 0 {
		named = c.config.Regions
	}
	if len(named) == 0 {
		named = fields(a.Env("NIGHTSHIFT_REGIONS"))
	}
	regions, err := regionsOf(ctx, session, named)
	if err != nil {
		return nil, err
	}
	var posts []post
	for _, region := range regions {
		posts = append(posts, post{session, fleet.Target{Account: d.id, Region: region}})
	}
	return posts, nil
}
