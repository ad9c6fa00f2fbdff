package state

import (
	"nightshift/internal/sandbox/catalog"
)

// Organization is what the accounts of a sandbox have in common.
type Organization struct {
	Seed       uint64
	EmptyPages float64 // the share of filtered pages that come back empty
	Clock      *Clock
	Types      catalog.Types
	Catalog    *catalog.PriceList
	Accounts   []*Account // the management account first
	Sessions   Sessions
	// MostSnapshots is the quota of snapshots in each region of an account.
	MostSnapshots int
}

// Account finds an account by its number; nil where there is none.
func (o *Organization) Account(id string) *Account {
	for _, a := range o.Accounts {
		if a.id == id {
			return a
		}
	}
	return nil
}
