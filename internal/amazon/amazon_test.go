package amazon_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"nightshift/internal/amazon"
	"nightshift/internal/fleet"
	"nightshift/internal/sandbox"
	"nightshift/internal/sandbox/sandboxtest"
)

func calls(s *amazon.Session, service, action string) int {
	n := 0
	for _, c := range s.Calls() {
		if c.Service == service && c.Action == action {
			n += c.Count
		}
	}
	return n
}

func TestSpotRequestsAreResolved(t *testing.T) {
	server := sandboxtest.Start(t, sandbox.Options{})
	f := newPeer(server.URL()).session(t).Fleet(region)
	ineligible, spots := map[string]int{}, 0
	for i, err := range f.Machines(t.Context(), fleet.Selector{}) {
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(i.Ineligible.Reason().Code, "spot") {
			ineligible[i.Ineligible.Reason().Code]++
		}
	}
	for i, err := range f.Instances(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		if i.Lifecycle == fleet.Spot {
			spots++
		}
	}
	if ineligible["spot-one-time"] == 0 || len(ineligible) != 1 || ineligible["spot-one-time"] >= spots {
		t.Errorf("of %d Spot Instances %v are ineligible, want the one-time ones and only these", spots, ineligible)
	}
}

// Pages, empty pages among them, are read to the end.
func TestAllPages(t *testing.T) {
	server := sandboxtest.Start(t, sandbox.Options{Fleet: 2500, EmptyPages: 0.5})
	s := newPeer(server.URL()).session(t)
	n, v := 0, 0
	for _, err := range s.Fleet(region).Instances(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		n++
	}
	for _, err := range s.Fleet(region).Volumes(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		v++
	}
	if n != 2500 || v != 5000 {
		t.Errorf("%d instances and %d volumes, want 2500 and 5000", n, v)
	}
	if c := calls(s, "EC2", "DescribeInstances"); c > 10 {
		t.Errorf("%d calls for 2500 instances", c)
	}
}

// Passing trouble is ridden out; it costs requests but never reaches the
// caller.
func TestTroubleThatPasses(t *testing.T) {
	for _, fault := range []string{
		"ec2:DescribeInstances=throttle,count=2",
		"ec2:DescribeInstances=broken,count=2",
		"ec2:DescribeInstances=cut,count=2",
		"ec2:DescribeInstances=expired,count=1",
	} {
		t.Run(fault, func(t *testing.T) {
			faults, err := sandbox.ParseFaults(fault)
			if err != nil {
				t.Fatal(err)
			}
			server := sandboxtest.Start(t, sandbox.Options{Faults: faults})
			s := newPeer(server.URL()).session(t)
			for _, err := range s.Fleet(region).Instances(t.Context()) {
				if err != nil {
					t.Fatal(err)
				}
			}
			if n := calls(s, "EC2", "DescribeInstances"); n < 2 {
				t.Errorf("%d requests: the fault did not strike", n)
			}
		})
	}
}

func TestTroubleThatStays(t *testing.T) {
	tests := []struct {
		fault string
		kind  error
		says  string
	}{
		{"ec2:DescribeInstances=deny", fleet.ErrDenied, "ec2:DescribeInstances"},
		{"ec2:DescribeInstances=expired", fleet.ErrCredentials, "ec2:DescribeInstances"},
		{"ec2:DescribeInstances=cut", fleet.ErrUnavailable, "ec2:DescribeInstances: the connection ended without an answer"},
	}
	for _, tt := range tests {
		t.Run(tt.fault, func(t *testing.T) {
			t.Parallel() // most of the time goes by between tries
			faults, err := sandbox.ParseFaults(tt.fault)
			if err != nil {
				t.Fatal(err)
			}
			server := sandboxtest.Start(t, sandbox.Options{Faults: faults})
			for _, err = range newPeer(server.URL()).session(t).Fleet(region).Instances(t.Context()) {
			}
			if !errors.Is(err, tt.kind) || !strings.Contains(err.Error(), tt.says) {
				t.Errorf("%v, want a %v that says %q", err, tt.kind, tt.says)
			}
		})
	}
}

// An endpoint that is down is reported soon and by its address.
func TestNothingAnswers(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	listener.Close()
	address := listener.Addr().String()
	began := time.Now()
	_, err = newPeer("http://" + address).session(t).Account(t.Context())
	if !errors.Is(err, fleet.ErrUnavailable) || !strings.Contains(err.Error(), address) {
		t.Errorf("%v, want the address %s", err, address)
	}
	if d := time.Since(began); d > 5*time.Second {
		t.Errorf("it took %s to say so", d)
	}
}

func TestDeniedUploadNamesTheKey(t *testing.T) {
	faults, err := sandbox.ParseFaults("s3:PutObject=deny")
	if err != nil {
		t.Fatal(err)
	}
	server := sandboxtest.Start(t, sandbox.Options{Faults: faults})
	err = newPeer(server.URL()).session(t).Bucket(sandbox.DefaultBucket).Put(t.Context(), "ec2/a.xlsx", "text/plain", bytes.NewReader(nil))
	if !errors.Is(err, fleet.ErrDenied) || !strings.Contains(err.Error(), "s3://"+sandbox.DefaultBucket+"/ec2/a.xlsx") {
		t.Errorf("%v, want a denial that names the object", err)
	}
}

// The client's own buckets keep a large stop below EC2's limits: at ten times
// the bucket's size no request is refused.
func TestQuotasAreRespected(t *testing.T) {
	const speed = 2000
	server := sandboxtest.Start(t, sandbox.Options{Fleet: 3000, Throttle: true, Speed: speed})
	s, err := amazon.Open(t.Context(), amazon.Options{Region: region, Endpoint: &amazon.Endpoint{
		URL: server.URL(), AccessKey: sandbox.AccessKey, SecretKey: sandbox.SecretKey, ClockScale: speed * 0.95,
	}})
	if err != nil {
		t.Fatal(err)
	}
	f := s.Fleet(region)
	var batch []fleet.ResourceID
	asked := 0
	for i, err := range f.Machines(t.Context(), fleet.Selector{}) {
		if err != nil {
			t.Fatal(err)
		}
		if i.State != fleet.Running || !i.Eligible() {
			continue
		}
		if batch = append(batch, i.ID); len(batch) == 100 {
			asked++
			_ = f.Stop(t.Context(), batch, false) // stop protection may refuse some
			batch = nil
		}
	}
	if asked < 10 {
		t.Fatalf("only %d batches", asked)
	}
	for _, c := range server.Sandbox().Calls() {
		if c.Code == "RequestLimitExceeded" {
			t.Fatalf("%s was throttled", c.Action)
		}
	}
}

// A service that keeps silent is one that cannot be reached; when our own time
// is over nothing is said about the service.
func TestSilenceIsNotOurTime(t *testing.T) {
	over, cancel := context.WithTimeout(t.Context(), 0)
	defer cancel()
	for name, tt := range map[string]struct {
		ctx  context.Context
		err  error
		want error
	}{
		"silent":   {t.Context(), fmt.Errorf("timeout awaiting response headers: %w", context.DeadlineExceeded), fleet.ErrUnavailable},
		"our time": {over, context.DeadlineExceeded, context.DeadlineExceeded},
	} {
		if err := amazon.Ask(tt.ctx, "rds:DescribeEvents", tt.err); !errors.Is(err, tt.want) || errors.Is(err, context.DeadlineExceeded) != (tt.ctx == over) {
			t.Errorf("%s: %v, want %v", name, err, tt.want)
		}
	}
}
