package deploy

import (
	"bytes"
	"cmp"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"nightshift/internal/fleet"
)

// Keep is how many archives and configurations of a stack stay in the artifact
// bucket. S3's own lifecycle rules know ages of objects and versions of one key,
// and an old object may be the one in use, so that deploy does it.
const Keep = 10

// ArtifactBucket is the name of the bucket for code and configurations.
func ArtifactBucket(account fleet.Account, region fleet.Region) string {
	return fmt.Sprintf("nightshift-artifacts-%s-%s", account, region)
}

// CodeKey is where the archive of a program lies in the artifact bucket. The hash is
// that of the program: it says what the archive holds, whoever packed it, and costs
// no packing where it is there already.
func CodeKey(stack, hash string) string { return stack + "/code/" + hash + ".zip" }

// ConfigPrefix is where a configuration lies there with its calendars. The hash is
// that of all of its files.
func ConfigPrefix(stack string, files map[string][]byte) string {
	var all bytes.Buffer
	for _, name := range slices.Sorted(maps.Keys(files)) {
		fmt.Fprintf(&all, "%s %s\n", Hash(files[name]), name)
	}
	return stack + "/config/" + Hash(all.Bytes()) + "/"
}

// keyOf is the part of a key that is kept or removed as one: an archive, or the
// folder of a configuration. It is empty for anything else.
func keyOf(stack, key string) string {
	rest, ok := strings.CutPrefix(key, stack+"/")
	if !ok {
		return ""
	}
	kind, rest, _ := strings.Cut(rest, "/")
	switch kind {
	case "code":
		return key
	case "config":
		hash, _, _ := strings.Cut(rest, "/")
		return path.Join(stack, kind, hash) + "/"
	default:
		return ""
	}
}

// Surplus are the objects to remove: all but those of the newest archives and
// configurations, and those in use, which are named by a part of their key.
func Surplus(stack string, objects []Object, inUse []string, keep int) []Object {
	newest := map[string]Object{}
	for _, o := range objects {
		if unit := keyOf(stack, o.Key); unit != "" && !o.At.Before(newest[unit].At) {
			newest[unit] = o
		}
	}
	units := slices.SortedFunc(maps.Keys(newest), func(a, b string) int {
		return cmp.Or(newest[b].At.Compare(newest[a].At), cmp.Compare(a, b))
	})
	kept := map[string]bool{"": true} // what is not ours stays
	for _, kind := range []string{"/code/", "/config/"} {
		n := 0
		for _, unit := range units {
			if !strings.HasPrefix(unit, stack+kind) {
				continue
			}
			used := slices.ContainsFunc(inUse, func(u string) bool { return u != "" && keyOf(stack, u) == unit })
			kept[unit] = used || n < keep
			n++
		}
	}
	var surplus []Object
	for _, o := range objects {
		if !kept[keyOf(stack, o.Key)] {
			surplus = append(surplus, o)
		}
	}
	return surplus
}

// parameterKeys are the keys of the artifact bucket that the parameters of a stack
// name.
func parameterKeys(values map[string]string) []string {
	_, config, _ := strings.Cut(strings.TrimPrefix(values["Config"], "s3://"), "/")
	return []string{values["CodeKey"], config}
}
