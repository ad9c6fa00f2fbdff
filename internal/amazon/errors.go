package amazon

import (
	"context"
	"errors"
	"fmt"
	"net"
	"regexp"
	"strings"

	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/smithy-go"

	"nightshift/internal/fleet"
)

// kinds maps AWS error codes to the kinds that the rest of nightshift
// distinguishes. It is the only place that knows codes. Codes of the EC2 API are those
// of "Error codes for the Amazon EC2 API".
func kinds() map[string]error {
	return map[string]error{
		"AuthFailure":                           fleet.ErrCredentials,
		"ExpiredToken":                          fleet.ErrCredentials,
		"ExpiredTokenException":                 fleet.ErrCredentials,
		"InvalidAccessKeyId":                    fleet.ErrCredentials,
		"InvalidClientTokenId":                  fleet.ErrCredentials,
		"InvalidSignatureException":             fleet.ErrCredentials,
		"InvalidToken":                          fleet.ErrCredentials,
		"MissingAuthenticationToken":            fleet.ErrCredentials,
		"RequestExpired":                        fleet.ErrCredentials,
		"SignatureDoesNotMatch":                 fleet.ErrCredentials,
		"UnrecognizedClientException":           fleet.ErrCredentials,
		"AccessDenied":                          fleet.ErrDenied,
		"AccessDeniedException":                 fleet.ErrDenied,
		"AccessDeniedForDependencyException":    fleet.ErrDenied,
		"AllAccessDisabled":                     fleet.ErrDenied,
		"AuthorizationError":                    fleet.ErrDenied,
		"OptInRequired":                         fleet.ErrDenied,
		"RegionDisabledException":               fleet.ErrDenied,
		"UnauthorizedOperation":                 fleet.ErrDenied,
		"DBClusterNotFoundFault":                fleet.ErrNotFound,
		"DBInstanceNotFound":                    fleet.ErrNotFound,
		"DataUnavailableException":              fleet.ErrNotFound,
		"InvalidInstanceID.NotFound":            fleet.ErrNotFound,
		"NoSuchBucket":                          fleet.ErrNotFound,
		"NotFoundException":                     fleet.ErrNotFound,
		"ResourceNotFoundException":             fleet.ErrNotFound,
		"AWSOrganizationsNotInUseException":     fleet.ErrInvalid,
		"InvalidBucketName":                     fleet.ErrInvalid,
		"InvalidInstanceID.Malformed":           fleet.ErrInvalid,
		"InvalidNextTokenException":             fleet.ErrInvalid,
		"InvalidParameterCombination":           fleet.ErrInvalid,
		"InvalidParameterException":             fleet.ErrInvalid,
		"InvalidParameterValue":                 fleet.ErrInvalid,
		"ValidationException":                   fleet.ErrInvalid,
		"ChangeSetNotFound":                     fleet.ErrNotFound,
		"ChangeSetNotFoundException":            fleet.ErrNotFound,
		"NotFound":                              fleet.ErrNotFound,
		"NoSuchResourceException":               fleet.ErrNotFound,
		"NoSuchTagSet":                          fleet.ErrNotFound,
		"InsufficientCapabilitiesException":     fleet.ErrInvalid,
		"AlreadyExistsException":                fleet.ErrConflict,
		"BucketAlreadyExists":                   fleet.ErrConflict,
		"ConditionalRequestConflict":            fleet.ErrConflict,
		"InvalidChangeSetStatus":                fleet.ErrConflict,
		"OperationInProgressException":          fleet.ErrConflict,
		"PreconditionFailed":                    fleet.ErrConflict,
		"ResourceConflictException":             fleet.ErrConflict,
		"ResourceNotReadyException":             fleet.ErrConflict,
		"TokenAlreadyExistsException":           fleet.ErrConflict,
		"ParameterNotFound":                     fleet.ErrNotFound,
		"ParameterVersionNotFound":              fleet.ErrNotFound,
		"NoSuchKey":                             fleet.ErrNotFound,
		"ValidationError":                       fleet.ErrInvalid,
		"ResourceContention":                    fleet.ErrConflict,
		"ResourceInUse":                         fleet.ErrConflict,
		"ScalingActivityInProgress":             fleet.ErrConflict,
		"IncorrectInstanceState":                fleet.ErrConflict,
		"IncorrectState":                        fleet.ErrConflict,
		"IncorrectSpotRequestState":             fleet.ErrConflict,
		"InvalidDBClusterStateFault":            fleet.ErrConflict,
		"InvalidDBInstanceState":                fleet.ErrConflict,
		"InvalidSnapshot.InUse":                 fleet.ErrConflict,
		"InvalidSnapshot.NotFound":              fleet.ErrNotFound,
		"InvalidVolume.NotFound":                fleet.ErrNotFound,
		"ConcurrentSnapshotLimitExceeded":       fleet.ErrCapacity,
		"PendingSnapshotLimitExceeded":          fleet.ErrCapacity,
		"ResourceLimitExceeded":                 fleet.ErrCapacity,
		"SnapshotCreationPerVolumeRateExceeded": fleet.ErrThrottled,
		"SnapshotLimitExceeded":                 fleet.ErrCapacity,
		"OperationNotPermitted":                 fleet.ErrProtected,
		"UnsupportedOperation":                  fleet.ErrUnsupported,
		"UnsupportedHibernationConfiguration":   fleet.ErrUnsupported,
		"Unsupported":                           fleet.ErrUnsupported,
		"InsufficientCapacity":                  fleet.ErrCapacity,
		"InsufficientDBInstanceCapacity":        fleet.ErrCapacity,
		"InsufficientHostCapacity":              fleet.ErrCapacity,
		"InsufficientInstanceCapacity":          fleet.ErrCapacity,
		"InsufficientReservedInstanceCapacity":  fleet.ErrCapacity,
		"InstanceLimitExceeded":                 fleet.ErrCapacity,
		"MaxSpotInstanceCountExceeded":          fleet.ErrCapacity,
		"SpotMaxPriceTooLow":                    fleet.ErrCapacity,
		"VcpuLimitExceeded":                     fleet.ErrCapacity,
		"RequestLimitExceeded":                  fleet.ErrThrottled,
		"RequestThrottledException":             fleet.ErrThrottled,
		"LimitExceededException":                fleet.ErrThrottled,
		"SlowDown":                              fleet.ErrThrottled,
		"Throttling":                            fleet.ErrThrottled,
		"ThrottlingException":                   fleet.ErrThrottled,
		"TooManyRequestsException":              fleet.ErrThrottled,
		"InternalError":                         fleet.ErrUnavailable,
		"InternalErrorException":                fleet.ErrUnavailable,
		"InternalFailure":                       fleet.ErrUnavailable,
		"InternalServiceFault":                  fleet.ErrUnavailable,
		"ServiceException":                      fleet.ErrUnavailable,
		"ServiceUnavailable":                    fleet.ErrUnavailable,
		"Unavailable":                           fleet.ErrUnavailable,
	}
}

// translate turns an error of the SDK into one of ours: a *fleet.Refusal where
// AWS answered with an error code, else an error that says what could not be
// reached. An interrupted request stays context.Canceled.
func translate(action string, err error) error {
	if err == nil {
		return nil
	}
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("%s: %w", action, err)
	}
	if raised, ok := errors.AsType[*own](err); ok {
		return fmt.Errorf("%s: %w", action, raised.error)
	}
	if api, ok := errors.AsType[smithy.APIError](err); ok {
		kind, known := kinds()[api.ErrorCode()]
		if !known {
			kind = byStatus(err)
		}
		// EC2 appends the request as a long encoded text to its denials.
		message, _, _ := strings.Cut(api.ErrorMessage(), " Encoded authorization failure message:")
		return &fleet.Refusal{
			Kind: kind, Action: refused(action, message), Code: api.ErrorCode(), Message: message,
			IDs: instanceIDs(message), BucketRegion: redirectedTo(err),
		}
	}
	if stalled, ok := errors.AsType[errStalled](err); ok {
		return fleet.Errorf(fleet.ErrUnavailable, "%s: %w; check the network and try again", action, stalled)
	}
	if dns, ok := errors.AsType[*net.DNSError](err); ok && dns.IsNotFound {
		return fleet.Errorf(fleet.ErrUnavailable, "%s: there is no host %s; check the name of the region and the network",
			action, dns.Name)
	}
	if dial, ok := errors.AsType[*net.OpError](err); ok && dial.Op == "dial" {
		return fleet.Errorf(fleet.ErrUnavailable, "%s: nothing answers at %s (%w); check AWS_ENDPOINT_URL and the network",
			action, dial.Addr, root(dial.Err))
	}
	if strings.Contains(err.Error(), "get credentials") {
		return fleet.Errorf(fleet.ErrCredentials, "%s: the AWS credentials cannot be read: %w", action, root(err))
	}
	if answer, ok := errors.AsType[*awshttp.ResponseError](err); ok && answer.Response != nil {
		if answer.HTTPStatusCode() == 0 { // the SDK makes up such an answer where the connection was cut
			return fleet.Errorf(fleet.ErrUnavailable, "%s: the connection ended without an answer (%w); check the network and try again", action, root(err))
		}
		return fleet.Errorf(fleet.ErrUnavailable, "%s: the answer (HTTP %d) is not one of this AWS service (%w); check AWS_ENDPOINT_URL",
			action, answer.HTTPStatusCode(), root(err))
	}
	return fleet.Errorf(fleet.ErrUnavailable, "%s: %w", action, root(err))
}

// own is an error that we raise ourselves within the steps of the SDK, which
// wraps it in their names: a budget that is used up, a role that is refused.
type own struct{ error }

func (e *own) Unwrap() error { return e.error }

// refused is the action that a message says is not permitted, where a service
// needs the use of a key for who calls it; else the action that was asked for.
func refused(action, message string) string {
	_, rest, found := strings.Cut(message, " is not authorized to perform: kms:")
	if words := strings.Fields(rest); found && len(words) > 0 {
		return "kms:" + words[0]
	}
	return action
}

// byStatus classifies an unknown code by the HTTP status of the answer.
func byStatus(err error) error {
	answer, ok := errors.AsType[*awshttp.ResponseError](err)
	switch {
	case ok && answer.HTTPStatusCode() == 403:
		return fleet.ErrDenied
	case ok && answer.HTTPStatusCode() == 404:
		return fleet.ErrNotFound
	case ok && answer.HTTPStatusCode() == 429:
		return fleet.ErrThrottled
	case ok && answer.HTTPStatusCode() >= 500:
		return fleet.ErrUnavailable
	default:
		return fleet.ErrInvalid
	}
}

// root is the innermost error: the SDK wraps the cause in the names of its own
// steps.
func root(err error) error {
	for {
		inner := errors.Unwrap(err)
		if inner == nil {
			return err
		}
		err = inner
	}
}

var instanceID = regexp.MustCompile(`\bi-[0-9a-f]{8,17}\b`)

// instanceIDs finds the instances that a message of EC2 names.
func instanceIDs(message string) []fleet.ResourceID {
	var ids []fleet.ResourceID
	for _, id := range instanceID.FindAllString(message, -1) {
		ids = append(ids, fleet.ResourceID(id))
	}
	return ids
}
