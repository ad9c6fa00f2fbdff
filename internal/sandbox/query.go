package sandbox

import (
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// params is the body of a Query request as a tree: "Filter.1.Value.2=x" is the
// value x at Filter, 1, Value, 2. It remembers what was read, so that what
// nobody asked for can be refused.
type params struct {
	value    string
	set      bool
	read     bool
	yesNo    bool // read as true or false
	children map[string]*params
}

// parseParams reads the parameters of a query string and a form. A pair that
// cannot be decoded is left out, as is a value for a name that another one
// repeats.
func parseParams(query string, form []byte) *params {
	root := &params{read: true}
	for _, part := range []string{query, string(form)} {
		for part != "" {
			var pair string
			pair, part, _ = strings.Cut(part, "&")
			k, v, _ := strings.Cut(pair, "=")
			key, err := url.QueryUnescape(k)
			if err != nil || key == "" {
				continue
			}
			value, err := url.QueryUnescape(v)
			if err != nil {
				continue
			}
			root.put(key, value)
		}
	}
	return root
}

func (p *params) put(path, value string) {
	for path != "" {
		var step string
		step, path, _ = strings.Cut(path, ".")
		next := p.children[step]
		if next == nil {
			next = &params{}
			if p.children == nil {
				p.children = map[string]*params{}
			}
			p.children[step] = next
		}
		p = next
	}
	if !p.set {
		p.value, p.set = value, true
	}
}

// at finds the node of a path such as "Placement.Tenancy"; a missing one is an
// empty node.
func (p *params) at(path string) *params {
	for path != "" {
		p.read = true
		var step string
		step, path, _ = strings.Cut(path, ".")
		next := p.children[step]
		if next == nil {
			return &params{read: true}
		}
		p = next
	}
	p.read = true
	return p
}

// has says whether a parameter or one below it was sent.
func (p *params) has(path string) bool {
	n := p.at(path)
	return n.set || len(n.children) > 0
}

func (p *params) text(path string) string { return p.at(path).value }

// flag reads true or false; a missing one is false. What is neither is refused
// together with the parameters that nobody asked for.
func (p *params) flag(path string) bool {
	n := p.at(path)
	n.yesNo = true
	return strings.EqualFold(n.value, "true")
}

// number reads a whole number; a missing one is 0.
func (p *params) number(path string) (int64, *apiError) {
	n := p.at(path)
	if !n.set {
		return 0, nil
	}
	v, err := strconv.ParseInt(n.value, 10, 64)
	if err != nil {
		return 0, invalid("InvalidParameterValue", "Value ("+n.value+") for parameter "+path+" is invalid. It must be an integer.")
	}
	return v, nil
}

// items lists the members of a list in the order of their numbers.
func (p *params) items(path string) []*params {
	n := p.at(path)
	type member struct {
		at   int
		node *params
	}
	members := make([]member, 0, len(n.children))
	for k, c := range n.children {
		if i, err := strconv.Atoi(k); err == nil {
			c.read = true
			members = append(members, member{i, c})
		}
	}
	slices.SortFunc(members, func(a, b member) int { return a.at - b.at })
	list := make([]*params, len(members))
	for i, m := range members {
		list[i] = m.node
	}
	return list
}

// texts is items for a list of plain values.
func (p *params) texts(path string) []string {
	nodes := p.items(path)
	list := make([]string, len(nodes))
	for i, n := range nodes {
		list[i] = n.value
	}
	return list
}

// accept marks parameters that are understood but change nothing here.
func (p *params) accept(paths ...string) {
	for _, path := range paths {
		p.at(path).readAll()
	}
}

func (p *params) readAll() {
	p.read = true
	for _, c := range p.children {
		c.readAll()
	}
}

// unread names a parameter that nobody asked for, the first by name.
func (p *params) unread() (string, bool) {
	for _, k := range slices.Sorted(maps.Keys(p.children)) {
		c := p.children[k]
		if !c.read {
			return k, true
		}
		if below, ok := c.unread(); ok {
			return k + "." + below, true
		}
	}
	return "", false
}

// undecided names a parameter that should be true or false but is neither, the
// first by name.
func (p *params) undecided() (name, value string, found bool) {
	for _, k := range slices.Sorted(maps.Keys(p.children)) {
		c := p.children[k]
		if c.yesNo && c.set && !strings.EqualFold(c.value, "true") && !strings.EqualFold(c.value, "false") {
			return k, c.value, true
		}
		if below, value, found := c.undecided(); found {
			return k + "." + below, value, true
		}
	}
	return "", "", false
}

// unknownParameter refuses a request that carries what no operation reads, or
// something else where true or false belongs.
func (p *params) unknownParameter() *apiError {
	if name, value, found := p.undecided(); found {
		return invalid("InvalidParameterValue", "Value ("+value+") for parameter "+name+" is invalid. It must be true or false.")
	}
	if name, ok := p.unread(); ok {
		return invalid("UnknownParameter", "The parameter "+name+" is not recognized")
	}
	return nil
}

// fingerprint hashes what a request asks for, without its page.
func (p *params) fingerprint(action string) uint64 {
	var b strings.Builder
	b.WriteString(action)
	p.write(&b, "")
	return mixText(7, b.String())
}

func (p *params) write(b *strings.Builder, path string) {
	for _, k := range slices.Sorted(maps.Keys(p.children)) {
		if path == "" && (k == "NextToken" || k == "MaxResults" || k == "Action" || k == "Version") {
			continue
		}
		c := p.children[k]
		fmt.Fprintf(b, "&%s.%s=%s", path, k, c.value)
		c.write(b, path+"."+k)
	}
}

// instant reads a time; a missing one is otherwise.
func (p *params) instant(path string, otherwise time.Time) (time.Time, *apiError) {
	n := p.at(path)
	if !n.set {
		return otherwise, nil
	}
	t, err := time.Parse(time.RFC3339Nano, n.value)
	if err != nil {
		return time.Time{}, invalid("InvalidParameterValue",
			fmt.Sprintf("Value (%s) for parameter %s is invalid. It must be a time such as 2026-01-02T15:04:05Z.", n.value, path))
	}
	return t, nil
}

// names are the first words of all parameters, in order.
func (p *params) names() []string { return slices.Sorted(maps.Keys(p.children)) }
