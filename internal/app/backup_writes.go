package app

import (
	"context"
	"errors"
	"fmt"
	"time"

	"nightshift/internal/amazon"
	"nightshift/internal/backup"
	"nightshift/internal/fleet"
)

// mostWriteMetrics is how many metrics a run asks CloudWatch for in one account and region,
// to prove that volumes were not written to: $0.002.
const mostWriteMetrics = 200

// askWrites asks whether volumes were written to since their last copies, and puts the
// answers into the options. What could not be asked is not proven: it is copied. The note,
// if there is one, says why.
func askWrites(ctx context.Context, t Target, since map[fleet.VolumeID]time.Time, now time.Time, options *backup.Options) (note string) {
	unwritten, err := t.session.Metrics(t.Region, amazon.NewBudget(mostWriteMetrics)).Unwritten(ctx, since, now)
	options.Unwritten = func(id fleet.VolumeID, from time.Time) bool { return unwritten[id] && since[id].Equal(from) }
	if err == nil || errors.Is(err, fleet.ErrCapped) {
		return ""
	}
	return fmt.Sprintf("whether volumes were written to is not known for all, and these are copied: %v", err)
}
