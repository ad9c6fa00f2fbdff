package sandbox_test

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"nightshift/internal/sandbox"
)

func TestPagesHoldEverythingOnce(t *testing.T) {
	a := open(t, sandbox.Options{Fleet: 80, EmptyPages: 0.3})
	filters := []types.Filter{filterOf("tag:AutoStopStart", "Yes")}
	for _, fs := range [][]types.Filter{nil, filters} {
		all, _ := a.describe(&ec2.DescribeInstancesInput{Filters: fs})
		for _, size := range []int32{5, 7, 50} {
			got, pages := a.describe(&ec2.DescribeInstancesInput{Filters: fs, MaxResults: &size})
			seen := map[string]bool{}
			for _, id := range got {
				if seen[id] {
					t.Errorf("pages of %d: %s twice", size, id)
				}
				seen[id] = true
			}
			if len(got) != len(all) {
				t.Errorf("pages of %d: %d instances on %d pages, want %d", size, len(got), pages, len(all))
			}
		}
	}
}

func TestPagesKeepReservationsWhole(t *testing.T) {
	a := open(t, sandbox.Options{Fleet: 200, Types: 5})
	seen := map[string]bool{}
	p := ec2.NewDescribeInstancesPaginator(a.ec2, &ec2.DescribeInstancesInput{MaxResults: aws.Int32(6)})
	for p.HasMorePages() {
		out, err := p.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		n := 0
		for _, r := range out.Reservations {
			if seen[*r.ReservationId] {
				t.Errorf("%s is on two pages", *r.ReservationId)
			}
			seen[*r.ReservationId] = true
			n += len(r.Instances)
		}
		if n > 6 {
			t.Errorf("%d instances on a page of 6", n)
		}
	}
}

func TestEmptyPages(t *testing.T) {
	a := open(t, sandbox.Options{Fleet: 300, EmptyPages: 0.5})
	empty := 0
	in := &ec2.DescribeInstancesInput{Filters: []types.Filter{filterOf("instance-state-name", "running")}, MaxResults: aws.Int32(20)}
	p := ec2.NewDescribeInstancesPaginator(a.ec2, in)
	for p.HasMorePages() {
		out, err := p.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if len(out.Reservations) == 0 && out.NextToken != nil {
			empty++
		}
	}
	if empty == 0 {
		t.Error("half of the pages should be empty, none was")
	}
}

func TestPagesThatAreRefused(t *testing.T) {
	a := open(t, sandbox.Options{Fleet: 50})
	first, err := a.ec2.DescribeInstances(t.Context(), &ec2.DescribeInstancesInput{MaxResults: aws.Int32(5)})
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name, code string
		in         ec2.DescribeInstancesInput
	}{
		{"too few", "InvalidParameterValue", ec2.DescribeInstancesInput{MaxResults: aws.Int32(4)}},
		{"too many", "InvalidParameterValue", ec2.DescribeInstancesInput{MaxResults: aws.Int32(1001)}},
		{"with ids", "InvalidParameterCombination", ec2.DescribeInstancesInput{
			MaxResults: aws.Int32(5), InstanceIds: []string{*first.Reservations[0].Instances[0].InstanceId},
		}},
		{"made-up token", "InvalidPaginationToken", ec2.DescribeInstancesInput{NextToken: aws.String("bmljZSB0cnk=")}},
		{"another query's token", "InvalidParameterValue", ec2.DescribeInstancesInput{
			NextToken: first.NextToken, Filters: []types.Filter{filterOf("tag-key", "Name")},
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if _, err := a.ec2.DescribeInstances(t.Context(), &tt.in); code(err) != tt.code {
				t.Errorf("got %v, want %s", err, tt.code)
			}
		})
	}
}

func TestVolumePages(t *testing.T) {
	a := open(t, sandbox.Options{Fleet: 300})
	seen, pages := map[string]bool{}, 0
	p := ec2.NewDescribeVolumesPaginator(a.ec2, &ec2.DescribeVolumesInput{MaxResults: aws.Int32(70)})
	for p.HasMorePages() {
		out, err := p.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		pages++
		for _, v := range out.Volumes {
			seen[*v.VolumeId] = true
		}
	}
	if len(seen) != 600 || pages != 9 {
		t.Errorf("%d volumes on %d pages, want 600 on 9", len(seen), pages)
	}
}

func TestFleetIsReproducible(t *testing.T) {
	list := func(seed uint64) []sandbox.Instance {
		s, err := sandbox.New(sandbox.Options{Fleet: 1000, Seed: seed, Start: testStart, Speed: -1})
		if err != nil {
			t.Fatal(err)
		}
		return s.Instances(sandbox.DefaultRegion)
	}
	a, b, c := list(1), list(1), list(2)
	if len(a) != 1000 || a[0].ID != b[0].ID || a[999].ID != b[999].ID || a[999].LaunchTime != b[999].LaunchTime {
		t.Error("the same seed gives another fleet")
	}
	if a[0].ID == c[0].ID {
		t.Error("another seed gives the same fleet")
	}
	kinds, states, auto, spot := map[string]bool{}, map[string]int{}, 0, 0
	for _, i := range a {
		kinds[i.Type] = true
		states[i.State]++
		if i.Tags["AutoStopStart"] == "Yes" {
			auto++
		}
		if i.Lifecycle == "spot" {
			spot++
		}
	}
	if len(kinds) != 40 || states["running"] < 500 || states["stopped"] < 100 || auto < 400 || spot == 0 {
		t.Errorf("%d types, states %v, %d to be switched, %d spot", len(kinds), states, auto, spot)
	}
}

func BenchmarkDescribeInstances(b *testing.B) {
	a := openUnchecked(b, sandbox.Options{Fleet: 10000})
	in := &ec2.DescribeInstancesInput{MaxResults: aws.Int32(1000)}
	for b.Loop() {
		if ids, _ := a.describe(in); len(ids) != 10000 {
			b.Fatalf("%d instances", len(ids))
		}
	}
}
