package journal

import (
	"context"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"nightshift/internal/blob"
	"nightshift/internal/fleet"
)

// Query chooses records. The zero value chooses all.
type Query struct {
	Last  int       // at most this many; 0: no limit
	Job   string    // of this job only
	Since time.Time // that started then or later
	// Acts reads only the records of runs that changed something. Those of the
	// others have what their keys say: version, name, job and start.
	Acts bool
	// Known, if not nil, says by the name of a run that its record is not wanted again.
	// It is not read.
	Known func(run string) bool

	hash string // whose name's last part begins so
}

const (
	// recordsAtOnce is how many records are read at once.
	recordsAtOnce = 16
	// maxTrouble ends the reading where more records than that cannot be read:
	// it is then the store that is broken, not a record.
	maxTrouble = 100
)

// Read gives the chosen records, newest first. It lists the folders from the
// newest day backwards and reads no more records than it gives. What cannot be
// read is reported with the rest; records that vanish meanwhile are no error.
func Read(ctx context.Context, store blob.Store, q Query) ([]Record, []error) {
	r := reader{store: store, query: q}
	r.descend(ctx, root, 0)
	slices.SortStableFunc(r.records, func(a, b Record) int { return b.Started.Compare(a.Started) })
	return r.records, r.errs
}

type reader struct {
	store   blob.Store
	query   Query
	records []Record
	errs    []error
	broken  bool
}

func (r *reader) enough(ctx context.Context) bool {
	return r.broken || ctx.Err() != nil || r.query.Last > 0 && len(r.records) >= r.query.Last
}

// descend goes through runs/, its years and their months: depth is the number of
// folders below runs/.
func (r *reader) descend(ctx context.Context, prefix string, depth int) {
	names, err := r.store.List(ctx, prefix)
	if err != nil {
		r.errs, r.broken = append(r.errs, fmt.Errorf("journal: list %s: %w", prefix, err)), true
		return
	}
	slices.SortFunc(names, func(a, b string) int { return strings.Compare(b, a) })
	// The oldest folder of this depth in which a record of the query can lie.
	oldest := ""
	if since := r.query.Since; !since.IsZero() {
		oldest = root + since.UTC().Format([]string{"2006/", "2006/01/", "2006/01/02/"}[depth])
	}
	folders := slices.DeleteFunc(names, func(name string) bool {
		return name < oldest || !strings.HasSuffix(name, "/") || len(path.Base(name)) != len([]string{"2006", "01", "02"}[depth])
	})
	if depth == 2 {
		r.days(ctx, folders)
		return
	}
	for _, name := range folders {
		if r.enough(ctx) {
			return
		}
		r.descend(ctx, name, depth+1)
	}
}

// days lists the days of a month, at the same time where all of them have to be
// looked through, and reads their records, the newest first.
func (r *reader) days(ctx context.Context, folders []string) {
	atOnce := 1
	if r.query.Last == 0 || r.query.hash != "" {
		atOnce = recordsAtOnce
	}
	for some := range slices.Chunk(folders, atOnce) {
		if r.enough(ctx) {
			return
		}
		listed, errs := make([][]string, len(some)), make([]error, len(some))
		var group errgroup.Group
		for n, prefix := range some {
			group.Go(func() error {
				listed[n], errs[n] = r.store.List(ctx, prefix)
				return nil
			})
		}
		_ = group.Wait() // each day has an error of its own
		for n, keys := range listed {
			if r.enough(ctx) {
				return
			}
			if errs[n] != nil {
				r.errs, r.broken = append(r.errs, fmt.Errorf("journal: list %s: %w", some[n], errs[n])), true
				return
			}
			slices.SortFunc(keys, func(a, b string) int { return strings.Compare(b, a) })
			r.day(ctx, keys)
		}
	}
}

// day reads the chosen records of a day from their keys, newest first.
func (r *reader) day(ctx context.Context, keys []string) {
	keys = slices.DeleteFunc(keys, func(key string) bool {
		k, ok := parseKey(key)
		return !ok || r.query.Known != nil && r.query.Known(k.name) || !strings.HasPrefix(k.hash, r.query.hash) || r.query.Job != "" && k.job != r.query.Job || k.started.Before(r.query.Since.Truncate(time.Second))
	})
	for len(keys) > 0 && !r.enough(ctx) {
		n := min(recordsAtOnce, len(keys))
		if r.query.Last > 0 {
			n = min(n, r.query.Last-len(r.records))
		}
		r.fetch(ctx, keys[:n])
		keys = keys[n:]
	}
}

// fetch reads records at the same time and keeps them in the order of keys.
func (r *reader) fetch(ctx context.Context, keys []string) {
	got, errs := make([]Record, len(keys)), make([]error, len(keys))
	var group errgroup.Group
	for i, key := range keys {
		if k, _ := parseKey(key); r.query.Acts && k.idle {
			got[i] = Record{Version: Version, Run: k.name, Job: k.job, Started: k.started}
			continue
		}
		group.Go(func() error {
			body, err := r.store.Get(ctx, key)
			if err != nil {
				errs[i] = fmt.Errorf("journal: read %s: %w", key, err)
				return nil
			}
			got[i], errs[i] = decode(key, body)
			return nil
		})
	}
	_ = group.Wait() // each key has an error of its own
	for i, err := range errs {
		switch {
		case errors.Is(err, fleet.ErrNotFound):
		case err != nil:
			r.errs = append(r.errs, err)
		case !got[i].Started.Before(r.query.Since):
			r.records = append(r.records, got[i])
		}
	}
	if len(r.errs) > maxTrouble {
		r.errs, r.broken = append(r.errs, errors.New("journal: too many records cannot be read; the older ones were not tried")), true
	}
}
