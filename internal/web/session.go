package web

import (
	"crypto/rand"
	"crypto/sha256"
	"net/netip"
	"sync"
	"time"
)

const (
	// sessionTime is how long a login lasts.
	sessionTime = 4 * time.Hour
	maxSessions = 1000

	// tries is how often a client may be wrong within tryTime, and knownTries how often
	// where it shows a token that was right from there within knownTime.
	tries      = 5
	tryTime    = time.Minute
	knownTries = 60
	knownTime  = time.Hour
	// maxClients is how many clients are followed one by one; those that come after
	// that share their tries.
	maxClients = 4096
	// maxLogged is how many refusals of a minute are in the log.
	maxLogged = 100
)

// sessions are the logins that have not ended. They are kept by the hashes of their
// cookies and end with the process.
type sessions struct {
	mu   sync.Mutex
	open map[[sha256.Size]byte]session
}

type session struct {
	operate bool
	ends    time.Time
}

// begin opens a session and gives the value of its cookie.
func (s *sessions) begin(operate bool, now time.Time) string {
	cookie := rand.Text()
	s.mu.Lock()
	defer s.mu.Unlock()
	var first [sha256.Size]byte
	for key, one := range s.open {
		if !one.ends.After(now) {
			delete(s.open, key)
		} else if before, ok := s.open[first]; !ok || one.ends.Before(before.ends) {
			first = key
		}
	}
	if len(s.open) >= maxSessions {
		delete(s.open, first)
	}
	s.open[sha256.Sum256([]byte(cookie))] = session{operate, now.Add(sessionTime)}
	return cookie
}

// find is the session of a cookie; false where it has none, or none any more.
func (s *sessions) find(cookie string, now time.Time) (session, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	one, ok := s.open[sha256.Sum256([]byte(cookie))]
	return one, ok && one.ends.After(now)
}

func (s *sessions) end(cookie string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.open, sha256.Sum256([]byte(cookie)))
}

// attempts count the wrong tokens that clients have shown. A right one takes nothing
// off: who may read would otherwise have any number of tries at the operate token.
type attempts struct {
	mu sync.Mutex
	by map[netip.Addr]attempt
}

type attempt struct {
	wrong int
	since time.Time // the first wrong one that counts
	// right is when one was right at last, by whether it permits to operate.
	right map[bool]time.Time
}

// limit is how many wrong tokens are too many for who shows a token that is right.
// Where the same one has been right before, its owner is not locked out at once by
// somebody else who comes from the same address.
func (a attempt) limit(operate bool, now time.Time) int {
	if age := now.Sub(a.right[operate]); age >= 0 && age < knownTime {
		return knownTries
	}
	return tries
}

// count enters a token that a client has shown, and reports whether the client may be
// answered, else after which time it may.
func (a *attempts) count(client netip.Addr, now time.Time, right, operate bool) (wait time.Duration, ok bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	client = a.key(client, now)
	one := a.by[client]
	if now.Sub(one.since) >= tryTime || now.Before(one.since) {
		one.wrong, one.since = 0, now
	}
	limit := tries
	if right {
		limit = one.limit(operate, now)
	}
	if ok = one.wrong < limit; !ok {
		wait = one.since.Add(tryTime).Sub(now)
	}
	switch {
	case !right:
		one.wrong = min(one.wrong+1, knownTries)
	case ok:
		if one.right == nil {
			one.right = map[bool]time.Time{}
		}
		one.right[operate] = now
	}
	a.by[client] = one
	return wait, ok
}

// refusals counts the refusals that are in the log.
type refusals struct {
	mu           sync.Mutex
	since        time.Time
	logged, left int
}

// note reports whether the log has room for one more, with how many had none since the
// last one that had.
func (r *refusals) note(now time.Time) (left int, ok bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if now.Sub(r.since) >= time.Minute || now.Before(r.since) {
		r.since, r.logged = now, 0
	}
	if r.logged >= maxLogged {
		r.left++
		return 0, false
	}
	r.logged++
	left, r.left = r.left, 0
	return left, true
}

// key is under which a client is counted: one of IPv6 has a whole /64 to come from.
func (a *attempts) key(client netip.Addr, now time.Time) netip.Addr {
	client = client.Unmap()
	if prefix, err := client.Prefix(64); err == nil && client.Is6() {
		client = prefix.Addr()
	}
	if _, known := a.by[client]; known || len(a.by) < maxClients {
		return client
	}
	for other, one := range a.by {
		if now.Sub(one.since) >= tryTime && now.Sub(one.right[false]) >= knownTime && now.Sub(one.right[true]) >= knownTime {
			delete(a.by, other)
		}
	}
	if len(a.by) >= maxClients {
		return netip.Addr{}
	}
	return client
}
