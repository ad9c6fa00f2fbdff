package sandbox

import (
	"slices"
	"strings"
)

func (d *doc) tags(t tags) {
	if len(t) == 0 {
		return
	}
	d.open("tagSet")
	for _, x := range t {
		d.open("item")
		d.text("key", x.key)
		d.text("value", x.value)
		d.end("item")
	}
	d.end("tagSet")
}

func readTags(nodes []*params) tags {
	var ts tags
	for _, n := range nodes {
		ts = append(ts, tag{n.text("Key"), n.text("Value")})
	}
	return ts
}

// specifiedTags reads TagSpecification, by resource type; kinds are those that
// the operation takes.
func specifiedTags(p *params, kinds ...string) (map[string]tags, *apiError) {
	byType := map[string]tags{}
	for _, spec := range p.items("TagSpecification") {
		kind := spec.text("ResourceType")
		if !slices.Contains(kinds, kind) {
			return nil, invalid("InvalidParameterValue", "'"+kind+"' is not a valid taggable resource type for this operation.")
		}
		ts := append(byType[kind], readTags(spec.items("Tag"))...)
		if err := checkTags(ts); err != nil {
			return nil, err
		}
		if err := checkCount(ts); err != nil {
			return nil, err
		}
		byType[kind] = ts
	}
	return byType, nil
}

// resource finds what an id names.
func (r *region) resource(id string) (taggable, *apiError) {
	missing := func(code, what string) (taggable, *apiError) {
		return taggable{}, invalid(code, "The "+what+" '"+id+"' does not exist")
	}
	prefix, _, _ := strings.Cut(id, "-")
	if !wellFormed(id, prefix+"-") {
		return taggable{}, invalid("InvalidID", "The ID '"+id+"' is not valid")
	}
	switch prefix {
	case "i":
		if i := r.instances[id]; i != nil {
			return taggable{0, id, "instance", &i.tags}, nil
		}
		return missing("InvalidInstanceID.NotFound", "instance ID")
	case "vol":
		if v := r.volumes[id]; v != nil {
			return taggable{0, id, "volume", &v.tags}, nil
		}
		return missing("InvalidVolume.NotFound", "volume")
	case "sir":
		for _, s := range r.spots {
			if s.id == id {
				return taggable{0, id, "spot-instances-request", &s.tags}, nil
			}
		}
		return missing("InvalidSpotInstanceRequestID.NotFound", "spot instance request ID")
	}
	if t, ok := r.holdings.taggable(id); ok {
		return t, nil
	}
	if refusal, ok := unknownHolding(prefix, id); ok {
		return taggable{}, refusal
	}
	return taggable{}, invalid("InvalidID", "The ID '"+id+"' is not valid")
}

// changeTags is CreateTags and DeleteTags: all resources or none.
func (c *ec2Call) changeTags(create bool) *apiError {
	ids := c.form.texts("ResourceId")
	if len(ids) == 0 {
		return missingParameter("resourceIdSet")
	}
	if len(ids) > 1000 {
		return invalid("InvalidParameterValue", "The maximum number of resources for this request is 1000")
	}
	var wanted []tagChange
	for _, n := range c.form.items("Tag") {
		x := tagChange{key: n.text("Key")}
		if v := n.at("Value"); v.set || create {
			x.value = &v.value
		}
		wanted = append(wanted, x)
	}
	if create && len(wanted) == 0 {
		return missingParameter("tagSet")
	}
	if create {
		var ts tags
		for _, x := range wanted {
			ts = append(ts, tag{x.key, *x.value})
		}
		if err := checkTags(ts); err != nil {
			return err
		}
	}
	if err := c.form.unknownParameter(); err != nil {
		return err
	}
	c.resources = len(ids)
	var found []taggable
	for _, id := range ids {
		t, err := c.region.resource(id)
		if err != nil {
			return err
		}
		found = append(found, t)
	}
	for _, t := range found {
		if err := c.authorizeTags(t, wanted); err != nil {
			return err
		}
	}
	if err := c.checkDryRun(); err != nil {
		return err
	}
	changed := make([]tags, len(found))
	for n, t := range found {
		changed[n] = applyTags(*t.tags, wanted, create)
		if err := checkCount(changed[n]); err != nil {
			return err
		}
	}
	for n, t := range found {
		*t.tags = changed[n]
	}
	c.out.flag("return", true)
	return nil
}

func applyTags(ts tags, wanted []tagChange, create bool) tags {
	if !create && len(wanted) == 0 { // all, save those of AWS
		return slices.DeleteFunc(slices.Clone(ts), func(x tag) bool { return !strings.HasPrefix(x.key, "aws:") })
	}
	for _, x := range wanted {
		if create {
			ts = ts.with(x.key, *x.value)
		} else {
			ts = ts.without(x.key, x.value)
		}
	}
	return ts
}

func (c *ec2Call) authorizeTags(t taggable, wanted []tagChange) *apiError {
	var keys []string
	for _, x := range wanted {
		keys = append(keys, x.key)
	}
	return c.authorize(c.region.arn(t.kind, t.id), *t.tags, keys)
}

// describeTags lists the tags of all resources, those of the oldest first.
func (c *ec2Call) describeTags() *apiError {
	fs, err := readFilters(c.form, tagFilters())
	if err != nil {
		return err
	}
	page, err := c.page(1000, len(fs) > 0)
	if err != nil {
		return err
	}
	if err := c.readOnly(); err != nil {
		return err
	}
	var rows []tagRow
	add := func(seq uint64, id, kind string, ts tags) {
		for n, x := range ts {
			row := tagRow{seq, n, id, kind, x}
			if page.after(seq, n) && matchAll(fs, &row) {
				rows = append(rows, row)
			}
		}
	}
	for _, res := range c.region.reservations {
		for n, i := range res.instances {
			i.settle(c.now)
			if !i.gone {
				add(res.seq<<8|uint64(n), i.id, "instance", i.tags)
			}
		}
	}
	for _, v := range c.region.volumeOrder {
		add(1<<40|v.seq, v.id, "volume", v.tags)
	}
	for _, s := range c.region.spots {
		add(1<<41|s.seq, s.id, "spot-instances-request", s.tags)
	}
	for _, t := range c.region.holdings.all() {
		add(1<<42|t.seq, t.id, t.kind, *t.tags)
	}
	rows, token := cutPage(page, rows, func(r tagRow) (uint64, int) { return r.seq, r.index })
	c.out.open("tagSet")
	for _, r := range rows {
		c.out.open("item")
		c.out.text("resourceId", r.id)
		c.out.text("resourceType", r.kind)
		c.out.text("key", r.tag.key)
		c.out.text("value", r.tag.value)
		c.out.end("item")
	}
	c.out.end("tagSet")
	c.out.some("nextToken", token)
	return nil
}

// tagRow is one tag of one resource.
type tagRow struct {
	seq   uint64
	index int
	id    string
	kind  string
	tag   tag
}
