package ec2

import (
	"slices"
	"strings"

	"nightshift/internal/sandbox/policy"
	"nightshift/internal/sandbox/service"
	"nightshift/internal/sandbox/state"
	"nightshift/internal/sandbox/wire"
)

func writeTags(d *wire.Doc, t state.Tags) {
	if len(t) == 0 {
		return
	}
	d.Open("tagSet")
	for _, x := range t {
		d.Open("item")
		d.Text("key", x.Key)
		d.Text("value", x.Value)
		d.End("item")
	}
	d.End("tagSet")
}

func readTags(nodes []*wire.Params) state.Tags {
	var ts state.Tags
	for _, n := range nodes {
		ts = append(ts, state.Tag{Key: n.Text("Key"), Value: n.Text("Value")})
	}
	return ts
}

// specifiedTags reads TagSpecification, by resource type; kinds are those that
// the operation takes.
func specifiedTags(p *wire.Params, kinds ...string) (map[string]state.Tags, *wire.Error) {
	byType := map[string]state.Tags{}
	for _, spec := range p.Items("TagSpecification") {
		kind := spec.Text("ResourceType")
		if !slices.Contains(kinds, kind) {
			return nil, wire.Invalid("InvalidParameterValue", "'"+kind+"' is not a valid taggable resource type for this operation.")
		}
		ts := append(byType[kind], readTags(spec.Items("Tag"))...)
		if err := service.CheckTags(ts); err != nil {
			return nil, err
		}
		if err := service.CheckCount(ts); err != nil {
			return nil, err
		}
		byType[kind] = ts
	}
	return byType, nil
}

// findTaggable finds what an id names.
func findTaggable(r *state.Region, id string) (state.Taggable, *wire.Error) {
	missing := func(code, what string) (state.Taggable, *wire.Error) {
		return state.Taggable{}, wire.Invalid(code, "The "+what+" '"+id+"' does not exist")
	}
	prefix, _, _ := strings.Cut(id, "-")
	if !wellFormed(id, prefix+"-") {
		return state.Taggable{}, wire.Invalid("InvalidID", "The ID '"+id+"' is not valid")
	}
	switch prefix {
	case "i":
		if i := r.Instances[id]; i != nil {
			return state.Taggable{Seq: 0, ID: id, ResourceType: "instance", Tags: &i.Tags}, nil
		}
		return missing("InvalidInstanceID.NotFound", "instance ID")
	case "vol":
		if v := r.Volumes[id]; v != nil {
			return state.Taggable{Seq: 0, ID: id, ResourceType: "volume", Tags: &v.Tags}, nil
		}
		return missing("InvalidVolume.NotFound", "volume")
	case "sir":
		for _, s := range r.SpotRequests {
			if s.ID == id {
				return state.Taggable{Seq: 0, ID: id, ResourceType: "spot-instances-request", Tags: &s.Tags}, nil
			}
		}
		return missing("InvalidSpotInstanceRequestID.NotFound", "spot instance request ID")
	}
	if t, ok := r.Other.Taggable(id); ok {
		return t, nil
	}
	if refusal, ok := unknownOtherResource(prefix, id); ok {
		return state.Taggable{}, refusal
	}
	return state.Taggable{}, wire.Invalid("InvalidID", "The ID '"+id+"' is not valid")
}

// changeTags is CreateTags and DeleteTags: all resources or none.
func (c *ec2Call) changeTags(create bool) *wire.Error {
	ids := c.Params.Texts("ResourceId")
	if len(ids) == 0 {
		return missingParameter("resourceIdSet")
	}
	if len(ids) > 1000 {
		return wire.Invalid("InvalidParameterValue", "The maximum number of resources for this request is 1000")
	}
	var requested []service.TagChange
	for _, n := range c.Params.Items("Tag") {
		x := service.TagChange{Key: n.Text("Key")}
		if v := n.At("Value"); v.Set || create {
			x.Value = &v.Value
		}
		requested = append(requested, x)
	}
	if create && len(requested) == 0 {
		return missingParameter("tagSet")
	}
	if create {
		var ts state.Tags
		for _, x := range requested {
			ts = append(ts, state.Tag{Key: x.Key, Value: *x.Value})
		}
		if err := service.CheckTags(ts); err != nil {
			return err
		}
	}
	if err := c.Params.UnknownParameter(); err != nil {
		return err
	}
	c.resources = len(ids)
	var found []state.Taggable
	for _, id := range ids {
		t, err := findTaggable(c.Region, id)
		if err != nil {
			return err
		}
		found = append(found, t)
	}
	for _, t := range found {
		if err := c.authorizeTags(t, requested); err != nil {
			return err
		}
	}
	if err := c.checkDryRun(); err != nil {
		return err
	}
	changed := make([]state.Tags, len(found))
	for n, t := range found {
		changed[n] = applyTags(*t.Tags, requested, create)
		if err := service.CheckCount(changed[n]); err != nil {
			return err
		}
	}
	for n, t := range found {
		c.remember(t)
		*t.Tags = changed[n]
	}
	c.Out.Flag("return", true)
	return nil
}

func applyTags(ts state.Tags, requested []service.TagChange, create bool) state.Tags {
	if !create && len(requested) == 0 { // all, save those of AWS
		return slices.DeleteFunc(slices.Clone(ts), func(x state.Tag) bool { return !strings.HasPrefix(x.Key, "aws:") })
	}
	for _, x := range requested {
		if create {
			ts = ts.With(x.Key, *x.Value)
		} else {
			ts = ts.Without(x.Key, x.Value)
		}
	}
	return ts
}

// remember keeps the tags of a snapshot that are to change, for answers that do not
// show the change yet.
func (c *ec2Call) remember(t state.Taggable) {
	s := c.Region.SnapshotNamed(t.ID)
	if s == nil {
		return
	}
	was := state.Retagging{At: c.Now, Before: s.Tags}
	for _, h := range c.Faults {
		if h.Kind == service.Stale {
			was.Visible = c.Now.Add(h.For)
		}
	}
	s.Retag = &was
}

func (c *ec2Call) authorizeTags(t state.Taggable, requested []service.TagChange) *wire.Error {
	ctx := policy.Context{ResourceTags: *t.Tags, Region: c.Region.Name}
	var values state.Tags
	for _, x := range requested {
		ctx.TagKeys = append(ctx.TagKeys, x.Key)
		if x.Value != nil {
			values = append(values, state.Tag{Key: x.Key, Value: *x.Value})
		}
	}
	ctx.RequestTags = values
	arn := c.Region.ARN(t.ResourceType, t.ID)
	if t.ResourceType == "snapshot" || t.ResourceType == "image" {
		arn = strings.Replace(arn, c.Region.Owner, "", 1) // these have no account in policies
	}
	return c.Call.Authorize(arn, &ctx)
}

// describeTags lists the tags of all resources, those of the oldest first.
func (c *ec2Call) describeTags() *wire.Error {
	fs, err := wire.ReadFilters(c.Params, tagFilters())
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
	add := func(seq uint64, id, kind string, ts state.Tags) {
		for n, x := range ts {
			row := tagRow{seq, n, id, kind, x}
			if page.After(seq, n) && wire.MatchAll(fs, &row) {
				rows = append(rows, row)
			}
		}
	}
	for _, res := range c.Region.Reservations {
		for n, i := range res.Instances {
			i.Settle(c.Now)
			if !i.Gone {
				add(res.Seq<<8|uint64(n), i.ID, "instance", i.Tags)
			}
		}
	}
	for _, v := range c.Region.VolumeOrder {
		add(1<<40|v.Seq, v.ID, "volume", v.Tags)
	}
	for _, s := range c.Region.SpotRequests {
		add(1<<41|s.Seq, s.ID, "spot-instances-request", s.Tags)
	}
	for _, t := range c.Region.Other.All() {
		add(1<<42|t.Seq, t.ID, t.ResourceType, *t.Tags)
	}
	rows, token := wire.CutPage(page, rows, func(r tagRow) (uint64, int) { return r.seq, r.index })
	c.Out.Open("tagSet")
	for _, r := range rows {
		c.Out.Open("item")
		c.Out.Text("resourceId", r.id)
		c.Out.Text("resourceType", r.kind)
		c.Out.Text("key", r.tag.Key)
		c.Out.Text("value", r.tag.Value)
		c.Out.End("item")
	}
	c.Out.End("tagSet")
	c.Out.Optional("nextToken", token)
	return nil
}

// tagRow is one tag of one resource.
type tagRow struct {
	seq   uint64
	index int
	id    string
	kind  string
	tag   state.Tag
}
