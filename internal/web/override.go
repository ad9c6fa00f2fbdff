package web

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"time"

	"nightshift/internal/app"
	"nightshift/internal/fleet"
	"nightshift/internal/schedule"
	"nightshift/internal/text"
)

// overrideView is the form that sets and clears an override, or why there is none.
type overrideView struct {
	Machine machineRow
	ID, In  string
	// Word is "on" or "off", Until as a person writes a time.
	Word, Until string
	Error       string
	// Holds is true while an override decides, and Set where one has been set here
	// since the machine was read.
	Holds     bool
	HeldState fleet.State
	HeldSince moment
	HeldUntil moment
	Set       *settled
	MayOff    bool
	Longest   string
	Offered   bool // this process can do it
	Observes  bool // this process sets no override at all
	May       bool // who looks may do it
	Login     string
	Command   string
	Reason    string
	Choices   []string
}

// settled is an override that was set or cleared here, which the next sweep reads.
type settled struct {
	Cleared, Clipped bool
	State            fleet.State
	Until            moment
	at               time.Time
	override         app.Override
}

func (p *pages) overrideView(e *estate, m *machine, who visit) overrideView {
	v := overrideView{
		Machine: e.row(m), ID: string(m.Machine.ID), In: m.place(), Word: "on", Until: "2h",
		Offered: p.overrides() && m.managed(), Observes: p.Override == nil, May: who.operate,
		Login: "/login?" + url.Values{"next": {m.link}}.Encode(), Choices: []string{"1h", "2h", "4h", "22:00"},
	}
	v.command(e, m)
	if !m.managed() {
		v.Reason = text.Printable(m.Reason.Text)
	}
	if c := e.Config.Value; c != nil {
		limits := c.Rules().Override
		v.MayOff = limits.Off
		if limits.Max > 0 {
			v.Longest = e.span(limits.Max)
		}
	}
	if o := m.Desired.Override; o.Holds(e.now) {
		v.Holds, v.HeldState, v.HeldSince, v.HeldUntil = true, o.State, e.when(o.Since), e.when(o.Until)
	}
	v.Set = p.settledOf(e, m)
	return v
}

// command makes the command for what the form has.
func (v *overrideView) command(e *estate, m *machine) {
	v.Command = "nightshift power override set " + e.word(m) + " " + v.Word + " --until " + shellWord(v.Until)
}

// overrides reports whether anybody can set overrides here.
func (p *pages) overrides() bool { return p.Override != nil && p.Guard.access.Operate.set }

// settledOf is what was set here since the machine was read; nil where nothing was.
func (p *pages) settledOf(e *estate, m *machine) *settled {
	p.mu.Lock()
	defer p.mu.Unlock()
	key := m.place() + "/" + string(m.Machine.ID)
	s, ok := p.settled[key]
	if !ok {
		return nil
	}
	if s.at.Before(m.target.At) {
		delete(p.settled, key)
		return nil
	}
	s.Until = e.when(s.override.Until)
	return &s
}

// askOverride shows the form. Following a link never changes anything: programs that
// look for dangerous links follow them, too.
func (p *pages) askOverride(w http.ResponseWriter, r *http.Request) {
	who := visitOf(r.Context())
	if !who.read || p.overrides() && !who.operate {
		p.askLogin(w, r)
		return
	}
	query := r.URL.Query()
	e := p.estate()
	found, err := e.named(query.Get("machine"), query.Get("in"))
	switch {
	case err != nil:
		p.render(w, r, e, p.failed(err))
		return
	case len(found) > 1: // a person chooses
		http.Redirect(w, r, "/machines?"+url.Values{"q": {query.Get("machine")}}.Encode(), http.StatusSeeOther)
		return
	}
	v := p.overrideView(e, found[0], who)
	if until := query.Get("until"); until != "" {
		v.Until = until
	}
	if query.Get("state") == "off" {
		v.Word = "off"
	}
	if _, err := schedule.ParseInstant(v.Until, e.now, e.zone); err == nil { // else the command has an example
		v.command(e, found[0])
	}
	p.render(w, r, e, view{template: "override", title: p.texts.get("override.title"), data: v})
}

// setOverride carries out what the form asks for. Programs send the same form, and get
// JSON back.
func (p *pages) setOverride(w http.ResponseWriter, r *http.Request) {
	who := visitOf(r.Context())
	if err := r.ParseForm(); err != nil {
		p.Guard.refuse(w, refusal{status: badForm(err), key: "refused.form"})
		return
	}
	switch {
	case !who.operate:
		p.askLoginFor(w, r, formLink(r.PostForm))
		return
	case p.Override == nil:
		p.Guard.refuse(w, refusal{status: http.StatusConflict, key: "refused.observes"})
		return
	}
	e := p.estate()
	var m *machine
	var made app.Override
	found, err := e.named(r.PostForm.Get("machine"), r.PostForm.Get("in"))
	switch {
	case len(found) > 1:
		err = fleet.Errorf(fleet.ErrInvalid, "%s", p.texts.get("override.several", len(found), text.Printable(r.PostForm.Get("machine"))))
	case err == nil:
		m = found[0]
		made, err = p.override(r, e, m)
	}
	if err != nil {
		p.Log.WarnContext(r.Context(), "override", "client", who.client.String(), "machine", text.Clip(r.PostForm.Get("machine"), longName), "error", err)
	} else {
		p.Log.InfoContext(r.Context(), "override", "client", who.client.String(), "machine", made.ID, "tag", made.Tag)
	}
	switch {
	case who.bearer:
		answerJSON(w, made, err)
	case err == nil:
		http.Redirect(w, r, m.link, http.StatusSeeOther)
	case m == nil:
		p.render(w, r, e, p.failed(err))
	default:
		v := p.overrideView(e, m, who)
		v.Word, v.Until, v.Error = r.PostForm.Get("state"), r.PostForm.Get("until"), text.Printable(err.Error())
		p.render(w, r, e, view{template: "override", status: statusOf(err), title: p.texts.get("override.title"), next: formLink(r.PostForm), data: v})
	}
}

// formLink leads to the form with what was written into it. Who has to log in first
// loses none of it.
func formLink(form url.Values) string {
	query := url.Values{}
	for _, key := range []string{"machine", "in", "state", "until"} {
		if value := form.Get(key); value != "" {
			query.Set(key, value)
		}
	}
	return "/override?" + query.Encode()
}

// override asks for what a form says.
func (p *pages) override(r *http.Request, e *estate, m *machine) (app.Override, error) {
	in := app.OverrideInput{Name: string(m.Machine.ID)}
	if m.Machine.ARN != "" {
		in.Name = m.Machine.ARN // it names one machine in all accounts and regions
	}
	ends := r.PostForm.Get("clear") != ""
	if !ends {
		switch r.PostForm.Get("state") {
		case "on":
			in.State = fleet.Running
		case "off":
			in.State = fleet.Stopped
		default:
			return app.Override{}, fleet.Errorf(fleet.ErrInvalid, "%s", p.texts.get("override.badstate"))
		}
		until, err := schedule.ParseInstant(r.PostForm.Get("until"), e.now, e.zone)
		if err != nil {
			return app.Override{}, err
		}
		in.Until = until
	}
	made, err := p.Override(r.Context(), in)
	if err != nil {
		return made, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.settled) >= maxSessions {
		clear(p.settled)
	}
	p.settled[m.place()+"/"+string(m.Machine.ID)] = settled{Cleared: ends, Clipped: made.Clipped, State: made.State, at: p.Now(), override: made}
	return made, nil
}

// statusOf is the status that says why something could not be done.
func statusOf(err error) int {
	switch {
	case errors.Is(err, fleet.ErrNotFound):
		return http.StatusNotFound
	case errors.Is(err, fleet.ErrInvalid):
		return http.StatusUnprocessableEntity
	case errors.Is(err, fleet.ErrDenied), errors.Is(err, fleet.ErrCredentials), errors.Is(err, fleet.ErrThrottled), errors.Is(err, fleet.ErrUnavailable):
		return http.StatusBadGateway
	}
	return http.StatusInternalServerError
}

// answerJSON answers a program in the envelope of all commands.
func answerJSON(w http.ResponseWriter, made app.Override, err error) {
	w.Header().Set("Content-Type", "application/json")
	body := map[string]any{"version": 1, "kind": "override", "data": made}
	if err != nil {
		body = map[string]any{"version": 1, "kind": "error", "data": map[string]string{"error": err.Error()}}
		w.WriteHeader(statusOf(err))
	}
	_ = json.NewEncoder(w).Encode(body) // who is gone gets no answer
}
