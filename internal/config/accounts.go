package config

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"

	"go.yaml.in/yaml/v4"

	"nightshift/internal/fleet"
	"nightshift/internal/text"
)

func accountKeys() []string {
	return []string{"id", "name", "role", "external_id", "external_id_env", "organization", "except", "regions"}
}

// maxAccounts bounds the work that a file can ask for.
const maxAccounts = 1000

// Account is an AWS account to work in, or all accounts of the organization.
// One with neither Role nor Organization is the account of the credentials
// themselves.
type Account struct {
	// ID is empty where the file leaves it to AWS to say: of the credentials'
	// own account and of an organization's.
	ID fleet.Account
	// Name is how people call the account; empty where the file gives none.
	Name string
	// Role is the ARN of the role that is assumed.
	Role string
	// ExternalID is what the role asks for, if anything. ExternalIDEnv names
	// the environment variable that holds it where it must not be written in the
	// file. At most one of both is given.
	ExternalID, ExternalIDEnv string
	// Organization is the name, with its path if it has one, of the role that is
	// assumed in every active account of the organization but those in Except.
	Organization string
	Except       []fleet.Account
	// Regions are as those of Config; empty means that the account has none of
	// its own.
	Regions []string
	// Err says where the file defines the account wrongly. It is then left
	// alone, and the other fields may be incomplete.
	Err error
}

// String is how people call the account: its name, its id, or what else is
// known of it.
func (a Account) String() string {
	switch {
	case a.Name != "":
		return a.Name
	case a.ID != "":
		return string(a.ID)
	case a.Organization != "":
		return "the organization"
	default:
		return "an account"
	}
}

// account is an account with the places of its parts.
type account struct {
	Account
	node   *yaml.Node
	fields map[string]field
}

// accounts reads all accounts. An account with an error is kept with it, and so
// is a list that cannot be read at all: it must not look as though none were
// given, which would mean the credentials' own account.
func (l *loader) accounts(n *yaml.Node) {
	before := l.wrong
	var all []account
	for _, item := range l.items(n, "accounts") {
		if len(all) == maxAccounts {
			l.at(item, "there are more than %d accounts", maxAccounts)
			break
		}
		one := l.account(item)
		if one.Err == nil && l.again(all, one) {
			one.Err = l.wrongAccount(item)
		}
		all = append(all, one)
		l.out.Accounts = append(l.out.Accounts, one.Account)
	}
	if len(all) == 0 && l.wrong > before {
		l.out.Accounts = []Account{{Err: l.wrongAccount(n)}}
	}
}

// missAccounts keeps a wrong account where the key itself seems to be misspelt,
// for the same reason. The error is reported with those of the file.
func (l *loader) missAccounts(root *yaml.Node) {
	for i := 0; i+1 < len(root.Content) && root.Kind == yaml.MappingNode; i += 2 {
		if key := root.Content[i]; key.Value != "accounts" && text.Nearest(key.Value, topKeys()) == "accounts" {
			l.out.Accounts = []Account{{Err: l.wrongAccount(key)}}
		}
	}
}

func (l *loader) wrongAccount(n *yaml.Node) error {
	return fleet.Errorf(fleet.ErrInvalid, "the account in %s:%d is wrong", l.name, n.Line)
}

func (l *loader) account(n *yaml.Node) account {
	before := l.wrong
	a := account{node: n, fields: l.fields(n, "an account", accountKeys())}
	for _, key := range accountKeys() { // in this order, so that runs are alike
		entry, given := a.fields[key]
		if !given {
			continue
		}
		switch value := entry.value; key {
		case "id":
			a.ID = l.accountID(value, "id")
		case "name":
			a.Name = l.accountName(value)
		case "role":
			a.role(l, value)
		case "external_id":
			a.ExternalID = l.externalID(value)
		case "external_id_env":
			// Any other variable may hold a secret, which would be sent to the role's account.
			a.ExternalIDEnv = l.matching(value, key, `^NIGHTSHIFT_[A-Za-z0-9_]+$`, "the name of an environment variable that begins with NIGHTSHIFT_, such as NIGHTSHIFT_EXTERNAL_ID")
		case "organization":
			a.Organization = l.matching(value, key, `^([\x21-\x7e]+/)?[\w+=,.@-]{1,64}$`, "the name of the role that every account has, such as nightshift")
		case "except":
			a.Except = l.except(value)
		case "regions":
			a.Regions = l.regions(value)
		}
	}
	// What a misspelt key would have said is not missing, too.
	if l.wrong == before {
		l.checkAccount(a)
	}
	if l.wrong > before {
		a.Err = l.wrongAccount(n)
	}
	return a
}

// checkAccount reports keys that do not go together.
func (l *loader) checkAccount(a account) {
	without := func(key, why string) {
		if entry, given := a.fields[key]; given {
			l.at(entry.key, "%s has no meaning %s", key, why)
		}
	}
	switch {
	case a.Organization != "":
		for _, key := range []string{"id", "name", "role"} {
			without(key, "beside organization, which is for many accounts")
		}
	case a.Role == "":
		for _, key := range []string{"external_id", "external_id_env"} {
			without(key, "without a role")
		}
		if a.ID == "" && a.Name == "" {
			l.at(a.node, "the account has neither a role nor an organization; if it is that of the credentials themselves, give it a name")
		}
	}
	if a.Organization == "" {
		without("except", "without organization")
	}
	if entry, given := a.fields["external_id_env"]; given && a.ExternalID != "" {
		l.at(entry.key, "external_id and external_id_env exclude each other; give one")
	}
}

// again reports an account that an earlier entry is for, too.
func (l *loader) again(earlier []account, a account) bool {
	for _, first := range earlier {
		key, what := "", ""
		switch {
		case first.ID != "" && first.ID == a.ID:
			key, what = cmp.Or(given(a, "id"), "role"), fmt.Sprintf("the account %s", a.ID)
		case first.Name != "" && first.Name == a.Name:
			key, what = "name", fmt.Sprintf("the name %s", a.Name)
		case first.Err != nil: // what it would have been is not known
		case first.Organization != "" && a.Organization != "":
			key, what = "organization", "the organization"
		case first.Role+first.Organization+a.Role+a.Organization == "":
			key, what = cmp.Or(given(a, "name"), "id"), "the account of the credentials themselves"
		}
		if what != "" {
			l.at(a.fields[key].value, "%s is given twice, first in line %d", what, first.node.Line)
			return true
		}
	}
	return false
}

func given(a account, key string) string {
	if _, ok := a.fields[key]; ok {
		return key
	}
	return ""
}

// role reads the ARN of a role, which says the account as well.
func (a *account) role(l *loader, n *yaml.Node) {
	text, ok := l.text(n, "role")
	if !ok {
		return
	}
	role, err := fleet.ParseRoleARN(text)
	_, hasID := a.fields["id"]
	switch {
	case err != nil:
		l.at(n, "%q is not the ARN of a role; write it as arn:aws:iam::%s:role/nightshift", text, cmp.Or(a.ID, "123456789012"))
		return
	case hasID && a.ID != "" && a.ID != role.Account:
		l.at(n, "the role is one of the account %s, the id is %s", role.Account, a.ID)
		return
	case !hasID:
		a.ID = role.Account
	}
	a.Role = text
}

func (l *loader) accountID(n *yaml.Node, what string) fleet.Account {
	return fleet.Account(l.matching(n, what, `^[0-9]{12}$`, "the 12 digits of an account"))
}

func (l *loader) accountName(n *yaml.Node) string {
	name, ok := l.text(n, "name")
	if _, err := fleet.ParseAccount(name); ok && err == nil {
		l.at(n, "the name %s looks like the id of an account", name)
		return ""
	}
	return name
}

// externalID reads what AWS allows as one: 2 to 1224 characters.
func (l *loader) externalID(n *yaml.Node) string {
	id := l.matching(n, "external_id", `^[\w+=,.@:/-]{2,}$`, "at least two letters, digits or characters of +=,.@:/-_")
	if len(id) > 1224 {
		l.at(n, "external_id has more than the 1224 characters that AWS allows")
		return ""
	}
	return id
}

func (l *loader) except(n *yaml.Node) []fleet.Account {
	var list []fleet.Account
	for _, item := range l.items(n, "except") {
		id := l.accountID(item, "an account in except")
		switch {
		case id == "":
		case slices.Contains(list, id):
			l.at(item, "the account %s is given twice", id)
		default:
			list = append(list, id)
		}
	}
	return list
}

// matching reads a text of a form, which is also said in words.
func (l *loader) matching(n *yaml.Node, what, form, words string) string {
	text, ok := l.text(n, what)
	if ok && !regexp.MustCompile(form).MatchString(text) {
		l.at(n, "%s is %q; it must be %s", what, text, words)
		return ""
	}
	return text
}

// FirstRegion is the first region that the file names, which also says which
// partition of AWS its accounts are in; empty if it names none.
func (c *Config) FirstRegion() fleet.Region {
	lists := [][]string{c.Regions}
	for _, account := range c.Accounts {
		lists = append(lists, account.Regions)
	}
	for _, name := range slices.Concat(lists...) {
		if region, err := fleet.ParseRegion(name); err == nil {
			return region
		}
	}
	return ""
}
