package app_test

import (
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"nightshift/internal/app"
	"nightshift/internal/backup"
	"nightshift/internal/fleet"
	"nightshift/internal/sandbox"
)

const yearPolicies = `regions: [ap-northeast-2]
journal: s3://nightshift-practice/journal
backup:
  delete: unattended
  policies:
    - { id: daily, tag: Backup=daily, resource: instance, schedule: { at: "DAYS02:00", timezone: UTC }, keep: { daily: 4, weekly: 3, monthly: 3 } }
    - { id: disks, tag: Disk=yes, resource: volume, schedule: { at: "DAYS02:00", timezone: UTC }, keep: { last: 3 } }
`

// troubles are faults of the kinds that there are, or none.
func troubles(r *rand.Rand) []sandbox.Fault {
	kinds := []sandbox.Kind{sandbox.Cut, sandbox.NoAnswer, sandbox.Broken, sandbox.Throttle, sandbox.Deny}
	actions := []string{
		"ec2:CreateSnapshot", "ec2:CreateSnapshots", "ec2:CreateTags", "ec2:DeleteSnapshot", "ec2:DescribeSnapshots", "ec2:DescribeVolumes",
		"ec2:DescribeImages", "ec2:DescribeSnapshotAttribute", "s3:PutObject", "s3:GetObject",
	}
	faults := []sandbox.Fault{
		{Action: "ec2:CreateSnapshot*", Kind: sandbox.Stale, For: time.Minute, Share: 0.5},
		{Action: "ec2:CreateTags", Kind: sandbox.Stale, For: time.Minute, Share: 0.5},
	}
	switch r.IntN(6) {
	case 0:
		faults = append(faults, sandbox.Fault{Action: actions[r.IntN(len(actions))], Kind: kinds[r.IntN(len(kinds))], Every: 1 + r.IntN(2), Count: 1 + r.IntN(8)})
	case 1:
		faults = append(faults, sandbox.Fault{Action: "ec2:CreateSnapshot*", Kind: sandbox.Fail, Count: 1 + r.IntN(2)})
	case 2:
		faults = append(faults, sandbox.Fault{Action: "ec2:DeleteSnapshot", Kind: sandbox.Refuse, Code: "InvalidSnapshot.InUse", Every: 2, Count: 2},
			sandbox.Fault{Action: "ec2:CreateSnapshot*", Kind: sandbox.Refuse, Code: "SnapshotLimitExceeded", Count: 1})
	case 3:
		faults = append(faults, sandbox.Fault{Action: "ec2:CreateSnapshot*", Kind: sandbox.Slow, For: time.Duration(1+r.IntN(40)) * time.Hour},
			sandbox.Fault{Action: "ec2:CreateSnapshot", Kind: sandbox.Refuse, Code: "ConcurrentSnapshotLimitExceeded", Count: 1})
	}
	return faults
}

// year lives through so many days with copies on all or some weekdays, as the schedule
// names them, and with trouble on most of them: runs are disturbed, doubled or killed, and
// the next ones make up for it; others delete snapshots, plant tags and change policies,
// and clocks are wrong. Each hour the chains have what the policies keep.
func year(t testing.TB, days int, weekdays string, instances, volumes int, seed uint64) (runs int, met map[string]int) {
	t.Helper()
	text := strings.ReplaceAll(yearPolicies, "DAYS", weekdays)
	y := &lived{
		estate: newEstate(t, text, sandbox.Options{}), text: text, random: rand.New(rand.NewPCG(seed, 1)),
		taken: map[string]time.Time{}, lost: map[string]bool{}, met: map[string]int{},
	}
	y.chosen = y.choose(instances, volumes)
	for y.day = range days {
		due := weekdays == "" || strings.Contains(weekdays, y.sandbox.Now().Weekday().String()[:3])
		if due {
			y.others()
		}
		for tries := 0; due && tries < 2; tries++ {
			runs++
			if well := y.tries(tries == 0); well && y.random.IntN(3) > 0 {
				break
			}
		}
		y.behind = 0
		if err := y.sandbox.SetFaults(nil); err != nil {
			t.Fatal(err)
		}
		for tomorrow := night().Add(time.Duration(y.day+1) * day); y.sandbox.Now().Before(tomorrow); {
			y.sandbox.Advance(min(time.Hour, tomorrow.Sub(y.sandbox.Now())))
			y.keeps()
		}
		if t.Failed() {
			t.Fatalf("on day %d", y.day)
		}
	}
	y.ends(days)
	return runs, y.met
}

// lived is a year of an estate.
type lived struct {
	*estate
	text   string // of the configuration
	random *rand.Rand
	chosen []fleet.ResourceID
	day    int
	until  int                  // the day on which the configuration is as it was
	taken  map[string]time.Time // the good sets of each slot, and since when they are
	lost   map[string]bool      // those that need not be there: others have deleted a member
	// planted are snapshots of others with tags of ours.
	planted []string
	met     map[string]int // how often each kind of trouble was met
}

// others do what nightshift has no part in, on some days.
func (y *lived) others() {
	y.t.Helper()
	if y.until > 0 && y.day >= y.until {
		y.until = 0
		y.configure(y.text)
	}
	own := y.sandbox.Snapshots(sandbox.DefaultRegion)
	if y.day < 20 || len(own) == 0 {
		return
	}
	one := own[y.random.IntN(len(own))]
	set := tagsOf(one.Tags)[backup.TagSet]
	switch kind := y.random.IntN(20); {
	case kind == 0 && !slices.Contains(y.planted, one.ID):
		y.met["deleted by others"]++
		if err := y.copies().DeleteCopy(y.t.Context(), fleet.SnapshotID(one.ID)); err != nil {
			y.t.Fatal(err)
		}
		y.lost[set[:strings.LastIndex(set, "/")+1]] = true
	case kind == 1:
		y.met["tags planted"]++
		one.ID, one.Started, one.Finished = "", y.sandbox.Now().Add(-time.Hour), time.Time{}
		id, err := y.sandbox.AddSnapshot(sandbox.DefaultRegion, one)
		if err != nil {
			y.t.Fatal(err)
		}
		y.planted = append(y.planted, id)
	case kind > 1 && kind < 5 && y.until == 0:
		what := []string{"renamed", "not selected", "narrowed"}[kind-2]
		y.met["policy "+what]++
		change := map[string][2]string{
			"renamed": {"id: daily", "id: nightly"}, "not selected": {"tag: Backup=daily", "tag: Backup=other"}, "narrowed": {"daily: 4, weekly: 3, monthly: 3", "daily: 1"},
		}[what]
		y.configure(strings.Replace(y.text, change[0], change[1], 1))
		y.until = y.day + 1
		if what != "narrowed" {
			y.until += y.random.IntN(9)
			return
		}
		for _, id := range y.chosen { // without the policy the keep of that day rules what was made on it
			y.lost[backup.SetPrefix(backup.Chain{Policy: "daily", Resource: id}, y.sandbox.Now().Truncate(day).Add(2*time.Hour))] = true
		}
	case kind < 8:
		y.met["clock wrong"]++
		y.behind = time.Duration(y.random.IntN(12*60)-6*60) * time.Minute
	}
}

// tries is a run, with trouble or without, and says whether it went well.
func (y *lived) tries(trouble bool) (well bool) {
	y.t.Helper()
	faults := []sandbox.Fault(nil)
	if trouble {
		faults = troubles(y.random)
	}
	for _, f := range faults {
		y.met[string(f.Kind)]++
	}
	if err := y.sandbox.SetFaults(faults); err != nil {
		y.t.Fatal(err)
	}
	var err error
	switch kind := y.random.IntN(10); {
	case trouble && kind < 2:
		y.met["killed"]++
		y.killed(1+y.random.IntN(14), y.random.IntN(2) == 0)
	case trouble && kind < 4:
		y.met["doubled"]++
		y.doubled(kind == 2)
	default:
		if _, err = y.open(y.t.Context()).Backup(y.t.Context(), app.BackupInput{}); err != nil && !trouble {
			y.t.Fatal(err)
		}
	}
	y.keeps()
	y.sandbox.Advance(quarter)
	y.keeps()
	return err == nil && len(faults) == 2
}

// doubled are two runs at once, with one lease for them or none.
func (y *lived) doubled(leased bool) {
	var runs sync.WaitGroup
	for range 2 {
		s := y.open(y.t.Context())
		runs.Go(func() {
			_, err := s.Backup(y.t.Context(), app.BackupInput{HasLease: !leased})
			_ = err // one of them does not begin, or neither does for a fault
		})
	}
	runs.Wait()
}

// keeps checks that no slot has two good sets, and that each chain has at least what the
// policy keeps of the sets that there were.
func (y *lived) keeps() {
	y.t.Helper()
	y.holdsIn(1, len(y.chosen)*min(y.day, 1))
	have := map[string]bool{}
	for _, s := range y.sets() {
		if !s.Good() {
			continue
		}
		key := backup.SetPrefix(s.Chain, s.Slot)
		have[key] = true
		if y.taken[key].IsZero() {
			y.taken[key] = s.Slot
		}
	}
	for _, id := range y.chosen {
		chain, newest := backup.Chain{Policy: "disks", Resource: id}, 3
		if id[0] == 'i' {
			chain.Policy, newest = "daily", 4
		}
		slot := y.sandbox.Now().Truncate(day).Add(2 * time.Hour)
		for found := 0; found < newest && slot.After(night().Add(-day)); slot = slot.Add(-day) {
			key := backup.SetPrefix(chain, slot)
			if y.taken[key].IsZero() {
				continue // no copy was completed for it
			}
			found++
			if !have[key] && !y.lost[key] {
				y.t.Errorf("%s: the copy %d of %d of %s is lost, that of %s", y.sandbox.Now().Format(time.DateTime), found, newest, id, slot.Format(time.DateTime))
			}
		}
	}
}

// ends checks that there is as much as the policies keep and little more, and that what
// others have is there.
func (y *lived) ends(days int) {
	y.t.Helper()
	for _, id := range y.chosen {
		n := 0
		for _, s := range y.sets() {
			if s.Chain.Resource == id && s.Good() && s.Chain.Policy != "nightly" {
				n++
			}
		}
		least, most := 3, 7
		if id[0] == 'i' {
			least, most = 6, 15 // 4 days, and what is left of 3 weeks and 3 months
		}
		lost := 0
		for set := range y.lost {
			if strings.Contains(set, "/"+string(id)+"/") {
				lost++
			}
		}
		if n+lost < least || n > most {
			y.t.Errorf("after %d days there are %d good sets of %s, want %d to %d", days, n, id, least, most)
		}
	}
	there := map[string]bool{}
	for _, s := range y.sandbox.Snapshots(sandbox.DefaultRegion) {
		there[s.ID] = true
	}
	for _, id := range y.planted {
		if !there[id] {
			y.t.Errorf("%s, of others with tags of ours, was deleted", id)
		}
	}
}

// "A simulated year of a fleet with every fault kind: at no hour less than the policy's
// copies, none lost, none doubled." With two nights a week, so that it takes seconds; the
// benchmark has them all.
func TestAYearOfBackups(t *testing.T) {
	runs, met := year(t, 365, "Tue,Fri ", 1, 1, 1)
	t.Logf("%d runs: %v", runs, met)
	for _, kind := range []string{
		"throttle", "broken", "cut", "lost", "deny", "stale", "slow", "fail", "refuse", "killed", "doubled",
		"deleted by others", "tags planted", "policy renamed", "policy not selected", "policy narrowed", "clock wrong",
	} {
		if met[kind] == 0 {
			t.Errorf("no trouble of the kind %q", kind)
		}
	}
}

// BenchmarkYearOfBackups is a larger one, of another seed each time.
func BenchmarkYearOfBackups(b *testing.B) {
	for n := range b.N {
		year(b, 365, "", 2, 2, uint64(n)+2)
	}
}
