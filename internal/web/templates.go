package web

import (
	"html/template"
	"io/fs"
	"path"
	"strings"
)

// layoutFile has what every page has around it, partsFile what several share.
const (
	layoutFile = "layout.html"
	partsFile  = "parts.html"
)

// parse reads the templates. assets are the paths of the files that pages ask for.
func (p *pages) parse(assets map[string]string) {
	base := template.New("").Funcs(template.FuncMap{
		"t":     func(key string, values ...any) string { return p.texts.get(key, values...) },
		"count": p.texts.count,
		"asset": func(name string) string { return assets[name] },
		"usd":   usd,
	})
	for _, name := range []string{layoutFile, partsFile} {
		template.Must(base.Parse(string(p.file("templates/" + name))))
	}
	names, err := fs.Glob(files, "templates/*.html")
	if err != nil {
		panic(err) // the pattern is right
	}
	p.templates = map[string]*template.Template{}
	for _, name := range names {
		if stem := strings.TrimSuffix(path.Base(name), ".html"); path.Base(name) != layoutFile && path.Base(name) != partsFile {
			page := template.Must(base.Clone())
			p.templates[stem] = template.Must(page.Parse(string(p.file(name))))
		}
	}
}
