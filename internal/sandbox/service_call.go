package sandbox

// call is an API call on its way through a service.
type call struct {
	*request
	org    *organization
	caller principal
	faults []faultHit
}

// here is the region that the call is for.
func (c *call) here() *region { return c.caller.account.regions[c.scope.region] }

// authorize asks the caller's policy for the call's permission.
func (c *call) authorize(resource string, ctx *policyContext) *apiError {
	if c.permission == "" || c.caller.policy.Load().allows(c.permission, resource, ctx) {
		return nil
	}
	return denied(c.request, c.caller.arn, resource)
}

// service is one of AWS's services, as the sandbox registers it.
type service struct {
	name       string   // by which requests are signed
	operations []string // that it has
	// read finds the operation that a request asks for, its permission and its
	// parameters.
	read    func(*request)
	refusal refusal
	serve   func(*call) answer
	// names says whether a call names a resource that a fault selects; nil: the
	// service has no resources that faults select.
	names func(*call, faultHit) bool
}
