package web

import (
	"context"
	"crypto/sha256"
	"math"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// Guard lets people and programs in. It remembers logins and failed ones, so that a
// server has one of them.
type Guard struct {
	access   Access
	now      func() time.Time
	sessions sessions
	attempts attempts
	texts    texts
}

// NewGuard is a guard with nobody let in yet.
func NewGuard(access Access, now func() time.Time) *Guard {
	return &Guard{
		access: access, now: now, texts: readTexts(),
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
		_, v, no := g.visit(r)
		if no == nil && !v.read {
			no = &refusal{status: http.StatusUnauthorized, key: "refused.token"}
		}
		if no != nil {
			g.refuse(w, *no)
			return
		}
		next.ServeHTTP(w, r)
	})
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
// asked for.
func (g *Guard) visit(r *http.Request) (*http.Request, visit, *refusal) {
	var v visit
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	v.client, v.secure = peer.Addr().Unmap(), r.TLS != nil
	switch {
	case err == nil && g.access.trusts(v.client):
		if client, err := netip.ParseAddr(lastHop(r, "X-Forwarded-For")); err == nil {
			v.client = client.Unmap()
		}
		v.secure = lastHop(r, "X-Forwarded-Proto") != "http"
		if host := lastHop(r, "X-Forwarded-Host"); host != "" {
			r = r.Clone(r.Context())
			r.Host = host
		}
		if !v.secure {
			return r, v, &refusal{status: http.StatusForbidden, key: "refused.plain"}
		}
	case !v.secure && !g.access.local():
		return r, v, &refusal{status: http.StatusForbidden, key: "refused.proxy"}
	}
	v.read = !g.access.Scrape.set && g.access.exposedBy() == ""
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
	now := g.now()
	if wait, ok := g.attempts.may(client, now); !ok {
		return false, false, &refusal{status: http.StatusTooManyRequests, key: "refused.often", wait: wait}
	}
	scrape := g.access.Scrape.is(token)
	operate = g.access.Operate.is(token)
	if !scrape && !operate {
		return false, false, &refusal{status: http.StatusUnauthorized, key: "refused.token"}
	}
	g.attempts.right(client, now)
	return true, operate, nil
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

// pathOnly is a place of this page to go on to, and the first page for anything else.
func pathOnly(place string) string {
	u, err := url.Parse(place)
	if err != nil || u.Scheme != "" || u.Host != "" || u.User != nil || !strings.HasPrefix(place, "/") || strings.HasPrefix(place, "//") ||
		strings.ContainsAny(place, "\\\r\n\t") {
		return "/"
	}
	return place
}
