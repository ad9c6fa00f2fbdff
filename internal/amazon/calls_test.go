package amazon_test

import (
	"bytes"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"nightshift/internal/amazon"
	"nightshift/internal/sandbox"
	"nightshift/internal/sandbox/sandboxtest"
)

// Two runs on one session at the same time each count their own calls, as many
// as the service saw of them, also in another account.
func TestCallsOfConcurrentRuns(t *testing.T) {
	var mu sync.Mutex
	seen, reported := map[string]map[string]int{}, map[string]map[string]int{}
	add := func(to map[string]map[string]int, run, call string) {
		mu.Lock()
		defer mu.Unlock()
		if to[run] == nil {
			to[run] = map[string]int{}
		}
		to[run][strings.ToLower(call)]++
	}
	server := sandboxtest.Start(t, sandbox.Options{Fleet: 2100, Accounts: sandbox.Members(1), Tap: func(e sandbox.Exchange) {
		_, run, _ := strings.Cut(e.RequestHeader.Get("User-Agent"), " run/")
		add(seen, run, e.Service+":"+e.Action)
	}})
	s, err := amazon.Open(t.Context(), amazon.Options{
		Region:   region,
		Endpoint: &amazon.Endpoint{URL: server.URL(), AccessKey: sandbox.AccessKey, SecretKey: sandbox.SecretKey},
		Called: func(c amazon.Call) {
			if c.Region != region || c.Attempt != 1 || c.Status != 200 || c.Code != "" || c.Duration <= 0 {
				t.Errorf("%+v", c)
			}
			add(reported, c.Run, c.Service+":"+c.Action)
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	var one, two amazon.Counter
	var runs sync.WaitGroup
	runs.Go(func() {
		ctx := amazon.WithRun(amazon.WithCounter(t.Context(), &one), "20261130-one")
		for _, err := range s.Fleet(region).Instances(ctx) {
			if err != nil {
				t.Error(err)
			}
		}
	})
	runs.Go(func() {
		ctx := amazon.WithRun(amazon.WithCounter(t.Context(), &two), "two")
		away, err := s.Assume(ctx, memberRole(member, sandbox.MemberExternalID))
		if err != nil {
			t.Error(err)
			return
		}
		for _, err := range away.Fleet(region).Volumes(ctx) {
			if err != nil {
				t.Error(err)
			}
		}
	})
	runs.Wait()
	if _, err := s.Account(t.Context()); err != nil {
		t.Fatal(err)
	}
	lower := func(counts map[string]int) map[string]int {
		out := map[string]int{}
		for name, n := range counts {
			out[strings.ToLower(name)] = n
		}
		return out
	}
	for run, counts := range map[string]map[string]int{
		"20261130-one": one.Counts(), "two": two.Counts(), "": {"STS:GetCallerIdentity": 1},
	} {
		if want := lower(counts); len(want) == 0 || !maps.Equal(want, seen[run]) || !maps.Equal(want, reported[run]) {
			t.Errorf("run %q counted %v, the observer heard %v, the service saw %v", run, want, reported[run], seen[run])
		}
	}
	if n := one.Counts()["EC2:DescribeInstances"]; n < 3 {
		t.Errorf("%d calls for 2100 instances", n)
	}
}

// Every attempt is a call of its own, with what AWS answered.
func TestCallsThatFail(t *testing.T) {
	for fault, first := range map[string]amazon.Call{
		"throttle": {Status: 503, Code: "RequestLimitExceeded"},
		"cut":      {},
	} {
		faults, err := sandbox.ParseFaults("ec2:DescribeVolumes=" + fault + ",count=1")
		if err != nil {
			t.Fatal(err)
		}
		server := sandboxtest.Start(t, sandbox.Options{Faults: faults})
		var calls []amazon.Call
		s, err := amazon.Open(t.Context(), amazon.Options{
			Region:   region,
			Endpoint: &amazon.Endpoint{URL: server.URL(), AccessKey: sandbox.AccessKey, SecretKey: sandbox.SecretKey},
			Called:   func(c amazon.Call) { c.Duration = 0; calls = append(calls, c) },
		})
		if err != nil {
			t.Fatal(err)
		}
		for _, err := range s.Fleet(region).Volumes(amazon.WithRun(t.Context(), "r")) {
			if err != nil {
				t.Fatal(err)
			}
		}
		second := amazon.Call{Status: 200}
		for n, c := range []*amazon.Call{&first, &second} {
			c.Run, c.Service, c.Action, c.Region, c.Attempt = "r", "EC2", "DescribeVolumes", region, n+1
		}
		if want := []amazon.Call{first, second}; !slices.Equal(calls, want) {
			t.Errorf("%s: calls %+v\nwant  %+v", fault, calls, want)
		}
	}
}

// answerer answers every request.
type answerer func(*http.Request) *http.Response

func (a answerer) Do(r *http.Request) (*http.Response, error) { return a(r), nil }

// Where AWS's clock and ours are far apart that is said, once.
func TestClocksFarApart(t *testing.T) {
	t.Setenv("AWS_ACCESS_KEY_ID", sandbox.AccessKey)
	t.Setenv("AWS_SECRET_ACCESS_KEY", sandbox.SecretKey)
	for _, name := range []string{"AWS_PROFILE", "AWS_ENDPOINT_URL"} {
		t.Setenv(name, "")
	}
	now := time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)
	for ahead, warnings := range map[time.Duration]int{0: 0, time.Minute: 0, 14 * time.Hour: 1, -14 * time.Hour: 1} {
		var log bytes.Buffer
		s, err := amazon.Open(t.Context(), amazon.Options{
			Region: region, Now: func() time.Time { return now }, Log: slog.New(slog.NewTextHandler(&log, nil)),
		})
		if err != nil {
			t.Fatal(err)
		}
		s.SetClient(answerer(func(*http.Request) *http.Response {
			return &http.Response{
				StatusCode: http.StatusOK, Header: http.Header{"Date": {now.Add(ahead).Format(http.TimeFormat)}},
				Body: io.NopCloser(strings.NewReader("<DescribeRegionsResponse/>")),
			}
		}))
		for range 3 {
			if _, err := s.Regions(t.Context(), region); err != nil {
				t.Fatal(err)
			}
		}
		if n := strings.Count(log.String(), "far apart"); n != warnings || s.Ahead() != ahead {
			t.Errorf("%s ahead: %s, and %d warnings: %s", ahead, s.Ahead(), n, log.String())
		}
	}
}
