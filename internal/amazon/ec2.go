package amazon

import (
	"hash/maphash"
	"iter"
	"maps"
	"slices"
	"time"
	"unique"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"nightshift/internal/fleet"
)

// Fleet is the EC2 of one account and region. Its methods read all pages.
type Fleet struct {
	instances
	volumes
	snapshots
	addresses
	capacity
	spot
}

// Fleet gives access to the EC2 of a region.
func (s *Session) Fleet(region fleet.Region) *Fleet {
	client := ec2.NewFromConfig(s.in(region))
	return &Fleet{
		instances: newInstances(s, client, region),
		volumes:   newVolumes(s, client, region),
		snapshots: newSnapshots(s, client, region),
		addresses: newAddresses(s, client, region),
		capacity:  newCapacity(s, client, region),
		spot:      newSpot(s, client),
	}
}

func tags(in []types.Tag) fleet.Tags {
	out := make(fleet.Tags, len(in))
	for _, t := range in {
		out[intern(aws.ToString(t.Key))] = aws.ToString(t.Value)
	}
	return out
}

// toTags are tags as the SDK wants them, in the order of their keys.
func toTags(tags fleet.Tags) []types.Tag {
	var out []types.Tag
	for _, key := range slices.Sorted(maps.Keys(tags)) {
		out = append(out, types.Tag{Key: aws.String(key), Value: aws.String(tags[key])})
	}
	return out
}

// intern gives one copy of a text that many resources have in common, such as a
// zone: the decoder makes a new one for each, which a large fleet would keep.
func intern(s string) string { return unique.Make(s).Value() }

// texts gives one copy of texts that are often repeated, such as values of tags. It
// knows the latest ones only: most of half a million sets have a name of their own, each
// of which intern would remember.
type texts struct {
	chosen maphash.Seed
	latest [1024]string
}

func (t *texts) of(s string) string {
	slot := t.slot(maphash.String(t.seed(), s))
	if *slot != s {
		*slot = s
	}
	return *slot
}

// ofBytes makes a text of bytes where it knows none.
func (t *texts) ofBytes(b []byte) string {
	slot := t.slot(maphash.Bytes(t.seed(), b))
	if *slot != string(b) {
		*slot = string(b)
	}
	return *slot
}

func (t *texts) slot(hash uint64) *string { return &t.latest[hash%uint64(len(t.latest))] }

func (t *texts) seed() maphash.Seed {
	if t.chosen == (maphash.Seed{}) {
		t.chosen = maphash.MakeSeed()
	}
	return t.chosen
}

func timeOf(t *time.Time) time.Time {
	if t == nil {
		return time.Time{}
	}
	return t.UTC()
}

// toStrings turns typed ids into the plain strings of the SDK.
func toStrings[T ~string](in []T) []string {
	out := make([]string, len(in))
	for n, s := range in {
		out[n] = string(s)
	}
	return out
}

// chunks yields the keys of a set in order, at most size at a time.
func chunks[V any](set map[string]V, size int) iter.Seq[[]string] {
	return slices.Chunk(slices.Sorted(maps.Keys(set)), size)
}
