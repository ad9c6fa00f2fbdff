package web_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"testing"
	"time"

	"nightshift/internal/web"
)

func TestFailedLoginsAreLimited(t *testing.T) {
	s := newServer(t, web.Access{Listen: "127.0.0.1:19847", Operate: token(t, operateWord)}, nil)
	try := func(word, peer string) *http.Response {
		return s.do(request{url: here + "/login", peer: peer, form: url.Values{"token": {word}}})
	}
	for range 5 {
		if r := try("wrong-wrong-wrong-wrong", ""); r.StatusCode != 401 {
			t.Fatalf("a wrong token: %s", r.Status)
		}
	}
	r := try(operateWord, "")
	if page := body(t, r); r.StatusCode != 429 || r.Header.Get("Retry-After") != "60" || !strings.Contains(page, "60 seconds") {
		t.Errorf("the right token after five wrong ones: %s, %s", r.Status, r.Header.Get("Retry-After"))
	}
	if r := s.do(request{url: here + "/", header: bearer(operateWord)}); r.StatusCode != 429 {
		t.Errorf("in a header: %s", r.Status)
	}
	if r := try(operateWord, "127.0.0.2:5000"); r.StatusCode != 303 {
		t.Errorf("from another address: %s", r.Status)
	}
	s.now = s.now.Add(time.Minute)
	if r := try(operateWord, ""); r.StatusCode != 303 {
		t.Errorf("a minute later: %s", r.Status)
	}
	for n := range 30 { // who is right may come as often as he likes
		if r := s.do(request{url: here + "/", header: bearer(operateWord)}); r.StatusCode != 200 {
			t.Fatalf("visit %d: %s", n, r.Status)
		}
	}
	if !strings.Contains(s.log.String(), "client=127.0.0.1") || strings.Contains(s.log.String(), operateWord) {
		t.Errorf("the log is %s", s.log.String())
	}
}

// The token for reading buys no tries at the other one.
func TestTheScrapeTokenBuysNoTries(t *testing.T) {
	s := newServer(t, web.Access{Listen: "127.0.0.1:19847", Scrape: token(t, scrapeWord), Operate: token(t, operateWord)}, nil)
	for n := range 12 {
		r := s.do(request{url: here + "/metrics", header: bearer(scrapeWord)})
		if r.StatusCode != 200 {
			t.Fatalf("the scrape token, time %d: %s", n, r.Status)
		}
		want := 401
		if n >= 5 {
			want = 429
		}
		if r := s.do(request{url: here + "/metrics", header: bearer("wrong-wrong-wrong-wrong")}); r.StatusCode != want {
			t.Errorf("wrong token %d: %s, want %d", n, r.Status, want)
		}
	}
	if r := s.do(request{url: here + "/metrics", header: bearer(operateWord)}); r.StatusCode != 429 {
		t.Errorf("guessed at last: %s, want 429", r.Status)
	}
}

// Whoever guesses from the address of somebody who was right does not keep him out.
func TestANeighbourDoesNotLockOut(t *testing.T) {
	s := newServer(t, web.Access{Listen: "127.0.0.1:19847", Scrape: token(t, scrapeWord), Operate: token(t, operateWord)}, nil)
	try := func(word string) int { return s.do(request{url: here + "/metrics", header: bearer(word)}).StatusCode }
	if got := try(scrapeWord); got != 200 {
		t.Fatalf("the right token: %d", got)
	}
	for range 20 {
		try("wrong-wrong-wrong-wrong")
	}
	if got := try(scrapeWord); got != 200 {
		t.Errorf("after twenty wrong ones of a neighbour: %d, want 200", got)
	}
	for range 40 {
		try("wrong-wrong-wrong-wrong")
	}
	if got := try(scrapeWord); got != 429 {
		t.Errorf("after sixty: %d, want 429", got)
	}
	s.now = s.now.Add(time.Minute)
	if got := try(scrapeWord); got != 200 {
		t.Errorf("a minute later: %d, want 200", got)
	}
	s.now = s.now.Add(time.Hour)
	for range 20 {
		try("wrong-wrong-wrong-wrong")
	}
	if got := try(scrapeWord); got != 429 {
		t.Errorf("not right for an hour, after twenty wrong ones: %d, want 429", got)
	}
}

// What anybody can write into the log has an end, in a line and in lines.
func TestRefusalsInTheLog(t *testing.T) {
	s := newServer(t, web.Access{Listen: "127.0.0.1:19847", Scrape: token(t, scrapeWord)}, nil)
	s.do(request{url: here + "/metrics", header: bearer("wrong-wrong-wrong-wrong")})
	if log := s.log.String(); !strings.Contains(log, "client=127.0.0.1 status=401 path=/metrics") || strings.Contains(log, "wrong-wrong") {
		t.Errorf("the log is %s", log)
	}
	for range 300 {
		s.do(request{url: "http://attacker.example/" + strings.Repeat("x", 20_000)})
	}
	if log := s.log.String(); strings.Count(log, "\n") > 100 || len(log) > 50_000 {
		t.Errorf("the log has %d lines with %d bytes", strings.Count(log, "\n"), len(log))
	}
	s.now = s.now.Add(time.Minute)
	s.do(request{url: "http://attacker.example/"})
	if log := s.log.String(); !strings.Contains(log, "unlogged=201") {
		t.Errorf("the log does not say how many it lacks: %s", log[len(log)-300:])
	}
}

// Without a token a foreign name that somebody points to this machine reads nothing.
func TestMetricsUnderAForeignName(t *testing.T) {
	for name, test := range map[string]struct {
		access web.Access
		host   string
		header map[string]string
		want   int
	}{
		"this machine": {local, "localhost:19847", nil, 200}, "a foreign name": {local, "attacker.example:19847", nil, 421},
		"a foreign name with a token": {web.Access{Listen: "127.0.0.1:19847", Scrape: token(t, scrapeWord)}, "nightshift.internal:19847", bearer(scrapeWord), 200},
	} {
		if r := newServer(t, test.access, nil).do(request{url: "http://" + test.host + "/metrics", header: test.header}); r.StatusCode != test.want {
			t.Errorf("%s: %s, want %d", name, r.Status, test.want)
		}
	}
}

// One who has a whole network of IPv6, or very many addresses, does not get more tries.
func TestManyAddresses(t *testing.T) {
	s := newServer(t, web.Access{Listen: "127.0.0.1:19847", Operate: token(t, operateWord)}, nil)
	refused := 0
	for n := range 20 {
		r := s.do(request{url: here + "/login", peer: fmt.Sprintf("[2001:db8::%x]:1", n+1), form: url.Values{"token": {"wrong-wrong-wrong-wrong"}}})
		if r.StatusCode == 429 {
			refused++
		}
	}
	if refused != 15 {
		t.Errorf("of 20 tries from one network %d were refused, want 15", refused)
	}
	for n := range 4200 {
		s.do(request{url: here + "/", peer: fmt.Sprintf("10.0.%d.%d:1", n/256, n%256), header: bearer("wrong-wrong-wrong-wrong")})
	}
	if r := s.do(request{url: here + "/", peer: "192.0.2.1:1", header: bearer("wrong-wrong-wrong-wrong")}); r.StatusCode != 429 {
		t.Errorf("one more of very many: %s", r.Status)
	}
}

// Behind a proxy wrong tokens count for the client that the proxy names last, which
// the client cannot choose itself.
func TestClientsBehindAProxy(t *testing.T) {
	s := newServer(t, web.Access{
		Listen: "0.0.0.0:19847", Scrape: token(t, scrapeWord), Proxies: []netip.Prefix{netip.MustParsePrefix("10.1.0.0/16")}, Hosts: []string{"nightshift.example.com"},
	}, nil)
	try := func(word string, forwarded ...string) int {
		r := httptest.NewRequest(http.MethodGet, "http://nightshift.example.com/metrics", nil)
		r.RemoteAddr = "10.1.2.3:4"
		r.Header.Set("Authorization", "Bearer "+word)
		r.Header["X-Forwarded-For"] = forwarded
		r.Header.Set("X-Forwarded-Proto", "https")
		w := httptest.NewRecorder()
		s.ServeHTTP(w, r)
		return w.Code
	}
	for n := range 5 {
		invented := fmt.Sprintf("198.51.100.%d", n)
		if got := try("wrong-wrong-wrong-wrong", invented+", 192.0.2.7"); got != 401 {
			t.Fatalf("wrong token %d: %d", n, got)
		}
	}
	if got := try("wrong-wrong-wrong-wrong", "198.51.100.9", "192.0.2.7"); got != 429 {
		t.Errorf("a sixth one, with the client in a second line: %d, want 429", got)
	}
	if got := try("wrong-wrong-wrong-wrong", "192.0.2.7:4567"); got != 429 {
		t.Errorf("a seventh one, with the client's port: %d, want 429", got)
	}
	if got := try(scrapeWord, "192.0.2.8"); got != 200 {
		t.Errorf("another client of the proxy: %d, want 200", got)
	}
	for n := range 6 {
		if got, want := try("wrong-wrong-wrong-wrong", fmt.Sprintf("[2001:db8::1%%zone%d]:99", n)), 401; n < 5 && got != want {
			t.Errorf("try %d of a client with IPv6: %d, want %d", n, got, want)
		} else if n == 5 && got != 429 {
			t.Errorf("a sixth one, from another zone: %d, want 429", got)
		}
	}
	if log := s.log.String(); !strings.Contains(log, "client=192.0.2.7 status=401 path=/metrics") || strings.Contains(log, "zone") {
		t.Errorf("the log is %s", log)
	}
}
