package web_test

import (
	"crypto/tls"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"testing"
	"time"

	"nightshift/internal/watch"
	"nightshift/internal/web"
)

// server is the page and a path for metrics, with a clock that tests advance.
type server struct {
	http.Handler
	now time.Time
	log strings.Builder
}

func newServer(t testing.TB, access web.Access, change func(*web.Options)) *server {
	t.Helper()
	s := &server{now: now}
	clock := func() time.Time { return s.now }
	state := evening(t)
	log := slog.New(slog.NewTextHandler(&s.log, nil))
	o := web.Options{State: func() *watch.State { return state }, Now: clock, Guard: web.NewGuard(access, clock, log), Log: log}
	if change != nil {
		change(&o)
	}
	mux := http.NewServeMux()
	mux.Handle("/metrics", o.Guard.Metrics(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "up 1") })))
	mux.Handle("/", web.New(o))
	s.Handler = mux
	return s
}

// request is sent to the server; what is empty has a default.
type request struct {
	method, url, peer string
	form              url.Values
	header            map[string]string
	cookies           []*http.Cookie
	tls               bool
}

func (s *server) do(r request) *http.Response {
	method, body := http.MethodGet, io.Reader(nil)
	if r.method != "" {
		method = r.method
	}
	if r.form != nil {
		method, body = http.MethodPost, strings.NewReader(r.form.Encode())
	}
	sent := httptest.NewRequest(method, r.url, body)
	sent.TLS = nil
	if r.tls {
		sent.TLS = &tls.ConnectionState{}
	}
	sent.RemoteAddr = "127.0.0.1:50000"
	if r.peer != "" {
		sent.RemoteAddr = r.peer
	}
	if r.form != nil {
		sent.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for key, value := range r.header {
		sent.Header.Set(key, value)
	}
	for _, c := range r.cookies {
		sent.AddCookie(c)
	}
	w := httptest.NewRecorder()
	s.ServeHTTP(w, sent)
	return w.Result()
}

const here = "http://127.0.0.1:19847"

func bearer(word string) map[string]string {
	return map[string]string{"Authorization": "Bearer " + word}
}

func body(t testing.TB, r *http.Response) string {
	t.Helper()
	content, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

// login logs in and gives the cookie.
func (s *server) login(t testing.TB, at, word string, more request) []*http.Cookie {
	t.Helper()
	more.url, more.form = at+"/login", url.Values{"token": {word}, "next": {"/machines"}}
	r := s.do(more)
	if r.StatusCode != http.StatusSeeOther || r.Header.Get("Location") != "/machines" || len(r.Cookies()) != 1 {
		t.Fatalf("login: %s to %q: %s", r.Status, r.Header.Get("Location"), body(t, r))
	}
	return r.Cookies()
}

// Who may read what, and with which token.
func TestWhoMayRead(t *testing.T) {
	scrape, operate := token(t, scrapeWord), token(t, operateWord)
	open := web.Access{Listen: "127.0.0.1:19847"}
	closed := web.Access{Listen: "0.0.0.0:19847", TLS: true, Scrape: scrape, Operate: operate, Hosts: []string{"nightshift.example.com"}}
	outside := "https://nightshift.example.com"
	for _, test := range []struct {
		name   string
		access web.Access
		request
		want int
	}{
		{"this machine needs no token", open, request{url: here + "/"}, 200},
		{"nor for metrics", open, request{url: here + "/metrics"}, 200},
		{"nor by IPv6", web.Access{Listen: "[::1]:19847"}, request{url: "http://[::1]:19847/", peer: "[::1]:5000"}, 200},
		{"a token that is given is asked for on this machine, too", web.Access{Listen: "127.0.0.1:19847", Scrape: scrape}, request{url: here + "/"}, 303},
		{"and for metrics", web.Access{Listen: "127.0.0.1:19847", Scrape: scrape}, request{url: here + "/metrics"}, 401},
		{"a token for writing alone leaves reading open", web.Access{Listen: "127.0.0.1:19847", Operate: operate}, request{url: here + "/"}, 200},
		{"from outside a person logs in", closed, request{url: outside + "/", peer: "192.0.2.7:9", tls: true}, 303},
		{"from outside metrics need the token", closed, request{url: outside + "/metrics", peer: "192.0.2.7:9", tls: true}, 401},
		{"the scrape token reads metrics", closed, request{url: outside + "/metrics", peer: "192.0.2.7:9", tls: true, header: bearer(scrapeWord)}, 200},
		{"whatever the host is called", closed, request{url: "https://192.0.2.1/metrics", peer: "192.0.2.7:9", tls: true, header: bearer(scrapeWord)}, 200},
		{"the operate token reads metrics", closed, request{url: outside + "/metrics", peer: "192.0.2.7:9", tls: true, header: bearer(operateWord)}, 200},
		{"a wrong token does not", closed, request{url: outside + "/metrics", peer: "192.0.2.7:9", tls: true, header: bearer("wrong-wrong-wrong-wrong")}, 401},
		{"nor an empty one", closed, request{url: outside + "/metrics", peer: "192.0.2.7:9", tls: true, header: bearer("")}, 401},
		{"the scrape token reads the page", closed, request{url: outside + "/", peer: "192.0.2.7:9", tls: true, header: bearer(scrapeWord)}, 200},
		{"a token in the address is nothing", closed, request{url: outside + "/metrics?token=" + scrapeWord, peer: "192.0.2.7:9", tls: true}, 401},
	} {
		if r := newServer(t, test.access, nil).do(test.request); r.StatusCode != test.want {
			t.Errorf("%s: %s, want %d", test.name, r.Status, test.want)
		}
	}
}

func TestHosts(t *testing.T) {
	for _, test := range []struct {
		access web.Access
		host   string
		want   int
	}{
		{local, "127.0.0.1:19847", 200},
		{local, "localhost:19847", 200},
		{local, "[::1]:19847", 200},
		{local, "attacker.example:19847", 421},
		{local, "127.0.0.1.attacker.example", 421},
		{local, "", 421},
		{web.Access{Listen: "0.0.0.0:19847", TLS: true, Scrape: token(t, scrapeWord), Hosts: []string{"nightshift.example.com"}}, "nightshift.example.com", 200},
		{web.Access{Listen: "0.0.0.0:19847", TLS: true, Scrape: token(t, scrapeWord), Hosts: []string{"nightshift.example.com"}}, "NIGHTSHIFT.example.com:19847", 200},
		{web.Access{Listen: "0.0.0.0:19847", TLS: true, Scrape: token(t, scrapeWord), Hosts: []string{"nightshift.example.com"}}, "localhost:19847", 421},
	} {
		s := newServer(t, test.access, nil)
		r := httptest.NewRequest(http.MethodGet, "http://placeholder/", nil)
		r.Host, r.RemoteAddr = test.host, "127.0.0.1:5000"
		if test.access.TLS {
			r.TLS = &tls.ConnectionState{}
			r.Header.Set("Authorization", "Bearer "+scrapeWord)
		}
		w := httptest.NewRecorder()
		s.ServeHTTP(w, r)
		if w.Code != test.want {
			t.Errorf("host %q: %d, want %d", test.host, w.Code, test.want)
		}
	}
}

// What a proxy says counts only where the proxy is listed, and of a chain of proxies
// only what the last one says.
func TestProxies(t *testing.T) {
	access := web.Access{
		Listen: "0.0.0.0:19847", Scrape: token(t, scrapeWord), Proxies: []netip.Prefix{netip.MustParsePrefix("10.1.0.0/16")}, Hosts: []string{"nightshift.example.com"},
	}
	with := func(more map[string]string) map[string]string {
		all := bearer(scrapeWord)
		maps.Copy(all, more)
		return all
	}
	for _, test := range []struct {
		name, peer, host string
		header           map[string]string
		want             int
	}{
		{"listed, over https", "10.1.2.3:4", "nightshift.example.com", with(map[string]string{"X-Forwarded-Proto": "https"}), 200},
		{"listed, over HTTPS", "10.1.2.3:4", "nightshift.example.com", with(map[string]string{"X-Forwarded-Proto": "HTTPS"}), 200},
		{"listed, and says nothing", "10.1.2.3:4", "nightshift.example.com", with(nil), 403},
		{"listed, and says nothing of the connection", "10.1.2.3:4", "nightshift.example.com", with(map[string]string{"X-Forwarded-For": "192.0.2.7"}), 403},
		{"listed, and says something else of it", "10.1.2.3:4", "nightshift.example.com", with(map[string]string{"X-Forwarded-Proto": "httpss"}), 403},
		{"listed, and under a name of this machine", "10.1.2.3:4", "127.0.0.1", with(nil), 403},
		{"listed, with an open connection before it", "10.1.2.3:4", "nightshift.example.com", with(map[string]string{"X-Forwarded-Proto": "http"}), 403},
		{"listed, and only the last word counts", "10.1.2.3:4", "nightshift.example.com", with(map[string]string{"X-Forwarded-Proto": "https, http"}), 403},
		{"listed, with the host in a header", "10.1.2.3:4", "backend.internal", with(map[string]string{"X-Forwarded-Proto": "https", "X-Forwarded-Host": "nightshift.example.com"}), 200},
		{"listed, with a foreign host in a header", "10.1.2.3:4", "nightshift.example.com", with(map[string]string{"X-Forwarded-Proto": "https", "X-Forwarded-Host": "attacker.example"}), 421},
		{"not listed", "10.2.2.3:4", "nightshift.example.com", with(nil), 403},
		{"not listed, and says that it is https", "10.2.2.3:4", "nightshift.example.com", with(map[string]string{"X-Forwarded-Proto": "https"}), 403},
		{"not listed, and says that it is a proxy", "10.2.2.3:4", "nightshift.example.com", with(map[string]string{"X-Forwarded-For": "10.1.2.3", "X-Forwarded-Proto": "https"}), 403},
		{"listed, as IPv4 in IPv6", "[::ffff:10.1.2.3]:4", "nightshift.example.com", with(map[string]string{"X-Forwarded-Proto": "https"}), 200},
	} {
		r := newServer(t, access, nil).do(request{url: "http://" + test.host + "/", peer: test.peer, header: test.header})
		if r.StatusCode != test.want {
			t.Errorf("%s: %s, want %d: %s", test.name, r.Status, test.want, body(t, r))
		}
	}
	// Prometheus may be listed, too. It comes without a proxy and reads no page.
	for name, test := range map[string]struct {
		peer   string
		header map[string]string
		want   int
	}{
		"listed": {"10.1.2.3:4", with(nil), 200}, "not listed": {"10.2.2.3:4", with(nil), 403}, "without the token": {"10.1.2.3:4", nil, 401},
		"through a proxy with an open connection": {"10.1.2.3:4", with(map[string]string{"X-Forwarded-For": "192.0.2.7"}), 403},
	} {
		if r := newServer(t, access, nil).do(request{url: "http://10.1.0.9:19847/metrics", peer: test.peer, header: test.header}); r.StatusCode != test.want {
			t.Errorf("metrics, %s: %s, want %d", name, r.Status, test.want)
		}
	}
	// On this machine nobody is listed, and the headers of an unlisted peer are not read.
	r := newServer(t, local, nil).do(request{url: here + "/", header: map[string]string{"X-Forwarded-Host": "attacker.example", "X-Forwarded-Proto": "http"}})
	if r.StatusCode != 200 {
		t.Errorf("headers of an unlisted peer count: %s", r.Status)
	}
}

func TestLogin(t *testing.T) {
	access := web.Access{Listen: "0.0.0.0:19847", TLS: true, Scrape: token(t, scrapeWord), Operate: token(t, operateWord), Hosts: []string{"nightshift.example.com"}}
	outside := "https://nightshift.example.com"
	s := newServer(t, access, nil)
	r := s.do(request{url: outside + "/machines?state=failed", tls: true})
	if place := r.Header.Get("Location"); r.StatusCode != 303 || place != "/login?next=%2Fmachines%3Fstate%3Dfailed" {
		t.Errorf("who is not logged in: %s to %s", r.Status, place)
	}
	form := body(t, s.do(request{url: outside + "/login?next=/week", tls: true}))
	if !strings.Contains(form, `name="next" value="/week"`) || strings.Contains(form, "search-index") || strings.Contains(form, `href="/week"`) {
		t.Errorf("the form shows the wrong things:\n%s", form)
	}
	cookies := s.login(t, outside, scrapeWord, request{tls: true})
	c := cookies[0]
	if !c.HttpOnly || !c.Secure || c.SameSite != http.SameSiteStrictMode || c.Name != "__Host-nightshift" || c.Path != "/" || c.Domain != "" || c.MaxAge <= 0 || c.MaxAge > 24*3600 {
		t.Errorf("the cookie is %v", c)
	}
	if strings.Contains(c.Value, scrapeWord) || strings.Contains(s.log.String(), scrapeWord) {
		t.Error("the token is in the cookie or in the log")
	}
	if r := s.do(request{url: outside + "/machines", tls: true, cookies: cookies}); r.StatusCode != 200 {
		t.Errorf("logged in: %s", r.Status)
	}
	if r := s.do(request{url: outside + "/metrics", tls: true, cookies: cookies}); r.StatusCode != 200 {
		t.Errorf("metrics, logged in: %s", r.Status)
	}
	s.now = s.now.Add(4 * time.Hour)
	if r := s.do(request{url: outside + "/machines", tls: true, cookies: cookies}); r.StatusCode != 303 {
		t.Errorf("four hours later: %s", r.Status)
	}
	cookies = s.login(t, outside, operateWord, request{tls: true})
	r = s.do(request{url: outside + "/logout", form: url.Values{}, tls: true, cookies: cookies})
	if r.StatusCode != 303 || len(r.Cookies()) != 1 || r.Cookies()[0].MaxAge >= 0 {
		t.Errorf("logout: %s, %v", r.Status, r.Cookies())
	}
	if r := s.do(request{url: outside + "/machines", tls: true, cookies: cookies}); r.StatusCode != 303 {
		t.Errorf("the cookie of before the logout: %s", r.Status)
	}
	plain := newServer(t, web.Access{Listen: "127.0.0.1:19847", Operate: token(t, operateWord)}, nil)
	if c := plain.login(t, here, operateWord, request{})[0]; c.Secure || c.Name != "nightshift" || !c.HttpOnly {
		t.Errorf("the cookie without TLS is %v", c)
	}
}

// A login goes on to a page of ours only.
func TestLoginGoesNowhereElse(t *testing.T) {
	s := newServer(t, web.Access{Listen: "127.0.0.1:19847", Operate: token(t, operateWord)}, nil)
	for next, want := range map[string]string{
		"/override?machine=i-1&until=22%3A00": "/override?machine=i-1&until=22%3A00", "": "/", "https://attacker.example/": "/", "//attacker.example": "/",
		`/\attacker.example`: "/", "javascript:alert(1)": "/", "week": "/", "/\t/attacker.example": "/", "/%2f/attacker.example": "/%2f/attacker.example",
	} {
		r := s.do(request{url: here + "/login", form: url.Values{"token": {operateWord}, "next": {next}}})
		if got := r.Header.Get("Location"); r.StatusCode != 303 || got != want {
			t.Errorf("next=%q: %s to %q, want %q", next, r.Status, got, want)
		}
	}
}

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

func TestFormsOfOtherSites(t *testing.T) {
	s := newServer(t, web.Access{Listen: "127.0.0.1:19847", Operate: token(t, operateWord)}, nil)
	cookies := s.login(t, here, operateWord, request{header: map[string]string{"Sec-Fetch-Site": "same-origin"}})
	for name, header := range map[string]map[string]string{
		"by a browser":       {"Sec-Fetch-Site": "cross-site"},
		"by an older one":    {"Origin": "https://attacker.example"},
		"from a subdomain":   {"Sec-Fetch-Site": "same-site"},
		"from a local frame": {"Origin": "null"},
	} {
		for _, path := range []string{"/login", "/logout", "/override"} {
			if r := s.do(request{url: here + path, form: url.Values{"token": {operateWord}}, cookies: cookies, header: header}); r.StatusCode != 403 {
				t.Errorf("%s to %s: %s, want 403", name, path, r.Status)
			}
		}
	}
	if r := s.do(request{url: here + "/machines", cookies: cookies}); r.StatusCode != 200 {
		t.Errorf("still logged in: %s", r.Status)
	}
	for _, path := range []string{"/logout", "/override?clear=1&machine=" + webOne} {
		if r := s.do(request{url: here + path, cookies: cookies}); path == "/logout" && r.StatusCode != 405 && r.StatusCode != 404 || path != "/logout" && r.StatusCode != 200 {
			t.Errorf("GET %s: %s", path, r.Status)
		}
	}
	large := request{url: here + "/login", form: url.Values{"token": {strings.Repeat("x", 20_000)}}}
	if r := s.do(large); r.StatusCode != 413 {
		t.Errorf("a large form: %s", r.Status)
	}
}

// A link on another site comes without the cookie of a login, which is strict; the
// same page is then asked for from here.
func TestALinkFromAnotherSite(t *testing.T) {
	s := newServer(t, web.Access{Listen: "127.0.0.1:19847", Scrape: token(t, scrapeWord)}, nil)
	r := s.do(request{url: here + "/machines?state=failed", header: map[string]string{"Sec-Fetch-Site": "cross-site"}})
	if page := body(t, r); r.StatusCode != 200 || !strings.Contains(page, `http-equiv="refresh" content="0"`) || strings.Contains(page, "search-index") {
		t.Errorf("%s:\n%s", r.Status, page)
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
