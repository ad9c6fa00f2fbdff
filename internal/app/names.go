package app

import (
	"cmp"
	"fmt"

	"nightshift/internal/fleet"
)

// Names are what people call the accounts of a session. They are empty where the
// account of the credentials is not asked for.
type Names map[fleet.Account]string

// Several reports whether accounts have to be told apart.
func (n Names) Several() bool { return len(n) > 1 }

// Of is the shortest name of an account that is no other's: the one of the
// configuration or of the organization, else the id.
func (n Names) Of(id fleet.Account) string {
	for other, name := range n {
		if other != id && name == n[id] {
			return string(id)
		}
	}
	return cmp.Or(n[id], string(id))
}

// wrap says in which account something went wrong, where there are several.
func (n Names) wrap(id fleet.Account, err error) error {
	if err == nil || !n.Several() {
		return err
	}
	if name := n.Of(id); name != string(id) {
		return fmt.Errorf("account %s (%s): %w", name, id, err)
	}
	return fmt.Errorf("account %s: %w", id, err)
}
