package amazon_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"nightshift/internal/amazon"
	"nightshift/internal/fleet"
	"nightshift/internal/sandbox"
)

// questions are one of each protocol that has no element which must be there.
func questions(s *amazon.Session) map[string]func(context.Context) error {
	objects := s.Objects(sandbox.DefaultBucket, "")
	return map[string]func(context.Context) error{
		"ec2:DescribeInstances": func(ctx context.Context) error {
			for _, err := range s.Fleet(region).Instances(ctx) {
				return err
			}
			return nil
		},
		"ec2:DescribeRegions": func(ctx context.Context) error { _, err := s.Regions(ctx, region); return err },
		"s3:PutObject":        func(ctx context.Context) error { return objects.Put(ctx, "key", []byte("x")) },
		"s3:GetObject":        func(ctx context.Context) error { _, err := objects.Get(ctx, "key"); return err },
		"s3:ListBucket":       func(ctx context.Context) error { _, err := objects.List(ctx, ""); return err },
		"ssm:GetParameter":    func(ctx context.Context) error { _, err := s.Parameter(ctx, "name"); return err },
	}
}

func sessionAt(t *testing.T, handler http.HandlerFunc) *amazon.Session {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return newPeer(server.URL).session(t)
}

// What something else answers to everything is not an account without
// resources, and an upload to it has not happened.
func TestAnswersOfSomethingElse(t *testing.T) {
	for _, body := range []string{"<html>Log in to this network</html>", "", "{}", "<Foo/>", strings.Repeat("<p>", 1000)} {
		s := sessionAt(t, func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, body) })
		for action, ask := range questions(s) {
			err := ask(t.Context())
			if !errors.Is(err, fleet.ErrUnavailable) || !strings.Contains(err.Error(), "check AWS_ENDPOINT_URL") {
				t.Errorf("%s answered with %.20q: %v", action, body, err)
			}
		}
	}
}

// An answer that begins and does not go on ends, after one more try.
func TestAnswersThatStop(t *testing.T) {
	for _, begin := range []string{"", `<DescribeInstancesResponse><reservationSet>` + strings.Repeat(" ", 2000)} {
		var requests atomic.Int32
		s := sessionAt(t, func(w http.ResponseWriter, r *http.Request) {
			requests.Add(1)
			_, _ = io.Copy(io.Discard, r.Body)
			time.Sleep(20 * time.Millisecond) // so that the client has done with the request
			w.Header().Set("ETag", `"x"`)
			w.Header().Set("Content-Length", "100000")
			_, _ = io.WriteString(w, begin)
			w.(http.Flusher).Flush()
			<-r.Context().Done()
		})
		s.SetStall(50 * time.Millisecond)
		for _, action := range []string{"ec2:DescribeInstances", "s3:GetObject"} {
			requests.Store(0)
			began := time.Now()
			err := questions(s)[action](t.Context())
			if !errors.Is(err, fleet.ErrUnavailable) || !strings.Contains(err.Error(), "nothing came for 50ms") {
				t.Errorf("%s: %v", action, err)
			}
			// What reads an object as a stream cannot begin again.
			if n := requests.Load(); n > 2 || time.Since(began) > 20*time.Second {
				t.Errorf("%s after %.30q: %d tries, %s: %v", action, begin, n, time.Since(began), err)
			}
		}
	}
}

// Who is interrupted while an answer does not go on is interrupted, and has not
// met a fault.
func TestInterruptedWhileAnAnswerStops(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	s := sessionAt(t, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		_, _ = io.WriteString(w, "<DescribeRegionsResponse>"+strings.Repeat(" ", 2000))
		w.(http.Flusher).Flush()
		cancel()
		<-r.Context().Done()
	})
	if err := questions(s)["ec2:DescribeRegions"](ctx); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}
