package pricelist_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"nightshift/internal/blob"
	"nightshift/internal/fleet"
	"nightshift/internal/price"
	"nightshift/internal/pricelist"
)

const seoul = fleet.Region("ap-northeast-2")

func instant() time.Time { return time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC) }

// run is a run with a cache, some time after the instant.
func run(t *testing.T, s *shop, store blob.Store, after time.Duration) *pricelist.Cached {
	t.Helper()
	return pricelist.New(s, pricelist.Options{Store: store, Now: instant().Add(after)})
}

// hourly are the prices of instance types by the list, "-" where it has none.
func hourly(t *testing.T, list pricelist.PriceList, keys ...price.InstanceKey) string {
	t.Helper()
	products, err := list.Instances(t.Context(), keys)
	text := prices(products, keys...)
	if err != nil {
		text += " and " + err.Error()
	}
	return text
}

func prices(products []price.Product, keys ...price.InstanceKey) string {
	var out []string
	for _, k := range keys {
		q := price.Pick(products, k)
		if q.Status == price.Missing {
			out = append(out, "-")
			continue
		}
		out = append(out, q.Rate.USD.String())
	}
	return strings.Join(out, " ")
}

// monthly are the rates of gp3 storage, snapshots and addresses.
func monthly(t *testing.T, list pricelist.PriceList) string {
	t.Helper()
	products, err := list.Rates(t.Context(), seoul)
	rates := price.PickRates(products, seoul)
	var out []string
	for _, dimension := range []string{"EBS:VolumeUsage.gp3", price.SnapshotStorage, price.AddressInUse} {
		if q := rates.Quote(dimension); q.Status == price.Exact {
			out = append(out, q.Rate.USD.String())
		} else {
			out = append(out, "-")
		}
	}
	text := strings.Join(out, " ")
	if err != nil {
		text += " and " + err.Error()
	}
	return text
}

func want(t *testing.T, what string, got, expected any) {
	t.Helper()
	if diff := gocmp.Diff(expected, got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

// noNotes fails where there is something to report.
func noNotes(t *testing.T, c *pricelist.Cached) {
	t.Helper()
	if notes := c.Notes(); len(notes) > 0 {
		t.Errorf("notes: %q", notes)
	}
}

// reported fails unless there is one note, with these words.
func reported(t *testing.T, list interface{ Notes() []string }, words ...string) {
	t.Helper()
	notes := list.Notes()
	if len(notes) != 1 {
		t.Fatalf("notes: %q, want one with %q", notes, words)
	}
	for _, w := range words {
		if !strings.Contains(notes[0], w) {
			t.Errorf("note %q, want %q in it", notes[0], w)
		}
	}
}

func TestFresh(t *testing.T) {
	s, store := newShop(), blob.Folder(t.TempDir())
	ask := func(after time.Duration) (string, int) {
		c := run(t, s, store, after)
		text := hourly(t, c, key("m5.large"), windows("m5.large"), key("m5.large")) + ", " + monthly(t, c)
		// The second time in one run nothing is asked in any case.
		text2 := hourly(t, c, key("m5.large"), windows("m5.large"), key("m5.large")) + ", " + monthly(t, c)
		want(t, "the second answer", text2, text)
		noNotes(t, c)
		return text, s.took()
	}
	const before, after = "0.118 0.21 0.118, 0.0912 0.05 0.005", "0.12 0.21 0.12, 0.0912 0.05 0.005"
	for _, test := range []struct {
		age   time.Duration
		text  string
		calls int
	}{
		{0, before, 2},
		{time.Minute, before, 0},
		{24*time.Hour - time.Second, before, 0},
		{24 * time.Hour, after, 2},
		{47 * time.Hour, after, 0},
		{-time.Hour, after, 2}, // what is kept comes from the future
	} {
		text, calls := ask(test.age)
		want(t, "prices after "+test.age.String(), text, test.text)
		want(t, "calls after "+test.age.String(), calls, test.calls)
		s.instances[key("m5.large")] = "0.12"
	}
}

func TestRefresh(t *testing.T) {
	s, store := newShop(), blob.Folder(t.TempDir())
	hourly(t, run(t, s, store, 0), key("m5.large"), key("none.large"))
	s.took()
	c := pricelist.New(s, pricelist.Options{Store: store, Now: instant(), Fresh: -1})
	for range 2 {
		want(t, "prices", hourly(t, c, key("m5.large"), key("none.large")), "0.118 -")
	}
	want(t, "calls", s.took(), 1)
	short := pricelist.New(s, pricelist.Options{Store: store, Now: instant().Add(2 * time.Minute), Fresh: time.Minute})
	hourly(t, short, key("m5.large"))
	want(t, "calls of a list that is fresh for a minute", s.took(), 1)
}

// Without a store the list itself remembers.
func TestNoStore(t *testing.T) {
	s := newShop()
	c := run(t, s, nil, 0)
	for range 3 {
		want(t, "prices", hourly(t, c, key("m5.large"))+", "+monthly(t, c), "0.118, 0.0912 0.05 0.005")
	}
	want(t, "calls", s.took(), 2)
	noNotes(t, c)
}

// A key without a price is asked again sooner, and those of hosts never.
func TestAbsent(t *testing.T) {
	s, store := newShop(), blob.Folder(t.TempDir())
	host := key("m5.large")
	host.Tenancy = "Host"
	for _, test := range []struct {
		age   time.Duration
		calls int
	}{{0, 1}, {5 * time.Hour, 0}, {6 * time.Hour, 1}, {11 * time.Hour, 0}} {
		products, err := run(t, s, store, test.age).Instances(t.Context(), []price.InstanceKey{key("u9.huge"), host})
		if len(products) > 0 || err != nil {
			t.Errorf("after %v: %v, %v", test.age, products, err)
		}
		want(t, "calls after "+test.age.String(), s.took(), test.calls)
	}
	s.instances[key("u9.huge")] = "9.99"
	want(t, "the new price", hourly(t, run(t, s, store, 12*time.Hour), key("u9.huge")), "9.99")
}

// Only what is not there, or no longer fresh, is asked for.
func TestSomeKeys(t *testing.T) {
	s, store := newShop(), blob.Folder(t.TempDir())
	hourly(t, run(t, s, store, 0), key("m5.large"))
	s.took()
	hourly(t, run(t, s, store, 20*time.Hour), key("m5.large"), windows("m5.large"))
	want(t, "asked for", s.asked, []price.InstanceKey{windows("m5.large")})
	s.took()
	want(t, "prices", hourly(t, run(t, s, store, 30*time.Hour), key("m5.large"), windows("m5.large")), "0.118 0.21")
	want(t, "asked for later", s.asked, []price.InstanceKey{key("m5.large")})
}

// A price list that does not answer costs nothing but the age of the prices.
func TestLastGood(t *testing.T) {
	s, store := newShop(), blob.Folder(t.TempDir())
	c := run(t, s, store, 0)
	cold := hourly(t, c, key("m5.large"), key("none.large")) + ", " + monthly(t, c)
	s.down = errDown
	c = run(t, s, store, 72*time.Hour)
	want(t, "instances", hourly(t, c, key("m5.large"), key("none.large"))+", "+monthly(t, c), cold)
	notes := c.Notes()
	if len(notes) != 2 {
		t.Fatalf("notes: %q", notes)
	}
	for n, start := range []string{"2 of 2 instance prices of ap-northeast-2 are as they were read on 2026-11-22 09:00 UTC, 3 days ago", "some rates of ap-northeast-2 are"} {
		if !strings.HasPrefix(notes[n], start) || !strings.HasSuffix(notes[n], "(price list 20261120000000, published 2026-11-20): "+errDown.Error()) && n == 1 {
			t.Errorf("note %q, want %q", notes[n], start)
		}
	}
	// What was never read is missing, and the error is reported.
	want(t, "a new key", hourly(t, c, key("m5.xlarge"), key("m5.large")), "- 0.118 and "+errDown.Error())
	want(t, "with nothing kept", monthly(t, run(t, s, nil, 0)), "- - - and "+errDown.Error())
	// The failure is not remembered as an answer.
	s.down = nil
	want(t, "back again", hourly(t, run(t, s, store, 72*time.Hour), key("m5.large"), key("m5.xlarge"), key("none.large")), "0.118 0.236 -")
}

// What came before the failure counts, the rest is as it was.
func TestPartOfInstances(t *testing.T) {
	s, store := newShop(), blob.Folder(t.TempDir())
	hourly(t, run(t, s, store, 0), key("m5.large"), key("m5.xlarge"))
	s.instances[key("m5.large")], s.instances[key("m5.xlarge")] = "0.12", "0.24"
	s.gone[key("m5.xlarge")] = true
	c := run(t, s, store, 25*time.Hour)
	want(t, "prices", hourly(t, c, key("m5.large"), key("m5.xlarge")), "0.12 0.236")
	reported(t, c, "1 of 2 instance prices", errDown.Error(), "25 h ago")
	s.took()
	hourly(t, run(t, s, store, 26*time.Hour), key("m5.large"), key("m5.xlarge"))
	want(t, "asked for again", s.asked, []price.InstanceKey{key("m5.xlarge")})

	// What was read of a key for the first time when the question failed may be a
	// part: it is given, kept, and asked for again.
	s.gone[key("m5.xlarge")] = false
	s.gone[key("r5.large")] = true
	c = run(t, s, store, 25*time.Hour)
	want(t, "a new key", hourly(t, c, windows("m5.large"), key("r5.large")), "0.21 - and "+errDown.Error())
	s.down = errDown
	want(t, "a part that is kept", hourly(t, run(t, s, store, 25*time.Hour), windows("m5.large")), "0.21 and "+errDown.Error())
	s.down = nil
	s.took()
	want(t, "the whole", hourly(t, run(t, s, store, 25*time.Hour), windows("m5.large")), "0.21")
	want(t, "calls", s.took(), 1)
	hourly(t, run(t, s, store, 25*time.Hour), windows("m5.large"))
	want(t, "calls once it is whole", s.took(), 0)
}

func TestPartOfRates(t *testing.T) {
	s, store := newShop(), blob.Folder(t.TempDir())
	const gp3, snapshots = "APN2-EBS:VolumeUsage.gp3", "APN2-EBS:SnapshotUsage"
	s.gone[snapshots] = true
	want(t, "the first time", monthly(t, run(t, s, store, 0)), "0.0912 - 0.005 and "+errDown.Error())
	s.gone = map[any]bool{gp3: true}
	s.rates[snapshots] = "0.051"
	want(t, "the other part", monthly(t, run(t, s, store, time.Hour)), "0.0912 0.051 0.005 and "+errDown.Error())
	s.gone = map[any]bool{}
	c := run(t, s, store, 2*time.Hour)
	want(t, "all", monthly(t, c), "0.0912 0.051 0.005")
	noNotes(t, c)
	s.gone[snapshots] = true
	s.rates[gp3], s.rates[snapshots] = "0.0913", "0.052"
	c = run(t, s, store, 48*time.Hour)
	want(t, "with a part of the last ones", monthly(t, c), "0.0913 0.051 0.005")
	reported(t, c, "some rates of ap-northeast-2", "46 h ago", errDown.Error())
	s.took()
	monthly(t, run(t, s, store, 48*time.Hour))
	want(t, "calls after a part", s.took(), 1)
}

// A region that had prices does not lose them because an answer is empty.
func TestEmptyRates(t *testing.T) {
	s, store := newShop(), blob.Folder(t.TempDir())
	monthly(t, run(t, s, store, 0))
	s.rates = nil
	c := run(t, s, store, 48*time.Hour)
	want(t, "rates", monthly(t, c), "0.0912 0.05 0.005")
	reported(t, c, "no prices of this region any more")
}

// Many callers at once ask once.
func TestAtOnce(t *testing.T) {
	s, store := newShop(), blob.Folder(t.TempDir())
	s.slow = 20 * time.Millisecond
	c := run(t, s, store, 0)
	var group sync.WaitGroup
	for range 20 {
		group.Go(func() {
			products, err := c.Instances(t.Context(), []price.InstanceKey{key("m5.large"), key("m5.xlarge")})
			if got := prices(products, key("m5.large"), key("m5.xlarge")); got != "0.118 0.236" || err != nil {
				t.Errorf("%s, %v", got, err)
			}
		})
		group.Go(func() {
			if products, err := c.Rates(t.Context(), seoul); len(products) != 3 || err != nil {
				t.Errorf("%d rates, %v", len(products), err)
			}
			c.Notes()
		})
	}
	group.Wait()
	want(t, "calls", s.took(), 2)
}

// Two runs at once on one folder: the object is always a whole one.
func TestTwoRuns(t *testing.T) {
	s, store := newShop(), blob.Folder(t.TempDir())
	var group sync.WaitGroup
	for n := range 8 {
		group.Go(func() {
			c := pricelist.New(s, pricelist.Options{Store: store, Now: instant(), Fresh: -1})
			k := key(fleet.InstanceType(fmt.Sprintf("m%d.large", n)))
			if _, err := c.Instances(t.Context(), []price.InstanceKey{k}); err != nil {
				t.Error(err)
			}
			noNotes(t, c)
		})
	}
	group.Wait()
	c := run(t, s, store, 0)
	entries, err := c.All(t.Context(), seoul)
	if len(entries) == 0 || err != nil {
		t.Errorf("%d entries, %v", len(entries), err)
	}
	noNotes(t, c)
}

// The context ends what waits, and nothing half done is kept.
func TestCancelled(t *testing.T) {
	s, store := newShop(), blob.Folder(t.TempDir())
	s.slow = time.Hour
	c := run(t, s, store, 0)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	var group sync.WaitGroup
	for range 4 {
		group.Go(func() {
			if _, err := c.Instances(ctx, []price.InstanceKey{key("m5.large")}); !errors.Is(err, context.DeadlineExceeded) {
				t.Error(err)
			}
		})
	}
	group.Wait()
	s.slow = 0
	want(t, "prices", hourly(t, c, key("m5.large")), "0.118")
}

func TestAll(t *testing.T) {
	s, store := newShop(), blob.Folder(t.TempDir())
	c := run(t, s, store, 0)
	hourly(t, c, key("none.large"), key("m5.large"))
	monthly(t, c)
	s.took()
	entries, err := run(t, s, store, time.Hour).All(t.Context(), seoul)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, e := range entries {
		what := "rates"
		if e.Key != nil {
			what = string(e.Key.Type)
		}
		line := fmt.Sprintf("%s %d %s", what, len(e.Products), e.Fetched.Format(time.DateTime))
		if len(e.Products) > 0 {
			line += " " + e.Products[0].Version + " " + e.Products[0].Published.Format(time.DateOnly)
		}
		got = append(got, line)
	}
	want(t, "entries", got, []string{
		"rates 3 2026-11-22 09:00:00 20261120000000 2026-11-20",
		"m5.large 1 2026-11-22 09:00:00 20261120000000 2026-11-20",
		"none.large 0 2026-11-22 09:00:00",
	})
	want(t, "calls", s.took(), 0)
}
