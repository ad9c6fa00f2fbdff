package cli

import (
	"cmp"
	"slices"

	"nightshift/internal/app"
	"nightshift/internal/fleet"
)

// accountTable is a table whose rows are each about one account. It has a column for
// it where there are several.
type accountTable struct {
	table
	names  app.Names
	column int
}

// tableOf is a table with the account's column at an index.
func tableOf(names app.Names, column int, header ...string) *accountTable {
	if names.Several() {
		header = slices.Insert(header, column, "ACCOUNT")
	}
	return &accountTable{table{header: header}, names, column}
}

func (t *accountTable) add(id fleet.Account, cells ...string) {
	if t.names.Several() {
		cells = slices.Insert(cells, t.column, cmp.Or(t.names.Of(id), "-"))
	}
	t.table.add(cells...)
}
