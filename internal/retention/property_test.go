package retention_test

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"nightshift/internal/retention"
)

// now is later than all drawn items.
func now() time.Time { return time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC) }

// drawItems has distinct times within two years, so that all rules have work.
func drawItems(t *rapid.T) []item {
	hours := rapid.SliceOfNDistinct(rapid.IntRange(0, 2*365*24), 0, 80, rapid.ID[int]).Draw(t, "hours")
	items := make([]item, len(hours))
	for n, h := range hours {
		items[n] = item{Time: now().Add(-time.Duration(h) * time.Hour)}
	}
	return items
}

// drawKeep has counts only, without unlimited.
func drawKeep(t *rapid.T) retention.Keep {
	var k retention.Keep
	for _, name := range retention.Names() {
		if n := rapid.IntRange(-3, 6).Draw(t, string(name)); n > 0 && !name.Windowed() {
			set(t, &k, name, n)
		}
	}
	return k
}

func set(t *rapid.T, k *retention.Keep, name retention.Name, n int) {
	if err := k.Set(string(name), retention.Count(n).String()); err != nil {
		t.Fatal(err)
	}
}

func drawZone(t *rapid.T) *time.Location {
	name := rapid.SampledFrom([]string{"UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata", "Pacific/Apia"}).Draw(t, "zone")
	zone, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return zone
}

// kept are the times that stay, oldest first.
func kept(items []item, k retention.Keep, zone *time.Location) []time.Time {
	var times []time.Time
	for _, v := range retention.Apply(items, item.at, k, zone, now()) {
		if v.Keep {
			times = append(times, v.Item.Time)
		}
	}
	slices.SortFunc(times, time.Time.Compare)
	return times
}

func subset(small, large []time.Time) bool {
	for _, t := range small {
		if !slices.ContainsFunc(large, t.Equal) {
			return false
		}
	}
	return true
}

func TestEveryItemHasOneVerdictWithReasons(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		items, k, zone := drawItems(t), drawKeep(t), drawZone(t)
		verdicts := retention.Apply(items, item.at, k, zone, now())
		var times []time.Time
		for n, v := range verdicts {
			if len(v.Reasons) == 0 {
				t.Fatalf("%s has no reason", v.Time)
			}
			if n > 0 && v.Time.After(verdicts[n-1].Time) {
				t.Fatalf("%s is after the one before it", v.Time)
			}
			times = append(times, v.Item.Time)
		}
		if len(times) != len(items) {
			t.Fatalf("%d verdicts for %d items", len(times), len(items))
		}
		for _, i := range items {
			if !slices.ContainsFunc(times, i.Time.Equal) {
				t.Fatalf("%s has no verdict", i.Time)
			}
		}
	})
}

func TestNeverMoreThanTheCounts(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		items, k, zone := drawItems(t), drawKeep(t), drawZone(t)
		most, ok := k.Most()
		if got := len(kept(items, k, zone)); ok && got > most {
			t.Fatalf("%d are kept of at most %d", got, most)
		}
	})
}

func TestNewestIsAlwaysKept(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		items, k, zone := drawItems(t), drawKeep(t), drawZone(t)
		if len(items) == 0 {
			return
		}
		if v := retention.Apply(items, item.at, k, zone, now())[0]; !v.Keep {
			t.Fatalf("%s keeps not the newest: %s", k, v.Reasons)
		}
	})
}

func TestAnotherRuleDeletesNothingMore(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		items, k, zone := drawItems(t), drawKeep(t), drawZone(t)
		if k.Empty() {
			return
		}
		before := kept(items, k, zone)
		name := rapid.SampledFrom(retention.Names()[:6]).Draw(t, "name")
		set(t, &k, name, int(k.Count(name))+rapid.IntRange(1, 5).Draw(t, "more"))
		if after := kept(items, k, zone); !subset(before, after) {
			t.Fatalf("with more of %s, %v becomes %v", name, before, after)
		}
		if err := k.Set("within-weekly", "3m"); err != nil {
			t.Fatal(err)
		}
		if after := kept(items, k, zone); !subset(before, after) {
			t.Fatalf("with a window, %v becomes %v", before, after)
		}
	})
}

func TestOrderOfItemsDoesNotMatter(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		items, k, zone := drawItems(t), drawKeep(t), drawZone(t)
		before := kept(items, k, zone)
		if after := kept(rapid.Permutation(items).Draw(t, "other order"), k, zone); !slices.EqualFunc(before, after, time.Time.Equal) {
			t.Fatalf("%v, in another order %v", before, after)
		}
	})
}

func TestApplyingAgainChangesNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		items, k, zone := drawItems(t), drawKeep(t), drawZone(t)
		before := kept(items, k, zone)
		left := slices.DeleteFunc(slices.Clone(items), func(i item) bool { return !slices.ContainsFunc(before, i.Time.Equal) })
		if after := kept(left, k, zone); !slices.EqualFunc(before, after, time.Time.Equal) {
			t.Fatalf("%v, then %v", before, after)
		}
	})
}

// A shift by whole weeks moves hours, days and weeks as a whole, in a zone without
// clock changes.
func TestShiftByWeeks(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		items := drawItems(t)
		var k retention.Keep
		for _, name := range []retention.Name{retention.Last, retention.Hourly, retention.Daily, retention.Weekly} {
			set(t, &k, name, rapid.IntRange(0, 6).Draw(t, string(name)))
		}
		weeks := time.Duration(rapid.IntRange(1, 300).Draw(t, "weeks")) * 7 * 24 * time.Hour
		moved := slices.Clone(items)
		for n := range moved {
			moved[n].Time = moved[n].Time.Add(-weeks)
		}
		after := kept(moved, k, time.UTC)
		for n := range after {
			after[n] = after[n].Add(weeks)
		}
		if before := kept(items, k, time.UTC); !slices.EqualFunc(before, after, time.Time.Equal) {
			t.Fatalf("%v, moved %v", before, after)
		}
	})
}

func TestFutureItemsPushNothingOut(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		items, k, zone := drawItems(t), drawKeep(t), drawZone(t)
		before := kept(items, k, zone)
		ahead := rapid.SliceOfNDistinct(rapid.IntRange(1, 10_000), 1, 10, rapid.ID[int]).Draw(t, "ahead")
		for _, h := range ahead {
			items = append(items, item{Time: now().Add(time.Duration(h) * time.Hour)})
		}
		after := kept(items, k, zone)
		if !subset(before, after) || len(after) != len(before)+len(ahead) {
			t.Fatalf("%v becomes %v", before, after)
		}
	})
}
