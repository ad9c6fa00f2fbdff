package state

import (
	"encoding/base32"
	"encoding/base64"
	"sync"
	"sync/atomic"
	"time"

	"nightshift/internal/sandbox/policy"
	"nightshift/internal/sandbox/random"
)

// Principal is who makes a call.
type Principal struct {
	Account *Account
	ARN, ID string // as GetCallerIdentity reports them
	Policy  *atomic.Pointer[policy.Policy]
	Role    bool // it is a session of a role
}

// Session is an assumed role with its temporary credentials.
type Session struct {
	Principal
	Key, Secret, Token string
	Expires            time.Time
}

// Sessions are the temporary credentials of a sandbox, by access key.
type Sessions struct {
	mu    sync.Mutex
	seed  uint64
	byKey map[string]*Session
}

// Temporary begins the access keys of temporary credentials.
const Temporary = "ASIA"

// NewSessions are no sessions; their keys depend on the seed.
func NewSessions(seed uint64) Sessions { return Sessions{seed: seed, byKey: map[string]*Session{}} }

// Open makes the credentials of a session.
func (l *Sessions) Open(p Principal, expires time.Time) *Session {
	l.mu.Lock()
	defer l.mu.Unlock()
	rng := random.New(random.Hash(l.seed, uint64(len(l.byKey))), 12)
	raw := func(n int) []byte {
		b := make([]byte, n)
		for i := range b {
			b[i] = byte(rng.Uint32())
		}
		return b
	}
	one := &Session{
		Principal: p, Expires: expires, Key: Temporary + base32.StdEncoding.EncodeToString(raw(10)),
		Secret: base64.StdEncoding.EncodeToString(raw(30)), Token: base64.StdEncoding.EncodeToString(raw(180)),
	}
	l.byKey[one.Key] = one
	return one
}

// Find finds a session by its access key; nil where there is none.
func (l *Sessions) Find(key string) *Session {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.byKey[key]
}
