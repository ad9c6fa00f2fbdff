package web_test

import (
	"bytes"
	"flag"
	"image/png"
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/chromedp/chromedp"
)

var update = flag.Bool("update", false, "take the pictures of docs/page.md anew")

// photo is a picture in docs/page.md.
type photo struct {
	path   string
	screen screen
}

func photos() map[string]photo {
	desktop, dark, phone := screens()[0], screens()[1], screens()[2]
	return map[string]photo{
		"page-today.png": {"/", desktop}, "page-machine.png": {"/machines/i-0a1b2c3d4e5f00011", dark}, "page-week.png": {"/week", desktop},
		"page-costs.png": {"/costs", desktop}, "page-backups.png": {"/backups", desktop}, "page-phone.png": {"/", phone},
	}
}

// TestPictures holds that docs/page.md shows its pictures, and that they are small.
// With -update it takes them anew.
func TestPictures(t *testing.T) {
	const docs = "../../docs"
	if *update {
		browser := chromium(t)
		url := serve(t, handler(evening(t), local))
		for name, p := range photos() {
			if err := chromedp.Do(browser, p.screen.show(), chromedp.Navigate(url+p.path), visible("footer")); err != nil {
				t.Fatal(name, err)
			}
			taken, err := chromedp.Run(browser, chromedp.CaptureScreenshot())
			if err != nil {
				t.Fatal(name, err)
			}
			if err := os.WriteFile(filepath.Join(docs, name), compressed(t, taken), 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	shown := map[string]bool{}
	for _, found := range regexp.MustCompile(`!\[[^\]]+\]\(([^)]+)\)`).FindAllStringSubmatch(read(t, docs+"/page.md"), -1) {
		shown[found[1]] = true
		if info, err := os.Stat(filepath.Join(docs, found[1])); err != nil || info.Size() > 200_000 {
			t.Errorf("%s is not there, or has more than 200,000 bytes: %v", found[1], err)
		}
	}
	for name := range photos() {
		if !shown[name] {
			t.Errorf("docs/page.md does not show %s", name)
		}
	}
}

// compressed is a picture that takes as little room as it can.
func compressed(t *testing.T, picture []byte) []byte {
	t.Helper()
	decoded, err := png.Decode(bytes.NewReader(picture))
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	encoder := png.Encoder{CompressionLevel: png.BestCompression}
	if err := encoder.Encode(&out, decoded); err != nil {
		t.Fatal(err)
	}
	if out.Len() < len(picture) {
		return out.Bytes()
	}
	return picture
}
