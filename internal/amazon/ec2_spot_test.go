package amazon_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"nightshift/internal/amazon"
	"nightshift/internal/cost"
	"nightshift/internal/fleet"
	"nightshift/internal/price"
	"nightshift/internal/sandbox"
	"nightshift/internal/sandbox/sandboxtest"
)

var (
	_ cost.Spot    = (*amazon.Fleet)(nil)
	_ cost.Credits = (*amazon.Fleet)(nil)
)

// spotSeries is what has one price at a time.
type spotSeries struct {
	kind    fleet.InstanceType
	zone    fleet.Zone
	product string
}

// The history of the month in every zone, in either spelling of the products,
// begins with the price that was in force then.
func TestSpotPrices(t *testing.T) {
	server := sandboxtest.Start(t, sandbox.Options{})
	s := newPeer(server.URL()).session(t)
	now := time.Now()
	since := now.Add(-20 * 24 * time.Hour).Truncate(time.Second)
	types := []fleet.InstanceType{"m5.large", "c5.xlarge", "t3.medium", "z9.unheard"}
	var counts []int
	for _, products := range [][]string{{"Linux/UNIX", "Windows"}, {"Linux/UNIX (Amazon VPC)", "Windows (Amazon VPC)"}} {
		rows, err := s.Fleet(region).SpotPrices(t.Context(), types, products, since)
		if err != nil {
			t.Fatal(err)
		}
		counts = append(counts, len(rows))
		series := map[spotSeries][]price.SpotPrice{}
		for _, r := range rows {
			if r.USD <= 0 || r.At.After(now) || r.At.Location() != time.UTC {
				t.Errorf("a row reads %+v", r)
			}
			key := spotSeries{r.Type, r.Zone, r.Product}
			series[key] = append(series[key], r)
		}
		if len(series) < 3*2*2 {
			t.Errorf("prices of %d series, want 3 types with 2 products in each of several zones", len(series))
		}
		for key, rows := range series {
			if !slices.Contains([]string{"Linux/UNIX", "Windows"}, key.product) {
				t.Errorf("the product is spelled %q", key.product)
			}
			before := 0
			for _, r := range rows {
				if !r.At.After(since) {
					before++
				}
			}
			if before != 1 || len(rows) < 5 {
				t.Errorf("%v: %d of %d prices are from before %s, want one", key, before, len(rows), since)
			}
			mean, last, ok := price.SpotMean(rows, since, now)
			low := slices.MinFunc(rows, func(a, b price.SpotPrice) int { return int(a.USD - b.USD) })
			high := slices.MaxFunc(rows, func(a, b price.SpotPrice) int { return int(a.USD - b.USD) })
			if !ok || mean < low.USD || mean > high.USD || last < low.USD || last > high.USD {
				t.Errorf("%v: mean %v, last %v of prices from %v to %v", key, mean, last, low.USD, high.USD)
			}
		}
	}
	if counts[0] != counts[1] || counts[0] == 0 {
		t.Errorf("%d rows in one spelling, %d in the other", counts[0], counts[1])
	}
	if rows, err := s.Fleet(region).SpotPrices(t.Context(), types, nil, since); err != nil || len(rows) > 0 {
		t.Errorf("%d rows of no product, %v", len(rows), err)
	}
}

// A long history has several pages; when one fails, what was read before comes
// with the error.
func TestSpotPagesFail(t *testing.T) {
	types := []fleet.InstanceType{"m5.large", "m5.xlarge", "c5.large", "c5.xlarge", "t3.micro", "t3.medium", "r5.large", "r5.xlarge"}
	products := []string{"Linux/UNIX", "Windows", "SUSE Linux", "Red Hat Enterprise Linux"}
	since := time.Now().Add(-30 * 24 * time.Hour)
	whole := newPeer(sandboxtest.Start(t, sandbox.Options{}).URL()).session(t)
	all, err := whole.Fleet(region).SpotPrices(t.Context(), types, products, since)
	if n := calls(whole, "EC2", "DescribeSpotPriceHistory"); err != nil || n < 2 || len(all) <= 1000 {
		t.Fatalf("%d rows in %d pages, %v", len(all), n, err)
	}
	cut := newPeer(sandboxtest.Start(t, faulty(t, "ec2:DescribeSpotPriceHistory=deny,nth=2")).URL()).session(t)
	some, err := cut.Fleet(region).SpotPrices(t.Context(), types, products, since)
	if !errors.Is(err, fleet.ErrDenied) || len(some) == 0 || len(some) >= len(all) {
		t.Errorf("%d of %d rows, %v", len(some), len(all), err)
	}
}

// Instances that are gone and such without credits do not hide the others.
func TestUnlimited(t *testing.T) {
	server := sandboxtest.Start(t, sandbox.Options{Fleet: 500})
	s := newPeer(server.URL()).session(t)
	f := s.Fleet(region)
	var ids []fleet.ResourceID
	burstable, others := 0, 0
	for i, err := range f.Instances(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		switch {
		case i.Type[0] == 't' && i.State != fleet.Terminated:
			burstable++
		case others < 5:
			others++
		default:
			continue
		}
		ids = append(ids, i.ID)
		if len(ids)%100 == 50 {
			ids = append(ids, fleet.ResourceID(fmt.Sprintf("i-0%016x", len(ids))))
		}
	}
	got, err := f.Unlimited(t.Context(), ids)
	if err != nil {
		t.Fatal(err)
	}
	unlimited := 0
	for _, yes := range got {
		if yes {
			unlimited++
		}
	}
	n := calls(s, "EC2", "DescribeInstanceCreditSpecifications")
	t.Logf("%d of %d burstable instances, %d without limit, in %d calls", len(got), burstable, unlimited, n)
	if others != 5 || len(got) != burstable || unlimited == 0 || unlimited == len(got) {
		t.Errorf("%d of %d burstable instances, %d without limit", len(got), burstable, unlimited)
	}
	if n > 40 {
		t.Errorf("%d calls", n)
	}
}

// A refusal that is about who asks is reported at once.
func TestUnlimitedDenied(t *testing.T) {
	server := sandboxtest.Start(t, faulty(t, "ec2:DescribeInstanceCreditSpecifications=deny"))
	s := newPeer(server.URL()).session(t)
	got, err := s.Fleet(region).Unlimited(t.Context(), []fleet.ResourceID{"i-0123456789abcdef0", "i-0123456789abcdef1"})
	if n := calls(s, "EC2", "DescribeInstanceCreditSpecifications"); !errors.Is(err, fleet.ErrDenied) || len(got) > 0 || n != 1 {
		t.Errorf("%v, %v in %d calls", got, err, n)
	}
}

// A refusal that names nothing is found by halving, and one that holds for all
// is given up.
func TestUnlimitedHalves(t *testing.T) {
	var ids []fleet.ResourceID
	server := sandboxtest.Start(t, sandbox.Options{})
	f := newPeer(server.URL()).session(t).Fleet(region)
	for i, err := range f.Instances(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		if i.Type[0] == 't' && i.State != fleet.Terminated {
			ids = append(ids, i.ID)
		}
	}
	if len(ids) < 4 {
		t.Fatalf("%d burstable instances", len(ids))
	}
	bad := ids[2]
	plan := "ec2:DescribeInstanceCreditSpecifications=deny,code=UnsupportedOperation,message=not here,id=" + string(bad)
	s := newPeer(sandboxtest.Start(t, faulty(t, plan)).URL()).session(t)
	got, err := s.Fleet(region).Unlimited(t.Context(), ids)
	if err != nil {
		t.Fatal(err)
	}
	if _, known := got[bad]; known || len(got) != len(ids)-1 {
		t.Errorf("%d of %d instances, the bad one among them: %v", len(got), len(ids), known)
	}
	many := make([]fleet.ResourceID, 1000)
	for n := range many {
		many[n] = ids[n%len(ids)]
	}
	s = newPeer(sandboxtest.Start(t, faulty(t, "ec2:DescribeInstanceCreditSpecifications=deny,code=UnsupportedOperation,message=nowhere")).URL()).session(t)
	_, err = s.Fleet(region).Unlimited(t.Context(), many)
	if n := calls(s, "EC2", "DescribeInstanceCreditSpecifications"); !errors.Is(err, fleet.ErrUnsupported) || n > 120 {
		t.Errorf("%v in %d calls", err, n)
	}
}
