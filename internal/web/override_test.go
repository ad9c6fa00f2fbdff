package web_test

import (
	"context"
	"encoding/json"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"nightshift/internal/app"
	"nightshift/internal/fleet"
	"nightshift/internal/watch"
	"nightshift/internal/web"
)

// operator carries overrides out as the daemon does, and keeps what it was asked for.
type operator struct {
	asked []app.OverrideInput
	err   error
}

func (o *operator) override(_ context.Context, in app.OverrideInput) (app.Override, error) {
	o.asked = append(o.asked, in)
	made := app.Override{ID: "i-1", State: in.State, Since: now, Until: in.Until}
	if in.State == "" {
		made.State, made.Until = fleet.Running, now
	}
	return made, o.err
}

func operated(t testing.TB, access web.Access) (*server, *operator) {
	o := &operator{}
	return newServer(t, access, func(options *web.Options) { options.Override = o.override }), o
}

const webOne = "i-0a1b2c3d4e5f00001"

func form(pairs ...string) url.Values {
	values := url.Values{}
	for n := 0; n < len(pairs); n += 2 {
		values.Set(pairs[n], pairs[n+1])
	}
	return values
}

func TestOverride(t *testing.T) {
	s, o := operated(t, web.Access{Listen: "127.0.0.1:19847", Operate: token(t, operateWord)})
	cookies := s.login(t, here, operateWord, request{})
	r := s.do(request{url: here + "/override", cookies: cookies, form: form("machine", webOne, "state", "on", "until", "3h")})
	if r.StatusCode != 303 || r.Header.Get("Location") != "/machines/"+webOne || len(o.asked) != 1 {
		t.Fatalf("%s to %s, asked for %v: %s", r.Status, r.Header.Get("Location"), o.asked, body(t, r))
	}
	if got := o.asked[0]; got.Name != "arn:aws:ec2:ap-northeast-2:111111111111:instance/"+webOne || got.State != fleet.Running || !got.Until.Equal(now.Add(3*time.Hour)) {
		t.Errorf("asked for %+v", got)
	}
	page := body(t, s.do(request{url: here + "/machines/" + webOne, cookies: cookies}))
	if !strings.Contains(page, "The override is set: running until") || !strings.Contains(page, "21:52") {
		t.Errorf("the machine does not show its override:\n%s", page)
	}
	r = s.do(request{url: here + "/override", cookies: cookies, form: form("machine", webOne, "clear", "1")})
	if r.StatusCode != 303 || o.asked[1].State != "" {
		t.Errorf("clear: %s, asked for %+v", r.Status, o.asked)
	}
	page = body(t, s.do(request{url: here + "/machines/" + webOne, cookies: cookies}))
	if !strings.Contains(page, "The override is cleared") {
		t.Error("the machine does not show that its override is cleared")
	}
	if !strings.Contains(s.log.String(), "override") || !strings.Contains(s.log.String(), "client=127.0.0.1") {
		t.Errorf("the log does not have who overrode what: %s", s.log.String())
	}
}

// What was set stays announced until a sweep has read the machines that began afterwards.
func TestAnOverrideDuringASweep(t *testing.T) {
	state, clock := evening(t), now
	s := newServer(t, web.Access{Listen: "127.0.0.1:19847", Operate: token(t, operateWord)}, func(o *web.Options) {
		o.State, o.Now = func() *watch.State { return state }, func() time.Time { return clock }
		o.Override = func(_ context.Context, in app.OverrideInput) (app.Override, error) {
			clock = clock.Add(10 * time.Second)
			return app.Override{ID: webOne, State: in.State, Since: clock, Until: in.Until}, nil
		}
	})
	r := s.do(request{url: here + "/override", header: bearer(operateWord), form: form("machine", webOne, "state", "on", "until", "3h")})
	if r.StatusCode != 200 {
		t.Fatal(r.Status, body(t, r))
	}
	for _, test := range []struct {
		began time.Duration // of the sweep, after the form was sent
		want  bool
	}{{-time.Minute, true}, {5 * time.Second, true}, {11 * time.Second, false}} {
		swept := *state
		swept.Targets = slices.Clone(state.Targets)
		swept.Targets[0].At = now.Add(test.began)
		state = &swept
		if got := strings.Contains(body(t, s.do(request{url: here + "/machines/" + webOne, header: bearer(operateWord)})), "The override is set"); got != test.want {
			t.Errorf("a sweep that began %s after the form was sent: announced is %v", test.began, got)
		}
	}
}

// Two machines have the id stage-db; the form names the place of one.
func TestOverrideOfOneOfTwo(t *testing.T) {
	s, o := operated(t, web.Access{Listen: "127.0.0.1:19847", Operate: token(t, operateWord)})
	r := s.do(request{url: here + "/override", header: bearer(operateWord), form: form("machine", "stage-db", "in", "333333333333/eu-central-1", "state", "off", "until", "22:00")})
	if r.StatusCode != 200 || len(o.asked) != 1 || o.asked[0].Name != "arn:aws:rds:eu-central-1:333333333333:db:stage-db" || o.asked[0].State != fleet.Stopped || !o.asked[0].Until.Equal(at(0, 22, 0)) {
		t.Errorf("%s, asked for %+v", r.Status, o.asked)
	}
	r = s.do(request{url: here + "/override", header: bearer(operateWord), form: form("machine", "stage-db", "state", "off", "until", "22:00")})
	if says := body(t, r); r.StatusCode != 422 || len(o.asked) != 1 || !strings.Contains(says, "2 machines have the id stage-db") {
		t.Errorf("without a place: %s, %s", r.Status, says)
	}
	r = s.do(request{url: here + "/override?machine=stage-db&until=22:00", cookies: s.login(t, here, operateWord, request{})})
	if place := r.Header.Get("Location"); r.StatusCode != 303 || place != "/machines?q=stage-db" {
		t.Errorf("a link without a place: %s to %s", r.Status, place)
	}
	r = s.do(request{url: here + "/override", header: bearer(operateWord), form: form("machine", "stage-db", "in", "444444444444/eu-central-1", "state", "off", "until", "22:00")})
	if r.StatusCode != 404 || len(o.asked) != 1 {
		t.Errorf("in an account that is not there: %s", r.Status)
	}
}

func TestWhoMayOverride(t *testing.T) {
	wish := form("machine", webOne, "state", "on", "until", "3h")
	both := web.Access{Listen: "127.0.0.1:19847", Scrape: token(t, scrapeWord), Operate: token(t, operateWord)}
	for _, test := range []struct {
		name   string
		access web.Access
		login  string
		header map[string]string
		want   int
		done   bool
	}{
		{"nobody without a token, on this machine either", local, "", nil, 303, false},
		{"nobody who is not logged in", both, "", nil, 303, false},
		{"nobody who may read", both, scrapeWord, nil, 303, false},
		{"who may operate", both, operateWord, nil, 303, true},
		{"no program that may read", both, "", bearer(scrapeWord), 403, false},
		{"no program with a wrong token", both, "", bearer("wrong-wrong-wrong-wrong"), 401, false},
		{"a program that may operate", both, "", bearer(operateWord), 200, true},
	} {
		s, o := operated(t, test.access)
		r := request{url: here + "/override", form: wish, header: test.header}
		if test.login != "" {
			r.cookies = s.login(t, here, test.login, request{})
		}
		got := s.do(r)
		if got.StatusCode != test.want || (len(o.asked) == 1) != test.done {
			t.Errorf("%s: %s, asked for %v", test.name, got.Status, o.asked)
		}
		if place := got.Header.Get("Location"); got.StatusCode == 303 && !test.done && !strings.HasPrefix(place, "/login?") {
			t.Errorf("%s: sent to %q, want the login", test.name, place)
		}
	}
}

// A link to postpone shows a form, whoever follows it; programs that look for
// dangerous links do.
func TestThePostponeLink(t *testing.T) {
	s, o := operated(t, web.Access{Listen: "127.0.0.1:19847", Operate: token(t, operateWord)})
	link := "/override?machine=" + webOne + "&until=" + url.QueryEscape("2026-12-01T22:00:00+09:00")
	r := s.do(request{url: here + link})
	login := "/login?" + url.Values{"next": {link}}.Encode()
	if place := r.Header.Get("Location"); r.StatusCode != 303 || place != login {
		t.Errorf("not logged in: %s to %s", r.Status, place)
	}
	page := body(t, s.do(request{url: here + link, cookies: s.login(t, here, operateWord, request{})}))
	for _, want := range []string{`name="until" value="2026-12-01T22:00:00&#43;09:00"`, `name="machine" value="` + webOne + `"`, "web-1", `method="post"`} {
		if !strings.Contains(page, want) {
			t.Errorf("the form lacks %s:\n%s", want, page)
		}
	}
	for _, method := range []string{"HEAD", "PUT", "DELETE", "PATCH"} {
		s.do(request{method: method, url: here + link, header: bearer(operateWord)})
	}
	if len(o.asked) != 0 {
		t.Errorf("a link has asked for %v", o.asked)
	}
}

func TestOverridesThatCannotBe(t *testing.T) {
	s, o := operated(t, web.Access{Listen: "127.0.0.1:19847", Operate: token(t, operateWord)})
	cookies := s.login(t, here, operateWord, request{})
	for _, test := range []struct {
		form url.Values
		err  error
		want int
		says string
	}{
		{form("machine", webOne, "state", "on", "until", "half past nine"), nil, 422, "half past nine"},
		{form("machine", webOne, "state", "maybe", "until", "3h"), nil, 422, "neither on nor off"},
		{form("machine", "i-absent", "state", "on", "until", "3h"), nil, 404, "there is no machine i-absent"},
		{form("state", "on", "until", "3h"), nil, 404, "there is no machine"},
		{form("machine", webOne, "state", "on", "until", "3h"), fleet.Errorf(fleet.ErrInvalid, "it is not in the future"), 422, "not in the future"},
		{form("machine", webOne, "state", "on", "until", "3h"), fleet.Errorf(fleet.ErrDenied, "ec2:CreateTags: UnauthorizedOperation"), 502, "UnauthorizedOperation"},
		{form("machine", webOne, "state", "on", "until", `<b>"'`), nil, 422, "&lt;b&gt;"},
	} {
		o.err = test.err
		r := s.do(request{url: here + "/override", form: test.form, cookies: cookies})
		if page := body(t, r); r.StatusCode != test.want || !strings.Contains(page, test.says) || strings.Contains(page, `<b>"`) {
			t.Errorf("%v: %s, want %d and %q:\n%s", test.form, r.Status, test.want, test.says, page)
		}
		answer := s.do(request{url: here + "/override", form: test.form, header: bearer(operateWord)})
		var envelope struct {
			Version int
			Kind    string
			Data    struct{ Error string }
		}
		if err := json.NewDecoder(answer.Body).Decode(&envelope); err != nil || answer.StatusCode != test.want || envelope.Version != 1 || envelope.Kind != "error" || envelope.Data.Error == "" {
			t.Errorf("%v for a program: %s, %+v, %v", test.form, answer.Status, envelope, err)
		}
	}
	observes := newServer(t, web.Access{Listen: "127.0.0.1:19847", Operate: token(t, operateWord)}, nil)
	if r := observes.do(request{url: here + "/override", form: form("machine", webOne), header: bearer(operateWord)}); r.StatusCode != 409 {
		t.Errorf("of a process that only observes: %s", r.Status)
	}
}

// Where nobody can set an override here, the link to postpone shows the command for it.
func TestThePostponeLinkWithoutOverrides(t *testing.T) {
	link := here + "/override?machine=" + webOne + "&state=off&until=" + url.QueryEscape("2026-12-01T22:00:00+09:00")
	command := "nightshift power override set " + webOne + " off --until '2026-12-01T22:00:00+09:00'"
	noToken, _ := operated(t, local)
	observes := newServer(t, web.Access{Listen: "127.0.0.1:19847", Operate: token(t, operateWord)}, nil)
	for name, test := range map[string]struct {
		*server
		says string
	}{"without the token": {noToken, "without --operate-token"}, "of a process that observes": {observes, "This process sets no overrides"}} {
		r := test.do(request{url: link})
		if page := shown(body(t, r)); r.StatusCode != 200 || !strings.Contains(page, command) || !strings.Contains(page, test.says) || strings.Contains(page, "Set override") {
			t.Errorf("%s: %s: %s", name, r.Status, page)
		}
	}
	if page := shown(body(t, noToken.do(request{url: here + "/override?machine=" + webOne + "&until=2h%3B+reboot"}))); strings.Contains(page, "reboot") {
		t.Errorf("what is no time is in the command: %s", page)
	}
	closed, _ := operated(t, web.Access{Listen: "127.0.0.1:19847", Scrape: token(t, scrapeWord)})
	if r := closed.do(request{url: link}); r.StatusCode != 303 {
		t.Errorf("who may not read: %s", r.Status)
	}
}

// A login that has ended loses nothing of the form that is sent.
func TestALoginEndsBeforeTheForm(t *testing.T) {
	s, o := operated(t, web.Access{Listen: "127.0.0.1:19847", Operate: token(t, operateWord)})
	wish := form("machine", "stage-db", "in", "333333333333/eu-central-1", "state", "off", "until", "22:00")
	cookies := s.login(t, here, operateWord, request{})
	s.now = s.now.Add(4 * time.Hour)
	place := s.do(request{url: here + "/override", form: wish, cookies: cookies}).Header.Get("Location")
	login, err := url.Parse(place)
	if err != nil || login.Path != "/login" {
		t.Fatalf("sent to %q: %v", place, err)
	}
	next := login.Query().Get("next")
	page := body(t, s.do(request{url: here + next, cookies: s.login(t, here, operateWord, request{})}))
	for _, want := range []string{`name="machine" value="stage-db"`, `name="in" value="333333333333/eu-central-1"`, `value="off" checked`, `name="until" value="22:00"`} {
		if !strings.Contains(page, want) {
			t.Errorf("after the login at %s the form lacks %s:\n%s", next, want, page)
		}
	}
	if len(o.asked) != 0 {
		t.Errorf("a form without a login has asked for %v", o.asked)
	}
}

// The link to log in leads back to what was looked at, with all that was chosen.
func TestTheLinkToLogIn(t *testing.T) {
	s, _ := operated(t, web.Access{Listen: "127.0.0.1:19847", Operate: token(t, operateWord)})
	for path, want := range map[string]string{
		"/machines?state=failed&q=a%26b": "/login?next=%2fmachines%3fstate%3dfailed%26q%3da%2526b", "/": "/login?next=%2f", "/login?next=/week": "/login?next=%2fweek",
	} {
		if page := body(t, s.do(request{url: here + path})); !strings.Contains(page, `<a href="`+want+`">Log in`) {
			t.Errorf("%s: no link to %s:\n%s", path, want, page)
		}
	}
}

// Commands name one machine also where others have its id.
func TestCommandsNameOneMachine(t *testing.T) {
	h := handler(evening(t), local)
	page := shown(get(t, h, "/machines/stage-db?in=333333333333%2Feu-central-1").Body.String())
	for _, want := range []string{"power explain arn:aws:rds:eu-central-1:333333333333:db:stage-db", "power override set arn:aws:rds:eu-central-1:333333333333:db:stage-db on"} {
		if !strings.Contains(page, want) {
			t.Errorf("%q is missing in:\n%s", want, page)
		}
	}
}
