package sandbox

import (
	"net/http"
	"strconv"
	"strings"
	"time"
)

// name finds the operation that a request asks for and the service of an
// unsigned one.
func (r *request) name() {
	target := r.Header.Get("X-Amz-Target")
	form := strings.HasPrefix(r.Header.Get("Content-Type"), "application/x-www-form-urlencoded") ||
		r.URL.Query().Has("Action")
	if r.scope.service == "" {
		switch {
		case target != "":
			r.scope.service = "pricing"
		case form:
			r.scope.service = "ec2"
		default:
			r.scope.service = "s3"
		}
	}
	switch r.scope.service {
	case "ec2", "sts", "autoscaling", "rds":
		r.query = r.scope.service != "ec2"
		r.form = parseParams(r.URL.RawQuery, r.body)
		r.call.Action = r.form.text("Action")
		r.call.DryRun = r.form.flag("DryRun")
		r.call.Permission = r.scope.service + ":" + r.call.Action
		if r.call.Action == "GetCallerIdentity" {
			r.call.Permission = "" // every caller may ask who it is
		}
	case "monitoring":
		r.nameMetrics()
	case "s3":
		op := s3OperationOf(r.Request)
		r.call.Action, r.call.Permission = op.name, op.permission
	default:
		_, r.call.Action, _ = strings.Cut(target, ".")
		if r.query = form && target == ""; r.query {
			r.call.Action = parseParams(r.URL.RawQuery, r.body).text("Action")
		}
		r.call.Permission = r.scope.service + ":" + r.call.Action
	}
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
func (s *Sandbox) authenticate(r *request) *apiError {
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
		if err := r.presigned(realNow()); err != nil {
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
	case r.caller.account.regions[r.scope.region] == nil:
		if r.scope.service == "s3" {
			return fail(http.StatusBadRequest, "AuthorizationHeaderMalformed",
				"The authorization header is malformed; the region '"+r.scope.region+"' is wrong")
		}
		return r.unknownToken()
	}
	return nil
}

// presigned refuses a presigned request whose time is over. The signer's time
// is the real one, also where the account's clock is elsewhere.
func (r *request) presigned(now time.Time) *apiError {
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
