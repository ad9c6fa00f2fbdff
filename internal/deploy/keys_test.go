package deploy_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"nightshift/internal/deploy"
)

func TestConfigPrefix(t *testing.T) {
	files := map[string][]byte{"nightshift.yaml": []byte("a"), "holidays.ics": []byte("b")}
	if a, b := deploy.ConfigPrefix("n", files), deploy.ConfigPrefix("n", map[string][]byte{"holidays.ics": []byte("b"), "nightshift.yaml": []byte("a")}); a != b {
		t.Errorf("the same files: %s and %s", a, b)
	}
	for name, other := range map[string]map[string][]byte{
		"swapped":   {"nightshift.yaml": []byte("b"), "holidays.ics": []byte("a")},
		"renamed":   {"nightshift.yaml": []byte("a"), "holiday.ics": []byte("b")},
		"one fewer": {"nightshift.yaml": []byte("a")},
	} {
		if deploy.ConfigPrefix("n", files) == deploy.ConfigPrefix("n", other) {
			t.Errorf("%s: the same key", name)
		}
	}
}

func TestSurplus(t *testing.T) {
	at := func(n int) time.Time { return time.Unix(int64(n)*60, 0) }
	var objects []deploy.Object
	for n := range 15 {
		objects = append(objects,
			deploy.Object{Key: fmt.Sprintf("n/code/%02d.zip", n), At: at(n)},
			deploy.Object{Key: fmt.Sprintf("n/config/%02d/nightshift.yaml", n), At: at(n)},
			deploy.Object{Key: fmt.Sprintf("n/config/%02d/2026.ics", n), At: at(n)})
	}
	objects = append(objects, deploy.Object{Key: "n/notes.txt"}, deploy.Object{Key: "other/code/00.zip"})
	var got []string
	for _, o := range deploy.Surplus("n", objects, []string{"n/code/00.zip", "n/config/01/nightshift.yaml", ""}, deploy.Keep) {
		got = append(got, o.Key)
	}
	var want []string
	for n := range 5 {
		if n != 0 {
			want = append(want, fmt.Sprintf("n/code/%02d.zip", n))
		}
		if n != 1 {
			want = append(want, fmt.Sprintf("n/config/%02d/nightshift.yaml", n), fmt.Sprintf("n/config/%02d/2026.ics", n))
		}
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("got  %v\nwant %v", got, want)
	}
}
