package lease_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"nightshift/internal/amazon"
	"nightshift/internal/blob"
	"nightshift/internal/fleet"
	"nightshift/internal/lease"
	"nightshift/internal/sandbox"
	"nightshift/internal/sandbox/sandboxtest"
)

const ttl = 10 * time.Minute

// bucket is a journal in the S3 of a sandbox whose clock stands still.
func bucket(t *testing.T, o sandbox.Options) (*sandbox.Sandbox, *amazon.Objects) {
	t.Helper()
	o.Speed = -1
	server := sandboxtest.Start(t, o)
	s, err := amazon.Open(t.Context(), amazon.Options{Region: sandbox.DefaultRegion, Endpoint: &amazon.Endpoint{
		URL: server.URL(), AccessKey: sandbox.AccessKey, SecretKey: sandbox.SecretKey, ClockScale: 100,
	}})
	if err != nil {
		t.Fatal(err)
	}
	return server.Sandbox(), s.Objects(sandbox.DefaultBucket, "journal/")
}

func mustTake(t *testing.T, store blob.Versioned, owner string) *lease.Lease {
	t.Helper()
	l, err := lease.Take(t.Context(), store, lease.Key("power", "111111111111"), ttl, owner)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// wantHeld takes in vain.
func wantHeld(t *testing.T, store blob.Versioned, by string) {
	t.Helper()
	_, err := lease.Take(t.Context(), store, lease.Key("power", "111111111111"), ttl, "other")
	held, ok := errors.AsType[*lease.Held](err)
	if !ok || held.Owner != by || !errors.Is(err, fleet.ErrConflict) || !strings.Contains(err.Error(), by) {
		t.Errorf("taken while %s holds it: %v", by, err)
	}
}

// A holder that is killed never renews; after its TTL another one takes over.
func TestKilledHolder(t *testing.T) {
	account, store := bucket(t, sandbox.Options{})
	mustTake(t, store, "first")
	account.Advance(ttl - time.Second)
	wantHeld(t, store, "first")
	account.Advance(time.Second)
	second := mustTake(t, store, "second")
	wantHeld(t, store, "second")
	if err := second.Release(t.Context()); err != nil {
		t.Fatal(err)
	}
	mustTake(t, store, "third") // at once
}

// A holder that is frozen for longer than the TTL learns that it has lost, and its
// release does not take the lease from the next one.
func TestFrozenHolder(t *testing.T) {
	account, store := bucket(t, sandbox.Options{})
	first := mustTake(t, store, "first")
	for range 3 { // renewing makes it young
		account.Advance(ttl - time.Second)
		if err := first.Renew(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	wantHeld(t, store, "first")
	account.Advance(ttl)
	second := mustTake(t, store, "second")
	held, ok := errors.AsType[*lease.Held](first.Renew(t.Context()))
	if !ok || held.Owner != "second" {
		t.Errorf("the frozen one renews: %v", held)
	}
	if err := first.Release(t.Context()); err != nil {
		t.Error(err)
	}
	if err := second.Renew(t.Context()); err != nil {
		t.Errorf("the release of the frozen one counted: %v", err)
	}
}

// The clock of S3 is ten minutes off, and only its differences count.
func TestClockIsOff(t *testing.T) {
	for _, off := range []time.Duration{-10 * time.Minute, 10 * time.Minute} {
		account, store := bucket(t, sandbox.Options{Start: time.Now().Add(off)})
		first := mustTake(t, store, "first")
		wantHeld(t, store, "first")
		account.Advance(ttl - time.Second)
		wantHeld(t, store, "first")
		if err := first.Renew(t.Context()); err != nil {
			t.Error(err)
		}
	}
}

func TestFiftyRacers(t *testing.T) {
	_, objects := bucket(t, sandbox.Options{})
	for name, store := range map[string]blob.Versioned{"bucket": objects, "folder": blob.Folder(t.TempDir())} {
		var group sync.WaitGroup
		var won, lost atomic.Int32
		for n := range 50 {
			group.Go(func() {
				_, err := lease.Take(t.Context(), store, "lease/race.json", ttl, fmt.Sprint("racer ", n))
				switch {
				case err == nil:
					won.Add(1)
				case errors.Is(err, fleet.ErrConflict):
					lost.Add(1)
				default:
					t.Error(err)
				}
			})
		}
		group.Wait()
		if won.Load() != 1 || lost.Load() != 49 {
			t.Errorf("%s: %d won, %d lost", name, won.Load(), lost.Load())
		}
	}
}

// An answer of S3 that is lost on its way makes the client ask again, which then
// conflicts with what it wrote itself.
func TestLostAnswers(t *testing.T) {
	account, store := bucket(t, sandbox.Options{Faults: []sandbox.Fault{{Action: "s3:PutObject", Kind: sandbox.NoAnswer, Count: 1}}})
	l := mustTake(t, store, "first")
	for range 3 {
		if err := account.SetFaults([]sandbox.Fault{{Action: "s3:PutObject", Kind: sandbox.NoAnswer, Count: 1}}); err != nil {
			t.Fatal(err)
		}
		if err := l.Renew(t.Context()); err != nil {
			t.Error(err)
		}
	}
	wantHeld(t, store, "first")
}

// forgetful is a store whose next write arrives although it is said not to.
type forgetful struct {
	blob.Versioned
	fail bool
}

func (f *forgetful) PutVersion(ctx context.Context, key string, body []byte, version string) (string, error) {
	stored, err := f.Versioned.PutVersion(ctx, key, body, version)
	if f.fail {
		f.fail = false
		return "", fleet.ErrUnavailable
	}
	return stored, err
}

func TestAWriteTakenForLostArrives(t *testing.T) {
	store := &forgetful{Versioned: blob.Folder(t.TempDir())}
	l := mustTake(t, store, "first")
	store.fail = true
	if err := l.Renew(t.Context()); !errors.Is(err, fleet.ErrUnavailable) || errors.Is(err, fleet.ErrConflict) {
		t.Errorf("unreachable: %v", err)
	}
	if err := l.Renew(t.Context()); err != nil {
		t.Errorf("it is still ours: %v", err)
	}
}

// A lease that cannot be read is held for the TTL of the one that asks, and one that
// claims years for an hour.
func TestDamagedLease(t *testing.T) {
	account, store := bucket(t, sandbox.Options{})
	key := lease.Key("power", "111111111111")
	for body, free := range map[string]time.Duration{
		"no JSON": ttl,
		`{"owner":"x","token":"y","ttl_seconds":1e9}`: time.Hour,
		`{"owner":"x","token":"y","ttl_seconds":-1}`:  ttl,
	} {
		if err := store.Put(t.Context(), key, []byte(body)); err != nil {
			t.Fatal(err)
		}
		account.Advance(free - time.Second)
		if _, err := lease.Take(t.Context(), store, key, ttl, "other"); !errors.Is(err, fleet.ErrConflict) {
			t.Errorf("%s: taken early: %v", body, err)
		}
		account.Advance(time.Second)
		mustTake(t, store, "next")
	}
}

// Who may not list the whole bucket is denied what is not there. The lease is taken all
// the same, and one that is there is not.
func TestDeniedInsteadOfNotFound(t *testing.T) {
	account, store := bucket(t, sandbox.Options{})
	denied, err := sandbox.ParseFaults("s3:GetObject=deny")
	if err == nil {
		err = account.SetFaults(denied)
	}
	if err != nil {
		t.Fatal(err)
	}
	mustTake(t, store, "first")
	if _, err := lease.Take(t.Context(), store, lease.Key("power", "111111111111"), ttl, "other"); !errors.Is(err, fleet.ErrConflict) {
		t.Errorf("taken from who holds it: %v", err)
	}
}

// A folder whose clock was a year ahead when the lease was taken does not hold it
// for a year.
func TestFolderFromTheFuture(t *testing.T) {
	dir := t.TempDir()
	mustTake(t, blob.Folder(dir), "first")
	wantHeld(t, blob.Folder(dir), "first")
	future := time.Now().AddDate(1, 0, 0)
	if err := os.Chtimes(filepath.Join(dir, filepath.FromSlash(lease.Key("power", "111111111111"))), future, future); err != nil {
		t.Fatal(err)
	}
	mustTake(t, blob.Folder(dir), "second")
}

// TestLock holds a lock in another process, and kills it.
func TestLock(t *testing.T) {
	file := filepath.Join(t.TempDir(), "locks", "power.lock")
	if os.Getenv("NIGHTSHIFT_TEST_LOCK") != "" {
		if _, err := lease.Lock(os.Getenv("NIGHTSHIFT_TEST_LOCK")); err != nil {
			t.Fatal(err)
		}
		fmt.Println("locked")
		time.Sleep(time.Minute)
		return
	}
	other := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestLock$")
	other.Env = append(os.Environ(), "NIGHTSHIFT_TEST_LOCK="+file)
	out, err := other.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := other.Start(); err != nil {
		t.Fatal(err)
	}
	if _, err := out.Read(make([]byte, 6)); err != nil {
		t.Fatal(err)
	}
	if _, err := lease.Lock(file); !errors.Is(err, fleet.ErrConflict) || !strings.Contains(err.Error(), file) {
		t.Errorf("locked twice: %v", err)
	}
	if err := other.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = other.Wait() // it was killed
	l, err := lease.Lock(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(l.Renew(t.Context()), l.Release(t.Context())); err != nil {
		t.Error(err)
	}
	if l, err = lease.Lock(file); err != nil {
		t.Errorf("after the release: %v", err)
	} else if err := l.Release(t.Context()); err != nil {
		t.Error(err)
	}
}
