package web

import (
	"context"
	"crypto/sha256"
	"log/slog"
	"math"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"time"

	"nightshift/internal/text"
)

// Guard lets people and programs in. It remembers logins and failed ones, so that a
// server has one of them.
type Guard struct {
	access   Access
	now      func() time.Time
	sessions sessions
	attempts attempts
	refusals refusals
	texts    texts
	log      *slog.Logger
}

// NewGuard is a guard with nobody let in yet.
func NewGuard(access Access, now func() time.Time, log *slog.Logger) *Guard {
	return &Guard{
		access: access, now: now, texts: readTexts(), log: log,
		sessions: sessions{open: map[[sha256.Size]byte]session{}},
		attempts: attempts{by: map[netip.Addr]attempt{}},
	}
}

// visit is what is known of a request before it is looked at.
type visit struct {
	client netip.Addr
	// secure is true where the client's connection is encrypted, as far as it leaves
	// this machine.
	secure bool
	// read and operate are what the client may do.
	read, operate bool
	// open is true where whoever reaches the server may read.
	open bool
	// bearer is true for a program, which shows its token in each request.
	bearer bool
	cookie string
}

type visitKey struct{}

func visitOf(ctx context.Context) visit {
	v, _ := ctx.Value(visitKey{}).(visit)
	return v
}

// refusal is an answer without a page.
type refusal struct {
	status int
	key    string // of its text
	wait   time.Duration
}

// Metrics guards what programs read: it asks for the scrape token where there is one.
// The operate token reads, too.
func (g *Guard) Metrics(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		header := w.Header()
		header.Set("X-Content-Type-Options", "nosniff")
		header.Set("Cross-Origin-Resource-Policy", "same-origin")
		r, v, no := g.visit(r, true)
		switch {
		case no != nil:
		case !v.read:
			no = &refusal{status: http.StatusUnauthorized, key: "refused.token"}
		case v.open && !v.bearer && !g.access.allows(r.Host):
			no = &refusal{status: http.StatusMisdirectedRequest, key: "refused.host"}
		}
		if no != nil {
			g.note(r, v, "request refused", *no)
			g.refuse(w, *no)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// note writes a refusal into the log, as far as there is room for it: anybody can make
// as many as he likes.
func (g *Guard) note(r *http.Request, v visit, what string, no refusal) {
	left, ok := g.refusals.note(g.now())
	if !ok {
		return
	}
	attrs := []any{"client", v.client.String(), "status", no.status, "path", text.Clip(r.URL.Path, longName)}
	if left > 0 {
		attrs = append(attrs, "unlogged", left)
	}
	g.log.WarnContext(r.Context(), what, attrs...) //nolint:sloglint // the callers write it out
}

func (g *Guard) refuse(w http.ResponseWriter, no refusal) {
	if no.status == http.StatusUnauthorized {
		w.Header().Set("WWW-Authenticate", `Bearer realm="nightshift"`)
	}
	if no.wait > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(int(math.Ceil(no.wait.Seconds()))))
	}
	w.Header().Set("Cache-Control", "no-store")
	http.Error(w, g.texts.get(no.key), no.status)
}

// visit says who sent a request, which it gives back with the host that its client
// asked for. Of the peers that are listed as proxies, programs come directly, too: what
// is for programs takes them without the headers of a proxy.
func (g *Guard) visit(r *http.Request, forPrograms bool) (*http.Request, visit, *refusal) {
	var v visit
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	v.client, v.secure = peer.Addr().Unmap(), r.TLS != nil
	trusted := err == nil && g.access.trusts(v.client)
	switch {
	case trusted && forwarded(r):
		if client, ok := parseClient(lastHop(r, "X-Forwarded-For")); ok {
			v.client = client
		}
		v.secure = strings.EqualFold(lastHop(r, "X-Forwarded-Proto"), "https")
		if host := lastHop(r, "X-Forwarded-Host"); host != "" {
			r = r.Clone(r.Context())
			r.Host = host
		}
		if !v.secure {
			return r, v, &refusal{status: http.StatusForbidden, key: "refused.plain"}
		}
	case v.secure, trusted && forPrograms:
	case trusted && (!g.access.local() || !loopback(bare(r.Host))):
		return r, v, &refusal{status: http.StatusForbidden, key: "refused.plain"}
	case !g.access.local():
		return r, v, &refusal{status: http.StatusForbidden, key: "refused.proxy"}
	}
	v.open = !g.access.Scrape.set && g.access.exposedBy() == ""
	v.read = v.open
	no := g.recognize(r, &v)
	return r, v, no
}

// recognize finds out what the client may do: by a token in the header, or by the
// cookie of a login.
func (g *Guard) recognize(r *http.Request, v *visit) *refusal {
	if scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " "); strings.EqualFold(scheme, "Bearer") {
		v.bearer = true
		read, operate, no := g.shown(strings.TrimSpace(token), v.client)
		v.read, v.operate = read, operate
		return no
	}
	if cookie, err := r.Cookie(cookieName(v.secure)); err == nil {
		if one, ok := g.sessions.find(cookie.Value, g.now()); ok {
			v.read, v.operate, v.cookie = true, one.operate, cookie.Value
		}
	}
	return nil
}

// shown says what a token permits to who shows it.
func (g *Guard) shown(token string, client netip.Addr) (read, operate bool, no *refusal) {
	scrape := g.access.Scrape.is(token)
	operate = g.access.Operate.is(token)
	wait, ok := g.attempts.count(client, g.now(), scrape || operate, operate)
	switch {
	case !ok:
		return false, false, &refusal{status: http.StatusTooManyRequests, key: "refused.often", wait: wait}
	case !scrape && !operate:
		return false, false, &refusal{status: http.StatusUnauthorized, key: "refused.token"}
	}
	return true, operate, nil
}

// forwarded reports whether a proxy says in a request's headers from where it has it.
func forwarded(r *http.Request) bool {
	return len(r.Header["X-Forwarded-For"])+len(r.Header["X-Forwarded-Proto"])+len(r.Header["X-Forwarded-Host"]) > 0
}

// parseClient reads an address as proxies write it: some add its port.
func parseClient(s string) (netip.Addr, bool) {
	address, err := netip.ParseAddr(strings.Trim(s, "[]"))
	if err != nil {
		var withPort netip.AddrPort
		withPort, err = netip.ParseAddrPort(s)
		address = withPort.Addr()
	}
	return address.Unmap().WithZone(""), err == nil
}

// lastHop is what the nearest proxy says in a header: the last value of a list to
// which each proxy adds its own.
func lastHop(r *http.Request, header string) string {
	values := r.Header.Values(header)
	if len(values) == 0 {
		return ""
	}
	last := values[len(values)-1]
	return strings.TrimSpace(last[strings.LastIndex(last, ",")+1:])
}

// cookieName is the name of the cookie of a login. Browsers take one with the prefix
// from this host alone, and only over an encrypted connection.
func cookieName(secure bool) string {
	if secure {
		return "__Host-nightshift"
	}
	return "nightshift"
}

// newCookie is that of a login; without a value it ends the login.
func (v visit) newCookie(value string) *http.Cookie {
	c := &http.Cookie{
		Name: cookieName(v.secure), Value: value, Path: "/", MaxAge: int(sessionTime.Seconds()),
		HttpOnly: true, Secure: v.secure, SameSite: http.SameSiteStrictMode,
	}
	if value == "" {
		c.MaxAge = -1
	}
	return c
}

// maxPlace is how long the address of a page of ours is at most.
const maxPlace = 2 << 10

// pathOnly is a place of this page to go on to, and the first page for anything else.
func pathOnly(place string) string {
	u, err := url.Parse(place)
	if err != nil || len(place) > maxPlace || u.Scheme != "" || u.Host != "" || u.User != nil || !strings.HasPrefix(place, "/") || strings.HasPrefix(place, "//") ||
		strings.ContainsAny(place, "\\\r\n\t") {
		return "/"
	}
	return place
}
