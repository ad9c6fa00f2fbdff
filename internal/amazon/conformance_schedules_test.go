package amazon_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"nightshift/internal/amazon"
	"nightshift/internal/fleet"
	"nightshift/internal/power"
	"nightshift/internal/sandbox"
	"nightshift/internal/schedule"
)

func TestSchedulesAgainstSandbox(t *testing.T) {
	t.Parallel()
	// Each test has a sandbox to itself, since the calls of others would move its clock.
	schedules(t, func(t *testing.T) *peer { return newPeer(ticking(t, sandbox.Options{Fleet: 1}).URL()) })
}

func TestSchedulesAgainstMoto(t *testing.T) {
	t.Parallel()
	p := newPeer(moto(t, "schedules were"))
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
	schedules(t, func(*testing.T) *peer { return p })
}

// schedules is what both peers must agree on for machines under schedules.
func schedules(t *testing.T, open func(*testing.T) *peer) {
	for name, test := range map[string]func(*testing.T, *peer){
		"keys choose":            testKeysChoose,
		"readiness":              testReadiness,
		"mark":                   testMark,
		"resize":                 testResize,
		"hibernate":              testHibernate,
		"a day by rules":         testDayByRules,
		"ours is not a person's": testOursIsNotAPersons,
		"two runs at once":       testTwoRunsAtOnce,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel() // most of the time goes by while machines come and go
			test(t, open(t))
		})
	}
}

// read is the machine of every id, as AWS shows it.
func (p *peer) read(t *testing.T, sel fleet.Selector) map[fleet.ResourceID]fleet.Machine {
	t.Helper()
	out := map[fleet.ResourceID]fleet.Machine{}
	for m, err := range p.session(t).Fleet(region).Machines(t.Context(), sel) {
		if err != nil {
			t.Fatal(err)
		}
		if _, twice := out[m.ID]; twice {
			t.Errorf("%+v: %s comes twice", sel, m.ID)
		}
		out[m.ID] = m
	}
	return out
}

// The person's hands: calls that go past nightshift.
func (p *peer) stopManually(t *testing.T, ids ...fleet.ResourceID) {
	t.Helper()
	if _, err := p.ec2.StopInstances(t.Context(), &ec2.StopInstancesInput{InstanceIds: strs(ids)}); err != nil {
		t.Fatal(err)
	}
	p.await(t, ids, fleet.Stopped)
}

func (p *peer) startManually(t *testing.T, ids ...fleet.ResourceID) {
	t.Helper()
	if _, err := p.ec2.StartInstances(t.Context(), &ec2.StartInstancesInput{InstanceIds: strs(ids)}); err != nil {
		t.Fatal(err)
	}
	p.await(t, ids, fleet.Running)
}

func (p *peer) tagManually(t *testing.T, key, value string, ids ...fleet.ResourceID) {
	t.Helper()
	if _, err := p.ec2.CreateTags(t.Context(), &ec2.CreateTagsInput{
		Resources: strs(ids), Tags: []types.Tag{{Key: &key, Value: &value}},
	}); err != nil {
		t.Fatal(err)
	}
}

func strs(ids []fleet.ResourceID) []string {
	out := make([]string, len(ids))
	for n, id := range ids {
		out[n] = string(id)
	}
	return out
}

func testKeysChoose(t *testing.T, p *peer) {
	keys := []string{"keys-a", "keys-b", "keys-*", "keys-?", `keys-\`, `keys-\*`, "Keys-a", "keys-서울", "keys:a/b=c+d@e"}
	ids := map[string]fleet.ResourceID{}
	for n, id := range p.run(t, len(keys), "chosen-by", "keys") {
		ids[keys[n]] = id
		p.tagManually(t, keys[n], "any", id)
	}
	p.tagManually(t, "keys-b", "", ids["keys-a"]) // the empty value is one, too
	var many []string
	for n := range 250 { // more than a filter takes
		many = append(many, fmt.Sprintf("keys-none-%d", n))
	}
	for _, tt := range []struct {
		sel  fleet.Selector
		want []string
	}{
		{fleet.Selector{Keys: []string{"keys-a"}}, []string{"keys-a"}},
		{fleet.Selector{Keys: []string{"keys-a", "keys-b"}}, []string{"keys-a", "keys-b"}},
		{fleet.Selector{Keys: []string{"keys-b", "none", "Keys-a"}}, []string{"keys-a", "keys-b", "Keys-a"}},
		{fleet.Selector{Keys: []string{"none"}}, nil},
		{fleet.Selector{Keys: []string{"keys-*"}}, []string{"keys-*"}},
		{fleet.Selector{Keys: []string{"keys-?"}}, []string{"keys-?"}},
		{fleet.Selector{Keys: []string{`keys-\`, "keys-서울"}}, []string{`keys-\`, "keys-서울"}},
		{fleet.Selector{Keys: []string{`keys-\*`}}, []string{`keys-\*`}},
		{fleet.Selector{Keys: []string{"keys:a/b=c+d@e"}}, []string{"keys:a/b=c+d@e"}},
		{fleet.Selector{Keys: append(many, "keys-b")}, []string{"keys-a", "keys-b"}},
		{fleet.Selector{Keys: []string{"keys-a", "keys-*"}, IDs: []fleet.ResourceID{ids["keys-*"], ids["keys-b"]}}, []string{"keys-*"}},
		{fleet.Selector{Keys: []string{"keys-b"}, Tags: []fleet.Tag{{Key: "keys-a", Value: "any"}}}, []string{"keys-a"}},
		{fleet.Selector{Tags: []fleet.Tag{{Key: "keys-a", Value: "any"}, {Key: "keys-b"}}}, []string{"keys-a"}},
		{fleet.Selector{Tags: []fleet.Tag{{Key: "keys-a"}, {Key: "keys-b"}}}, []string{"keys-a"}},
		{fleet.Selector{Tags: []fleet.Tag{{Key: "keys-a"}, {Key: "none"}}}, nil},
	} {
		got := p.read(t, tt.sel)
		for _, key := range tt.want {
			if _, ok := got[ids[key]]; !ok {
				t.Errorf("%.80v does not choose the machine with %q", tt.sel, key)
			}
		}
		if len(got) != len(tt.want) {
			t.Errorf("%.80v chose %d machines, want %d", tt.sel, len(got), len(tt.want))
		}
	}
}

func testReadiness(t *testing.T, p *peer) {
	ids := p.run(t, 2, "ready", "yes")
	p.stopManually(t, ids[1])
	sel := fleet.Selector{Keys: []string{"ready"}, Readiness: true}
	for looks := 0; !p.read(t, sel)[ids[0]].Ready; looks++ {
		if looks == tries {
			t.Fatal("the running machine never passes its checks")
		}
		time.Sleep(pause)
	}
	if p.read(t, sel)[ids[1]].Ready {
		t.Error("a stopped machine is ready")
	}
	sel.Readiness = false
	if p.read(t, sel)[ids[0]].Ready {
		t.Error("readiness is told without being asked for")
	}
}

func testMark(t *testing.T, p *peer) {
	ids := p.run(t, 3, "marked", "yes")
	f := p.session(t).Fleet(region)
	var machines []fleet.Machine
	for _, m := range p.read(t, fleet.Selector{IDs: ids[:2]}) {
		machines = append(machines, m)
	}
	for _, value := range []string{"start 2026-11-22T10:00:00Z", "stop 2026-11-22T19:00:00Z"} {
		if err := f.Mark(t.Context(), machines, fleet.Tags{fleet.TagLast: value, "nightshift:other": "서울 =1"}); err != nil {
			t.Fatal(err)
		}
		for n, id := range ids {
			tags := p.read(t, fleet.Selector{IDs: ids})[id].Tags
			if marked := n < 2; (tags[fleet.TagLast] == value) != marked || (tags["nightshift:other"] == "서울 =1") != marked || tags["marked"] != "yes" {
				t.Errorf("machine %d has %v after the mark %q", n, tags, value)
			}
		}
	}
	if p.frozen {
		return // moto tags what does not exist
	}
	missing := fleet.Machine{ID: "i-0123456789abcdef0", Kind: fleet.KindInstance}
	err := f.Mark(t.Context(), append(machines, missing), fleet.Tags{fleet.TagLast: "start 2026-11-23T10:00:00Z"})
	refusal, ok := errors.AsType[*fleet.Refusal](err)
	if !ok || !errors.Is(err, fleet.ErrNotFound) || !slices.Equal(refusal.IDs, []fleet.ResourceID{missing.ID}) {
		t.Errorf("a missing machine: %v, want a refusal that names it", err)
	}
	for id, m := range p.read(t, fleet.Selector{IDs: ids[:2]}) {
		if m.Tags[fleet.TagLast] != "stop 2026-11-22T19:00:00Z" {
			t.Errorf("%s was marked by a refused request: %v", id, m.Tags)
		}
	}
}

func testResize(t *testing.T, p *peer) {
	ids := p.run(t, 2, "resized", "yes")
	p.stopManually(t, ids[0])
	f := p.session(t).Fleet(region)
	if err := f.Resize(t.Context(), ids[0], "t3.small"); err != nil {
		t.Fatal(err)
	}
	if !p.frozen { // moto resizes what is running
		err := f.Resize(t.Context(), ids[1], "t3.small")
		if refusal, ok := errors.AsType[*fleet.Refusal](err); !ok || !errors.Is(err, fleet.ErrConflict) || !slices.Equal(refusal.IDs, ids[1:]) {
			t.Errorf("resizing a running machine: %v, want a conflict that names it", err)
		}
	}
	got := p.read(t, fleet.Selector{IDs: ids})
	if got[ids[0]].Type != "t3.small" || got[ids[1]].Type != "t3.micro" {
		t.Errorf("types %s and %s", got[ids[0]].Type, got[ids[1]].Type)
	}
	p.startManually(t, ids[0])
	if m := p.read(t, fleet.Selector{IDs: ids[:1]})[ids[0]]; m.Type != "t3.small" || m.State != fleet.Running {
		t.Errorf("started again it is %s and %s", m.Type, m.State)
	}
}

func testHibernate(t *testing.T, p *peer) {
	if p.frozen {
		t.Skip("moto hibernates everything")
	}
	ids := p.run(t, 1, "hibernated", "no")
	err := p.session(t).Fleet(region).Stop(t.Context(), ids, true)
	if refusal, ok := errors.AsType[*fleet.Refusal](err); !ok || !errors.Is(err, fleet.ErrUnsupported) || !slices.Equal(refusal.IDs, ids) {
		t.Errorf("hibernating what is not configured for it: %v, want a refusal that names it", err)
	}
	if m := p.read(t, fleet.Selector{IDs: ids})[ids[0]]; m.Hibernates || m.State != fleet.Running {
		t.Errorf("hibernates: %v, %s", m.Hibernates, m.State)
	}
	// A rule that asks for hibernation knows it, and stops the machine.
	rules := byTag("hibernated", func(r *power.Rule) { r.Hibernate, r.Enforce = true, true })
	p.tagManually(t, "hibernated", "never", ids...)
	if got := p.follow(t, rules, time.Now())[ids[0]]; got != "done stop " {
		t.Errorf("stopped by the rule: %q", got)
	}
}

// byTag is a rule by which the value of a tag is the schedule.
func byTag(key string, change ...func(*power.Rule)) power.Rules {
	r := power.Rule{Tag: fleet.Tag{Key: key}, Read: func(value string) (power.Named, error) {
		s, err := schedule.Parse(value, time.UTC)
		return power.Named{Name: value, Schedule: s}, err
	}}
	for _, c := range change {
		c(&r)
	}
	return power.Rules{Rules: []power.Rule{r}}
}

func (p *peer) clients(s *amazon.Session) power.Clients {
	f := s.Fleet(region)
	return power.Clients{
		Target: fleet.Target{Region: region}, Resizer: f,
		Machines: map[fleet.Kind]power.Machines{fleet.KindInstance: f},
	}
}

// follow is one run as of now: what became of every machine, as result,
// action and code.
func (p *peer) follow(t *testing.T, rules power.Rules, now time.Time) map[fleet.ResourceID]string {
	t.Helper()
	s, ruleSet := p.clients(p.session(t)), power.NewRuleSet(rules)
	plan, err := power.MakePlan(t.Context(), s, ruleSet, func() time.Time { return now })
	if err != nil {
		t.Fatal(err)
	}
	got := map[fleet.ResourceID]string{}
	for _, o := range power.Apply(t.Context(), s, ruleSet, plan, power.Options{Mark: true, Wait: patience}) {
		got[o.ID] = fmt.Sprintf("%s %s %s", o.Result, o.Action, o.Reason.Code)
	}
	return got
}

// halves are two daily schedules, one of which always runs for the next twelve
// hours: the first for four hours from begin on, then the second for four,
// then the first again. AWS reports launches to the second and windows begin at
// minutes, so begin is the minute of a launch.
func halves(launched time.Time) (begin time.Time, first, second string) {
	begin = launched.UTC().Truncate(time.Minute)
	window := func(from int) string {
		at := func(hours int) string { return begin.Add(time.Duration(hours) * time.Hour).Format("15:04") }
		return at(from) + "-" + at(from+4)
	}
	return begin, window(0) + " + " + window(8) + " UTC", window(4) + " UTC"
}

// A day of four machines: two that run first and two that run later, one of
// each in the hands of a person. The runs come at times of our own, after the
// time of the peer, for which all that has happened lies before them.
func testDayByRules(t *testing.T, p *peer) {
	ids := p.run(t, 4, "Day", "")
	early, earlyManual, late, lateManual := ids[0], ids[1], ids[2], ids[3]
	begin, first, second := halves(p.launched(t, ids))
	p.tagManually(t, "Day", first, early, earlyManual)
	p.tagManually(t, "Day", second, late, lateManual)
	p.stopManually(t, earlyManual, lateManual, late)
	p.startManually(t, lateManual)
	rules := byTag("Day")

	const stop, start, noChange = "done stop ", "done start ", "skipped  as-wanted"
	for _, run := range []struct {
		name  string
		after time.Duration
		want  [4]string // of early, earlyManual, late, lateManual
	}{
		{"people act", time.Hour, [4]string{noChange, "skipped  stopped-by-hand", noChange, "skipped  started-by-hand"}},
		{"the transition", 4*time.Hour + time.Minute, [4]string{stop, noChange, start, noChange}},
		{"the next run", 4*time.Hour + 6*time.Minute, [4]string{noChange, noChange, noChange, noChange}},
		{"the transition back", 8*time.Hour + time.Minute, [4]string{start, start, stop, stop}},
		{"the same run again", 8*time.Hour + time.Minute, [4]string{noChange, noChange, noChange, noChange}},
	} {
		now := begin.Add(run.after)
		got := p.follow(t, rules, now)
		for n, id := range ids {
			if got[id] != run.want[n] {
				t.Errorf("%s: machine %d: %q, want %q", run.name, n, got[id], run.want[n])
			}
		}
		for id, m := range p.read(t, fleet.Selector{IDs: ids}) {
			action, acted := strings.CutPrefix(got[id], "done ")
			mark := strings.TrimSpace(action) + " " + now.Format(time.RFC3339)
			if (m.Tags[fleet.TagLast] == mark) != acted && run.name != "the same run again" {
				t.Errorf("%s: %s is marked %q after %q", run.name, id, m.Tags[fleet.TagLast], got[id])
			}
		}
	}
}

// launched is the first launch of the machines.
func (p *peer) launched(t *testing.T, ids []fleet.ResourceID) time.Time {
	t.Helper()
	var first time.Time
	for _, m := range p.read(t, fleet.Selector{IDs: ids}) {
		if first.IsZero() || m.Started.Before(first) {
			first = m.Started
		}
	}
	return first
}

// now is the peer's time.
func (p *peer) now(t *testing.T) time.Time {
	t.Helper()
	s, err := amazon.Open(t.Context(), amazon.Options{Region: region, Now: time.Now, Endpoint: &amazon.Endpoint{
		URL: p.endpoint, AccessKey: sandbox.AccessKey, SecretKey: sandbox.SecretKey,
	}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Account(t.Context()); err != nil {
		t.Fatal(err)
	}
	return time.Now().Add(s.Ahead())
}

// A machine that nightshift has stopped, and whose schedule is edited so that
// it has been desired since before, is started: the mark says that no person
// stopped it. One that a person stopped at the same time is skipped.
func testOursIsNotAPersons(t *testing.T, p *peer) {
	ids := p.run(t, 2, "Edited", "never")
	ours, persons := ids[0], ids[1]
	_, first, _ := halves(p.launched(t, ids))
	p.stopManually(t, persons)
	if got := p.follow(t, byTag("Edited", func(r *power.Rule) { r.Enforce = true }), p.now(t)); got[ours] != "done stop " || got[persons] != "skipped  as-wanted" {
		t.Fatalf("the schedule that is enforced: %v", got)
	}
	p.tagManually(t, "Edited", first, ids...)
	if got := p.follow(t, byTag("Edited"), p.now(t)); got[ours] != "done start " || got[persons] != "skipped  stopped-by-hand" {
		t.Errorf("the edited schedule: ours %q, the person's %q", got[ours], got[persons])
	}
}

// Two runs that plan and act at the same time, each with an account of its own
// of what it has seen, leave every machine in its desired state.
func testTwoRunsAtOnce(t *testing.T, p *peer) {
	ids := p.run(t, 12, "Twice", "")
	begin, first, second := halves(p.launched(t, ids))
	toStop, toStart := ids[:6], ids[6:]
	p.tagManually(t, "Twice", first, toStop...)
	p.tagManually(t, "Twice", second, toStart...)
	p.stopManually(t, toStart...)
	now := func() time.Time { return begin.Add(5 * time.Hour) }

	var clients [2]power.Clients
	var ruleSets [2]*power.RuleSet
	var plans [2]power.Plan
	for n := range 2 {
		var err error
		clients[n], ruleSets[n] = p.clients(p.session(t)), power.NewRuleSet(byTag("Twice"))
		if plans[n], err = power.MakePlan(t.Context(), clients[n], ruleSets[n], now); err != nil || plans[n].Actionable() != len(ids) {
			t.Fatalf("run %d would act on %d machines, %v", n, plans[n].Actionable(), err)
		}
	}
	var outcomes [2][]fleet.Outcome
	var both sync.WaitGroup
	for n := range 2 {
		both.Go(func() {
			outcomes[n] = power.Apply(t.Context(), clients[n], ruleSets[n], plans[n], power.Options{Mark: true, Wait: patience})
		})
	}
	both.Wait()

	done := map[fleet.ResourceID]int{}
	for n := range 2 {
		for _, o := range outcomes[n] {
			switch {
			case o.Result == fleet.Done:
				done[o.ID]++
			case o.Result != fleet.Skipped || o.Reason.Code != "as-wanted":
				t.Errorf("run %d, %s: %s %+v", n, o.ID, o.Result, o.Reason)
			}
		}
	}
	p.await(t, toStop, fleet.Stopped)
	p.await(t, toStart, fleet.Running)
	for _, id := range ids {
		if done[id] == 0 {
			t.Errorf("neither run has done %s", id)
		}
	}
	for id, got := range p.follow(t, byTag("Twice"), now().Add(5*time.Minute)) {
		if got != "skipped  as-wanted" {
			t.Errorf("the run after that: %s: %q", id, got)
		}
	}
}
