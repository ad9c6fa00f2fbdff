// Package service is what the services of the sandbox have in common: the call
// with who makes it, permission, faults, and the Query protocol over a region.
package service

import (
	"nightshift/internal/sandbox/policy"
	"nightshift/internal/sandbox/state"
	"nightshift/internal/sandbox/wire"
)

// Call is an API call on its way through a service.
type Call struct {
	*wire.Request
	Organization *state.Organization
	Caller       state.Principal
	Faults       []Hit
	// Draw draws the faults that strike a step of what the call begins, which is
	// one of the service's Steps; named says whether a fault selects it.
	Draw func(step string, named func(Hit) bool) []Hit
}

// InRegion is the region that the call is for.
func (c *Call) InRegion() *state.Region { return c.Caller.Account.Regions[c.Scope.Region] }

// Authorize asks the caller's policy for the call's permission.
func (c *Call) Authorize(resource string, ctx *policy.Context) *wire.Error {
	if c.Permission == "" || c.Caller.Policy.Load().Allows(c.Permission, resource, ctx) {
		return nil
	}
	return wire.Denied(c.Request, c.Caller.ARN, resource)
}

// AuthorizeTo asks the caller's policy for another permission than the call's own,
// which the call needs, too.
func (c *Call) AuthorizeTo(permission, resource string, ctx *policy.Context) *wire.Error {
	if c.Caller.Policy.Load().Allows(permission, resource, ctx) {
		return nil
	}
	refused := *c.Request
	refused.Permission = permission
	return wire.Denied(&refused, c.Caller.ARN, resource)
}

// UseKey asks the caller's policy for the use of a customer managed KMS key on its
// behalf; an empty key needs nothing. Who refuses is the service that was called.
func (c *Call) UseKey(action, key string, use policy.KeyUse) *wire.Error {
	use.Via = c.Scope.Service + "." + c.Scope.Region + ".amazonaws.com"
	if key == "" {
		return nil
	}
	return c.AuthorizeTo(action, key, &policy.Context{Region: c.Scope.Region, Key: use})
}

// Service is one of AWS's services, as the sandbox registers it.
type Service struct {
	Name       string   // by which requests are signed
	Operations []string // that it has
	Steps      []string // of what operations begin, which faults can strike, too
	// Read finds the operation that a request asks for, its permission and its
	// parameters.
	Read    func(*wire.Request)
	Refusal wire.Refusal
	Serve   func(*Call) wire.Answer
	// Names says whether a call names a resource that a fault selects; nil: the
	// service has no resources that faults select.
	Names func(*Call, Hit) bool
}
