package sandbox

import (
	"net/http"
	"slices"
	"sync"
	"time"
)

// Call is one API call that the account received.
type Call struct {
	Time    time.Time // the account's time when it arrived
	Service string    // as signed: "ec2", "s3", "sts", "pricing"
	Action  string    // the API operation, such as "StopInstances"
	Region  string    // as signed
	// Account is whose credentials signed the call; empty where they are unknown.
	Account string
	// Permission is the IAM action that the operation needs, such as
	// "s3:ListBucket" for ListObjectsV2. Empty where none is needed.
	Permission string
	Status     int    // HTTP status; 0 where the connection was cut
	Code       string // AWS error code, empty on success
	IDs        int    // how many resource ids the request named
	DryRun     bool
}

// Exchange is a request and its answer, complete.
type Exchange struct {
	Service string
	Account string // as in Call
	Region  string
	Action  string

	Method        string
	URL           string // path and query
	RequestHeader http.Header
	RequestBody   []byte

	Status       int // 0 where the connection was cut
	AnswerHeader http.Header
	AnswerBody   []byte
}

// callLog keeps calls in order.
type callLog struct {
	mu    sync.Mutex
	calls []Call
}

func (l *callLog) add(c Call) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.calls = append(l.calls, c)
}

func (l *callLog) all() []Call {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.calls)
}

func (l *callLog) reset() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.calls = nil
}
