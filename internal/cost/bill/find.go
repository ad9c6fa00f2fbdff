package bill

import (
	"context"
	"encoding/json"
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"
	"time"

	"nightshift/internal/blob"
	"nightshift/internal/fleet"
)

// file is one file of an export. Export names the export: the folder above those
// of the billing periods. It is empty for files outside of such folders, which
// are taken to be of one export.
type file struct{ key, export string }

type listing struct {
	files []file
	notes []string
}

// deepest bounds how many folders lie in each other.
const deepest = 12

// find lists the files of all exports for a span, in the order of their names.
func find(ctx context.Context, store blob.Store, span fleet.Span) (listing, error) {
	w := walk{store: store, span: span}
	err := w.folder(ctx, "", 0)
	return w.found, err
}

type walk struct {
	store blob.Store
	span  fleet.Span
	found listing
}

// folder looks at all that lies under a prefix.
func (w *walk) folder(ctx context.Context, prefix string, depth int) error {
	if depth > deepest {
		return fleet.Errorf(fleet.ErrInvalid, "%s lies too deep", prefix)
	}
	names, err := w.store.List(ctx, prefix)
	if err != nil {
		return err
	}
	slices.Sort(names)
	for _, name := range names {
		last := path.Base(name)
		switch {
		case strings.HasPrefix(last, "."), strings.HasPrefix(last, "_"):
			continue
		case !strings.HasSuffix(name, "/"):
			if isExport(last) {
				w.found.files = append(w.found.files, file{key: name})
			}
			continue
		case last == "metadata":
			continue
		}
		period, ok := periodOf(strings.TrimSuffix(name, "/"))
		switch {
		case ok && period.Within(w.span).Length() == 0:
		case ok:
			err = w.period(ctx, name, exportOf(prefix), depth+1)
		default:
			err = w.folder(ctx, name, depth+1)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// period takes the files of a billing period. Exports that keep their earlier
// executions have a folder each, and the last one counts.
func (w *walk) period(ctx context.Context, prefix, export string, depth int) error {
	names, err := w.store.List(ctx, prefix)
	if err != nil {
		return err
	}
	slices.Sort(names)
	own := walk{store: w.store, span: w.span}
	executions := map[string][]file{}
	var order []string
	var manifest string
	for _, name := range names {
		last := path.Base(name)
		switch {
		case strings.HasSuffix(name, "/") && !strings.HasPrefix(last, "."):
			inner := walk{store: w.store, span: w.span}
			if err := inner.folder(ctx, name, depth+1); err != nil {
				return err
			}
			if len(inner.found.files) > 0 {
				executions[last] = inner.found.files
				order = append(order, last)
			}
		case strings.HasSuffix(last, "anifest.json"):
			manifest = name
		case isExport(last):
			own.found.files = append(own.found.files, file{key: name})
		}
	}
	files := own.found.files
	if len(order) > 0 {
		latest := order[len(order)-1]
		if current := w.current(ctx, manifest); executions[current] != nil {
			latest = current
		}
		if left := len(order) - 1; left > 0 || len(files) > 0 {
			w.found.notes = append(w.found.notes, fmt.Sprintf("of %s the execution %s is read; %d others are left out", prefix, latest, left+min(len(files), 1)))
		}
		files = executions[latest]
	}
	for _, f := range files {
		w.found.files = append(w.found.files, file{f.key, export})
	}
	return nil
}

// current is the execution that the manifest of a legacy report names. Those of
// executions with names that do not sort by time are distinguished only by it.
// One that cannot be read says nothing.
func (w *walk) current(ctx context.Context, manifest string) string {
	if manifest == "" {
		return ""
	}
	body, err := w.store.Get(ctx, manifest)
	if err != nil {
		return ""
	}
	var m struct {
		AssemblyID string `json:"assemblyId"`
	}
	if json.Unmarshal(body, &m) != nil {
		return ""
	}
	return m.AssemblyID
}

func isExport(name string) bool {
	name = strings.ToLower(name)
	return strings.HasSuffix(name, ".csv") || strings.HasSuffix(name, ".csv.gz") || strings.HasSuffix(name, ".parquet")
}

// periodOf is the month of a folder, in UTC; false where it is not one of a
// billing period. Such folders are "BILLING_PERIOD=2026-11" in Data Exports,
// "20261101-20261201" in the legacy report, and "year=2026/month=11" where that
// is made for Athena.
func periodOf(folder string) (fleet.Span, bool) {
	for _, name := range []string{
		`(?i)(?:^|/)billing_period=(\d{4})-(\d{1,2})$`, `(?:^|/)(\d{4})(\d{2})01-\d{6}01$`, `(?i)(?:^|/)year=(\d{4})/month=(\d{1,2})$`,
	} {
		if parts := regexp.MustCompile(name).FindStringSubmatch(folder); parts != nil {
			month, err := time.Parse("2006-1", parts[1]+"-"+strings.TrimPrefix(parts[2], "0"))
			return fleet.Span{From: month, To: month.AddDate(0, 1, 0)}, err == nil
		}
	}
	return fleet.Span{}, false
}

// exportOf is the folder of an export, given that in which those of its billing
// periods lie.
func exportOf(prefix string) string {
	return regexp.MustCompile(`(?i)year=\d{4}/$`).ReplaceAllString(prefix, "")
}
