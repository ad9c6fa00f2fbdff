package amazon_test

import (
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"

	"nightshift/internal/fleet"
	"nightshift/internal/sandbox"
	"nightshift/internal/sandbox/sandboxtest"
)

// held is an account with snapshots of which each is held by something else.
func held(t *testing.T) (*sandbox.Server, *sandbox.Account, func(what string) string) {
	t.Helper()
	server := sandboxtest.Start(t, sandbox.Options{Speed: -1})
	a := server.Sandbox().Account(sandbox.AccountID)
	ids := map[string]string{}
	return server, a, func(what string) string {
		t.Helper()
		if ids[what] == "" {
			id, err := a.AddSnapshot(sandbox.DefaultRegion, sandbox.Snapshot{SizeGiB: 8, Public: what == "public"})
			if err != nil {
				t.Fatal(err)
			}
			ids[what] = id
		}
		return ids[what]
	}
}

// In use by an image: own, disabled and deprecated ones, too.
func TestImages(t *testing.T) {
	server, a, snapshot := held(t)
	past := a.Now().Add(-24 * time.Hour).Truncate(time.Second)
	for name, i := range map[string]sandbox.Image{"own": {}, "disabled": {Disabled: true}, "deprecated": {Deprecated: past}} {
		i.Name, i.Disks, i.Tags = name, []sandbox.ImageDisk{{Device: "/dev/xvda", Snapshot: snapshot(name), SizeGiB: 8}}, sandbox.Tags{{Key: "Name", Value: name}}
		if _, err := a.AddImage(sandbox.DefaultRegion, i); err != nil {
			t.Fatal(err)
		}
	}
	images, err := newPeer(server.URL()).session(t).Copies(region).Images(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]fleet.Image{}
	for _, i := range images {
		got[i.Name()] = i
	}
	for name, want := range map[string]string{"own": "available", "disabled": "disabled", "deprecated": "available"} {
		i := got[name]
		if i.State != want || !slices.Equal(i.Snapshots, []fleet.SnapshotID{fleet.SnapshotID(snapshot(name))}) || i.Deprecation.Equal(past) != (name == "deprecated") {
			t.Errorf("%s: %+v", name, i)
		}
	}
}

// Locked, fast, named by a launch template in its default or its latest version, public.
func TestHolds(t *testing.T) {
	server, a, snapshot := held(t)
	must := func(_ string, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must("", a.LockSnapshot(sandbox.DefaultRegion, snapshot("locked"), 30))
	must("", a.AddFastRestore(sandbox.DefaultRegion, snapshot("fast"), sandbox.DefaultRegion+"a"))
	version := func(what string) sandbox.TemplateVersion {
		return sandbox.TemplateVersion{Disks: []sandbox.ImageDisk{{Device: "/dev/sdb", Snapshot: snapshot(what), SizeGiB: 8}}}
	}
	must(a.AddLaunchTemplate(sandbox.DefaultRegion, sandbox.LaunchTemplate{
		ID: "lt-0123456789abcdef0", Name: "web", Default: 2, Versions: []sandbox.TemplateVersion{version("old"), version("default"), version("between"), version("latest")},
	}))
	must(a.AddLaunchTemplate(sandbox.DefaultRegion, sandbox.LaunchTemplate{ID: "lt-00000000000000001", Name: "other", Versions: []sandbox.TemplateVersion{version("latest")}}))
	snapshot("public")

	c, ctx := newPeer(server.URL()).session(t).Copies(region), t.Context()
	locked, err := c.Locked(ctx)
	if until := locked[fleet.SnapshotID(snapshot("locked"))]; err != nil || len(locked) != 1 || until.Before(a.Now().AddDate(0, 0, 29)) || until.After(a.Now().AddDate(0, 0, 31)) {
		t.Errorf("locked: %v, %v", locked, err)
	}
	fast, err := c.Fast(ctx)
	if err != nil || !maps.Equal(fast, map[fleet.SnapshotID]bool{fleet.SnapshotID(snapshot("fast")): true}) {
		t.Errorf("fast: %v, %v", fast, err)
	}
	templates, err := c.Templates(ctx)
	for what, want := range map[string]string{"default": "lt-0123456789abcdef0", "latest": "lt-00000000000000001", "old": "", "between": ""} {
		if got := templates[fleet.SnapshotID(snapshot(what))]; err != nil || got != want {
			t.Errorf("%s: named by %q, want %q, %v", what, got, want, err)
		}
	}
	public, err := c.Public(ctx)
	if err != nil || !maps.Equal(public, map[fleet.SnapshotID]bool{fleet.SnapshotID(snapshot("public")): true}) {
		t.Errorf("public: %v, %v", public, err)
	}
	if who, err := c.SharedWith(ctx, fleet.SnapshotID(snapshot("public"))); err != nil || !slices.Equal(who, []string{"all"}) {
		t.Errorf("shared with %v, %v", who, err)
	}
	if err := c.DeleteCopy(ctx, fleet.SnapshotID(snapshot("locked"))); !errors.Is(err, fleet.ErrProtected) {
		t.Errorf("deleting a locked one: %v", err)
	}
	if err := c.DeleteCopy(ctx, fleet.SnapshotID(snapshot("fast"))); !errors.Is(err, fleet.ErrConflict) {
		t.Errorf("deleting one with fast restore: %v", err)
	}
}

// The Recycle Bin has rules, and what was deleted comes back from it.
func TestBin(t *testing.T) {
	server, a, snapshot := held(t)
	for _, rule := range []sandbox.BinRule{{Days: 14}, {Days: 30, Tags: sandbox.Tags{{Key: "nightshift:policy"}, {Key: "team", Value: "db"}}}} {
		if _, err := a.AddBinRule(sandbox.DefaultRegion, rule); err != nil {
			t.Fatal(err)
		}
	}
	s, ctx := newPeer(server.URL()).session(t), t.Context()
	rules, err := s.Bin(region).Rules(ctx)
	if err != nil || len(rules) != 2 {
		t.Fatalf("%+v, %v", rules, err)
	}
	slices.SortFunc(rules, func(a, b fleet.BinRule) int { return int(a.For - b.For) })
	if all, some := rules[0], rules[1]; all.ID == "" || all.For != 14*24*time.Hour || len(all.Tags) != 0 || some.For != 30*24*time.Hour ||
		!slices.Equal(some.Tags, []fleet.Tag{{Key: "nightshift:policy"}, {Key: "team", Value: "db"}}) {
		t.Errorf("%+v", rules)
	}
	c, id := s.Copies(region), fleet.SnapshotID(snapshot("x"))
	if err := c.DeleteCopy(ctx, id); err != nil {
		t.Fatal(err)
	}
	if there, err := c.ReadCopies(ctx, []fleet.SnapshotID{id}); err != nil || len(there) != 0 {
		t.Errorf("deleted, and there are %v, %v", there, err)
	}
	if binned, err := c.Deleted(ctx); err != nil || !slices.Equal(binned, []fleet.SnapshotID{id}) {
		t.Errorf("in the bin: %v, %v", binned, err)
	}
	if err := c.Undelete(ctx, id); err != nil {
		t.Error(err)
	}
	if there, err := c.ReadCopies(ctx, []fleet.SnapshotID{id}); err != nil || len(there) != 1 {
		t.Errorf("undeleted, and there are %v, %v", there, err)
	}
	if err := c.Undelete(ctx, id); !errors.Is(err, fleet.ErrNotFound) {
		t.Errorf("undeleted twice: %v", err)
	}
}

// Recovery points of AWS Backup of what exists, with their states.
func TestRecoveryPointsOfWhatExists(t *testing.T) {
	server, a, _ := held(t)
	ec2ARN := "arn:aws:ec2:" + sandbox.DefaultRegion + ":" + sandbox.AccountID + ":"
	at := a.Now().Add(-time.Hour).Truncate(time.Second)
	for resource, kind := range map[string]string{"volume/vol-1": "EBS", "volume/vol-gone": "EBS", "instance/i-1": "EC2"} {
		for n, status := range []string{"COMPLETED", "EXPIRED"} {
			point := sandbox.RecoveryPoint{ARN: "arn:aws:ec2:" + sandbox.DefaultRegion + "::snapshot/" + kind + status, Vault: "Default", Status: status, Created: at.Add(-time.Duration(n) * time.Hour)}
			if err := a.AddRecoveryPoint(sandbox.DefaultRegion, ec2ARN+resource, kind, point); err != nil {
				t.Fatal(err)
			}
		}
	}
	exists := func(id fleet.ResourceID) bool { return !strings.HasSuffix(string(id), "gone") }
	points, err := newPeer(server.URL()).session(t).Recovery(region).Points(t.Context(), exists)
	if err != nil || len(points) != 4 {
		t.Fatalf("%+v, %v", points, err)
	}
	states := map[string]int{}
	for _, p := range points {
		states[strings.TrimPrefix(p.Resource, ec2ARN)+" "+p.Status]++
		if p.Vault != "Default" || p.ARN == "" || p.Created.After(at) || p.Created.Before(at.Add(-2*time.Hour)) {
			t.Errorf("%+v", p)
		}
	}
	if want := map[string]int{"volume/vol-1 COMPLETED": 1, "volume/vol-1 EXPIRED": 1, "instance/i-1 COMPLETED": 1, "instance/i-1 EXPIRED": 1}; !maps.Equal(states, want) {
		t.Errorf("%v", states)
	}
}

// moto has images. It has no locks, fast restores, Recycle Bin, or launch templates of
// the whole account.
func TestImagesAgainstMoto(t *testing.T) {
	t.Parallel()
	p := newPeer(moto(t, "images were"))
	p.image = linuxImage(t, p)
	id := p.run(t, 1, "Name", "imaged")[0]
	made, err := p.ec2.CreateImage(t.Context(), &ec2.CreateImageInput{InstanceId: aws.String(string(id)), Name: aws.String("own")})
	if err != nil {
		t.Fatal(err)
	}
	images, err := p.session(t).Copies(region).Images(t.Context())
	if err != nil || !slices.ContainsFunc(images, func(i fleet.Image) bool { return i.ID == *made.ImageId && len(i.Snapshots) > 0 }) {
		t.Errorf("%+v, %v", images, err)
	}
}
