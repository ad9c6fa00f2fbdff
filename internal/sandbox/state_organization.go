package sandbox

// organization is what the accounts of a sandbox have in common.
type organization struct {
	seed       uint64
	emptyPages float64 // the share of filtered pages that come back empty
	clock      *clock
	types      typeTable
	catalog    *catalog
	accounts   []*account // the management account first
	sessions   sessions
}

// account finds an account by its number; nil where there is none.
func (o *organization) account(id string) *account {
	for _, a := range o.accounts {
		if a.id == id {
			return a
		}
	}
	return nil
}
