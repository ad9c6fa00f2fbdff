package price_test

import (
	"testing"

	"nightshift/internal/fleet"
	"nightshift/internal/price"
)

// TestSnapshotBound: the snapshots of a volume have blocks in common, so that they cost
// at least as much as the largest and at most as much as each alone; archived ones cost
// what they are, one in error nothing. What EC2 tells no size of is at most the volume's.
func TestSnapshotBound(t *testing.T) {
	rate := func(usd string) price.Quote {
		u, err := price.ParseUSD(usd)
		if err != nil {
			t.Fatal(err)
		}
		return price.Quote{Status: price.Exact, Rate: price.Rate{USD: u}}
	}
	rates := price.Rates{Quotes: map[string]price.Quote{price.SnapshotStorage: rate("0.05"), price.SnapshotArchive: rate("0.0125")}}
	snapshot := func(volume fleet.VolumeID, gib int64) *fleet.Snapshot {
		return &fleet.Snapshot{Volume: volume, State: "completed", SizeGiB: 100, FullBytes: gib << 30}
	}
	archived, failed := snapshot("vol-1", 40), snapshot("vol-1", 60)
	archived.Archived, failed.State = true, "error"
	for name, tt := range map[string]struct {
		snapshots []*fleet.Snapshot
		low, high string
	}{
		"none":                  {nil, "0.00", "0.00"},
		"one":                   {[]*fleet.Snapshot{snapshot("vol-1", 20)}, "1.00", "1.00"},
		"of one volume":         {[]*fleet.Snapshot{snapshot("vol-1", 20), snapshot("vol-1", 40), snapshot("vol-1", 20)}, "2.00", "4.00"},
		"of two volumes":        {[]*fleet.Snapshot{snapshot("vol-1", 20), snapshot("vol-2", 40)}, "3.00", "3.00"},
		"archived":              {[]*fleet.Snapshot{snapshot("vol-1", 20), archived}, "1.50", "1.50"},
		"in error":              {[]*fleet.Snapshot{failed}, "0.00", "0.00"},
		"of unknown size":       {[]*fleet.Snapshot{snapshot("vol-1", 0)}, "0.00", "5.00"},
		"copies without volume": {[]*fleet.Snapshot{snapshot("", 20), snapshot("", 20)}, "0.00", "2.00"},
	} {
		got := price.SnapshotBound(tt.snapshots, rates)
		if got.Low.String() != tt.low || got.High.String() != tt.high || !got.Priced {
			t.Errorf("%s: %s to %s (%t), want %s to %s", name, got.Low, got.High, got.Priced, tt.low, tt.high)
		}
	}
	if got := price.SnapshotBound([]*fleet.Snapshot{snapshot("vol-1", 20)}, price.Rates{}); got.Priced {
		t.Errorf("%+v without a price", got)
	}
}
