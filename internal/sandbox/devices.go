package sandbox

import "regexp"

var (
	deviceName  = regexp.MustCompile(`^(/dev/)?(sd[a-z]|xvd[a-z]|xvd[a-d][a-z])([1-9]|1[0-5])?$`)
	virtualName = regexp.MustCompile(`^ephemeral([0-9]|1[0-9]|2[0-3])$`)
)

// checkDevice refuses what is not a device name as "Device names for volumes"
// in the EC2 User Guide lists them for Linux and Windows.
func checkDevice(name string) *apiError {
	if !deviceName.MatchString(name) {
		return invalid("InvalidParameterValue", "Value ("+name+") for parameter device is invalid. "+name+" is not a valid EBS device name.")
	}
	return nil
}

// disks reads BlockDeviceMapping; the root volume is there without it too. A
// mapping of an instance store volume, or one that takes a device away, makes
// no volume.
func (c *ec2Call) disks(p *params, s system, ts tags) ([]disk, *apiError) {
	all := []disk{{device: s.rootDevice, spec: volumeSpec{kind: "gp3", gib: s.rootGiB}, deleteToo: true, tags: ts}}
	seen := map[string]bool{}
	for _, m := range p.items("BlockDeviceMapping") {
		k := disk{device: m.text("DeviceName"), deleteToo: m.flag("Ebs.DeleteOnTermination") || !m.has("Ebs.DeleteOnTermination"), tags: ts}
		var err *apiError
		if k.spec, err = c.volumeSpec(m.at("Ebs"), "VolumeSize"); err != nil {
			return nil, err
		}
		if err := checkMapping(m, s); err != nil {
			return nil, err
		}
		if seen[k.device] {
			return nil, invalid("InvalidBlockDeviceMapping", "Duplicate device name '"+k.device+"'")
		}
		seen[k.device] = true
		switch {
		case !m.has("Ebs"):
		case k.device == s.rootDevice:
			if k.spec.gib == 0 {
				k.spec.gib = s.rootGiB
			}
			if k.spec.kind == "" {
				k.spec.kind = "gp3"
			}
			all[0] = k
		default:
			all = append(all, k)
		}
	}
	for n := range all {
		if err := completed(&all[n].spec); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// checkMapping refuses a mapping that contradicts itself.
func checkMapping(m *params, s system) *apiError {
	device, virtual := m.text("DeviceName"), m.text("VirtualName")
	kinds := 0
	for _, is := range []bool{m.at("NoDevice").set, virtual != "", m.has("Ebs")} {
		if is {
			kinds++
		}
	}
	switch {
	case device == "":
		return missingParameter("deviceName")
	case kinds != 1:
		return invalid("InvalidBlockDeviceMapping", "The mapping of "+device+" must be one of ebs, virtualName and noDevice")
	case device == s.rootDevice && !m.has("Ebs"):
		return invalid("InvalidBlockDeviceMapping", "The root device "+device+" of the image must be an EBS volume")
	case virtual != "" && !virtualName.MatchString(virtual):
		return invalid("InvalidBlockDeviceMapping", "'"+virtual+"' is not a virtual device such as ephemeral0")
	}
	return checkDevice(device)
}
