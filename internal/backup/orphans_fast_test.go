package backup_test

import (
	"strings"
	"testing"

	"nightshift/internal/backup"
	"nightshift/internal/fleet"
	"nightshift/internal/price"
)

// What fast snapshot restore costs on top is said, or that it is not known.
func TestFastRestoreHasAPrice(t *testing.T) {
	w := newWorld()
	w.volume(vol1, "")
	id := w.foreign(vol1, at("02:00", 0), nil).ID
	w.Fast = map[fleet.SnapshotID]bool{id: true}
	priced := price.PickRates([]price.Product{{
		SKU:        "fast",
		Attributes: map[string]string{"regionCode": "eu-central-1", "locationType": "AWS Region", "usagetype": "EUC1-EBS:FastSnapshotRestore"},
		Rates:      []price.Rate{{Unit: "DSU-Hrs", USD: price.Dollar * 9 / 10, Begin: "0", End: "Inf"}},
	}}, "eu-central-1")
	for want, rates := range map[string]price.Rates{"on top: $0.90 each": priced, "on top: price unknown": {}} {
		orphans := w.status(backup.StatusOptions{Rates: rates}).Orphans
		if len(orphans) != 1 || orphans[0].Kind != backup.OrphanFast || !strings.HasSuffix(orphans[0].Text, want) {
			t.Errorf("want %q: %+v", want, orphans)
		}
	}
}
