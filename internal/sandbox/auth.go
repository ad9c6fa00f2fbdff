package sandbox

import (
	"net/http"
	"strconv"
	"time"

	"nightshift/internal/sandbox/s3"
	"nightshift/internal/sandbox/service"
	"nightshift/internal/sandbox/state"
	"nightshift/internal/sandbox/wire"
)

// serviceOf is the service that a request is for; a guess where it is not
// signed. It reads the request's operation.
func (s *Sandbox) serviceOf(r *wire.Request) service.Service {
	if r.Scope.Service == "" {
		switch {
		case r.Header.Get("X-Amz-Target") != "":
			r.Scope.Service = "pricing"
		case r.IsForm():
			r.Scope.Service = "ec2"
		default:
			r.Scope.Service = "s3"
		}
	}
	found, ok := s.services[r.Scope.Service]
	if !ok {
		found = service.Service{Name: r.Scope.Service, Read: (*wire.Request).ReadTarget, Refusal: wire.RefuseJSON("Message"), Serve: unknownService}
	}
	r.Refusal = found.Refusal
	found.Read(r)
	return found
}

func unknownService(r *service.Call) wire.Answer {
	return r.Refuse(wire.Fail(http.StatusNotFound, "UnknownService", "the sandbox has no service "+r.Scope.Service))
}

// pricingRegion says whether the Price List service has an endpoint in a region.
func pricingRegion(name string) bool {
	return name == "us-east-1" || name == "eu-central-1" || name == "ap-south-1"
}

// global says whether a service has an endpoint without a region, for which
// requests are signed as for us-east-1. Clients that are given an endpoint may
// sign for their own region instead.
func global(service string) bool {
	return service == "sts" || service == "organizations" || service == "ce"
}

// authenticate refuses requests without a signature, with credentials that are
// unknown or over, and for a region that the account has not enabled, as AWS
// does.
func (s *Sandbox) authenticate(r *service.Call) *wire.Error {
	switch {
	case r.Scope.Key == "":
		switch r.Scope.Service {
		case "s3":
			return wire.Fail(http.StatusForbidden, "AccessDenied", "Access Denied")
		case "pricing":
			return wire.Fail(http.StatusBadRequest, "MissingAuthenticationTokenException", "Missing Authentication Token")
		}
		return wire.Fail(http.StatusForbidden, "MissingAuthenticationToken", "Request is missing Authentication Token")
	case r.URL.Query().Has("X-Amz-Credential"):
		if err := checkPresigned(r.Request, state.RealNow()); err != nil {
			return err
		}
	}
	if err := s.identify(r); err != nil {
		return err
	}
	switch {
	case r.Scope.Service == "pricing":
		if !pricingRegion(r.Scope.Region) {
			return wire.Fail(http.StatusBadRequest, "InvalidSignatureException", "Credential should be scoped to a valid region.")
		}
	case global(r.Scope.Service) && r.Scope.Region == s3.GlobalRegion:
	case r.InRegion() == nil:
		if r.Scope.Service == "s3" {
			return wire.Fail(http.StatusBadRequest, "AuthorizationHeaderMalformed",
				"The authorization header is malformed; the region '"+r.Scope.Region+"' is wrong")
		}
		return r.UnknownToken()
	}
	return nil
}

// checkPresigned refuses a presigned request whose time is over. The signer's time
// is the real one, also where the account's clock is elsewhere.
func checkPresigned(r *wire.Request, now time.Time) *wire.Error {
	q := r.URL.Query()
	signed, err := time.Parse("20060102T150405Z", q.Get("X-Amz-Date"))
	if err != nil {
		return wire.Invalid("AuthorizationQueryParametersError", `X-Amz-Date must be in the ISO8601 Long Format "yyyyMMdd'T'HHmmss'Z'"`)
	}
	seconds, err := strconv.Atoi(q.Get("X-Amz-Expires"))
	switch {
	case r.Scope.Service != "s3" && !q.Has("X-Amz-Expires"):
		seconds = 15 * 60 // as long as a signed request
	case err != nil:
		return wire.Invalid("AuthorizationQueryParametersError", "X-Amz-Expires should be a number")
	case seconds < 0:
		return wire.Invalid("AuthorizationQueryParametersError", "X-Amz-Expires must be non-negative")
	case seconds > 7*24*60*60:
		return wire.Invalid("AuthorizationQueryParametersError", "X-Amz-Expires must be less than a week (in seconds); that is, the given X-Amz-Expires must be less than 604800")
	}
	if !now.After(signed.Add(time.Duration(seconds) * time.Second)) {
		return nil
	}
	switch r.Scope.Service {
	case "s3":
		return wire.Fail(http.StatusForbidden, "AccessDenied", "Request has expired")
	case "ec2":
		return wire.Invalid("RequestExpired", "Request has expired.")
	}
	return wire.Fail(http.StatusForbidden, "SignatureDoesNotMatch", "Signature expired")
}
