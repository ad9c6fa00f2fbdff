package fleet

import "time"

// Result says how an attempt on one resource ended.
type Result string

// The results.
const (
	Done     Result = "done"    // the desired state was accepted or seen
	Failed   Result = "failed"  // it was tried and did not come
	Skipped  Result = "skipped" // it was left out on purpose
	Deferred Result = "left"    // there was no time left to try
)

// Reason says why, as data: a stable code for programs and a sentence for
// people. The zero value means that there is nothing to explain.
type Reason struct {
	Code string `json:"code"`
	Text string `json:"reason"`
}

// Outcome is what happened to one machine. There is one for each machine that a
// plan names, never one for a batch.
type Outcome struct {
	Target Target
	Kind   Kind
	ID     ResourceID
	Name   string
	// Action is "stop" or "start"; empty where nothing was to be done.
	Action string
	Result Result
	Reason Reason
	// State is the last state seen; empty when it was not read again.
	State State
	// At is when AWS accepted the call; zero where none was accepted.
	At time.Time
}

// Act is a stop or a start of a machine that was carried through.
type Act struct {
	Target Target
	Kind   Kind
	ID     ResourceID
	Stop   bool // else a start
	// At is when AWS accepted it, and Doubt by how much that may be wrong, in
	// both directions; 0 means that it is exact.
	At    time.Time
	Doubt time.Duration
}
