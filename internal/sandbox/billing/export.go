package billing

import (
	"bytes"
	"cmp"
	"compress/gzip"
	"encoding/csv"
	"errors"
	"fmt"
	"time"

	"nightshift/internal/sandbox/catalog"
	"nightshift/internal/sandbox/state"
)

// ExportBill is an account's bill of a month, as far as it is known: a table of
// FOCUS 1.0, the FinOps Open Cost and Usage
// Specification, as compressed CSV with a row for each resource, usage type and
// day. Columns and values have the shape of AWS's own exports, of whose columns
// three come after those of the specification. It follows from the same past as
// Cost Explorer, a day late like it. The key of the export is
// PREFIX/data/BILLING_PERIOD=2026-10/focus-00001.csv.gz. A month that has not
// begun is an error.
func ExportBill(a *state.Account, prefix string, month time.Time) (body []byte, key string, err error) {
	month = monthOf(month.UTC())
	now := a.Now()
	if !month.Before(now) {
		return nil, "", fmt.Errorf("%s has not begun", month.Format("2006-01"))
	}
	body, err = billTable(a, month, known(now))
	if err != nil {
		return nil, "", err
	}
	if prefix != "" {
		prefix += "/"
	}
	key = prefix + "data/BILLING_PERIOD=" + month.Format("2006-01") + "/focus-00001.csv.gz"
	return body, key, nil
}

// billTable is the table of one month up to an instant.
func billTable(a *state.Account, month, until time.Time) ([]byte, error) {
	var b bytes.Buffer
	zipped := gzip.NewWriter(&b)
	table := csv.NewWriter(zipped)
	columns := focusColumns()
	err := table.Write(columns)
	bill := focusBill{account: a, month: month}
	row := make([]string, len(columns))
	write := func(cells map[string]string) {
		for n, name := range columns {
			row[n] = cmp.Or(cells[name], "NULL")
		}
		bill.rows++
		err = errors.Join(err, table.Write(row))
	}
	biller := newBiller(a)
	all := func(string) bool { return true }
	for day := month; day.Before(state.Earlier(month.AddDate(0, 1, 0), until)); day = day.AddDate(0, 0, 1) {
		end := state.Earlier(day.AddDate(0, 0, 1), until)
		var covered catalog.Price
		for c := range biller.charges(day, end, "", all) {
			write(bill.usage(c))
			if c.credited > 0 {
				write(bill.credit(c))
			}
			if c.payment == planPayment {
				covered += c.cost
			}
		}
		if covered > 0 {
			write(bill.commitment(day, end, covered))
		}
	}
	table.Flush()
	err = errors.Join(err, table.Error(), zipped.Close())
	return b.Bytes(), err
}
