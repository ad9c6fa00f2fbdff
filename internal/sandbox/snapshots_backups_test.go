package sandbox_test

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/google/go-cmp/cmp"

	"nightshift/internal/sandbox"
)

// TestBackupsOfOthers: the default account has no more than before unless it is asked
// for, and then one of each kind of snapshot.
func TestBackupsOfOthers(t *testing.T) {
	a := open(t, sandbox.Options{Backups: true})
	self := []string{"self"}
	count := func(in ec2.DescribeSnapshotsInput) int {
		in.OwnerIds = self
		return len(a.snapshots(&in))
	}
	for name, tt := range map[string]struct {
		in   ec2.DescribeSnapshotsInput
		want int
	}{
		"all":        {ec2.DescribeSnapshotsInput{}, 11 + 7 + 3 + 2 + 4},
		"DLM":        {ec2.DescribeSnapshotsInput{Filters: []types.Filter{filterOf("tag:aws:dlm:lifecycle-policy-id", "policy-*")}}, 7},
		"AWS Backup": {ec2.DescribeSnapshotsInput{Filters: []types.Filter{filterOf("tag-key", "aws:backup:source-resource")}}, 4},
		"public":     {ec2.DescribeSnapshotsInput{RestorableByUserIds: []string{"all"}}, 1},
	} {
		if got := count(tt.in); got != tt.want {
			t.Errorf("%s: %d, want %d", name, got, tt.want)
		}
	}
	images, err := a.ec2.DescribeImages(t.Context(), &ec2.DescribeImagesInput{Owners: self, IncludeDisabled: aws.Bool(true)})
	if err != nil || len(images.Images) != 3 {
		t.Fatalf("%d images, %v", len(images.Images), err)
	}
	for _, i := range images.Images {
		if err := a.deleteSnapshot(*i.BlockDeviceMappings[0].Ebs.SnapshotId); err == nil {
			t.Errorf("the snapshot of %s is deleted", *i.Name)
		}
	}
	locked, err := a.ec2.DescribeLockedSnapshots(t.Context(), &ec2.DescribeLockedSnapshotsInput{})
	if err != nil || len(locked.Snapshots) != 1 {
		t.Errorf("locked: %+v, %v", locked, err)
	}
	templates, err := a.ec2.DescribeLaunchTemplateVersions(t.Context(), &ec2.DescribeLaunchTemplateVersionsInput{Versions: []string{"$Default"}})
	if err != nil || count(ec2.DescribeSnapshotsInput{Filters: []types.Filter{
		filterOf("snapshot-id", *templates.LaunchTemplateVersions[0].LaunchTemplateData.BlockDeviceMappings[0].Ebs.SnapshotId),
	}}) != 1 {
		t.Errorf("the launch template: %+v, %v", templates, err)
	}
	if status, list := a.rest("backup", "GET", "/resources/", ""); status != 200 || len(list["Results"].([]any)) != 2 {
		t.Errorf("%d %v", status, list)
	}
}

// TestSnapshotsInShards: listings by the beginning of an id, or of the volume's, have
// every snapshot once, although pages come back empty.
func TestSnapshotsInShards(t *testing.T) {
	a := open(t, sandbox.Options{Fleet: 200, EmptyPages: 0.3})
	all := len(a.Snapshots(sandbox.DefaultRegion))
	for name, prefix := range map[string]string{"snapshot-id": "snap-0", "volume-id": "vol-0"} {
		seen := map[string]int{}
		for _, digit := range "0123456789abcdef" {
			for _, s := range a.snapshots(&ec2.DescribeSnapshotsInput{
				OwnerIds: []string{"self"}, MaxResults: aws.Int32(5), Filters: []types.Filter{filterOf(name, prefix+string(digit)+"*")},
			}) {
				seen[*s.SnapshotId]++
			}
		}
		for id, n := range seen {
			if n != 1 {
				t.Errorf("%s: %s is shown %d times", name, id, n)
			}
		}
		if len(seen) != all || all == 0 {
			t.Errorf("%s: %d snapshots of %d", name, len(seen), all)
		}
	}
}

// TestTagsOfAllInPages: pages of DescribeTags show every tag once, of snapshots,
// addresses and images alike.
func TestTagsOfAllInPages(t *testing.T) {
	a := open(t, sandbox.Options{Backups: true})
	list := func(size *int32) map[string]int {
		seen := map[string]int{}
		p := ec2.NewDescribeTagsPaginator(a.ec2, &ec2.DescribeTagsInput{MaxResults: size})
		for p.HasMorePages() {
			out, err := p.NextPage(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			for _, x := range out.Tags {
				seen[*x.ResourceId+" "+*x.Key]++
			}
		}
		return seen
	}
	if diff := cmp.Diff(list(nil), list(aws.Int32(7))); diff != "" {
		t.Errorf("all at once and in pages (-want +got)\n%s", diff)
	}
}

// TestDatabaseWithoutBackups: one database of the default account has no automatic
// backups.
func TestDatabaseWithoutBackups(t *testing.T) {
	a := open(t, sandbox.Options{})
	for id, want := range map[string]int32{"qa-oracle": 0, "dev-mysql": 7} {
		if got := *a.database(id).BackupRetentionPeriod; got != want {
			t.Errorf("%s keeps backups for %d days, want %d", id, got, want)
		}
	}
}

// BenchmarkDescribeSnapshots lists 50,000 snapshots in pages of a thousand.
func BenchmarkDescribeSnapshots(b *testing.B) {
	a := openUnchecked(b, sandbox.Options{Fleet: 500, EmptyPages: -1})
	for n := range 50 {
		for _, v := range a.Regions[sandbox.DefaultRegion].VolumeOrder {
			if _, err := a.AddSnapshot(sandbox.DefaultRegion, sandbox.Snapshot{
				Volume: v.ID, Started: testStart.AddDate(0, 0, n-50), Tags: sandbox.Tags{{Key: "Backup", Value: "daily"}, {Key: "Name", Value: "data"}},
			}); err != nil {
				b.Fatal(err)
			}
		}
	}
	for b.Loop() {
		p := ec2.NewDescribeSnapshotsPaginator(a.ec2, &ec2.DescribeSnapshotsInput{
			OwnerIds: []string{"self"}, MaxResults: aws.Int32(1000), Filters: []types.Filter{filterOf("tag:Backup", "d*")},
		})
		for p.HasMorePages() {
			if _, err := p.NextPage(b.Context()); err != nil {
				b.Fatal(err)
			}
		}
	}
}
