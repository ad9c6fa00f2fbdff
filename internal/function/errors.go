package function

import (
	"context"
	"errors"
	"strings"

	"github.com/aws/aws-lambda-go/lambda/messages"

	"nightshift/internal/fleet"
	"nightshift/internal/text"
)

// errorTypes are the names under which AWS Lambda reports that an invocation
// failed, by the kind of the error. The first kind that the error has counts.
// Alarms and state machines compare them, so they never change.
func errorTypes() []struct {
	kind error
	name string
} {
	return []struct {
		kind error
		name string
	}{
		{errEvent, "InvalidEvent"},
		{fleet.ErrCredentials, "Credentials"},
		{fleet.ErrDenied, "Denied"},
		{fleet.ErrInvalid, "Invalid"},
		{fleet.ErrNotFound, "NotFound"},
		{context.DeadlineExceeded, "Timeout"},
		{fleet.ErrNoTime, "Timeout"},
		{fleet.ErrThrottled, "Throttled"},
		{fleet.ErrUnavailable, "Unavailable"},
	}
}

// otherError is the name of every other failure.
const otherError = "Failed"

// longestError is how much of an error Lambda receives: a destination or a queue
// takes 256 kB with everything else that is in it.
const longestError = 4000

// invocationError is the error as AWS Lambda reports it. Without a type of its
// own Lambda would take the name of the error's type in Go.
func invocationError(err error) error {
	name := otherError
	for _, t := range errorTypes() {
		if errors.Is(err, t.kind) {
			name = t.name
			break
		}
	}
	return messages.InvokeResponse_Error{Message: text.Clip(strings.TrimSpace(err.Error()), longestError), Type: name}
}
