package cost_test

import (
	"strings"
	"testing"
	"time"

	"nightshift/internal/cost"
	"nightshift/internal/cost/recommend"
	"nightshift/internal/fleet"
)

// TestNoRecommendationWithoutSaving: what belongs to instances that are left
// out, what goes with a forgotten instance anyway, and the address of an instance
// that is off for the night.
func TestNoRecommendationWithoutSaving(t *testing.T) {
	off := func(id fleet.ResourceID, days int) fleet.Instance {
		i := server(id)
		i.State, i.Stopped = fleet.Stopped, now.AddDate(0, 0, -days)
		return i
	}
	left := server("i-rds")
	left.Tags["Platform"] = "RDS"
	source := cost.Source{
		Target: seoul,
		Inventory: estate{
			instances: []fleet.Instance{off("i-night", 1), off("i-gone", 90), left},
			volumes: []fleet.Volume{
				disk("vol-left", fleet.GP2, 500, "i-rds"), disk("vol-gone", fleet.GP2, 500, "i-gone"), disk("vol-night", fleet.GP2, 500, "i-night"),
				with(disk("vol-fast", fleet.GP3, 1000, "i-night"), 20_000, 2000),
			},
		},
		OtherResources: belongings{addresses: []fleet.Address{
			{ID: "eipalloc-night", IP: "203.0.113.1", Instance: "i-night", Interface: "eni-1"},
			{ID: "eipalloc-gone", IP: "203.0.113.2", Instance: "i-gone", Interface: "eni-2"},
			{ID: "eipalloc-free", IP: "203.0.113.3"},
		}},
	}
	r, err := cost.Build(t.Context(), []cost.Source{source}, dearer(t), cost.Options{Now: now, Zone: kst, ExcludePlatform: "rds"})
	if err != nil {
		t.Fatal(err)
	}
	for resource, want := range map[string]string{
		"vol-left": "", "vol-gone": "", "eipalloc-night": "",
		"vol-night":     recommend.GP2ToGP3,
		"vol-fast":      recommend.UnusableIOPS,
		"i-gone":        recommend.StoppedInstance,
		"eipalloc-gone": recommend.IdleAddress, "eipalloc-free": recommend.IdleAddress,
	} {
		switch got := about(recommend.For(r), resource); {
		case want == "" && len(got) > 0:
			t.Errorf("%s: %+v, want nothing", resource, got)
		case want != "" && (len(got) != 1 || got[0].Code != want):
			t.Errorf("%s: %+v, want %s", resource, got, want)
		}
	}
	if fix := about(recommend.For(r), "vol-fast")[0].Fix(); !strings.Contains(fix, "--iops 18750 ") {
		t.Errorf("an m5.large does 18,750 IOPS: %s", fix)
	}
}

// TestForgottenVolumesCountOnce: where a snapshot would cost more than the
// volume, there is no recommendation for its instance and there may be one for
// the volume.
func TestForgottenVolumesCountOnce(t *testing.T) {
	i := server("i-1")
	i.State, i.Stopped = fleet.Stopped, now.AddDate(0, 0, -90)
	sum := func(v ...fleet.Volume) string {
		text := ""
		for _, f := range recommendationsOf(t, estate{instances: []fleet.Instance{i}, volumes: v}, belongings{}) {
			text += f.Code + " " + f.Saving.String() + "; "
		}
		return text
	}
	// 57.00 less 500 GiB of snapshots at 0.05, and not the 5.70 of gp3 in
	// addition.
	if got := sum(disk("vol-1", fleet.GP2, 500, "i-1")); got != "stopped-instance 32.00; " {
		t.Errorf("found %s", got)
	}
	if got := sum(disk("vol-1", fleet.GP2, 500, "i-1", "i-elsewhere")); got != "gp2-to-gp3 5.70; " {
		t.Errorf("of a shared volume found %s", got)
	}
}

// TestAccountsMayHaveTheSameIds: of two accounts each has its own volumes.
func TestAccountsMayHaveTheSameIds(t *testing.T) {
	one := server("i-1")
	one.State, one.Stopped = fleet.Stopped, now.AddDate(0, 0, -90)
	other := fleet.Target{Account: "210987654321", Region: seoul.Region}
	gone := fleet.Snapshot{ID: "snap-1", Volume: "vol-2", State: "completed", Started: now.AddDate(0, 0, -3), FullBytes: 40 << 30}
	r, err := cost.Build(t.Context(), []cost.Source{
		{
			Target: seoul, Inventory: estate{instances: []fleet.Instance{one}, volumes: []fleet.Volume{disk("vol-1", fleet.GP3, 500, "i-1")}},
			OtherResources: belongings{snapshots: []fleet.Snapshot{gone}},
		},
		{Target: other, Inventory: estate{
			instances: []fleet.Instance{prod(server("i-1"))},
			volumes:   []fleet.Volume{disk("vol-1", fleet.GP3, 500, "i-1"), disk("vol-2", fleet.GP3, 10, "i-1")},
		}},
	}, dearer(t), cost.Options{Now: now, Zone: kst})
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{"i-1": "20.60", "vol-2": "2.00"} // 45.60 less 25.00; 40 GiB at 0.05
	for _, f := range recommend.For(r) {
		if f.Target.Account != seoul.Account || f.Saving.String() != want[f.Resource] {
			t.Errorf("found %+v", f)
		}
		delete(want, f.Resource)
	}
	if len(want) > 0 {
		t.Errorf("not found: %v", want)
	}
}

// TestUpperBoundsAreNotCertain: snapshots of unknown size, those of an image, and
// what may never be started again.
func TestUpperBoundsAreNotCertain(t *testing.T) {
	old := prod(server("i-old"))
	old.Type, old.State, old.Stopped = "t2.large", fleet.Stopped, now.Add(-100*time.Hour)
	then := now.AddDate(-1, 0, 0)
	all := recommendationsOf(t, estate{instances: []fleet.Instance{old}}, belongings{snapshots: []fleet.Snapshot{
		{ID: "snap-1", Volume: "vol-1", State: "completed", Started: then, SizeGiB: 100},
		{ID: "snap-2", Volume: "vol-2", State: "completed", Started: then, FullBytes: 50 << 30, Description: "Created by CreateImage(i-1) for ami-1"},
		{ID: "snap-3", Volume: "vol-3", State: "completed", Started: then, FullBytes: 50 << 30},
	}})
	for resource, want := range map[string]bool{"i-old": false, "vol-1": false, "vol-2": false, "vol-3": true} {
		if got := about(all, resource); len(got) != 1 || got[0].Certain != want {
			t.Errorf("%s: %+v, want one, certain %v", resource, got, want)
		}
	}
	if got := about(all, "vol-2")[0].Reason; !strings.Contains(got, "image") {
		t.Errorf("the reason is %q", got)
	}
}
