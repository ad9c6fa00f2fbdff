// Package bill reads what AWS billed from exports of the bill: FOCUS 1.0 to 1.2
// and the Cost and Usage Report, both the legacy one and CUR 2.0, as CSV (plain
// or gzip) or Parquet. The format shows in the columns, which may come in any
// order.
//
// It may import fleet, price and blob, and with cost/history is the only importer
// of parquet-go.
package bill

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"nightshift/internal/blob"
	"nightshift/internal/fleet"
	"nightshift/internal/price"
)

// Bill is what was billed for EC2 and EBS resources in a span of time.
type Bill struct {
	// Lines are sums: one for each resource, usage type, kind, pricing and
	// commitment, from the first hour to the last.
	Lines []price.BillLine
	// Files are the keys that were read, Rows counts all of their rows.
	Files []string
	Rows  int
	// Unreadable counts the rows of instances, volumes and the like that could
	// not be read, Straddling those that begin before the span and end in it.
	Unreadable, Straddling int
	// Notes are sentences about what is missing or was left out.
	Notes []string
}

// Read finds the exports under a place and reads the lines that begin in a span.
// Metadata, other billing periods and older executions of an export are left
// out. Where several exports have lines of one account, those of the first one,
// by name, count. What could be read comes together with an error.
func Read(ctx context.Context, store blob.Store, span fleet.Span) (Bill, error) {
	found, err := find(ctx, store, span)
	if err != nil {
		return Bill{}, fmt.Errorf("bill: %w", err)
	}
	if len(found.files) == 0 {
		return Bill{}, fleet.Errorf(fleet.ErrNotFound, "bill: there is no export of %s: no file that ends in .csv, .csv.gz or .parquet",
			span.From.UTC().Format("2006-01"))
	}
	r := reading{span: span, sums: map[lineKey]*price.BillLine{}, owner: map[fleet.Account]string{}, faults: map[string]int{}}
	r.bill.Notes = found.notes
	var errs []error
	for _, f := range found.files {
		if err := ctx.Err(); err != nil {
			return Bill{}, fmt.Errorf("bill: %w", err)
		}
		r.file = f
		if err := r.read(ctx, store); err != nil {
			errs = append(errs, fmt.Errorf("bill: %s: %w", f.key, err))
			continue
		}
		r.bill.Files = append(r.bill.Files, f.key)
	}
	return r.result(), errors.Join(errs...)
}

// lineKey is what the lines of one sum have in common.
type lineKey struct {
	account                          fleet.Account
	region                           fleet.Region
	resource, usage, operation, unit string
	kind, pricing, commitment        string
}

// own copies the texts, because each would keep the whole row in memory.
func (k *lineKey) own() {
	k.account, k.region = fleet.Account(strings.Clone(string(k.account))), fleet.Region(strings.Clone(string(k.region)))
	for _, text := range []*string{&k.resource, &k.usage, &k.operation, &k.unit, &k.kind, &k.pricing, &k.commitment} {
		*text = strings.Clone(*text)
	}
}

// reading is a Bill that is being made.
type reading struct {
	span  fleet.Span
	file  file
	bill  Bill
	sums  map[lineKey]*price.BillLine
	order []*price.BillLine
	// owner is the export that the lines of an account come from, doubled counts
	// the lines that other exports have of it.
	owner   map[fleet.Account]string
	doubled int
	faults  map[string]int // why rows could not be read
}

// read reads one file.
func (r *reading) read(ctx context.Context, store blob.Store) (err error) {
	t, err := open(ctx, store, r.file.key)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, t.Close()) }()
	f, err := layoutOf(t.columns())
	if err != nil {
		return err
	}
	t.want(f.columns)
	for {
		row, err := t.next()
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case errors.Is(err, errRow):
			r.bill.Rows++
			r.fault(err)
			continue
		case err != nil:
			return err
		}
		if r.bill.Rows++; r.bill.Rows%rowsPerCheck == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		line, ok, err := f.line(row)
		switch {
		case err != nil:
			r.fault(err)
		case ok:
			r.add(line)
		}
	}
}

// rowsPerCheck is how many rows are read before looking whether to go on.
const rowsPerCheck = 10_000

func (r *reading) fault(err error) {
	r.bill.Unreadable++
	if text := err.Error(); len(r.faults) < 5 || r.faults[text] > 0 {
		r.faults[text]++
	}
}

// add sums up lines. Amounts that one of the lines does not have are not known
// of the sum.
func (r *reading) add(line price.BillLine) {
	switch {
	case line.Start.Before(r.span.From) && line.End.After(r.span.From):
		r.bill.Straddling++
		return
	case line.Start.Before(r.span.From), !line.Start.Before(r.span.To):
		return
	}
	owner, known := r.owner[line.Account]
	if !known {
		owner = r.file.export
		r.owner[line.Account] = owner
	}
	if owner != r.file.export {
		r.doubled++
		return
	}
	key := lineKey{
		line.Account, line.Region, line.Resource, line.UsageType, line.Operation, line.Unit, line.Kind, line.Pricing, line.Commitment,
	}
	sum := r.sums[key]
	if sum == nil {
		key.own()
		line.Resource, line.UsageType, line.Operation = key.resource, key.usage, key.operation
		line.Account, line.Region, line.Unit = key.account, key.region, key.unit
		line.Kind, line.Pricing, line.Commitment = key.kind, key.pricing, key.commitment
		r.sums[key] = &line
		r.order = append(r.order, &line)
		return
	}
	if line.Start.Before(sum.Start) {
		sum.Start = line.Start
	}
	if line.End.After(sum.End) {
		sum.End = line.End
	}
	sum.Quantity += line.Quantity
	sum.Billed = sum.Billed.Add(line.Billed)
	sum.Effective, sum.List = both(sum.Effective, line.Effective), both(sum.List, line.List)
}

func both(a, b *price.USD) *price.USD {
	if a == nil || b == nil {
		return nil
	}
	sum := a.Add(*b)
	return &sum
}

func (r *reading) result() Bill {
	for _, line := range r.order {
		r.bill.Lines = append(r.bill.Lines, *line)
	}
	note := func(format string, values ...any) {
		r.bill.Notes = append(r.bill.Notes, fmt.Sprintf(format, values...))
	}
	if r.doubled > 0 {
		exports := slices.Compact(slices.Sorted(maps.Values(r.owner)))
		note("%d lines are left out because another export (%s) has lines of the same account", r.doubled, strings.Join(exports, ", "))
	}
	if r.bill.Straddling > 0 {
		note("%d lines begin before %s and end after it; they are left out", r.bill.Straddling, r.span.From.UTC().Format(time.RFC3339))
	}
	if r.bill.Unreadable > 0 {
		note("%d of %d rows of the bill could not be read, such as: %s", r.bill.Unreadable, r.bill.Rows, strings.Join(slices.Sorted(maps.Keys(r.faults)), "; "))
	}
	return r.bill
}
