package sandbox

import (
	"strings"
	"unicode"
)

// addTags is AddTagsToResource.
func (c *rdsCall) addTags() *apiError {
	var wanted tags
	for _, n := range c.form.items("Tags.Tag") {
		wanted = append(wanted, tag{n.text("Key"), n.text("Value")})
	}
	d, err := c.tagged(wanted.keys())
	if err != nil {
		return err
	}
	if err := checkDBTags(wanted); err != nil {
		return err
	}
	changed := d.tags
	for _, x := range wanted {
		changed = changed.with(x.key, x.value)
	}
	if err := checkCount(changed); err != nil {
		return err
	}
	d.tags = changed
	return nil
}

// removeTags is RemoveTagsFromResource. Keys that are not there do not matter.
func (c *rdsCall) removeTags() *apiError {
	keys := c.form.texts("TagKeys.member")
	d, err := c.tagged(keys)
	if err != nil {
		return err
	}
	for _, key := range keys {
		d.tags = d.tags.without(key, nil)
	}
	return nil
}

// listTags is ListTagsForResource.
func (c *rdsCall) listTags() *apiError {
	d, err := c.tagged(nil)
	if err != nil {
		return err
	}
	c.out.dbTags(d.tags)
	return nil
}

// tagged finds the resource that ResourceName, an ARN, names and asks for
// permission on it.
func (c *rdsCall) tagged(keys []string) (*database, *apiError) {
	arn := c.form.text("ResourceName")
	if err := c.form.unknownParameter(); err != nil {
		return nil, err
	}
	parts := strings.Split(arn, ":")
	if len(parts) != 7 || parts[2] != "rds" || parts[3] != c.region.name || parts[4] != c.region.owner {
		return nil, invalid("InvalidParameterValue", "Invalid resource name: "+arn)
	}
	kind := dbKind(parts[5])
	if kind != aDatabase && kind != aCluster {
		return nil, invalid("InvalidParameterValue", "The practice account has no RDS resources of type "+parts[5])
	}
	c.ids = 1
	d := c.region.database(kind, parts[6])
	if d == nil {
		return nil, noDatabase(kind, parts[6])
	}
	return d, c.authorize(arn, d.tags, keys)
}

// checkDBTags refuses what RDS does not take as tags: beside the limits of
// EC2, only letters, digits, white space and _ . : / = + - @.
func checkDBTags(ts tags) *apiError {
	if err := checkTags(ts); err != nil {
		return err
	}
	for _, x := range ts {
		if strings.ContainsFunc(x.key+x.value, strangeInTag) {
			return invalid("InvalidParameterValue",
				"The tag "+x.key+" has characters other than letters, digits, white space and _ . : / = + - @")
		}
	}
	return nil
}

func strangeInTag(r rune) bool {
	return !unicode.IsLetter(r) && !unicode.IsDigit(r) && !unicode.IsSpace(r) && !strings.ContainsRune("_.:/=+-@", r)
}

func (d *doc) dbTags(ts tags) {
	d.open("TagList")
	for _, x := range ts {
		d.open("Tag")
		d.text("Key", x.key)
		d.text("Value", x.value)
		d.end("Tag")
	}
	d.end("TagList")
}
