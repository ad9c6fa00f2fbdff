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

	// tries is how often a client may be wrong within tryTime.
	tries   = 5
	tryTime = time.Minute
	// maxClients is how many clients are followed one by one; those that come after
	// that share their tries.
	maxClients = 4096
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

// attempts count the tokens that clients have shown, until one is right.
type attempts struct {
	mu sync.Mutex
	by map[netip.Addr]attempt
}

type attempt struct {
	count int
	since time.Time
}

// may counts a try and reports whether it is one too many, with the time after which
// the next one is taken.
func (a *attempts) may(client netip.Addr, now time.Time) (wait time.Duration, ok bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	client = a.key(client, now)
	one := a.by[client]
	if now.Sub(one.since) >= tryTime || now.Before(one.since) {
		one = attempt{since: now}
	}
	if one.count >= tries {
		return one.since.Add(tryTime).Sub(now), false
	}
	one.count++
	a.by[client] = one
	return 0, true
}

// right forgets the tries of a client that showed the right token.
func (a *attempts) right(client netip.Addr, now time.Time) {
	a.mu.Lock()
	defer a.mu.Unlock()
	delete(a.by, a.key(client, now))
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
		if now.Sub(one.since) >= tryTime {
			delete(a.by, other)
		}
	}
	if len(a.by) >= maxClients {
		return netip.Addr{}
	}
	return client
}
