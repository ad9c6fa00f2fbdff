package sandboxtest

import (
	"regexp"
	"slices"
	"strings"

	"nightshift/internal/sandbox"
)

var placeholder = regexp.MustCompile(`\\\{[^}]*\\\}`)

// restRequest checks a request of REST with JSON: method, path and, where the
// body has members, the body.
func (c *checker) restRequest(op *operation, e sandbox.Exchange) {
	if op == nil {
		return
	}
	path, _, _ := strings.Cut(e.URL, "?")
	uri := strings.TrimSuffix(op.HTTP.RequestURI, "/") // SDKs leave it out
	if want := placeholder.ReplaceAllString(regexp.QuoteMeta(uri), "[^/]+") + "/?"; e.Method != op.HTTP.Method || !matchWhole(want, path) {
		c.add("", "%s %s, want %s %s", e.Method, path, op.HTTP.Method, op.HTTP.RequestURI)
	}
	c.restBody(op.Input, e.RequestBody)
}

// restAnswer checks an answer of REST with JSON and returns its error code.
func (c *checker) restAnswer(op *operation, e sandbox.Exchange) (code string) {
	if op == nil {
		return ""
	}
	if e.Status < 400 {
		for _, name := range sorted(op.Output.shape.Members) {
			r := op.Output.shape.Members[name]
			if v := e.AnswerHeader.Get(r.LocationName); r.Location == "header" && v != "" {
				c.scalarText(r.shape, v, name)
			}
		}
		c.restBody(op.Output, e.AnswerBody)
		return ""
	}
	c.mediaType(e.AnswerHeader.Get("Content-Type"), "application/json")
	code = e.AnswerHeader.Get("X-Amzn-Errortype")
	at := slices.IndexFunc(op.Errors, func(r *member) bool { return r.Shape == code })
	switch {
	case at >= 0:
		c.restBody(op.Errors[at], e.AnswerBody)
	case !slices.Contains(commonErrors(), code):
		c.add("X-Amzn-Errortype", "%q is not an error of the action", code)
	}
	return code
}

// restBody checks a body, unless it is what the caller or a function made of it.
func (c *checker) restBody(of *member, raw []byte) {
	inBody := func(r *member) bool { return r.Location == "" }
	if of == nil || of.shape.Payload != "" || !slices.ContainsFunc(values(of.shape.Members), inBody) {
		return
	}
	body, err := parseJSON(raw)
	if err != nil {
		c.add("", "not JSON: %v", err)
		return
	}
	c.json(of.shape, body, "")
}

func values[V any](m map[string]V) []V {
	list := make([]V, 0, len(m))
	for _, k := range sorted(m) {
		list = append(list, m[k])
	}
	return list
}
