package web

import (
	_ "embed"
	"fmt"
	"strings"

	"nightshift/internal/text"
)

//go:embed texts.txt
var textFile string

// texts are the words of the page by their keys. Templates and handlers have none of
// their own, so that all can be read, and translated, in one place.
type texts map[string]string

// readTexts reads the catalogue: lines of "key = text", and comments.
func readTexts() texts {
	all := texts{}
	for line := range strings.Lines(textFile) {
		key, value, ok := strings.Cut(line, "=")
		if key = strings.TrimSpace(key); ok && !strings.HasPrefix(key, "#") {
			all[key] = strings.TrimSpace(value)
		}
	}
	return all
}

// get is the text of a key, with values for its verbs. A key that is missing is its
// own text; a test holds that none is.
func (t texts) get(key string, values ...any) string {
	found, ok := t[key]
	if !ok {
		return key
	}
	if len(values) == 0 {
		return found
	}
	return fmt.Sprintf(found, values...)
}

// count is a number with its noun, of which the catalogue has both forms.
func (t texts) count(n int, noun string) string {
	return text.Count(n, t.get(noun+".one"), t.get(noun+".many"))
}
