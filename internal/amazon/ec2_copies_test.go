package amazon_test

import (
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"nightshift/internal/amazon"
	"nightshift/internal/backup"
	"nightshift/internal/fleet"
	"nightshift/internal/sandbox"
	"nightshift/internal/sandbox/sandboxtest"
)

var _ backup.Copies = (*amazon.Copies)(nil)

// tagsOfCopy are those of a copy, with values that hold what EC2's filters read as
// wildcards.
func tagsOfCopy(set string) fleet.Tags {
	return fleet.Tags{backup.TagPolicy: "daily", backup.TagSet: set, "Name": "야간 ?*\\ 백업"}
}

// testCopies makes copies of a volume and of an instance, finds, marks and deletes them.
func testCopies(t *testing.T, p *peer) {
	t.Helper()
	ctx := t.Context()
	s := p.session(t)
	c := s.Copies(region)
	id := p.run(t, 1, "Backup", "daily")[0]
	var volume fleet.Volume
	for v, err := range s.Fleet(region).Volumes(ctx) {
		if err != nil {
			t.Fatal(err)
		}
		if slices.Contains(v.AttachedTo, id) {
			volume = v
		}
	}
	if len(volume.Attachments) != 1 || volume.Attachments[0].Instance != id || volume.Attachments[0].Device == "" || volume.Attachments[0].At.IsZero() {
		t.Errorf("its volume is %+v", volume)
	}

	one, err := c.CopyVolume(ctx, volume.ID, "daily, 02:00", tagsOfCopy("daily/vol/1*"))
	if err != nil {
		t.Fatal(err)
	}
	if one.Volume != volume.ID || one.Description != "daily, 02:00" || one.Tags["Name"] != "야간 ?*\\ 백업" || one.Started.IsZero() || one.SizeGiB != volume.SizeGiB {
		t.Errorf("the copy of the volume reads %+v", one)
	}
	p.wait()
	many, err := c.CopyInstance(ctx, id, false, nil, "daily", tagsOfCopy("daily/i/2"))
	if err != nil || len(many) != 1 || many[0].Volume != volume.ID || many[0].Tags[backup.TagSet] != "daily/i/2" {
		t.Fatalf("the copy of the instance: %+v, %v", many, err)
	}

	found := func(prefix string) []fleet.SnapshotID {
		t.Helper()
		list, err := c.FindCopies(ctx, backup.TagSet, prefix)
		if err != nil {
			t.Fatal(err)
		}
		ids := make([]fleet.SnapshotID, len(list))
		for n := range list {
			ids[n] = list[n].ID
		}
		slices.Sort(ids)
		return ids
	}
	if got := found("daily/vol/"); !slices.Equal(got, []fleet.SnapshotID{one.ID}) {
		t.Errorf("found %v, want %s", got, one.ID)
	}
	if p.escapes {
		if a, b := found("daily/vol/1*"), found("daily/vol/*"); len(a) != 1 || len(b) != 0 {
			t.Errorf("a star in a prefix is read as a wildcard: %v, %v", a, b)
		}
	}
	if got := found("weekly/"); len(got) != 0 {
		t.Errorf("found %v for another policy", got)
	}

	ids := []fleet.SnapshotID{one.ID, many[0].ID}
	if err := c.TagCopies(ctx, ids, fleet.Tags{backup.TagDeleting: "2026-11-30T02:00:00Z", backup.TagHold: "audit"}); err != nil {
		t.Fatal(err)
	}
	if err := c.UntagCopies(ctx, ids, []string{backup.TagHold}); err != nil {
		t.Fatal(err)
	}
	again, err := c.ReadCopies(ctx, append(ids, "snap-0123456789abcdef0"))
	if err != nil || len(again) != 2 {
		t.Fatalf("read %+v, %v", again, err)
	}
	for _, x := range again {
		if _, held := x.Tags[backup.TagHold]; held || x.Tags[backup.TagDeleting] != "2026-11-30T02:00:00Z" || x.Tags[backup.TagPolicy] != "daily" {
			t.Errorf("%s has the tags %v", x.ID, x.Tags)
		}
	}
	if who, err := c.SharedWith(ctx, one.ID); err != nil || len(who) != 0 {
		t.Errorf("shared with %v, %v", who, err)
	}
	for range 2 { // one that is gone is no error
		if err := c.DeleteCopy(ctx, one.ID); err != nil {
			t.Errorf("deleting: %v", err)
		}
	}
	if left := found("daily/"); !slices.Equal(left, []fleet.SnapshotID{many[0].ID}) {
		t.Errorf("left are %v, want %s", left, many[0].ID)
	}
	testLaunch(t, s, id)
}

// testLaunch looks at what a manifest has of an instance.
func testLaunch(t *testing.T, s *amazon.Session, id fleet.ResourceID) {
	t.Helper()
	for i, err := range s.Fleet(region).Instances(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		if l := i.Launch; i.ID == id && (!strings.HasPrefix(l.Image, "ami-") || l.Subnet == "" || l.Architecture == "" || l.Virtualization == "") {
			t.Errorf("%s was launched with %+v", id, l)
		}
	}
}

func TestCopiesAgainstSandbox(t *testing.T) {
	t.Parallel()
	server := ticking(t, sandbox.Options{Fleet: 1})
	p := newPeer(server.URL())
	p.escapes = true
	p.wait = func() { server.Sandbox().Advance(time.Minute) } // EC2 wants 15 seconds between two of a volume
	testCopies(t, p)
}

// moto makes, tags and deletes snapshots. It has no CreateSnapshots of only some volumes,
// no locks, no fast restores, no Recycle Bin.
func TestCopiesAgainstMoto(t *testing.T) {
	t.Parallel()
	p := newPeer(moto(t, "making copies was"))
	p.wait = func() {}
	p.image = linuxImage(t, p)
	testCopies(t, p)
}

// "CreateSnapshot, CreateSnapshots … have no ClientToken: the SDK must not retry them on
// timeout, connection loss or 5xx; only throttling is retried." "The sandbox cuts both
// before the request and after acceptance with the answer lost".
func TestCopiesAreNotMadeTwice(t *testing.T) {
	t.Parallel()
	volumes := func(s *amazon.Session) (v fleet.Volume) {
		for v, err := range s.Fleet(region).Volumes(t.Context()) {
			if err != nil {
				t.Fatal(err)
			}
			if v.State == "in-use" {
				return v
			}
		}
		t.Fatal("no volume is in use")
		return v
	}
	for name, tt := range map[string]struct {
		fault      sandbox.Fault
		kind       error
		sent, made int
	}{
		"cut before":    {sandbox.Fault{Kind: sandbox.Cut}, fleet.ErrUnavailable, 1, 0},
		"answer lost":   {sandbox.Fault{Kind: sandbox.NoAnswer}, fleet.ErrUnavailable, 1, 1},
		"error 500":     {sandbox.Fault{Kind: sandbox.Broken}, fleet.ErrUnavailable, 1, 0},
		"throttled":     {sandbox.Fault{Kind: sandbox.Throttle, Count: 2}, nil, 3, 1},
		"for its rate":  {sandbox.Fault{Kind: sandbox.Throttle, Code: "SnapshotCreationPerVolumeRateExceeded"}, fleet.ErrThrottled, 1, 0},
		"quota reached": {sandbox.Fault{Kind: sandbox.Throttle, Code: "ConcurrentSnapshotLimitExceeded"}, fleet.ErrCapacity, 1, 0},
	} {
		for _, action := range []string{"CreateSnapshot", "CreateSnapshots"} {
			t.Run(name+" "+action, func(t *testing.T) {
				t.Parallel()
				server := sandboxtest.Start(t, sandbox.Options{Speed: 1000, Fleet: 1})
				s := newPeer(server.URL()).session(t)
				v := volumes(s)
				tt.fault.Action = "ec2:" + action
				if err := server.Sandbox().SetFaults([]sandbox.Fault{tt.fault}); err != nil {
					t.Fatal(err)
				}
				c := s.Copies(region)
				var err error
				if action == "CreateSnapshot" {
					_, err = c.CopyVolume(t.Context(), v.ID, "", tagsOfCopy("one"))
				} else {
					_, err = c.CopyInstance(t.Context(), v.AttachedTo[0], false, nil, "", tagsOfCopy("one"))
				}
				if !errors.Is(err, tt.kind) {
					t.Errorf("%v, want %v", err, tt.kind)
				}
				sent := 0
				for _, call := range server.Sandbox().Calls() {
					if call.Action == action {
						sent++
					}
				}
				made, err := c.FindCopies(t.Context(), backup.TagSet, "one")
				if err != nil {
					t.Fatal(err)
				}
				ofVolume := slices.DeleteFunc(made, func(x fleet.Snapshot) bool { return x.Volume != v.ID })
				if sent != tt.sent || len(ofVolume) != tt.made {
					t.Errorf("sent %d times, %d copies; want %d and %d", sent, len(ofVolume), tt.sent, tt.made)
				}
			})
		}
	}
}

// An answer that begins and does not go on is unclear, too.
func TestCopiesAreNotMadeTwiceWhereAnAnswerStops(t *testing.T) {
	t.Parallel()
	var requests atomic.Int32
	s := sessionAt(t, func(w http.ResponseWriter, r *http.Request) {
		requests.Add(1)
		_, _ = io.Copy(io.Discard, r.Body)
		w.Header().Set("Content-Length", "100000")
		_, _ = io.WriteString(w, "<CreateSnapshotResponse>")
		w.(http.Flusher).Flush()
		<-r.Context().Done()
	})
	s.SetStall(50 * time.Millisecond)
	_, err := s.Copies(region).CopyVolume(t.Context(), "vol-1", "", nil)
	if n := requests.Load(); n != 1 || !errors.Is(err, fleet.ErrUnavailable) || !strings.Contains(err.Error(), "nothing came for 50ms") {
		t.Errorf("%d requests, %v", n, err)
	}
}
