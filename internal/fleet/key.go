package fleet

import "time"

// Key is a key of KMS, as far as it says whether what it has encrypted can be used.
type Key struct {
	State KeyState
	// Deletion is when it will be gone for ever; zero where that is not planned.
	Deletion time.Time
}

// KeyState says whether a key can be used.
type KeyState string

// The states of a key. In all but the first, what it has encrypted can be neither copied
// nor restored.
const (
	KeyEnabled         KeyState = "enabled"
	KeyDisabled        KeyState = "disabled"
	KeyPendingDeletion KeyState = "pending-deletion"
	KeyDeleted         KeyState = "deleted"
	KeyUnavailable     KeyState = "unavailable" // without key material, or its store is not connected
	KeyUnknown         KeyState = "unknown"     // it could not be read
)
