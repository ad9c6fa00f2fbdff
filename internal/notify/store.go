package notify

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"

	"nightshift/internal/app"
	"nightshift/internal/blob"
	"nightshift/internal/config"
	"nightshift/internal/fleet"
)

// stateKey is where the state of a recipient lies in the store of the journal.
func stateKey(recipient string) string { return "notify/open/" + recipient + ".json" }

// memory is the state of a recipient as this process knows it.
type memory struct {
	state *state
	// version is that of the stored one, empty where there is none. Where it could not
	// be stored it is unsaved.
	version string
	unsaved bool
}

// tries is how often a state is read anew where another process was faster.
const tries = 4

// take reads the state of a recipient, changes it and stores it. Where it cannot be
// stored what this process remembers counts, so that nothing is told twice.
func (n *Notifier) take(ctx context.Context, s *app.Session, r config.Recipient, change func(*state)) (memory, error) {
	store, err := s.Versions(ctx)
	if err != nil {
		return memory{}, err
	}
	place := s.Config.Journal + "\n" + r.Name
	defer n.lock(place)()
	for range tries {
		m, err := n.load(ctx, store, place, r)
		if err != nil {
			return memory{}, err
		}
		before := encode(m.state)
		change(m.state)
		body := encode(m.state)
		if store == nil || bytes.Equal(before, body) && !m.unsaved {
			n.remember(place, m)
			return m, nil
		}
		version, err := n.put(ctx, store, r, body, m.version)
		switch {
		case errors.Is(err, fleet.ErrConflict):
			n.forget(place)
			continue
		case err != nil:
			n.Log.WarnContext(ctx, "the state of notices could not be stored", "recipient", r.Name, "error", err)
			m.unsaved = true
		default:
			m.version, m.unsaved = version, false
		}
		n.remember(place, m)
		return m, nil
	}
	return memory{}, fleet.Errorf(fleet.ErrConflict, "other processes keep writing %s", stateKey(r.Name))
}

// get reads what is stored of a recipient. A store that does not answer leaves most of
// the time for sending.
func (n *Notifier) get(ctx context.Context, store blob.Versioned, r config.Recipient) (blob.Version, error) {
	ctx, cancel := context.WithTimeout(ctx, n.Time/5)
	defer cancel()
	return store.GetVersion(ctx, stateKey(r.Name))
}

// put stores what a recipient was told, in the same time.
func (n *Notifier) put(ctx context.Context, store blob.Versioned, r config.Recipient, body []byte, version string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, n.Time/5)
	defer cancel()
	return store.PutVersion(ctx, stateKey(r.Name), body, version)
}

// lock keeps other runs of this process from a state, until what it gives is called.
func (n *Notifier) lock(place string) (unlock func()) {
	n.mu.Lock()
	mu := n.locks[place]
	if mu == nil {
		mu = new(sync.Mutex)
		n.locks[place] = mu
	}
	n.mu.Unlock()
	mu.Lock()
	return mu.Unlock
}

// load reads the state of a recipient, or takes what is remembered where it is newer.
// One that is damaged is begun anew: then what is wrong is told once more.
func (n *Notifier) load(ctx context.Context, store blob.Versioned, place string, r config.Recipient) (memory, error) {
	n.mu.Lock()
	known, remembered := n.known[place]
	n.mu.Unlock()
	if remembered {
		known.state = decode(encode(known.state)) // a copy, which is changed
	}
	if store == nil {
		if !remembered {
			known = memory{state: newState()}
		}
		return known, nil
	}
	got, err := n.get(ctx, store, r)
	switch {
	// S3 denies what is not there to who may not list the whole bucket; what is there
	// is not replaced.
	case errors.Is(err, fleet.ErrNotFound), errors.Is(err, fleet.ErrDenied) && !remembered:
		got = blob.Version{}
	case err != nil && remembered:
		known.unsaved = true
		return known, nil
	case err != nil:
		return memory{}, fmt.Errorf("read the state of notices: %w", err)
	}
	if remembered && known.unsaved && (got.Version == known.version || got.Version == "") {
		known.version = got.Version
		return known, nil
	}
	m := memory{state: newState(), version: got.Version}
	if got.Version != "" {
		if read := decode(got.Body); read != nil {
			m.state = read
		} else {
			n.Log.WarnContext(ctx, "the state of notices cannot be read, and is begun anew", "recipient", r.Name, "object", stateKey(r.Name))
		}
	}
	return m, nil
}

func encode(s *state) []byte {
	body, err := json.Marshal(s)
	if err != nil {
		panic(err) // it is plain data
	}
	return body
}

// decode is nil where the body is not a state.
func decode(body []byte) *state {
	s := newState()
	if err := json.Unmarshal(body, s); err != nil || s.Version != stateVersion {
		return nil
	}
	if s.Open == nil {
		s.Open = newState().Open
	}
	if s.Stops == nil {
		s.Stops = newState().Stops
	}
	return s
}

func (n *Notifier) remember(place string, m memory) {
	n.mu.Lock()
	defer n.mu.Unlock()
	m.state = decode(encode(m.state)) // a copy: the caller goes on with the other one
	n.known[place] = m
}

func (n *Notifier) forget(place string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	delete(n.known, place)
}

// keep stores what was sent. What another process added meanwhile stays.
func (n *Notifier) keep(ctx context.Context, s *app.Session, r config.Recipient, was state, now *state) error {
	gone := map[string]bool{}
	for _, m := range was.Pending {
		gone[m.ID] = !slices.ContainsFunc(now.Pending, func(left Message) bool { return left.ID == m.ID })
	}
	_, err := n.take(ctx, s, r, func(st *state) {
		st.Pending = slices.DeleteFunc(st.Pending, func(m Message) bool { return gone[m.ID] })
		st.NotBefore, st.Dropped = now.NotBefore, max(0, st.Dropped+now.Dropped-was.Dropped)
		st.Sending = newState().Sending
	})
	return err
}
