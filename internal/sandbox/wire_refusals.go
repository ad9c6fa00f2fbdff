package sandbox

import "net/http"

// throttled is the refusal of one call too many, in the words of each service.
func throttled(r *request) *apiError {
	switch r.scope.service {
	case "ec2":
		return fail(http.StatusServiceUnavailable, "RequestLimitExceeded", "Request limit exceeded.")
	case "s3":
		return fail(http.StatusServiceUnavailable, "SlowDown", "Please reduce your request rate.")
	case "ce":
		return invalid("LimitExceededException", "Rate exceeded")
	case "organizations":
		return invalid("TooManyRequestsException", "You have sent too many requests in too short a period of time.")
	}
	if r.query {
		return invalid("Throttling", "Rate exceeded")
	}
	return invalid("ThrottlingException", "Rate exceeded")
}

// broken is the answer of a service that fails.
func broken(r *request) *apiError {
	code, message := "InternalFailure", "An internal error has occurred"
	switch r.scope.service {
	case "ec2":
		code = "InternalError"
	case "s3":
		code, message = "InternalError", "We encountered an internal error. Please try again."
	case "pricing":
		code = "InternalErrorException"
	case "organizations":
		code = "ServiceException"
	}
	return fail(http.StatusInternalServerError, code, message)
}

// denied is the refusal of a call that the caller may not make.
func denied(r *request, caller, resource string) *apiError {
	text := "User: " + caller + " is not authorized to perform: " + r.permission
	if resource != "*" {
		text += " on resource: " + resource
	}
	text += " because no identity-based policy allows the " + r.permission + " action"
	switch r.scope.service {
	case "ec2":
		return fail(http.StatusForbidden, "UnauthorizedOperation", "You are not authorized to perform this operation. "+text)
	case "s3":
		return fail(http.StatusForbidden, "AccessDenied", text)
	}
	if r.query {
		return fail(http.StatusForbidden, "AccessDenied", text)
	}
	return invalid("AccessDeniedException", text)
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
