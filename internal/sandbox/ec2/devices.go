package ec2

import (
	"regexp"

	"nightshift/internal/sandbox/state"
	"nightshift/internal/sandbox/wire"
)

var (
	deviceName  = regexp.MustCompile(`^(/dev/)?(sd[a-z]|xvd[a-z]|xvd[a-d][a-z])([1-9]|1[0-5])?$`)
	virtualName = regexp.MustCompile(`^ephemeral([0-9]|1[0-9]|2[0-3])$`)
)

// checkDevice refuses what is not a device name as "Device names for volumes"
// in the EC2 User Guide lists them for Linux and Windows.
func checkDevice(name string) *wire.Error {
	if !deviceName.MatchString(name) {
		return wire.Invalid("InvalidParameterValue", "Value ("+name+") for parameter device is invalid. "+name+" is not a valid EBS device name.")
	}
	return nil
}

// disks reads BlockDeviceMapping; the root volume is there without it too. A
// mapping of an instance store volume, or one that takes a device away, makes
// no volume.
func (c *ec2Call) disks(p *wire.Params, s state.System, ts state.Tags) ([]state.Disk, *wire.Error) {
	all := []state.Disk{{Device: s.RootDevice, Spec: state.VolumeSpec{Type: "gp3", SizeGiB: s.RootGiB}, DeleteOnTermination: true, Tags: ts}}
	seen := map[string]bool{}
	for _, m := range p.Items("BlockDeviceMapping") {
		k := state.Disk{Device: m.Text("DeviceName"), DeleteOnTermination: m.Flag("Ebs.DeleteOnTermination") || !m.Has("Ebs.DeleteOnTermination"), Tags: ts}
		var err *wire.Error
		if k.Spec, err = c.volumeSpec(m.At("Ebs"), "VolumeSize"); err != nil {
			return nil, err
		}
		if err := checkMapping(m, s); err != nil {
			return nil, err
		}
		if seen[k.Device] {
			return nil, wire.Invalid("InvalidBlockDeviceMapping", "Duplicate device name '"+k.Device+"'")
		}
		seen[k.Device] = true
		switch {
		case !m.Has("Ebs"):
		case k.Device == s.RootDevice:
			if k.Spec.SizeGiB == 0 {
				k.Spec.SizeGiB = s.RootGiB
			}
			if k.Spec.Type == "" {
				k.Spec.Type = "gp3"
			}
			all[0] = k
		default:
			all = append(all, k)
		}
	}
	for n := range all {
		if err := completed(&all[n].Spec); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// checkMapping refuses a mapping that contradicts itself.
func checkMapping(m *wire.Params, s state.System) *wire.Error {
	device, virtual := m.Text("DeviceName"), m.Text("VirtualName")
	kinds := 0
	for _, is := range []bool{m.At("NoDevice").Set, virtual != "", m.Has("Ebs")} {
		if is {
			kinds++
		}
	}
	switch {
	case device == "":
		return missingParameter("deviceName")
	case kinds != 1:
		return wire.Invalid("InvalidBlockDeviceMapping", "The mapping of "+device+" must be one of ebs, virtualName and noDevice")
	case device == s.RootDevice && !m.Has("Ebs"):
		return wire.Invalid("InvalidBlockDeviceMapping", "The root device "+device+" of the image must be an EBS volume")
	case virtual != "" && !virtualName.MatchString(virtual):
		return wire.Invalid("InvalidBlockDeviceMapping", "'"+virtual+"' is not a virtual device such as ephemeral0")
	}
	return checkDevice(device)
}
