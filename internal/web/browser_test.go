package web_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"testing"
	"time"

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
	limited, cancel := context.WithTimeout(browser, 4*time.Minute)
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

// TestPictures takes pictures of all pages for people to look at, where a directory
// for them is named.
func TestPictures(t *testing.T) {
	dir := os.Getenv("NIGHTSHIFT_TEST_PICTURES")
	if dir == "" {
		t.Skip("NIGHTSHIFT_TEST_PICTURES does not name a directory for pictures")
	}
	browser := chromium(t)
	url := serve(t, handler(evening(t), local))
	for _, s := range screens() {
		for name, path := range pictured() {
			if only := os.Getenv("NIGHTSHIFT_TEST_PICTURES_ONLY"); !regexp.MustCompile(only).MatchString(name + "-" + s.name) {
				continue
			}
			err := chromedp.Do(browser, s.show(), chromedp.Navigate(url+path))
			var picture []byte
			if err == nil {
				picture, err = chromedp.Run(browser, chromedp.FullScreenshot(100))
			}
			if err == nil {
				err = os.WriteFile(filepath.Join(dir, name+"-"+s.name+".png"), picture, 0o600)
			}
			if err != nil {
				t.Error(errors.Join(err, errors.New(name)))
			}
		}
	}
}

// pictured are the pages by the names of their pictures.
func pictured() map[string]string {
	return map[string]string{
		"today": "/", "week": "/week", "week-machines": "/week?of=machines", "machines": "/machines", "machine": "/machines/i-0a1b2c3d4e5f00011",
		"override": "/machines/i-0a1b2c3d4e5f0001e", "costs": "/costs", "recommendations": "/recommendations", "runs": "/runs", "run": "/runs/" + runName(at(0, 18, 47)),
		"login": "/login",
	}
}
