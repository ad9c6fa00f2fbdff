package backup_test

import (
	"encoding/json"
	"testing"

	"nightshift/internal/backup"
	"nightshift/internal/fleet"
)

// Programs read the status as JSON: its keys and the forms of its values stay.
func TestStatusJSON(t *testing.T) {
	w := newWorld()
	w.volume(vol1, "")
	w.foreign(vol1, at("02:00", 0), nil)
	w.Public = map[fleet.SnapshotID]bool{w.foreign(vol2, at("02:00", 0), nil).ID: true}
	const want = `{"account":"111122223333","region":"eu-central-1","at":"2026-11-30T12:00:00Z","volumes":[` +
		`{"volume":"vol-0000000000000001","name":"vol-0000000000000001","instances":[],"state":"detached","size_gib":100,"tags":{},"instance_name":"",` +
		`"policy":"","coverage":"protected","code":"","reason":"","last":{"snapshot":"snap-0000000000000001","data":"2026-11-30T02:00:00Z","by":"manual"},` +
		`"copies":1,"rpo_hours":26,"gap_hours":10,"worst":{"from":"2026-11-30T02:00:00Z","to":"2026-11-30T12:00:00Z","hours":10,"since":"2026-11-30T02:00:00Z","at_most":true},` +
		`"monthly":{"low":"0.50","high":"0.50","priced":true}}],"policies":[],` +
		`"orphans":[{"verdict":"volume-gone","reason":"its volume is not there any more","volume":"vol-0000000000000002","name":"","snapshots":["snap-0000000000000002"],` +
		`"oldest":"2026-11-30T02:00:00Z","newest":"2026-11-30T02:00:00Z","monthly":{"low":"0.50","high":"0.50","priced":true}}],` +
		`"unusual_changes":[],"public":[{"snapshot":"snap-0000000000000002","name":"snap-0000000000000002","volume":"vol-0000000000000002","started":"2026-11-30T02:00:00Z"}],` +
		`"keys":[],"snapshot_quota":{"used":2,"limit":100000,"assumed":true},` +
		`"databases_without_backups":[],"unread":[],"monthly":{"low":"1.00","high":"1.00","priced":true}}`
	if got := string(must(json.Marshal(w.status(backup.StatusOptions{Rates: testRates()})))); got != want {
		t.Errorf("%s\nwant\n%s", got, want)
	}
}
