package amazon

import (
	"errors"
	"net"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
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
