package sandbox

import (
	"fmt"
	"strconv"
	"strings"
)

// filter keeps the resources of which one value matches one of its patterns.
type filter[T any] struct {
	of       values[T]
	patterns []pattern
}

// values gives what a filter compares: the resource's values of one field.
type values[T any] func(T) []string

// fields are the filters that a resource has, by name. "tag:" stands for all
// that begin so.
type fields[T any] map[string]values[T]

// maxFilterValues is how many values one call may carry.
const maxFilterValues = 200

// readFilters reads Filter.N and refuses what the resource does not have.
func readFilters[T any](p *params, known fields[T]) ([]filter[T], *apiError) {
	var fs []filter[T]
	total := 0
	for _, n := range p.items("Filter") {
		name := n.text("Name")
		of := known[name]
		if key, ok := strings.CutPrefix(name, "tag:"); ok && known["tag-key"] != nil {
			of = known.tagged(key)
		}
		if of == nil {
			if name == "" {
				name = "null"
			}
			return nil, invalid("InvalidParameterValue", "The filter '"+name+"' is invalid")
		}
		f := filter[T]{of: of}
		for _, v := range n.texts("Value") {
			f.patterns = append(f.patterns, compile(v))
		}
		if len(f.patterns) == 0 {
			return nil, invalid("InvalidParameterValue", "The filter '"+name+"' has no values")
		}
		if total += len(f.patterns); total > maxFilterValues {
			return nil, invalid("FilterLimitExceeded",
				fmt.Sprintf("The maximum number of filter values specified on a single call is %d", maxFilterValues))
		}
		fs = append(fs, f)
	}
	return fs, nil
}

// tagged makes the filter for one tag key out of those for all tags, which
// give keys and values in the same order.
func (f fields[T]) tagged(key string) values[T] {
	keys, vals := f["tag-key"], f["tag-value"]
	return func(x T) []string {
		for n, k := range keys(x) {
			if k == key {
				return vals(x)[n : n+1]
			}
		}
		return nil
	}
}

// matchAll says whether every filter keeps x.
func matchAll[T any](fs []filter[T], x T) bool {
	for _, f := range fs {
		if !f.keeps(x) {
			return false
		}
	}
	return true
}

func (f filter[T]) keeps(x T) bool {
	for _, v := range f.of(x) {
		for _, p := range f.patterns {
			if p.match(v) {
				return true
			}
		}
	}
	return false
}

// pattern is a filter value: * stands for any characters, ? for exactly one, a
// backslash takes the next one literally.
type pattern struct {
	exact string
	runes []rune // with wildcards as negative numbers; nil: compare exact
}

const (
	anyRunes rune = -1
	oneRune  rune = -2
)

func compile(s string) pattern {
	if !strings.ContainsAny(s, `*?\`) {
		return pattern{exact: s}
	}
	var out []rune
	escaped := false
	for _, r := range s {
		switch {
		case escaped:
			out, escaped = append(out, r), false
		case r == '\\':
			escaped = true
		case r == '*':
			out = append(out, anyRunes)
		case r == '?':
			out = append(out, oneRune)
		default:
			out = append(out, r)
		}
	}
	if escaped {
		out = append(out, '\\')
	}
	if out == nil {
		out = []rune{}
	}
	return pattern{runes: out}
}

func (p pattern) match(s string) bool {
	if p.runes == nil {
		return p.exact == s
	}
	text := []rune(s)
	at, from := 0, 0     // positions in pattern and text
	star, retry := -1, 0 // the last * and where its match ended
	for from < len(text) {
		switch {
		case at < len(p.runes) && p.runes[at] == anyRunes:
			star, retry = at, from
			at++
		case at < len(p.runes) && (p.runes[at] == oneRune || p.runes[at] == text[from]):
			at++
			from++
		case star >= 0:
			retry++
			at, from = star+1, retry
		default:
			return false
		}
	}
	for at < len(p.runes) && p.runes[at] == anyRunes {
		at++
	}
	return at == len(p.runes)
}

func one(s string) []string {
	if s == "" {
		return nil
	}
	return []string{s}
}

func (t tags) keys() []string {
	list := make([]string, len(t))
	for n, x := range t {
		list[n] = x.key
	}
	return list
}

func (t tags) values() []string {
	list := make([]string, len(t))
	for n, x := range t {
		list[n] = x.value
	}
	return list
}

// instanceFilters are the filters of DescribeInstances.
func (c *ec2Call) instanceFilters() fields[*instance] {
	return fields[*instance]{
		"tag-key":                  func(i *instance) []string { return i.tags.keys() },
		"tag-value":                func(i *instance) []string { return i.tags.values() },
		"instance-id":              func(i *instance) []string { return one(i.id) },
		"instance-type":            func(i *instance) []string { return one(i.kind.Name) },
		"instance-state-name":      func(i *instance) []string { return one(c.shown(i).state.String()) },
		"instance-state-code":      func(i *instance) []string { return one(strconv.Itoa(int(c.shown(i).state))) },
		"instance-lifecycle":       func(i *instance) []string { return one(i.lifecycle()) },
		"availability-zone":        func(i *instance) []string { return one(i.zone) },
		"placement.tenancy":        func(i *instance) []string { return one(i.tenancy) },
		"tenancy":                  func(i *instance) []string { return one(i.tenancy) },
		"vpc-id":                   func(*instance) []string { return one(c.region.network.vpc) },
		"subnet-id":                func(i *instance) []string { return one(c.region.network.subnets[i.zone]) },
		"image-id":                 func(i *instance) []string { return one(i.image) },
		"architecture":             func(i *instance) []string { return one(i.kind.Architecture) },
		"platform":                 func(i *instance) []string { return one(i.platform()) },
		"platform-details":         func(i *instance) []string { return one(i.system.details) },
		"usage-operation":          func(i *instance) []string { return one(i.system.operation) },
		"root-device-type":         func(i *instance) []string { return one(i.rootType()) },
		"root-device-name":         func(i *instance) []string { return one(i.system.rootDevice) },
		"private-ip-address":       func(i *instance) []string { return one(i.ip) },
		"private-dns-name":         func(i *instance) []string { return one(i.privateName(c.region.name)) },
		"reservation-id":           func(i *instance) []string { return one(i.reservation.id) },
		"requester-id":             func(i *instance) []string { return one(i.reservation.requester) },
		"owner-id":                 func(*instance) []string { return one(AccountID) },
		"key-name":                 func(i *instance) []string { return one(i.key) },
		"client-token":             func(i *instance) []string { return one(i.clientToken) },
		"product-code":             func(i *instance) []string { return i.products },
		"spot-instance-request-id": func(i *instance) []string { return one(i.spotID()) },
		"state-reason-code":        func(i *instance) []string { return one(c.shown(i).reason) },
		"reason":                   func(i *instance) []string { return one(c.shown(i).transition) },
		"launch-time":              func(i *instance) []string { return one(iso(c.shown(i).launch)) },
		"hypervisor":               func(*instance) []string { return one("xen") },
		"virtualization-type":      func(*instance) []string { return one("hvm") },
		"block-device-mapping.volume-id": func(i *instance) []string {
			var ids []string
			for _, a := range i.attached {
				ids = append(ids, a.volume.id)
			}
			return ids
		},
	}
}

// volumeFilters are the filters of DescribeVolumes.
func (c *ec2Call) volumeFilters() fields[*volume] {
	each := func(of func(attachment) string) values[*volume] {
		return func(v *volume) []string {
			var list []string
			for _, a := range v.attachments {
				list = append(list, of(a))
			}
			return list
		}
	}
	return fields[*volume]{
		"tag-key":                          func(v *volume) []string { return v.tags.keys() },
		"tag-value":                        func(v *volume) []string { return v.tags.values() },
		"volume-id":                        func(v *volume) []string { return one(v.id) },
		"volume-type":                      func(v *volume) []string { return one(v.kind) },
		"status":                           func(v *volume) []string { return one(v.status(c.now)) },
		"size":                             func(v *volume) []string { return one(strconv.FormatInt(v.gib, 10)) },
		"availability-zone":                func(v *volume) []string { return one(v.zone) },
		"snapshot-id":                      func(v *volume) []string { return one(v.snapshot) },
		"encrypted":                        func(v *volume) []string { return one(strconv.FormatBool(v.encrypted)) },
		"multi-attach-enabled":             func(v *volume) []string { return one(strconv.FormatBool(v.multiAttach)) },
		"create-time":                      func(v *volume) []string { return one(iso(v.created)) },
		"attachment.instance-id":           each(func(a attachment) string { return a.instance.id }),
		"attachment.device":                each(func(a attachment) string { return a.device }),
		"attachment.status":                each(func(a attachment) string { return a.status(c.now) }),
		"attachment.delete-on-termination": each(func(a attachment) string { return strconv.FormatBool(a.deleteToo) }),
		"attachment.attach-time":           each(func(a attachment) string { return iso(a.since) }),
	}
}

func tagFilters() fields[*tagRow] {
	return fields[*tagRow]{
		"key":           func(r *tagRow) []string { return one(r.tag.key) },
		"value":         func(r *tagRow) []string { return []string{r.tag.value} },
		"resource-id":   func(r *tagRow) []string { return one(r.id) },
		"resource-type": func(r *tagRow) []string { return one(r.kind) },
		"tag-key":       func(r *tagRow) []string { return one(r.tag.key) },
		"tag-value":     func(r *tagRow) []string { return []string{r.tag.value} },
	}
}

func spotFilters() fields[*spotRequest] {
	return fields[*spotRequest]{
		"tag-key":                  func(r *spotRequest) []string { return r.tags.keys() },
		"tag-value":                func(r *spotRequest) []string { return r.tags.values() },
		"spot-instance-request-id": func(r *spotRequest) []string { return one(r.id) },
		"instance-id":              func(r *spotRequest) []string { return one(r.instance.id) },
		"state":                    func(r *spotRequest) []string { return one(r.state) },
		"status-code":              func(r *spotRequest) []string { return one(r.status) },
		"type":                     func(r *spotRequest) []string { return one(r.kind()) },
		"launched-availability-zone": func(r *spotRequest) []string {
			return one(r.instance.zone)
		},
	}
}
