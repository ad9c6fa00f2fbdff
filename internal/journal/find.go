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
	if started, _, ok := keyParts(name + ".json"); ok && !strings.Contains(name, "/") {
		key := root + started.Format("2006/01/02/") + name + ".json"
		body, err := store.Get(ctx, key)
		if err != nil {
			return Record{}, fmt.Errorf("journal: read %s: %w", key, err)
		}
		return decode(key, body)
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

// hashOf is the last part of a record's name.
func hashOf(key string) string {
	return strings.TrimSuffix(key[strings.LastIndexByte(key, '-')+1:], ".json")
}
