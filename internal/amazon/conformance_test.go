package amazon_test

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"nightshift/internal/amazon"
	"nightshift/internal/fleet"
	"nightshift/internal/power"
	"nightshift/internal/sandbox"
	"nightshift/internal/sandbox/sandboxtest"
)

// peer is an EC2 to test against: the sandbox, or an independent emulator.
type peer struct {
	endpoint string
	image    string
	// frozen is true where starting does not move the launch time.
	frozen bool
	// escapes is true where filters know a backslash as an escape, as EC2's do.
	escapes bool
	// wait lets the time pass that EC2 wants between two snapshots of a volume.
	wait func()
	ec2  *ec2.Client
	s3   *s3.Client
}

const region = fleet.Region(sandbox.DefaultRegion)

func newPeer(endpoint string) *peer {
	config := aws.Config{
		Region: sandbox.DefaultRegion, BaseEndpoint: &endpoint, HTTPClient: awshttp.NewBuildableClient(),
		Credentials: credentials.NewStaticCredentialsProvider(sandbox.AccessKey, sandbox.SecretKey, ""),
	}
	return &peer{
		endpoint: endpoint,
		image:    sandbox.ImageLinux,
		ec2:      ec2.NewFromConfig(config),
		s3:       s3.NewFromConfig(config, func(o *s3.Options) { o.UsePathStyle = true }),
	}
}

func (p *peer) session(t *testing.T) *amazon.Session {
	t.Helper()
	s, err := amazon.Open(t.Context(), amazon.Options{Region: region, Endpoint: &amazon.Endpoint{
		URL: p.endpoint, AccessKey: sandbox.AccessKey, SecretKey: sandbox.SecretKey,
	}})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// run starts n instances with a tag and waits until they run.
func (p *peer) run(t *testing.T, n int, key, value string) []fleet.ResourceID {
	t.Helper()
	out, err := p.ec2.RunInstances(t.Context(), &ec2.RunInstancesInput{
		ImageId: &p.image, InstanceType: types.InstanceTypeT3Micro, MinCount: aws.Int32(int32(n)), MaxCount: aws.Int32(int32(n)),
		TagSpecifications: []types.TagSpecification{{
			ResourceType: types.ResourceTypeInstance, Tags: []types.Tag{{Key: &key, Value: &value}},
		}},
	})
	if err != nil {
		t.Fatal(err)
	}
	var ids []fleet.ResourceID
	for _, i := range out.Instances {
		ids = append(ids, fleet.ResourceID(*i.InstanceId))
	}
	p.await(t, ids, fleet.Running)
	return ids
}

func (p *peer) await(t *testing.T, ids []fleet.ResourceID, state fleet.State) {
	t.Helper()
	f := p.session(t).Fleet(region)
	there := 0
	for range tries {
		there = 0
		for i, err := range f.Machines(t.Context(), fleet.Selector{IDs: ids}) {
			if err != nil {
				t.Fatal(err)
			}
			if i.State == state {
				there++
			}
		}
		if there == len(ids) {
			return
		}
		time.Sleep(pause)
	}
	t.Fatalf("%d of %d instances are %s", there, len(ids), state)
}

// How often a peer is looked at until something has happened, and the pause
// between. The bound is a number of looks, which no slow machine uses up.
const (
	tries = 600
	pause = 20 * time.Millisecond
)

// patience is how long power waits; it does so only where a test fails.
const patience = 5 * time.Minute

// ticking starts a sandbox whose clock moves with the calls that describe
// something, half a minute with each, and not otherwise. What happens does not
// depend on how fast this machine is.
func ticking(t *testing.T, o sandbox.Options) *sandbox.Server {
	t.Helper()
	var server *sandbox.Server
	o.Speed = -1
	o.Tap = func(e sandbox.Exchange) {
		if strings.HasPrefix(e.Action, "Describe") {
			server.Sandbox().Advance(30 * time.Second)
		}
	}
	server = sandboxtest.Start(t, o)
	return server
}

func TestAgainstSandbox(t *testing.T) {
	t.Parallel()
	server := ticking(t, sandbox.Options{Fleet: 1})
	conformance(t, newPeer(server.URL()))
}

// moto is written by other people from the same documents.
func TestAgainstMoto(t *testing.T) {
	t.Parallel()
	endpoint := moto(t, "the adapter was")
	p := newPeer(endpoint)
	p.frozen = true
	images, err := p.ec2.DescribeImages(t.Context(), &ec2.DescribeImagesInput{Owners: []string{"amazon"}})
	if err != nil {
		t.Fatal(err)
	}
	for _, i := range images.Images {
		if i.Platform == "" && i.RootDeviceType == types.DeviceTypeEbs {
			p.image = *i.ImageId
			break
		}
	}
	if _, err := p.s3.CreateBucket(t.Context(), &s3.CreateBucketInput{
		Bucket:                    aws.String(sandbox.DefaultBucket),
		CreateBucketConfiguration: nil,
	}, func(o *s3.Options) { o.Region = "us-east-1" }); err != nil {
		t.Fatal(err)
	}
	conformance(t, p)
}

// conformance is what both peers must agree on.
func conformance(t *testing.T, p *peer) {
	t.Run("tags choose", func(t *testing.T) { testTagsChoose(t, p) })
	t.Run("stop and start", func(t *testing.T) { testStopAndStart(t, p) })
	t.Run("refusals", func(t *testing.T) { testRefusals(t, p) })
	t.Run("power", func(t *testing.T) { testPower(t, p) })
	t.Run("volumes", func(t *testing.T) { testVolumes(t, p) })
	t.Run("types", func(t *testing.T) { testTypes(t, p) })
	t.Run("account", func(t *testing.T) { testAccount(t, p) })
	t.Run("bucket", func(t *testing.T) { testBucket(t, p) })
	t.Run("groups", func(t *testing.T) { testGroups(t, p) })
	t.Run("objects", func(t *testing.T) { testObjects(t, p) })
	t.Run("versions", func(t *testing.T) {
		testVersions(t, p.session(t).Objects(sandbox.DefaultBucket, "versions/"))
	})
	t.Run("permissions", func(t *testing.T) { testPermissions(t, p) })
}

func testTagsChoose(t *testing.T, p *peer) {
	hostile := []string{`a*b`, `a?b`, `a\b`, "axb", "=cmd|'/c calc'!A1", "서울 웹", "a\\*b"}
	ids := map[string]fleet.ResourceID{}
	for _, value := range hostile {
		ids[value] = p.run(t, 1, "chosen", value)[0]
	}
	f := p.session(t).Fleet(region)
	for _, value := range hostile {
		var got []fleet.ResourceID
		for i, err := range f.Machines(t.Context(), fleet.Selector{Tags: []fleet.Tag{{Key: "chosen", Value: value}}}) {
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, i.ID)
		}
		if !slices.Equal(got, []fleet.ResourceID{ids[value]}) {
			t.Errorf("tag value %q chose %v, want only %s", value, got, ids[value])
		}
	}
	n := 0
	for _, err := range f.Machines(t.Context(), fleet.Selector{Tags: []fleet.Tag{{Key: "chosen"}}}) {
		if err != nil {
			t.Fatal(err)
		}
		n++
	}
	if n != len(hostile) {
		t.Errorf("the key alone chose %d instances, want %d", n, len(hostile))
	}
}

func testStopAndStart(t *testing.T, p *peer) {
	ids := p.run(t, 3, "life", "cycle")
	f := p.session(t).Fleet(region)
	if err := f.Stop(t.Context(), ids, false); err != nil {
		t.Fatal(err)
	}
	p.await(t, ids, fleet.Stopped)
	before := map[fleet.ResourceID]fleet.Machine{}
	for i, err := range f.Machines(t.Context(), fleet.Selector{IDs: ids}) {
		if err != nil {
			t.Fatal(err)
		}
		before[i.ID] = i
		if i.Cause != fleet.CauseCall || i.Stopped.IsZero() {
			t.Errorf("stopped by %q at %v (%s)", i.Cause, i.Stopped, i.Why)
		}
		if i.Kind != fleet.KindInstance || i.Type != "t3.micro" || i.Zone == "" || i.Target.Account == "" || i.Started.IsZero() || i.Created.IsZero() {
			t.Errorf("incomplete: %+v", i)
		}
	}
	if err := f.Start(t.Context(), ids); err != nil {
		t.Fatal(err)
	}
	p.await(t, ids, fleet.Running)
	for i, err := range f.Machines(t.Context(), fleet.Selector{IDs: ids}) {
		if err != nil {
			t.Fatal(err)
		}
		if !p.frozen && !i.Started.After(before[i.ID].Started) {
			t.Errorf("launch time %s was not moved by the start", i.Started)
		}
	}
}

func testRefusals(t *testing.T, p *peer) {
	good := p.run(t, 1, "refused", "no")[0]
	f := p.session(t).Fleet(region)
	missing := fleet.ResourceID("i-0123456789abcdef0")
	refusal, ok := errors.AsType[*fleet.Refusal](f.Stop(t.Context(), []fleet.ResourceID{good, missing}, false))
	if !ok || !errors.Is(refusal, fleet.ErrNotFound) || !slices.Equal(refusal.IDs, []fleet.ResourceID{missing}) {
		t.Errorf("a missing instance: %+v, want a refusal that names it", refusal)
	}
	p.protect(t, good)
	refusal, ok = errors.AsType[*fleet.Refusal](f.Stop(t.Context(), []fleet.ResourceID{good}, false))
	if !ok || !errors.Is(refusal, fleet.ErrProtected) || !slices.Contains(refusal.IDs, good) {
		t.Errorf("a protected instance: %+v, want a refusal that names it", refusal)
	}
}

func (p *peer) protect(t *testing.T, id fleet.ResourceID) {
	t.Helper()
	_, err := p.ec2.ModifyInstanceAttribute(t.Context(), &ec2.ModifyInstanceAttributeInput{
		InstanceId: aws.String(string(id)), DisableApiStop: &types.AttributeBooleanValue{Value: aws.Bool(true)},
	})
	if err != nil {
		t.Fatal(err)
	}
}

func testPower(t *testing.T, p *peer) {
	ids := p.run(t, 6, "AutoStopStart", "Night")
	f := p.session(t).Fleet(region)
	p.protect(t, ids[1])
	if err := f.Stop(t.Context(), ids[2:3], false); err != nil {
		t.Fatal(err)
	}
	p.await(t, ids[2:3], fleet.Stopped)
	evaluator := power.ByTag{Action: power.Stop, Tags: []fleet.Tag{{Key: "AutoStopStart", Value: "Night"}}}
	clients := power.Clients{
		Target:   fleet.Target{Region: region},
		Machines: map[fleet.Kind]power.Machines{fleet.KindInstance: f},
	}
	plan, err := power.MakePlan(t.Context(), clients, evaluator, nil)
	if err != nil {
		t.Fatal(err)
	}
	got := map[fleet.ResourceID]string{}
	for _, o := range power.Apply(t.Context(), clients, evaluator, plan, power.Options{Wait: patience}) {
		got[o.ID] = fmt.Sprint(o.Result, " ", o.Reason.Code)
	}
	for n, id := range ids {
		want := "done "
		switch n {
		case 1:
			want = "skipped stop-protected"
		case 2:
			want = "skipped already-stopped"
		}
		if got[id] != want {
			t.Errorf("instance %d: %q, want %q", n, got[id], want)
		}
	}
}

func testVolumes(t *testing.T, p *peer) {
	id := p.run(t, 1, "volumes", "yes")[0]
	zone := sandbox.DefaultRegion + "a"
	for i, err := range p.session(t).Fleet(region).Machines(t.Context(), fleet.Selector{IDs: []fleet.ResourceID{id}}) {
		if err != nil {
			t.Fatal(err)
		}
		zone = string(i.Zone)
	}
	created, err := p.ec2.CreateVolume(t.Context(), &ec2.CreateVolumeInput{
		AvailabilityZone: &zone, VolumeType: types.VolumeTypeGp3, Size: aws.Int32(100), Iops: aws.Int32(4000), Throughput: aws.Int32(250),
	})
	if err != nil {
		t.Fatal(err)
	}
	free, err := p.ec2.CreateVolume(t.Context(), &ec2.CreateVolumeInput{AvailabilityZone: &zone, VolumeType: types.VolumeTypeSt1, Size: aws.Int32(500)})
	if err != nil {
		t.Fatal(err)
	}
	waiter := ec2.NewVolumeAvailableWaiter(p.ec2, func(o *ec2.VolumeAvailableWaiterOptions) { o.MinDelay, o.MaxDelay = 20*time.Millisecond, time.Second })
	if err := waiter.Wait(t.Context(), &ec2.DescribeVolumesInput{VolumeIds: []string{*created.VolumeId}}, 20*time.Second); err != nil {
		t.Fatal(err)
	}
	if _, err := p.ec2.AttachVolume(t.Context(), &ec2.AttachVolumeInput{
		VolumeId: created.VolumeId, InstanceId: aws.String(string(id)), Device: aws.String("/dev/sdf"),
	}); err != nil {
		t.Fatal(err)
	}
	seen := map[fleet.VolumeID]fleet.Volume{}
	for v, err := range p.session(t).Fleet(region).Volumes(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		seen[v.ID] = v
	}
	v := seen[fleet.VolumeID(*created.VolumeId)]
	if v.Type != fleet.GP3 || v.SizeGiB != 100 || v.IOPS != 4000 || v.ThroughputMiBps != 250 || !slices.Equal(v.AttachedTo, []fleet.ResourceID{id}) {
		t.Errorf("the attached volume reads %+v", v)
	}
	if v := seen[fleet.VolumeID(*free.VolumeId)]; v.Type != fleet.ST1 || v.SizeGiB != 500 || len(v.AttachedTo) != 0 {
		t.Errorf("the free volume reads %+v", v)
	}
}

func testTypes(t *testing.T, p *peer) {
	got, err := p.session(t).Fleet(region).Types(t.Context(), []fleet.InstanceType{"t3.micro", "m5.xlarge", "z9.unheard"})
	if err != nil {
		t.Fatal(err)
	}
	if m := got["m5.xlarge"]; m.VCPU != 4 || m.MemoryMiB != 16384 {
		t.Errorf("m5.xlarge reads %+v", m)
	}
	if _, ok := got["z9.unheard"]; ok || len(got) != 2 {
		t.Errorf("%d types, want the 2 that exist", len(got))
	}
}

func testAccount(t *testing.T, p *peer) {
	s := p.session(t)
	account, err := s.Account(t.Context())
	if err != nil || len(account) != 12 {
		t.Errorf("account %q, %v", account, err)
	}
	regions, err := s.Regions(t.Context(), region)
	if err != nil || !slices.Contains(regions, region) {
		t.Errorf("regions %v, %v", regions, err)
	}
}

func testBucket(t *testing.T, p *peer) {
	body := []byte("월간 비용")
	s := p.session(t)
	if err := s.Bucket(sandbox.DefaultBucket).Put(t.Context(), "ec2/보고서.txt", "text/plain", bytes.NewReader(body)); err != nil {
		t.Fatal(err)
	}
	out, err := p.s3.GetObject(t.Context(), &s3.GetObjectInput{Bucket: aws.String(sandbox.DefaultBucket), Key: aws.String("ec2/보고서.txt")})
	if err != nil {
		t.Fatal(err)
	}
	defer out.Body.Close()
	var got bytes.Buffer
	if _, err := got.ReadFrom(out.Body); err != nil || !bytes.Equal(got.Bytes(), body) {
		t.Errorf("the object reads %q, %v", got.String(), err)
	}
	err = s.Bucket("no-such-bucket-of-ours").Put(t.Context(), "k", "text/plain", bytes.NewReader(body))
	if !errors.Is(err, fleet.ErrNotFound) || !strings.Contains(err.Error(), "no-such-bucket-of-ours") {
		t.Errorf("a missing bucket: %v", err)
	}
}
