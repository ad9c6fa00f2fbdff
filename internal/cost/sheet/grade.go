package sheet

import (
	"nightshift/internal/backup"
	"nightshift/internal/price"
)

// Grade is how a status is shown.
type Grade int

// The grades.
const (
	Good Grade = iota
	Doubtful
	Bad
)

// GradeOf is that of a value of a column of the format [Status].
func GradeOf(status string) Grade {
	switch status {
	case "", string(price.Exact), string(backup.Protected), string(backup.New), string(backup.NotCopied):
		return Good
	case string(price.Ambiguous), string(price.Missing), string(backup.Unprotected), recordPublic, recordUnread:
		return Bad
	default:
		return Doubtful
	}
}
