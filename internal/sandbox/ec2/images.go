package ec2

import (
	"strconv"

	"nightshift/internal/sandbox/state"
	"nightshift/internal/sandbox/wire"
)

func noImage(id string) *wire.Error {
	return wire.Invalid("InvalidAMIID.NotFound", "The image id '["+id+"]' does not exist")
}

// describeImages is DescribeImages. Disabled images are shown where they are asked for,
// deprecated ones also to their owner.
func (c *ec2Call) describeImages() *wire.Error {
	ids, owners, users := c.Params.Texts("ImageId"), c.Params.Texts("Owner"), c.Params.Texts("ExecutableBy")
	deprecated, disabled := c.Params.Flag("IncludeDeprecated"), c.Params.Flag("IncludeDisabled")
	fs, err := wire.ReadFilters(c.Params, c.imageFilters(), otherImageFilters()...)
	if err != nil {
		return err
	}
	p, err := c.pageFrom(1, 1000, len(fs) > 0)
	if err != nil {
		return err
	}
	c.resources = len(ids)
	if err := c.readOnly(); err != nil {
		return err
	}
	for _, id := range ids {
		if !wellFormed(id, "ami-") {
			return wire.Invalid("InvalidAMIID.Malformed", `Invalid id: "`+id+`"`)
		}
	}
	list, err := named(c.Region.Images(), func(i *state.Image) string { return i.ID }, ids, noImage)
	if err != nil {
		return err
	}
	var rows []*state.Image
	for _, i := range list {
		own := i.Owner == c.Region.Owner
		switch {
		case i.Disabled && !disabled, c.deprecated(i) && !own && !deprecated:
		case !p.After(i.Seq, 0), !imageOwnedBy(i, owners, own), !imageUsableBy(i, users), !wire.MatchAll(fs, i):
		default:
			rows = append(rows, i)
		}
	}
	rows, token := wire.CutPage(p, rows, func(i *state.Image) (uint64, int) { return i.Seq, 0 })
	c.Out.Open("imagesSet")
	for _, i := range rows {
		c.Out.Open("item")
		c.writeImage(i)
		c.Out.End("item")
	}
	c.Out.End("imagesSet")
	c.Out.Optional("nextToken", token)
	return nil
}

func (c *ec2Call) deprecated(i *state.Image) bool {
	return !i.Deprecated.IsZero() && !c.Now.Before(i.Deprecated)
}

// imageOwnedBy says whether one of the owners that a call names has an image; no names
// mean everybody.
func imageOwnedBy(i *state.Image, owners []string, own bool) bool {
	for _, o := range owners {
		if o == i.Owner || o == "self" && own || o == "amazon" && !own {
			return true
		}
	}
	return len(owners) == 0
}

// imageUsableBy says whether an image is shared with one of those that a call names; no
// names mean that it need not be. Images are shared with everybody or with nobody here.
func imageUsableBy(i *state.Image, users []string) bool {
	for _, who := range users {
		if who == "all" && i.Public {
			return true
		}
	}
	return len(users) == 0
}

func imageState(i *state.Image) string {
	if i.Disabled {
		return "disabled"
	}
	return "available"
}

func (c *ec2Call) writeImage(i *state.Image) {
	d, own := c.Out, i.Owner == c.Region.Owner
	d.Text("imageId", i.ID)
	d.Text("imageLocation", i.Owner+"/"+i.Name)
	d.Text("imageState", imageState(i))
	d.Text("imageOwnerId", i.Owner)
	d.Text("creationDate", iso(i.Created))
	d.Flag("isPublic", i.Public)
	writeProducts(d, i.Products)
	d.Text("architecture", i.Architecture)
	d.Text("imageType", "machine")
	if i.System.Windows {
		d.Text("platform", "windows")
	}
	d.Text("platformDetails", i.System.PlatformDetails)
	d.Text("usageOperation", i.System.UsageOperation)
	d.Text("name", i.Name)
	d.Text("description", i.Description)
	if !own {
		d.Text("imageOwnerAlias", "amazon")
	}
	d.Text("rootDeviceType", "ebs")
	d.Text("rootDeviceName", i.System.RootDevice)
	d.Open("blockDeviceMapping")
	for _, k := range i.Disks {
		d.Open("item")
		writeImageDisk(d, k)
		d.End("item")
	}
	d.End("blockDeviceMapping")
	d.Text("virtualizationType", "hvm")
	writeTags(d, i.Tags)
	d.Text("hypervisor", "xen")
	d.Flag("enaSupport", true)
	d.Optional("bootMode", imageBootMode(i))
	if !i.Deprecated.IsZero() {
		d.Text("deprecationTime", iso(i.Deprecated))
	}
	d.Optional("sourceInstanceId", i.Source)
}

// imageBootMode is that of instances made of an image; Windows leaves it to the type.
func imageBootMode(i *state.Image) string {
	switch {
	case i.System.Windows:
		return ""
	case i.Architecture == "arm64":
		return "uefi"
	}
	return "uefi-preferred"
}

// writeImageDisk writes a block device mapping of an image or a launch template.
func writeImageDisk(d *wire.Doc, k state.ImageDisk) {
	d.Text("deviceName", k.Device)
	d.Open("ebs")
	d.Flag("encrypted", k.Encrypted)
	d.Flag("deleteOnTermination", true)
	d.Optional("snapshotId", k.Snapshot)
	d.Number("volumeSize", k.SizeGiB)
	d.Optional("volumeType", k.Type)
	d.End("ebs")
}

// imageFilters are the filters of DescribeImages.
func (c *ec2Call) imageFilters() wire.Fields[*state.Image] {
	each := func(of func(state.ImageDisk) string) wire.Values[*state.Image] {
		return func(i *state.Image) []string {
			var list []string
			for _, k := range i.Disks {
				list = append(list, of(k))
			}
			return list
		}
	}
	platform := func(i *state.Image) []string {
		if i.System.Windows {
			return []string{"windows"}
		}
		return nil
	}
	return wire.Fields[*state.Image]{
		"tag-key":                          func(i *state.Image) []string { return i.Tags.Keys() },
		"tag-value":                        func(i *state.Image) []string { return i.Tags.Values() },
		"architecture":                     func(i *state.Image) []string { return wire.NonEmpty(i.Architecture) },
		"block-device-mapping.device-name": each(func(k state.ImageDisk) string { return k.Device }),
		"block-device-mapping.snapshot-id": each(func(k state.ImageDisk) string { return k.Snapshot }),
		"block-device-mapping.volume-size": each(func(k state.ImageDisk) string { return strconv.FormatInt(k.SizeGiB, 10) }),
		"block-device-mapping.volume-type": each(func(k state.ImageDisk) string { return k.Type }),
		"block-device-mapping.encrypted":   each(func(k state.ImageDisk) string { return strconv.FormatBool(k.Encrypted) }),
		"creation-date":                    func(i *state.Image) []string { return wire.NonEmpty(iso(i.Created)) },
		"description":                      func(i *state.Image) []string { return wire.NonEmpty(i.Description) },
		"image-id":                         func(i *state.Image) []string { return wire.NonEmpty(i.ID) },
		"image-type":                       wire.Constant[*state.Image]("machine"),
		"is-public":                        func(i *state.Image) []string { return wire.Bool(i.Public) },
		"name":                             func(i *state.Image) []string { return wire.NonEmpty(i.Name) },
		"owner-id":                         func(i *state.Image) []string { return wire.NonEmpty(i.Owner) },
		"platform":                         platform,
		"product-code":                     func(i *state.Image) []string { return i.Products },
		"root-device-name":                 func(i *state.Image) []string { return wire.NonEmpty(i.System.RootDevice) },
		"root-device-type":                 wire.Constant[*state.Image]("ebs"),
		"source-instance-id":               func(i *state.Image) []string { return wire.NonEmpty(i.Source) },
		"state":                            func(i *state.Image) []string { return wire.NonEmpty(imageState(i)) },
		"virtualization-type":              wire.Constant[*state.Image]("hvm"),
	}
}

// otherImageFilters are documented too.
func otherImageFilters() []string {
	return []string{
		"block-device-mapping.delete-on-termination", "ena-support", "free-tier-eligible", "hypervisor", "image-allowed",
		"kernel-id", "manifest-location", "owner-alias", "product-code.type", "ramdisk-id", "source-image-id",
		"source-image-region", "state-reason-code", "state-reason-message", "sriov-net-support",
	}
}
