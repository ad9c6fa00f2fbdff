package sandbox

import "strings"

// user is the management account's, to whom all keys belong that no session
// has.
func (s *Sandbox) user() principal {
	return principal{account: s.home.account, arn: callerARN, id: "AIDAPRACTICE00000000A", policy: &s.policy}
}

// identify finds out who makes a call. Signatures are not verified; temporary
// credentials must be known, with their token, and not over.
func (s *Sandbox) identify(r *call) *apiError {
	if !strings.HasPrefix(r.scope.key, temporary) {
		r.caller = s.user()
		return nil
	}
	token := r.Header.Get("X-Amz-Security-Token")
	if token == "" {
		token = r.URL.Query().Get("X-Amz-Security-Token")
	}
	found := s.org.sessions.find(r.scope.key)
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
