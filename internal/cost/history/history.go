// Package history keeps the rows of every report in a folder or in S3: one
// Parquet file a day, under "history/dt=2026-11-22/part-0.parquet". There is no
// database: trend and changes are made from these files, and Athena, Spark,
// DuckDB or pandas read them as they are.
//
// It may import fleet, price, blob, cost and cost/trend, and is one of the two
// users of parquet-go.
package history

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"path"
	"slices"
	"strings"

	"nightshift/internal/blob"
	"nightshift/internal/cost/trend"
	"nightshift/internal/fleet"
)

const (
	root = "history/"
	// partition is the name of the partition, as Hive writes it.
	partition = "dt="
	file      = "part-0.parquet"
)

// Key is the key of a day's file.
func Key(day trend.Date) string { return root + partition + day.String() + "/" + file }

// Write stores the rows of a day and gives the key. The file appears when all
// rows have been read, and replaces one that is there: a day has the rows of
// its last run.
func Write(ctx context.Context, store blob.Store, day trend.Date, rows iter.Seq[trend.Row]) (key string, err error) {
	key = Key(day)
	body, err := Encode(rows)
	if err != nil {
		return "", fmt.Errorf("history: make %s: %w", key, err)
	}
	if err := store.Put(ctx, key, body); err != nil {
		return "", fmt.Errorf("history: write %s: %w", key, err)
	}
	return key, nil
}

// Dates are the days between two dates, both included, for which the store has a
// folder, in their order. Names that are not ours are passed over.
func Dates(ctx context.Context, store blob.Store, from, to trend.Date) ([]trend.Date, error) {
	names, err := store.List(ctx, root)
	if err != nil {
		return nil, fmt.Errorf("history: list %s: %w", root, err)
	}
	var dates []trend.Date
	for _, name := range names {
		value, ours := strings.CutPrefix(path.Base(name), partition)
		if !ours || !strings.HasSuffix(name, "/") {
			continue
		}
		if date, err := trend.ParseDate(value); err == nil && from <= date && date <= to {
			dates = append(dates, date)
		}
	}
	slices.Sort(dates)
	return slices.Compact(dates), nil
}

// Read yields the rows of a day. A file that is not there is fleet.ErrNotFound;
// one that is damaged, cut off or not ours is fleet.ErrInvalid. The error names
// the file and is the last that is yielded; the rows before it are not the
// whole day.
func Read(ctx context.Context, store blob.Store, day trend.Date) iter.Seq2[trend.Row, error] {
	return stored(ctx, store, day, rows[record])
}

// ReadSpending is Read, in a third of the time, with those columns that a trend
// is made from: the time, the resource, its type, its tags, and what it cost.
func ReadSpending(ctx context.Context, store blob.Store, day trend.Date) iter.Seq2[trend.Row, error] {
	return stored(ctx, store, day, rows[spent])
}

func stored(ctx context.Context, store blob.Store, day trend.Date, decode func([]byte) iter.Seq2[trend.Row, error]) iter.Seq2[trend.Row, error] {
	return func(yield func(trend.Row, error) bool) {
		key := Key(day)
		body, err := store.Get(ctx, key)
		if err != nil {
			yield(trend.Row{}, fmt.Errorf("history: read %s: %w", key, err))
			return
		}
		for row, err := range decode(body) {
			switch {
			case err == nil && ctx.Err() != nil:
				err = ctx.Err()
			case errors.Is(err, errNewer):
				err = fleet.Errorf(fleet.ErrInvalid, "history: %s: %w", key, err)
			case err != nil:
				err = fleet.Errorf(fleet.ErrInvalid, "history: %s is damaged or not a file of the history: %w", key, err)
			}
			if !yield(row, err) || err != nil {
				return
			}
		}
	}
}
