package journal

import (
	"time"

	"nightshift/internal/fleet"
)

// Acts are the stops and starts that the runs carried through. Their times are
// exact where the records have them. Records of older versions do not: an act of
// theirs was at some time of its run.
func Acts(records []Record) []fleet.Act {
	var acts []fleet.Act
	for _, r := range records {
		if r.DryRun {
			continue
		}
		for _, o := range r.Outcomes {
			if o.Result != fleet.Done || o.Action != "stop" && o.Action != "start" {
				continue
			}
			act := fleet.Act{Target: o.Target, Kind: o.Kind, ID: o.ID, Stop: o.Action == "stop", At: o.At}
			if o.At.IsZero() {
				act.Doubt = max(r.Duration/2, time.Second)
				act.At = r.Started.Add(r.Duration / 2)
			}
			acts = append(acts, act)
		}
	}
	return acts
}
