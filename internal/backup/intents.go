package backup

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"nightshift/internal/blob"
	"nightshift/internal/fleet"
)

const (
	// intentVersion is the version of the object.
	intentVersion = 1
	// madeFor is how long a copy is remembered after it was made. A listing may not show
	// it for a while, and a run that has read before it was made may still want it.
	madeFor = 15 * time.Minute
	// intentTries is how often a write is tried that another process has overtaken.
	intentTries = 5
)

// intent is a copy that a run is about to make, or has just made.
type intent struct {
	Set SetID `json:"set"`
	// At is when it was begun, by the clock of AWS: the copy has this data or later one.
	At time.Time `json:"at"`
	// Run tells the intents of several runs apart.
	Run string `json:"run"`
	// Made is set once the answer was there, or the copy was found.
	Made bool `json:"made,omitempty"`
}

// intentsKey is where those of an account and region lie. There is one object, so that a
// run reads one, and so that two runs cannot write the same intent at once.
func intentsKey(t fleet.Target) string {
	return fmt.Sprintf("backup/intents/%s-%s.json", t.Account, t.Region)
}

// intents are what runs in an account and region have begun. It is for one goroutine.
type intents struct {
	store   blob.Versioned
	key     string
	now     func() time.Time
	run     string
	version string
	list    []intent
}

type intentsBody struct {
	Version int      `json:"version"`
	Intents []intent `json:"intents"`
}

func readIntents(ctx context.Context, store blob.Versioned, t fleet.Target, now func() time.Time) (*intents, error) {
	i := &intents{store: store, key: intentsKey(t), now: now, run: rand.Text()}
	return i, i.read(ctx)
}

func (i *intents) read(ctx context.Context) error {
	found, err := i.store.GetVersion(ctx, i.key)
	i.version, i.list = found.Version, nil
	switch {
	// S3 denies what is not there to who may not list the whole bucket. What is there is
	// not replaced: then the write says so.
	case errors.Is(err, fleet.ErrNotFound), errors.Is(err, fleet.ErrDenied):
		return nil
	case err != nil:
		return fmt.Errorf("read the open intents: %w", err)
	}
	var body intentsBody
	if err := json.Unmarshal(found.Body, &body); err != nil || body.Version != intentVersion {
		return fleet.Errorf(fleet.ErrInvalid, "%s cannot be read (version %d); a newer nightshift may have written it", i.key, body.Version)
	}
	i.list = body.Intents
	return nil
}

// change stores the list as do changes it. Where another run was faster the list is read
// and changed again; do says whether it still is to be.
func (i *intents) change(ctx context.Context, do func() bool) error {
	for range intentTries {
		before := slices.Clone(i.list)
		if !do() {
			return nil
		}
		now := i.now()
		i.list = slices.DeleteFunc(i.list, func(e intent) bool { return e.Made && now.Sub(e.At).Abs() > madeFor })
		body, err := json.Marshal(intentsBody{intentVersion, i.list})
		if err != nil {
			return fmt.Errorf("write an intent: %w", err)
		}
		version, err := i.store.PutVersion(ctx, i.key, body, i.version)
		if err == nil {
			i.version = version
			return nil
		}
		i.list = before
		if !errors.Is(err, fleet.ErrConflict) {
			return fmt.Errorf("write an intent: %w", err)
		}
		// The other one may be this very write, of which the answer was lost.
		if err := i.read(ctx); err != nil {
			return err
		}
	}
	return fleet.Errorf(fleet.ErrConflict, "write an intent: other runs write theirs at the same time")
}

// busy is the intent of a chain that keeps another copy of it from being made: it is open,
// or the copy that it made serves the slot and may not be visible yet. Sets that the plan
// has seen are no reason.
func (i *intents) busy(c Chain, slot time.Time, seen func(SetID) bool) (intent, bool) {
	for _, e := range i.list {
		chain, of, _, _, ok := e.Set.Read()
		if !ok || chain != c {
			continue
		}
		serves := of.Equal(slot) || !e.At.Before(slot)
		if !e.Made || serves && !seen(e.Set) && i.now().Sub(e.At).Abs() < madeFor {
			return e, true
		}
	}
	return intent{}, false
}

// open notes that a copy is about to be made. by is the intent of another run, where that
// was faster.
func (i *intents) open(ctx context.Context, set SetID, at time.Time, seen func(SetID) bool) (by *intent, err error) {
	chain, slot, _, _, _ := set.Read()
	err = i.change(ctx, func() bool {
		by = nil
		switch other, busy := i.busy(chain, slot, seen); {
		case busy && other.Set == set && other.Run == i.run && !other.Made:
			return false // this very write, of which the answer was lost
		case busy:
			by = &other
			return false
		}
		i.list = append(i.list, intent{Set: set, At: at.UTC(), Run: i.run})
		return true
	})
	return by, err
}

// settle notes of open intents whether the copy is there, or that nothing has come of
// them.
func (i *intents) settle(ctx context.Context, made, dropped []SetID) error {
	return i.change(ctx, func() bool {
		changed := false
		i.list = slices.DeleteFunc(i.list, func(e intent) bool {
			gone := !e.Made && slices.Contains(dropped, e.Set)
			changed = changed || gone
			return gone
		})
		for n := range i.list {
			if e := &i.list[n]; !e.Made && slices.Contains(made, e.Set) {
				e.Made, changed = true, true
			}
		}
		return changed
	})
}
