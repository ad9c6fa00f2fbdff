package sandbox

import (
	"maps"
	"slices"
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
		c.out.value(name, boolText(i.stopGuard))
	case "disableApiTermination":
		c.out.value(name, boolText(i.endGuard))
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
		c.out.value(name, boolText(i.ebsOptimized))
	case "enaSupport", "sourceDestCheck":
		c.out.value(name, "true")
	case "rootDeviceName":
		c.out.value(name, i.system.rootDevice)
	default:
		return unknownAttribute(name)
	}
	return nil
}

func boolText(v bool) string {
	if v {
		return "true"
	}
	return "false"
}

func unknownAttribute(name string) *apiError {
	return invalid("InvalidParameterValue", "Value ("+name+") for parameter attribute is invalid. Unknown attribute.")
}

// unchangeable are the attributes that EC2 can change and the account cannot,
// by their parameter.
func unchangeable() map[string]string {
	return map[string]string{
		"BlockDeviceMapping": "blockDeviceMapping", "EbsOptimized": "ebsOptimized", "EnaSupport": "enaSupport", "GroupId": "groupSet",
		"InstanceInitiatedShutdownBehavior": "instanceInitiatedShutdownBehavior", "InstanceType": "instanceType", "Kernel": "kernel",
		"Ramdisk": "ramdisk", "SourceDestCheck": "sourceDestCheck", "SriovNetSupport": "sriovNetSupport", "UserData": "userData",
	}
}

func cannotChange(name string) *apiError {
	return invalid("UnsupportedOperation", "The practice account changes only disableApiStop and disableApiTermination, not "+name+".")
}

// modifyAttribute is ModifyInstanceAttribute for the two protections.
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
	others := unchangeable()
	switch name := c.form.text("Attribute"); {
	case name == "":
	case name == "disableApiStop":
		changes["DisableApiStop"] = c.form.text("Value")
	case name == "disableApiTermination":
		changes["DisableApiTermination"] = c.form.text("Value")
	case slices.Contains(slices.Collect(maps.Values(others)), name):
		return cannotChange(name)
	default:
		return unknownAttribute(name)
	}
	for _, parameter := range sortedKeys(others) {
		if c.form.has(parameter) {
			return cannotChange(others[parameter])
		}
	}
	if err := c.form.unknownParameter(); err != nil {
		return err
	}
	if len(changes) == 0 {
		return invalid("InvalidParameterCombination", "No attributes specified.")
	}
	for name, v := range changes {
		if v != "true" && v != "false" {
			return invalid("InvalidParameterValue", "Value ("+v+") for parameter "+name+" is invalid. It must be true or false.")
		}
	}
	batch, err := c.batch([]string{id})
	if err != nil {
		return err
	}
	i := batch[0]
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
