package web

import (
	"context"
	"errors"
	"math"
	"net/http"
	"net/url"
	"strconv"

	"nightshift/internal/fleet"
)

// maxForm is how large a form that is sent may be.
const maxForm = 16 << 10

// loginView is the form that asks for a token.
type loginView struct {
	Next, Error string
	// Operate is true where the token for reading would not do.
	Operate bool
	// None is true where there is no token with which to log in.
	None bool
}

// guarded lets in who may come in, and keeps the rules that hold for every answer.
func (p *pages) guarded(next http.Handler) http.Handler {
	same := http.NewCrossOriginProtection()
	same.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		no := refusal{status: http.StatusForbidden, key: "refused.origin"}
		p.Guard.note(r, visitOf(r.Context()), "request refused", no)
		p.Guard.refuse(w, no)
	}))
	next = same.Handler(next)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		header := w.Header()
		header.Set("Content-Security-Policy", p.policy)
		header.Set("X-Content-Type-Options", "nosniff")
		header.Set("Referrer-Policy", "same-origin") // without any, browsers send no origin with forms
		header.Set("Cross-Origin-Opener-Policy", "same-origin")
		header.Set("Cross-Origin-Resource-Policy", "same-origin")
		header.Set("Cache-Control", "no-store")
		r, v, no := p.Guard.visit(r, false)
		if no == nil && !p.Guard.access.allows(r.Host) {
			no = &refusal{status: http.StatusMisdirectedRequest, key: "refused.host"}
		}
		if no != nil {
			p.Guard.note(r, v, "request refused", *no)
			p.Guard.refuse(w, *no)
			return
		}
		r.Body = http.MaxBytesReader(w, r.Body, maxForm)
		next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), visitKey{}, v)))
	})
}

// canLogIn reports whether there is a token to log in with.
func (p *pages) canLogIn() bool { return p.Guard.access.Scrape.set || p.Guard.access.Operate.set }

// askLogin sends who may not see a page to the form. A browser keeps back the cookie
// of a login when a link on another site led here; the same address is then asked
// for again from here.
func (p *pages) askLogin(w http.ResponseWriter, r *http.Request) {
	p.askLoginFor(w, r, pathOnly(r.URL.RequestURI()))
}

// askLoginFor is askLogin for another address to go on to.
func (p *pages) askLoginFor(w http.ResponseWriter, r *http.Request, next string) {
	switch {
	case visitOf(r.Context()).bearer:
		p.Guard.refuse(w, refusal{status: http.StatusForbidden, key: "refused.operate"})
	case r.Method == http.MethodGet && r.Header.Get("Sec-Fetch-Site") == "cross-site":
		p.render(w, r, p.estate(), view{template: "again", title: p.texts.get("again.title"), data: next})
	default:
		http.Redirect(w, r, "/login?"+url.Values{"next": {next}}.Encode(), http.StatusSeeOther)
	}
}

func (p *pages) showLogin(w http.ResponseWriter, r *http.Request) {
	p.loginForm(w, r, loginView{Next: pathOnly(r.URL.Query().Get("next"))}, 0)
}

func (p *pages) loginForm(w http.ResponseWriter, r *http.Request, v loginView, status int) {
	v.Operate = visitOf(r.Context()).read
	v.None = !p.canLogIn() || v.Operate && !p.Guard.access.Operate.set
	p.render(w, r, p.estate(), view{template: "login", status: status, title: p.texts.get("login.title"), next: v.Next, data: v})
}

func (p *pages) login(w http.ResponseWriter, r *http.Request) {
	v := visitOf(r.Context())
	if err := r.ParseForm(); err != nil {
		p.Guard.refuse(w, refusal{status: badForm(err), key: "refused.form"})
		return
	}
	form := loginView{Next: pathOnly(r.PostForm.Get("next"))}
	_, operate, no := p.Guard.shown(r.PostForm.Get("token"), v.client)
	if no != nil {
		p.Guard.note(r, v, "login refused", *no)
		form.Error = p.texts.get("login.wrong")
		if no.wait > 0 {
			seconds := int(math.Ceil(no.wait.Seconds()))
			w.Header().Set("Retry-After", strconv.Itoa(seconds))
			form.Error = p.texts.get("login.often", seconds)
		}
		p.loginForm(w, r, form, no.status)
		return
	}
	if v.cookie != "" {
		p.Guard.sessions.end(v.cookie)
	}
	http.SetCookie(w, v.newCookie(p.Guard.sessions.begin(operate, p.Guard.now())))
	p.Log.InfoContext(r.Context(), "login", "client", v.client.String(), "operate", operate)
	http.Redirect(w, r, form.Next, http.StatusSeeOther)
}

func (p *pages) logout(w http.ResponseWriter, r *http.Request) {
	v := visitOf(r.Context())
	p.Guard.sessions.end(v.cookie)
	http.SetCookie(w, v.newCookie(""))
	http.Redirect(w, r, "/", http.StatusSeeOther)
}

// badForm is the status for a form that cannot be read.
func badForm(err error) int {
	if large := (*http.MaxBytesError)(nil); errors.As(err, &large) {
		return http.StatusRequestEntityTooLarge
	}
	return http.StatusBadRequest
}

// messageView is a page with no more than a sentence.
type messageView struct{ Title, Text string }

func (p *pages) notFound(*estate, *http.Request) (view, error) {
	return view{}, fleet.Errorf(fleet.ErrNotFound, "%s", p.texts.get("missing.page"))
}

// failed is the page that says why another cannot be shown.
func (p *pages) failed(err error) view {
	status, key := http.StatusInternalServerError, "error.title"
	switch {
	case errors.Is(err, fleet.ErrNotFound):
		status, key = http.StatusNotFound, "missing.title"
	case errors.Is(err, fleet.ErrInvalid):
		status, key = http.StatusBadRequest, "invalid.title"
	}
	title := p.texts.get(key)
	return view{template: "message", status: status, title: title, data: messageView{title, err.Error()}}
}
