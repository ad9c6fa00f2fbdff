package web_test

import (
	"context"
	"fmt"
	"html"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/chromedp/cdproto/log"

	"nightshift/internal/web"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
)

// chromium starts a browser without a screen, or skips the test where none is
// installed.
func chromium(t *testing.T) context.Context {
	t.Helper()
	program, err := exec.LookPath("chromium")
	if err != nil {
		t.Skip("chromium is not installed: the page is not tried in a browser")
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(program), chromedp.NoSandbox, chromedp.DisableGPU, chromedp.UserDataDir(t.TempDir()), chromedp.WSURLReadTimeout(time.Minute),
		chromedp.Flag("force-color-profile", "srgb"), chromedp.Flag("hide-scrollbars", true))
	allocator, stop := chromedp.NewExecAllocator(t.Context(), options...)
	t.Cleanup(stop)
	browser, end := chromedp.NewContext(allocator)
	t.Cleanup(end)
	limited, cancel := context.WithTimeout(browser, 8*time.Minute)
	t.Cleanup(cancel)
	if err := chromedp.Do(limited); err != nil {
		t.Fatal(err)
	}
	return limited
}

// screen is a window and its colours.
type screen struct {
	name          string
	width, height int64
	dark          bool
}

func screens() []screen {
	return []screen{
		{"desktop", 1280, 900, false}, {"desktop-dark", 1280, 900, true}, {"phone", 390, 844, false}, {"phone-dark", 390, 844, true},
	}
}

// show takes the window and its colours.
func (s screen) show() chromedp.Action[chromedp.Void] {
	scheme := "light"
	if s.dark {
		scheme = "dark"
	}
	var options []chromedp.EmulateViewportOption
	if s.width < 500 {
		options = append(options, chromedp.EmulateMobile)
	}
	return chromedp.Steps(chromedp.EmulateViewport(s.width, s.height, options...), chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := cdp.Call(ctx, t, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
			Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}},
		})
		return err
	}))
}

func serve(t *testing.T, h http.Handler) string {
	t.Helper()
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	return server.URL
}

// pictured are the pages by the names of their pictures.
func pictured() map[string]string {
	return map[string]string{
		"today": "/", "week": "/week", "week-machines": "/week?of=machines", "machines": "/machines", "machine": "/machines/i-0a1b2c3d4e5f00011",
		"override": "/machines/i-0a1b2c3d4e5f0001e", "costs": "/costs", "recommendations": "/recommendations", "backups": "/backups", "runs": "/runs", "run": "/runs/" + runName(at(0, 18, 47)),
		"login": "/login",
	}
}

// axe is the source of axe-core, or skips the test where it is not installed.
func axe(t *testing.T) string {
	t.Helper()
	for _, dir := range filepath.SplitList(os.Getenv("NODE_PATH")) {
		if source, err := os.ReadFile(filepath.Join(dir, "axe-core", "axe.min.js")); err == nil {
			return string(source)
		}
	}
	t.Skip("axe-core is not in NODE_PATH: accessibility is not checked; npm install axe-core puts it there")
	return ""
}

// findings are what axe-core says of a page.
type findings struct {
	Passes     int
	Violations []struct {
		ID, Help string
		Nodes    []struct {
			HTML           string
			FailureSummary string
		}
	}
}

const runAxe = `axe.run(document, {runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]})
	.then((r) => ({Passes: r.passes.length, Violations: r.violations}))`

// TestAccessible holds that axe-core finds nothing on any page, in light and dark, on a
// desktop and a phone, and that no page is wider than the window.
func TestAccessible(t *testing.T) {
	source := axe(t)
	browser := chromium(t)
	s, _ := operated(t, web.Access{Listen: "127.0.0.1:19847", Operate: token(t, operateWord)})
	url := serve(t, s)
	logIn(browser, t, url, operateWord)
	pages := pictured()
	pages["missing"], pages["nothing-found"], pages["postpone"] = "/absent", "/machines?q=nothing&tag==x", "/override?machine="+webOne
	for name, path := range pages {
		if err := chromedp.Do(browser, chromedp.Navigate(url+path), discard(chromedp.Evaluate[any](source+"; 0"))); err != nil {
			t.Fatal(name, err)
		}
		for _, size := range screens() {
			if err := chromedp.Do(browser, size.show()); err != nil {
				t.Fatal(err)
			}
			found, err := chromedp.Run(browser, chromedp.Evaluate[findings](runAxe, chromedp.EvalAwaitPromise))
			if err != nil || found.Passes < 15 {
				t.Fatalf("%s: axe-core passed %d rules: %v", name, found.Passes, err)
			}
			for _, v := range found.Violations {
				for _, node := range v.Nodes {
					t.Errorf("%s on %s: %s (%s): %s\n%s", name, size.name, v.Help, v.ID, node.HTML, node.FailureSummary)
				}
			}
			if wide, err := chromedp.Run(browser, chromedp.Evaluate[int64](`document.documentElement.scrollWidth`)); err != nil || wide > size.width {
				t.Errorf("%s on %s is %d wide: %v", name, size.name, wide, err)
			}
		}
	}
}

// discard leaves out the result of an action.
func discard[T any](a chromedp.Action[T]) chromedp.Action[chromedp.Void] {
	return chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := a(ctx, t)
		return err
	})
}

func logIn(browser context.Context, t *testing.T, url, word string) {
	t.Helper()
	err := chromedp.Do(browser, chromedp.Navigate(url+"/login?next=/machines"), chromedp.SendKeys(chromedp.CSS("#token"), word), chromedp.Click(chromedp.CSS("main button")), visible("table.machines"))
	if err != nil {
		t.Fatal(err)
	}
}

// until waits until an expression is true, also over the change from page to page.
func until(expression string) chromedp.Action[chromedp.Void] {
	return chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		for {
			if ok, err := chromedp.Evaluate[bool](expression)(ctx, t); ok && err == nil {
				return nil
			}
			select {
			case <-ctx.Done():
				return fmt.Errorf("%s: %w", expression, ctx.Err())
			case <-time.After(50 * time.Millisecond):
			}
		}
	})
}

// text waits until an element has a text.
func text(selector, want string) chromedp.Action[chromedp.Void] {
	return until(fmt.Sprintf(`document.querySelector(%q)?.innerText.includes(%q) === true`, selector, want))
}

// visible waits until an element is there.
func visible(selector string) chromedp.Action[chromedp.Void] {
	return until(fmt.Sprintf(`document.querySelector(%q)?.checkVisibility() === true`, selector))
}

// TestFlows does what people do: log in, find a machine while typing, override it,
// clear that again, copy a command, and come in by a link of a notice on another site.
func TestFlows(t *testing.T) {
	browser := chromium(t)
	s, o := operated(t, web.Access{Listen: "127.0.0.1:19847", Scrape: token(t, scrapeWord), Operate: token(t, operateWord)})
	url := serve(t, s)
	var problems []string
	err := chromedp.Listen(browser, func(event any) {
		if e, ok := event.(*log.EventEntryAdded); ok && e.Entry.Level == log.EntryLevelError {
			problems = append(problems, e.Entry.Text)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	steps := []struct {
		name string
		do   chromedp.Action[chromedp.Void]
	}{
		{"who is not logged in sees the form", chromedp.Steps(chromedp.Navigate(url+"/machines"), visible("#token"))},
		{"a wrong token says so", chromedp.Steps(chromedp.SendKeys(chromedp.CSS("#token"), "wrong-wrong-wrong-wrong"), chromedp.Click(chromedp.CSS("main button")), text("#wrong", "not a token"))},
		{"the right one goes on to what was asked for", chromedp.Steps(chromedp.SendKeys(chromedp.CSS("#token"), operateWord), chromedp.Click(chromedp.CSS("main button")), text("h1", "Machines"))},
		{"the list narrows while one types", chromedp.Steps(chromedp.SendKeys(chromedp.CSS("input[name=q]"), "web-1"), text("[data-part=count]", "4 of 40"), until(`location.search === "?q=web-1"`))},
		{"a wrong tag says so at once", chromedp.Steps(chromedp.SendKeys(chromedp.CSS("input[name=tag]"), "=x"), text("#tagerror", "the key is missing"), visible("input[aria-invalid]"), visible(".clear"))},
		{"and no more when it is right", chromedp.Steps(chromedp.SendKeys(chromedp.CSS("input[name=tag]"), "\b\b"), text("[data-part=count]", "4 of 40"), until(`!document.querySelector("input[aria-invalid]") && document.querySelector("#tagerror").innerText === ""`))},
		{"a machine opens", chromedp.Steps(chromedp.Click(chromedp.CSS("table.machines tbody th a")), text("h1", "web-1"))},
		{"an override is set", chromedp.Steps(chromedp.SetValue(chromedp.CSS("#until"), "3h"), chromedp.Click(chromedp.CSS("form.stack button")), text(".notice", "running until 21:52"))},
		{"a command is copied or selected", chromedp.Steps(chromedp.Click(chromedp.CSS("[data-copy]")), until(`document.querySelector("[data-toast]").innerText === "Copied" || getSelection().toString().startsWith("nightshift power explain")`))},
		{"an overridden one is found by its state", chromedp.Steps(chromedp.Navigate(url+"/machines?state=override"), chromedp.Click(chromedp.CSS("table.machines tbody th a")), text("h1", "release-test"))},
		{"its override is cleared", chromedp.Steps(chromedp.Click(chromedp.CSS("button[name=clear]")), text(".notice", "The override is cleared"))},
		{"a link on another site shows the form", chromedp.Steps(chromedp.Navigate(foreign(t, url+"/override?machine="+webOne+"&until=22:00")), chromedp.Click(chromedp.CSS("a")), text("h1", "Override"), visible("#until"))},
		{"another week has the same filter", chromedp.Steps(chromedp.Navigate(url+"/week?of=machines"), chromedp.SendKeys(chromedp.CSS("input[name=q]"), "berlin-1"), until(`document.querySelectorAll(".lane-row").length === 1`), chromedp.Click(chromedp.CSS(".steps a:last-child")), text("h1", "7 Dec"), until(`document.querySelectorAll(".lane-row").length === 1`), chromedp.SetValue(chromedp.CSS("input[name=q]"), "berlin-2"), chromedp.Click(chromedp.CSS("form.filter button")), until(`document.querySelector(".lane-row a").innerText === "berlin-2"`), text("h1", "7 Dec"))},
		{"what stops the updates comes before them", chromedp.Steps(chromedp.Navigate(url+"/"), until(`(document.querySelector("[data-pause]").compareDocumentPosition(document.querySelector("#content")) & Node.DOCUMENT_POSITION_FOLLOWING) > 0`))},
		{"Today stops and goes on", chromedp.Steps(chromedp.Navigate(url+"/"), chromedp.Click(chromedp.CSS("[data-pause]")), text("[data-pause]", "Resume"), chromedp.Click(chromedp.CSS("[data-pause]")), text("[data-pause]", "Pause"))},
		{"the keyboard reaches the content first", chromedp.Steps(chromedp.Navigate(url+"/"), chromedp.KeyEvent("\t"), until(`document.activeElement.className === "skip" && document.activeElement.getBoundingClientRect().width > 50`), chromedp.KeyEvent("\r"), until(`document.activeElement.id === "content"`))},
		{"who logs out is out", chromedp.Steps(chromedp.Click(chromedp.CSS(".me form button")), visible("#token"))},
	}
	for _, step := range steps {
		limited, cancel := context.WithTimeout(browser, 20*time.Second)
		err := chromedp.Do(limited, step.do)
		cancel()
		if err != nil {
			page, _ := chromedp.Run(browser, chromedp.Evaluate[string](`location.href + "\n" + document.body.innerText`))
			t.Fatalf("%s: %v\n%s", step.name, err, page)
		}
	}
	if len(o.asked) != 2 || o.asked[0].State == "" || o.asked[1].State != "" {
		t.Errorf("asked for %+v, want one override set and one cleared", o.asked)
	}
	for _, p := range problems {
		if !strings.Contains(p, "401") { // the wrong token
			t.Errorf("the browser complains: %s", p)
		}
	}
}

// TestNoAnswer: while nightshift does not answer, Today says so as long as that lasts, and
// what it shows grows old.
func TestNoAnswer(t *testing.T) {
	browser := chromium(t)
	h := handler(evening(t), local)
	var down atomic.Bool
	url := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if down.Load() {
			http.Error(w, "down", http.StatusServiceUnavailable)
			return
		}
		h.ServeHTTP(w, r)
	}))
	look := discard(chromedp.Evaluate[any](`document.dispatchEvent(new Event("visibilitychange")); 0`))
	later := discard(chromedp.Evaluate[any](`{ const now = Date.now; Date.now = () => now() + 3600000 } 0`))
	do := func(what string, actions ...chromedp.Action[chromedp.Void]) {
		t.Helper()
		limited, cancel := context.WithTimeout(browser, 20*time.Second)
		defer cancel()
		if err := chromedp.Do(limited, actions...); err != nil {
			page, _ := chromedp.Run(browser, chromedp.Evaluate[string](`document.body.innerText`))
			t.Fatalf("%s: %v\n%s", what, err, page)
		}
	}
	do("it answers", chromedp.Navigate(url+"/"), text(".sources", "Machines 2 min ago"), until(`!document.querySelector("[data-lost]").checkVisibility()`))
	down.Store(true)
	do("it does not answer", look, visible("[data-lost]"), text(".sources", "Machines 2 min ago"))
	time.Sleep(5 * time.Second) // no message that only passes by
	do("an hour later", later, look, text(".sources", "Machines 1 h ago"), text(".sources", "Costs 4 h ago"), visible("[data-lost]"))
	down.Store(false)
	do("it answers again", look, text(".sources", "Machines 2 min ago"), until(`!document.querySelector("[data-lost]").checkVisibility()`))
}

// foreign is a page of another site with a link.
func foreign(t *testing.T, link string) string {
	url := serve(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		fmt.Fprintf(w, `<!doctype html><title>chat</title><a href="%s">postpone</a>`, html.EscapeString(link))
	}))
	return strings.Replace(url, "127.0.0.1", "localhost", 1)
}

// TestOnAPhone holds what a narrow window must not lose: the days above a week, and that
// a table which looks like a list is still one.
func TestOnAPhone(t *testing.T) {
	browser := chromium(t)
	url := serve(t, handler(evening(t), local))
	err := chromedp.Do(browser, screens()[2].show(),
		chromedp.Navigate(url+"/week"), visible(".lane-head .days li:last-child"), text(".lane-head", "Sun 6"),
		chromedp.Navigate(url+"/machines"), until(`getComputedStyle(document.querySelector("table.machines td")).display === "block"`), visible(`table[role=table] tbody tr[role=row] td[role=cell]`))
	if err != nil {
		t.Fatal(err)
	}
}

// TestWithoutScript holds that the page needs no script and is complete with its first
// answer: nothing else is asked for but the script and the icon.
func TestWithoutScript(t *testing.T) {
	browser := chromium(t)
	s, _ := operated(t, web.Access{Listen: "127.0.0.1:19847", Operate: token(t, operateWord)})
	var mu sync.Mutex
	var asked []string
	url := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		asked = append(asked, r.URL.Path)
		mu.Unlock()
		if strings.HasSuffix(r.URL.Path, ".js") {
			http.NotFound(w, r)
			return
		}
		s.ServeHTTP(w, r)
	}))
	logIn(browser, t, url, operateWord)
	err := chromedp.Do(browser,
		chromedp.SendKeys(chromedp.CSS("input[name=q]"), "gpu"), chromedp.Click(chromedp.CSS("form.filter button")), text("[data-part=count]", "1 of 40"), chromedp.Click(chromedp.CSS("table.machines tbody th a")), text("h1", "gpu-lab"),
		chromedp.Click(chromedp.CSS("form.stack button")), text(".notice", "The override is set"), chromedp.Navigate(url+"/week"), text("h1", "30 Nov"))
	if err != nil {
		t.Fatal(err)
	}
	mu.Lock()
	defer mu.Unlock()
	for _, path := range asked {
		if strings.HasPrefix(path, "/assets/") && !strings.HasSuffix(path, ".js") && !strings.HasSuffix(path, ".svg") {
			t.Errorf("the page asked for %s", path)
		}
	}
}
