package ec2

import (
	"slices"
	"strings"

	"nightshift/internal/sandbox/state"
	"nightshift/internal/sandbox/wire"
)

// everybody is the group with which public snapshots are shared.
const everybody = "all"

// describeSnapshotAttribute is DescribeSnapshotAttribute.
func (c *ec2Call) describeSnapshotAttribute() *wire.Error {
	attribute := c.Params.Text("Attribute")
	s, err := c.ownSnapshot()
	if err != nil {
		return err
	}
	if err := c.checkDryRun(); err != nil {
		return err
	}
	c.Out.Text("snapshotId", s.ID)
	switch attribute {
	case "createVolumePermission":
		c.Out.Open("createVolumePermission")
		if s.Public {
			c.Out.Open("item")
			c.Out.Text("group", everybody)
			c.Out.End("item")
		}
		for _, id := range s.Users {
			c.Out.Open("item")
			c.Out.Text("userId", id)
			c.Out.End("item")
		}
		c.Out.End("createVolumePermission")
	case "productCodes":
		c.Out.Open("productCodes")
		c.Out.End("productCodes")
	default:
		return unknownSnapshotAttribute(attribute)
	}
	return nil
}

func unknownSnapshotAttribute(name string) *wire.Error {
	if name == "" {
		return missingParameter("attribute")
	}
	return wire.Invalid("InvalidParameterValue", "Value ("+name+") for parameter attribute is invalid. Unknown snapshot attribute.")
}

// modifySnapshotAttribute is ModifySnapshotAttribute: whom a snapshot is shared with,
// in the words of either of its two forms.
func (c *ec2Call) modifySnapshotAttribute() *wire.Error {
	attribute, operation := c.Params.Text("Attribute"), c.Params.Text("OperationType")
	plain := slices.Concat(c.Params.Texts("UserId"), c.Params.Texts("UserGroup"))
	add, remove := c.permissions("Add"), c.permissions("Remove")
	s, err := c.ownSnapshot()
	if err != nil {
		return err
	}
	switch {
	case attribute != "" && attribute != "createVolumePermission":
		return unknownSnapshotAttribute(attribute)
	case operation == "add":
		add = append(add, plain...)
	case operation == "remove":
		remove = append(remove, plain...)
	case operation != "" || len(plain) > 0:
		return wire.Invalid("InvalidParameterValue", "Value ("+operation+") for parameter operationType is invalid. It must be add or remove.")
	}
	if len(add)+len(remove) == 0 {
		return missingParameter("createVolumePermission")
	}
	if err := c.canShare(s, add); err != nil {
		return err
	}
	if err := c.checkDryRun(); err != nil {
		return err
	}
	for _, who := range add {
		share(s, who, true)
	}
	for _, who := range remove {
		share(s, who, false)
	}
	c.Out.Flag("return", true)
	return nil
}

// permissions are the accounts and groups to add or to remove.
func (c *ec2Call) permissions(change string) []string {
	var list []string
	for _, n := range c.Params.Items("CreateVolumePermission." + change) {
		for _, name := range []string{"UserId", "Group"} {
			if who := n.Text(name); who != "" {
				list = append(list, who)
			}
		}
	}
	return list
}

// canShare refuses to share what nobody else could use.
func (c *ec2Call) canShare(s *state.Snapshot, with []string) *wire.Error {
	for _, who := range with {
		switch {
		case who != everybody && len(who) != len(c.Region.Owner):
			return wire.Invalid("InvalidAMIAttributeItemValue", `Invalid attribute item value "`+who+`" for userId item type.`)
		case who == everybody && s.Encrypted:
			return wire.Invalid("InvalidParameterValue", "Encrypted snapshots cannot be shared publicly.")
		case s.Encrypted && (s.KMSKey == "" || strings.Contains(s.KMSKey, "alias/aws/ebs")):
			return wire.Invalid("InvalidParameterValue", "Encrypted snapshots with EBS default key cannot be shared")
		}
	}
	return nil
}

func share(s *state.Snapshot, who string, with bool) {
	if who == everybody {
		s.Public = with
		return
	}
	s.Users = slices.DeleteFunc(slices.Clone(s.Users), func(id string) bool { return id == who })
	if with {
		s.Users = append(s.Users, who)
	}
}

// resetSnapshotAttribute is ResetSnapshotAttribute: the snapshot is shared with nobody.
func (c *ec2Call) resetSnapshotAttribute() *wire.Error {
	attribute := c.Params.Text("Attribute")
	s, err := c.ownSnapshot()
	if err != nil {
		return err
	}
	if attribute != "createVolumePermission" {
		return unknownSnapshotAttribute(attribute)
	}
	if err := c.checkDryRun(); err != nil {
		return err
	}
	s.Public, s.Users = false, nil
	c.Out.Flag("return", true)
	return nil
}
