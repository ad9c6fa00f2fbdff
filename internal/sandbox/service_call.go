package sandbox

import (
	"nightshift/internal/sandbox/policy"
	"nightshift/internal/sandbox/state"
	"nightshift/internal/sandbox/wire"
)

// call is an API call on its way through a service.
type call struct {
	*wire.Request
	Organization *state.Organization
	Caller       state.Principal
	Faults       []Hit
}

// InRegion is the region that the call is for.
func (c *call) InRegion() *state.Region { return c.Caller.Account.Regions[c.Scope.Region] }

// Authorize asks the caller's policy for the call's permission.
func (c *call) Authorize(resource string, ctx *policy.Context) *wire.Error {
	if c.Permission == "" || c.Caller.Policy.Load().Allows(c.Permission, resource, ctx) {
		return nil
	}
	return wire.Denied(c.Request, c.Caller.ARN, resource)
}

// Service is one of AWS's services, as the sandbox registers it.
type Service struct {
	Name       string   // by which requests are signed
	Operations []string // that it has
	// Read finds the operation that a request asks for, its permission and its
	// parameters.
	Read    func(*wire.Request)
	Refusal wire.Refusal
	Serve   func(*call) wire.Answer
	// Names says whether a call names a resource that a fault selects; nil: the
	// service has no resources that faults select.
	Names func(*call, Hit) bool
}
