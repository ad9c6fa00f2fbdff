package web_test

import (
	"bytes"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"nightshift/internal/watch"
	"nightshift/internal/web"
)

// local is the access of a server on this machine without tokens.
var local = web.Access{Listen: "127.0.0.1:19847"}

func handler(state *watch.State, access web.Access) http.Handler {
	clock := func() time.Time { return now }
	return web.New(web.Options{
		State: func() *watch.State { return state }, Now: clock, Guard: web.NewGuard(access, clock), Version: "1.0", Log: slog.New(slog.DiscardHandler),
	})
}

func get(t testing.TB, h http.Handler, path string) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequest(http.MethodGet, "http://127.0.0.1:19847"+path, nil)
	r.RemoteAddr = "127.0.0.1:50000"
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func TestToday(t *testing.T) {
	w := get(t, handler(evening(t), local), "/")
	body := w.Body.String()
	if w.Code != http.StatusOK {
		t.Fatalf("%d: %s", w.Code, body)
	}
	for _, want := range []string{
		"search-index", "no capacity for r6i.4xlarge", "research-eu", "AccessDenied", "Mon-Fri 08:00-19:00",
	} {
		if !strings.Contains(body, want) {
			t.Errorf("%q is missing", want)
		}
	}
	if bytes.Contains(w.Body.Bytes(), []byte("<script>alert")) {
		t.Error("a tag's text is code")
	}
}
