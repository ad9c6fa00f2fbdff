package deploy

import (
	"cmp"
	"strconv"
	"strings"
)

// Devel is the version of a program that was not built from a released module.
const Devel = "devel"

// Older reports whether a version is older than another. Versions of which one
// is not of the form v1.2.3 cannot be compared: neither is older.
func Older(version, than string) bool {
	a, okA := parseVersion(version)
	b, okB := parseVersion(than)
	return okA && okB && a.compare(b) < 0
}

// semantic is a version by semver.org.
type semantic struct {
	numbers [3]int
	pre     []string // of a pre-release or a pseudo-version
}

func parseVersion(s string) (v semantic, ok bool) {
	s, ok = strings.CutPrefix(s, "v")
	if !ok {
		return v, false
	}
	s, _, _ = strings.Cut(s, "+")
	core, pre, has := strings.Cut(s, "-")
	if has {
		v.pre = strings.Split(pre, ".")
	}
	parts := strings.Split(core, ".")
	if len(parts) != len(v.numbers) {
		return v, false
	}
	for n, part := range parts {
		var err error
		if v.numbers[n], err = strconv.Atoi(part); err != nil {
			return v, false
		}
	}
	return v, true
}

func (v semantic) compare(other semantic) int {
	for n := range v.numbers {
		if c := cmp.Compare(v.numbers[n], other.numbers[n]); c != 0 {
			return c
		}
	}
	switch {
	case len(v.pre) == 0 && len(other.pre) == 0:
		return 0
	case len(v.pre) == 0:
		return 1
	case len(other.pre) == 0:
		return -1
	}
	for n := range min(len(v.pre), len(other.pre)) {
		if c := compareIdentifier(v.pre[n], other.pre[n]); c != 0 {
			return c
		}
	}
	return cmp.Compare(len(v.pre), len(other.pre))
}

// compareIdentifier compares by number where both are, and puts numbers first.
func compareIdentifier(a, b string) int {
	x, errX := strconv.Atoi(a)
	y, errY := strconv.Atoi(b)
	switch {
	case errX == nil && errY == nil:
		return cmp.Compare(x, y)
	case errX == nil:
		return -1
	case errY == nil:
		return 1
	}
	return cmp.Compare(a, b)
}
