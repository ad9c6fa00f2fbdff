package sandboxtest

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"io"
	"strings"

	"nightshift/internal/sandbox"
)

// element is an XML element without its attributes.
type element struct {
	name, space string
	text        string
	children    []*element
}

func (e *element) child(name string) *element {
	if e == nil {
		return nil
	}
	for _, c := range e.children {
		if c.name == name {
			return c
		}
	}
	return nil
}

// parseXML reads a document: one element and nothing after it.
func parseXML(raw []byte) (*element, error) {
	d := xml.NewDecoder(bytes.NewReader(raw))
	var root *element
	var open []*element
	for {
		token, err := d.Token()
		if err == io.EOF { //nolint:errorlint // Token returns it as it is
			break
		}
		if err != nil {
			return nil, err
		}
		switch t := token.(type) {
		case xml.StartElement:
			e := &element{name: t.Name.Local, space: t.Name.Space}
			switch {
			case len(open) > 0:
				parent := open[len(open)-1]
				parent.children = append(parent.children, e)
			case root != nil:
				return nil, fmt.Errorf("<%s> after the end of <%s>", e.name, root.name)
			default:
				root = e
			}
			open = append(open, e)
		case xml.EndElement:
			open = open[:len(open)-1]
		case xml.CharData:
			if len(open) > 0 {
				open[len(open)-1].text += string(t)
			}
		}
	}
	if root == nil {
		return nil, fmt.Errorf("no element")
	}
	return root, nil
}

// xmlAnswer checks an answer of the EC2 or the Query protocol and returns its
// error code.
func (c *checker) xmlAnswer(m *model, op *operation, e sandbox.Exchange) (code string) {
	c.mediaType(e.AnswerHeader.Get("Content-Type"), "text/xml", "application/xml")
	root, err := parseXML(e.AnswerBody)
	if err != nil {
		c.add("", "HTTP %d is not XML: %v", e.Status, err)
		return ""
	}
	if e.Status >= 400 {
		return c.xmlError(m, root)
	}
	if op == nil {
		return ""
	}
	if want := op.Name + "Response"; root.name != want {
		c.add("", "<%s>, want <%s>", root.name, want)
	}
	if got, want := strings.TrimSuffix(root.space, "/"), strings.TrimSuffix(m.Metadata.XMLNamespace, "/"); want != "" && got != want {
		c.add("", "namespace %q, want %q", got, want)
	}
	if m.Metadata.Protocol == "query" {
		c.queryAnswer(op, root)
		return ""
	}
	id := root.child("requestId")
	if id == nil || id.text == "" {
		c.add("requestId", "missing")
	}
	body := &element{name: root.name}
	for _, child := range root.children {
		if child != id {
			body.children = append(body.children, child)
		}
	}
	if op.Output != nil {
		c.element(op.Output.shape, body, "")
		return ""
	}
	for _, child := range body.children { // EC2 answers with <return> where the model has nothing
		if child.name != "return" || child.text != "true" {
			c.add(child.name, "the action answers nothing but <return>true</return>")
		}
	}
	return ""
}

func (c *checker) queryAnswer(op *operation, root *element) {
	if id := root.child("ResponseMetadata").child("RequestId"); id == nil || id.text == "" {
		c.add("ResponseMetadata.RequestId", "missing")
	}
	if op.Output == nil {
		return
	}
	wrapper := op.Output.ResultWrapper
	if wrapper == "" {
		wrapper = op.Name + "Result"
	}
	result := root.child(wrapper)
	if result == nil {
		c.add(wrapper, "missing")
		return
	}
	c.element(op.Output.shape, result, "")
}

// xmlError checks the shape of an error and returns its code.
func (c *checker) xmlError(m *model, root *element) string {
	id, want := root.child("RequestID"), "Response"
	err := root.child("Errors").child("Error")
	if m.Metadata.Protocol == "query" {
		id, want = root.child("RequestId"), "ErrorResponse"
		err = root.child("Error")
		if kind := err.child("Type"); kind == nil || kind.text != "Sender" && kind.text != "Receiver" {
			c.add("Error.Type", "want Sender or Receiver")
		}
	}
	if root.name != want {
		c.add("", "an error in <%s>, want <%s>", root.name, want)
	}
	if id == nil || id.text == "" {
		c.add("", "an error without a request id")
	}
	code := err.child("Code")
	if code == nil || code.text == "" {
		c.add("", "an error without a code")
		return ""
	}
	if message := err.child("Message"); message == nil || message.text == "" {
		c.add("", "%s without a message", code.text)
	}
	return code.text
}

// element checks an element against a shape.
func (c *checker) element(s *shape, e *element, path string) {
	switch s.Type {
	case "structure":
		c.structure(s, e, path)
	case "list":
		c.noText(e, path)
		c.length(s, len(e.children), path)
		want := s.Member.LocationName
		if want == "" {
			want = "member"
		}
		at := path + "[]" // one report for all entries with the same fault
		for _, child := range e.children {
			if child.name != want {
				c.add(at, "<%s> in a list of <%s>", child.name, want)
				continue
			}
			c.element(s.Member.shape, child, at)
		}
	case "map":
		c.add(path, "maps are not checked: no action that is in use has one")
	default:
		switch {
		case len(e.children) > 0:
			c.add(path, "has elements in it, want one %s", s.Type)
		case s.Type == "blob", e.text == "" && s.Type == "string" && len(s.Enum) == 0:
		default:
			c.scalarText(s, e.text, path)
		}
	}
}

func (c *checker) structure(s *shape, e *element, path string) {
	c.noText(e, path)
	names := map[string]*member{}
	for name, r := range s.Members {
		if r.LocationName != "" {
			name = r.LocationName
		}
		names[name] = r
	}
	seen := map[string]bool{}
	for _, child := range e.children {
		at := join(path, child.name)
		r := names[child.name]
		if r == nil {
			if !c.allowsMember(s, child.name) {
				c.add(at, "not an element of %s", s.name)
			}
			continue
		}
		flat := r.shape.Type == "list" && (r.Flattened || r.shape.Flattened)
		if seen[child.name] && !flat {
			c.add(at, "more than once")
		}
		seen[child.name] = true
		if flat {
			c.element(r.shape.Member.shape, child, at)
		} else {
			c.element(r.shape, child, at)
		}
	}
}

// noText checks that there is nothing but elements in an element.
func (c *checker) noText(e *element, path string) {
	if strings.TrimSpace(e.text) != "" {
		c.add(path, "text %q between elements", strings.TrimSpace(e.text))
	}
}
