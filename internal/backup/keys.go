package backup

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"nightshift/internal/fleet"
)

// KeyStatus is a key of KMS under which are volumes that policies select, or copies of
// nightshift. Without the key these copies cannot be restored.
type KeyStatus struct {
	Key   string         `json:"key"` // its ARN
	State fleet.KeyState `json:"state"`
	// Deletion is when the key will be gone for ever, of one whose deletion is planned.
	Deletion *time.Time `json:"deletion,omitempty"`
	Volumes  int        `json:"volumes"`
	Copies   int        `json:"copies"`
}

// Unusable says whether it is known that the key cannot be used.
func (k KeyStatus) Unusable() bool { return unusable(k.State) }

func unusable(state fleet.KeyState) bool {
	return state != fleet.KeyEnabled && state != fleet.KeyUnknown
}

// KeysOf are the ARNs of the keys whose states are asked for: those of volumes that
// policies select, and of snapshots with the tag of a policy. There are none without
// policies.
func KeysOf(inv Inventory, settings Settings) []string {
	if len(settings.Policies) == 0 {
		return nil
	}
	keys := map[string]bool{}
	e := newEstate(inv)
	for id := range choose(e, settings.Policies).claimed {
		keys[e.volumes[id].Key] = true
	}
	for n := range inv.Snapshots {
		if s := &inv.Snapshots[n]; s.Key != "" && s.Tags[TagPolicy] != "" {
			keys[s.Key] = true
		}
	}
	delete(keys, "")
	return slices.Sorted(maps.Keys(keys))
}

// keyState is the state of a key, unknown where it was not read.
func (i *Inventory) keyState(arn string) fleet.KeyState {
	if key, ok := i.Keys[arn]; ok {
		return key.State
	}
	return fleet.KeyUnknown
}

// keys are the keys of what policies select and have copied, in the order of their ARNs.
func (c *coverer) keys() []KeyStatus {
	found := map[string]*KeyStatus{}
	of := func(arn string) *KeyStatus {
		k := found[arn]
		if k == nil {
			k = &KeyStatus{Key: arn, State: c.estate.keyState(arn)}
			if at := c.estate.Keys[arn].Deletion; !at.IsZero() {
				k.Deletion = &at
			}
			found[arn] = k
		}
		return k
	}
	if len(c.settings.Policies) == 0 {
		return []KeyStatus{}
	}
	for id := range c.choice.claimed {
		if arn := c.estate.volumes[id].Key; arn != "" {
			of(arn).Volumes++
		}
	}
	for n := range c.copies.sets {
		for m := range c.copies.sets[n].Members {
			if arn := c.copies.sets[n].Members[m].Key; arn != "" {
				of(arn).Copies++
			}
		}
	}
	list := make([]KeyStatus, 0, len(found))
	for _, arn := range slices.Sorted(maps.Keys(found)) {
		list = append(list, *found[arn])
	}
	return list
}

// UnusableKeys counts the keys of which is known that they cannot be used.
func (s Status) UnusableKeys() int {
	n := 0
	for _, k := range s.Keys {
		if k.Unusable() {
			n++
		}
	}
	return n
}

// keyWarnings are about the keys of volumes without which their copies are of no use.
func (p *planner) keyWarnings(volumes []fleet.VolumeID) []string {
	of := map[string][]string{}
	for _, id := range volumes {
		if key := p.estate.volumes[id].Key; key != "" && unusable(p.estate.keyState(key)) {
			of[key] = append(of[key], string(id))
		}
	}
	var list []string
	for _, arn := range slices.Sorted(maps.Keys(of)) {
		list = append(list, fmt.Sprintf("the key of %s is %s, and without it no copy can be restored: %s", strings.Join(of[arn], ", "), keyWords(p.estate.Keys[arn]), arn))
	}
	return list
}

// keyWords says what is wrong with a key.
func keyWords(k fleet.Key) string {
	switch {
	case k.State == fleet.KeyPendingDeletion && !k.Deletion.IsZero():
		return "pending deletion on " + k.Deletion.UTC().Format(time.DateOnly)
	case k.State == fleet.KeyPendingDeletion:
		return "pending deletion"
	default:
		return string(k.State)
	}
}
