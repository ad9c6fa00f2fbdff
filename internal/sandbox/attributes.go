package sandbox

import (
	"maps"
	"slices"
	"strconv"
	"strings"
)

// describeAttribute is DescribeInstanceAttribute.
func (c *ec2Call) describeAttribute() *apiError {
	name, id := c.form.text("Attribute"), c.form.text("InstanceId")
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
	c.out.text("instanceId", i.id)
	switch name {
	case "disableApiStop":
		c.out.value(name, strconv.FormatBool(i.stopGuard))
	case "disableApiTermination":
		c.out.value(name, strconv.FormatBool(i.endGuard))
	case "instanceType":
		c.out.value(name, i.kind.Name)
	case "instanceInitiatedShutdownBehavior":
		c.out.value(name, i.atShutdown)
	case "userData":
		c.out.open(name)
		c.out.some("value", i.userData)
		c.out.end(name)
	case "kernel", "ramdisk", "sriovNetSupport", "productCodes":
		c.out.open(name)
		if name == "productCodes" {
			c.out.productItems(i.products)
		}
		c.out.end(name)
	case "blockDeviceMapping":
		c.out.blockDevices(c.now, i)
	case "groupSet":
		c.out.securityGroups(c.region)
	case "enclaveOptions":
		c.out.open(name)
		c.out.flag("enabled", false)
		c.out.end(name)
	case "ebsOptimized":
		c.out.value(name, strconv.FormatBool(i.ebsOptimized))
	case "enaSupport", "sourceDestCheck":
		c.out.value(name, "true")
	case "rootDeviceName":
		c.out.value(name, i.system.rootDevice)
	default:
		return unknownAttribute(name)
	}
	return nil
}

func unknownAttribute(name string) *apiError {
	return invalid("InvalidParameterValue", "Value ("+name+") for parameter attribute is invalid. Unknown attribute.")
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

func cannotChange(name string) *apiError {
	return invalid("UnsupportedOperation", "The practice account changes only disableApiStop, disableApiTermination and instanceType, not "+name+".")
}

// modifyAttribute is ModifyInstanceAttribute for the two protections and the
// type.
func (c *ec2Call) modifyAttribute() *apiError {
	id := c.form.text("InstanceId")
	if id == "" {
		return missingParameter("InstanceId")
	}
	changes := map[string]string{}
	for _, name := range []string{"DisableApiStop", "DisableApiTermination"} {
		if c.form.has(name) {
			changes[name] = c.form.text(name + ".Value")
		}
	}
	kind := c.form.text("InstanceType.Value")
	others := unchangeable()
	switch name := c.form.text("Attribute"); {
	case name == "":
	case name == "disableApiStop":
		changes["DisableApiStop"] = c.form.text("Value")
	case name == "disableApiTermination":
		changes["DisableApiTermination"] = c.form.text("Value")
	case name == "instanceType":
		kind = c.form.text("Value")
	case slices.Contains(slices.Collect(maps.Values(others)), name):
		return cannotChange(name)
	default:
		return unknownAttribute(name)
	}
	for _, parameter := range slices.Sorted(maps.Keys(others)) {
		if c.form.has(parameter) {
			return cannotChange(others[parameter])
		}
	}
	if err := c.form.unknownParameter(); err != nil {
		return err
	}
	switch {
	case len(changes) == 0 && kind == "":
		return invalid("InvalidParameterCombination", "No attributes specified.")
	case len(changes) > 0 && kind != "":
		return invalid("InvalidParameterCombination", "Fields for multiple attribute types specified: only one attribute can be changed at a time.")
	}
	for name, v := range changes {
		if v != "true" && v != "false" {
			return invalid("InvalidParameterValue", "Value ("+v+") for parameter "+name+" is invalid. It must be true or false.")
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
		if i.spot != nil {
			return invalid("UnsupportedOperation", "The attribute 'disableApiStop' cannot be modified for the Spot Instance '"+i.id+"'.")
		}
		i.stopGuard = v == "true"
	}
	if v, ok := changes["DisableApiTermination"]; ok {
		i.endGuard = v == "true"
	}
	c.out.flag("return", true)
	return nil
}

// changeType gives a stopped instance another type and the CPU options that
// belong to it.
func (c *ec2Call) changeType(i *instance, name string) *apiError {
	kind, ok := c.org.types.spec(name)
	switch {
	case !ok:
		return invalid("InvalidInstanceAttributeValue", "Invalid value '"+name+"' for InstanceType.")
	case i.state != stopped:
		return invalid("IncorrectInstanceState", "The instance '"+i.id+"' is not in the 'stopped' state.")
	case i.spot != nil:
		return invalid("UnsupportedOperation", "The type of the Spot Instance '"+i.id+"' cannot be changed.")
	case kind.Architecture != i.kind.Architecture:
		return invalid("InvalidParameterValue", "The architecture '"+kind.Architecture+"' of the specified instance type does not match the architecture '"+
			i.kind.Architecture+"' of the instance.")
	}
	i.kind, i.cores, i.threads = kind, int64(kind.Cores), int64(kind.ThreadsPerCore)
	return nil
}
