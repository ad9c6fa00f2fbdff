package cost

import (
	"strings"

	"nightshift/internal/fleet"
	"nightshift/internal/price"
)

// successor is a type of the present generation with at least the vCPUs and the
// memory of an older one; false where there is none of the same size.
func successor(t fleet.InstanceType) (fleet.InstanceType, bool) {
	family, size, _ := strings.Cut(string(t), ".")
	newer, ok := map[string]string{
		"t1": "t3", "t2": "t3", "m3": "m6i", "m4": "m6i", "c3": "c6i", "c4": "c6i", "r3": "r6i", "r4": "r6i",
	}[family]
	// Of these the present families have no such size, or a smaller one.
	switch t {
	case "m4.10xlarge", "c4.8xlarge", "m3.medium":
		return "", false
	}
	return fleet.InstanceType(newer + "." + size), ok
}

// SuccessorKey is the price key of an instance as its successor.
func SuccessorKey(key price.InstanceKey) (price.InstanceKey, bool) {
	newer, ok := successor(key.Type)
	key.Type = newer
	return key, ok && !key.HostBilled() && !key.Unused
}
