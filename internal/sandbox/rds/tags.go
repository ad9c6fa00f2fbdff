package rds

import (
	"strings"
	"unicode"

	"nightshift/internal/sandbox/service"
	"nightshift/internal/sandbox/state"
	"nightshift/internal/sandbox/wire"
)

// addTags is AddTagsToResource.
func (c *rdsCall) addTags() *wire.Error {
	var requested state.Tags
	for _, n := range c.Params.Items("Tags.Tag") {
		requested = append(requested, state.Tag{Key: n.Text("Key"), Value: n.Text("Value")})
	}
	d, err := c.tagged(requested.Keys())
	if err != nil {
		return err
	}
	if err := checkDBTags(requested); err != nil {
		return err
	}
	changed := d.tags
	for _, x := range requested {
		changed = changed.With(x.Key, x.Value)
	}
	if err := service.CheckCount(changed); err != nil {
		return err
	}
	d.tags = changed
	return nil
}

// removeTags is RemoveTagsFromResource. Keys that are not there do not matter.
func (c *rdsCall) removeTags() *wire.Error {
	keys := c.Params.Texts("TagKeys.member")
	d, err := c.tagged(keys)
	if err != nil {
		return err
	}
	for _, key := range keys {
		d.tags = d.tags.Without(key, nil)
	}
	return nil
}

// listTags is ListTagsForResource.
func (c *rdsCall) listTags() *wire.Error {
	d, err := c.tagged(nil)
	if err != nil {
		return err
	}
	writeDbTags(c.Out, d.tags)
	return nil
}

// tagged finds the resource that ResourceName, an ARN, names and asks for
// permission on it.
func (c *rdsCall) tagged(keys []string) (*database, *wire.Error) {
	arn := c.Params.Text("ResourceName")
	if err := c.Params.UnknownParameter(); err != nil {
		return nil, err
	}
	parts := strings.Split(arn, ":")
	if len(parts) != 7 || parts[2] != "rds" || parts[3] != c.Region.Name || parts[4] != c.Region.Owner {
		return nil, wire.Invalid("InvalidParameterValue", "Invalid resource name: "+arn)
	}
	kind := dbKind(parts[5])
	if kind != aDatabase && kind != aCluster {
		return nil, wire.Invalid("InvalidParameterValue", "The sandbox has no RDS resources of type "+parts[5])
	}
	c.IDs = 1
	d := findDatabase(c.Region, kind, parts[6])
	if d == nil {
		return nil, noDatabase(kind, parts[6])
	}
	return d, c.Authorize(arn, d.tags, keys)
}

// checkDBTags refuses what RDS does not take as tags: besides the limits of
// EC2, only letters, digits, white space and _ . : / = + - @.
func checkDBTags(ts state.Tags) *wire.Error {
	if err := service.CheckTags(ts); err != nil {
		return err
	}
	for _, x := range ts {
		if strings.ContainsFunc(x.Key+x.Value, strangeInTag) {
			return wire.Invalid("InvalidParameterValue",
				"The tag "+x.Key+" has characters other than letters, digits, white space and _ . : / = + - @")
		}
	}
	return nil
}

func strangeInTag(r rune) bool {
	return !unicode.IsLetter(r) && !unicode.IsDigit(r) && !unicode.IsSpace(r) && !strings.ContainsRune("_.:/=+-@", r)
}

func writeDbTags(d *wire.Doc, ts state.Tags) {
	d.Open("TagList")
	for _, x := range ts {
		d.Open("Tag")
		d.Text("Key", x.Key)
		d.Text("Value", x.Value)
		d.End("Tag")
	}
	d.End("TagList")
}
