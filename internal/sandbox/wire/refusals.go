package wire

import "net/http"

// Throttled is the refusal of one call too many, in the words of each service.
func Throttled(r *Request) *Error {
	switch r.Scope.Service {
	case "ec2":
		return Fail(http.StatusServiceUnavailable, "RequestLimitExceeded", "Request limit exceeded.")
	case "s3":
		return Fail(http.StatusServiceUnavailable, "SlowDown", "Please reduce your request rate.")
	case "ce":
		return Invalid("LimitExceededException", "Rate exceeded")
	case "lambda":
		return Fail(http.StatusTooManyRequests, "TooManyRequestsException", "Rate Exceeded.")
	case "organizations":
		return Invalid("TooManyRequestsException", "You have sent too many requests in too short a period of time.")
	}
	if r.IsQuery {
		return Invalid("Throttling", "Rate exceeded")
	}
	return Invalid("ThrottlingException", "Rate exceeded")
}

// InternalFailure is the answer of a service that fails.
func InternalFailure(r *Request) *Error {
	code, message := "InternalFailure", "An internal error has occurred"
	switch r.Scope.Service {
	case "ec2":
		code = "InternalError"
	case "s3":
		code, message = "InternalError", "We encountered an internal error. Please try again."
	case "pricing":
		code = "InternalErrorException"
	case "lambda", "organizations":
		code = "ServiceException"
	}
	return Fail(http.StatusInternalServerError, code, message)
}

// Denied is the refusal of a call that the caller is not permitted to make.
func Denied(r *Request, caller, resource string) *Error {
	text := "User: " + caller + " is not authorized to perform: " + r.Permission
	if resource != "*" {
		text += " on resource: " + resource
	}
	text += " because no identity-based policy allows the " + r.Permission + " action"
	switch r.Scope.Service {
	case "ec2":
		return Fail(http.StatusForbidden, "UnauthorizedOperation", "You are not authorized to perform this operation. "+text)
	case "s3":
		return Fail(http.StatusForbidden, "AccessDenied", text)
	case "lambda":
		return Fail(http.StatusForbidden, "AccessDeniedException", text)
	}
	if r.IsQuery {
		return Fail(http.StatusForbidden, "AccessDenied", text)
	}
	return Invalid("AccessDeniedException", text)
}

// UnknownKey is the refusal of an access key that nobody has.
func (r *Request) UnknownKey() *Error {
	if r.Scope.Service == "s3" {
		return Fail(http.StatusForbidden, "InvalidAccessKeyId", "The AWS Access Key Id you provided does not exist in our records.")
	}
	return r.UnknownToken()
}

// UnknownToken is the refusal of a session token that does not belong to its
// access key, in the words of each protocol.
func (r *Request) UnknownToken() *Error {
	switch {
	case r.Scope.Service == "ec2":
		return Fail(http.StatusUnauthorized, "AuthFailure", "AWS was not able to validate the provided access credentials")
	case r.Scope.Service == "s3":
		return Invalid("InvalidToken", "The provided token is malformed or otherwise invalid.")
	case r.IsQuery:
		return Fail(http.StatusForbidden, "InvalidClientTokenId", "The security token included in the request is invalid")
	}
	return Invalid("UnrecognizedClientException", "The security token included in the request is invalid.")
}

// ExpiredToken is the refusal of a session that is over.
func (r *Request) ExpiredToken() *Error {
	switch {
	case r.Scope.Service == "ec2":
		return Invalid("RequestExpired", "Request has expired.")
	case r.Scope.Service == "s3":
		return Invalid("ExpiredToken", "The provided token has expired.")
	case r.IsQuery:
		return Fail(http.StatusForbidden, "ExpiredToken", "The security token included in the request is expired")
	}
	return Invalid("ExpiredTokenException", "The security token included in the request is expired")
}
