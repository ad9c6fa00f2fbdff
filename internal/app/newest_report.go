package app

import (
	"cmp"
	"context"
	"time"

	"nightshift/internal/blob"
	"nightshift/internal/cost"
	"nightshift/internal/schedule"
)

// NewestReport is the date of the newest report under a prefix of a bucket, by the
// names of the reports in a time zone, UTC where none is named; the zero time where
// there is none. It costs one listing for a thousand reports.
func (s *Session) NewestReport(ctx context.Context, to blob.Ref, timezone string) (newest time.Time, err error) {
	zone, err := schedule.LoadZone(cmp.Or(timezone, "UTC"))
	if err != nil {
		return newest, err
	}
	session, err := s.own(ctx)
	if err != nil {
		return newest, err
	}
	keys, err := session.Objects(to.Bucket, "").List(ctx, to.Path)
	if err != nil {
		return newest, err
	}
	for _, key := range keys {
		date, ok := cost.DateOfKey(to.Path, key, zone)
		if ok && date.After(newest) {
			newest = date
		}
	}
	return newest, nil
}
