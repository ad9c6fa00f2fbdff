package sandbox

import (
	"bytes"
	"compress/gzip"
	"encoding/csv"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"
)

// ExportBill writes the account's bill of a month, as far as it is known, into
// one of its buckets: a table of FOCUS 1.0, the FinOps Open Cost and Usage
// Specification, as compressed CSV with a row for each resource, usage type and
// day. Columns and values have the shape of AWS's own exports, of whose columns
// three come after those of the specification. It follows from the same past as
// Cost Explorer, a day late like it. The key is
// PREFIX/data/BILLING_PERIOD=2026-10/focus-00001.csv.gz.
//
// Errors are a bucket that the account does not have and a month that has not
// begun.
func (a *Account) ExportBill(bucket, prefix string, month time.Time) (key string, err error) {
	month = monthOf(month.UTC())
	now := a.Now()
	switch {
	case !slices.Contains(a.Buckets(), bucket):
		return "", fmt.Errorf("export the bill: account %s has no bucket %q", a.id, bucket)
	case !month.Before(now):
		return "", fmt.Errorf("export the bill: %s has not begun", month.Format("2006-01"))
	}
	body, err := a.bill(month, known(now))
	if err != nil {
		return "", fmt.Errorf("export the bill: %w", err)
	}
	if prefix != "" {
		prefix += "/"
	}
	key = prefix + "data/BILLING_PERIOD=" + month.Format("2006-01") + "/focus-00001.csv.gz"
	meta := map[string]string{"Content-Type": "application/gzip", "Last-Modified": now.UTC().Format(http.TimeFormat)}
	if _, err := a.s3.backend.PutObject(bucket, key, meta, bytes.NewReader(body), int64(len(body)), nil); err != nil {
		return "", fmt.Errorf("export the bill: %w", err)
	}
	return key, nil
}

// bill is the table of one month up to an instant.
func (a *Account) bill(month, until time.Time) ([]byte, error) {
	var b bytes.Buffer
	zipped := gzip.NewWriter(&b)
	table := csv.NewWriter(zipped)
	columns := focusColumns()
	err := table.Write(columns)
	bill := focusBill{account: a, month: month}
	row := make([]string, len(columns))
	write := func(cells map[string]string) {
		for n, name := range columns {
			row[n] = textOr(cells[name], "NULL")
		}
		bill.rows++
		err = errors.Join(err, table.Write(row))
	}
	biller := a.biller()
	all := func(string) bool { return true }
	for day := month; day.Before(earlier(month.AddDate(0, 1, 0), until)); day = day.AddDate(0, 0, 1) {
		end := earlier(day.AddDate(0, 0, 1), until)
		var covered listPrice
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
