package sandboxtest

import (
	"cmp"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"nightshift/internal/sandbox"
)

// node is a parameter of a query, or the parameters under a common prefix.
type node struct {
	text  string
	value bool // it has a text of its own
	under map[string]*node
}

// queryRequest checks a request of the EC2 or the Query protocol.
func (c *checker) queryRequest(m *model, op *operation, e sandbox.Exchange) {
	form := string(e.RequestBody)
	if _, query, ok := strings.Cut(e.URL, "?"); ok && e.Method == "GET" {
		form = query
	} else {
		c.mediaType(e.RequestHeader.Get("Content-Type"), "application/x-www-form-urlencoded")
	}
	values, err := url.ParseQuery(form)
	if err != nil {
		c.add("", "not a form: %v", err)
		return
	}
	if got := values.Get("Version"); got != m.Metadata.APIVersion {
		c.add("Version", "%q, want %s", got, m.Metadata.APIVersion)
	}
	root := &node{under: map[string]*node{}}
	for name, texts := range values {
		if name == "Action" || name == "Version" || strings.HasPrefix(name, "X-Amz-") {
			continue
		}
		if len(texts) != 1 {
			c.add(name, "given %d times", len(texts))
		}
		at := root
		for part := range strings.SplitSeq(name, ".") {
			if at.under[part] == nil {
				at.under[part] = &node{under: map[string]*node{}}
			}
			at = at.under[part]
		}
		at.text, at.value = texts[0], true
	}
	switch {
	case op == nil:
	case op.Input != nil:
		c.parameters(m, op.Input.shape, root, "")
	case len(root.under) > 0:
		c.add("", "the action takes no parameters, got %v", sorted(root.under))
	}
}

// parameters checks what is under a node against a shape.
func (c *checker) parameters(m *model, s *shape, n *node, path string) {
	switch s.Type {
	case "structure":
		if n.value {
			c.add(path, "a %s is not a value", s.name)
		}
		names := map[string]*member{}
		for name, r := range s.Members {
			names[queryName(m, name, r)] = r
		}
		for _, name := range sorted(n.under) {
			r := names[name]
			switch {
			case r != nil:
				c.parameters(m, r.shape, n.under[name], join(path, name))
			case !c.allowsMember(s, name):
				c.add(join(path, name), "unknown parameter of %s", s.name)
			}
		}
		for _, name := range s.Required {
			if wire := queryName(m, name, s.Members[name]); n.under[wire] == nil {
				c.add(join(path, wire), "missing, but required")
			}
		}
	case "list":
		c.parameterList(m, s, n, path)
	case "map":
		c.parameterMap(m, s, n, path)
	default:
		if len(n.under) > 0 || !n.value {
			c.add(path, "has parameters under it, want one %s", s.Type)
			return
		}
		if s.Type != "blob" {
			c.scalarText(s, n.text, path)
		}
	}
}

func (c *checker) parameterList(m *model, s *shape, n *node, path string) {
	if n.value && n.text == "" && len(n.under) == 0 {
		return // an empty list
	}
	if n.value {
		c.add(path, "a list is not a value")
	}
	if m.Metadata.Protocol != "ec2" && !s.Flattened {
		wrapper := s.Member.LocationName
		if wrapper == "" {
			wrapper = "member"
		}
		if got := sorted(n.under); !slices.Equal(got, []string{wrapper}) {
			c.add(path, "a list under %v, want %s", got, wrapper)
			return
		}
		n, path = n.under[wrapper], join(path, wrapper)
	}
	c.length(s, len(n.under), path)
	for _, index := range sorted(n.under) {
		if i, err := strconv.Atoi(index); err != nil || i < 1 || i > len(n.under) {
			c.add(join(path, index), "a list of %d is numbered from 1", len(n.under))
			continue
		}
		c.parameters(m, s.Member.shape, n.under[index], join(path, index))
	}
}

// parameterMap checks a map, whose entries are numbered under "entry" as a list's
// are, each with its key and its value.
func (c *checker) parameterMap(m *model, s *shape, n *node, path string) {
	if !s.Flattened {
		if got := sorted(n.under); !slices.Equal(got, []string{"entry"}) {
			c.add(path, "a map under %v, want entry", got)
			return
		}
		n, path = n.under["entry"], join(path, "entry")
	}
	key, value := cmp.Or(s.Key.LocationName, "key"), cmp.Or(s.Value.LocationName, "value")
	c.length(s, len(n.under), path)
	for _, index := range sorted(n.under) {
		entry, at := n.under[index], join(path, index)
		if i, err := strconv.Atoi(index); err != nil || i < 1 || i > len(n.under) {
			c.add(at, "a map of %d is numbered from 1", len(n.under))
			continue
		}
		if got, want := sorted(entry.under), sorted(map[string]bool{key: true, value: true}); !slices.Equal(got, want) {
			c.add(at, "an entry of a map with %v, want %v", got, want)
			continue
		}
		c.parameters(m, s.Key.shape, entry.under[key], join(at, key))
		c.parameters(m, s.Value.shape, entry.under[value], join(at, value))
	}
}

// queryName is the name of a member in requests. The EC2 protocol has names
// of its own and else writes the answer's name with a capital.
func queryName(m *model, name string, r *member) string {
	if m.Metadata.Protocol == "ec2" && r.QueryName != "" {
		return r.QueryName
	}
	if r.LocationName != "" {
		name = r.LocationName
	}
	if m.Metadata.Protocol == "ec2" {
		return strings.ToUpper(name[:1]) + name[1:]
	}
	return name
}

func join(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}
