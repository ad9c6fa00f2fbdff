package ec2

import (
	"nightshift/internal/sandbox/wire"
)

// unknownOtherResource is the refusal of an id that names none of them, by the
// prefix of the id; false where no id of an other resource begins so.
func unknownOtherResource(prefix, id string) (*wire.Error, bool) {
	switch prefix {
	case "snap":
		return noSnapshot(id), true
	case "eipalloc":
		return noAllocation(id), true
	case "h":
		return noHost(id), true
	case "cr":
		return noReservation(id), true
	case "ami":
		return noImage(id), true
	case "lt":
		return noTemplate(id), true
	}
	return nil, false
}

// named finds the things that ids name, each once and in their order. missing
// makes the refusal of an id that names nothing.
func named[T comparable](list []T, idOf func(T) string, ids []string, missing func(id string) *wire.Error) ([]T, *wire.Error) {
	if len(ids) == 0 {
		return list, nil
	}
	requested := make(map[string]bool, len(ids))
	for _, id := range ids {
		requested[id] = true
	}
	var found []T
	for _, x := range list {
		if requested[idOf(x)] {
			found = append(found, x)
			delete(requested, idOf(x))
		}
	}
	for _, id := range ids {
		if requested[id] {
			return nil, missing(id)
		}
	}
	return found, nil
}
