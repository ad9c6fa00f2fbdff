// Package web is the page of the daemon: what runs, what happens next and why, what
// failed and what it costs, for people with a browser. It is made on the server and
// works without JavaScript.
//
// A page is made from watch.State alone and never asks AWS anything. What changes
// something is an override, which the daemon carries out. Access says who may see the
// page and who may change something, and Guard holds them to it.
//
// It may import fleet, text, price, schedule, power, backup, config, journal, cost with its
// trend and recommendations, app and watch.
package web

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"encoding/hex"
	"html/template"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"nightshift/internal/app"
	"nightshift/internal/watch"
)

//go:embed templates assets
var files embed.FS

// Options are what a page is made from.
type Options struct {
	// State is what is known now. It is asked for each page and must not block.
	State func() *watch.State
	Now   func() time.Time
	// Override sets or ends an override; nil where this process changes nothing.
	Override func(context.Context, app.OverrideInput) (app.Override, error)
	Guard    *Guard
	Version  string
	Log      *slog.Logger
}

// pages answers all requests but those for metrics and health.
type pages struct {
	Options
	texts     texts
	templates map[string]*template.Template
	style     template.CSS
	policy    string // the Content-Security-Policy
	assets    map[string]asset
	// known is what was last worked out of a State.
	known atomic.Pointer[estate]

	mu sync.Mutex
	// settled are the overrides that were set here and that no sweep has read yet, by
	// account, region and machine.
	settled map[string]settled
}

// asset is a file that a page asks for, under a name that changes with its content.
type asset struct {
	content []byte
	kind    string
}

// New makes the page. It answers for every path, and is to be mounted at "/".
func New(o Options) http.Handler {
	p := &pages{Options: o, texts: readTexts(), assets: map[string]asset{}, settled: map[string]settled{}}
	style := string(p.file("assets/page.css"))
	sum := sha256.Sum256([]byte(style))
	p.style = template.CSS(style) //nolint:gosec // it is our own
	p.policy = strings.Join([]string{
		"default-src 'none'", "style-src 'self' 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'",
		"img-src 'self'", "script-src 'self'", "connect-src 'self'", "form-action 'self'", "base-uri 'none'", "frame-ancestors 'none'",
	}, "; ")
	names := map[string]string{
		"script": p.asset("page.js", "text/javascript; charset=utf-8"),
		"icon":   p.asset("icon.svg", "image/svg+xml"),
	}
	p.parse(names)
	return p.guarded(p.routes())
}

func (p *pages) routes() *http.ServeMux {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /assets/{name}", p.serveAsset)
	mux.HandleFunc("GET /login", p.showLogin)
	mux.HandleFunc("POST /login", p.login)
	mux.HandleFunc("POST /logout", p.logout)
	mux.HandleFunc("GET /override", p.askOverride)
	mux.HandleFunc("POST /override", p.setOverride)
	for pattern, show := range map[string]func(*estate, *http.Request) (view, error){
		"GET /{$}":             p.today,
		"GET /week":            p.week,
		"GET /machines":        p.machines,
		"GET /machines/{id}":   p.machine,
		"GET /costs":           p.costs,
		"GET /recommendations": p.recommendations,
		"GET /backups":         p.backups,
		"GET /runs":            p.runs,
		"GET /runs/{run}":      p.run,
	} {
		mux.Handle(pattern, p.readers(show))
	}
	mux.Handle("/", p.readers(p.notFound))
	return mux
}

func (p *pages) file(name string) []byte {
	content, err := files.ReadFile(name)
	if err != nil {
		panic(err) // it is embedded
	}
	return content
}

// asset takes up a file and gives the path under which it is served.
func (p *pages) asset(name, kind string) string {
	content := p.file("assets/" + name)
	sum := sha256.Sum256(content)
	stem, extension, _ := strings.Cut(name, ".")
	hashed := stem + "-" + hex.EncodeToString(sum[:6]) + "." + extension
	p.assets[hashed] = asset{content, kind}
	return "/assets/" + hashed
}

func (p *pages) serveAsset(w http.ResponseWriter, r *http.Request) {
	one, ok := p.assets[r.PathValue("name")]
	if !ok {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", one.kind)
	w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
	_, _ = w.Write(one.content) // nobody is left to report to
}

// view is a page to show: a template with its data.
type view struct {
	template string
	status   int // 200 where it is 0
	title    string
	data     any
	// next is where a login goes on to, where that is not the page itself.
	next string
	// live is true for a page that a script keeps up to date.
	live bool
}

// readers shows a page to who may read.
func (p *pages) readers(show func(*estate, *http.Request) (view, error)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !visitOf(r.Context()).read {
			p.askLogin(w, r)
			return
		}
		e := p.estate()
		v, err := show(e, r)
		if err != nil {
			v = p.failed(err)
		}
		p.render(w, r, e, v)
	})
}

// frame is what every page has around it.
type frame struct {
	Title, Next, Version string
	Style                template.CSS
	Live                 bool
	Now                  string // of a live page
	Visit                visitView
	Nav                  []navLink
	Zone                 string
	Estate               *estate
	Data                 any
}

// navLink is a link to a page in the header.
type navLink struct {
	Link, Name string
	Current    bool
}

type visitView struct{ Read, Operate, LoggedIn, CanLogIn bool }

func (p *pages) render(w http.ResponseWriter, r *http.Request, e *estate, v view) {
	who := visitOf(r.Context())
	next := v.next
	if next == "" && r.Method == http.MethodGet {
		next = pathOnly(r.URL.RequestURI())
	}
	f := frame{
		Title: v.title, Next: cmp.Or(next, "/"), Version: p.Version, Style: p.style, Live: v.live, Now: e.now.Format(time.RFC3339), Estate: e, Data: v.data,
		Nav: p.nav(e, r.URL.Path), Zone: e.zone.String(),
		Visit: visitView{who.read, who.operate, who.cookie != "", p.canLogIn() && who.cookie == ""},
	}
	var body bytes.Buffer
	if err := p.templates[v.template].ExecuteTemplate(&body, "page", f); err != nil {
		p.Log.ErrorContext(r.Context(), "page", "path", r.URL.Path, "error", err)
		http.Error(w, p.texts.get("refused.broken"), http.StatusInternalServerError)
		return
	}
	if v.status != 0 {
		w.WriteHeader(v.status)
	}
	_, _ = body.WriteTo(w) // nobody is left to report to
}

// nav are the links to the pages. That of backups is there where something is backed up.
func (p *pages) nav(e *estate, path string) []navLink {
	names := []string{"today", "week", "machines", "costs", "recommendations", "backups", "runs"}
	if !e.Config.HasBackups() {
		names = slices.DeleteFunc(names, func(name string) bool { return name == "backups" })
	}
	var all []navLink
	for _, name := range names {
		link := "/" + name
		current := path == link || strings.HasPrefix(path, link+"/")
		if name == "today" {
			link, current = "/", path == "/"
		}
		all = append(all, navLink{link, p.texts.get("nav." + name), current})
	}
	return all
}
