package sandbox

import (
	"nightshift/internal/sandbox/service"
	"nightshift/internal/sandbox/state"
	"nightshift/internal/sandbox/wire"
)

// user is the management account's, to whom AccessKey belongs.
func (s *Sandbox) user() state.Principal {
	return state.Principal{Account: s.home.Account, ARN: callerARN, ID: "AIDAPRACTICE00000000A", Policy: &s.policy}
}

// identify finds out who makes a call. Signatures are not verified. An access
// key must be known; that of a session comes with its token and is not over.
func (s *Sandbox) identify(r *service.Call) *wire.Error {
	if r.Scope.Key == AccessKey {
		r.Caller = s.user()
		return nil
	}
	token := r.Header.Get("X-Amz-Security-Token")
	if token == "" {
		token = r.URL.Query().Get("X-Amz-Security-Token")
	}
	found := s.org.Sessions.Find(r.Scope.Key)
	switch {
	case found == nil:
		return r.UnknownKey()
	case found.Token != token:
		return r.UnknownToken()
	}
	r.Caller = found.Principal
	if !s.Now().Before(found.Expires) {
		return r.ExpiredToken()
	}
	return nil
}
