package ec2

import (
	"slices"
	"strconv"

	"nightshift/internal/sandbox/state"
	"nightshift/internal/sandbox/wire"
)

func noTemplate(id string) *wire.Error {
	return wire.Invalid("InvalidLaunchTemplateId.NotFound", "The specified launch template, with template ID "+id+", does not exist.")
}

func noTemplateName(name string) *wire.Error {
	return wire.Invalid("InvalidLaunchTemplateName.NotFoundException", "The specified launch template, with template name "+name+", does not exist.")
}

// mostTemplates is the largest page of launch templates and of their versions.
const mostTemplates = 200

// describeTemplates is DescribeLaunchTemplates.
func (c *ec2Call) describeTemplates() *wire.Error {
	ids, names := c.Params.Texts("LaunchTemplateId"), c.Params.Texts("LaunchTemplateName")
	fs, err := wire.ReadFilters(c.Params, wire.Fields[*state.LaunchTemplate]{
		"tag-key":              func(t *state.LaunchTemplate) []string { return t.Tags.Keys() },
		"tag-value":            func(t *state.LaunchTemplate) []string { return t.Tags.Values() },
		"create-time":          func(t *state.LaunchTemplate) []string { return wire.NonEmpty(iso(t.Created)) },
		"launch-template-name": func(t *state.LaunchTemplate) []string { return wire.NonEmpty(t.Name) },
	})
	if err != nil {
		return err
	}
	c.Params.Accept("IncludeManagedResources")
	p, err := c.pageFrom(1, mostTemplates, len(fs) > 0)
	if err != nil {
		return err
	}
	c.resources = len(ids)
	if err := c.readOnly(); err != nil {
		return err
	}
	list, err := named(c.Region.Other.LaunchTemplates, func(t *state.LaunchTemplate) string { return t.ID }, ids, noTemplate)
	if err != nil {
		return err
	}
	if list, err = named(list, func(t *state.LaunchTemplate) string { return t.Name }, names, noTemplateName); err != nil {
		return err
	}
	seq := func(t *state.LaunchTemplate) uint64 { return t.Seq }
	rows, token := wire.CutPage(p, wire.Remaining(p, list, seq, fs), func(t *state.LaunchTemplate) (uint64, int) { return t.Seq, 0 })
	c.Out.Open("launchTemplates")
	for _, t := range rows {
		c.Out.Open("item")
		c.Out.Text("launchTemplateId", t.ID)
		c.Out.Text("launchTemplateName", t.Name)
		c.Out.Time("createTime", t.Created)
		c.Out.Text("createdBy", creatorARN(c.Region))
		c.Out.Number("defaultVersionNumber", int64(t.Default))
		c.Out.Number("latestVersionNumber", int64(len(t.Versions)))
		writeTags(c.Out, t.Tags)
		c.Out.End("item")
	}
	c.Out.End("launchTemplates")
	c.Out.Optional("nextToken", token)
	return nil
}

func creatorARN(r *state.Region) string { return "arn:aws:iam::" + r.Owner + ":root" }

// templateRow is one version of a launch template.
type templateRow struct {
	of     *state.LaunchTemplate
	number int
	state.TemplateVersion
}

// describeTemplateVersions is DescribeLaunchTemplateVersions: of one template, or the
// latest or default ones of all.
func (c *ec2Call) describeTemplateVersions() *wire.Error {
	id, name, versions := c.Params.Text("LaunchTemplateId"), c.Params.Text("LaunchTemplateName"), c.Params.Texts("LaunchTemplateVersion")
	fs, err := wire.ReadFilters(c.Params, wire.Fields[templateRow]{
		"create-time":        func(r templateRow) []string { return wire.NonEmpty(iso(r.Created)) },
		"image-id":           func(r templateRow) []string { return wire.NonEmpty(r.Image) },
		"instance-type":      func(r templateRow) []string { return wire.NonEmpty(r.Type) },
		"is-default-version": func(r templateRow) []string { return wire.Bool(r.number == r.of.Default) },
	}, "ebs-optimized", "http-endpoint", "http-protocol-ipv4", "host-resource-group-arn", "http-tokens", "iam-instance-profile",
		"kernel-id", "license-configuration-arn", "network-card-index", "ram-disk-id")
	if err != nil {
		return err
	}
	c.Params.Accept("ResolveAlias", "IncludeManagedResources")
	least, err := c.Params.Number("MinVersion")
	if err != nil {
		return err
	}
	most, err := c.Params.Number("MaxVersion")
	if err != nil {
		return err
	}
	p, err := c.pageFrom(1, mostTemplates, len(fs) > 0)
	if err != nil {
		return err
	}
	if err := c.readOnly(); err != nil {
		return err
	}
	of, err := c.templatesOf(id, name, versions)
	if err != nil {
		return err
	}
	var rows []templateRow
	for _, t := range of {
		for n, v := range t.Versions {
			row := templateRow{t, n + 1, v}
			if p.After(t.Seq, n) && row.among(versions) && int64(n+1) >= least && (most == 0 || int64(n+1) <= most) && wire.MatchAll(fs, row) {
				rows = append(rows, row)
			}
		}
	}
	rows, token := wire.CutPage(p, rows, func(r templateRow) (uint64, int) { return r.of.Seq, r.number - 1 })
	c.Out.Open("launchTemplateVersionSet")
	for _, r := range rows {
		c.Out.Open("item")
		c.writeTemplateVersion(r)
		c.Out.End("item")
	}
	c.Out.End("launchTemplateVersionSet")
	c.Out.Optional("nextToken", token)
	return nil
}

// templatesOf are the templates whose versions are asked for: the one of an id or a
// name, or all, of which only $Latest and $Default can be.
func (c *ec2Call) templatesOf(id, name string, versions []string) ([]*state.LaunchTemplate, *wire.Error) {
	all := c.Region.Other.LaunchTemplates
	switch {
	case id != "" && name != "":
		return nil, wire.Invalid("InvalidParameterCombination", "Either a launch template ID or a launch template name can be specified, but not both.")
	case id != "":
		return named(all, func(t *state.LaunchTemplate) string { return t.ID }, []string{id}, noTemplate)
	case name != "":
		return named(all, func(t *state.LaunchTemplate) string { return t.Name }, []string{name}, noTemplateName)
	case len(versions) == 0 || slices.ContainsFunc(versions, func(v string) bool { return v != "$Latest" && v != "$Default" }):
		return nil, wire.Invalid("MissingParameter", "Without a launch template, the versions must be $Latest or $Default.")
	}
	return all, nil
}

// among says whether a version is among those asked for; none means all.
func (r templateRow) among(versions []string) bool {
	return len(versions) == 0 || slices.Contains(versions, strconv.Itoa(r.number)) ||
		slices.Contains(versions, "$Latest") && r.number == len(r.of.Versions) ||
		slices.Contains(versions, "$Default") && r.number == r.of.Default
}

func (c *ec2Call) writeTemplateVersion(r templateRow) {
	d := c.Out
	d.Text("launchTemplateId", r.of.ID)
	d.Text("launchTemplateName", r.of.Name)
	d.Number("versionNumber", int64(r.number))
	d.Optional("versionDescription", r.Description)
	d.Time("createTime", r.Created)
	d.Text("createdBy", creatorARN(c.Region))
	d.Flag("defaultVersion", r.number == r.of.Default)
	d.Open("launchTemplateData")
	if len(r.Disks) > 0 {
		d.Open("blockDeviceMappingSet")
		for _, k := range r.Disks {
			d.Open("item")
			writeImageDisk(d, k)
			d.End("item")
		}
		d.End("blockDeviceMappingSet")
	}
	d.Optional("imageId", r.Image)
	d.Optional("instanceType", r.Type)
	d.End("launchTemplateData")
}
