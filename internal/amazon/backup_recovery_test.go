package amazon_test

import (
	"slices"
	"strings"
	"testing"

	"nightshift/internal/fleet"
	"nightshift/internal/sandbox"
)

// "Backup's copies are matched by its snapshots' VolumeId": the points of volumes name a
// snapshot, those of instances an image. What is not there is not asked about.
func TestRecoveryPoints(t *testing.T) {
	t.Parallel()
	server := ticking(t, sandbox.Options{Backups: true})
	recovery := newPeer(server.URL()).session(t).Recovery(sandbox.DefaultRegion)
	points, err := recovery.Points(t.Context(), func(fleet.ResourceID) bool { return true })
	if err != nil {
		t.Fatal(err)
	}
	counts := map[string]int{}
	for _, p := range points {
		kind, _, _ := strings.Cut(p.ARN[strings.LastIndex(p.ARN, ":")+1:], "/")
		counts[kind+" "+p.Status]++
		if p.Vault != "Default" || p.Created.IsZero() || !strings.HasPrefix(p.Resource, "arn:aws:ec2:") {
			t.Errorf("%+v", p)
		}
	}
	if counts["snapshot COMPLETED"] != 2 || counts["snapshot EXPIRED"] != 1 || counts["image COMPLETED"] != 1 || len(counts) != 3 {
		t.Errorf("%v", counts)
	}
	if points, err = recovery.Points(t.Context(), func(fleet.ResourceID) bool { return false }); err != nil || len(points) > 0 {
		t.Errorf("of nothing: %+v, %v", points, err)
	}
}

// "names instances whose BackupRetentionPeriod is 0", but for replicas and members of
// clusters.
func TestUnbackedDatabases(t *testing.T) {
	t.Parallel()
	server := ticking(t, sandbox.Options{})
	ids, err := newPeer(server.URL()).session(t).Databases(sandbox.DefaultRegion).Unbacked(t.Context())
	if err != nil || !slices.Equal(ids, []fleet.ResourceID{"qa-oracle"}) {
		t.Errorf("%v, %v", ids, err)
	}
}
