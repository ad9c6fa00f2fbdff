package amazon_test

import (
	"errors"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"nightshift/internal/amazon"
	"nightshift/internal/fleet"
	"nightshift/internal/sandbox"
	"nightshift/internal/sandbox/sandboxtest"
)

// "or by full sample counts of zero writes on Nitro": each minute up to a quarter of an
// hour ago has a sample, and all are zero.
func TestUnwritten(t *testing.T) {
	server := sandboxtest.Start(t, sandbox.Options{Speed: -1})
	a := server.Sandbox().Account(sandbox.AccountID)
	peer := newPeer(server.URL())
	_, err := peer.ec2.RunInstances(t.Context(), &ec2.RunInstancesInput{
		ImageId: &peer.image, InstanceType: types.InstanceTypeT2Micro, MinCount: aws.Int32(1), MaxCount: aws.Int32(1),
	})
	if err != nil {
		t.Fatal(err)
	}
	server.Sandbox().Advance(26 * time.Hour)
	now := a.Now()
	since := now.Add(-6 * time.Hour)
	var nitro, xen fleet.VolumeID
	session := peer.session(t)
	var detached fleet.VolumeID
	kinds := map[fleet.ResourceID]string{}
	for i, err := range session.Fleet(region).Instances(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		if i.State == fleet.Running && i.LaunchTime.Before(since.Add(-time.Hour)) {
			kinds[i.ID] = string(i.Type)
		}
	}
	for v, err := range session.Fleet(region).Volumes(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		switch {
		case len(v.Attachments) == 0:
			detached = v.ID
		case kinds[v.Attachments[0].Instance] == "":
		case kinds[v.Attachments[0].Instance] == "t2.micro":
			xen = v.ID
		default:
			nitro = v.ID
		}
	}
	if nitro == "" || xen == "" || detached == "" {
		t.Fatalf("a volume is missing of %q, %q and %q", nitro, xen, detached)
	}
	ask := func(id fleet.VolumeID, from time.Time) bool {
		t.Helper()
		got, err := session.Metrics(region, amazon.NewBudget(2)).Unwritten(t.Context(), map[fleet.VolumeID]time.Time{id: from}, now)
		if err != nil {
			t.Fatal(err)
		}
		return got[id]
	}
	idle := func(id fleet.VolumeID, from time.Time) { a.SetIdle(sandbox.DefaultRegion, string(id), from) }
	for name, tt := range map[string]struct {
		volume fleet.VolumeID
		idle   time.Time
		from   time.Time
		want   bool
	}{
		"idle":                     {nitro, since.Add(-time.Hour), since, true},
		"written to in between":    {nitro, since.Add(3 * time.Hour), since, false},
		"written to just before":   {nitro, since.Add(-time.Hour), since.Add(-2 * time.Hour), false},
		"Xen has no samples":       {xen, since.Add(-time.Hour), since, false},
		"detached: no samples":     {detached, since.Add(-time.Hour), since, false},
		"before it was attached":   {nitro, now.AddDate(-3, 0, 0), now.AddDate(0, 0, -62), false},
		"longer than metrics stay": {nitro, now.AddDate(-3, 0, 0), now.AddDate(0, 0, -64), false},
		"too young to be seen":     {nitro, since, now.Add(-10 * time.Minute), false},
	} {
		idle(tt.volume, tt.idle)
		if got := ask(tt.volume, tt.from); got != tt.want {
			t.Errorf("%s: %t", name, got)
		}
	}
	if _, err := session.Metrics(region, amazon.NewBudget(0)).Unwritten(t.Context(), map[fleet.VolumeID]time.Time{nitro: since}, now); !errors.Is(err, fleet.ErrCapped) {
		t.Errorf("without a budget: %v", err)
	}
}
