package app_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"nightshift/internal/backup"
	"nightshift/internal/fleet"
	"nightshift/internal/sandbox"
)

// attach gives an instance so many more volumes with the tag Backup=no.
func (e *estate) attach(id fleet.ResourceID, volumes int) {
	e.t.Helper()
	client := ec2.NewFromConfig(aws.Config{
		Region: sandbox.DefaultRegion, BaseEndpoint: &e.gate.url,
		Credentials: credentials.NewStaticCredentialsProvider(sandbox.AccessKey, sandbox.SecretKey, ""),
	})
	var zone string
	for _, i := range e.inventory().Instances {
		if i.ID == id {
			zone = string(i.Zone)
		}
	}
	var ids []string
	for range volumes {
		v, err := client.CreateVolume(e.t.Context(), &ec2.CreateVolumeInput{
			AvailabilityZone: &zone, Size: aws.Int32(10), VolumeType: types.VolumeTypeGp3,
			TagSpecifications: []types.TagSpecification{{
				ResourceType: types.ResourceTypeVolume, Tags: []types.Tag{{Key: aws.String("Backup"), Value: aws.String("no")}},
			}},
		})
		if err != nil {
			e.t.Fatal(err)
		}
		ids = append(ids, *v.VolumeId)
	}
	e.sandbox.Advance(time.Minute)
	for n, volume := range ids {
		device := fmt.Sprintf("/dev/xvd%c%c", 'b'+n/26, 'a'+n%26)
		if _, err := client.AttachVolume(e.t.Context(), &ec2.AttachVolumeInput{Device: &device, InstanceId: aws.String(string(id)), VolumeId: aws.String(volume)}); err != nil {
			e.t.Fatal(err)
		}
	}
	e.sandbox.Advance(time.Minute)
}

// "More to exclude = single copies, marked not crash-consistent across volumes": a run that
// is killed between two of them is finished, and no volume is copied twice.
func TestSingleCopies(t *testing.T) {
	text := strings.Replace(policies, "keep: { daily: 3 }", "keep: { daily: 3 }, exclude: [Backup=no]", 1)
	for _, n := range []int{3, 4, 5} { // after the lease, the manifest and the intent, of two copies
		for _, after := range []bool{false, true} {
			e := newEstate(t, text, sandbox.Options{})
			id := e.choose(1, 0)[0]
			e.attach(id, 41)
			before := len(e.sandbox.Snapshots(sandbox.DefaultRegion))
			if !e.killed(n+1, after) {
				t.Fatalf("not killed at call %d", n)
			}
			for range 4 {
				e.sandbox.Advance(11 * time.Minute)
				e.run()
			}
			e.sandbox.Advance(quarter)
			sets := e.sets()
			made := len(e.sandbox.Snapshots(sandbox.DefaultRegion)) - before
			if len(sets) != 1 || !sets[0].Good() || !sets[0].Single || len(sets[0].Members) != 2 || made != 2 {
				t.Fatalf("killed at %s (after it %t): %d snapshots in %d sets", e.gate.last, after, made, len(sets))
			}
			m, ok := e.sandbox.Object(sandbox.DefaultBucket, "journal/"+backup.ManifestKey(sets[0].ID))
			if read, err := backup.ParseManifest(m); !ok || err != nil || !read.Single || len(read.Excluded) != 41 {
				t.Errorf("the manifest: %t, %v", ok, err)
			}
		}
	}
}

// "Without a bucket: one runner only, said": once, and the copies are made.
func TestWithoutAJournal(t *testing.T) {
	e := newEstate(t, strings.Replace(policies, "journal: s3://nightshift-practice/journal\n", "", 1), sandbox.Options{})
	chosen := e.choose(2, 1)
	r := e.run()
	if len(r.Targets[0].Notes) != 1 || !strings.Contains(r.Targets[0].Notes[0], "only one may work in an account at a time") {
		t.Errorf("%q", r.Targets[0].Notes)
	}
	if len(e.sets()) != len(chosen) || r.Status() != fleet.StatusDone {
		t.Errorf("%d sets of %d resources, %s", len(e.sets()), len(chosen), r.Status())
	}
}
