package journal_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"nightshift/internal/blob"
	"nightshift/internal/fleet"
	"nightshift/internal/journal"
)

func TestFind(t *testing.T) {
	store := blob.Folder(t.TempDir())
	begin := time.Date(2026, 11, 20, 19, 0, 0, 0, time.UTC)
	var names []string
	for n := range 40 { // more than there are first digits, so that some begin alike
		r := journal.Record{Job: "power", Started: begin.Add(time.Duration(n) * time.Hour), Seen: n}
		if n%2 == 0 {
			r.Add(journal.Outcome{ID: "i-1", Action: "stop", Result: fleet.Done, At: r.Started})
		}
		key, err := journal.Write(t.Context(), store, r)
		if err != nil {
			t.Fatal(err)
		}
		name := strings.TrimSuffix(key[strings.LastIndexByte(key, '/')+1:], ".json")
		idle := false
		if name, idle = strings.CutSuffix(name, "-idle"); idle == (n%2 == 0) {
			t.Errorf("run %d has the key %s", n, key)
		}
		names = append(names, name)
	}
	ambiguous := map[byte]int{}
	for n, name := range names {
		hash := name[strings.LastIndexByte(name, '-')+1:]
		ambiguous[hash[0]]++
		for _, given := range []string{name, hash, hash[:8]} {
			if r, err := journal.Find(t.Context(), store, given); err != nil || r.Seen != n || r.Run != name {
				t.Errorf("%s is %+v, %v; want %s", given, r, err, name)
			}
		}
	}
	for first, n := range ambiguous {
		_, err := journal.Find(t.Context(), store, string(first))
		if n > 1 && (!errors.Is(err, fleet.ErrInvalid) || !strings.Contains(err.Error(), "several")) || n == 1 && err != nil {
			t.Errorf("%d runs begin with %c: %v", n, first, err)
		}
	}
	for name, want := range map[string]error{
		"": fleet.ErrInvalid, "../20261120T190000Z-power-000000000000": fleet.ErrInvalid, "../x": fleet.ErrInvalid, "nightly": fleet.ErrInvalid, "000000000000000": fleet.ErrNotFound,
		"20261120T190000Z-power-000000000000": fleet.ErrNotFound,
	} {
		if _, err := journal.Find(t.Context(), store, name); !errors.Is(err, want) {
			t.Errorf("%q: %v, want %v", name, err, want)
		}
	}
}
