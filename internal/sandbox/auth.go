package sandbox

import (
	"net/http"
	"strconv"
	"time"
)

// serviceOf is the service that a request is for; a guess where it is not
// signed. It reads the request's operation.
func (s *Sandbox) serviceOf(r *request) service {
	if r.scope.service == "" {
		switch {
		case r.Header.Get("X-Amz-Target") != "":
			r.scope.service = "pricing"
		case r.isForm():
			r.scope.service = "ec2"
		default:
			r.scope.service = "s3"
		}
	}
	found, ok := s.services[r.scope.service]
	if !ok {
		found = service{name: r.scope.service, read: (*request).readTarget, refusal: refuseJSON("Message"), serve: unknownService}
	}
	r.refusal = found.refusal
	found.read(r)
	return found
}

func unknownService(r *call) answer {
	return r.refuse(fail(http.StatusNotFound, "UnknownService", "the sandbox has no service "+r.scope.service))
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
func (s *Sandbox) authenticate(r *call) *apiError {
	switch {
	case r.scope.key == "":
		switch r.scope.service {
		case "s3":
			return fail(http.StatusForbidden, "AccessDenied", "Access Denied")
		case "pricing":
			return fail(http.StatusBadRequest, "MissingAuthenticationTokenException", "Missing Authentication Token")
		}
		return fail(http.StatusForbidden, "MissingAuthenticationToken", "Request is missing Authentication Token")
	case r.URL.Query().Has("X-Amz-Credential"):
		if err := checkPresigned(r.request, realNow()); err != nil {
			return err
		}
	}
	if err := s.identify(r); err != nil {
		return err
	}
	switch {
	case r.scope.service == "pricing":
		if !pricingRegion(r.scope.region) {
			return fail(http.StatusBadRequest, "InvalidSignatureException", "Credential should be scoped to a valid region.")
		}
	case global(r.scope.service) && r.scope.region == globalRegion:
	case r.here() == nil:
		if r.scope.service == "s3" {
			return fail(http.StatusBadRequest, "AuthorizationHeaderMalformed",
				"The authorization header is malformed; the region '"+r.scope.region+"' is wrong")
		}
		return r.unknownToken()
	}
	return nil
}

// checkPresigned refuses a presigned request whose time is over. The signer's time
// is the real one, also where the account's clock is elsewhere.
func checkPresigned(r *request, now time.Time) *apiError {
	q := r.URL.Query()
	signed, err := time.Parse("20060102T150405Z", q.Get("X-Amz-Date"))
	if err != nil {
		return invalid("AuthorizationQueryParametersError", `X-Amz-Date must be in the ISO8601 Long Format "yyyyMMdd'T'HHmmss'Z'"`)
	}
	seconds, err := strconv.Atoi(q.Get("X-Amz-Expires"))
	switch {
	case r.scope.service != "s3" && !q.Has("X-Amz-Expires"):
		seconds = 15 * 60 // as long as a signed request
	case err != nil:
		return invalid("AuthorizationQueryParametersError", "X-Amz-Expires should be a number")
	case seconds < 0:
		return invalid("AuthorizationQueryParametersError", "X-Amz-Expires must be non-negative")
	case seconds > 7*24*60*60:
		return invalid("AuthorizationQueryParametersError", "X-Amz-Expires must be less than a week (in seconds); that is, the given X-Amz-Expires must be less than 604800")
	}
	if !now.After(signed.Add(time.Duration(seconds) * time.Second)) {
		return nil
	}
	switch r.scope.service {
	case "s3":
		return fail(http.StatusForbidden, "AccessDenied", "Request has expired")
	case "ec2":
		return invalid("RequestExpired", "Request has expired.")
	}
	return fail(http.StatusForbidden, "SignatureDoesNotMatch", "Signature expired")
}
