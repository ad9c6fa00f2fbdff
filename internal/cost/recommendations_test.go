package cost_test

import (
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"nightshift/internal/cost"
	"nightshift/internal/cost/recommend"
	"nightshift/internal/fleet"
	"nightshift/internal/price"
)

// dearer adds the prices that recommendations compare with.
func dearer(t testing.TB) *list {
	t.Helper()
	l := more(t, seoulPrices(t))
	for _, row := range [][3]string{
		{"EBS:VolumeUsage.piops", "GB-Mo", "0.1278"},
		{"EBS:VolumeP-IOPS.piops", "IOPS-Mo", "0.0666"},
		{"EBS:VolumeP-IOPS.io2.tier2", "IOPS-Mo", "0.04662"},
		{"EBS:VolumeP-IOPS.io2.tier3", "IOPS-Mo", "0.032634"},
	} {
		l.products = append(l.products, storage(t, row[0], row[1], row[2]))
	}
	for kind, usd := range map[string]string{"t2.large": "0.1152", "t3.large": "0.104", "c4.8xlarge": "1.9", "c6i.8xlarge": "1.5", "m3.large": "0.2", "m6i.large": "0.118"} {
		l.products = append(l.products, price.Product{
			SKU: kind, Attributes: map[string]string{
				"regionCode": "ap-northeast-2", "locationType": "AWS Region", "instanceType": kind, "operation": "RunInstances",
				"tenancy": "Shared", "capacitystatus": "Used", "marketoption": "OnDemand",
			},
			Rates: []price.Rate{{Unit: "Hrs", USD: dollars(t, usd), Begin: "0", End: "Inf"}},
		})
	}
	return l
}

func storage(t testing.TB, usage, unit, usd string) price.Product {
	t.Helper()
	return price.Product{
		SKU: usage, Attributes: map[string]string{"regionCode": "ap-northeast-2", "locationType": "AWS Region", "usagetype": "APN2-" + usage},
		Rates: []price.Rate{{Unit: unit, USD: dollars(t, usd), Begin: "0", End: "Inf"}},
	}
}

func recommendationsOf(t testing.TB, e estate, h belongings) []recommend.Recommendation {
	t.Helper()
	r, err := cost.Build(t.Context(), []cost.Source{{Target: seoul, Inventory: e, OtherResources: h}}, dearer(t), cost.Options{Now: now, Zone: kst})
	if err != nil {
		t.Fatal(err)
	}
	return recommend.For(r)
}

// about are the recommendations about one resource.
func about(all []recommend.Recommendation, resource string) []recommend.Recommendation {
	var some []recommend.Recommendation
	for _, f := range all {
		if f.Resource == resource {
			some = append(some, f)
		}
	}
	return some
}

// prod keeps an instance out of the recommendations about nights.
func prod(i fleet.Instance) fleet.Instance {
	i.Tags["Env"] = "prod"
	return i
}

func with(v fleet.Volume, iops, mibps int64) fleet.Volume {
	v.IOPS, v.ThroughputMiBps = iops, mibps
	return v
}

func TestVolumeRecommendationsByHand(t *testing.T) {
	loose := disk("vol-loose", fleet.GP3, 500)
	loose.State = "available"
	being := disk("vol-new", fleet.GP3, 500)
	being.State = "creating"
	shared := with(disk("vol-shared", fleet.IO1, 100, "i-1", "i-2"), 40_000, 0)
	host := func(id fleet.ResourceID) fleet.Instance {
		i := prod(server(id))
		i.Type = "m5.xlarge" // whose limits are not known here
		return i
	}
	all := recommendationsOf(t, estate{
		instances: []fleet.Instance{host("i-1"), host("i-2")},
		volumes: []fleet.Volume{
			loose, being, shared,
			disk("vol-gp2-200", fleet.GP2, 200, "i-1"),            // 22.80 against 18.24 + 125 MiB/s × 0.0456 = 23.94: dearer
			disk("vol-gp2-500", fleet.GP2, 500, "i-1"),            // 57.00 against 45.60 + 5.70
			disk("vol-gp2-2000", fleet.GP2, 2000, "i-1"),          // 228 against 182.40 + 3,000 × 0.0057 + 5.70
			disk("vol-gp2-1", fleet.GP2, 1, "i-1"),                // 0.114 against 0.0912 + 3 MiB/s × 0.0456: dearer
			with(disk("vol-io1", fleet.IO1, 100, "i-1"), 3000, 0), // 212.58 against 9.12 + 375 MiB/s × 0.0456 = 26.22
		},
	}, belongings{})
	for resource, want := range map[string][2]string{
		"vol-loose":    {recommend.UnattachedVolume, "45.60"},
		"vol-gp2-500":  {recommend.GP2ToGP3, "5.70"},
		"vol-gp2-2000": {recommend.GP2ToGP3, "22.80"},
		"vol-io1":      {recommend.IO1ToGP3, "186.36"},
		"vol-shared":   {recommend.IO1ToIO2, "159.84"}, // 8,000 × (0.0666 − 0.04662)
	} {
		got := about(all, resource)
		if len(got) != 1 || got[0].Code != want[0] || got[0].Saving.String() != want[1] {
			t.Errorf("%s: %+v, want %v", resource, got, want)
		}
	}
	for _, resource := range []string{"vol-new", "vol-gp2-200", "vol-gp2-1"} {
		if got := about(all, resource); len(got) > 0 {
			t.Errorf("%s: %+v, want nothing", resource, got)
		}
	}
	if fix := about(all, "vol-gp2-2000")[0].Fix(); fix != "aws ec2 modify-volume --volume-id vol-gp2-2000 --volume-type gp3 --iops 6000 --throughput 250 --region ap-northeast-2" {
		t.Errorf("the command is %s", fix)
	}
}

// TestGP3IsNeverWorse: whatever gp2 volume, what is proposed has at least its
// IOPS and throughput, and costs less.
func TestGP3IsNeverWorse(t *testing.T) {
	prices := dearer(t)
	rapid.Check(t, func(t *rapid.T) {
		size := rapid.Int64Range(1, 16_384).Draw(t, "GiB")
		r, err := cost.Build(t.Context(), []cost.Source{{Target: seoul, Inventory: estate{
			instances: []fleet.Instance{prod(server("i-1"))}, volumes: []fleet.Volume{disk("vol-1", fleet.GP2, size, "i-1")},
		}}}, prices, cost.Options{Now: now, Zone: kst})
		if err != nil {
			t.Fatal(err)
		}
		iops, mibps := min(max(3*size, 3000), 16_000), int64(250)
		if size <= 170 {
			mibps = 128
		}
		to := price.VolumePrice(fleet.Volume{Type: fleet.GP3, SizeGiB: size, IOPS: iops, ThroughputMiBps: mibps}, price.PickRates(prices.products, seoul.Region))
		saving := r.Volumes[0].Monthly.USD.Add(-to.USD)
		switch {
		case saving.Cents() <= 0 && len(recommend.For(r)) > 0:
			t.Fatalf("%d GiB: %+v, though gp3 costs no less", size, recommend.For(r))
		case saving.Cents() > 0 && (len(recommend.For(r)) != 1 || recommend.For(r)[0].Saving != saving):
			t.Fatalf("%d GiB: %+v, want a saving of %s", size, recommend.For(r), saving)
		}
	})
}

func TestSnapshotRecommendationsByHand(t *testing.T) {
	ago := func(days int) time.Time { return now.AddDate(0, 0, -days) }
	snap := func(id, volume string, days int, gib int64) fleet.Snapshot {
		return fleet.Snapshot{ID: fleet.SnapshotID(id), Volume: fleet.VolumeID(volume), State: "completed", Started: ago(days), SizeGiB: gib, FullBytes: gib << 30}
	}
	all := recommendationsOf(t, estate{
		instances: []fleet.Instance{prod(server("i-1"))}, volumes: []fleet.Volume{disk("vol-1", fleet.GP3, 10, "i-1"), disk("vol-2", fleet.GP3, 10, "i-1")},
	}, belongings{snapshots: []fleet.Snapshot{
		snap("snap-1", "vol-1", 400, 100), snap("snap-2", "vol-1", 5, 50), // a chain that goes on
		snap("snap-3", "vol-2", 400, 100), snap("snap-4", "vol-2", 91, 120), // one that ended
		snap("snap-5", "vol-gone", 3, 40),                      // of a volume that is gone
		snap("snap-6", "", 3, 40), snap("snap-7", "", 200, 60), // copies
	}})
	for resource, want := range map[string][2]string{
		"vol-2":    {recommend.OldSnapshots, "6.00"},
		"vol-gone": {recommend.OrphanedSnapshots, "2.00"},
		"snap-7":   {recommend.OldSnapshots, "3.00"},
	} {
		got := about(all, resource)
		if len(got) != 1 || got[0].Code != want[0] || got[0].Saving.String() != want[1] {
			t.Errorf("%s: %+v, want %v", resource, got, want)
		}
	}
	if len(all) != 3 {
		t.Errorf("%d findings, want 3: %+v", len(all), all)
	}
}

// TestCopiesOfAPolicyAreLeftAlone: when they are deleted is for the policy to say, and
// others of the same volume share their blocks.
func TestCopiesOfAPolicyAreLeftAlone(t *testing.T) {
	snap := func(id, volume string, tags fleet.Tags) fleet.Snapshot {
		return fleet.Snapshot{ID: fleet.SnapshotID(id), Volume: fleet.VolumeID(volume), State: "completed", Started: now.AddDate(0, 0, -200), FullBytes: 40 << 30, Tags: tags}
	}
	all := recommendationsOf(t, estate{
		instances: []fleet.Instance{prod(server("i-1"))}, volumes: []fleet.Volume{disk("vol-1", fleet.GP3, 10, "i-1")},
	}, belongings{snapshots: []fleet.Snapshot{
		snap("snap-1", "vol-1", fleet.Tags{fleet.TagPolicy: "monthly"}),
		snap("snap-2", "vol-gone", fleet.Tags{fleet.TagPolicy: "daily"}), snap("snap-3", "vol-gone", nil),
		snap("snap-4", "vol-lost", fleet.Tags{"Name": "nightshift:policy"}),
	}})
	if len(all) != 1 || all[0].Resource != "vol-lost" {
		t.Errorf("found %+v", all)
	}
}

// TestNothingIsOrphanedWhereVolumesAreUnread: then nobody knows what is gone.
func TestNothingIsOrphanedWhereVolumesAreUnread(t *testing.T) {
	all := recommendationsOf(t, estate{instances: []fleet.Instance{prod(server("i-1"))}, volumesErr: fleet.ErrDenied}, belongings{
		snapshots: []fleet.Snapshot{{ID: "snap-1", Volume: "vol-1", State: "completed", Started: now.AddDate(0, 0, -3), FullBytes: 1 << 40}},
	})
	if len(all) != 0 {
		t.Errorf("found %+v", all)
	}
}

func TestInstanceRecommendationsByHand(t *testing.T) {
	off := server("i-off")
	off.State, off.Stopped = fleet.Stopped, now.AddDate(0, 0, -75)
	lately := server("i-lately")
	lately.State, lately.Stopped = fleet.Stopped, now.AddDate(0, 0, -3)
	old := prod(server("i-old"))
	old.Type = "t2.large"
	wide := prod(server("i-wide"))
	wide.Type = "c4.8xlarge"
	young := server("i-young")
	young.LaunchTime = now.Add(-10 * time.Hour)
	young.FirstLaunch = young.LaunchTime
	scratch := server("i-scratch")
	scratch.Ineligible.Cannot = fleet.Reason{Code: "instance-store-root", Text: "has an instance-store root volume"}
	all := recommendationsOf(t, estate{
		instances: []fleet.Instance{off, lately, old, wide, young, scratch, server("i-night"), prod(server("i-prod"))},
		volumes:   []fleet.Volume{disk("vol-1", fleet.GP3, 200, "i-off"), disk("vol-2", fleet.GP3, 200, "i-lately")},
	}, belongings{})
	for resource, want := range map[string][2]string{
		"i-off":   {recommend.StoppedInstance, "8.24"},       // 18.24 less 200 GiB of snapshots at 0.05
		"i-old":   {recommend.PreviousGeneration, "8.176"},   // (0.1152 − 0.104) × 730
		"i-night": {recommend.RunsAllNight, "57.9394047619"}, // 86.14 × 113 ÷ 168
	} {
		got := about(all, resource)
		if len(got) != 1 || got[0].Code != want[0] || got[0].Saving.String() != want[1] {
			t.Errorf("%s: %+v, want %v", resource, got, want)
		}
	}
	if len(all) != 3 {
		t.Errorf("%d findings, want 3: %+v", len(all), all)
	}
	for n := 1; n < len(all); n++ {
		if all[n-1].Saving < all[n].Saving {
			t.Errorf("the finding %s comes before a larger one", all[n-1].Code)
		}
	}
}

// TestScheduledInstancesMayRunAllNight: a schedule is a decision.
func TestScheduledInstancesMayRunAllNight(t *testing.T) {
	r := build(t, estate{instances: []fleet.Instance{server("i-1")}}, seoulPrices(t), cost.Options{
		Planned: alike(time.Hour, "always"),
	})
	if len(recommend.For(r)) != 0 {
		t.Errorf("found %+v", recommend.For(r))
	}
}

func TestUnusableIOPS(t *testing.T) {
	i := prod(server("i-1")) // an m5.large does 18,750 IOPS at most
	all := recommendationsOf(t, estate{instances: []fleet.Instance{i}, volumes: []fleet.Volume{
		with(disk("vol-1", fleet.IO2, 1000, "i-1"), 32_000, 0),
		with(disk("vol-2", fleet.GP3, 1000, "i-1"), 16_000, 125),
	}}, belongings{})
	got := about(all, "vol-1")
	if len(got) != 1 || got[0].Code != recommend.UnusableIOPS || got[0].Saving.String() != "882.45" { // 13,250 × 0.0666
		t.Errorf("%+v", got)
	}
	if len(all) != 1 {
		t.Errorf("also found %+v", all)
	}
}

// TestCommandsHoldNoForeignText: names and tags never reach a command.
func TestCommandsHoldNoForeignText(t *testing.T) {
	i := server("i-1")
	i.Tags["Name"] = "$(reboot); `x`"
	loose := disk("vol-1", fleet.GP3, 10)
	loose.State, loose.Tags = "available", fleet.Tags{"Name": "; rm -rf /"}
	for _, f := range recommendationsOf(t, estate{instances: []fleet.Instance{i}, volumes: []fleet.Volume{loose}}, belongings{}) {
		if strings.Contains(f.Fix(), "`") || strings.Contains(f.Fix(), "reboot") || strings.Contains(f.Fix(), "rm -rf") {
			t.Errorf("%s: %s", f.Code, f.Fix())
		}
	}
}
