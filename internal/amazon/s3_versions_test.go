package amazon_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"nightshift/internal/blob"
	"nightshift/internal/fleet"
	"nightshift/internal/sandbox"
	"nightshift/internal/sandbox/sandboxtest"
)

// testVersions is what every store of versioned objects must do.
func testVersions(t *testing.T, store blob.Versioned) {
	ctx := t.Context()
	if _, err := store.GetVersion(ctx, "lease/power.json"); !errors.Is(err, fleet.ErrNotFound) {
		t.Errorf("what is not there: %v", err)
	}
	if _, err := store.PutVersion(ctx, "lease/power.json", []byte("x"), `"0cc175b9c0f1b6a831c399e269772661"`); !errors.Is(err, fleet.ErrConflict) {
		t.Errorf("in place of an object that is not there: %v", err)
	}
	first, err := store.PutVersion(ctx, "lease/power.json", []byte("first"), "")
	if err != nil || first == "" {
		t.Fatalf("a new one: %q, %v", first, err)
	}
	if _, err := store.PutVersion(ctx, "lease/power.json", []byte("again"), ""); !errors.Is(err, fleet.ErrConflict) {
		t.Errorf("a new one where one is: %v", err)
	}
	got, err := store.GetVersion(ctx, "lease/power.json")
	if err != nil || string(got.Body) != "first" || got.Version != first {
		t.Errorf("read %q as %s, %v; stored as %s", got.Body, got.Version, err, first)
	}
	if age := got.Now.Sub(got.Modified); age < -time.Second || age > time.Minute {
		t.Errorf("its age is %s", age)
	}
	second, err := store.PutVersion(ctx, "lease/power.json", []byte("second"), first)
	if err != nil || second == first {
		t.Errorf("replaced as %s, %v", second, err)
	}
	if _, err := store.PutVersion(ctx, "lease/power.json", []byte("late"), first); !errors.Is(err, fleet.ErrConflict) {
		t.Errorf("in place of a version that was replaced: %v", err)
	}
	if body, err := store.Get(ctx, "lease/power.json"); err != nil || string(body) != "second" {
		t.Errorf("there is %q, %v", body, err)
	}
	if names, err := store.List(ctx, ""); err != nil || strings.Join(names, " ") != "lease/" {
		t.Errorf("beside it: %v, %v", names, err)
	}
	testRace(t, store)
}

// testRace holds that of many who replace the same version one does.
func testRace(t *testing.T, store blob.Versioned) {
	const racers = 50
	for _, version := range []string{"", "the first"} {
		if version != "" {
			got, err := store.GetVersion(t.Context(), "race")
			if err != nil {
				t.Fatal(err)
			}
			version = got.Version
		}
		var group sync.WaitGroup
		var mu sync.Mutex
		var won []string
		for n := range racers {
			group.Go(func() {
				body := fmt.Sprint(version, "racer ", n)
				_, err := store.PutVersion(t.Context(), "race", []byte(body), version)
				mu.Lock()
				defer mu.Unlock()
				switch {
				case err == nil:
					won = append(won, body)
				case !errors.Is(err, fleet.ErrConflict):
					t.Error(err)
				}
			})
		}
		group.Wait()
		body, err := store.Get(t.Context(), "race")
		if len(won) != 1 || err != nil || string(body) != won[0] {
			t.Errorf("%d of %d won: %q; there is %q, %v", len(won), racers, won, body, err)
		}
	}
}

func TestFolderVersions(t *testing.T) {
	testVersions(t, blob.Folder(t.TempDir())) // those of S3 are among what both peers agree on
}

// TestVersionsConflict holds that the rarer answer of S3 to a write that lost is a
// conflict, too, and that a bucket that is not there is none.
func TestVersionsConflict(t *testing.T) {
	busy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusConflict)
		_, _ = w.Write([]byte(`<Error><Code>ConditionalRequestConflict</Code><Message>A conflicting operation occurred.</Message></Error>`))
	}))
	defer busy.Close()
	if _, err := newPeer(busy.URL).session(t).Objects("bucket", "").PutVersion(t.Context(), "lease", nil, ""); !errors.Is(err, fleet.ErrConflict) {
		t.Errorf("409: %v", err)
	}
	server := sandboxtest.Start(t, sandbox.Options{})
	_, err := newPeer(server.URL()).session(t).Objects("no-such-bucket-of-ours", "").PutVersion(t.Context(), "lease", nil, "")
	if !errors.Is(err, fleet.ErrNotFound) || errors.Is(err, fleet.ErrConflict) {
		t.Errorf("no bucket: %v", err)
	}
}
