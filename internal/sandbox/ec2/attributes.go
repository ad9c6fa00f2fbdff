package ec2

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	"nightshift/internal/sandbox/state"
	"nightshift/internal/sandbox/wire"
)

// describeAttribute is DescribeInstanceAttribute.
func (c *ec2Call) describeAttribute() *wire.Error {
	name, id := c.Params.Text("Attribute"), c.Params.Text("InstanceId")
	if err := c.readOnly(); err != nil {
		return err
	}
	if id == "" {
		return missingParameter("InstanceId")
	}
	if name == "" {
		return missingParameter("Attribute")
	}
	found, err := c.instancesNamed([]string{id})
	if err != nil {
		return err
	}
	i := found[0]
	c.Out.Text("instanceId", i.ID)
	switch name {
	case "disableApiStop":
		c.Out.Value(name, strconv.FormatBool(i.StopProtection))
	case "disableApiTermination":
		c.Out.Value(name, strconv.FormatBool(i.TerminationProtection))
	case "instanceType":
		c.Out.Value(name, i.Type.Name)
	case "instanceInitiatedShutdownBehavior":
		c.Out.Value(name, i.ShutdownBehavior)
	case "userData":
		c.Out.Open(name)
		c.Out.Optional("value", i.UserData)
		c.Out.End(name)
	case "kernel", "ramdisk", "sriovNetSupport", "productCodes":
		c.Out.Open(name)
		if name == "productCodes" {
			writeProductItems(c.Out, i.Products)
		}
		c.Out.End(name)
	case "blockDeviceMapping":
		writeBlockDevices(c.Out, c.Now, i)
	case "groupSet":
		writeSecurityGroups(c.Out, c.Region)
	case "enclaveOptions":
		c.Out.Open(name)
		c.Out.Flag("enabled", false)
		c.Out.End(name)
	case "ebsOptimized":
		c.Out.Value(name, strconv.FormatBool(i.EBSOptimized))
	case "enaSupport", "sourceDestCheck":
		c.Out.Value(name, "true")
	case "rootDeviceName":
		c.Out.Value(name, i.System.RootDevice)
	default:
		return unknownAttribute(name)
	}
	return nil
}

func unknownAttribute(name string) *wire.Error {
	return wire.Invalid("InvalidParameterValue", "Value ("+name+") for parameter attribute is invalid. Unknown attribute.")
}

// unchangeable are the attributes that EC2 can change and the account cannot,
// by their parameter.
func unchangeable() map[string]string {
	return map[string]string{
		"BlockDeviceMapping": "blockDeviceMapping", "EbsOptimized": "ebsOptimized", "EnaSupport": "enaSupport", "GroupId": "groupSet",
		"InstanceInitiatedShutdownBehavior": "instanceInitiatedShutdownBehavior", "Kernel": "kernel",
		"Ramdisk": "ramdisk", "SourceDestCheck": "sourceDestCheck", "SriovNetSupport": "sriovNetSupport", "UserData": "userData",
	}
}

func cannotChange(name string) *wire.Error {
	return wire.Invalid("UnsupportedOperation", "The sandbox changes only disableApiStop, disableApiTermination and instanceType, not "+name+".")
}

// modifyAttribute is ModifyInstanceAttribute for the two protections and the
// type.
func (c *ec2Call) modifyAttribute() *wire.Error {
	id := c.Params.Text("InstanceId")
	if id == "" {
		return missingParameter("InstanceId")
	}
	changes := map[string]string{}
	for _, name := range []string{"DisableApiStop", "DisableApiTermination"} {
		if c.Params.Has(name) {
			changes[name] = c.Params.Text(name + ".Value")
		}
	}
	kind := c.Params.Text("InstanceType.Value")
	others := unchangeable()
	switch name := c.Params.Text("Attribute"); {
	case name == "":
	case name == "disableApiStop":
		changes["DisableApiStop"] = c.Params.Text("Value")
	case name == "disableApiTermination":
		changes["DisableApiTermination"] = c.Params.Text("Value")
	case name == "instanceType":
		kind = c.Params.Text("Value")
	case slices.Contains(slices.Collect(maps.Values(others)), name):
		return cannotChange(name)
	default:
		return unknownAttribute(name)
	}
	for _, parameter := range slices.Sorted(maps.Keys(others)) {
		if c.Params.Has(parameter) {
			return cannotChange(others[parameter])
		}
	}
	if err := c.Params.UnknownParameter(); err != nil {
		return err
	}
	switch {
	case len(changes) == 0 && kind == "":
		return wire.Invalid("InvalidParameterCombination", "No attributes specified.")
	case len(changes) > 0 && kind != "":
		return wire.Invalid("InvalidParameterCombination", "Fields for multiple attribute types specified: only one attribute can be changed at a time.")
	}
	for name, v := range changes {
		if v != "true" && v != "false" {
			return wire.Invalid("InvalidParameterValue", "Value ("+v+") for parameter "+name+" is invalid. It must be true or false.")
		}
	}
	c.attribute = "InstanceType"
	if kind == "" {
		c.attribute = strings.Join(slices.Sorted(maps.Keys(changes)), " ")
	}
	batch, err := c.batch([]string{id})
	if err != nil {
		return err
	}
	i := batch[0]
	if kind != "" {
		if err := c.changeType(i, kind); err != nil {
			return err
		}
	}
	if v, ok := changes["DisableApiStop"]; ok {
		if i.Spot != nil {
			return wire.Invalid("UnsupportedOperation", "The attribute 'disableApiStop' cannot be modified for the Spot Instance '"+i.ID+"'.")
		}
		i.StopProtection = v == "true"
	}
	if v, ok := changes["DisableApiTermination"]; ok {
		i.TerminationProtection = v == "true"
	}
	c.Out.Flag("return", true)
	return nil
}

// changeType gives a stopped instance another type and the CPU options that
// belong to it.
func (c *ec2Call) changeType(i *state.Instance, name string) *wire.Error {
	kind, ok := c.Organization.Types.Spec(name)
	switch {
	case !ok:
		return wire.Invalid("InvalidInstanceAttributeValue", "Invalid value '"+name+"' for InstanceType.")
	case i.State != state.Stopped:
		return wire.Invalid("IncorrectInstanceState", "The instance '"+i.ID+"' is not in the 'stopped' state.")
	case i.Spot != nil:
		return wire.Invalid("UnsupportedOperation", "The type of the Spot Instance '"+i.ID+"' cannot be changed.")
	case kind.Architecture != i.Type.Architecture:
		return wire.Invalid("InvalidParameterValue", "The architecture '"+kind.Architecture+"' of the specified instance type does not match the architecture '"+
			i.Type.Architecture+"' of the instance.")
	}
	i.Type, i.Cores, i.Threads = kind, int64(kind.Cores), int64(kind.ThreadsPerCore)
	return nil
}
