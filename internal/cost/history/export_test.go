package history

import (
	"iter"

	"nightshift/internal/cost/trend"
)

// Seal and Unsealed let tests make files of other programs and versions.
func Seal(file []byte) error { return seal(file) }

// Unsealed is what stands for the checksum while it is not known.
func Unsealed() string { return unsealed }

// Decode yields the rows of a file. An error is the last that it yields, and
// the rows before it are not the whole file.
func Decode(file []byte) iter.Seq2[trend.Row, error] { return rows[record](file) }
