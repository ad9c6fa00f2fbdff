package journal

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"nightshift/internal/blob"
	"nightshift/internal/fleet"
)

// Find gives the record of one run, by its name, such as
// "20261122T190003Z-power-3f2a90c1d4e8", or by the beginning of the name's last
// part, "3f2a90c1". Of several that begin alike it refuses to choose. No such
// record is fleet.ErrNotFound.
func Find(ctx context.Context, store blob.Store, name string) (Record, error) {
	if k, ok := parseKey(name + ".json"); ok && !strings.Contains(name, "/") {
		return get(ctx, store, k)
	}
	if name == "" || strings.Trim(name, "0123456789abcdef") != "" {
		return Record{}, fleet.Errorf(fleet.ErrInvalid, "%q is not the name of a run; `nightshift history` lists them", name)
	}
	records, errs := Read(ctx, store, Query{Last: 2, hash: name})
	switch {
	case len(errs) > 0:
		return Record{}, errors.Join(errs...)
	case len(records) == 0:
		return Record{}, fleet.Errorf(fleet.ErrNotFound, "the journal has no run %s", name)
	case len(records) > 1:
		return Record{}, fleet.Errorf(fleet.ErrInvalid, "several runs begin with %s, such as those of %s and %s; give more of the name",
			name, records[0].Started.Format(time.RFC3339), records[1].Started.Format(time.RFC3339))
	}
	return records[0], nil
}

// get reads the record of a run whose whole name is known. Only its key says
// whether it was idle.
func get(ctx context.Context, store blob.Store, k keyParts) (Record, error) {
	key := keyOf(k.started, k.name, false)
	body, err := store.Get(ctx, key)
	if errors.Is(err, fleet.ErrNotFound) {
		key = keyOf(k.started, k.name, true)
		body, err = store.Get(ctx, key)
	}
	if err != nil {
		return Record{}, fmt.Errorf("journal: read %s: %w", key, err)
	}
	return decode(key, body)
}
