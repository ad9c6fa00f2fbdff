package sandbox

import (
	"encoding/base32"
	"encoding/base64"
	"sync"
	"sync/atomic"
	"time"
)

// principal is who makes a call.
type principal struct {
	account *account
	arn, id string // as GetCallerIdentity tells them
	policy  *atomic.Pointer[policy]
	role    bool // it is a session of a role
}

// session is an assumed role with its temporary credentials.
type session struct {
	principal
	key, secret, token string
	expires            time.Time
}

// sessions are the temporary credentials of a sandbox, by access key.
type sessions struct {
	mu    sync.Mutex
	seed  uint64
	byKey map[string]*session
}

// temporary begins the access keys of temporary credentials.
const temporary = "ASIA"

func newSessions(seed uint64) sessions { return sessions{seed: seed, byKey: map[string]*session{}} }

// open makes the credentials of a session.
func (l *sessions) open(p principal, expires time.Time) *session {
	l.mu.Lock()
	defer l.mu.Unlock()
	rng := newRand(mix(l.seed, uint64(len(l.byKey))), 12)
	raw := func(n int) []byte {
		b := make([]byte, n)
		for i := range b {
			b[i] = byte(rng.Uint32())
		}
		return b
	}
	one := &session{
		principal: p, expires: expires, key: temporary + base32.StdEncoding.EncodeToString(raw(10)),
		secret: base64.StdEncoding.EncodeToString(raw(30)), token: base64.StdEncoding.EncodeToString(raw(180)),
	}
	l.byKey[one.key] = one
	return one
}

func (l *sessions) find(key string) *session {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.byKey[key]
}
