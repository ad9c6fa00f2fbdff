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
