// Package lease keeps two processes from doing the same job at the same time: one
// object per job and account, which says who does it. Nothing rests on it but
// double work and double messages: a run that meets another one is correct all the
// same.
//
// A lease is taken, renewed and released in a store of versioned objects. Its age
// is the difference of two times of that store, so that the clocks of the
// processes do not matter. Where there is no bucket, Lock is for the processes of
// one machine.
//
// It may import fleet and blob.
package lease

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"nightshift/internal/blob"
	"nightshift/internal/fleet"
)

// Key is where the lease of a job in an account lies in the store of the journal.
func Key(job string, account fleet.Account) string {
	return fmt.Sprintf("lease/%s-%s.json", job, account)
}

// Lease is the right to do a job, as long as it is renewed. It is for one
// goroutine.
type Lease struct {
	renew, release func(context.Context) error
}

// Renew keeps the lease for another while. An error that matches
// [fleet.ErrConflict] says that another process has it; it is then a [*Held] where
// that is known. After any other error the lease may still be held.
func (l *Lease) Renew(ctx context.Context) error { return l.renew(ctx) }

// Release gives the lease back, so that nobody has to wait until it is too old. One
// that another process has by now is left alone.
func (l *Lease) Release(ctx context.Context) error { return l.release(ctx) }

// Held is the error of a lease that another process holds. It matches
// [fleet.ErrConflict].
type Held struct {
	// Owner is what that process calls itself; empty where it is not known.
	Owner string
	// Age is how long ago it was taken or renewed, by the clock of the store.
	Age time.Duration
	// TTL is the age at which others may take it.
	TTL time.Duration
}

// Error names the holder.
func (h *Held) Error() string {
	if h.Owner == "" {
		return "another process does this job"
	}
	if h.TTL == 0 {
		return fmt.Sprintf("another process does this job: %s", h.Owner)
	}
	return fmt.Sprintf("another process does this job: %s, which said so %s ago; it is taken over at %s",
		h.Owner, h.Age.Round(time.Second), h.TTL)
}

// Unwrap gives the kind.
func (h *Held) Unwrap() error { return fleet.ErrConflict }

// maxTTL bounds the age that a holder may claim for itself, which could be a
// mistake of its configuration.
const maxTTL = time.Hour

// record is the content of the object.
type record struct {
	Owner string `json:"owner"`
	// Token tells one holder from another, also of the same name.
	Token string `json:"token"`
	// Renewals make every content, and so every version, another one.
	Renewals int `json:"renewals"`
	// Seconds is the holder's TTL.
	Seconds  float64 `json:"ttl_seconds"`
	Released bool    `json:"released,omitempty"`
}

// ttl is the age at which others may take the lease; own is that of the one that
// asks.
func (r record) ttl(own time.Duration) time.Duration {
	claimed := time.Duration(r.Seconds * float64(time.Second))
	if claimed <= 0 {
		return own // it cannot be read
	}
	return min(claimed, max(maxTTL, own))
}

// held is a lease in a store.
type held struct {
	store   blob.Versioned
	key     string
	record  record
	version string
}

// Take takes the lease where nobody has it, where it was released, or where it has
// not been renewed for the TTL of its holder. The owner is a name for people, such
// as the host. The error matches [fleet.ErrConflict], as a [*Held], where another
// process has it; others are those of the store.
func Take(ctx context.Context, store blob.Versioned, key string, ttl time.Duration, owner string) (*Lease, error) {
	h := &held{store: store, key: key, record: record{Owner: owner, Token: rand.Text(), Seconds: ttl.Seconds()}}
	found, err := store.GetVersion(ctx, key)
	switch {
	// S3 denies what is not there to who may not list the whole bucket. What is there
	// is not replaced: then the write says so.
	case errors.Is(err, fleet.ErrNotFound), errors.Is(err, fleet.ErrDenied):
		found = blob.Version{}
	case err != nil:
		return nil, fmt.Errorf("read the lease: %w", err)
	default:
		if by := heldBy(found, ttl); by != nil {
			return nil, by
		}
	}
	h.version = found.Version
	if err := h.write(ctx, ttl); err != nil {
		return nil, err
	}
	return &Lease{
		renew:   func(ctx context.Context) error { return h.again(ctx, ttl, false) },
		release: func(ctx context.Context) error { return h.again(ctx, ttl, true) },
	}, nil
}

// heldBy says who holds a lease; nil where it can be taken.
func heldBy(found blob.Version, own time.Duration) *Held {
	var r record
	if err := json.Unmarshal(found.Body, &r); err != nil {
		r = record{} // the age counts all the same
	}
	age, ttl := found.Now.Sub(found.Modified), r.ttl(own)
	if r.Released || age >= ttl || age <= -ttl { // far in the future: the clock of a folder was wrong
		return nil
	}
	return &Held{Owner: r.Owner, Age: age, TTL: ttl}
}

// again renews or releases.
func (h *held) again(ctx context.Context, ttl time.Duration, released bool) error {
	h.record.Renewals++
	h.record.Released = released
	err := h.write(ctx, ttl)
	if released && errors.Is(err, fleet.ErrConflict) {
		return nil
	}
	return err
}

// write stores the record in place of the version that is known. A conflict may be
// with ourselves: an answer that was lost on its way makes the client ask again.
func (h *held) write(ctx context.Context, ttl time.Duration) error {
	body, err := json.Marshal(h.record)
	if err != nil {
		return fmt.Errorf("write the lease: %w", err)
	}
	version, err := h.store.PutVersion(ctx, h.key, body, h.version)
	if err == nil {
		h.version = version
		return nil
	}
	if !errors.Is(err, fleet.ErrConflict) {
		return fmt.Errorf("write the lease: %w", err)
	}
	found, readErr := h.store.GetVersion(ctx, h.key)
	if readErr != nil {
		return &Held{}
	}
	var there record
	switch {
	case json.Unmarshal(found.Body, &there) != nil || there.Token != h.record.Token:
		return cmp.Or(heldBy(found, ttl), &Held{})
	case there == h.record: // this very write
		h.version = found.Version
		return nil
	}
	// An earlier one of ours, which was taken for lost.
	if h.version, err = h.store.PutVersion(ctx, h.key, body, found.Version); err != nil {
		return fmt.Errorf("write the lease: %w", err)
	}
	return nil
}
