package sandbox

import (
	"encoding/base32"
	"encoding/base64"
	"encoding/binary"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// principal is who makes a call.
type principal struct {
	account *Account
	arn, id string // as GetCallerIdentity tells them
	policy  *atomic.Pointer[policy]
	role    bool // it is a session of a role
}

// user is the management account's, to whom all keys belong that no session
// has.
func (s *Sandbox) user() principal {
	return principal{account: s.home, arn: callerARN, id: "AIDAPRACTICE00000000A", policy: &s.policy}
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

// identify finds out who makes a call. Signatures are not verified; temporary
// credentials must be known, with their token, and not over.
func (s *Sandbox) identify(r *request) *apiError {
	if !strings.HasPrefix(r.scope.key, temporary) {
		r.caller = s.user()
		return nil
	}
	token := r.Header.Get("X-Amz-Security-Token")
	if token == "" {
		token = r.URL.Query().Get("X-Amz-Security-Token")
	}
	found := s.sessions.find(r.scope.key)
	switch {
	case found == nil:
		return r.unknownKey()
	case found.token != token:
		return r.unknownToken()
	}
	r.caller = found.principal
	if !s.Now().Before(found.expires) {
		return r.expiredToken()
	}
	return nil
}

// unknownKey is the refusal of an access key that nobody has.
func (r *request) unknownKey() *apiError {
	if r.scope.service == "s3" {
		return fail(http.StatusForbidden, "InvalidAccessKeyId", "The AWS Access Key Id you provided does not exist in our records.")
	}
	return r.unknownToken()
}

// unknownToken is the refusal of a session token that does not belong to its
// access key, in the words of each protocol.
func (r *request) unknownToken() *apiError {
	switch {
	case r.scope.service == "ec2":
		return fail(http.StatusUnauthorized, "AuthFailure", "AWS was not able to validate the provided access credentials")
	case r.scope.service == "s3":
		return invalid("InvalidToken", "The provided token is malformed or otherwise invalid.")
	case r.query:
		return fail(http.StatusForbidden, "InvalidClientTokenId", "The security token included in the request is invalid")
	}
	return invalid("UnrecognizedClientException", "The security token included in the request is invalid.")
}

// expiredToken is the refusal of a session that is over.
func (r *request) expiredToken() *apiError {
	switch {
	case r.scope.service == "ec2":
		return invalid("RequestExpired", "Request has expired.")
	case r.scope.service == "s3":
		return invalid("ExpiredToken", "The provided token has expired.")
	case r.query:
		return fail(http.StatusForbidden, "ExpiredToken", "The security token included in the request is expired")
	}
	return invalid("ExpiredTokenException", "The security token included in the request is expired")
}

// uniqueID is the id of a thing in IAM, such as AROA and 17 letters for a role.
func uniqueID(prefix, text string) string {
	h := mixText(7, text)
	return prefix + base32.StdEncoding.EncodeToString(binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64(nil, h), mix(h)))[:17]
}
