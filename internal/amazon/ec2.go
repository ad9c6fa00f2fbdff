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
	seed   maphash.Seed
	latest [1024]string
}

func (t *texts) of(s string) string {
	if t.seed == (maphash.Seed{}) {
		t.seed = maphash.MakeSeed()
	}
	slot := &t.latest[maphash.String(t.seed, s)%uint64(len(t.latest))]
	if *slot != s {
		*slot = s
	}
	return *slot
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
