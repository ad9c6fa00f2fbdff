package pricelist_test

import (
	"fmt"
	"testing"
	"time"

	"nightshift/internal/blob"
	"nightshift/internal/fleet"
	"nightshift/internal/price"
	"nightshift/internal/pricelist"
)

func TestChanges(t *testing.T) {
	s, store := newShop(), blob.Folder(t.TempDir())
	day := 24 * time.Hour
	ask := func(after time.Duration) {
		c := run(t, s, store, after)
		hourly(t, c, key("m5.large"), windows("m5.large"), key("new.large"))
		monthly(t, c)
	}
	ask(0)
	before := s.published
	s.published = s.published.Add(day)
	s.instances[windows("m5.large")], s.instances[key("new.large")] = "0.2", "1"
	ask(day)
	s.rates["APN2-EBS:VolumeUsage.gp3"] = "0.08"
	delete(s.instances, key("m5.large"))
	ask(2 * day)
	ask(3 * day)
	c := run(t, s, store, 3*day)
	got, err := c.Changes(t.Context(), []fleet.Region{"us-east-1", seoul})
	if err != nil {
		t.Fatal(err)
	}
	usd := func(text string) price.USD {
		amount, err := price.ParseUSD(text)
		if err != nil {
			t.Fatal(err)
		}
		return amount
	}
	want(t, "changes", got, []pricelist.Change{
		{
			Seen: instant().Add(2 * day), Region: seoul, What: "EBS:VolumeUsage.gp3", Unit: "GB-Mo", SKU: "SKU-APN2-EBS:VolumeUsage.gp3",
			Old: usd("0.0912"), New: usd("0.08"), Before: s.published, Published: s.published,
		},
		{
			Seen: instant().Add(day), Region: seoul, What: "m5.large RunInstances:0002", Unit: "Hrs", SKU: "SKU-APN2-BoxUsage:m5.largeRunInstances:0002",
			Old: usd("0.21"), New: usd("0.2"), Before: before, Published: s.published,
		},
	})

	// The oldest go.
	for n := range 600 {
		s.rates[fmt.Sprintf("APN2-EBS:VolumeUsage.%d", n)] = "1"
	}
	ask(4 * day)
	for n := range 600 {
		s.rates[fmt.Sprintf("APN2-EBS:VolumeUsage.%d", n)] = "2"
	}
	ask(5 * day)
	got, err = run(t, s, store, 5*day).Changes(t.Context(), []fleet.Region{seoul})
	if err != nil || len(got) != 500 || !got[499].Seen.Equal(instant().Add(5*day)) {
		t.Errorf("%d changes, %v", len(got), err)
	}
}

// CPU credits of Windows have the usage type of the others, and their own price.
func TestChangeOfCredits(t *testing.T) {
	s, store := newShop(), memory{}
	ask := func(after time.Duration, windows string) *pricelist.Cached {
		list := fixed{
			s.product("APN2-CPUCredits:t3", "vCPU-Hours", "0.05", seoul, map[string]string{"operatingSystem": "Linux"}),
			s.product("APN2-CPUCredits:t3", "vCPU-Hours", windows, seoul, map[string]string{"operatingSystem": "Windows"}),
		}
		c := pricelist.New(list, pricelist.Options{Store: store, Now: instant().Add(after)})
		if _, err := c.Rates(t.Context(), seoul); err != nil {
			t.Fatal(err)
		}
		return c
	}
	ask(0, "0.096")
	changes, err := ask(48*time.Hour, "0.1").Changes(t.Context(), []fleet.Region{seoul})
	if err != nil || len(changes) != 1 || changes[0].What != "CPUCredits:t3 Windows" || changes[0].New.String() != "0.10" {
		t.Errorf("%+v, %v", changes, err)
	}
}
