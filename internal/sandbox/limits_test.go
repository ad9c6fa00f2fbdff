package sandbox_test

import (
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"nightshift/internal/sandbox"
)

func TestTokenBuckets(t *testing.T) {
	a := open(t, sandbox.Options{Throttle: true})
	id := a.id("개발-WAS-1")
	describe := func() error {
		_, err := a.ec2.DescribeVolumes(t.Context(), &ec2.DescribeVolumesInput{Filters: []types.Filter{filterOf("size", "7")}})
		return err
	}
	everything := func() error {
		_, err := a.ec2.DescribeSpotInstanceRequests(t.Context(), &ec2.DescribeSpotInstanceRequestsInput{})
		return err
	}
	start := func() error { return a.start(id) }
	for _, tt := range []struct {
		name       string
		call       func() error
		burst      int
		perSecond  int
		wantStatus int
	}{
		{"StartInstances", start, 5, 2, 503},
		{"filtered or paged Describe", describe, 100, 20, 503},
		{"Describe of everything", everything, 50, 10, 503},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for n := range tt.burst {
				if err := tt.call(); err != nil {
					t.Fatalf("call %d of the burst: %v", n+1, err)
				}
			}
			for range 2 {
				if err := tt.call(); code(err) != "RequestLimitExceeded" || message(err) != "Request limit exceeded." {
					t.Fatalf("after the burst: %v", err)
				}
			}
			calls := a.Calls()
			if got := calls[len(calls)-1].Status; got != tt.wantStatus {
				t.Errorf("HTTP status %d", got)
			}
			a.Advance(time.Second)
			for n := range tt.perSecond {
				if err := tt.call(); err != nil {
					t.Fatalf("call %d after a second: %v", n+1, err)
				}
			}
			if err := tt.call(); code(err) != "RequestLimitExceeded" {
				t.Errorf("more than %d a second pass", tt.perSecond)
			}
		})
	}
}

func TestResourceTokens(t *testing.T) {
	a := open(t, sandbox.Options{Fleet: 1600, Throttle: true, Types: 5})
	var ids []string
	for _, i := range a.Instances(sandbox.DefaultRegion) {
		if i.State == "running" && i.Lifecycle == "" {
			ids = append(ids, i.ID)
		}
	}
	start := func(n int) error { return a.start(ids[:n]...) } // running already: nothing changes
	if err := start(900); err != nil {
		t.Fatal(err)
	}
	if err := start(101); code(err) != "RequestLimitExceeded" {
		t.Errorf("1001 ids at once: %v", err)
	}
	if err := start(100); err != nil {
		t.Errorf("1000 ids at once: %v", err)
	}
	a.Advance(10 * time.Second)
	if err := start(21); code(err) != "RequestLimitExceeded" {
		t.Errorf("21 ids after ten seconds: %v", err)
	}
	if err := start(20); err != nil {
		t.Errorf("20 ids after ten seconds: %v", err)
	}
}

func TestBucketsAreOfARegionAndAnOperation(t *testing.T) {
	a := open(t, sandbox.Options{Throttle: true})
	id := a.id("개발-WAS-1")
	for range 5 {
		if err := a.start(id); err != nil {
			t.Fatal(err)
		}
	}
	if err := a.start(id); code(err) != "RequestLimitExceeded" {
		t.Fatalf("got %v", err)
	}
	if err := a.stop(id); err != nil {
		t.Errorf("StopInstances: %v", err)
	}
	us, _ := a.Named("us-east-1", "us-web-1")
	if _, err := a.region("us-east-1").StartInstances(t.Context(), &ec2.StartInstancesInput{InstanceIds: []string{us.ID}}); err != nil {
		t.Errorf("another region: %v", err)
	}
}

func TestSpeed(t *testing.T) {
	a := open(t, sandbox.Options{Speed: 100000})
	id := a.id("개발-WAS-1")
	if err := a.stop(id); err != nil {
		t.Fatal(err)
	}
	deadline := time.Now().Add(5 * time.Second)
	for a.one(id).State.Name != "stopped" {
		if time.Now().After(deadline) {
			t.Fatal("a minute at 100,000 times the speed takes longer than five seconds")
		}
	}
}
