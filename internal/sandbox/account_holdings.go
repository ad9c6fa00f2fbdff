package sandbox

import (
	"fmt"
	"time"

	"nightshift/internal/sandbox/catalog"
	"nightshift/internal/sandbox/random"
	"nightshift/internal/sandbox/state"
)

// takenSnapshot is one snapshot of the hand-made account, in short words.
type takenSnapshot struct {
	of       string  // Name of the instance whose volume it is of; "" for a volume that is gone
	device   int     // which volume of the instance
	gib      int64   // of a volume that is gone
	filled   float64 // part of the volume that holds data
	days     float64 // age
	pending  bool
	archived bool
	copied   bool // from another region
	name     string
	about    string
	tags     string
}

// addDefaultHoldings gives the hand-made account what it pays for beside
// instances and volumes, each thing there for a reason.
func addDefaultHoldings(a *state.Account) error {
	if r := a.Regions[state.DefaultRegion]; r != nil {
		if err := addSeoulHoldings(a, r); err != nil {
			return fmt.Errorf("build the default account: %w", err)
		}
	}
	if r := a.Regions["us-east-1"]; r != nil {
		addVirginiaHoldings(a, r)
	}
	return nil
}

func addSeoulHoldings(a *state.Account, r *state.Region) error {
	h := holder{region: r, rng: random.New(random.HashText(a.Seed, r.Name), 3), start: a.Clock.Start}
	h.snapshots([]takenSnapshot{
		{of: "운영-DB-1", device: 1, filled: 0.61, days: 1.2, name: "운영-DB-1-data", about: "nightly", tags: "Env=prod;Backup=nightly"},
		{of: "운영-DB-1", device: 1, filled: 0.61, days: 2.2, name: "운영-DB-1-data", about: "nightly", tags: "Env=prod;Backup=nightly"},
		{of: "운영-DB-1", device: 1, filled: 0.60, days: 3.2, name: "운영-DB-1-data", about: "nightly", tags: "Env=prod;Backup=nightly"},
		{of: "운영-DB-1", device: 1, filled: 0.55, days: 33, name: "운영-DB-1-data", about: "monthly", tags: "Env=prod;Backup=monthly"},
		{of: "운영-DB-1", device: 1, filled: 0.41, days: 128, name: "운영-DB-1-data", about: "quarter end", archived: true, tags: "Env=prod;Backup=quarterly"},
		{of: "운영-웹-1", filled: 0.22, days: 41, about: "Created by CreateImage(i-0aa11bb22cc33dd44) for ami-0bb22cc33dd44ee55", tags: "Env=prod"},
		{of: "회계-SQL서버", device: 1, filled: 0.72, days: 0.02, pending: true, name: "회계-SQL서버-D", about: "before the year-end update", tags: "Env=dev"},
		{of: "old-archive", device: 1, filled: 0.93, days: 420, name: "old-archive-data"},
		{gib: 500, filled: 0.48, days: 610, name: "migration-2025", about: "before the move to gp3"},
		{gib: 100, filled: 0.30, days: 233, about: "test database, keep until March"},
		{gib: 1000, filled: 0.88, days: 505, archived: true, name: "세무-2024", about: "kept for five years", tags: "Env=prod"},
	})
	h.shared(300, 0.5, 19)
	for _, v := range r.VolumeOrder { // the volume that came of the move is made from its snapshot
		if name, _ := v.Tags.Get("Name"); name == "migration" {
			v.Snapshot = r.Other.Snapshots[8].ID
		}
	}

	h.address("vpn-gateway", "Name=vpn;Env=prod")
	h.address("운영-웹-1", "Name=www-1;Env=prod")
	h.address("forgotten-poc", "Name=poc-demo") // of a stopped instance
	h.address("", "Name=old-vpn")
	h.address("", "")
	nat := h.address("", "Name=nat-gateway;Env=prod")
	nat.NetworkInterface = fmt.Sprintf("eni-0%016x", h.rng.Uint64())
	nat.Association = "eipassoc-" + nat.ID[len("eipalloc-"):]
	for _, name := range []string{"개발-웹서버-1", "개발-웹서버-2", "new-service"} {
		h.named(name).Public = true
	}

	kinds, err := catalog.LoadHosts()
	if err != nil {
		return err
	}
	byol := h.named("erp-byol")
	host := &state.DedicatedHost{
		Seq: r.NextSeq(), ID: random.ID(h.rng, "h"), Kind: kinds["m5"], Zone: byol.Zone,
		Allocated: byol.FirstLaunch.Add(-26 * time.Minute), Tags: state.Tags{{Key: "Name", Value: "erp-host"}, {Key: "Env", Value: "prod"}},
	}
	host.Put(byol)
	r.Other.Hosts = append(r.Other.Hosts, host)

	web := h.named("운영-웹-1")
	reserved := h.reserve(web, 3, 62, state.Tags{{Key: "Name", Value: "세일-대비"}, {Key: "Env", Value: "prod"}})
	reserved.Take(web)
	ended := h.reserve(h.named("배치서버"), 2, 100, state.Tags{{Key: "Name", Value: "마감-배치"}})
	ended.Ended = h.ago(90)

	for _, name := range []string{"운영-웹-1", "운영-웹-2", "운영-DB-1", "배치서버"} {
		h.named(name).Monitored = true
	}
	h.named("개발-웹서버-2").Credits = state.CreditsStandard
	return nil
}

func addVirginiaHoldings(a *state.Account, r *state.Region) {
	h := holder{region: r, rng: random.New(random.HashText(a.Seed, r.Name), 3), start: a.Clock.Start}
	h.snapshots([]takenSnapshot{
		{gib: 200, filled: 0.55, days: 33, copied: true, name: "운영-DB-1-data", about: "[Copied from " + state.DefaultRegion + "] monthly", tags: "Env=prod;Backup=dr"},
		{of: "us-windows", filled: 0.64, days: 8, name: "us-windows", about: "weekly", tags: "Env=prod"},
		{gib: 50, filled: 0.11, days: 380, about: "poc"},
	})
	h.address("us-windows", "Name=us-windows")
	h.address("", "Name=us-unused")
	h.named("us-web-1").Public = true
	h.named("us-windows").Monitored = true
}
