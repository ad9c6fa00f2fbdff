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

// newRetryer tries a throttled request eight times with growing pauses: what
// holds it up is our own rate, and it passes. AWS_MAX_ATTEMPTS, where set,
// replaces the eight. Where the account's clock runs faster than ours the pauses
// are as much shorter.
func newRetryer(clockScale float64) func() aws.Retryer {
	return func() aws.Retryer {
		return retryer{clockScale, retry.NewStandard(func(o *retry.StandardOptions) {
			o.MaxAttempts = 8
			o.MaxBackoff = maxBackoff
		})}
	}
}

type retryer struct {
	clockScale float64
	aws.RetryerV2
}

// brokenTries bounds the tries where the service answers 5xx or cuts the
// connection, dialTries those where nothing answers at all: a wrong address
// does not get better by waiting a minute. silentTries bounds those where a
// connection is made and no answer comes.
const (
	brokenTries = 5
	dialTries   = 3
	silentTries = 2
)

// IsErrorRetryable is the SDK's decision, except for lack of capacity: EC2
// answers it with HTTP 500, and it lasts for minutes to hours. Who asked decides
// what to do about it.
func (r retryer) IsErrorRetryable(err error) bool {
	if api, ok := errors.AsType[smithy.APIError](err); ok && errors.Is(kinds()[api.ErrorCode()], fleet.ErrCapacity) {
		return false
	}
	return r.RetryerV2.IsErrorRetryable(err)
}

// RetryDelay is the SDK's delay, but ends the tries early where waiting is not
// likely to help.
func (r retryer) RetryDelay(attempt int, err error) (time.Duration, error) {
	if dial, ok := errors.AsType[*net.OpError](err); ok && dial.Op == "dial" {
		if attempt >= dialTries {
			return 0, err
		}
		return time.Duration(attempt) * 200 * time.Millisecond, nil
	}
	if slow, ok := errors.AsType[net.Error](err); ok && slow.Timeout() && attempt >= silentTries {
		return 0, err
	}
	throttled := retry.ThrottleErrorCode{Codes: retry.DefaultThrottleErrorCodes}.IsErrorThrottle(err)
	if !throttled.Bool() && attempt >= brokenTries {
		return 0, err
	}
	pause, err := r.RetryerV2.RetryDelay(attempt, err)
	return time.Duration(float64(pause) / r.clockScale), err
}
