package state

import "time"

// System is the software of an image and how AWS bills it. The pairs of
// platform details and usage operation are those of "AMI billing information
// fields" in the EC2 User Guide.
type System struct {
	Name            string // as used in this package
	image           string
	PlatformDetails string
	UsageOperation  string
	Windows         bool
	RootDevice      string
	RootGiB         int64
}

// The images of the account that RunInstances knows. Any other image id counts
// as Amazon Linux.
const (
	ImageLinux         = "ami-0a1b2c3d4e5f60001"
	ImageWindows       = "ami-0a1b2c3d4e5f60002"
	ImageWindowsSQLStd = "ami-0a1b2c3d4e5f60006"
	ImageWindowsSQLEnt = "ami-0a1b2c3d4e5f60102"
	ImageWindowsBYOL   = "ami-0a1b2c3d4e5f60800"
	ImageRHEL          = "ami-0a1b2c3d4e5f60010"
	ImageSUSE          = "ami-0a1b2c3d4e5f6000c"
	ImageUbuntuPro     = "ami-0a1b2c3d4e5f60f00"
)

// Systems are the images that RunInstances knows.
func Systems() []System {
	return []System{
		{"linux", ImageLinux, "Linux/UNIX", "RunInstances", false, "/dev/xvda", 8},
		{"windows", ImageWindows, "Windows", "RunInstances:0002", true, "/dev/sda1", 30},
		{"windows-sql-std", ImageWindowsSQLStd, "Windows with SQL Server Standard", "RunInstances:0006", true, "/dev/sda1", 50},
		{"windows-sql-ent", ImageWindowsSQLEnt, "Windows with SQL Server Enterprise", "RunInstances:0102", true, "/dev/sda1", 50},
		{"windows-byol", ImageWindowsBYOL, "Windows BYOL", "RunInstances:0800", true, "/dev/sda1", 30},
		{"rhel", ImageRHEL, "Red Hat Enterprise Linux", "RunInstances:0010", false, "/dev/sda1", 10},
		{"suse", ImageSUSE, "SUSE Linux", "RunInstances:000g", false, "/dev/sda1", 10},
		{"ubuntu-pro", ImageUbuntuPro, "Ubuntu Pro", "RunInstances:0g00", false, "/dev/sda1", 8},
	}
}

// SystemNamed finds a system by its name here; false where there is none.
func SystemNamed(name string) (System, bool) {
	for _, s := range Systems() {
		if s.Name == name {
			return s, true
		}
	}
	return System{}, false
}

// SystemOf is the system of an image; unknown images are Amazon Linux.
func SystemOf(image string) System {
	all := Systems()
	for _, s := range all {
		if s.image == image {
			return s
		}
	}
	linux := all[0]
	linux.image = image
	return linux
}

func (s System) slower(d time.Duration) time.Duration {
	if s.Windows {
		return 2 * d
	}
	return d
}
