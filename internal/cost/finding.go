package cost

import (
	"strings"

	"nightshift/internal/fleet"
	"nightshift/internal/price"
)

// Finding is something that could cost less. Nothing is changed by the report:
// Fix is a command for people to read, judge and run.
type Finding struct {
	Target fleet.Target
	// Code is stable, for programs: "unattached-volume", "gp2-to-gp3", …
	Code     string
	Resource string // its id
	Name     string
	Reason   string // one sentence
	// Saving is the net saving in a full month at list prices; it is never
	// negative. Certain is false where it is an upper bound.
	Saving  price.USD
	Certain bool
	// fix is the command, in which {id} and {region} stand for those of the
	// resource: a large fleet has many findings of few kinds.
	fix string
}

// Fix is the command that would do it.
func (f Finding) Fix() string {
	return strings.ReplaceAll(strings.ReplaceAll(f.fix, "{id}", f.Resource), "{region}", string(f.Target.Region))
}
