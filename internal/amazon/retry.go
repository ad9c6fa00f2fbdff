package amazon

import (
	"errors"
	"net"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/smithy-go"

	"nightshift/internal/fleet"
)

// newRetryer tries a request eight times with growing pauses: throttling, 5xx
// and cut connections pass. AWS_MAX_ATTEMPTS, where set, replaces the eight.
func newRetryer() aws.Retryer {
	return retryer{retry.NewStandard(func(o *retry.StandardOptions) {
		o.MaxAttempts = 8
		o.MaxBackoff = patience
	})}
}

type retryer struct{ aws.RetryerV2 }

// dialTries bounds the tries where nothing answers at all: a wrong address
// does not get better by waiting a minute.
const dialTries = 3

// IsErrorRetryable is the SDK's judgement, but for lack of capacity: EC2 answers
// it with HTTP 500, and it lasts for minutes to hours. Who asked decides what
// to do about it.
func (r retryer) IsErrorRetryable(err error) bool {
	if api, ok := errors.AsType[smithy.APIError](err); ok && errors.Is(kinds()[api.ErrorCode()], fleet.ErrCapacity) {
		return false
	}
	return r.RetryerV2.IsErrorRetryable(err)
}

// RetryDelay is the SDK's delay, but ends the tries early for an endpoint that
// cannot be reached.
func (r retryer) RetryDelay(attempt int, err error) (time.Duration, error) {
	if dial, ok := errors.AsType[*net.OpError](err); ok && dial.Op == "dial" {
		if attempt >= dialTries {
			return 0, err
		}
		return time.Duration(attempt) * 200 * time.Millisecond, nil
	}
	return r.RetryerV2.RetryDelay(attempt, err)
}
