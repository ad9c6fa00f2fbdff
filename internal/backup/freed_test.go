package backup_test

import (
	"slices"
	"testing"
	"time"

	"nightshift/internal/backup"
	"nightshift/internal/fleet"
	"nightshift/internal/price"
)

// rates are 0.05 dollars a GiB and month, and 0.0125 archived.
func rates() price.Rates {
	row := func(usage string, usd price.USD) price.Product {
		return price.Product{
			SKU:        usage,
			Attributes: map[string]string{"regionCode": "eu-central-1", "locationType": "AWS Region", "usagetype": "EUC1-" + usage},
			Rates:      []price.Rate{{Unit: "GB-Mo", USD: usd, Begin: "0", End: "Inf"}},
		}
	}
	return price.PickRates([]price.Product{
		row(price.SnapshotStorage, price.Dollar*5/100), row(price.SnapshotArchive, price.Dollar*125/10_000),
	}, "eu-central-1")
}

const gib = int64(1) << 30

// fiveDays has copies of five days, of which the policy keeps three: the two oldest are a
// run of deletions with nothing before it.
func fiveDays() (w *world, ids []fleet.SnapshotID) {
	p := daily("daily", backup.Volumes, "daily=3")
	w = newWorld(p)
	w.options.Rates = rates()
	w.volume(vol1, "daily")
	for _, set := range w.copiedDaily(p, vol1, 5) {
		ids = append(ids, set[0])
	}
	return w, ids
}

// changes are what was measured; nothing else was.
func changes(known map[backup.Comparison]fleet.BlockChanges) func(a, b fleet.SnapshotID) (fleet.BlockChanges, bool) {
	return func(a, b fleet.SnapshotID) (fleet.BlockChanges, bool) {
		c, ok := known[backup.Comparison{First: a, Second: b}]
		return c, ok
	}
}

// "Freed dollars are calculated over the run of deletions between two survivors": what the
// run stores and neither neighbour refers to.
func TestFreedOverARun(t *testing.T) {
	w, ids := fiveDays()
	oldest, second, third := ids[4], ids[3], ids[2]
	w.options.Changed = changes(map[backup.Comparison]fleet.BlockChanges{
		{First: oldest, Second: second}: {Gone: 1 * gib, New: 2 * gib}, {First: second, Second: third}: {Gone: 3 * gib, New: 3 * gib},
	})
	plan := w.plan()
	if f := plan.Frees; f.Bytes != 4*gib || !f.Measured || f.USD != price.Dollar*20/100 || !f.Priced {
		t.Errorf("1 + 3 GiB are freed, and the plan says %+v", f)
	}
	var sum int64
	for _, v := range plan.Deletions() {
		sum += v.Frees.Bytes
	}
	if sum != 4*gib {
		t.Errorf("the shares of the sets are %d bytes", sum)
	}
}

// Between two survivors the middle gives back what was written and overwritten again.
func TestFreedBetweenTwoSurvivors(t *testing.T) {
	w, ids := fiveDays()
	w.snapshot(ids[4]).Tags[backup.TagHold] = "audit"
	w.options.Changed = changes(map[backup.Comparison]fleet.BlockChanges{
		{First: ids[4], Second: ids[3]}: {Gone: 2 * gib, New: 9 * gib}, {First: ids[3], Second: ids[2]}: {Gone: 3 * gib}, {First: ids[4], Second: ids[2]}: {Gone: 4 * gib},
	})
	if f := w.plan().Frees; f.Bytes != gib || !f.Measured {
		t.Errorf("2 + 3 - 4 GiB are freed, and the plan says %+v", f)
	}
}

// "over all snapshots of the volume, whoever made them": one that a person took in
// between keeps its blocks.
func TestFreedOverAllSnapshotsOfTheVolume(t *testing.T) {
	w, ids := fiveDays()
	manual := *w.snapshot(ids[3])
	manual.ID, manual.Tags, manual.Started = "snap-00000000000000ff", nil, manual.Started.Add(-time.Hour)
	w.Snapshots = append(w.Snapshots, manual)
	asked := []backup.Comparison{}
	w.options.Changed = func(a, b fleet.SnapshotID) (fleet.BlockChanges, bool) {
		asked = append(asked, backup.Comparison{First: a, Second: b})
		return fleet.BlockChanges{Gone: gib}, true
	}
	plan := w.plan()
	want := []backup.Comparison{{First: ids[4], Second: manual.ID}, {First: manual.ID, Second: ids[3]}, {First: ids[3], Second: ids[2]}, {First: manual.ID, Second: ids[2]}}
	if !slices.Equal(asked, want) || !slices.Equal(slices.Concat(plan.Comparisons(w.Inventory)...), want) {
		t.Errorf("asked for %v, and the plan has %v", asked, plan.Comparisons(w.Inventory))
	}
}

// "unmeasured says unknown, at most X", "an upper bound where other volumes came from the
// chain".
func TestFreedIsABound(t *testing.T) {
	w, ids := fiveDays()
	w.snapshot(ids[4]).FullBytes = 0 // then it is the size of the volume
	if f := w.plan().Frees; f.Measured || f.Bytes != 110*gib || f.USD != price.Dollar*550/100 {
		t.Errorf("unmeasured, at most 10 + 100 GiB are freed, and the plan says %+v", f)
	}
	w.options.Changed = func(fleet.SnapshotID, fleet.SnapshotID) (fleet.BlockChanges, bool) {
		return fleet.BlockChanges{Gone: gib}, true
	}
	if f := w.plan().Frees; !f.Measured {
		t.Errorf("what is measured is %+v", f)
	}
	w.volume(vol2, "").Snapshot = ids[1]
	if f := w.plan().Frees; f.Measured {
		t.Errorf("a volume was made from the chain, and %+v is a bound", f)
	}
	w.options.Rates = price.Rates{}
	if f := w.plan().Frees; f.Priced || f.USD != 0 {
		t.Errorf("without prices nothing is known of the dollars: %+v", f)
	}
}

// "0 until a Recycle Bin rule that applies has passed".
func TestFreedWaitsForTheRecycleBin(t *testing.T) {
	for name, tt := range map[string]struct {
		rule  fleet.BinRule
		holds bool
	}{
		"all snapshots":                 {fleet.BinRule{For: 14 * 24 * time.Hour}, true},
		"our tag":                       {fleet.BinRule{For: 14 * 24 * time.Hour, Tags: []fleet.Tag{{Key: "x"}, {Key: backup.TagPolicy}}}, true},
		"another tag":                   {fleet.BinRule{For: 14 * 24 * time.Hour, Tags: []fleet.Tag{{Key: "team", Value: "a"}}}, false},
		"our tag, but not with another": {fleet.BinRule{For: 14 * 24 * time.Hour, Except: []fleet.Tag{{Key: backup.TagPolicy}}}, false},
		"all but others":                {fleet.BinRule{For: 14 * 24 * time.Hour, Except: []fleet.Tag{{Key: "team", Value: "a"}}}, true},
	} {
		w, _ := fiveDays()
		w.Bin = []fleet.BinRule{tt.rule}
		f := w.plan().Frees
		if held := f.USD == 0 && f.Later == 14*24*time.Hour; held != tt.holds || f.Bytes == 0 {
			t.Errorf("%s: %+v", name, f)
		}
	}
}

// "archived copies younger than 90 days are billed to day 90".
func TestFreedArchived(t *testing.T) {
	w, ids := fiveDays()
	w.snapshot(ids[4]).Archived, w.snapshot(ids[3]).Archived = true, true
	if f := w.plan().Frees; f.USD != 0 || f.Later < 86*24*time.Hour || f.Later > 90*24*time.Hour {
		t.Errorf("archived four days ago at most, and the plan says %+v", f)
	}
	w.snapshot(ids[3]).Archived = false
	w.snapshot(ids[4]).Tags[backup.TagHold] = "audit"
	w.options.Changed = changes(map[backup.Comparison]fleet.BlockChanges{{First: ids[3], Second: ids[2]}: {Gone: gib}})
	if f := w.plan().Frees; f.Bytes != gib || !f.Measured {
		t.Errorf("what is in the archive has no part in a run: between nothing and the third, %+v is freed", f)
	}
	w.options.Changed = nil
	p := w.settings.Policies[0]
	old := w.copied(p, vol1, at("02:00", 120))[0]
	w.snapshot(old).Archived = true
	if f := verdict(t, w.plan(), old).Frees; f.USD != price.Dollar*125/1000 || f.Later != 0 {
		t.Errorf("10 GiB in the archive for 120 days, and the plan says %+v", f)
	}
}

// "backup plan for a new policy prints first-month and steady-state cost as bounds".
func TestCostOfANewPolicy(t *testing.T) {
	p := daily("daily", backup.Volumes, "daily=7,weekly=4,monthly=6")
	volumes := []fleet.Volume{{ID: vol1, SizeGiB: 100}, {ID: vol2, SizeGiB: 50}}
	first, steady := p.Cost(volumes, map[fleet.VolumeID]int64{vol1: 20 * gib}, rates(), noon())
	// 7 days, 4 weeks and parts of up to 3 months; 0.05 dollars a GiB.
	if first.Copies != 14 || first.Low != price.Dollar || first.High != price.Dollar*105 || !first.Priced {
		t.Errorf("first month %+v", first)
	}
	if steady.Copies != 17 || steady.Low != price.Dollar || steady.High != price.Dollar*12750/100 || steady.Unlimited {
		t.Errorf("steady %+v", steady)
	}
	p = daily("daily", backup.Volumes, "within=10d,yearly=unlimited")
	if first, steady := p.Cost(volumes, nil, price.Rates{}, noon()); first.Copies < 10 || !steady.Unlimited || steady.Copies < 11 || steady.Priced {
		t.Errorf("first month %+v, then %+v", first, steady)
	}
}
