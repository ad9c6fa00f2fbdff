package wire

import (
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"nightshift/internal/sandbox/random"
)

// Params is the body of a Query request as a tree: "Filter.1.Value.2=x" is the
// value x at Filter, 1, Value, 2. It remembers what was read, so that what
// nobody asked for can be refused.
type Params struct {
	Value    string
	Set      bool
	read     bool
	yesNo    bool // read as true or false
	children map[string]*Params
}

// parseParams reads the parameters of a query string and a form. A pair that
// cannot be decoded is left out, as is a value for a name that another one
// repeats.
func parseParams(query string, form []byte) *Params {
	root := &Params{read: true}
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

func (p *Params) put(path, value string) {
	for path != "" {
		var step string
		step, path, _ = strings.Cut(path, ".")
		next := p.children[step]
		if next == nil {
			next = &Params{}
			if p.children == nil {
				p.children = map[string]*Params{}
			}
			p.children[step] = next
		}
		p = next
	}
	if !p.Set {
		p.Value, p.Set = value, true
	}
}

// At finds the node of a path such as "Placement.Tenancy"; a missing one is an
// empty node.
func (p *Params) At(path string) *Params {
	for path != "" {
		p.read = true
		var step string
		step, path, _ = strings.Cut(path, ".")
		next := p.children[step]
		if next == nil {
			return &Params{read: true}
		}
		p = next
	}
	p.read = true
	return p
}

// Has says whether a parameter or one below it was sent.
func (p *Params) Has(path string) bool {
	n := p.At(path)
	return n.Set || len(n.children) > 0
}

// Text is the value at a path; empty where there is none.
func (p *Params) Text(path string) string { return p.At(path).Value }

// Flag reads true or false; a missing one is false. What is neither is refused
// together with the parameters that nobody asked for.
func (p *Params) Flag(path string) bool {
	n := p.At(path)
	n.yesNo = true
	return strings.EqualFold(n.Value, "true")
}

// Number reads a whole number; a missing one is 0.
func (p *Params) Number(path string) (int64, *Error) {
	n := p.At(path)
	if !n.Set {
		return 0, nil
	}
	v, err := strconv.ParseInt(n.Value, 10, 64)
	if err != nil {
		return 0, Invalid("InvalidParameterValue", "Value ("+n.Value+") for parameter "+path+" is invalid. It must be an integer.")
	}
	return v, nil
}

// Items lists the members of a list in the order of their numbers.
func (p *Params) Items(path string) []*Params {
	n := p.At(path)
	type member struct {
		at   int
		node *Params
	}
	members := make([]member, 0, len(n.children))
	for k, c := range n.children {
		if i, err := strconv.Atoi(k); err == nil {
			c.read = true
			members = append(members, member{i, c})
		}
	}
	slices.SortFunc(members, func(a, b member) int { return a.at - b.at })
	list := make([]*Params, len(members))
	for i, m := range members {
		list[i] = m.node
	}
	return list
}

// Texts is items for a list of plain values.
func (p *Params) Texts(path string) []string {
	nodes := p.Items(path)
	list := make([]string, len(nodes))
	for i, n := range nodes {
		list[i] = n.Value
	}
	return list
}

// Accept marks parameters that are understood but change nothing here.
func (p *Params) Accept(paths ...string) {
	for _, path := range paths {
		p.At(path).readAll()
	}
}

func (p *Params) readAll() {
	p.read = true
	for _, c := range p.children {
		c.readAll()
	}
}

// unread names a parameter that nobody asked for, the first by name.
func (p *Params) unread() (string, bool) {
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
func (p *Params) undecided() (name, value string, found bool) {
	for _, k := range slices.Sorted(maps.Keys(p.children)) {
		c := p.children[k]
		if c.yesNo && c.Set && !strings.EqualFold(c.Value, "true") && !strings.EqualFold(c.Value, "false") {
			return k, c.Value, true
		}
		if below, value, found := c.undecided(); found {
			return k + "." + below, value, true
		}
	}
	return "", "", false
}

// UnknownParameter refuses a request that carries what no operation reads, or
// something else where true or false belongs.
func (p *Params) UnknownParameter() *Error {
	if name, value, found := p.undecided(); found {
		return Invalid("InvalidParameterValue", "Value ("+value+") for parameter "+name+" is invalid. It must be true or false.")
	}
	if name, ok := p.unread(); ok {
		return Invalid("UnknownParameter", "The parameter "+name+" is not recognized")
	}
	return nil
}

// Fingerprint hashes what a request asks for, without its page.
func (p *Params) Fingerprint(action string) uint64 {
	var b strings.Builder
	b.WriteString(action)
	p.write(&b, "")
	return random.HashText(7, b.String())
}

func (p *Params) write(b *strings.Builder, path string) {
	for _, k := range slices.Sorted(maps.Keys(p.children)) {
		if path == "" && (k == "NextToken" || k == "MaxResults" || k == "Action" || k == "Version") {
			continue
		}
		c := p.children[k]
		fmt.Fprintf(b, "&%s.%s=%s", path, k, c.Value)
		c.write(b, path+"."+k)
	}
}

// Instant reads a time; a missing one is otherwise.
func (p *Params) Instant(path string, otherwise time.Time) (time.Time, *Error) {
	n := p.At(path)
	if !n.Set {
		return otherwise, nil
	}
	t, err := time.Parse(time.RFC3339Nano, n.Value)
	if err != nil {
		return time.Time{}, Invalid("InvalidParameterValue",
			fmt.Sprintf("Value (%s) for parameter %s is invalid. It must be a time such as 2026-01-02T15:04:05Z.", n.Value, path))
	}
	return t, nil
}

// Names are the first words of all parameters, in order.
func (p *Params) Names() []string { return slices.Sorted(maps.Keys(p.children)) }
